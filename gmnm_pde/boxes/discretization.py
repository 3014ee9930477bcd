"""What a box is solved with: polynomials inside and on faces, the points of quadrature, and tables of all of these."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.boxes.cut_faces import CutFace
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.multiindex import Alpha

_OVER = 2
"""Jumps at faces are tested with polynomials of so many more degrees than traces have."""

_TRACE = 0.72
"""The degree of traces, in parts of that of the boxes: a box satisfies no more than about four fifths."""


_INWARD = 1e-10
"""Points in space keep so far from faces, on which coefficients may jump, in parts of half a side."""

_TRACE_IN_SPACE = 0.68
"""The same in three dimensions."""


def gauss(count: int, dimension: int) -> tuple[Tensor, Tensor]:
    """Gauss points of [-1, 1]^dimension, [m, dimension], and weights that sum to 1, [m]."""
    nodes, weights = (torch.from_numpy(each) for each in np.polynomial.legendre.leggauss(count))
    if not dimension:
        return nodes.new_zeros(1, 0), nodes.new_ones(1)
    points = torch.tensor(list(product(nodes.tolist(), repeat=dimension)), dtype=torch.float64)
    each = torch.tensor(list(product((weights / 2).tolist(), repeat=dimension)), dtype=torch.float64)
    return points, each.prod(dim=1)


def alternating(count: int) -> tuple[Tensor, Tensor]:
    """A quarter of the points of Clenshaw and Curtis' rule in [-1, 1]^3, [m, 3], and weights that sum to 1, [m].

    Kept are those whose numbers along the axes are all even or all odd: they tell polynomials of a total degree
    below ``count`` apart as the whole grid does (S. De Marchi, M. Vianello, Y. Xu, BIT 49, 2009, with other weights).
    """
    steps = torch.arange(count + 1, dtype=torch.float64)
    moments = torch.tensor([0.0 if k % 2 else 2 / (1 - k * k) for k in range(count + 1)], dtype=torch.float64)
    moments[[0, -1]] /= 2
    weights = torch.cos(torch.pi / count * steps[:, None] * steps) @ moments / count
    weights[[0, -1]] /= 2
    nodes, parts = (1 - _INWARD) * torch.cos(torch.pi / count * steps), [slice(0, None, 2), slice(1, None, 2)]
    points = torch.cat([torch.cartesian_prod(*[nodes[part]] * 3) for part in parts])
    each = torch.cat([torch.cartesian_prod(*[weights[part]] * 3).prod(dim=1) for part in parts])
    return points, each / each.sum()


@dataclass(frozen=True)
class Degrees:
    """The degrees of a discretisation in ``dimension`` coordinates.

    Attributes:
        dimension: Number of coordinates.
        inside: The total degree of the polynomials of a box.
        on_faces: That of traces.
        across: How many traces each field has: of values, of first derivatives across faces, and so on.
    """

    dimension: int
    inside: int
    on_faces: int
    across: tuple[int, ...] = (2,)

    @classmethod
    def of(cls, dimension: int, inside: int, across: tuple[int, ...] = (2,)) -> "Degrees":
        """With the degree of traces that suits that of the boxes."""
        return cls(dimension, inside, round((_TRACE if dimension < 3 else _TRACE_IN_SPACE) * inside), across)

    @cached_property
    def kinds(self) -> tuple[tuple[int, int], ...]:
        """The traces of a face: the numbers of their fields, and the orders of their derivatives across."""
        return tuple((field, order) for field, count in enumerate(self.across) for order in range(count))

    @property
    def own(self) -> int:
        """How many unknowns a box has."""
        return len(self.across) * len(self.basis)

    @property
    def face_size(self) -> int:
        """How many a face has: by rising degree of polynomials, a coefficient of each trace in turn."""
        return len(self.kinds) * len(self.traces)

    @cached_property
    def basis(self) -> TotalDegree:
        """The polynomials of a box."""
        return TotalDegree(self.dimension, self.inside)

    @cached_property
    def traces(self) -> TotalDegree:
        """The polynomials of a trace."""
        return TotalDegree(self.dimension - 1, self.on_faces)

    @cached_property
    def tests(self) -> TotalDegree:
        """What jumps at faces are tested with."""
        return TotalDegree(self.dimension - 1, self.on_faces + _OVER)

    @cached_property
    def inner(self) -> tuple[Tensor, Tensor]:
        """Points in a box, and their weights.

        Of several fields some may occur without derivatives, and then a Legendre polynomial of the highest degree would
        be zero at as many points.
        """
        count = self.inside + int(len(self.across) > 1)
        return gauss(count, self.dimension) if self.dimension < 3 else alternating(count)

    @cached_property
    def outer(self) -> tuple[Tensor, Tensor]:
        """Points on a face, and their weights."""
        return gauss(self.inside + 1, self.dimension - 1)

    @cached_property
    def moments(self) -> Tensor:
        """From values at the points of a face to moments, [tests, points]."""
        points, weights = self.outer
        zero = (0,) * (self.dimension - 1)
        return (self.tests.jet(points, (zero,))[zero] * weights[:, None]).mT

    def inside_table(self, alphas: tuple[Alpha, ...]) -> dict[Alpha, Tensor]:
        """Derivatives of the polynomials by the box's own coordinates at its points, [points, count] each."""
        return self.basis.jet(self.inner[0], alphas)

    def on_face(self, layout: Layout, face: Face, box: int) -> list[Tensor]:
        """A box's polynomials on one of its faces: moments of their derivatives across, by order, [tests, count]."""
        if isinstance(face, CutFace):
            points, moments = face.tested(self.tests)
        else:
            points, moments = layout.points_of(face, box, self.outer[0]), self.moments
        points = (points - layout.middles[box]) / layout.halves[box]
        across = [tuple(n * int(k == face.axis) for k in range(self.dimension)) for n in range(max(self.across))]
        table = self.basis.jet(points, across)
        return [moments @ table[alpha] for alpha in across]
