"""Methods: they see a system, never a differential equation."""

from gmnm_pde.methods.least_squares import LeastSquares as LeastSquares
from gmnm_pde.methods.least_squares import Step as Step

METHODS = {"least-squares": LeastSquares}
"""What ``solve(..., method=name)`` builds."""
