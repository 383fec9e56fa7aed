-- Every event of the kinds that a run has few of, in the log's order.
SELECT run, stream, seq, epoch_us(time)::BIGINT AS us, id, kind, v, subject, cause, data
FROM events WHERE kind IN (SELECT unnest($kinds))
ORDER BY time, stream, seq
