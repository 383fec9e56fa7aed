-- How good and how dear is each stage alone, over every sample that it answered?
-- Accuracy is k/n; draws of one sample are averaged first. relative_cost: stage 0 = 1, in measured seconds, or where
-- answers have no times in what decisions reckon with; cost_basis says what that is.
-- uses: stage_tasks
-- by sample_graded: stage
-- by sample_generated: stage
-- by cost_measured: stage
WITH all_tasks AS (
    SELECT stage, min(model) AS model,
        sum(samples)::BIGINT AS samples,
        exact_sum(correct_samples) AS correct_samples,
        sum(input_tokens)::BIGINT AS input_tokens,
        sum(output_tokens)::BIGINT AS output_tokens,
        CASE WHEN count(total_latency_s) = count(*) THEN exact_sum(total_latency_s) END AS total_latency_s,
        CASE WHEN count(total_busy_s) = count(*) THEN exact_sum(total_busy_s) END AS total_busy_s,
        CASE WHEN count(total_first_token_s) = count(*) THEN exact_sum(total_first_token_s) END AS total_first_token_s,
        sum(answers)::BIGINT AS answers,
        string_agg(DISTINCT nature, '+' ORDER BY nature) AS nature
    FROM stage_tasks GROUP BY stage
)
SELECT s.stage, s.model, s.samples, s.answers, s.correct_samples,
    s.correct_samples / s.samples AS accuracy,
    s.total_latency_s / s.answers AS mean_latency_s,
    s.total_busy_s / s.answers AS mean_busy_s,
    s.total_first_token_s / s.answers AS mean_first_token_s,
    nullif(s.input_tokens, 0) / s.answers AS mean_input_tokens,
    nullif(s.output_tokens, 0) / s.answers AS mean_output_tokens,
    coalesce(c.relative_cost, c.policy_cost) AS relative_cost, c.theoretical_cost, c.policy_cost, c.basis AS cost_basis,
    s.nature
FROM all_tasks s LEFT JOIN cost_measured c USING (stage)
ORDER BY s.stage
