-- How long did each task take, per sample and per stage's answer? GPU use is the mean of the readings during the task.
-- by sample_generated: task
WITH wall AS (
    SELECT phase AS task, exact_sum(duration_s) AS wall_clock_s FROM phase_finished GROUP BY phase
), spans AS (
    SELECT f.phase AS task, to_microseconds((f.duration_s * 1000000)::BIGINT) AS lasted, f.time AS ended
    FROM phase_finished f
), use AS (
    SELECT s.task, exact_mean(d.utilization) AS mean_gpu_use
    FROM spans s JOIN device_sampled d ON d.time BETWEEN s.ended - s.lasted AND s.ended
    WHERE d.device LIKE 'gpu%'
    GROUP BY s.task
), answered AS (
    SELECT task, count(DISTINCT sample)::BIGINT AS samples, count(*)::BIGINT AS answers,
        exact_mean(latency_s) AS mean_generation_s,
        exact_mean(first_token_s) AS mean_first_token_s,
        exact_mean(prefill_s) AS mean_prefill_s,
        exact_mean(decode_s) AS mean_decode_s,
        exact_mean(queue_s) AS mean_queue_s,
        exact_sum(busy_s) AS busy_s,
        string_agg(DISTINCT nature, '+' ORDER BY nature) AS nature
    FROM sample_generated GROUP BY task
)
SELECT a.task, a.samples, a.answers, w.wall_clock_s, w.wall_clock_s / a.samples AS mean_time_per_sample_s,
    a.mean_first_token_s, a.mean_generation_s, a.mean_queue_s, a.mean_prefill_s, a.mean_decode_s, a.busy_s,
    u.mean_gpu_use, a.nature
FROM answered a LEFT JOIN wall w USING (task) LEFT JOIN use u USING (task)
ORDER BY a.task
