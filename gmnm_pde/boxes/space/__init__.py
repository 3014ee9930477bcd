"""Boxes in space: coupled by the traces of values alone and a balance of fluxes, and cut by surfaces."""
