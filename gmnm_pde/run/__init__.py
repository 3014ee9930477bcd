"""The run of a solve, beside its mathematics: tolerance, limits, evaluation, log, checkpoint."""
