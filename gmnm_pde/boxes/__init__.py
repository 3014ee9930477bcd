"""Boxes that share only their faces: each a least squares leaf, coupled by the traces on its faces alone."""
