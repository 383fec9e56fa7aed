-- How many events are of a kind, or of a version, that this build does not know?
SELECT count(*)::BIGINT AS events FROM events e
LEFT JOIN (SELECT unnest($kinds) AS kind, unnest($versions) AS newest) k ON k.kind = e.kind
WHERE k.kind IS NULL OR e.v > k.newest
