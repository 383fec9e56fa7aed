-- What came in each second of the latest minutes?
SELECT epoch_us(time) // 1000000 AS second, count(*)::BIGINT AS events,
    count_if(kind = 'sample.generated')::BIGINT AS generated, count_if(kind = 'sample.answered')::BIGINT AS answered
FROM events
WHERE time >= (SELECT max(time) FROM events) - to_seconds($window + 1)
GROUP BY second ORDER BY second
