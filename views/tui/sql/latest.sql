-- Which event is the last one in the log's order?
SELECT kind, coalesce(subject, '') AS subject FROM events
WHERE time = (SELECT max(time) FROM events)
ORDER BY stream DESC, seq DESC LIMIT 1
