-- At which stage did each policy stop, at each λ?
SELECT policy, lam, stage, count(*)::BIGINT AS stopped FROM sample_answered GROUP BY policy, lam, stage
