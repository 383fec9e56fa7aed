-- Where did the time go? Phases partition the run: what lies between them is 'other', time between attempts 'interrupted'.
-- uses: run, attempts
WITH phase AS (
    SELECT f.phase, count(*)::BIGINT AS entries, exact_sum(f.duration_s) AS time_s,
        min(coalesce((SELECT min(s.seq) FROM phase_started s WHERE s.phase = f.phase), f.seq)) AS place
    FROM phase_finished f GROUP BY f.phase
), gap AS (
    SELECT coalesce(exact_sum(gap_before_s), 0) AS time_s FROM attempts
), total AS (
    SELECT exact_sum(total_time_s) AS time_s FROM run
), rows AS (
    SELECT phase, entries, time_s, place FROM phase
    UNION ALL SELECT 'interrupted', NULL, time_s, 1e15 FROM gap WHERE time_s > 0
    UNION ALL SELECT 'other', NULL,
        total.time_s - gap.time_s - coalesce((SELECT exact_sum(time_s) FROM phase), 0), 2e15 FROM total, gap
    UNION ALL SELECT 'total', NULL, time_s, 3e15 FROM total
)
SELECT phase, entries, time_s, time_s / nullif((SELECT time_s FROM total), 0) AS share
FROM rows
ORDER BY place
