-- What does each λ cost and keep, task by task? Exploratory: the planned comparisons are in results.
-- uses: cells
-- by sample_answered: policy, lambda, task
SELECT "lambda", task, policy, samples, seeds, total_time_s, baseline_total_time_s, early_stop_rate, accuracy,
    baseline_accuracy, quality_retention, item_retention, speedup, speedup_unit, mean_cost, basis, nature
FROM cells
WHERE task <> 'all'
ORDER BY policy, "lambda", task
