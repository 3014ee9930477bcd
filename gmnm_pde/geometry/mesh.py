"""Solids bounded by a closed surface of triangles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.gauss import per_piece, piece_nodes
from gmnm_pde.geometry.marching import along_curve, spread
from gmnm_pde.geometry.nearest import NearestTriangle
from gmnm_pde.geometry.region import Chart, Region
from gmnm_pde.geometry.round import read_names


class Mesh(Domain):
    """The solid inside a closed surface of triangles: ``Mesh("part.stl")``.

    It is read by trimesh, which ``pip install "gmnm_pde[mesh]"`` brings along: STL, PLY, OBJ, OFF and more. Equal
    vertices are merged, triangles are turned to have their normals outward, and the volume is that of the triangles,
    not of a curved surface that they may stand for. That the surface does not cross itself is taken on trust.

    Args:
        source: A file, a ``trimesh.Trimesh``, or a pair (vertices [k, 3], faces [m, 3]).
        groups: By name, triangles of the surface as numbers of their vertices, [m, 3], for a pair (vertices, faces).
        coordinates: Names of the three coordinates.

    Attributes:
        boundaries: The named parts of the surface, each a region for conditions.
        volume: The volume of the solid.
        area: The area of its surface.

    Raises:
        GmnmError: trimesh is missing, the file cannot be read, or the surface is not closed.
    """

    def __init__(
        self, source: Any, *, groups: Mapping[str, Any] | None = None, coordinates: Sequence[str] = ("x", "y", "z")
    ):
        self.coordinates = read_names(coordinates, 3, "Mesh")
        self._call = f"Mesh({str(source)!r})" if isinstance(source, str | Path) else "Mesh(...)"
        raw = _read(source, self._call, process=not groups)
        owner = _owner(raw, groups or {})
        surface = _closed(raw, self._call)
        corners = torch.tensor(np.asarray(surface.triangles), dtype=torch.float64)
        order = along_curve(corners)
        faces = torch.tensor(np.asarray(surface.faces), dtype=torch.long)
        self._nearest = NearestTriangle(corners[order], faces[order])
        self._names, self._owner = tuple(groups or {}), owner[order]
        self.volume = _volume(surface)
        self.area = self._nearest.areas.sum().item()

    def __repr__(self) -> str:
        return self._call if self._call != "Mesh(...)" else f"Mesh of {len(self._nearest.corners)} triangles"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        flat = self._nearest.corners.reshape(-1, 3)
        return tuple(zip(flat.amin(dim=0).tolist(), flat.amax(dim=0).tolist(), strict=True))

    def distance(self, points: Tensor) -> Tensor:
        return self._nearest(points.detach().double().cpu())[0].to(points)

    def interior_charts(self) -> tuple[Chart, ...]:
        box = torch.tensor(self.bounds, dtype=torch.float64)
        low, size = box[:, 0], box[:, 1] - box[:, 0]

        def embed(unit: Tensor) -> Tensor:
            return low.to(unit) + unit * size.to(unit)

        kept = self.volume / size.prod().item()
        chart = Chart("interior", 3, self.volume, embed, None, self.contains, kept, origin=self, tensor=False)
        return (replace(chart, margin=self.distance),)

    @property
    def boundaries(self) -> dict[str, Region]:
        """The named parts of the surface."""
        return {name: self._region((self._chart(number, name),), name) for number, name in enumerate(self._names)}

    def boundary_charts(self) -> tuple[Chart, ...]:
        if not self._names:
            return (self._chart(-1, f"surface of {self}"),)
        numbers = sorted(set(self._owner.tolist()))
        return tuple(self._chart(k, self._names[k] if k >= 0 else "the rest of the surface") for k in numbers)

    def _chart(self, number: int, name: str) -> Chart:
        """The chart of one group of triangles."""
        nearest, own = self._nearest, self._owner == number
        corners, areas = nearest.corners[own], nearest.areas[own]

        def embed(unit: Tensor) -> Tensor:
            return spread(corners, unit, areas)[0].to(unit)

        def normal(points: Tensor) -> Tensor:
            return nearest.normals[nearest(points.detach().double().cpu())[1]].to(points)

        def nodes(count: int) -> tuple[Tensor, Tensor]:
            return piece_nodes(corners, per_piece(count))

        chart = Chart(name, 2, areas.sum().item(), embed, normal, origin=self, tensor=False)
        return replace(chart, nodes=nodes)


def _owner(surface: Any, groups: Mapping[str, Any]) -> Tensor:
    """The number of the group of each triangle, -1 for those of none."""
    known = {tuple(sorted(face)): row for row, face in enumerate(np.asarray(surface.faces).tolist())}
    owner = torch.full((len(known),), -1)
    if len(surface.faces) != len(known):
        return torch.full((len(surface.faces),), -1)
    for number, (name, faces) in enumerate(groups.items()):
        for face in np.asarray(faces).tolist():
            row = known.get(tuple(sorted(face)))
            if row is None:
                raise refuse("Mesh(groups=...)", expected="triangles of the surface", got=f"{face} in '{name}'")
            owner[row] = number
    return owner


def _read(source: Any, call: str, *, process: bool) -> Any:
    """What users give, as a trimesh.Trimesh; unprocessed its triangles keep their order."""
    try:
        import trimesh  # here, because it is an extra that only meshes need
    except ImportError:
        remedy = 'Install it: pip install "gmnm_pde[mesh]"'
        raise refuse(call, expected="the package trimesh, which reads meshes", got="none", remedy=remedy) from None
    if isinstance(source, trimesh.Trimesh):
        return source.copy()
    try:
        if isinstance(source, str | Path):
            if not Path(source).is_file():
                raise refuse(call, expected="a file", got="a path at which there is no file")
            return trimesh.load_mesh(str(source))
        vertices, faces = (np.asarray(part) for part in source)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            got = f"shapes {vertices.shape} and {faces.shape}"
            raise refuse(call, expected="vertices [k, 3] and triangles [m, 3]", got=got)
        if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
            got = f"{faces.min()} to {faces.max()}"
            raise refuse(call, expected=f"triangles by the numbers of vertices, 0 to {len(vertices) - 1}", got=got)
        return trimesh.Trimesh(vertices.astype(float), faces.astype(int), process=process)
    except GmnmError:
        raise
    except Exception as error:  # whatever a reader of one of many formats comes upon
        expected = "a file that trimesh reads, a trimesh.Trimesh, or a pair (vertices, faces)"
        raise refuse(call, expected=expected, got=f"{type(error).__name__}: {error}") from error


def _closed(surface: Any, call: str) -> Any:
    """The surface with its triangles turned outward, if it is closed."""
    import trimesh  # here, as in _read

    if not len(surface.faces):
        raise refuse(call, expected="triangles", got="none")
    if not np.isfinite(surface.vertices).all():
        raise refuse(call, expected="finite vertices", got="NaN or infinity among them")
    surface.merge_vertices()
    times = np.unique(surface.edges_sorted, axis=0, return_counts=True)[1]
    open_edges, shared = int((times == 1).sum()), int((times > 2).sum())
    if open_edges or shared:
        got = " and ".join(
            f"{count} {what} edge{'s' * (count > 1)}"
            for count, what in ((open_edges, "open"), (shared, "more than twice used"))
            if count
        )
        remedy = "A mesh with holes has no inside: close them, for example with trimesh.repair.fill_holes."
        raise refuse(call, expected="a closed surface, with two triangles at every edge", got=got, remedy=remedy)
    if not surface.is_winding_consistent:
        trimesh.repair.fix_winding(surface)
    if _volume(surface) < 0:
        surface.invert()
    if not _volume(surface) > 1e-14 * surface.extents.max() ** 3:
        raise refuse(call, expected="a surface around a volume", got="one without")
    return surface


def _volume(surface: Any) -> float:
    """The volume by the divergence theorem; trimesh's own function divides by zero where the volume is zero."""
    a, b, c = np.moveaxis(np.asarray(surface.triangles) - np.asarray(surface.vertices).mean(axis=0), 1, 0)
    return float((a * np.cross(b, c)).sum() / 6)
