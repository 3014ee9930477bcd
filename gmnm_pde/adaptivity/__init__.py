"""Solve, estimate, mark, refine: the adaptive loop, and what it refines."""
