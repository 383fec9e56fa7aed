-- How large are the paired differences, and what could these samples have shown? Planned questions only.
-- b and c are the samples that only the policy or only the baseline answers rightly, means over seeds. The least
-- detectable difference and the attainable margin (the best retention that a test could show were both equally
-- accurate) have the run's significance level and this power; samples in clusters count for n / design_effect.
-- The rows 'speedup' are there where answers have times: d_z of ln(our time / baseline time), negative where ours is faster.
-- by statistics_computed: name, task, lambda
-- only statistics_computed: (details ->> 'only_ours' IS NOT NULL AND name NOT LIKE '%posterior' AND name NOT LIKE '%cell') OR effect LIKE 'd_z%'
SELECT name, task, lam AS "lambda", samples, seeds,
    CASE WHEN name LIKE 'accuracy%' THEN estimate END AS accuracy_difference,
    (details ->> 'only_ours')::DOUBLE AS only_ours,
    (details ->> 'only_baseline')::DOUBLE AS only_baseline,
    (details ->> 'only_ours')::DOUBLE / nullif((details ->> 'only_baseline')::DOUBLE, 0) AS matched_odds_ratio,
    (details ->> '$.odds_ratio_95[0]')::DOUBLE AS odds_ratio_low, (details ->> '$.odds_ratio_95[1]')::DOUBLE AS odds_ratio_high,
    (details ->> 'cohens_h')::DOUBLE AS cohens_h, CASE WHEN effect LIKE 'd_z%' THEN effect_size END AS d_z,
    (details ->> 'minimum_detectable_difference')::DOUBLE AS minimum_detectable_difference,
    (details ->> 'attainable_margin')::DOUBLE AS attainable_margin_retention,
    (details ->> 'design_effect')::DOUBLE AS design_effect, (details ->> 'power')::DOUBLE AS power,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM statistics_computed
WHERE name LIKE 'accuracy-difference%' AND name NOT LIKE '%posterior' AND name NOT LIKE '%cell'
    AND details ->> 'only_ours' IS NOT NULL OR effect LIKE 'd_z%'
ORDER BY name, "lambda", task = 'all', task
