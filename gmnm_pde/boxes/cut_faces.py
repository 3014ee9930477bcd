"""Faces in space of which only a part is inside the domain: polynomials on them are orthonormal at points of it."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gmnm_pde.boxes.layout import Face
from gmnm_pde.geometry.gauss import line, product_rule
from gmnm_pde.models.modes.legendre import TotalDegree

_SITES = 32
"""Places along each side of a face at which it is tried whether they are inside."""

_LEAST_SITES = 3
"""With fewer places inside a face is none."""

_EDGE = 1e-6
"""How near to the sides of a face the first and the last of these places are, in parts of it."""

_MORE = 3.0
"""So many times as many points as tests at least."""

_GROWTH, _TRIES = 1.4, 12
"""With fewer inside there are so many times as many along each side next, and so often."""


@dataclass(frozen=True)
class CutFace(Face):
    """The part of a face that lies inside a shape.

    Attributes:
        span: The ends of what surrounds the part.
        domain: The shape.
        filled: The part of the span that is inside.
        sites: Places inside, in [-1, 1]^2 of the span.
    """

    domain: "object" = None
    filled: float = 1.0
    sites: Tensor = field(default_factory=lambda: torch.zeros(0, 2), compare=False, repr=False)
    _known: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict, compare=False, repr=False)

    def points(self, unit: Tensor) -> Tensor:
        """Points of it, from points of [-1, 1]^2; such that are outside are moved to a known place inside."""
        outside = ~self._inside(unit)
        if bool(outside.any()):
            nearest = torch.cdist(unit[outside], self.sites).argmin(dim=1)
            unit = unit.clone()
            unit[outside] = self.sites[nearest]
        return super().points(unit)

    def _inside(self, unit: Tensor) -> Tensor:
        return self.domain.contains(super().points(unit))  # type: ignore[attr-defined]

    def tested(self, tests: TotalDegree) -> tuple[Tensor, Tensor]:
        """Points of it, [m, 3], and from values there to moments with polynomials that are orthonormal on it."""
        if tests.degree not in self._known:
            self._known[tests.degree] = self._made(tests)
        return self._known[tests.degree]

    def _made(self, tests: TotalDegree) -> tuple[Tensor, Tensor]:
        count = tests.degree + 3
        for _ in range(_TRIES):
            unit, weights = product_rule([line(count)] * 2)
            unit = 2 * unit - 1
            inside = self._inside(unit)
            if int(inside.sum()) >= _MORE * len(tests):
                break
            count = math.ceil(_GROWTH * count)
        unit, roots = unit[inside], (weights[inside] / weights[inside].sum()).sqrt()
        table = tests.jet(unit, ((0, 0),))[0, 0] * roots[:, None]
        Q, R = torch.linalg.qr(table)
        return super().points(unit), (Q * R.diagonal().sign() * roots[:, None]).mT


def cut_face(domain: "object", face: Face) -> Face | None:
    """The part of a face inside a shape, as a face: itself if it is all inside, None if nothing is."""
    line_of = torch.linspace(-1 + _EDGE, 1 - _EDGE, _SITES + 1, dtype=torch.float64)
    unit = torch.cartesian_prod(line_of, line_of)
    inside = domain.contains(face.points(unit))  # type: ignore[attr-defined]
    if bool(inside.all()):
        return face
    if int(inside.sum()) < _LEAST_SITES:
        return None
    kept, gap = unit[inside], 2 / _SITES
    low, high = (kept.amin(dim=0) - gap).clamp_min(-1), (kept.amax(dim=0) + gap).clamp_max(1)
    pairs = zip(face.span, low.tolist(), high.tolist(), strict=True)
    span = tuple(((a + b) / 2 + (b - a) / 2 * lo, (a + b) / 2 + (b - a) / 2 * hi) for (a, b), lo, hi in pairs)
    sites = (2 * kept - low - high) / (high - low)
    filled = min(1.0, len(kept) / len(unit) * 4 / (high - low).prod().item())
    return CutFace(face.axis, face.place, span, face.below, face.above, domain=domain, filled=filled, sites=sites)
