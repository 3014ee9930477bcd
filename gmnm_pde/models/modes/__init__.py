"""Functions of space and of time in which a solution is expanded as it is marched."""

from gmnm_pde.models.modes.cells import Cells as Cells
from gmnm_pde.models.modes.line import Line as Line
from gmnm_pde.models.modes.local_cells import LocalCells as LocalCells
from gmnm_pde.models.modes.piecewise import Piecewise as Piecewise
from gmnm_pde.models.modes.piecewise import product_of as product_of
from gmnm_pde.models.modes.polynomials import Polynomials as Polynomials
from gmnm_pde.models.modes.product import Product as Product
from gmnm_pde.models.modes.product import applied as applied
from gmnm_pde.models.modes.radau import Radau as Radau
from gmnm_pde.models.modes.radau import radau as radau
from gmnm_pde.models.modes.waves import Waves as Waves
