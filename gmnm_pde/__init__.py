"""Differential equations solved with Gaussian mixture networks and other neural approximators."""

import sys as _sys

from gmnm_pde import registry
from gmnm_pde._doors import explained as _explained
from gmnm_pde._doors import known as _known
from gmnm_pde._elsewhere import missing as _missing
from gmnm_pde._errors import GmnmError, NumericalWarning
from gmnm_pde.callbacks import CSVLogger, TensorBoardLogger
from gmnm_pde.collocation.moving import Resampling, ResidualAdaptive
from gmnm_pde.compare import compare
from gmnm_pde.eigenmodes import eigenmodes
from gmnm_pde.evolution.tolerance import Tolerance
from gmnm_pde.geometry import (
    Annulus,
    Ball,
    Box,
    DiffusionCone,
    Disk,
    Ellipse,
    Interval,
    Mesh,
    PlanarMesh,
    PointCloud,
    Polygon,
    Rectangle,
    SignedDistance,
    SphericalShell,
    Time,
    Triangle,
    WholeSpace,
    read_mesh,
)
from gmnm_pde.jets import jet
from gmnm_pde.methods import LBFGS, SOAP, Adam, GaussNewton, LeastSquares, ProximalGaussNewton, SelfScaled
from gmnm_pde.methods.weighting import Causal, GradientNorm, ReLoBRaLo, SelfAdaptive
from gmnm_pde.models import (
    GMNM,
    KAN,
    MLP,
    RBF,
    SIREN,
    Embedded,
    FourierFeatures,
    Gabor,
    Mixture,
    ModifiedMLP,
    Partition,
    Patchwork,
    PeriodicEmbedding,
    PirateNet,
    Separable,
)
from gmnm_pde.operators import biharmonic, curl, diff, div, grad, integral, laplacian, mean, normal_derivative
from gmnm_pde.results.comparison import Comparison
from gmnm_pde.results.history import History
from gmnm_pde.results.posterior import Posterior
from gmnm_pde.results.report import Report
from gmnm_pde.results.solution import Solution, load_solution
from gmnm_pde.results.spectrum import Spectrum
from gmnm_pde.run.progress import Progress
from gmnm_pde.solve import solve
from gmnm_pde.statement.conditions import Condition, Dirichlet, Initial, Neumann, Observations, Periodic, Robin
from gmnm_pde.statement.events import Event
from gmnm_pde.statement.images import image
from gmnm_pde.statement.interfaces import Interface
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.scalars import Bounded, Positive
from gmnm_pde.statement.tables import table

__version__ = "0.1.0"

from gmnm_pde.ensembles import Ensemble, solve_many
from gmnm_pde.strategies.boxes import Boxes
from gmnm_pde.strategies.evolution import Evolution

__all__ = [
    # Domains
    "Interval",
    "Rectangle",
    "Box",
    "Triangle",
    "Polygon",
    "Disk",
    "Ellipse",
    "Annulus",
    "Ball",
    "SphericalShell",
    "WholeSpace",
    "DiffusionCone",
    "SignedDistance",
    "PointCloud",
    "Mesh",
    "PlanarMesh",
    "read_mesh",
    "Time",
    "Tolerance",
    "solve_many",
    "Ensemble",
    # Operators
    "diff",
    "grad",
    "div",
    "curl",
    "laplacian",
    "biharmonic",
    "normal_derivative",
    "integral",
    "mean",
    # Problems
    "Problem",
    "ProximalGaussNewton",
    "Dirichlet",
    "Neumann",
    "Robin",
    "Initial",
    "Periodic",
    "Observations",
    "Condition",
    "Interface",
    "Event",
    "Evolution",
    "Boxes",
    "Positive",
    "Bounded",
    "table",
    "image",
    "registry",
    # Solving
    "solve",
    "eigenmodes",
    "compare",
    # Results
    "Solution",
    "load_solution",
    "Report",
    "History",
    "Posterior",
    "Progress",
    "CSVLogger",
    "TensorBoardLogger",
    "Spectrum",
    "Comparison",
    # Models
    "Mixture",
    "GMNM",
    "RBF",
    "MLP",
    "KAN",
    "FourierFeatures",
    "SIREN",
    "ModifiedMLP",
    "PirateNet",
    "Separable",
    "Gabor",
    "PeriodicEmbedding",
    "Embedded",
    "Partition",
    "Patchwork",
    # Methods
    "LeastSquares",
    "GaussNewton",
    "SelfScaled",
    "LBFGS",
    "Adam",
    "SOAP",
    # Points and weights that change while a model trains
    "Resampling",
    "ResidualAdaptive",
    "Causal",
    "GradientNorm",
    "ReLoBRaLo",
    "SelfAdaptive",
    # Derivatives of a model's outputs
    "jet",
    # Errors and warnings
    "GmnmError",
    "NumericalWarning",
]

for _kind in [globals()[name] for name in __all__]:
    if isinstance(_kind, type) and not issubclass(_kind, Exception):
        _explained(_kind)
_known(solve, solve)


def __getattr__(name: str) -> object:
    raise _missing(name, _sys.modules[__name__])
