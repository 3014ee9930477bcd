"""The form of the discretised equations that serves some modes best."""

from gmnm_pde.evolution.banded import BandedGalerkin
from gmnm_pde.evolution.galerkin import Galerkin
from gmnm_pde.evolution.reading import Statements
from gmnm_pde.models.modes import Piecewise, Product


def system_of(statements: Statements, basis: Product) -> Galerkin:
    """The equations of the coefficients of some modes."""
    return BandedGalerkin(statements, basis) if isinstance(basis, Piecewise) else Galerkin(statements, basis)
