-- What does each part of the method bring? The last arm of an ablation leaves the part out; the others are tested against it.
-- improvement_factor = speedup of this arm / speedup of the last arm; the gains are differences to the last arm.
-- loss_saved: by how much this arm's mean loss (cost + λ·error, stage 0's cost = 1) is below the last arm's; p_value tests it.
-- Those of runs that vary this one (`asd-runner ablate`) are here too; run says whose events a row is made of.
-- by ablation_measured: ablation
-- only statistics_computed: name LIKE 'ablation:%'
WITH arms AS (
    SELECT * FROM ablation_measured UNION ALL SELECT * FROM children.ablation_measured
), tests AS (
    SELECT * FROM statistics_computed UNION ALL SELECT * FROM children.statistics_computed
), began AS (
    SELECT run, parent, nature FROM run_started UNION ALL SELECT run, parent, nature FROM children.run_started
)
SELECT a.ablation, a.arm, a.samples, a.accuracy, a.quality_retention, a.speedup, a.cost_accuracy,
    a.speedup / last_value(a.speedup) OVER others AS improvement_factor,
    a.accuracy - last_value(a.accuracy) OVER others AS accuracy_gain,
    a.cost_accuracy - last_value(a.cost_accuracy) OVER others AS cost_accuracy_gain,
    s.estimate AS loss_saved, s.p_adjusted AS p_value, s.effect_size, s.effect,
    a.details ->> 'auroc' AS auroc, a.basis, b.nature, a.run, b.parent
FROM arms a
LEFT JOIN began b ON b.run = a.run
LEFT JOIN tests s ON s.run = a.run
    AND s.name IN ('ablation: ' || a.ablation, 'ablation: ' || a.ablation || ': ' || a.arm)
WINDOW others AS (PARTITION BY a.run, a.ablation ORDER BY a.seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
ORDER BY a.run, a.seq
