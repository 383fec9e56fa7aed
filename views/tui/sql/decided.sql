-- How far is each policy, λ, task and seed, how often was it right, early, and how often was the last stage right?
SELECT policy, lam, task, seed, count(*)::BIGINT AS answered, count_if(correct)::BIGINT AS correct,
    count_if(early)::BIGINT AS early, count_if(baseline_correct)::BIGINT AS baseline_correct
FROM sample_answered GROUP BY policy, lam, task, seed
