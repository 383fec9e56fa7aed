-- Which questions were fixed before the first sample, with which method?
SELECT h.name, h.question, h.method, h.family, h.exploratory
FROM (SELECT unnest(hypotheses) AS h FROM run_planned)
