-- Which model is each stage, on what does it run, what does it cost, and are its files the right ones?
-- uses: stages
-- by sample_graded: stage
-- by sample_generated: stage
-- by cost_measured: stage
-- by stage_loaded: stage
-- by model_checked: stage
WITH loaded AS (
    SELECT stage, arg_max(model, seq) AS model, arg_max(engine, seq) AS engine, arg_max(nature, seq) AS nature,
        arg_max(gpus, seq) AS gpus, arg_max(tensor_parallel, seq) AS tensor_parallel, arg_max(dtype, seq) AS dtype,
        arg_max(parameters, seq) AS parameters, max(memory_bytes) AS memory_bytes,
        count(*)::BIGINT AS loads, exact_sum(load_s) AS load_s
    FROM stage_loaded GROUP BY stage
), checked AS (
    SELECT stage, arg_max(model, seq) AS model, arg_max(path, seq) AS path, arg_max(against, seq) AS against,
        arg_max(files_ok, seq) AS files_ok, arg_max(files_total, seq) AS files_total,
        arg_max(weights_sha256, seq) AS weights_sha256,
        arg_max(list_filter(files, lambda f: f.state <> 'ok'), seq) AS notable
    FROM model_checked GROUP BY stage
), named AS (
    SELECT stage FROM loaded UNION SELECT stage FROM checked UNION SELECT stage FROM stages
)
SELECT n.stage, coalesce(l.model, k.model, s.model) AS model, k.path, l.engine,
    array_to_string(l.gpus, ', ') AS gpus, l.tensor_parallel, l.memory_bytes AS gpu_memory_bytes,
    s.mean_latency_s, s.relative_cost, s.accuracy,
    l.parameters, l.dtype, l.load_s,
    k.files_ok, k.files_total, k.against AS checked_against,
    array_to_string(list_transform(k.notable, lambda f: f.name || ' (' || f.state || ')'), ', ') AS files_not_ok,
    k.weights_sha256, coalesce(l.nature, s.nature) AS nature
FROM named n LEFT JOIN loaded l USING (stage) LEFT JOIN checked k USING (stage) LEFT JOIN stages s USING (stage)
ORDER BY n.stage
