-- What does each λ cost and keep, over all tasks? total_time_s is one pass over the evaluation samples, seeds averaged.
-- uses: cells
SELECT "lambda", policy, samples, seeds, total_time_s, baseline_total_time_s, early_stop_rate, accuracy,
    baseline_accuracy, quality_retention, item_retention, speedup, speedup_unit, mean_cost, baseline_mean_cost,
    "lambda" IS NOT DISTINCT FROM (SELECT max(lam) FROM lambda_chosen) AS chosen,
    basis, nature
FROM cells
WHERE task = 'all'
ORDER BY policy, "lambda"
