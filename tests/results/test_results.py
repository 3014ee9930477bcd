"""Solutions as functions, files, figures; reports and histories."""

import json

import matplotlib
import numpy as np
import pytest
import torch

import gmnm_pde as g
from gmnm_pde.plots.curves import plot_history


def test_calling_by_position_by_name_and_broadcast(solved):
    grid = np.linspace(-1, 1, 5)
    assert isinstance(solved(grid, grid), np.ndarray) and solved(grid, grid).shape == (5,)
    assert solved(x=grid[:, None], y=grid).shape == (5, 5)
    assert solved(x=0.3, y=[0.1, 0.2]).shape == (2,)
    assert solved(y=0.2, x=0.3) == solved(0.3, 0.2) == solved(0.3, y=0.2)
    assert torch.is_tensor(solved(torch.zeros(3), torch.ones(3)))
    assert solved([], []).shape == (0,)
    assert solved(1, 1).shape == ()


def test_several_fields_come_by_name():
    solution = g.solve(g.registry.load("kovasznay"), g.Mixture(components=60, widths=1.0))
    values = solution(0.0, [0.1, 0.2])
    assert set(values) == {"u", "v", "p"} and values["p"].shape == (2,)
    assert set(solution.jet([0.0], [0.1])) == {"u", "v", "p"}
    assert set(solution.report.relative_l2) == set(solution.report.max_error) == {"u", "v", "p"}


def test_jets_of_a_solution_differentiate(solved):
    x, y = np.array([0.1, 0.4]), np.array([0.2, -0.3])
    u = solved.jet(x, y)
    expected = -2 * np.pi**2 * np.sin(np.pi * x) * np.sin(np.pi * y)
    np.testing.assert_allclose(g.laplacian(u).detach().numpy(), expected, rtol=1e-5)


BAD_CALLS = {
    "too few": lambda s: s(0.1),
    "too many": lambda s: s(0.1, 0.2, 0.3),
    "twice": lambda s: s(0.1, x=0.2),
    "unknown": lambda s: s(0.1, z=0.2),
    "no numbers": lambda s: s("a", 0.2),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls(case, solved):
    with pytest.raises(g.GmnmError, match=r"solution\("):
        BAD_CALLS[case](solved)


def test_report_prints_and_becomes_json(solved):
    text = str(solved)
    for word in ("converged", "error estimate", "relative L2", "residual", "boundary", "seconds"):
        assert word in text
    report = json.loads(json.dumps(solved.report.as_dict(), allow_nan=False))
    assert report["components"] == 200 and report["parameters"] == 1000 and report["seed"] == 3
    assert report["mse"] == pytest.approx(report["relative_l2"] ** 2 / 4, rel=0.05)


def test_history_has_the_columns_of_the_contract(poisson, tmp_path):
    history = g.solve(poisson, tol=1e-6).history
    assert history.columns[:6] == ("step", "seconds", "loss", "residual", "boundary", "relative_l2")
    assert {"equation", "dirichlet_u"} <= set(history.columns)
    assert len(history) > 2 and history["relative_l2"][-1] < history["relative_l2"][0]
    assert history["seconds"] == sorted(history["seconds"])
    history.to_csv(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert len(lines) == len(history) + 1 and lines[0].startswith("step,seconds,loss")
    with pytest.raises(KeyError, match="no column 'error'"):
        history["error"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_saved_and_loaded_it_is_the_same(poisson, tmp_path, dtype):
    solution = g.solve(poisson, g.Mixture(components=50), dtype=dtype)
    path = tmp_path / "solution.safetensors"
    solution.save(path)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    again = g.load_solution(path)
    assert torch.equal(before, torch.get_rng_state())
    assert again(0.3, 0.4) == solution(0.3, 0.4)
    assert again.report == solution.report and again.history.columns == solution.history.columns
    assert again.bounds == solution.bounds and again.fields == ("u",)
    again.plot()
    g.load_solution(path, problem=poisson).plot()
    with pytest.raises(g.GmnmError, match="its problem"):
        again.residuals(torch.zeros(1, 2))


def test_damaged_and_foreign_files(solved, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "solution.safetensors"
    solved.save(path)
    whole = path.read_bytes()
    damaged = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "no numbers": b"hello" * 100,
        "header": whole.replace(b"components", b"c0mponents"),
        "report": whole.replace(b'\\"report\\"', b'\\"rep0rt\\"'),
    }
    for content in damaged.values():
        path.write_bytes(content)
        with pytest.raises(g.GmnmError, match="load_solution"):
            g.load_solution(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(g.GmnmError, match="format"):
        g.load_solution(path)
    with pytest.raises(g.GmnmError, match="none by that name"):
        g.load_solution(tmp_path / "nothing")


PLOTTED = {
    "1-D": lambda: g.registry.load("poisson", dimension=1),
    "space-time": lambda: g.registry.load("heat"),
    "system": lambda: g.registry.load("kovasznay"),
    "3-D": lambda: g.registry.load("poisson", dimension=3),
    "inverse": lambda: g.registry.load("inverse_heat"),
}


@pytest.mark.parametrize("case", PLOTTED)
def test_figures(case, tmp_path):
    settings = dict(matplotlib.rcParams)
    solution = g.solve(PLOTTED[case](), g.Mixture(components=40))
    figures = {"fields": solution.plot(), "curves": solution.history.plot(), "components": solution.plot_components()}
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
    titles = [axes.get_title() for axes in figures["fields"].axes]
    assert any("error" in title for title in titles) and any("residual" in title for title in titles)
    assert settings == dict(matplotlib.rcParams)


@pytest.mark.parametrize("form", ["affine", "diagonal", "full"])
def test_components_of_every_form(poisson, form, tmp_path):
    figure = g.solve(poisson, g.Mixture(components=60, form=form, widths=2.0)).plot_components()
    figure.savefig(tmp_path / "components.png")


def test_several_histories_in_one_figure(solved):
    figure = plot_history({"one": solved.history, "two": solved.history}, over="step")
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} >= {"one", "two"}


def test_a_cut_through_three_dimensions():
    solution = g.solve(g.registry.load("poisson", dimension=3), g.Mixture(components=40))
    assert "y = 0.5" in solution.plot(at={"y": 0.5}).axes[0].get_title()
    with pytest.raises(g.GmnmError, match="coordinates x, y, z"):
        solution.plot(at={"w": 0.5})
