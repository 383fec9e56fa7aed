-- Is any evaluation sample an ancestor of a predictor? shared_samples and shared_prompts must be 0 for every seed.
-- A predictor's ancestors are the samples of its seed's other roles (fit, calibrate, certify); prompts are compared by text.
-- by split_assigned: seed
-- by predictor_trained: seed
WITH roles AS (
    SELECT seed, role, unnest(samples) AS sample FROM split_assigned
), prompts AS (
    SELECT r.seed, r.role = 'evaluate' AS evaluated, r.sample, p.prompt
    FROM roles r LEFT JOIN sample_planned p ON p.sample = r.sample
)
SELECT e.seed,
    count(*) FILTER (e.evaluated)::BIGINT AS evaluation_samples,
    count(*) FILTER (NOT e.evaluated)::BIGINT AS ancestor_samples,
    (SELECT count(*)::BIGINT FROM (
        SELECT sample FROM prompts a WHERE a.seed = e.seed AND a.evaluated
        INTERSECT SELECT sample FROM prompts b WHERE b.seed = e.seed AND NOT b.evaluated)) AS shared_samples,
    (SELECT count(*)::BIGINT FROM (
        SELECT prompt FROM prompts a WHERE a.seed = e.seed AND a.evaluated AND prompt IS NOT NULL
        INTERSECT SELECT prompt FROM prompts b WHERE b.seed = e.seed AND NOT b.evaluated)) AS shared_prompts,
    (SELECT count(*)::BIGINT FROM predictor_trained t WHERE t.seed = e.seed) AS predictors
FROM prompts e
GROUP BY e.seed
ORDER BY e.seed
