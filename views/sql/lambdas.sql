-- What does each λ cost and keep, over all tasks? total_time_s is one pass over the evaluation samples, seeds averaged.
-- uses: cells
-- What fits on a narrow terminal comes first.
-- by sample_answered: policy, lambda
SELECT "lambda", "lambda" IS NOT DISTINCT FROM (SELECT max(lam) FROM lambda_chosen) AS chosen,
    early_stop_rate, accuracy, quality_retention, speedup, total_time_s, baseline_total_time_s, baseline_accuracy,
    item_retention, speedup_unit, mean_cost, baseline_mean_cost, samples, seeds, policy, basis, nature
FROM cells
WHERE task = 'all'
ORDER BY policy, "lambda"
