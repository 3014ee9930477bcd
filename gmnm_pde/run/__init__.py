"""What a solve carries beside its mathematics: tolerance, limits, evaluation, log, checkpoint."""
