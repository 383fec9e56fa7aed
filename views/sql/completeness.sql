-- Did everything happen that was planned? missing = planned − done − failed; failed units are never wrong answers.
WITH planned AS (
    SELECT entry.key AS unit, entry.value AS planned
    FROM (SELECT unnest(map_entries(units)) AS entry FROM run_planned)
), done AS (
    SELECT kind, count(*)::BIGINT AS done FROM events GROUP BY kind
), failed AS (
    SELECT count(DISTINCT (sample, stage))::BIGINT AS failed FROM sample_failed f
    WHERE NOT EXISTS (FROM sample_generated g WHERE g.sample = f.sample AND g.stage = f.stage)
)
SELECT p.unit, p.planned, coalesce(d.done, 0) AS done,
    CASE WHEN p.unit LIKE '%generated' THEN f.failed ELSE 0 END AS failed,
    p.planned - coalesce(d.done, 0) - CASE WHEN p.unit LIKE '%generated' THEN f.failed ELSE 0 END AS missing
FROM planned p LEFT JOIN done d ON d.kind = p.unit OR d.kind = 'sample.' || p.unit, failed f
ORDER BY p.unit
