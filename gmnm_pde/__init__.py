"""Differential equations solved with Gaussian mixture networks and other neural approximators."""

from gmnm_pde import registry as registry
from gmnm_pde._errors import GmnmError as GmnmError
from gmnm_pde._errors import NumericalWarning as NumericalWarning
from gmnm_pde.compare import compare as compare
from gmnm_pde.geometry import Box as Box
from gmnm_pde.geometry import Interval as Interval
from gmnm_pde.geometry import Rectangle as Rectangle
from gmnm_pde.geometry import Time as Time
from gmnm_pde.jets import jet as jet
from gmnm_pde.methods import LBFGS as LBFGS
from gmnm_pde.methods import Adam as Adam
from gmnm_pde.methods import GaussNewton as GaussNewton
from gmnm_pde.methods import LeastSquares as LeastSquares
from gmnm_pde.models import GMNM as GMNM
from gmnm_pde.models import KAN as KAN
from gmnm_pde.models import MLP as MLP
from gmnm_pde.models import RBF as RBF
from gmnm_pde.models import Embedded as Embedded
from gmnm_pde.models import FourierFeatures as FourierFeatures
from gmnm_pde.models import Mixture as Mixture
from gmnm_pde.operators import biharmonic as biharmonic
from gmnm_pde.operators import curl as curl
from gmnm_pde.operators import diff as diff
from gmnm_pde.operators import div as div
from gmnm_pde.operators import grad as grad
from gmnm_pde.operators import laplacian as laplacian
from gmnm_pde.operators import normal_derivative as normal_derivative
from gmnm_pde.results.comparison import Comparison as Comparison
from gmnm_pde.results.solution import Solution as Solution
from gmnm_pde.results.solution import load_solution as load_solution
from gmnm_pde.solve import solve as solve
from gmnm_pde.statement.conditions import Condition as Condition
from gmnm_pde.statement.conditions import Dirichlet as Dirichlet
from gmnm_pde.statement.conditions import Initial as Initial
from gmnm_pde.statement.conditions import Neumann as Neumann
from gmnm_pde.statement.conditions import Observations as Observations
from gmnm_pde.statement.conditions import Periodic as Periodic
from gmnm_pde.statement.conditions import Robin as Robin
from gmnm_pde.statement.problem import Problem as Problem

__version__ = "0.1.0"
