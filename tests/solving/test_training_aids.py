"""What adapts while a model trains: weights of terms and points, points that move, batches; and checkpoints."""

import itertools
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import PI

import gmnm_pde as g
from gmnm_pde.collocation.whole import Counts, place
from gmnm_pde.models import Normalized
from gmnm_pde.residuals import TrainingSystem

POINTS = {"interior": 60, "boundary": 2}


def line(**changes):
    parts = {
        "domain": g.Interval(x=(-1, 1)),
        "equations": lambda u, x: g.diff(u, x, x) + PI**2 * torch.sin(PI * x),
        "conditions": [g.Dirichlet(u=0)],
        "exact": lambda x: torch.sin(PI * x),
        "name": "line",
    }
    return g.Problem(**{**parts, **changes})


def heat():
    return g.registry.load("heat")


def network(inputs=1, seed=0):
    torch.manual_seed(seed)
    return g.MLP([inputs, 12, 1])


def system_of(problem, inputs=1):
    model = Normalized(network(inputs), problem.domain.bounds).double()
    return TrainingSystem(problem, model, place(problem, Counts(80, 20), seed=0), {})


def test_gradient_norms_are_balanced():
    system = system_of(line())
    before = system.gradient_norms()
    g.GradientNorm(every=1).begin(system, 0).before(0)
    balanced = {name: system.weights[name] * norm for name, norm in before.items()}
    assert max(balanced.values()) == pytest.approx(min(balanced.values()))


def test_relobralo_gives_more_weight_to_what_falls_less():
    system = system_of(line())
    balance = g.ReLoBRaLo(memory=0.0, look_back=0.0).begin(system, 0)
    balance.before(0)
    with torch.no_grad():
        system.model.inner.layers[-1].bias.add_(5.0)  # the condition's loss grows, the equation's stays
    balance.before(1)
    assert system.weights["dirichlet_u"] > system.weights["equation"]
    assert sum(system.weights.values()) == pytest.approx(2.0)


def test_self_adaptive_weights_climb_where_residuals_are():
    system = system_of(line())
    system.gradient()
    balance = g.SelfAdaptive(lr=0.1).begin(system, 0)
    balance.before(1)
    balance.before(2)
    weights = system.point_weights["equation"]
    assert (weights > 1).all() and len(weights) == len(system.latest["equation"])
    loss, squares = system.loss()
    assert loss > sum(squares.values())


def test_causal_weights_fall_with_time():
    system = system_of(heat(), inputs=2)
    system.gradient()
    g.Causal(epsilon=5.0, slabs=4).begin(system, 0).before(1)
    ((name, times),) = system.equation_times().items()
    weights, order = system.point_weights[name], times.argsort()
    assert weights[order][0] == 1.0 and weights[order][-1] < 1
    assert (weights[order].diff() <= 1e-12).all()
    with pytest.raises(g.GmnmError, match="a problem with time"):
        g.solve(line(), network(), g.Adam(5), weights=g.Causal())


@pytest.mark.parametrize("weights", [g.GradientNorm(every=10), g.ReLoBRaLo(), g.SelfAdaptive()])
@pytest.mark.parametrize("method", [g.Adam(100, lr=1e-2), g.LBFGS(30), g.GaussNewton(10), g.SelfScaled(30)])
def test_weightings_with_every_method(weights, method):
    report = g.solve(line(), network(), method, points=POINTS, weights=weights).report
    assert math.isfinite(report.relative_l2) and report.relative_l2 < 1.0, str(report)


@pytest.mark.parametrize(
    "points", [g.Resampling(interior=40, boundary=2, every=20), g.ResidualAdaptive(interior=40, boundary=2, every=20)]
)
@pytest.mark.parametrize("method", [g.Adam(80, lr=1e-2), g.LBFGS(40), g.GaussNewton(40), g.SelfScaled(60)])
def test_moving_points_with_every_method(points, method):
    first, again = (g.solve(line(), network(), method, points=points).report for _ in range(2))
    assert first.relative_l2 == again.relative_l2 and math.isfinite(first.relative_l2)


