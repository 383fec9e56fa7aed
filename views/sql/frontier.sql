-- Accuracy against cost for every policy and setting, averaged over seeds. cost_share 1 is the last stage alone.
-- on_path: a price that is there only to draw the frontier; for these, there is the task 'all' only.
-- by policy_evaluated: policy, setting, task
-- by router_asked: policy
SELECT policy, setting, task,
    count(*)::BIGINT AS seeds,
    sum(samples)::BIGINT AS answers,
    exact_mean(accuracy) AS accuracy,
    exact_mean(cost) AS cost_share,
    exact_mean(early_stop_rate) AS early_stop_rate,
    min(accuracy) AS accuracy_least_seed, max(accuracy) AS accuracy_best_seed,
    min(cost) AS cost_share_least_seed, max(cost) AS cost_share_most_seed,
    bool_or(chosen) AS chosen,
    bool_and(on_path) AS on_path,
    string_agg(DISTINCT basis, '+' ORDER BY basis) AS basis,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM policy_evaluated
GROUP BY policy, setting, task
ORDER BY task, policy, min(seq)
