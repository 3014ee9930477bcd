"""Problems from a user's own file: found, solved like registered ones, and blamed by the user's own line."""

import json
from pathlib import Path

import pytest

import gmnm_pde as g
from gmnm_pde.cli import main

LINE = """
import torch
from gmnm_pde import Dirichlet, Interval, Problem, diff

def problem(k: float = 1.0, *, end=1.0):
    line = Interval(x=(0, end))
    return Problem(line, lambda u, x: k * diff(u, x, x) + torch.sin(x), [Dirichlet(u=0)], name="rod")

def other():
    return problem(k=3.0)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="mine.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def solved(capsys, *words):
    assert main(["solve", *words, "--components", "40", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_function_with_parameters(file, capsys):
    name = file(LINE)
    assert solved(capsys, name)["problem"] == "rod"
    assert solved(capsys, name, "--set", "k=2", "--set", "end=.5")["converged"]
    assert solved(capsys, f"{name}:other")["converged"]


def test_a_problem_that_is_there_and_its_constants(file, capsys):
    text = LINE.replace("def problem", "def made") + (
        "\nfixed = Problem(Interval(x=(0, 1)), lambda u, x, c: diff(u, x) - c, "
        "[Dirichlet(u=0, on=Interval(x=(0, 1)).face(x=0))], constants={'c': 1.0})\n"
    )
    name = file(text.replace("problem(k=3.0)", "made(k=3.0)"))
    assert main(["solve", name, "--components", "20", "--set", "c=4", "--out", "run", "--quiet"]) == 0
    assert g.load_solution("run/solution.safetensors")(0.5) == pytest.approx(2.0, abs=1e-6)


def test_what_a_file_prints_is_no_answer(file, capsys):
    name = file("print('loading')\n" + LINE)
    assert main(["solve", name, "--components", "20", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["problem"] == "rod" and "loading" in err


def test_files_beside_it_are_imported_and_nothing_is_left(file, tmp_path, capsys):
    file("def source(x):\n    return x", "helper_of_mine.py")
    name = file(LINE.replace("torch.sin(x)", "source(x)").replace("import torch", "from helper_of_mine import source"))
    assert solved(capsys, name)["converged"]


def test_warnings_are_told_in_a_line(file, capsys):
    name = file(LINE.replace("[Dirichlet(u=0)]", "[Dirichlet(u=0, on=line.face(x=0))]"))
    main(["show", name])
    err = capsys.readouterr().err
    assert err.startswith("gmnm-pde: warning: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize("path", [r"C:\work\my.py", r"..\a b\my.py", "/tmp/x/my.py"])
def test_paths_of_windows_too(path):
    from gmnm_pde.cli.problems import users_file

    assert str(users_file(path)) == path and str(users_file(path + ":made")) == path
    assert users_file("poisson") is None


BAD = {
    "no file": (None, ["missing.py"], "gmnm-pde new missing.py"),
    "a folder": (None, ["folder.py"], "a folder"),
    "another ending": ("", ["mine.txt"], "ends with .py"),
    "nothing in it": ("x = 1", ["mine.py"], "called 'problem'"),
    "several in it": (LINE.replace("def problem", "def made"), ["mine.py"], "mine.py:made"),
    "no such function": (LINE, ["mine.py:othr"], "Did you mean 'other'"),
    "no such parameter": (LINE, ["mine.py", "--set", "kk=2"], "Did you mean 'k'"),
    "a parameter without a value": (LINE.replace("k: float = 1.0", "k"), ["mine.py"], "--set k=..."),
    "a function of something else": ("def problem():\n    return 3", ["mine.py"], "returns a Problem"),
    "an end of the process": ("raise SystemExit(3)", ["mine.py"], "ends the process"),
    "syntax": ("def problem(:\n", ["mine.py"], "mine.py, line 1: def problem(:\n  SyntaxError"),
    "an unknown name at first": ("import math\nx = sinn(2)", ["mine.py"], "mine.py, line 2: x = sinn(2)\n  NameError"),
    "a missing package": ("import nothing_of_that_name", ["mine.py"], "ModuleNotFoundError"),
    "an unknown name in an equation": (LINE.replace("torch.sin", "torch.sinn"), ["mine.py"], "line 7: return Problem("),
    "what the library refuses": (LINE.replace("Dirichlet(u=0)", "Dirichlet(v=0)"), ["mine.py"], "line 7"),
    "a wrong value": (LINE, ["mine.py", "--set", "k=abc"], "line 7"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_exit_with_two_and_the_line(case, file, capsys):
    text, words, message = BAD[case]
    if text is not None:
        file(text, words[0].split(":")[0])
    elif case == "a folder":
        Path(words[0]).mkdir()
    assert main(["solve", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and "Traceback" not in err and len(err.splitlines()) <= 2


def test_faults_of_the_library_are_not_hidden(file, monkeypatch):
    monkeypatch.setattr("gmnm_pde.cli.solve.solve", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["solve", file(LINE)])


def test_new_writes_a_file_that_solves_and_keeps_what_is_there(file, tmp_path, capsys):
    assert main(["new", "start.py"]) == 0
    assert main(["solve", "start.py", "--tol", "1e-3", "--set", "k=2"]) == 0
    before = (tmp_path / "start.py").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["new", "start.py"]) == 2
    assert "a file that is there" in capsys.readouterr().err
    assert (tmp_path / "start.py").read_text(encoding="utf-8") == before
    for bad in ("start", "nowhere/start.py"):
        assert main(["new", bad]) == 2


def test_show_tells_what_was_stated_and_draws_it(file, tmp_path, capsys):
    name = file(LINE)
    assert main(["show", name, "--set", "k=2", "--out", "domain.png"]) == 0
    out = capsys.readouterr().out
    equation, written = "k * diff(u, x, x) + torch.sin(x)", "mine.py, line 5"
    for words in (equation, "Dirichlet(u=0)", "Interval(x=(0, 1))", "k=1.0", written):
        assert words in out
    assert (tmp_path / "domain.png").stat().st_size > 1000
    assert main(["show", name, "--out", "domain.xyz"]) == 2


@pytest.mark.parametrize("name", ["two_materials", "four_balls", "lotka_volterra", "poisson_inverse", "membrane"])
def test_show_registered_problems(name, tmp_path, capsys):
    assert main(["show", name, "--out", str(tmp_path / "domain.svg")]) == 0
    out = capsys.readouterr().out
    assert "Source" in out and "conditions" in out and f"{name}.py, line" in out


def test_modes_and_compare_take_files(file, capsys):
    name = file(
        "from gmnm_pde import *\nproblem = Problem(Interval(x=(0, 3.141592653589793)), "
        "lambda u, x, k: diff(u, x, x) + k * u, [Dirichlet(u=0)], parameters={'k': 0.5})"
    )
    assert main(["modes", name, "--count", "2", "--components", "40", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"][0] == pytest.approx(1.0, abs=1e-6)
    name = file(LINE)
    words = ["--models", "mlp", "--method", "adam", "--steps", "3", "--lr", "1e-2", "--points", "50"]
    assert main(["compare", name, *words]) == 0
    assert "mlp" in capsys.readouterr().out
