-- Which samples are planned, for which task?
SELECT sample, task FROM sample_planned ORDER BY time, stream, seq
