"""How the equations of stages are solved: by factorised matrices, or without any."""

from gmnm_pde.evolution.solvers.choice import solver_of as solver_of
from gmnm_pde.evolution.solvers.direct import Direct as Direct
from gmnm_pde.evolution.solvers.protocol import Size as Size
from gmnm_pde.evolution.solvers.protocol import Stages as Stages
from gmnm_pde.evolution.solvers.protocol import StageSolver as StageSolver
from gmnm_pde.evolution.solvers.protocol import roundings as roundings
