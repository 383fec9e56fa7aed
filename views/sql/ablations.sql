-- What does each part of the method bring? The last arm of an ablation leaves the part out.
-- improvement_factor = speedup of this arm / speedup of the last arm; the gains are differences to the last arm.
-- by ablation_measured: ablation
-- only statistics_computed: name LIKE 'ablation:%'
SELECT a.ablation, a.arm, a.samples, a.accuracy, a.quality_retention, a.speedup, a.cost_accuracy,
    a.speedup / last_value(a.speedup) OVER arms AS improvement_factor,
    a.accuracy - last_value(a.accuracy) OVER arms AS accuracy_gain,
    a.cost_accuracy - last_value(a.cost_accuracy) OVER arms AS cost_accuracy_gain,
    s.p_adjusted AS p_value, s.effect_size, s.effect,
    a.basis, (SELECT nature FROM run_started LIMIT 1) AS nature
FROM ablation_measured a
LEFT JOIN statistics_computed s ON s.name = 'ablation: ' || a.ablation
WINDOW arms AS (PARTITION BY a.ablation ORDER BY a.seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
ORDER BY a.ablation, a.seq
