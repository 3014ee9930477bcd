"""Comparisons: the same conditions for every model, rows and their spread, the table, the figure, the command."""

import csv
import json
import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.cli import main
from gmnm_pde.compare import PAPER_MODELS, best_methods, tune
from gmnm_pde.plots.comparison import colours
from gmnm_pde.plots.pareto import front
from gmnm_pde.results.comparison import Spread

MODELS = {
    "gmnm": g.Mixture(components=20, widths=2.0),
    "kan": lambda: g.KAN([2, 4, 1]),
    "mlp": lambda: g.MLP([2, 8, 1]),
}


@pytest.fixture(scope="module")
def compared():
    return g.compare(g.registry.load("poisson"), MODELS, methods=g.Adam(steps=40, lr=1e-2), seeds=(0, 1), points=100)


def test_one_row_for_each_run(compared):
    assert [(row.name, row.seed) for row in compared.rows] == [(name, seed) for name in MODELS for seed in (0, 1)]
    assert [row.parameters for row in compared.rows[::2]] == [100, 108, 33]
    for row, solution in zip(compared.rows, compared.solutions, strict=True):
        report = solution.report
        assert (row.mse, row.relative_l2, row.steps) == (report.mse, report.relative_l2, 40)
        assert row.mse == pytest.approx(row.relative_l2**2 / 4, rel=0.05)


def test_every_model_has_the_same_points_and_each_seed_its_own_draw(compared):
    assert len({run.report.points for run in compared.solutions}) == 1
    assert all(first.mse != second.mse for first, second in (compared.of(name) for name in MODELS))


def test_the_same_digits_again_and_no_trace(compared):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = g.compare(g.registry.load("poisson"), MODELS, methods=g.Adam(steps=40, lr=1e-2), seeds=[1], points=100)
    assert torch.equal(before, torch.get_rng_state())
    assert [row.mse for row in again.rows] == [row.mse for row in compared.rows[1::2]]


def test_a_run_is_what_solve_gives():
    torch.manual_seed(3)
    problem, method = g.registry.load("poisson"), g.Adam(steps=20)
    report = g.solve(problem, g.MLP([2, 8, 1]), method, seed=3, points=100).report
    (row,) = g.compare(problem, {"net": MODELS["mlp"]}, methods=method, seeds=(3,), points=100).rows
    assert row.mse == report.mse and row.residual == report.residual


def test_side_by_side_runs_are_the_same_runs():
    def own():
        return torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1))

    models, told = {"net": MODELS["mlp"], "own": own, "mixture": g.Mixture(components=20)}, []
    options = {"seeds": (0, 1), "points": 60, "methods": {"net": g.Adam(5), "own": g.Adam(5), "mixture": "best"}}
    one = g.compare(g.registry.load("poisson"), models, **options)
    two = g.compare(g.registry.load("poisson"), models, **options, jobs=2, callback=told.append)
    assert [row.name for row in one.rows] == [row.name for row in two.rows]
    for a, b in zip(one.rows, two.rows, strict=True):
        assert b.relative_l2 == pytest.approx(a.relative_l2, rel=1e-6)
    assert two.solutions[2](0.1, 0.2) == pytest.approx(one.solutions[2](0.1, 0.2), rel=1e-6)
    assert len(told) == 6 and two.plot_pareto().axes
    with pytest.raises(g.GmnmError, match="number of processes"):
        g.compare(g.registry.load("poisson"), models, jobs=0, **options)


def test_a_front_and_an_order(compared):
    assert front([(1, 5.0), (2, 6.0), (3, 1.0), (3, 4.0), (0.5, 7.0)]) == [(0.5, 7.0), (1, 5.0), (3, 1.0)]
    means = [compared.sorted_by().summary()[name]["relative_l2"].mean for name in compared.sorted_by().names]
    assert means == sorted(means) and len(compared.sorted_by().rows) == len(compared.rows)


def test_best_methods_follow_the_model():
    assert best_methods(g.Mixture()) == (g.LeastSquares(),)
    assert best_methods(g.MLP([1, 2, 1])) == (g.ProximalGaussNewton(), g.LeastSquares())
    assert best_methods(torch.nn.Linear(1, 1), steps=7) == (g.ProximalGaussNewton(steps=7),)
    compared = g.compare(g.registry.load("poisson", dimension=1), {"gmnm": g.Mixture(components=40)}, points=100)
    assert compared.rows[0].relative_l2 < 1e-10 and "least squares" in compared.rows[0].method


