-- Where do samples stop at each λ? Shares are over answers (sample and seed); 'reached' counts those that used the stage.
-- by sample_answered: policy, lambda
WITH stops AS (
    SELECT policy, lam AS "lambda", stage, count(*)::BIGINT AS stopped
    FROM sample_answered GROUP BY ALL
), stages AS (
    SELECT DISTINCT policy, lam AS "lambda", s.stage
    FROM sample_answered, (SELECT DISTINCT stage FROM sample_generated UNION SELECT DISTINCT stage FROM sample_answered) s
)
SELECT "lambda", policy, stage,
    coalesce(stopped, 0) AS stopped,
    sum(coalesce(stopped, 0)) OVER (
        PARTITION BY policy, "lambda" ORDER BY stage DESC ROWS UNBOUNDED PRECEDING
    )::BIGINT AS reached,
    coalesce(stopped, 0) / sum(stopped) OVER (PARTITION BY policy, "lambda") AS stop_share,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM stages LEFT JOIN stops USING (policy, "lambda", stage)
ORDER BY policy, "lambda", stage
