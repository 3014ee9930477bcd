"""The pictures of the front page and of the gallery: one panel of each example, without axes.

python docs/pictures.py [NAMES]

Each example is run with ``--quick``, as on its page, and drawn from what it leaves in its variables.
"""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from gmnm_pde.geometry.marching import zero_pieces
from gmnm_pde.plots.comparison import colours, draw_curves
from gmnm_pde.plots.grid import Grid, scale_of
from gmnm_pde.plots.patches import draw_boxes
from gmnm_pde.plots.style import INK, MODEL_INK, ONE_SIGNED, SIGNED

HERE = Path(__file__).resolve().parent
EXAMPLES, FOLDER = HERE.parent / "examples", HERE / "images" / "gallery"

Names = dict[str, Any]
PICTURES: dict[str, Callable[[Names], Figure]] = {}


def picture(draw: Callable[[Names], Figure]) -> Callable[[Names], Figure]:
    """Make a function the picture of the example that it is called as."""
    PICTURES[draw.__name__] = draw
    return draw


def bare(paper: str = "white") -> tuple[Figure, Axes]:
    """A figure of two to three that its axes fill to the edges."""
    figure = Figure(figsize=(4.8, 3.2), facecolor=paper)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def field(axes: Axes, solution: Any, name: str | None = None, side: int = 401, **options: Any) -> Grid:
    """A field of a solution over the whole panel."""
    grid = Grid(solution, {}, side=side)
    values = grid.fields()[name or solution.fields[0]]
    drawn = {**scale_of(values[grid.inside]), **options}
    axes.pcolormesh(*grid.lines, grid.shaped(values), shading="gouraud", rasterized=True, **drawn)
    grid.cut_off(axes)
    return grid


def whole(names: Names) -> Figure:
    """The field of a solution, and nothing else."""
    figure, axes = bare()
    field(axes, names["solution"])
    return figure


PICTURES |= {"wave_in_space_time": whole, "tolerance_and_error_estimate": whole}


@picture
def poisson_in_ten_lines(names: Names) -> Figure:
    figure, axes = bare()
    grid = field(axes, names["solution"])
    values = grid.fields()["u"].reshape(grid.shape)
    axes.contour(*grid.lines, values, levels=np.linspace(-0.9, 0.9, 10), colors="white", linewidths=0.6, alpha=0.7)
    return figure


@picture
def navier_stokes_system(names: Names) -> Figure:
    figure, axes = bare()
    grid = Grid(names["solution"], {}, side=201)
    fields = {name: values.reshape(grid.shape) for name, values in grid.fields().items()}
    speed = np.hypot(fields["u"], fields["v"])
    axes.pcolormesh(*grid.lines, speed, cmap="viridis", shading="gouraud", rasterized=True)
    axes.streamplot(
        *grid.lines, fields["u"], fields["v"], color="white", density=1.5, linewidth=0.9, arrowsize=0.9, maxlength=10
    )
    axes.set_xlim(-0.5, 1)
    axes.set_ylim(-0.5, 0.5)
    return figure


@picture
def inverse_conductivity(names: Names) -> Figure:
    figure, axes = bare()
    solution, sensors = names["solution"], names["sensors"]
    field(axes, solution, cmap="inferno")
    axes.scatter(*sensors.T, c=solution(*sensors.T), cmap="inferno", vmin=0, vmax=1, s=46, edgecolors="white", lw=1.2)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return figure


@picture
def shapes(names: Names) -> Figure:
    figure, axes = bare()
    field(axes, names["solution"], side=601)
    axes.set_aspect("equal")
    axes.set_xlim(-1.75, 2.45)
    return figure


@picture
def shock(names: Names) -> Figure:
    figure, axes = bare()
    solution = names["solution"]
    x, t = np.linspace(-1, 1, 1201), np.linspace(0, 1, 301)
    axes.pcolormesh(x, t, solution(x, t[:, None]), cmap=SIGNED, vmin=-1.05, vmax=1.05, shading="gouraud")
    draw_boxes(axes, solution, colour="#00000066", width=0.6)
    axes.set_xlim(-0.5, 0.5)
    return figure


@picture
def mahalanobis_components(names: Names) -> Figure:
    figure, axes = bare("#14171c")
    model = names["solution"].approximator
    centers, weight = (part.detach().numpy() for part in (model.centers, model.weights.abs().amax(dim=0)))
    precisions = model.kernel.precisions().detach().numpy()
    values, vectors = np.linalg.eigh(precisions)
    order = np.argsort(weight)
    angles = np.degrees(np.arctan2(vectors[:, 1, 0], vectors[:, 0, 0]))
    shades = colormaps["plasma"](np.argsort(order) / len(order))
    shades[:, 3] = 0.45
    sizes = 2 / np.sqrt(values.clip(1e-2))
    axes.add_collection(
        EllipseCollection(
            sizes[:, 0],
            sizes[:, 1],
            angles,
            units="xy",
            offsets=centers,
            offset_transform=axes.transData,
            facecolors=shades,
            edgecolors="white",
            linewidths=0.4,
        )
    )
    axes.set_xlim(-1, 1)
    axes.set_ylim(-0.67, 0.67)
    return figure


