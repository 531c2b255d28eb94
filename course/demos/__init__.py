"""Live demonstrations. Each is driven by the student's own function, and each also is a static picture."""
