-- How far can the predictor's probabilities be trusted, stage by stage? Means over seeds, on samples not fitted on.
-- Estimates as if stages before had not run, which skipping needs, are left out.
-- by predictor_calibrated: stage, role
SELECT stage, role,
    count(*)::BIGINT AS seeds,
    string_agg(DISTINCT method, '+' ORDER BY method) AS calibration,
    exact_mean(samples) AS mean_samples,
    exact_mean(brier) AS brier, exact_mean(log_loss) AS log_loss, exact_mean(auroc) AS auroc, exact_mean(ece) AS ece,
    min(auroc) AS auroc_least_seed, max(auroc) AS auroc_best_seed,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM predictor_calibrated
WHERE "after" IS NULL
GROUP BY stage, role
ORDER BY stage, role
