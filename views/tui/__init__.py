"""The terminal view: a run, live or long finished. It reads the log and nothing else."""
