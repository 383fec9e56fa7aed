-- What does each stage score where a benchmark's own measure is a share and not right or wrong (TruthfulQA's MC2)?
-- mean_score is that measure; a score above ½ counts as right, and accuracy is how many are. Draws are averaged first.
-- by sample_graded: task, stage
WITH graded AS (
    SELECT task, stage, grader, sample, exact_mean(score) AS score, exact_mean(correct::INT) AS accuracy
    FROM sample_graded WHERE score IS NOT NULL GROUP BY task, stage, grader, sample
)
SELECT task, stage, grader, count(*)::BIGINT AS samples,
    exact_mean(score) AS mean_score, exact_mean(accuracy) AS accuracy,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM graded GROUP BY task, stage, grader
ORDER BY task, stage, grader
