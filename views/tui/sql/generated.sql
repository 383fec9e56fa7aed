-- How many answers has each stage given on each task, in how much engine time (whole microseconds)?
SELECT stage, task, count(*)::BIGINT AS generated, count(busy_s)::BIGINT AS timed,
    sum(trunc(coalesce(busy_s, 0) * 1000000)::BIGINT)::BIGINT AS busy_us,
    sum(output_tokens)::BIGINT AS output_tokens,
    min(epoch_us(time))::BIGINT AS first_us, max(epoch_us(time))::BIGINT AS last_us
FROM sample_generated GROUP BY stage, task
