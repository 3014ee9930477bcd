"""Meshes of other programs as domains, with their physical groups as named boundaries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gmnm_pde._errors import refuse
from gmnm_pde._extras import extra
from gmnm_pde.geometry.mesh import Mesh
from gmnm_pde.geometry.planar_mesh import PlanarMesh

_CORNERS = {"line": 2, "triangle": 3, "quad": 4, "tetra": 4}
"""How many corners cells have; those of higher order have more points after them."""

_FLAT = 1e-9
"""A mesh is in the plane where its third coordinate varies by less than this part of its size."""


def read_mesh(source: Any, *, coordinates: Sequence[str] | None = None) -> PlanarMesh | Mesh:
    """A mesh file as a domain: triangles in the plane, tetrahedra, or a closed surface of triangles in space.

    Files are read by meshio, which ``pip install "gmnm-pde[mesh]"`` brings along: gmsh's ``.msh``, VTK, Abaqus, STL and
    many more. Groups that the file names, such as the physical groups of gmsh, are ``domain.boundaries["inlet"]``. The
    domain is the polygon or polyhedron of the mesh; curved edges are taken as straight.

    Args:
        source: A file, or a ``meshio.Mesh``.
        coordinates: Names of the coordinates; x, y and z by default.

    Raises:
        GmnmError: meshio is missing, the file cannot be read, or has no triangles or tetrahedra.
    """
    call = f"read_mesh({str(source)!r})" if isinstance(source, str | Path) else "read_mesh(...)"
    mesh: Any = source if hasattr(source, "cells") else _read(source, call)
    points = np.asarray(mesh.points, dtype=float)
    kinds: dict[str, np.ndarray] = {}
    for kind, size in _CORNERS.items():
        blocks = [block.data[:, :size] for block in mesh.cells if block.type.rstrip("0123456789") == kind]
        if blocks:
            kinds[kind] = np.concatenate(blocks).astype(int)
    triangles = kinds.get("triangle", np.zeros((0, 3), dtype=int))
    if "quad" in kinds:
        quads = kinds["quad"]
        triangles = np.concatenate([triangles, quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    third = points[:, 2] if points.shape[1] > 2 else np.zeros(len(points))
    if "tetra" in kinds:
        outer = _outer(kinds["tetra"])
        return _solid(points, outer, _named(mesh, "triangle", 3), coordinates)
    if not len(triangles):
        got = ", ".join(sorted({block.type for block in mesh.cells})) or "none"
        raise refuse(call, expected="cells that are triangles, quadrilaterals or tetrahedra", got=got)
    if np.ptp(third) <= _FLAT * np.ptp(points, axis=0).max():
        names = ("x", "y") if coordinates is None else coordinates
        return PlanarMesh(points[:, :2], triangles, _named(mesh, "line", 2), coordinates=names)
    return _solid(points, triangles, _named(mesh, "triangle", 3), coordinates)


def _read(source: Any, call: str) -> Any:
    meshio = extra("meshio", call, "mesh")
    if not isinstance(source, str | Path) or not Path(source).is_file():
        raise refuse(call, expected="a file, or a meshio.Mesh", got="a path at which there is none")
    try:
        return meshio.read(source)
    except (Exception, SystemExit) as error:  # whatever a reader of one of many formats comes upon
        got = f"{type(error).__name__}: {error}"
        raise refuse(call, expected="a file that meshio reads", got=got) from error


def _named(mesh: Any, kind: str, size: int) -> dict[str, np.ndarray]:
    """The cells of one kind in each group that the file names."""
    found: dict[str, list[np.ndarray]] = {}
    tags = mesh.cell_data.get("gmsh:physical")
    for name, (tag, dimension) in mesh.field_data.items():
        for block, own in zip(mesh.cells, tags or [], strict=tags is not None):
            if block.type.rstrip("0123456789") == kind and dimension == size - 1 and (own == tag).any():
                found.setdefault(name, []).append(block.data[own == tag][:, :size])
    if not found:
        for name, members in mesh.cell_sets.items():
            for block, own in zip(mesh.cells, members, strict=True):
                if block.type.rstrip("0123456789") == kind and own is not None and len(own) and ":" not in name:
                    found.setdefault(name, []).append(block.data[np.asarray(own, dtype=int)][:, :size])
    return {name: np.concatenate(cells).astype(int) for name, cells in found.items()}


def _outer(cells: np.ndarray) -> np.ndarray:
    """The triangles that one tetrahedron alone has, [m, 3]."""
    sides = np.concatenate([cells[:, kept] for kept in ([0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3])])
    _, first, count = np.unique(np.sort(sides, axis=1), axis=0, return_index=True, return_counts=True)
    return sides[first[count == 1]]


def _solid(points: np.ndarray, faces: np.ndarray, groups: dict[str, np.ndarray], coordinates: Any) -> Mesh:
    """A solid, without the points that its surface does not need."""
    used, renamed = np.unique(faces, return_inverse=True)
    new = np.full(len(points), -1)
    new[used] = np.arange(len(used))
    names = ("x", "y", "z") if coordinates is None else coordinates
    own = {name: new[group] for name, group in groups.items() if (new[group] >= 0).all()}
    return Mesh((points[used], renamed.reshape(faces.shape)), groups=own, coordinates=names)
