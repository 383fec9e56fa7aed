-- What did the policy make of each sample at each λ? Seeds averaged per sample first.
-- A row per policy, λ and sample; times are seconds, costs are in units of stage 0's mean cost.
-- by sample_answered: policy, lambda, task, sample
SELECT policy, lam AS "lambda", task, sample,
    count(*)::BIGINT AS seeds,
    exact_mean(correct::INT) AS accuracy,
    exact_mean(baseline_correct::INT) AS baseline_accuracy,
    exact_mean((correct AND baseline_correct)::INT) AS both_correct,
    exact_mean(early::INT) AS early,
    exact_mean(stage) AS stage,
    exact_mean(cost) AS cost,
    exact_mean(baseline_cost) AS baseline_cost,
    exact_mean(time_s) AS time_s,
    exact_mean(baseline_time_s) AS baseline_time_s,
    min(basis) AS basis,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM sample_answered
GROUP BY policy, lam, task, sample
ORDER BY policy, lam, task, sample
