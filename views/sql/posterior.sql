-- The Bayesian view of the paired table of one seed: how probable is it that the policy is better, or as good?
-- by statistics_computed: name, task, lambda
-- only statistics_computed: name LIKE '%posterior'
SELECT name, task, lam AS "lambda", samples, (details ->> 'seed')::BIGINT AS seed,
    estimate AS accuracy_difference,
    list_filter(intervals, lambda i: i.level = 0.95)[1].low AS accuracy_difference_low,
    list_filter(intervals, lambda i: i.level = 0.95)[1].high AS accuracy_difference_high,
    list_filter(intervals, lambda i: i.level = 0.95)[1].method AS interval_method,
    (details ->> 'probability_better')::DOUBLE AS probability_better,
    (details ->> 'rope_half_width')::DOUBLE AS rope_half_width,
    (details ->> 'probability_in_rope')::DOUBLE AS probability_in_rope,
    (details ->> 'retention')::DOUBLE AS quality_retention,
    (details ->> '$.retention_95[0]')::DOUBLE AS quality_retention_low,
    (details ->> '$.retention_95[1]')::DOUBLE AS quality_retention_high,
    (details ->> 'both')::BIGINT AS both_right, (details ->> 'only_ours')::BIGINT AS only_ours,
    (details ->> 'only_baseline')::BIGINT AS only_baseline, (details ->> 'neither')::BIGINT AS neither_right,
    rng_seed, method, (SELECT nature FROM run_started LIMIT 1) AS nature
FROM statistics_computed
WHERE name LIKE '%posterior'
ORDER BY "lambda", task = 'all', task
