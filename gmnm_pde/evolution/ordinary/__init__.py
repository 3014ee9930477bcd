"""Problems in time alone: ordinary differential equations and differential-algebraic ones."""

from gmnm_pde.evolution.ordinary.march import OrdinaryMarch as OrdinaryMarch
from gmnm_pde.evolution.ordinary.prepare import Ordinary as Ordinary
