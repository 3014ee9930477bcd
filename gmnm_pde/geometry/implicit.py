"""Shapes given by a function that is negative inside, zero on the boundary and positive outside."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.binding import bind, describe
from gmnm_pde.geometry import algebra
from gmnm_pde.geometry.box import Box
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.gauss import per_piece, piece_nodes
from gmnm_pde.geometry.marching import along_curve, sizes, spread, zero_pieces
from gmnm_pde.geometry.region import Chart

_CELLS = {2: 256, 3: 48}
"""Cells along each side of the grid in which the boundary is looked for."""

_STEPS = 50
"""Newton steps that a point may take to the boundary; two or three are usual."""

_NEAR = 1e-12
"""How near to the boundary its points are wanted, relative to the bounds."""

_MISSED = 1e-8
"""Farther off than this, Newton's method has failed."""

_FLAT = 1e-3
"""Where the slope on the boundary is less than this part of the slope beside it, the function has no simple zero."""

_REMEDY = "A simple zero is wanted, as of r - 1 rather than of (r - 1)**3."
"""What error messages advise where the zeros are not simple."""


class SignedDistance(Domain):
    """The shape on which a function is negative, as signed distance functions are inside.

    ``SignedDistance(lambda x, y: torch.hypot(x, y) - 1, x=(-2, 2), y=(-2, 2))`` is the unit disk. The function may be
    any with the right sign, smooth near its zeros, in torch operations; a true distance is not needed. (The method
    ``distance`` has the other sign: like that of every domain it is positive inside.)

    The bounds say where to look; where the shape reaches them it is cut off, and the cut is part of its boundary, with
    faces such as ``shape.face(x=2)``. Parts smaller than 1/256 of the bounds, in space 1/48, are not seen. The measures
    of the interior and of cut faces are estimated to three digits.

    Args:
        function: A function of coordinates, bound by name, tensors [n] each, that returns a tensor [n].
        bounds: An interval for each of two or three coordinates.

    Raises:
        GmnmError: the function is not negative anywhere in the bounds, or has no zero there, or is flat where it is
            zero, or gives a wrong shape, NaN or infinity.
    """

    def __init__(self, function: Callable[..., Any], **bounds: tuple[float, float]):
        self._call = f"SignedDistance({describe(function) if callable(function) else repr(function)})"
        if len(bounds) not in _CELLS:
            remedy = "Give them as in SignedDistance(f, x=(-1, 1), y=(-1, 1))."
            raise refuse(self._call, expected="bounds of two or three coordinates", got=f"{len(bounds)}", remedy=remedy)
        self.box = Box(**bounds)
        self.coordinates = self.box.coordinates
        self._level = _Level(bind(function, self.coordinates, call=self._call), self.box, self._call)
        self._interior = algebra.interior(algebra.INTERSECTION, self.box, self._level)
        self._boundary = algebra.boundary(algebra.INTERSECTION, self.box, self._level, 1e-7 * self._level.extent)

    def __repr__(self) -> str:
        intervals = ", ".join(f"{x}=({a:g}, {b:g})" for x, (a, b) in zip(self.coordinates, self.bounds, strict=True))
        return f"{self._call[:-1]}, {intervals})"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self.box.bounds

    def distance(self, points: Tensor) -> Tensor:
        return torch.minimum(self._level.distance(points), self.box.distance(points))

    def interior_charts(self) -> tuple[Chart, ...]:
        return self._interior

    def boundary_charts(self) -> tuple[Chart, ...]:
        return self._boundary

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        face = self.box.face_chart(coordinate, value)
        kept = [chart for chart in self._boundary if face is not None and chart.same(face)]
        return kept[0] if kept else None