def test_adaptive_points_crowd_where_the_residual_is_large():
    steep = line(equations=lambda u, x: g.diff(u, x, x) + 1e3 * torch.exp(-((20 * (x - 0.5)) ** 2)), exact=None)
    system = system_of(steep)
    (interior,) = (p for p in g.ResidualAdaptive(80, floor=0.1).moved(system, 0) if p.term.group == "interior")
    near = (interior.cloud.points[:, 0] - 0.5).abs() < 0.15
    assert near.double().mean() > 0.5 and len(interior.cloud) == 80


def test_batches_are_parts_of_the_points():
    system = system_of(line())
    blocks = system.batch(10, torch.Generator().manual_seed(0))
    assert [len(block.points) for block in blocks] == [10, 2]
    every = system.named()["equation"]
    chosen = system.named(blocks)["equation"]
    assert torch.isin(chosen.detach(), every.detach()).all()
    report = g.solve(line(), network(), g.Adam(500, lr=1e-2, batch=16), points=POINTS).report
    assert report.relative_l2 < 0.2


def test_batches_of_given_data():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    problem = g.Problem(g.Interval(x=(-1, 1)), (), [g.Observations(x, u=x[:, 0] ** 2)], fields=("u",))
    report = g.solve(problem, network(), g.Adam(400, lr=1e-2, batch=10)).report
    assert report.boundary < 0.1, str(report)


def test_early_stopping():
    samples = g.registry.load("regression_1d", level=1, samples=30, noise=0.2)
    torch.manual_seed(0)
    report = g.solve(samples, g.MLP([1, 10, 1]), g.Adam(10**5, lr=3e-2, patience=20)).report
    assert "fell no more" in report.reason


def test_what_adapts_needs_a_course():
    for options in ({"points": g.Resampling()}, {"weights": g.ReLoBRaLo()}, {"compiled": True}):
        with pytest.raises(g.GmnmError, match="a method that trains"):
            g.solve(line(), **options)


def test_a_compiler_that_fails_is_told_and_training_goes_on(monkeypatch):
    def broken(function, **options):
        def call():
            raise RuntimeError("no compiler here")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.warns(g.NumericalWarning, match="no compiler here"):
        report = g.solve(line(), network(), g.Adam(20), points=POINTS, compiled=True).report
    assert report.relative_l2 == g.solve(line(), network(), g.Adam(20), points=POINTS).report.relative_l2


METHODS = {
    "adam": "g.Adam(150, lr=1e-2, schedule='cosine')",
    "soap": "g.SOAP(150)",
    "batches": "g.Adam(150, lr=1e-2, batch=20)",
    "lbfgs": "g.LBFGS(150)",
    "self-scaled": "g.SelfScaled(150)",
    "gauss-newton": "g.GaussNewton(40)",
    "patient": "g.Adam(150, lr=1e-2, patience=80)",
    "two": "[g.Adam(100, lr=1e-2), g.GaussNewton(20), g.LeastSquares()]",
}
OPTIONS = {
    "plain": "points={'interior': 60, 'boundary': 2}",
    "moving": "points=g.ResidualAdaptive(60, 2, every=50), weights=g.SelfAdaptive()",
    "weighted": "points=g.Resampling(60, 2, every=70), weights=g.ReLoBRaLo(every=5)",
}
STOPPED = """
import sys
import torch
import gmnm_pde as g
from gmnm_pde.run import checkpoint
checkpoint._PAUSE = checkpoint._SHARE = 0.0
sys.path.insert(0, {tests!r})
from test_training_aids import line, network

class Stop(Exception):
    pass

def stop(news):
    if news.step >= {stop}:
        raise Stop

options = dict({options})
try:
    g.solve(line(), network(), {method}, checkpoint={path!r}, callback=stop if {stop} else None, **options)
except Stop:
    pass
"""


def _interrupted(path, method, options, stop):
    namespace = {}
    text = STOPPED.format(tests=str(Path(__file__).parent), path=str(path), method=method, options=options, stop=stop)
    exec(text, namespace)


