-- Every setting of the run exactly as it ran, then what was planned with it.
WITH settings AS (
    SELECT substr(t.fullkey, 3) AS parameter, coalesce(t.atom ->> '$', 'null') AS value, t.id AS place
    FROM run_started r, json_tree(r.config) t
    WHERE t.atom IS NOT NULL
    UNION ALL
    SELECT substr(t.fullkey, 3), t.value::VARCHAR, t.id FROM run_started r, json_tree(r.config) t
    WHERE t.atom IS NULL AND (t.value::VARCHAR = '[]' OR t.value::VARCHAR = '{}')
), plan AS (
    SELECT unnest([
        {'parameter': 'plan: λ values', 'value': array_to_string(lambdas, ', '), 'place': 1000001},
        {'parameter': 'plan: seeds', 'value': array_to_string(seeds, ', '), 'place': 1000002},
        {'parameter': 'plan: stages', 'value': array_to_string(stages, ', '), 'place': 1000003},
        {'parameter': 'plan: tasks', 'value': array_to_string(tasks, ', '), 'place': 1000004},
        {'parameter': 'plan: confidence', 'value': confidence::VARCHAR, 'place': 1000005},
        {'parameter': 'plan: significance level', 'value': alpha::VARCHAR, 'place': 1000006},
        {'parameter': 'plan: retention margin', 'value': retention_margin::VARCHAR, 'place': 1000007}
    ], recursive := true)
    FROM run_planned
)
SELECT parameter, value FROM (FROM settings UNION ALL FROM plan) ORDER BY place, parameter
