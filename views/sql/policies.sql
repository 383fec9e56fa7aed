-- What does each policy's frontier come to, means over seeds? Costs are shares of the last stage's, at every price that was tried.
-- area: mean accuracy over costs from the cheapest stage's to the last's. random-mix is the hull of single models: what mixing them at random can give.
-- gap_closed: share of the way from there (0) to the oracle (1). seeds_above_mix: in how many seeds the area is above it.
-- by frontier_measured: policy
-- by policy_evaluated: policy
-- by router_asked: policy
WITH mix AS (
    SELECT seed, area FROM frontier_measured WHERE policy = 'random-mix'
)
SELECT f.policy,
    exact_mean(f.area) AS area,
    exact_mean(f.area - m.area) AS area_above_mix,
    count(*) FILTER (f.area > m.area)::BIGINT AS seeds_above_mix,
    count(*)::BIGINT AS seeds,
    CASE WHEN count(f.cost_at_retention) = count(*) THEN exact_mean(f.cost_at_retention) END AS cost_at_retention,
    min(f.retention) AS retention,
    exact_mean(f.gap_closed) AS gap_closed,
    exact_mean(f.hull_area) AS hull_area,
    min(f.area) AS area_least_seed, max(f.area) AS area_best_seed,
    stddev_samp(f.area) AS area_sd,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM frontier_measured f LEFT JOIN mix m USING (seed)
GROUP BY f.policy
ORDER BY area DESC, f.policy
