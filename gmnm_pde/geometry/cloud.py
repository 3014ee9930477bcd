"""Domains of which nothing is known but points."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.box import Box
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart, unknown_normal
from gmnm_pde.geometry.round import read_names

_NAMES = ("x", "y", "z")
"""Names of coordinates where none are given."""


class PointCloud(Domain):
    """A domain given by points in it, and by points on its boundary with their outward normals if these are known.

    Equations and conditions hold at these points and nowhere else: a solve picks from them, each at most once, and
    takes all where it wants more. So its error estimate, too, rests on given points; give several times more than are
    fitted. There is no inside or outside, so a cloud cannot be cut by other shapes; ``cloud * Time(...)`` is fine.
    Measures are numbers of points.

    Args:
        points: Points of the interior, [n, d].
        boundary: Points of the boundary, [m, d].
        normals: Outward normals at the points of the boundary, [m, d], of any length but zero.
        coordinates: Names of the d coordinates; x, y, z by default.

    Raises:
        GmnmError: shapes that do not fit, NaN or infinity, normals of length zero or without points.
    """

    solid = False

    def __init__(
        self, points: Any, boundary: Any = None, normals: Any = None, *, coordinates: Sequence[str] | None = None
    ):
        self.points = _read(points, "points", None)
        d = self.points.shape[1]
        if coordinates is None and d > len(_NAMES):
            raise refuse("PointCloud(...)", expected=f"coordinates=..., names of {d} coordinates", got="none")
        self.coordinates = read_names(_NAMES[:d] if coordinates is None else coordinates, d, "PointCloud")
        self.boundary_points = None if boundary is None else _read(boundary, "boundary", (None, d))
        self.normals = None if normals is None else self._read_normals(normals)
        every = [self.points] if self.boundary_points is None else [self.points, self.boundary_points]
        self._every = _Nearest(torch.cat(every))
        self._on = None if self.boundary_points is None else _Nearest(self.boundary_points)
        self._spacing = self._every.spacing()

    def __repr__(self) -> str:
        around = "" if self.boundary_points is None else f", {len(self.boundary_points)} on the boundary"
        return f"PointCloud of {len(self.points)} points{around}"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        low, high = self._every.points.amin(dim=0).tolist(), self._every.points.amax(dim=0).tolist()
        return tuple(zip(low, high, strict=True))

    def distance(self, points: Tensor) -> Tensor:
        """A guess, for drawing: the widest gap between given points less the distance to the nearest of them."""
        near = self._every(points)
        return self._spacing - (points - self._every.points[near].to(points)).norm(dim=1)

    def nearly_contains(self, points: Tensor, slack: float) -> Tensor:
        """By the bounding box: points have no inside and no outside."""
        return Box(**dict(zip(self.coordinates, self.bounds, strict=True))).nearly_contains(points, slack)

    def interior_charts(self) -> tuple[Chart, ...]:
        return (self._chart("interior", self.points, self.dimension),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        on, normals = self._on, self.normals
        if on is None:
            return ()

        def normal(points: Tensor) -> Tensor:
            assert normals is not None
            return normals[on(points)].to(points)

        # The boundary of a line is its ends, and a condition on it wants every one of them.
        parts = on.points.split(1 if self.dimension == 1 else len(on.points))
        charts = (self._chart("points on the boundary", part, self.dimension - 1) for part in parts)
        return tuple(replace(chart, normal=unknown_normal if normals is None else normal) for chart in charts)

    def _chart(self, name: str, points: Tensor, dimension: int) -> Chart:
        """The chart of a finite set of points."""

        def embed(unit: Tensor) -> Tensor:
            # In products with time there is no more to go by than a place in a unit cube: one point for each place.
            place = unit[:, 0] if dimension else unit.new_zeros(len(unit))
            return points.to(unit)[(place * len(points)).long().clamp_max(len(points) - 1)]

        return Chart(name, dimension, len(points), embed, origin=self, tensor=False, given=points)

    def _read_normals(self, normals: Any) -> Tensor:
        """Unit normals, [m, d], or a clear refusal."""
        if self.boundary_points is None:
            raise refuse("PointCloud(normals=...)", expected="boundary=..., the points that they belong to", got="none")
        count, d = self.boundary_points.shape
        vectors = _read(normals, "normals", (count, d))
        length = vectors.norm(dim=1, keepdim=True)
        if (length == 0).any():
            row = int((length == 0).nonzero()[0, 0])
            raise refuse("PointCloud(normals=...)", expected="directions", got=f"zero at row {row}")
        return vectors / length


class _Nearest:
    """Tells which of ``points``, [n, d], is nearest to each of other points."""

    def __init__(self, points: Tensor):
        # here, because it takes a quarter of a second to import and only meshes and clouds need it
        from scipy.spatial import KDTree

        self.points = points
        self._tree = KDTree(points.numpy())

    def __call__(self, points: Tensor) -> Tensor:
        return torch.as_tensor(self._tree.query(points.detach().double().cpu().numpy())[1])

    def spacing(self) -> float:
        """The widest gap between a point and the next."""
        gaps = self._tree.query(self.points.numpy(), k=min(2, len(self.points)))[0]
        return float(gaps.max())


def _read(values: Any, name: str, shape: tuple[int | None, int] | None) -> Tensor:
    """Finite numbers as [n, d], float64, or a clear refusal."""
    call = f"PointCloud({name}=...)" if name != "points" else "PointCloud(points)"
    rows, columns = shape if shape is not None else (None, None)
    expected = f"shape [{'n' if rows is None else rows}, {'d' if columns is None else columns}]"
    try:
        tensor = torch.as_tensor(values, dtype=torch.float64).detach().cpu().clone()
    except (TypeError, ValueError, RuntimeError):
        raise refuse(call, expected=f"numbers of {expected}", got=repr(values)) from None
    fits = tensor.ndim == 2 and tensor.numel() and columns in (None, tensor.shape[1]) and rows in (None, len(tensor))
    if not fits:
        raise refuse(call, expected=expected, got=f"{tuple(tensor.shape)}")
    if not torch.isfinite(tensor).all():
        row = int((~torch.isfinite(tensor)).nonzero()[0, 0])
        raise refuse(call, expected="finite numbers", got=f"NaN or infinity at row {row}")
    return tensor
