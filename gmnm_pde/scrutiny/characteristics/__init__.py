"""Characteristics of first-order and hyperbolic equations, followed to the conditions that hold at their ends."""

from gmnm_pde.scrutiny.characteristics.families import Jets as Jets
from gmnm_pde.scrutiny.characteristics.free import free_characteristics as free_characteristics
