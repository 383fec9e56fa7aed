-- How many answers of each stage on each task are graded, and how many of them are right?
SELECT stage, task, count(*)::BIGINT AS graded, count_if(correct)::BIGINT AS correct
FROM sample_graded GROUP BY stage, task
