"""Places at which equations and conditions are looked at between the stages of steps, and what fields are there."""

import math
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.faces import Side, parts_of
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.places import Face
from gmnm_pde.models.modes import Product

_PLACES = {1: 9, 2: 4, 3: 2}
"""Places along each coordinate, by how many coordinates there are."""


class Within:
    """A few places in the domain or in a part of it.

    Args:
        statements: The problem.
        part: The name of the part; none where equations hold everywhere.

    Attributes:
        normals: None here.
    """

    normals: Tensor | None = None

    def __init__(self, statements: Statements, part: str = ""):
        self._statements = statements
        domain = statements.problem.domain
        bounds = (parts_of(domain)[part] if part else domain).bounds
        self._bounds = [bounds[k] for k in statements.space]
        self._basis: Product | None = None
        self._rows: dict[tuple[int, ...], list[Tensor]] = {}

    @property
    def volume(self) -> float:
        """Of what they stand for."""
        return math.prod(high - low for low, high in self._bounds)

    def points(self, basis: Product) -> Tensor:
        """The places, [n, space], whatever the modes."""
        del basis
        return self._points

    def values(self, basis: Product, coefficients: Tensor, orders: tuple[int, ...]) -> Tensor:
        """A derivative of expansions of fields there, those of each part's fields: [times, branches, n]."""
        if self._basis is not basis:
            self._basis, self._rows = basis, {}
        if orders not in self._rows:
            each = zip(basis.lines, self._lines, orders, strict=True)
            self._rows[orders] = [line.rows(places, order) for line, places, order in each]
        return self._statements.in_parts(basis.along_axes(self._rows[orders], coefficients))

    def held(self, basis: Product, time: float) -> Tensor:
        """Where what is stated holds at a time, 1 at each place."""
        del basis, time
        return torch.ones(len(self._points), dtype=torch.float64)

    @cached_property
    def _lines(self) -> list[Tensor]:
        """Places along each coordinate, spread unevenly."""
        generator = torch.Generator().manual_seed(3)
        count = _PLACES.get(len(self._bounds), 2)
        draws = [torch.rand(count, generator=generator, dtype=torch.float64) for _ in self._bounds]
        parts = [(torch.arange(count) + own) / count for own in draws]
        return [low + (high - low) * own for (low, high), own in zip(self._bounds, parts, strict=True)]

    @cached_property
    def _points(self) -> Tensor:
        return torch.stack([grid.flatten() for grid in torch.meshgrid(*self._lines, indexing="ij")], dim=1)


class OnSide:
    """The points of the quadrature on a plane where a condition holds.

    Args:
        statements: The problem.
        side: The condition.
    """

    def __init__(self, statements: Statements, side: Side):
        self._statements, self._side = statements, side
        self._face: tuple[Product, Face] | None = None

    @property
    def volume(self) -> float:
        """Of what a condition acts on: all of the space."""
        return math.prod(high - low for low, high in self._statements.bounds)

    @property
    def normals(self) -> Tensor | None:
        """Of the plane, [n, d], as it was last asked for."""
        return None if self._face is None else self._face[1].normals

    def points(self, basis: Product) -> Tensor:
        """The places, [n, space]."""
        return self._on(basis).points

    def values(self, basis: Product, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        """A derivative of expansions of fields there, those of each part's fields: [times, branches, n]."""
        return self._on(basis).values(coefficients, orders)

    def held(self, basis: Product, time: float) -> Tensor:
        """Where the condition holds at a time, 1 or 0 at each place."""
        points = self.points(basis)
        if self._side.always:
            return torch.ones(len(points), dtype=torch.float64)
        return self._side.holds(self._statements.joined(points, torch.tensor([time], dtype=torch.float64))).double()

    def _on(self, basis: Product) -> Face:
        if self._face is None or self._face[0] is not basis:
            self._face = (basis, Face(self._side, self._statements, basis))
        return self._face[1]


Spots = Within | OnSide
