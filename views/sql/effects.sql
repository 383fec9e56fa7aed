-- How large are the paired differences, and what could these samples have shown? Planned questions only.
-- b and c are the samples that only the policy or only the baseline answers rightly, means over seeds.
-- by statistics_computed: name, task, lambda
SELECT name, task, lam AS "lambda", samples, seeds, estimate AS accuracy_difference,
    (details ->> 'only_ours')::DOUBLE AS only_ours,
    (details ->> 'only_baseline')::DOUBLE AS only_baseline,
    (details ->> 'only_ours')::DOUBLE / nullif((details ->> 'only_baseline')::DOUBLE, 0) AS matched_odds_ratio,
    (details ->> 'cohens_h')::DOUBLE AS cohens_h,
    (details ->> 'minimum_detectable_difference')::DOUBLE AS minimum_detectable_difference
FROM statistics_computed
WHERE name LIKE 'accuracy-difference%' AND name NOT LIKE '%posterior' AND name NOT LIKE '%cell'
    AND details ->> 'only_ours' IS NOT NULL
ORDER BY name, "lambda", task
