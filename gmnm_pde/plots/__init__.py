"""Figures of solutions, histories and components."""
