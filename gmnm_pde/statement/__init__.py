"""Stating a problem: conditions, terms, what they need of the unknowns, and whether they hang together."""
