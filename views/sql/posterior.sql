-- The Bayesian view of the paired table of one seed: how probable is it that the policy is better, or as good?
-- by statistics_computed: name, task, lambda
SELECT name, task, lam AS "lambda", samples, (details ->> 'seed')::BIGINT AS seed,
    estimate AS accuracy_difference,
    list_filter(intervals, lambda i: i.level = 0.95)[1].low AS accuracy_difference_low,
    list_filter(intervals, lambda i: i.level = 0.95)[1].high AS accuracy_difference_high,
    list_filter(intervals, lambda i: i.level = 0.95)[1].method AS interval_method,
    (details ->> 'probability_better')::DOUBLE AS probability_better,
    (details ->> 'rope_half_width')::DOUBLE AS rope_half_width,
    (details ->> 'probability_in_rope')::DOUBLE AS probability_in_rope,
    method
FROM statistics_computed
WHERE name LIKE '%posterior'
ORDER BY "lambda", task
