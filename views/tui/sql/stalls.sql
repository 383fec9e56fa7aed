-- How often was the log silent for longer than $stall microseconds, and how long at most? A break before a resume is none.
WITH second AS (
    SELECT epoch_us(time) // 1000000 AS second, min(epoch_us(time)) AS first_us, max(epoch_us(time)) AS last_us
    FROM events GROUP BY second
), silence AS (
    SELECT first_us, first_us - lag(last_us) OVER (ORDER BY second) AS lasted FROM second
)
SELECT count(*)::BIGINT AS stalls, coalesce(max(lasted), 0)::BIGINT AS longest
FROM silence
WHERE lasted > $stall AND first_us NOT IN (SELECT epoch_us(time) FROM run_resumed)
