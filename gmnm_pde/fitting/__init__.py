"""Fitting a drawn mixture: the discretization, one fit, its error estimate, and the search over widths."""
