"""How a solution shows itself: figures, films, sliders, and in notebooks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmnm_pde._doors import with_front_doors
from gmnm_pde._html import page_of
from gmnm_pde._modes import in_ordinary_mode

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@with_front_doors
class Shown:
    """The figures of a solution; ``plots/`` draws them."""

    @in_ordinary_mode
    def plot(self, **options: Any) -> "Figure":
        """A figure of each field, and where they are known of its error and of the residual.

        Args:
            options: ``at``, values of coordinates that are not drawn, by name (by default cuts where something is to be
                seen); ``labels``, names with units, ``{"u": "temperature [K]", "x": "x [m]"}``.
        """
        from gmnm_pde.plots.fields import plot_solution  # here: matplotlib takes long to import

        return plot_solution(self, **options)

    def plot_components(self, **options: Any) -> "Figure":
        """A figure of what the solution is made of: components and how wide they are, patches, blocks, or steps."""
        from gmnm_pde.plots.components import plot_components  # here: matplotlib takes long to import

        return plot_components(self, **options)

    @in_ordinary_mode
    def plot_streamlines(self, across: str, up: str, **options: Any) -> "Figure":
        """Streamlines of the vector of two fields over its size; ``at`` and ``labels`` as in ``plot``, ``density``."""
        from gmnm_pde.plots.vectors import plot_streamlines  # here: matplotlib takes long to import

        return plot_streamlines(self, across, up, **options)

    @in_ordinary_mode
    def plot_isosurfaces(
        self, field: str | None = None, levels: Sequence[float] | None = None, **options: Any
    ) -> "Figure":
        """Surfaces in three coordinates on which a field has one value; ``at`` and ``labels`` as in ``plot``."""
        from gmnm_pde.plots.vectors import plot_isosurfaces  # here: matplotlib takes long to import

        return plot_isosurfaces(self, field, levels, **options)

    @in_ordinary_mode
    def animate(
        self,
        path: str | Path,
        *,
        fields: Sequence[str] | None = None,
        seconds: float = 5.0,
        frames_per_second: int = 20,
        at: Mapping[str, float] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Path:
        """Write a film of the fields in time, ``.gif`` or, with ffmpeg, ``.mp4``.

        One coordinate of space is drawn as a curve, two as colours, of more a cut; all frames have one scale.

        Args:
            path: Where to; the ending says which.
            fields: Which fields; all by default.
            seconds: How long it lasts.
            frames_per_second: How smooth it is.
            at: Values of coordinates of space that are not drawn.
            labels: Names as the film shows them, ``{"u": "temperature [K]"}``.

        Raises:
            GmnmError: there is no time, or nothing beside it, or there can be no file.
        """
        from gmnm_pde.plots.moving import animate  # here: matplotlib takes long to import

        options = {"seconds": seconds, "frames_per_second": frames_per_second, "at": at, "labels": labels}
        return animate(self, path, fields=fields, **options)

    @in_ordinary_mode
    def explore(
        self,
        fields: Sequence[str] | None = None,
        *,
        at: Mapping[str, float] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Any:
        """In a notebook, the fields with a slider for time and for every coordinate that a figure does not show.

        It needs ipywidgets: ``pip install "gmnm-pde[notebook]"``.
        """
        from gmnm_pde.plots.moving import explore  # here: matplotlib takes long to import

        return explore(self, fields, at=at, labels=labels)

    def _repr_html_(self) -> str:
        return page_of(str(self), self.plot)
