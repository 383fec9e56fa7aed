-- What did the devices do over the run? Shares are 0 to 1; readings are not weighted by the time between them.
-- by device_sampled: device
SELECT device,
    count(*)::BIGINT AS readings,
    exact_mean(utilization) AS mean_utilization,
    max(utilization) AS peak_utilization,
    exact_mean(memory_used_bytes / memory_total_bytes) AS mean_memory_share,
    max(memory_used_bytes / memory_total_bytes) AS peak_memory_share,
    max(memory_used_bytes) AS peak_memory_bytes,
    exact_mean(temperature_c) AS mean_temperature_c,
    max(temperature_c) AS peak_temperature_c,
    exact_mean(power_w) AS mean_power_w,
    max(power_w) AS peak_power_w,
    max(energy_j) - min(energy_j) AS energy_j,
    count(*) FILTER (len(throttle_reasons) > 0)::BIGINT AS readings_throttled
FROM device_sampled
GROUP BY device
ORDER BY device
