-- Interruptions and resumes: when did each attempt begin, how did it end, and how long was the gap before it?
WITH began AS (
    SELECT stream, seq, time, 1::BIGINT AS attempt, command FROM run_started
    UNION ALL SELECT stream, seq, time, attempt, command FROM run_resumed
), bounds AS (
    SELECT *, lead(seq) OVER (PARTITION BY stream ORDER BY seq) AS next_seq FROM began
), ends AS (
    SELECT b.attempt, max(e.seq) AS last_seq, max(e.time) AS ended
    FROM bounds b JOIN events e ON e.stream = b.stream AND e.seq >= b.seq AND (b.next_seq IS NULL OR e.seq < b.next_seq)
    WHERE e.kind <> 'log.recovered'
    GROUP BY b.attempt
)
SELECT b.attempt,
    strftime(b.time AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS started,
    strftime(e.ended AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS last_event,
    (epoch_us(e.ended) - epoch_us(b.time)) / 1000000 AS active_s,
    (epoch_us(b.time) - epoch_us(lag(e.ended) OVER (ORDER BY b.attempt))) / 1000000 AS gap_before_s,
    CASE WHEN EXISTS (FROM run_finished f WHERE f.stream = b.stream AND f.seq = e.last_seq) THEN 'finished'
        WHEN EXISTS (FROM run_failed f WHERE f.stream = b.stream AND f.seq BETWEEN b.seq AND e.last_seq) THEN 'failed'
        WHEN b.next_seq IS NOT NULL THEN 'killed' ELSE 'running or killed' END AS ended,
    array_to_string(b.command, ' ') AS command
FROM bounds b JOIN ends e USING (attempt)
ORDER BY b.attempt
