import json
import subprocess
import sys

import pytest

import gmnm_pde as g
from gmnm_pde.cli import main


def test_list_names_every_problem(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line for line in lines if not line.startswith(" ")]
    assert [line.split()[0] for line in named] == g.registry.names()
    assert all(len(line.split()) > 4 for line in named)
    assert any("--set wave_number=1, dimension=2" in line for line in lines)


def test_list_finds_words_in_names_and_descriptions(capsys):
    assert main(["list", "poisson", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["poisson"]["parameters"] == {"wave_number": 1, "dimension": 2} and "wave" not in found
    assert main(["list", "poisn"]) == 2
    assert "Did you mean 'poisson'" in capsys.readouterr().err


def test_solve_prints_the_report(capsys):
    assert main(["solve", "poisson", "--components", "100"]) == 0
    out, err = capsys.readouterr()
    assert "converged" in out and "error estimate" in out and err == ""


def test_json_alone_on_standard_output():
    command = [sys.executable, "-m", "gmnm_pde.cli", "solve", "poisson", "--tol", "1e-4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["relative_l2"] < 1e-4 and report["converged"] is True
    assert done.stderr == ""


def test_out_writes_everything(tmp_path, capsys):
    assert main(["solve", "heat", "--components", "60", "--json", "--out", str(tmp_path / "run")]) == 0
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "report.html", "report.json", "history.csv", "solution.safetensors", "solution.png", "curves.png", 
        "components.png",
    }  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "run" / "report.json").read_text())
    assert g.load_solution(tmp_path / "run" / "solution.safetensors")(0.5, 0.0) == pytest.approx(0.5, abs=1e-2)


@pytest.mark.parametrize(("words", "name"), [(["poisson"], "u.vtu"), (["heat"], "series"), (["poisson"], "grid.vti")])
def test_a_file_for_paraview(words, name, tmp_path, capsys):
    assert main(["solve", *words, "--components", "40", "--vtk", str(tmp_path / name)]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    file = tmp_path / (name if "." in name else f"{name}.pvd")
    assert told == f"written for ParaView: {file}" and "VTKFile" in file.read_text(errors="ignore")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["poisson", "--vtk", "u.stl"], "--vtk u.stl: expected a file .vti, .vtu or .pvd"),
        (["heat", "--vtk", "u.vtu"], "a .pvd file for several times"),
        (["lotka_volterra", "--vtk", "u.vtu"], "coordinates of space"),
        (["poisson", "--vtk", "no/where/u.vtu"], "a folder that is there"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_the_solve(words, message, monkeypatch, capsys):
    monkeypatch.setattr("gmnm_pde.cli.solve.solve", None)
    assert main(["solve", *words]) == 2
    assert message in capsys.readouterr().err


def test_parameters_of_a_problem(capsys):
    assert main(["solve", "poisson", "--set", "dimension=1", "--tol", "1e-6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["converged"]


def test_a_tolerance_not_met_exits_with_one(capsys):
    assert main(["solve", "poisson", "--components", "20", "--tol", "1e-12", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["converged"] is False


BAD = {
    "misspelt problem": (["solve", "poison"], "poisson"),
    "misspelt model": (["solve", "poisson", "--model", "gmn"], "Did you mean 'gmnm'"),
    "misspelt method": (["solve", "poisson", "--method", "leastsquare"], "least-squares"),
    "misspelt parameter": (["solve", "poisson", "--set", "dimensions=3"], "Did you mean 'dimension'"),
    "parameter without a value": (["solve", "poisson", "--set", "dimension"], "NAME=VALUE"),
    "impossible parameter": (["solve", "poisson", "--set", "dimension=7"], "1 to 3 dimensions"),
    "negative components": (["solve", "poisson", "--components", "-3"], "positive"),
    "negative tolerance": (["solve", "poisson", "--tol", "-1"], "positive"),
    "device": (["solve", "poisson", "--device", "cuda:9"], "a device of this machine"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_exits_with_two_and_one_line(case, capsys):
    arguments, message = BAD[case]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and len(err.splitlines()) == 1


PARSED = {
    "misspelt command": (["sovle", "poisson"], "Did you mean 'solve'"),
    "no command": ([], "required"),
    "dtype": (["solve", "poisson", "--dtype", "float16"], "float16"),
    "a word for a number": (["solve", "poisson", "--tol", "small"], "small"),
}


@pytest.mark.parametrize("case", PARSED)
def test_bad_words_exit_with_two_and_one_line(case, capsys):
    arguments, message = PARSED[case]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"gmnm-pde {g.__version__}\n"
