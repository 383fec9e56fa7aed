-- What ran, when, how did it end? total_time_s is wall clock from the first start to the last event of the runner.
WITH attempts AS (
    SELECT time, command, 1 AS attempt FROM run_started
    UNION ALL SELECT time, command, attempt FROM run_resumed
), ended AS (
    SELECT time, 'finished' AS state, NULL AS message FROM run_finished
    UNION ALL SELECT time, 'failed', error || ': ' || message FROM run_failed
    UNION ALL SELECT time, 'running or interrupted', NULL FROM run_resumed
), last AS (
    SELECT state, message FROM ended ORDER BY time DESC LIMIT 1
), lasting AS (
    SELECT coalesce(
        (SELECT max(time) FROM run_finished),
        (SELECT max(time) FROM events WHERE stream = (SELECT min(stream) FROM run_started))
    ) AS time
)
SELECT r.run, r.name, r.runner, r.nature, r.parent,
    strftime(r.time AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS started,
    (SELECT strftime(max(time) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') FROM run_finished) AS finished,
    epoch_us(l.time)::BIGINT / 1000000 - epoch_us(r.time)::BIGINT / 1000000 AS total_time_s,
    coalesce((SELECT state FROM last), 'running or interrupted') AS state,
    (SELECT message FROM last) AS message,
    (SELECT count(*)::BIGINT FROM attempts) AS attempts,
    (SELECT count(*)::BIGINT FROM log_recovered) AS recoveries,
    array_to_string(r.command, ' ') AS command,
    r.config_sha256, r.durability, r.asd_version
FROM run_started r, lasting l
ORDER BY r.run
