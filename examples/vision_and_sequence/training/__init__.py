"""Training: one loop for every network, in one process or several, with checkpoints."""