def test_the_papers_models_have_the_papers_sizes():
    def count(name, coordinates=2, fields=1):
        model = PAPER_MODELS[name](coordinates, fields)
        return sum(parameter.numel() for parameter in model.parameters())

    assert count("mlp") == 5301 and count("kan") == 10660
    assert count("mlp", 3, 2) == 3 * 50 + 50 + 2 * 2550 + 2 * 51
    row = g.compare(g.registry.load("poisson"), ["gmnm"], methods=g.Adam(steps=1), points=20).rows[0]
    assert row.parameters == 4500


def test_methods_by_model():
    compared = g.compare(
        g.registry.load("poisson"),
        {"a": MODELS["mlp"], "b": MODELS["gmnm"]},
        methods={"a": ["adam", "least-squares"], "b": g.LBFGS(steps=5)},
        points=50,
        time_limit=0.3,
    )
    assert "Adam" in compared.rows[0].method and "LBFGS" in compared.rows[1].method
    assert "time limit" in compared.rows[0].reason and not compared.rows[0].converged


def test_systems_and_problems_without_an_exact_solution():
    problem = g.registry.load("kovasznay")
    compared = g.compare(problem, {"net": lambda: g.MLP([2, 5, 3])}, methods=g.Adam(steps=5), points=30)
    row, report = compared.rows[0], compared.solutions[0].report
    assert row.mse == pytest.approx(sum(report.mse.values()) / 3)
    assert row.relative_l2 == max(report.relative_l2.values())
    plain = g.Problem(g.Interval(x=(0, 1)), lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)])
    compared = g.compare(plain, {"net": lambda: g.MLP([1, 5, 1])}, methods=g.Adam(steps=15), points=30)
    assert compared.rows[0].mse is None and compared.summary()["net"]["mse"] is None
    assert "MSE" not in str(compared)
    titles = [axes.get_title(loc="left") for axes in compared.plot().axes]
    assert titles == ["(a) boundary MSE", "(b) residual MSE"]


def test_the_spread_over_seeds(compared):
    assert Spread.of([1.0, 100.0]) == Spread(1.0, pytest.approx(10.0), 100.0, pytest.approx(99 / math.sqrt(2)))
    assert Spread.of([None, math.nan]) is None and Spread.of([0.0, 2.0]).mean == 0.0
    assert Spread.of([3.0]).std == 0.0
    found = compared.summary()["kan"]["mse"]
    values = [row.mse for row in compared.of("kan")]
    assert (found.min, found.max) == (min(values), max(values))
    assert found.mean == pytest.approx(math.sqrt(values[0] * values[1]))


def test_the_table_names_both_errors(compared):
    text = str(compared)
    assert "MSE" in text and "relative L2" in text and "2 seeds: geometric mean [least, greatest]" in text
    assert [line.split()[0] for line in text.splitlines()[2:5]] == list(MODELS)
    assert "all: Adam(steps=40" in text
    with pytest.raises(KeyError, match="no model 'rbf'"):
        compared.of("rbf")


def test_files(compared, tmp_path):
    compared.to_csv(tmp_path / "rows.csv")
    compared.curves_to_csv(tmp_path / "curves.csv")
    rows = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))
    assert [float(row["mse"]) for row in rows] == [row.mse for row in compared.rows]
    curves = list(csv.DictReader((tmp_path / "curves.csv").read_text().splitlines()))
    assert len(curves) == sum(len(run.history) for run in compared.solutions)
    assert set(compared.as_dict()) == {"rows"}
    assert json.loads(json.dumps(compared.as_dict(), allow_nan=False))["rows"][0]["name"] == "gmnm"


@pytest.mark.parametrize("over", ["step", "seconds"])
def test_the_figure_has_three_panels(compared, over, tmp_path):
    figure = compared.plot(over=over)
    assert [axes.get_title(loc="left")[4:] for axes in figure.axes] == [
        "total L2 error (MSE)", "boundary MSE", "residual MSE"
    ]  # fmt: skip
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} == set(MODELS)
    line = figure.axes[0].lines[0].get_ydata()
    assert line[-1] == pytest.approx(compared.summary()["gmnm"]["mse"].mean)
    figure.savefig(tmp_path / "curves.png")
    with pytest.raises(g.GmnmError, match="'step' or 'seconds'"):
        compared.plot(over="hours")


def test_colours_are_the_papers_and_differ():
    assert colours(["GMNM", "kan", "mlp"]) == colours(["gmnm", "KAN", "MLP"])
    assert len(set(colours(["gmnm", "kan", "mlp", "a", "b"]))) == 5


