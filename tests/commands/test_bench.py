"""The scoreboard."""

import json

import pytest

import gmnm_pde as g
from gmnm_pde.bench.pinnacle import ENTRIES
from gmnm_pde.bench.scoreboard import Score, score
from gmnm_pde.cli import main
from gmnm_pde.plots.scores import plot_scores


def entry(name):
    return next(one for one in ENTRIES if one.name == name)


@pytest.mark.parametrize("one", ENTRIES, ids=lambda one: one.name)
def test_every_entry_names_a_problem_and_its_parameters(one):
    problem = g.registry.factory(one.problem)
    assert set(one.parameters) <= set(problem.__code__.co_varnames)
    assert 0 < one.published < 1 and one.method


def test_errors_are_those_of_all_outputs_together():
    found = score(entry("PInv"), time_limit=30)
    assert set(found.by_field) == {"u", "a"}
    assert min(found.by_field.values()) < found.relative_l2 < max(found.by_field.values())
    assert found.gain == pytest.approx(found.published_best / found.relative_l2)
    assert "u " in found.as_row() and "a " in found.as_row()


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
