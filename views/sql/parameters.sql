-- Every setting of the run exactly as it ran, a list as one, then what was planned with it.
WITH tree AS (
    SELECT t.* FROM run_started r, json_tree(r.config) t
), lists AS (
    SELECT id, fullkey FROM tree WHERE type = 'ARRAY' AND id NOT IN (SELECT parent FROM tree WHERE type IN ('ARRAY', 'OBJECT') AND parent IS NOT NULL)
), settings AS (
    SELECT substr(fullkey, 3) AS parameter, coalesce(atom ->> '$', 'null') AS value, id AS place
    FROM tree WHERE type NOT IN ('ARRAY', 'OBJECT') AND parent NOT IN (SELECT id FROM lists)
    UNION ALL
    SELECT substr(l.fullkey, 3),
        '[' || coalesce(string_agg(CASE WHEN e.id IS NOT NULL THEN coalesce(e.atom ->> '$', 'null') END, ', ' ORDER BY e.id), '') || ']', l.id
    FROM lists l LEFT JOIN tree e ON e.parent = l.id GROUP BY l.fullkey, l.id
    UNION ALL
    SELECT substr(fullkey, 3), '{}', id FROM tree WHERE value::VARCHAR = '{}'
), plan AS (
    SELECT unnest([
        {'parameter': 'plan: λ values', 'value': '[' || array_to_string(lambdas, ', ') || ']', 'place': 1000001},
        {'parameter': 'plan: seeds', 'value': '[' || array_to_string(seeds, ', ') || ']', 'place': 1000002},
        {'parameter': 'plan: stages', 'value': '[' || array_to_string(stages, ', ') || ']', 'place': 1000003},
        {'parameter': 'plan: tasks', 'value': '[' || array_to_string(tasks, ', ') || ']', 'place': 1000004},
        {'parameter': 'plan: confidence', 'value': confidence::VARCHAR, 'place': 1000005},
        {'parameter': 'plan: significance level', 'value': alpha::VARCHAR, 'place': 1000006},
        {'parameter': 'plan: retention margin', 'value': retention_margin::VARCHAR, 'place': 1000007}
    ], recursive := true)
    FROM run_planned
)
SELECT parameter, value FROM (FROM settings UNION ALL FROM plan) ORDER BY place, parameter
