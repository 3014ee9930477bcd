"""Layered networks, and how derivatives pass through them."""
