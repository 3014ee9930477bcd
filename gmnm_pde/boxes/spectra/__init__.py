"""Eigenvalue problems on boxes."""
