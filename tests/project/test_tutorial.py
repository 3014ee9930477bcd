"""The tutorial's notebook: every cell runs, in order, and what it shows is right."""

import ast
import json
from pathlib import Path

import pytest

from gmnm_pde.plots.picture import Picture

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "tutorial.ipynb"


def run(cell, names):
    """Run a cell, and return what a notebook would show below it: the value of the last expression."""
    *body, last = ast.parse(cell).body
    shown = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    exec(compile(ast.Module(body if shown else [*body, last], []), "cell", "exec"), names)
    return eval(compile(shown, "cell", "eval"), names) if shown else None


def test_the_tutorial_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    names, shown = {}, []
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "kept without outputs: clear them before saving"
            value = run("".join(cell["source"]), names)
            shown.append(value.png() if isinstance(value, Picture) else getattr(value, "_repr_html_", lambda: None)())
    assert sum(isinstance(one, bytes) for one in shown) == 2 and sum(isinstance(one, str) for one in shown) == 3
    solution = names["solution"]
    assert solution.report.converged and names["front"].report.converged
    assert solution.flux() == pytest.approx(-names["source"], rel=1e-2)
    low, high = names["found"].posterior.interval("kappa", 0.99)
    assert low < 0.2 < high < 0.3
    assert {path.name for path in tmp_path.iterdir()} == {"front.gif", "plate.safetensors", "plate.vtu", "plate.html"}
