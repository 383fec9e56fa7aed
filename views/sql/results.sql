-- The main table: what does the policy keep and save on each task, at the chosen λ (every λ where none was chosen)?
-- The row 'all' is there where there are several tasks. Intervals and p-values are those that the run's own analysis computed; p_value is adjusted within its family.
-- uses: cells
-- by sample_answered: policy, lambda, task
-- by statistics_computed: lambda, task
-- only statistics_computed: replace(name, ' ', '-') IN ('accuracy-difference', 'speedup', 'quality-retention')
WITH chosen AS (
    SELECT * FROM cells
    WHERE ("lambda" = (SELECT max(lam) FROM lambda_chosen) OR NOT EXISTS (FROM lambda_chosen))
        AND (task <> 'all' OR (SELECT count(DISTINCT task) FROM cells) > 2)
), questions AS (
    SELECT *, replace(name, ' ', '-') AS question,
        list_filter(intervals, lambda i: i.level = 0.95)[1] AS interval95 FROM statistics_computed
)
SELECT c.task, c.samples, c.baseline_accuracy, c.accuracy, c.speedup, c.quality_retention,
    a.p_adjusted AS p_value, a.p_value AS p_value_raw, a.effect_size, a.effect, c."lambda",
    s.interval95.low AS speedup_low, s.interval95.high AS speedup_high,
    r.interval95.low AS quality_retention_low, r.interval95.high AS quality_retention_high,
    c.accuracy_difference,
    a.interval95.low AS accuracy_difference_low, a.interval95.high AS accuracy_difference_high,
    c.item_retention, c.early_stop_rate, c.correct_samples, c.baseline_correct_samples,
    c.total_time_s, c.baseline_total_time_s, c.mean_cost, c.baseline_mean_cost, c.speedup_unit,
    a.method AS p_value_method, a.interval95.method AS accuracy_difference_method, s.interval95.method AS speedup_method,
    r.interval95.method AS quality_retention_method,
    c.seeds, a.clusters, c.policy, c.basis, c.nature
FROM chosen c
LEFT JOIN questions a ON a.question = 'accuracy-difference' AND a.task = c.task AND (a.lam IS NULL OR a.lam = c."lambda")
LEFT JOIN questions s ON s.question = 'speedup' AND s.task = c.task AND (s.lam IS NULL OR s.lam = c."lambda")
LEFT JOIN questions r ON r.question = 'quality-retention' AND r.task = c.task AND (r.lam IS NULL OR r.lam = c."lambda")
ORDER BY c.policy, c."lambda", c.task = 'all', c.task