def test_variants_and_methods_are_chosen_by_the_training_loss():
    problem, net = g.registry.load("poisson", dimension=1), lambda: g.MLP([1, 10, 1])
    rates = [g.Adam(60, lr=rate) for rate in (1e-9, 1e-2, 1e3)]
    mixtures = [g.Mixture(components=20, widths=width) for width in (2.0, 500.0)]
    models, methods = tune(problem, {"net": net, "gmnm": mixtures}, rates, points=40)
    assert models == {"net": net, "gmnm": mixtures[0]}
    assert methods["net"] == rates[1] and methods["gmnm"] == rates[1]
    with pytest.raises(g.GmnmError, match="at least one method to try"):
        tune(problem, {"net": net}, [])
    with pytest.raises(g.GmnmError, match="at least one variant"):
        tune(problem, {"net": []}, rates)


NETS = {"net": lambda: g.MLP([2, 5, 1])}
BAD = {
    "name": ({"models": ["gmmn"]}, "Did you mean 'gmnm'"),
    "no models": ({"models": []}, "at least one model"),
    "number": ({"models": 3}, "a dict from names to models"),
    "what is no model": ({"models": {"net": 3}}, "a torch module or a function"),
    "a factory of nothing": ({"models": {"net": lambda: 3}}, "a torch module"),
    "inputs": ({"models": {"net": lambda: g.MLP([3, 5, 1])}}, "a model for 2 coordinates"),
    "one module for several seeds": ({"models": {"net": g.MLP([2, 5, 1])}, "seeds": (0, 1)}, r"Write lambda: MLP"),
    "method": ({"methods": "adma"}, "Did you mean 'adam'"),
    "methods of another": ({"methods": {"nat": "adam"}}, "Did you mean 'net'"),
    "no seeds": ({"seeds": ()}, "different whole numbers"),
    "twice a seed": ({"seeds": (1, 1)}, "different whole numbers"),
    "seed": ({"seeds": (-1,)}, "different whole numbers"),
    "words for seeds": ({"seeds": "ab"}, "different whole numbers"),
    "points": ({"points": 0}, "positive whole numbers"),
    "time": ({"time_limit": -1}, "a positive number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    options, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        g.compare(g.registry.load("poisson"), **{"models": NETS, **options})


def test_bad_arguments_are_found_before_anything_runs():
    news = []
    with pytest.raises(g.GmnmError, match="a model for 2 coordinates"):
        g.compare(g.registry.load("poisson"), {**NETS, "b": lambda: g.MLP([1, 1])}, callback=news.append)
    assert not news


def test_command_prints_a_table_and_writes_files(tmp_path, capsys):
    command = ["compare", "poisson", "--models", "mlp,gmnm", "--method", "adam,lbfgs", "--steps", "4", "--points", "20"]
    assert main([*command, "--seeds", "2", "--lr", "1e-2", "--out", str(tmp_path / "run")]) == 0
    out, err = capsys.readouterr()
    assert "relative L2" in out and "Adam(steps=4, lr=0.01" in out and "LBFGS(steps=4" in out and err == ""
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "comparison.json", "comparison.csv", "curves.csv", "curves.png", "report.html"
    }  # fmt: skip
    rows = json.loads((tmp_path / "run" / "comparison.json").read_text())["rows"]
    assert [(row["name"], row["seed"]) for row in rows] == [("mlp", 0), ("mlp", 1), ("gmnm", 0), ("gmnm", 1)]


def test_command_prints_json_alone(capsys):
    command = ["compare", "poisson", "--set", "dimension=1", "--models", "gmnm,mlp", "--points", "40", "--steps", "2"]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows] == ["gmnm", "mlp"] and rows[0]["relative_l2"] < 1e-8
    assert "GaussNewton(steps=2" in rows[1]["method"]


BAD_COMMANDS = {
    "problem": (["poison"], "Did you mean 'poisson'"),
    "model": (["poisson", "--models", "gmnm,kann"], "Did you mean 'kan'"),
    "method": (["poisson", "--method", "adam,lbgfs"], "Did you mean 'lbfgs'"),
    "best among others": (["poisson", "--method", "adam,best"], "expected best or names of methods"),
    "seeds": (["poisson", "--seeds", "0"], "a positive number of seeds"),
    "steps": (["poisson", "--method", "adam", "--steps", "-1"], "a positive number of steps"),
    "rate": (["poisson", "--method", "adam", "--lr", "-1"], "a positive number"),
    "rate of best": (["poisson", "--lr", "0.1"], "--method adam"),
    "time": (["poisson", "--time-limit", "0"], "a positive number"),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_bad_commands_exit_with_two_and_one_line(case, capsys):
    arguments, message = BAD_COMMANDS[case]
    assert main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and len(err.splitlines()) == 1
