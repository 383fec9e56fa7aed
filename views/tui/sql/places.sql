-- How far is each stream, how many events are there of each kind, when came the first and the last?
SELECT stream, kind, count(*)::BIGINT AS events, max(seq) AS last_seq,
    min(epoch_us(time))::BIGINT AS first_us, max(epoch_us(time))::BIGINT AS last_us
FROM events GROUP BY stream, kind
