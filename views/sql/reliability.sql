-- The reliability diagrams: of the answers given a probability, what share was right?
-- by predictor_calibrated: stage, role
WITH bins AS (
    SELECT seed, stage, role, unnest(reliability, recursive := true), generate_subscripts(reliability, 1) AS bin
    FROM predictor_calibrated WHERE "after" IS NULL
)
SELECT stage, role, bin, sum(samples)::BIGINT AS samples,
    exact_sum(samples * predicted) / nullif(sum(samples), 0) AS predicted,
    exact_sum(samples * observed) / nullif(sum(samples), 0) AS observed,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM bins
GROUP BY stage, role, bin
ORDER BY stage, role, bin
