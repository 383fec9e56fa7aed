"""What the terminal shows, without a terminal: folded state, pages by SQL, and the threads that keep both fresh."""
