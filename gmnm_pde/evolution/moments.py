"""The fields at some times of a march, as functions of the solution see them: events, changes and invariants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.integrals import integrals
from gmnm_pde.evolution.steps import Step
from gmnm_pde.models.modes import Product, radau
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Placed, residuals
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.terms import Term

_PLACES = {1: 801, 2: 65, 3: 25}
"""Places along each coordinate, by how many coordinates there are."""


@dataclass(frozen=True)
class Moments:
    """The fields at some times.

    Attributes:
        times: When, [times].
        basis: In whose modes they are expanded.
        jets: They and their derivatives by time, each [times, fields, modes].
    """

    times: Tensor
    basis: Product
    jets: Sequence[Tensor]


def moments_in(step: Step, parts: Tensor, orders: int) -> Moments:
    """The fields, and so many derivatives by time, at parts [n] of a step."""
    method = radau(step.stages)
    jets = [
        torch.einsum("ns,sfm->nfm", method.lagrange(parts, order), step.states) / step.length**order
        for order in range(orders + 1)
    ]
    return Moments(step.start + parts * step.length, step.basis, jets)


class Observable:
    """A function of the solution, evaluated at moments of a march.

    Args:
        statements: The problem.
        term: The function.
    """

    def __init__(self, statements: Statements, term: Term):
        self._statements, self._term = statements, term
        self._asked = {alpha: statements.split(alpha) for alpha in term.trace.alphas}
        self.orders = max([in_time for _, in_time in self._asked.values()], default=0)
        self._basis: Product | None = None
        self._rows: dict[tuple[int, ...], list[Tensor]] = {}

    @property
    def is_whole(self) -> bool:
        """Whether it is made of means and integrals."""
        return bool(self._term.trace.over_space)

    def on_quadrature(self, moments: Moments, basis: Product) -> Tensor:
        """Its values at the points of the quadrature of a basis, [times, n]."""
        old = moments.basis
        jets = moments.jets if basis is old else [old.transfer(jet, basis) for jet in moments.jets]
        values = {alpha: basis.values(jets[order], orders) for alpha, (orders, order) in self._asked.items()}
        return self._evaluated(moments.times, basis.points, values, basis)

    def everywhere(self, moments: Moments) -> Tensor:
        """Its values all over space, [times, n, ...], the ends of each coordinate among them.

        A function with integrals is evaluated on their quadrature, [times, n].
        """
        basis = moments.basis
        if self._term.trace.over_space:
            return self.on_quadrature(moments, basis)
        values = {
            alpha: basis.along_axes(self._rows_of(basis, orders), moments.jets[order])
            for alpha, (orders, order) in self._asked.items()
        }
        found = self._evaluated(moments.times, self._places, values, basis)
        return found.unflatten(1, [len(own) for own in self._lines])

    @cached_property
    def _places(self) -> Tensor:
        """The places, [n, space]."""
        return torch.stack([grid.flatten() for grid in torch.meshgrid(*self._lines, indexing="ij")], dim=1)

    @cached_property
    def _lines(self) -> list[Tensor]:
        """The places along each coordinate."""
        bounds = self._statements.bounds
        return [torch.linspace(low, high, _PLACES[len(bounds)], dtype=torch.float64) for low, high in bounds]

    def _rows_of(self, basis: Product, orders: tuple[int, ...]) -> list[Tensor]:
        if self._basis is not basis:
            self._basis, self._rows = basis, {}
        if orders not in self._rows:
            each = zip(basis.lines, self._lines, orders, strict=True)
            self._rows[orders] = [line.rows(places, order) for line, places, order in each]
        return self._rows[orders]

    def _evaluated(self, times: Tensor, places: Tensor, values: Mapping[Alpha, Tensor], basis: Product) -> Tensor:
        points = self._statements.joined(places, times)
        placed = Placed(self._term, Cloud(points), integrate=integrals(basis))
        jets = {alpha: own.movedim(1, -1).flatten(0, 1) for alpha, own in values.items()}
        (value,) = residuals(self._statements.stated, placed, points, jets, ())[0].values()
        return value.detach().unflatten(0, (len(times), -1))