class _Level:
    """Where a function is negative, and the surface on which it is zero: one of the two that make up the shape."""

    def __init__(self, function: Callable[..., Any], box: Box, call: str):
        self._function, self._box, self._call = function, box, call
        self.extent = max(high - low for low, high in box.bounds)
        cells = _CELLS[box.dimension]
        self._reach = self.extent / cells
        pieces = zero_pieces(self._values, torch.tensor(box.bounds, dtype=torch.float64), cells)
        if not len(pieces):
            remedy = "It is to be negative inside and positive outside: check its sign, and the bounds."
            raise refuse(call, expected=f"a function with zeros in {box}", got="one of a single sign", remedy=remedy)
        pieces = pieces[along_curve(pieces)]
        corners = self._project(pieces.reshape(-1, box.dimension))
        self._refuse_flat(corners)
        self._pieces = corners.reshape(pieces.shape)
        self._areas = sizes(self._pieces)

    def distance(self, points: Tensor) -> Tensor:
        """The function over its slope, which is a distance near the zeros; positive where the function is negative."""
        value, slope = self._with_slope(points)
        steep = slope.norm(dim=1)
        near = value / steep.clamp_min(torch.finfo(value.dtype).tiny)
        return -torch.where(value == 0, value, near).clamp(-self.extent, self.extent)

    def interior_charts(self) -> tuple[Chart, ...]:
        """The box, of which the algebra keeps what is inside."""
        return self._box.interior_charts()

    def boundary_charts(self) -> tuple[Chart, ...]:
        def embed(unit: Tensor) -> Tensor:
            return self._project(spread(self._pieces, unit, self._areas)[0]).to(unit)

        def normal(points: Tensor) -> Tensor:
            slope = self._with_slope(points)[1]
            return slope / slope.norm(dim=1, keepdim=True)

        name, size = f"zeros of {self._call[15:-1]}", self._areas.sum().item()

        def nodes(count: int) -> tuple[Tensor, Tensor]:
            return piece_nodes(self._pieces, per_piece(count), self._project)

        chart = Chart(name, self._box.dimension - 1, size, embed, normal, origin=self, tensor=False)
        return (replace(chart, level=self._inward, nodes=nodes),)

    def _project(self, points: Tensor) -> Tensor:
        """The points moved to the zeros along the gradient, by Newton's method."""
        for _ in range(_STEPS):
            value, slope = self._with_slope(points)
            steep = slope.norm(dim=1, keepdim=True)
            step = value[:, None] / steep.clamp_min(torch.finfo(value.dtype).tiny)
            if (step.abs() <= _NEAR * self.extent).all():
                return points
            points = points - step.clamp(-self._reach, self._reach) * slope / steep.clamp_min(1e-300)
        far = step[:, 0].abs()
        if far.max() > _MISSED * self.extent:
            point = points[int(far.argmax())]
            got = f"{self._at(point)}, from which they do not lead there in {_STEPS} steps"
            raise refuse(self._call, expected="gradients that lead to the zeros", got=got, remedy=_REMEDY)
        return points

    def _refuse_flat(self, points: Tensor) -> None:
        """Refuse zeros without a slope, where neither Newton's method nor normals can be trusted."""
        slope = self._with_slope(points)[1]
        steep = slope.norm(dim=1)
        along = slope / steep[:, None].clamp_min(1e-300)
        beside = [self._with_slope(points + side * self._reach / 16 * along)[1].norm(dim=1) for side in (-1, 1)]
        flat = (steep == 0) | (steep < _FLAT * torch.maximum(*beside))
        if flat.any():
            got = f"a zero gradient at {self._at(points[flat][0])}"
            raise refuse(self._call, expected="a slope on the boundary", got=got, remedy=_REMEDY)

    def _with_slope(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The function [n] and its gradient [n, d]; difference quotients where autograd has none, as at sqrt(0)."""
        with torch.enable_grad():
            leaves = points.detach().requires_grad_()
            value = self._values(leaves)
            if not value.requires_grad:
                got = "a result without a gradient"
                raise refuse(self._call, expected="a function in torch operations", got=got, remedy="Use torch.sin ...")
            (slope,) = torch.autograd.grad(value.sum(), leaves)
        bad = ~torch.isfinite(slope).all(dim=1) | (slope == 0).all(dim=1)
        if bad.any():
            slope[bad] = self._quotients(points[bad])
        return value.detach(), slope

    def _quotients(self, points: Tensor) -> Tensor:
        """The gradient by central difference quotients, [n, d]."""
        step = torch.finfo(points.dtype).eps ** (1 / 3) * self.extent
        ahead = step * torch.eye(points.shape[1], dtype=points.dtype, device=points.device)
        sides = [self._values((points[:, None] + side * ahead).flatten(0, 1)) for side in (1, -1)]
        return ((sides[0] - sides[1]) / (2 * step)).detach().reshape(points.shape)

    def _inward(self, points: Tensor) -> Tensor:
        return -self._values(points)

    def _values(self, points: Tensor) -> Tensor:
        """The function at points, [n], or a clear refusal."""
        try:
            value = torch.as_tensor(self._function(dict(zip(self._box.coordinates, points.unbind(-1), strict=True))))
        except GmnmError:
            raise
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
            raise refuse(self._call, expected="a function of tensors of coordinates", got=failed) from error
        shape = tuple(value.shape)
        if shape != (len(points),):
            expected = f"one number for each point, shape ({len(points)},)"
            raise refuse(self._call, expected=expected, got=f"shape {shape}")
        if not torch.isfinite(value).all():
            point = points[(~torch.isfinite(value)).nonzero()[0, 0]]
            raise refuse(self._call, expected="finite values", got=f"NaN or infinity at {self._at(point)}")
        return value

    def _at(self, point: Tensor) -> str:
        """A point as error messages name it."""
        return ", ".join(f"{x}={v:g}" for x, v in zip(self._box.coordinates, point.tolist(), strict=True))
