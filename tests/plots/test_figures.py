"""Figures: what they show, how they are scaled, films, sliders, and what notebooks are given."""

import io
import sys
import warnings

import matplotlib
import numpy as np
import pytest
import torch
from conftest import make_poisson
from matplotlib.figure import Figure

import gmnm_pde as g
from gmnm_pde.models import Normalized, TimeBlocks
from gmnm_pde.plots.grid import Grid, scale_of

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def wave():
    """A march of one coordinate of space, and two fields."""
    problem = g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 1)),
        {"u": lambda u, v: g.diff(u, "t") - v, "v": lambda u, v: g.diff(v, "t") - g.diff(u, "x", "x")},
        [g.Initial(u=lambda x: torch.sin(torch.pi * x), v=0), g.Dirichlet(u=0)],
    )
    return g.solve(problem, tol=1e-3)


@pytest.fixture(scope="module")
def cube():
    """A field of three coordinates that is zero on the middle of each."""
    s = lambda x: torch.sin(2 * torch.pi * x)  # noqa: E731
    problem = g.Problem(g.Box(x=(0, 1), y=(0, 1), z=(0, 1)), lambda u, x, y, z: u - s(x) * s(y) * s(z), [])
    return g.solve(problem, g.Mixture(components=300, widths=2.0))


def test_a_figure_shows_itself_without_pyplot(solved):
    figure = solved.plot()
    assert isinstance(figure, Figure) and figure._repr_png_().startswith(PNG)
    assert figure not in getattr(matplotlib, "_pylab_helpers", object).__dict__.values()
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    shown, _ = formatter.format(figure, include={"image/png"})
    assert shown["image/png"].startswith(PNG)


def test_showing_without_a_screen_is_said(solved):
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    with pytest.warns(g.NumericalWarning, match="savefig"):
        solved.plot().show()
    assert not plt.get_fignums()


def test_showing_opens_a_window(solved, monkeypatch):
    import matplotlib.pyplot as plt

    opened = []

    class Manager:
        def show(self):
            opened.append("shown")

        @classmethod
        def start_main_loop(cls):
            opened.append("until closed")

    class Backend:
        class FigureCanvas:
            required_interactive_framework = "qt"

        FigureManager = Manager
        new_figure_manager_given_figure = staticmethod(lambda number, figure: Manager())

    monkeypatch.setattr(plt, "_get_backend_mod", lambda: Backend)
    solved.plot().show()
    assert opened == ["shown", "until closed"]


def test_colours_follow_the_signs():
    assert scale_of(np.array([-1.0, 0.5])) == {"cmap": "RdBu_r", "vmin": -1.0, "vmax": 1.0}
    assert scale_of(np.array([-0.001, 2.0])) == {"cmap": "viridis", "vmin": 0.0, "vmax": 2.0}
    assert scale_of(np.array([290.0, 300.0]))["vmin"] == 290.0
    assert scale_of(np.array([-3.0, -0.1])) == {"cmap": "viridis_r", "vmin": -3.0, "vmax": 0.0}
    assert scale_of(np.array([0.0, 0.0]))["vmax"] > 0 and scale_of(np.array([np.nan]))


def test_labels_and_places(solved):
    figure = solved.plot(labels={"u": "temperature [K]", "x": "x [m]"})
    assert figure.axes[0].get_title() == "temperature [K]" and figure.axes[0].get_xlabel() == "x [m]"
    curve = solved.plot(at={"y": 0.5})
    assert curve.axes[0].get_title() == "u, y = 0.5" and len(curve.axes[0].lines[0].get_xdata()) == 484
    with pytest.raises(g.GmnmError, match="labels"):
        solved.plot(labels={"w": "w"})
    with pytest.raises(g.GmnmError, match="coordinates x, y"):
        solved.plot(at={"z": 0.0})
    with pytest.raises(g.GmnmError, match="at least one coordinate"):
        solved.plot(at={"x": 0.0, "y": 0.0})


def test_a_long_shape_has_its_true_shape():
    problem = g.Problem(g.Rectangle(x=(0, 8), y=(0, 1)), lambda u, x: u - x, [])
    figure = g.solve(problem, g.Mixture(components=40, widths=1.0)).plot()
    assert figure.axes[0].get_aspect() == 1.0
    width, height = figure.get_size_inches()
    assert width / 2 > 3 * height


def test_a_cut_is_where_something_is_to_be_seen(cube):
    cut = Grid(cube, {}).fixed
    assert set(cut) == {"z"} and abs(np.sin(2 * np.pi * cut["z"])) > 0.5
    assert Grid(cube, {"z": 0.5}).fixed == {"z": 0.5}


