-- Every planned question and its answer, with the method and both intervals.
-- head_read is the head that it was computed from: the last event read of each stream. Events of version 1 do not say
-- it; for these it is the last event before their phase began.
-- by statistics_computed: name, task, lambda
SELECT name, task, lam AS "lambda", method, estimate,
    list_filter(intervals, lambda i: i.level = 0.95)[1].low AS low_95,
    list_filter(intervals, lambda i: i.level = 0.95)[1].high AS high_95,
    list_filter(intervals, lambda i: i.level = 0.99)[1].low AS low_99,
    list_filter(intervals, lambda i: i.level = 0.99)[1].high AS high_99,
    list_filter(intervals, lambda i: i.level = 0.95)[1].method AS interval_method,
    p_value, p_adjusted, family, effect_size, effect, samples, clusters, seeds, rng_seed, exploratory,
    coalesce(
        CASE WHEN head_of IS NULL THEN '' ELSE head_of || ': ' END
            || nullif(list_aggregate(list_transform(map_entries(head), lambda e: e.key || ' ' || e.value), 'string_agg', ', '), ''),
        (SELECT s.stream || ' ' || max(p.seq) FROM phase_started p WHERE p.stream = s.stream AND p.seq < s.seq)
    ) AS head_read,
    list_aggregate(list_transform(map_entries(versions), lambda e: e.key || ' ' || e.value), 'string_agg', ', ') AS versions,
    details::VARCHAR AS details,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM statistics_computed s
ORDER BY exploratory, family, name, "lambda", task
