"""What is true: events, their envelope, and the pure mathematics. No file, clock, network or randomness of its own."""
