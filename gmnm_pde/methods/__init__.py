"""Methods: they see a system, never a differential equation."""

from gmnm_pde.methods.first_order import LBFGS as LBFGS
from gmnm_pde.methods.first_order import Adam as Adam
from gmnm_pde.methods.gauss_newton import GaussNewton as GaussNewton
from gmnm_pde.methods.least_squares import LeastSquares as LeastSquares
from gmnm_pde.methods.least_squares import Step as Step

METHODS = {"least-squares": LeastSquares, "gauss-newton": GaussNewton, "adam": Adam, "lbfgs": LBFGS}
"""What ``solve(..., method=name)`` builds."""
