"""What a solution gives to other programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gmnm_pde._doors import with_front_doors
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.exports.values import Derivatives


@with_front_doors
class Shared:
    """The exports of a solution; ``exports/`` makes them."""

    @in_ordinary_mode
    def to_vtk(
        self,
        path: str | Path,
        *,
        resolution: int | None = None,
        times: int | Sequence[float] | None = None,
        at: Mapping[str, float] | None = None,
        derivatives: Derivatives = (),
        vectors: Mapping[str, Sequence[str]] | None = None,
        residuals: bool = False,
        surface: bool = False,
    ) -> Path:
        """Write files that ParaView, pyvista and meshio open; no package is needed.

        A box is a grid, ``.vti``; other shapes are cut into triangles or tetrahedra, ``.vtu``; where there is time, a
        ``.pvd`` file lists one of them for each time. The files hold the error estimate too, as field data, and where
        noise was stated the standard deviations of the fields.

        Args:
            path: Where to; without an ending the fitting one is added.
            resolution: Points along the longest side.
            times: So many times, or a list of them; a single one writes no series.
            at: Values of coordinates that are held fixed, by name.
            derivatives: Coordinates by which every field is differentiated: ``["x", ("x", "y")]`` adds u_x and u_xy.
            vectors: Names of vectors and of the columns they are made of: ``{"velocity": ("u", "v")}``.
            residuals: Whether the residuals of the equations are added.
            surface: Whether the boundary is written in place of the inside.

        Returns:
            The file to open.

        Raises:
            GmnmError: there is no space, or more than three coordinates of it, or there can be no file.
        """
        from gmnm_pde.exports.paraview import write_vtk  # here: few solutions are written so

        options = {"derivatives": derivatives, "vectors": vectors, "residuals": residuals, "surface": surface}
        return write_vtk(self, path, resolution=resolution, times=times, at=at, **options)

    @in_ordinary_mode
    def to_xarray(self, grid: int | Mapping[str, Any] | None = None, *, derivatives: Derivatives = ()) -> Any:
        """An ``xarray.Dataset`` of the fields on a grid, nan outside (``pip install "gmnm-pde[tables]"``).

        Args:
            grid: Points along every coordinate, or by name a number of them (a whole number), one place (a float), or
                several (a list or an array).
            derivatives: Coordinates by which every field is differentiated, ``["x", ("x", "y")]``.
        """
        from gmnm_pde.exports.tables import to_xarray  # here: few solutions are written so

        return to_xarray(self, grid, derivatives=derivatives)

    @in_ordinary_mode
    def to_dataframe(self, grid: int | Mapping[str, Any] | None = None, *, derivatives: Derivatives = ()) -> Any:
        """A ``pandas.DataFrame`` with a row for each point of a grid that is in the domain; see ``to_xarray``."""
        from gmnm_pde.exports.tables import to_dataframe  # here: few solutions are written so

        return to_dataframe(self, grid, derivatives=derivatives)

    @in_ordinary_mode
    def on_mesh(self, mesh: Any, *, derivatives: Derivatives = (), **fixed: float) -> Any:
        """A copy of a mesh with the fields at its points as point data, nan outside of the domain.

        Args:
            mesh: A ``meshio.Mesh``, a mesh of pyvista, or a file that meshio reads (``pip install "gmnm-pde[mesh]"``).
            derivatives: Coordinates by which every field is differentiated, ``["x", ("x", "y")]``.
            **fixed: Coordinates that the mesh does not have, as in ``t=0.5``.
        """
        from gmnm_pde.exports.tables import on_mesh  # here: few solutions are written so

        return on_mesh(self, mesh, derivatives=derivatives, **fixed)

    @in_ordinary_mode
    def export(self, path: str | Path, *, dtype: Any = None) -> Path:
        """Write the model as a file that runs without this library: ``.onnx`` or ``.pt2``, from points to fields.

        The model takes one array ``points`` [n, d], with the coordinates in their order, and gives ``fields``
        [n, fields]; names, bounds and the error estimate are in the file. It gives numbers everywhere, also outside of
        the domain, where no equation binds them. Files ``.pt2`` are torch.export's, for ``torch.export.load``.

        Args:
            path: Where to; the ending says which.
            dtype: Of points and fields, ``torch.float32`` or ``torch.float64``; by default the solution's own. Inside
                it computes in the solution's precision in either case, since large weights cancel.

        Raises:
            GmnmError: another ending, a package is missing (``pip install "gmnm-pde[onnx]"``), or the model is made of
                functions that cannot be exported.
        """
        from gmnm_pde.exports.programs import write_program  # here: few solutions are written so

        return write_program(self, path, dtype=dtype)
