-- How good and how slow is each stage alone on each task? Draws of one sample are averaged first.
-- by sample_graded: stage, task
-- by sample_generated: stage, task
WITH graded AS (
    SELECT stage, task, sample, exact_mean(correct::INT) AS accuracy
    FROM sample_graded GROUP BY stage, task, sample
), quality AS (
    SELECT stage, task, count(*)::BIGINT AS samples, exact_sum(accuracy) AS correct_samples
    FROM graded GROUP BY stage, task
), speed AS (
    SELECT stage, task, arg_min(model, seq) AS model, count(*)::BIGINT AS answers,
        sum(input_tokens)::BIGINT AS input_tokens,
        sum(output_tokens)::BIGINT AS output_tokens,
        CASE WHEN count(latency_s) = count(*) THEN exact_sum(latency_s) END AS total_latency_s,
        CASE WHEN count(busy_s) = count(*) THEN exact_sum(busy_s) END AS total_busy_s,
        CASE WHEN count(first_token_s) = count(*) THEN exact_sum(first_token_s) END AS total_first_token_s,
        string_agg(DISTINCT nature, '+' ORDER BY nature) AS nature
    FROM sample_generated GROUP BY stage, task
)
SELECT stage, task, model, samples, answers, correct_samples,
    correct_samples / samples AS accuracy,
    total_latency_s / answers AS mean_latency_s,
    total_busy_s / answers AS mean_busy_s,
    total_first_token_s / answers AS mean_first_token_s,
    total_latency_s, total_busy_s, total_first_token_s, input_tokens, output_tokens, nature
FROM quality FULL JOIN speed USING (stage, task)
ORDER BY stage, task
