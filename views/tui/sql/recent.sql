-- The latest answers of the stages, oldest first.
SELECT stage, first_token_s, busy_s, output_tokens FROM (
    SELECT stage, first_token_s, busy_s, output_tokens, time, stream, seq
    FROM sample_generated ORDER BY time DESC, stream DESC, seq DESC LIMIT $rows
)
ORDER BY time, stream, seq
