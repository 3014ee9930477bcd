"""Gaussian mixtures: the paper's module, its forms, and the recipe by which they are drawn."""
