-- How are the latencies of each stage distributed? Seconds from submission to the last token.
-- by sample_generated: stage, task
SELECT stage, task, count(latency_s)::BIGINT AS answers,
    exact_mean(latency_s) AS mean_latency_s,
    min(latency_s) AS least_latency_s,
    quantile_cont(latency_s, 0.25) AS p25_latency_s,
    quantile_cont(latency_s, 0.5) AS p50_latency_s,
    quantile_cont(latency_s, 0.75) AS p75_latency_s,
    quantile_cont(latency_s, 0.95) AS p95_latency_s,
    quantile_cont(latency_s, 0.99) AS p99_latency_s,
    max(latency_s) AS most_latency_s,
    string_agg(DISTINCT nature, '+' ORDER BY nature) AS nature
FROM sample_generated
GROUP BY stage, task
HAVING count(latency_s) > 0
ORDER BY stage, task
