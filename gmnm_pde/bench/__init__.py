"""Scoreboards: this library on problems that others have published scores for."""
