-- On what did the run run? One row a field, from the last snapshot; installed packages are in packages.
WITH last AS (
    SELECT * FROM environment_captured ORDER BY time DESC, stream, seq DESC LIMIT 1
), gpu AS (
    SELECT unnest(gpus, recursive := true) FROM last
)
SELECT field, value FROM (
    SELECT unnest([
        {'place': 1.0, 'field': 'gpus', 'value': len(gpus)::VARCHAR},
        {'place': 3, 'field': 'gpu_memory_bytes_total', 'value': list_sum(list_transform(gpus, lambda g: g.memory_bytes))::BIGINT::VARCHAR},
        {'place': 4, 'field': 'cpu_model', 'value': cpu.model},
        {'place': 5, 'field': 'cpu_architecture', 'value': cpu.architecture},
        {'place': 6, 'field': 'cpu_cores', 'value': cpu.cores::VARCHAR},
        {'place': 7, 'field': 'cpu_threads', 'value': cpu.threads::VARCHAR},
        {'place': 8, 'field': 'cpu_threads_usable', 'value': cpu.usable::VARCHAR},
        {'place': 9, 'field': 'memory_bytes', 'value': memory_bytes::VARCHAR},
        {'place': 10, 'field': 'memory_available_bytes', 'value': memory_available_bytes::VARCHAR},
        {'place': 11, 'field': 'disk_bytes', 'value': disk_bytes::VARCHAR},
        {'place': 12, 'field': 'disk_used_bytes', 'value': disk_used_bytes::VARCHAR},
        {'place': 12.5, 'field': 'disk_share_used', 'value': round(100.0 * disk_used_bytes / disk_bytes, 1) || ' %'},
        {'place': 13, 'field': 'os', 'value': os},
        {'place': 14, 'field': 'kernel', 'value': kernel},
        {'place': 15, 'field': 'python', 'value': python},
        {'place': 16, 'field': 'cuda', 'value': cuda},
        {'place': 17, 'field': 'driver', 'value': driver},
        {'place': 18, 'field': 'torch', 'value': packages['torch']},
        {'place': 19, 'field': 'transformers', 'value': packages['transformers']},
        {'place': 20, 'field': 'vllm', 'value': packages['vllm']},
        {'place': 21, 'field': 'huggingface_hub', 'value': packages['huggingface-hub']},
        {'place': 22, 'field': 'packages', 'value': cardinality(packages)::VARCHAR},
        {'place': 23, 'field': 'git_commit', 'value': git.commit},
        {'place': 24, 'field': 'git_branch', 'value': git.branch},
        {'place': 25, 'field': 'git_clean', 'value': git.clean::VARCHAR},
        {'place': 26, 'field': 'git_diff_sha256', 'value': git.diff_sha256},
        {'place': 27, 'field': 'git_remote', 'value': git.remote},
        {'place': 28, 'field': 'git_committed_at', 'value': git.committed_at},
        {'place': 29, 'field': 'git_author', 'value': git.author}
    ], recursive := true) FROM last
    UNION ALL
    SELECT 2 + "index" / 1000, 'gpu_' || "index",
        concat_ws(', ', name, round(memory_bytes / 1e9, 2) || ' GB', 'compute capability ' || compute_capability,
            'power limit ' || power_limit_w || ' W')
    FROM gpu
    UNION ALL
    SELECT 40, 'variable_' || entry.key, entry.value
    FROM (SELECT unnest(map_entries(variables)) AS entry FROM last)
)
ORDER BY place, field
