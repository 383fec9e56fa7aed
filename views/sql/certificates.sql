-- Which λ surely keep the last stage's right answers? One row a test, from the largest λ down to the first that fails.
-- Item retention is the share kept of baseline_right; p_value is that of 'below the target', by method; certified λ are sure at alpha.
-- by retention_certified: seed
SELECT c.seed, t.lam AS "lambda", t.lam >= c.lam IS TRUE AS certified,
    t.kept / nullif(c.baseline_right, 0) AS item_retention,
    c.target, t.p_value, c.alpha, t.kept, c.baseline_right, c.samples, c.clusters, c.lam AS least_certified_lambda, c.policy, c.method,
    (SELECT nature FROM run_started LIMIT 1) AS nature
FROM (SELECT *, unnest(tested) AS t FROM retention_certified) c
ORDER BY c.policy, c.seed, t.lam DESC
