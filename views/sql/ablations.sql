-- What does each part of the method bring? improvement_factor = speedup of this arm / speedup of the least arm.
SELECT a.ablation, a.arm, a.samples, a.accuracy, a.quality_retention, a.speedup, a.cost_accuracy,
    a.speedup / min(a.speedup) OVER (PARTITION BY a.ablation) AS improvement_factor,
    s.p_adjusted AS p_value, s.effect_size, s.effect,
    a.basis, (SELECT nature FROM run_started LIMIT 1) AS nature
FROM ablation_measured a
LEFT JOIN statistics_computed s ON s.name = 'ablation/' || a.ablation
ORDER BY a.ablation, a.arm