def test_a_corner_does_not_take_the_scale_for_itself(solved):
    grid = Grid(solved, {})
    values = np.full(len(grid.points), 1e-3)
    values[:3] = 1e3  # a corner
    figure = Figure()
    grid.draw_size(figure.add_subplot(), values, "residual", "magma")
    low, high = figure.axes[0].collections[0].get_clim()
    assert low <= 1e-3 <= high < 1.0


def test_streamlines(solved):
    flow = g.solve(g.registry.load("kovasznay"), g.Mixture(components=40))
    figure = flow.plot_streamlines("u", "v", labels={"u": "velocity"})
    assert "velocity" in figure.axes[0].get_title() and len(figure.axes[0].patches) > 10
    with pytest.raises(g.GmnmError, match="fields"):
        flow.plot_streamlines("u", "w")


def test_isosurfaces_lie_where_the_field_has_the_value(cube, solved):
    figure = cube.plot_isosurfaces(levels=[0.5])
    (surface,) = figure.axes[0].collections
    corners = np.asarray(surface._faces).reshape(-1, 3)
    assert np.abs(cube(*corners.T) - 0.5).max() < 0.1
    with pytest.raises(g.GmnmError, match="three coordinates"):
        solved.plot_isosurfaces()


def test_every_kind_of_solution_draws_what_it_is_made_of(solved, wave):
    assert "200 components" in solved.plot_components().axes[0].get_title()
    assert "steps" in wave.plot_components().axes[0].get_title()
    patches = g.Patchwork(g.Partition.even((2, 2)), [g.GMNM(2, 1, 5) for _ in range(4)])
    for model, words in ((patches, "4 patches"), (TimeBlocks([-1, 0, 1], [patches, patches], 1, 2), "8 patches")):
        made = g.Solution(
            Normalized(model, wave.bounds), ("x", "t"), ("t",), wave.bounds, ("u",), solved.report, solved.history
        )
        assert words in made.plot_components().axes[0].get_title()
    trained = g.solve(make_poisson(), g.MLP([2, 4, 1]), g.Adam(steps=2), points=50)
    with pytest.raises(g.GmnmError, match="a mixture, patches, blocks or a march"):
        trained.plot_components()


def test_a_film_in_time(wave, solved, tmp_path):
    from PIL import Image

    path = wave.animate(tmp_path / "wave.gif", fields=["u"], seconds=0.4, frames_per_second=10)
    with Image.open(path) as film:
        frames = [np.asarray(film.convert("L")) for number in range(film.n_frames) if film.seek(number) is None]
    assert len(frames) == 4 and np.abs(frames[0].astype(int) - frames[-1]).max() > 50
    assert [one.name for one in tmp_path.iterdir()] == ["wave.gif"]
    for wrong, message in (
        (lambda: solved.animate(tmp_path / "u.gif"), "with time"),
        (lambda: wave.animate(tmp_path / "u.avi"), r"\.gif or \.mp4"),
        (lambda: wave.animate(tmp_path / "u.gif", at={"t": 0.5}), "moves in time"),
        (lambda: wave.animate(tmp_path / "u.gif", seconds=0), "two frames"),
        (lambda: wave.animate(tmp_path / "u.gif", fields=["w"]), "fields"),
    ):
        with pytest.raises(g.GmnmError, match=message):
            wrong()


def test_sliders_move_the_picture(wave, solved, monkeypatch):
    pytest.importorskip("ipywidgets")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        box = wave.explore(labels={"u": "height"})
    slider, picture = box.children
    before = picture.value
    slider.value = 0.9
    assert bytes(before).startswith(PNG) and picture.value != before
    with pytest.raises(g.GmnmError, match="more coordinates"):
        solved.explore()
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(g.GmnmError, match=r"gmnm-pde\[notebook\]"):
        wave.explore()


def test_notebooks_are_given_pages(solved, poisson, wave):
    page = solved._repr_html_()
    assert "error estimate" in page and "data:image/png;base64," in page
    stated = poisson._repr_html_()
    assert "linear" in stated and "dirichlet_u" in stated and "Rectangle" in stated
    assert "<table>" in wave.history._repr_html_()
    compared = g.compare(make_poisson(), {"a": g.MLP([2, 4, 1])}, methods=g.Adam(steps=3), points=50)
    assert "<pre" in compared._repr_html_()


def test_files_are_pictures(solved):
    file = io.BytesIO()
    solved.plot().savefig(file, format="svg")
    assert b"<svg" in file.getvalue()
