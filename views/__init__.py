"""What is seen: projections in SQL, the report, the terminal view, and the command lines."""
