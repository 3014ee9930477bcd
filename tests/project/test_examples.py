"""Every example runs, leaves no file behind, and one of its numbers is right."""

import math
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

IN_TEN_DIMENSIONS = {"first": 0.31651, "second": 2.15699, "trained": 2.15699}
"""Values at the point that is asked for, the first from its equation by the distance alone, the other exact."""

CHECKS = {
    "poisson_in_ten_lines": lambda names: names["solution"].report.relative_l2 < 1e-12,
    "wave_in_space_time": lambda names: names["solution"].report.relative_l2 < 1e-9,
    "navier_stokes_system": lambda names: max(names["solution"].report.relative_l2.values()) < 1e-6,
    "inverse_conductivity": lambda names: names["solution"].report.relative_l2 < 1e-7,
    "tolerance_and_error_estimate": lambda names: names["solution"].report.converged,
    "poisson_table1": lambda names: names["found"]["best"].of("gmnm")[0].mse < 1e-5,
    "poisson_figure3": lambda names: all(row.relative_l2 < 1 for row in names["compared"].rows),
    "regression_figure2": lambda names: set(names["found"]) == {1, 4} and len(names["figure"].axes) == 8,
    # Seconds are what this one compares, so that on a busy machine nothing is sure of its digits.
    "train_a_network": lambda names: [row.name for row in names["compared"].rows] == list(names["methods"]),
    "eigenmodes": lambda names: names["spectrum"].converged and names["error"] < 1e-4,
    "three_dimensions": lambda names: names["solution"].report.relative_l2 < 1e-2,
    "solitons": lambda names: names["solution"].report.relative_l2 < 2e-3,
    "shapes": lambda names: names["solution"].report.relative_l2 < 1e-8,
    "shock": lambda names: names["solution"].report.relative_l2 < 1e-3 and len(names["boxes"]) > 20,
    "mahalanobis_components": lambda names: names["solution"].report.mse < 0.1 * names["drawn"].report.mse,
    "hundred_dimensions": lambda names: (
        all(
            abs(names[one].value - right) < 1.5 * names[one].error < 0.3 * right
            for one, right in IN_TEN_DIMENSIONS.items()
        )
        and abs(names["third"] / (6.25 * math.exp(0.21)) - 1) < 0.05
    ),
}


def test_every_example_is_checked():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(CHECKS)


def test_every_example_has_a_picture_that_its_page_shows():
    for path in EXAMPLES.glob("*.py"):
        assert f'# sphinx_gallery_thumbnail_path = "images/gallery/{path.stem}.jpg"' in path.read_text()
        assert (EXAMPLES.parent / "docs" / "images" / "gallery" / f"{path.stem}.jpg").stat().st_size < 150_000


LONG = (
    "hundred_dimensions",
    "shock",
    "train_a_network",
    "regression_figure2",
    "poisson_table1",
    "poisson_figure3",
    "mahalanobis_components",
)
"""Examples of more than five seconds. The documentation runs them too, whenever it is built."""


def by_length(name):
    return pytest.param(name, marks=pytest.mark.slow) if name in LONG else name


@pytest.mark.parametrize("name", [by_length(name) for name in sorted(CHECKS)])
def test_example(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [f"{name}.py", "--quick"])  # for those that take arguments
    names = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    assert CHECKS[name](names)
    assert capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_benchmarks_run_in_a_small_setting(monkeypatch, capsys):
    folder = EXAMPLES / "benchmarks"
    derivatives = runpy.run_path(str(folder / "derivatives.py"))
    monkeypatch.setattr(
        "sys.argv", ["derivatives.py", "--components", "30", "--points", "200", "--repeats", "1", "--json"]
    )
    derivatives["main"]()
    assert '"affine"' in capsys.readouterr().out
    assert all(
        derivatives["largest_disagreement"](form, 4) < 1e-12 for form in ("affine", "literal", "diagonal", "full")
    )
    accuracy = runpy.run_path(str(folder / "accuracy.py"))
    rows = accuracy["components"]((60, 120))
    assert rows[1]["relative_l2"] < rows[0]["relative_l2"] < 1e-2
    assert accuracy["estimates"](rows)["solves"] == 2
    accuracy["show"]("rows", rows)
    assert "| poisson |" in capsys.readouterr().out
    digits = runpy.run_path(str(folder / "time_to_digits.py"))
    before, after, solved = digits["kan"](0.5)
    assert after["parameters"] == 10400 and after["relative L2"] == pytest.approx(before["relative L2"], rel=1e-9)
    assert math.isfinite(solved["relative L2"])
    digits["show"]("rows", digits["dimensions"](0.5))
    assert "| MLP [5, 30, 30, 1] | 1141 |" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["hard_conditions", "inverse_problems"])
def test_tables_in_a_small_setting(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [f"{name}.py", "--quick"])
    runpy.run_path(str(EXAMPLES / "benchmarks" / f"{name}.py"))["main"]()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| p") for line in lines)


@pytest.mark.slow
def test_the_side_by_side_comparison_runs_for_this_library_alone(tmp_path):
    # As a program, for it runs others, and has the folder of the benchmarks to import from.
    asked = ["--libraries", "ours", "--budget", "1", "--only", "poisson", "--recipes", "default"]
    command = [sys.executable, EXAMPLES / "benchmarks" / "peers.py", *asked, "--work", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "| problem | library | recipe | 1 s |" in done.stdout
    (values,) = tmp_path.glob("results/ours/poisson-default/*.npy")
    assert values.stat().st_size > 8 * 4000
