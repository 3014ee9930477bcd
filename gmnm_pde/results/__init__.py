"""What a solve gives back: the solution, its report and its history."""
