"""Fitting a drawn mixture: where points go, one fit, its error estimate, and the ladder of growing fits."""
