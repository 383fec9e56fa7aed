-- From how much of the log was this read? The head of each stream.
SELECT run, stream, count(*)::BIGINT AS events, max(seq) AS last_seq,
    strftime(min(time) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS first_event,
    strftime(max(time) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS last_event
FROM events
GROUP BY run, stream
ORDER BY run, stream
