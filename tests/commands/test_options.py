"""Options that are derived from methods and models."""

import dataclasses
import json

import pytest

from gmnm_pde.cli import _parsed, main
from gmnm_pde.cli.derived import of_methods, of_models
from gmnm_pde.methods import METHODS
from gmnm_pde.models import MODELS

SMALL = ["--points", "60", "--set", "dimension=1", "--json"]


def test_every_number_of_every_method_and_model_is_an_option(capsys):
    for kind in METHODS.values():
        assert {part.name for part in dataclasses.fields(kind)} <= set(of_methods())
    for named in MODELS.values():
        assert set(named.options) <= set(of_models())
    with pytest.raises(SystemExit):
        main(["solve", "--help"])
    told = capsys.readouterr().out
    for option in (*of_methods().values(), *of_models().values()):
        assert option.word in told


def test_they_reach_the_method(capsys):
    words = ["--model", "mlp", "--hidden", "8,8", "--activation", "sin"]
    assert main(["solve", "poisson", *words, "--method", "adam", "--steps", "3", "--lr", "1e-2", *SMALL]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "steps=3, lr=0.01" in report["method"] and report["parameters"] == 8 * 2 + 8 * 9 + 9


def test_each_of_several_methods_takes_its_own(capsys):
    words = ["--method", "adam,gauss-newton", "--adam-steps", "3", "--steps", "2", "--no-accelerate"]
    assert main(["solve", "poisson", "--model", "mlp", *words, *SMALL]) == 0
    method = json.loads(capsys.readouterr().out)["method"]
    assert "Adam(steps=3" in method and "GaussNewton(steps=2" in method and "accelerate=False" in method


def test_steps_are_newtons_too(capsys):
    assert main(["solve", "poisson", "--method", "least-squares", "--steps", "7", "--components", "9", *SMALL]) == 0
    assert json.loads(capsys.readouterr().out)["unknowns"] == 9


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["--model", "rbf", "--components", "20"], 20),
        (["--model", "gmnm", "--components", "20", "--form", "diagonal", "--widths", "2"], 20),
        (["--components", "8", "--patches", "2"], 16),
    ],
)
def test_they_reach_the_model(words, size, capsys):
    assert main(["solve", "poisson", *words, *SMALL]) == 0
    assert json.loads(capsys.readouterr().out)["unknowns"] == size


BAD = {
    "misspelt option": (["--stepz", "3"], "Did you mean '--steps'"),
    "an option cut short": (["--step", "3"], "'--steps'"),
    "an option of nothing": (["--qqqqqq"], "--help"),
    "one word more": (["again"], "no more words"),
    "of no method": (["--lr", "1e-3"], "--method adam or soap"),
    "of another method": (["--method", "gauss-newton", "--lr", "1e-3"], "adam or soap"),
    "of another model": (["--hidden", "10,10"], "--model kan or mlp"),
    "a word for a number": (["--method", "adam", "--steps", "many"], "a whole number, got 'many'"),
    "half a step": (["--method", "adam", "--steps", "3.5"], "a whole number"),
    "several for one": (["--method", "adam", "--lr", "1,2"], "a number, got '1,2'"),
    "out of range": (["--method", "adam", "--lr", "-1"], "positive"),
    "unknown schedule": (["--method", "adam", "--schedule", "cosin"], "'cosine'"),
    "out is a file": (["--out", __file__], "a folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options_exit_with_two_and_one_line(case, capsys):
    words, message = BAD[case]
    assert main(["solve", "poisson", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and len(err.splitlines()) == 1


def test_whole_numbers_may_be_written_with_exponents():
    from gmnm_pde.cli.derived import given_to_methods

    options = _parsed(["solve", "poisson", "--steps", "3e3", "--batch", "10"])
    assert given_to_methods(options, ["adam", "lbfgs"]) == [{"steps": 3000, "batch": 10}, {"steps": 3000}]
