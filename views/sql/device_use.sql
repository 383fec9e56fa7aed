-- What did each device do while a stage answered a task? Readings that fall into that time; shares are 0 to 1.
-- energy_j is what the device counted from the first to the last of them.
-- by device_sampled: device
WITH spans AS (
    SELECT row_number() OVER (ORDER BY f.stream, f.seq) AS span, f.phase AS task, l.stage,
        f.time - to_microseconds((f.duration_s * 1000000)::BIGINT) AS began, f.time AS ended
    FROM phase_finished f ASOF JOIN stage_loaded l ON f.time >= l.time
    WHERE f.phase IN (SELECT task FROM sample_generated)
), read AS (
    SELECT s.span, s.task, s.stage, d.* FROM spans s JOIN device_sampled d ON d.time BETWEEN s.began AND s.ended
), spent AS (
    SELECT task, stage, device, exact_sum(energy_j) AS energy_j
    FROM (SELECT span, task, stage, device, max(energy_j) - min(energy_j) AS energy_j FROM read GROUP BY ALL)
    GROUP BY ALL
)
SELECT r.task, r.stage, r.device,
    count(*)::BIGINT AS readings,
    exact_mean(r.utilization) AS mean_utilization,
    max(r.utilization) AS peak_utilization,
    max(r.memory_used_bytes) AS peak_memory_bytes,
    max(r.process_memory_bytes) AS peak_process_memory_bytes,
    exact_mean(r.power_w) AS mean_power_w,
    max(r.temperature_c) AS peak_temperature_c,
    any_value(e.energy_j) AS energy_j,
    count(*) FILTER (len(r.throttle_reasons) > 0)::BIGINT AS readings_throttled
FROM read r JOIN spent e ON e.task = r.task AND e.stage = r.stage AND e.device = r.device
GROUP BY r.task, r.stage, r.device
ORDER BY r.task, r.stage, r.device