PAIRS = list(itertools.product(METHODS, OPTIONS))
QUICK = set(zip(METHODS, itertools.cycle(OPTIONS), strict=False))
"""Each method with one of the options; the other pairs are slow."""


@pytest.mark.parametrize(
    ("name", "options"), [pair if pair in QUICK else pytest.param(*pair, marks=pytest.mark.slow) for pair in PAIRS]
)
def test_a_stopped_training_goes_on_to_the_same_digits(tmp_path, monkeypatch, name, options):
    from gmnm_pde.run import checkpoint

    monkeypatch.setattr(checkpoint, "_PAUSE", 0.0)
    monkeypatch.setattr(checkpoint, "_SHARE", 0.0)
    method, keywords = eval(METHODS[name], {"g": g}), eval(f"dict({OPTIONS[options]})", {"g": g})
    whole = g.solve(line(), network(), method, **keywords)
    path = tmp_path / "run.safetensors"
    _interrupted(path, METHODS[name], OPTIONS[options], stop=10 if name in ("gauss-newton", "two") else 60)
    assert path.exists()
    again = g.solve(line(), network(), method, checkpoint=path, **keywords)
    assert again.history["step"] == whole.history["step"]
    assert again.history["loss"] == whole.history["loss"]
    assert again(0.3) == whole(0.3)
    finished = g.solve(line(), network(), method, checkpoint=path, **keywords)
    assert finished(0.3) == whole(0.3)


def test_a_time_limit_leaves_a_checkpoint_to_go_on_from(tmp_path):
    path, method = tmp_path / "run.safetensors", [g.Adam(200, lr=1e-2), g.GaussNewton(5)]
    whole = g.solve(line(), network(), method, points=POINTS)
    stopped = g.solve(line(), network(), method, points=POINTS, checkpoint=path, time_limit=0.05)
    assert not stopped.report.converged and "time limit" in stopped.report.reason
    again = g.solve(line(), network(), method, points=POINTS, checkpoint=path)
    assert again.report.reason == whole.report.reason and again(0.3) == whole(0.3)
    assert again.history["loss"] == whole.history["loss"]


@pytest.mark.slow  # the same without a kill is in the default suite
def test_a_killed_training_goes_on_to_the_same_digits(tmp_path):
    script = tmp_path / "train.py"
    path, out = tmp_path / "run.safetensors", tmp_path / "digits.txt"
    script.write_text(
        f"""
import sys
from pathlib import Path
import torch
import gmnm_pde as g
from gmnm_pde.run import checkpoint
checkpoint._PAUSE = 0.05
torch.manual_seed(0)
model = g.MLP([2, 12, 1])
solution = g.solve(g.registry.load("poisson"), model, g.Adam(1500, lr=1e-2), points=100,
                   checkpoint=sys.argv[1] if len(sys.argv) > 1 else None)
Path({str(out)!r}).write_text(repr(float(solution(0.3, 0.4))) + repr(solution.history["loss"]))
"""
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, script], check=True, env=environment)
    whole = out.read_text()
    out.unlink()
    process = subprocess.Popen([sys.executable, script, path], env=environment)
    for _ in range(600):
        time.sleep(0.1)
        if path.exists() or process.poll() is not None:
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.exists() and not out.exists(), "the run was over before it was killed"
    subprocess.run([sys.executable, script, path], check=True, env=environment)
    assert out.read_text() == whole


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    g.solve(line(), network(), g.Adam(20), points=POINTS, checkpoint=path)
    for changes, word in (
        ({"method": g.Adam(30)}, "method"),
        ({"seed": 1}, "seed"),
        ({"points": 50}, "points"),
        ({"weights": {"boundary": 2.0}}, "scales|weights"),
    ):
        options = {"method": g.Adam(20), "points": POINTS, **changes}
        with pytest.raises(g.GmnmError, match=word):
            g.solve(line(), network(), checkpoint=path, **options)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(g.GmnmError, match="a whole file"):
        g.solve(line(), network(), g.Adam(20), points=POINTS, checkpoint=path)
