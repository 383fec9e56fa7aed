-- Where did the time go? Phases partition the run: what lies between them is 'other', time between attempts 'interrupted'.
-- A phase that was cut off by an interruption counts up to the last event of its attempt; 'resuming' is what later
-- attempts spend outside of phases, on what has to be read again to go on.
-- uses: run, attempts
WITH began AS (
    SELECT phase, stream, seq, time, lead(seq) OVER (PARTITION BY stream, phase ORDER BY seq) AS again_seq
    FROM phase_started
), unfinished AS (
    SELECT b.phase, b.stream, b.seq, b.time, (
        SELECT min(r.seq) FROM run_resumed r WHERE r.stream = b.stream AND r.seq > b.seq
    ) AS resumed_seq
    FROM began b
    WHERE NOT EXISTS (
        FROM phase_finished f
        WHERE f.phase = b.phase AND f.stream = b.stream AND f.seq > b.seq
            AND (b.again_seq IS NULL OR f.seq < b.again_seq)
    )
), cut AS (
    SELECT u.phase, u.stream, u.seq, (epoch_us(max(e.time)) - epoch_us(u.time)) / 1000000 AS duration_s
    FROM unfinished u JOIN events e ON e.stream = u.stream AND e.seq >= u.seq
        AND (u.resumed_seq IS NULL OR e.seq < u.resumed_seq)
    WHERE e.kind <> 'log.recovered'
    GROUP BY u.phase, u.stream, u.seq, u.time
), entry AS (
    SELECT phase, stream, seq, duration_s, 0 AS unfinished FROM phase_finished
    UNION ALL SELECT phase, stream, seq, duration_s, 1 FROM cut
), again AS (
    SELECT coalesce((SELECT exact_sum(active_s) FROM attempts WHERE attempt > 1), 0) - coalesce((
        SELECT exact_sum(e.duration_s) FROM entry e
        WHERE EXISTS (FROM run_resumed r WHERE r.stream = e.stream AND r.seq < e.seq)
    ), 0) AS time_s
), phase AS (
    SELECT e.phase, count(*)::BIGINT AS entries, sum(e.unfinished)::BIGINT AS unfinished,
        exact_sum(e.duration_s) AS time_s,
        coalesce(
            (SELECT min(s.seq) FROM phase_started s WHERE s.phase = e.phase),
            (SELECT min(f.seq) FROM phase_finished f WHERE f.phase = e.phase)
        ) AS place
    FROM entry e GROUP BY e.phase
), gap AS (
    SELECT coalesce(exact_sum(gap_before_s), 0) AS time_s FROM attempts
), total AS (
    SELECT exact_sum(total_time_s) AS time_s FROM run
), rows AS (
    SELECT phase, entries, unfinished, time_s, place FROM phase
    UNION ALL SELECT 'interrupted', NULL, NULL, time_s, 1e15 FROM gap WHERE time_s > 0
    UNION ALL SELECT 'resuming', NULL, NULL, time_s, 15e14 FROM again WHERE EXISTS (FROM run_resumed)
    UNION ALL SELECT 'other', NULL, NULL,
        total.time_s - gap.time_s - again.time_s - coalesce((SELECT exact_sum(time_s) FROM phase), 0), 2e15
        FROM total, gap, again
    UNION ALL SELECT 'total', NULL, NULL, time_s, 3e15 FROM total
)
SELECT phase, entries, time_s, time_s / nullif((SELECT time_s FROM total), 0) AS share, unfinished
FROM rows
ORDER BY place
