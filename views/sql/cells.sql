-- What does each cell of policy, λ and task come to? Ratios of sums over the same samples, predictor time included.
-- The task 'all' holds every task. Speedup is in seconds where answers have times, else in cost; speedup_unit says which.
-- uses: answers
-- by sample_answered: policy, lambda, task
WITH cell AS (
    SELECT policy, "lambda", coalesce(task, 'all') AS task,
        count(*)::BIGINT AS samples,
        max(seeds) AS seeds,
        sum(seeds)::BIGINT AS answers,
        exact_sum(accuracy) AS correct,
        exact_sum(baseline_accuracy) AS baseline_correct,
        exact_sum(both_correct) AS both_correct,
        exact_sum(early) AS early,
        exact_sum(cost) AS cost,
        exact_sum(baseline_cost) AS baseline_cost,
        CASE WHEN count(time_s) = count(*) THEN exact_sum(time_s) END AS time_s,
        CASE WHEN count(baseline_time_s) = count(*) THEN exact_sum(baseline_time_s) END AS baseline_time_s,
        string_agg(DISTINCT basis, '+' ORDER BY basis) AS basis
    FROM answers
    GROUP BY GROUPING SETS ((policy, "lambda", task), (policy, "lambda"))
)
SELECT policy, "lambda", task, samples, seeds, answers,
    correct AS correct_samples,
    baseline_correct AS baseline_correct_samples,
    correct / samples AS accuracy,
    baseline_correct / samples AS baseline_accuracy,
    (correct - baseline_correct) / samples AS accuracy_difference,
    correct / nullif(baseline_correct, 0) AS quality_retention,
    both_correct / nullif(baseline_correct, 0) AS item_retention,
    early / samples AS early_stop_rate,
    cost / samples AS mean_cost,
    baseline_cost / samples AS baseline_mean_cost,
    time_s AS total_time_s,
    baseline_time_s AS baseline_total_time_s,
    coalesce(baseline_time_s / nullif(time_s, 0), baseline_cost / nullif(cost, 0)) AS speedup,
    CASE WHEN baseline_time_s / nullif(time_s, 0) IS NULL THEN 'cost' ELSE 's' END AS speedup_unit,
    basis,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM cell
ORDER BY policy, "lambda", task = 'all', task
