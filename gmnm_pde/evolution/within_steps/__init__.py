"""What happens within the steps of a march: between their stages, and where functions cross zero."""
