"""Boxes on a domain of several parts: each belongs to one part, and laws hold where parts meet."""