@picture
def eigenmodes(names: Names) -> Figure:
    figure = Figure(figsize=(4.8, 3.2), facecolor="white")
    chosen = [names["spectrum"].modes[k] for k in (1, 3, 5, 6, 7, 8)]
    for place, mode in zip(figure.subplots(2, 3).ravel(), chosen, strict=True):
        field(place, mode, side=241)
        place.set_aspect("equal")
        place.set_axis_off()
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99, 0.02, 0.02)
    return figure


@picture
def three_dimensions(names: Names) -> Figure:
    bounds = torch.tensor(names["solution"].bounds, dtype=torch.float64)
    pieces = zero_pieces(lambda points: names["solution"](points), bounds, 40).numpy()
    figure = Figure(figsize=(4.8, 3.2), facecolor="white")
    space: Any = figure.add_axes((-0.25, -0.3, 1.5, 1.6), projection="3d")
    normals = np.cross(pieces[:, 1] - pieces[:, 0], pieces[:, 2] - pieces[:, 0])
    light = np.abs(normals @ np.array([0.5, -0.6, 0.62])) / np.linalg.norm(normals, axis=1).clip(1e-300)
    height = (pieces[:, :, 2].mean(axis=1) + 3) / 6
    shades = colormaps["viridis"](0.15 + 0.75 * height)
    shades[:, :3] *= (0.45 + 0.55 * light)[:, None]
    space.add_collection3d(Poly3DCollection(pieces, facecolors=shades, edgecolors=shades, linewidths=0.4))
    for axis in "xyz":
        getattr(space, f"set_{axis}lim")(-3, 3)
    space.view_init(24, -52)
    space.set_box_aspect((1, 1, 1))
    space.set_axis_off()
    return figure


@picture
def solitons(names: Names) -> Figure:
    figure, axes = bare(to_hex_of(ONE_SIGNED))
    solution = names["solution"]
    x = np.linspace(-15, 15, 601)
    for t in np.linspace(6, 0, 41):
        u = solution(x, t)
        line = 0.75 * t + u
        axes.fill_between(x, line, -1, color=to_hex_of(ONE_SIGNED), lw=0)
        axes.plot(x, line, color=colormaps["viridis"](0.35 + 0.6 * t / 6), lw=1.1)
    axes.set_xlim(-14, 14)
    axes.set_ylim(-0.3, 8.2)
    return figure


@picture
def train_a_network(names: Names) -> Figure:
    return curves(names["compared"], INK)


@picture
def poisson_figure3(names: Names) -> Figure:
    return curves(names["compared"], [MODEL_INK[name] for name in names["compared"].names])


def curves(compared: Any, inks: Any) -> Figure:
    """Errors over the steps, on axes of which only the lines are left."""
    figure, axes = bare()
    for name, ink in zip(compared.names, inks, strict=False):
        runs = [run.history for run in compared.runs(name)]
        draw_curves(axes, [(np.array(run["seconds"]), np.array(run["relative_l2"])) for run in runs], name, ink)
    for line in axes.lines:
        line.set_linewidth(2.6)
    axes.set_yscale("log")
    axes.margins(0.04, 0.08)
    return figure


@picture
def poisson_table1(names: Names) -> Figure:
    figure, axes = bare()
    models, found = names["names"], names["found"]
    for row, compared in enumerate(found.values()):
        for k, (name, ink) in enumerate(zip(models, colours(models), strict=True)):
            digits = -np.log10(compared.summary()[name]["relative_l2"].mean)
            axes.barh(-row - 0.27 * (k - 1), max(digits, 0.05) + 0.1, 0.22, color=ink)
    axes.margins(0.06)
    return figure


@picture
def regression_figure2(names: Names) -> Figure:
    figure, axes = bare()
    x, y = torch.meshgrid(*2 * [torch.linspace(-4, 4, 401, dtype=torch.float64)], indexing="xy")
    columns, _ = names["registry"].load("regression_2d", level=4).exact_columns((x.reshape(-1), y.reshape(-1)))
    values = columns["u"].reshape(x.shape).numpy()
    axes.pcolormesh(x.numpy(), y.numpy(), values, **scale_of(values.ravel() / 3), shading="gouraud", rasterized=True)
    return figure


@picture
def hundred_dimensions(names: Names) -> Figure:
    """The cost to go along a diagonal of all of space, at some times."""
    figure, axes = bare()
    dimension = names["dimension"]
    places = torch.linspace(-1.2, 1.2, 201, dtype=torch.float64)
    for number, time in enumerate((0.0, 0.25, 0.5, 0.75)):
        points = torch.full((len(places), dimension + 1), time, dtype=torch.float64)
        points[:, :-1] = places[:, None]
        values = np.asarray(names["network"](points))
        axes.plot(places.numpy(), values, color=f"C{number}", lw=3)
    return figure


def to_hex_of(colour_map: str) -> tuple[float, float, float]:
    """The darkest colour of a map."""
    return to_rgb(colormaps[colour_map](0.0)[:3])


def main(chosen: list[str]) -> None:
    """Run examples, and draw them."""
    FOLDER.mkdir(exist_ok=True)
    for name in chosen or PICTURES:
        arguments, sys.argv = sys.argv, [f"{name}.py", "--quick"]
        try:
            names = runpy.run_path(str(EXAMPLES / f"{name}.py"))
        finally:
            sys.argv = arguments
        figure = PICTURES[name](names)
        figure.savefig(FOLDER / f"{name}.jpg", dpi=150, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main(sys.argv[1:])
