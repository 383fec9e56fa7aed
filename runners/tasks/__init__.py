"""What is asked and how it is graded: one task a file."""
