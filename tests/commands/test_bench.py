"""The scoreboard."""

import json

import pytest

import gmnm_pde as g
from gmnm_pde.bench.pinnacle import ENTRIES
from gmnm_pde.bench.scoreboard import Score, score
from gmnm_pde.cli import main
from gmnm_pde.plots.scores import plot_scores


def entry(name):
    return next(listed for listed in ENTRIES if listed.name == name)


@pytest.mark.parametrize("listed", ENTRIES, ids=lambda listed: listed.name)
def test_every_entry_names_a_problem_and_its_parameters(listed):
    problem = g.registry.factory(listed.problem)
    assert set(listed.parameters) <= set(problem.__code__.co_varnames)
    assert 0 < listed.published < 1 and listed.method


def test_errors_are_those_of_all_outputs_together():
    row = score(entry("PInv"), time_limit=30)
    assert set(row.by_field) == {"u", "a"}
    assert min(row.by_field.values()) < row.relative_l2 < max(row.by_field.values())
    assert row.gain == pytest.approx(row.published_best / row.relative_l2)
    assert "u " in row.as_row() and "a " in row.as_row()


def test_the_command(tmp_path, capsys):
    assert main(["bench", "pinnacle", "--only", "wave", "--json", "--out", str(tmp_path)]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["relative_l2"] < 1e-9 and row["published_best"] == 9.79e-2 and row["gain"] > 1e6
    assert {path.name for path in tmp_path.iterdir()} == {"scoreboard.json", "scoreboard.md", "scoreboard.png"}
    assert main(["bench", "pinnacle", "--only", "burgerz"]) == 2
    assert "burgers" in capsys.readouterr().err


def test_without_a_reference_the_estimate_stands_for_the_error():
    row = Score("A", "a", 1e-1, "PINN", None, None, 1e-3, 1.0, 100, True, "")
    assert row.gain == pytest.approx(100) and "| - |" in row.as_row()
    assert plot_scores([row]) is not None
