"""How a stage answers: one engine a file."""
