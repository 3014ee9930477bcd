"""Methods: they see a system, never a differential equation."""

from gmnm_pde.methods.first_order import SOAP as SOAP
from gmnm_pde.methods.first_order import Adam as Adam
from gmnm_pde.methods.gauss_newton import GaussNewton as GaussNewton
from gmnm_pde.methods.least_squares import LeastSquares as LeastSquares
from gmnm_pde.methods.method import Method as Method
from gmnm_pde.methods.method import TrainingMethod as TrainingMethod
from gmnm_pde.methods.monitor import Step as Step
from gmnm_pde.methods.proximal import ProximalGaussNewton as ProximalGaussNewton
from gmnm_pde.methods.quasi_newton import LBFGS as LBFGS
from gmnm_pde.methods.quasi_newton import SelfScaled as SelfScaled

METHODS = {
    "least-squares": LeastSquares,
    "gauss-newton": GaussNewton,
    "proximal-gauss-newton": ProximalGaussNewton,
    "adam": Adam,
    "soap": SOAP,
    "lbfgs": LBFGS,
    "self-scaled": SelfScaled,
}
"""What ``solve(..., method=name)`` builds."""
