-- The latest readings of each device, oldest first.
SELECT device, epoch_us(time)::BIGINT AS us, utilization, memory_used_bytes, memory_total_bytes, temperature_c,
    power_w, throttle_reasons
FROM device_sampled
QUALIFY row_number() OVER (PARTITION BY device ORDER BY time DESC, stream DESC, seq DESC) <= $rows
ORDER BY time, stream, seq
