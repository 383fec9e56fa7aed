-- Every installed package of the last snapshot of the environment.
SELECT entry.key AS package, entry.value AS version
FROM (SELECT unnest(map_entries(packages)) AS entry
      FROM (FROM environment_captured ORDER BY time DESC, stream, seq DESC LIMIT 1))
ORDER BY package
