"""What the terminal shows, without a terminal: folded state, pages read by SQL, and the threads that keep both fresh."""
