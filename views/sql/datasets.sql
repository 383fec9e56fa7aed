-- Which rows were used, where do they come from, and how do they differ from those of the parent run?
-- by dataset_loaded: task, role
WITH before AS (
    SELECT task, role, samples_used, fingerprint FROM parent.dataset_loaded
)
SELECT d.task, d.role, d.hub_path, d.config, d.split, d.samples, d.samples_used,
    d.samples_used / nullif(d.samples, 0) AS share_used,
    d.clusters, d.fingerprint, d.licence, d.loaded_from,
    (SELECT parent FROM run_started LIMIT 1) AS compared_with,
    b.samples_used AS samples_used_before,
    d.samples_used - b.samples_used AS samples_difference,
    d.fingerprint = b.fingerprint AS same_rows
FROM dataset_loaded d LEFT JOIN before b ON b.task = d.task AND b.role = d.role
ORDER BY d.stream, d.seq
