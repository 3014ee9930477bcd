"""Ctrl-C and callbacks: whenever they end a solve, there is an answer that says so, and nothing else changes."""

import itertools
import math
import signal
import threading
import time

import pytest
import torch
from cases import SOLVES, cubic, network, predators, square, trained

import gmnm_pde as g
from gmnm_pde.cli import main

MOMENTS = (0, 3, 12, 30)
"""News after which Ctrl-C comes."""

pytestmark = pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """Processes in the background are born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Pressing:
    """A callback that presses Ctrl-C once, at some news."""

    def __init__(self, at):
        self.at, self.heard, self.pressed = at, [], None

    def __call__(self, news):
        self.heard.append(news)
        if len(self.heard) == self.at + 1:
            self.pressed = time.monotonic()
            signal.raise_signal(signal.SIGINT)


def answers(found):
    """What solves and their like return, as (status, converged, estimates)."""
    if isinstance(found, g.Comparison):
        return ("interrupted" if found.interrupted else "done"), False, []
    if isinstance(found, g.Solution):
        return found.report.status, found.report.converged, [found.report.error_estimate]
    estimates = found.estimates if isinstance(found, g.Spectrum) else found.estimates.flatten().tolist()
    return found.status, found.converged, list(estimates)


@pytest.mark.parametrize("name", SOLVES)
def test_ctrl_c_ends_every_strategy_with_an_answer(name):
    answered = False
    for at in MOMENTS:
        pressing = Pressing(at)
        try:
            found = SOLVES[name](callback=pressing)
        except KeyboardInterrupt:
            of_others = name == "continuation"  # fits on the way are no answers to the problem itself
            assert of_others or not any(news.figures for news in pressing.heard), "there was an answer"
            assert not answered, "and there was one before"
            continue
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if pressing.pressed is None:
            break
        answered = True
        status, converged, estimates = answers(found)
        assert status == "interrupted" and not converged
        assert all(math.isnan(estimate) or estimate > 0 for estimate in estimates)
    assert answered


@pytest.mark.parametrize("name", SOLVES)
def test_a_callback_that_returns_true_ends_every_strategy(name):
    heard = []

    def enough(news):
        heard.append(news)
        return len(heard) >= 2

    status, converged, _ = answers(SOLVES[name](callback=enough))
    assert status == "interrupted" and not converged


def test_the_answer_is_the_best_so_far_and_its_estimate_holds():
    for at in (20, 45, 70):
        report = g.solve(square_with_truth(), tol=1e-12, method="least-squares", callback=Pressing(at)).report
        assert report.status == "interrupted" and "Ctrl-C" in report.reason
        assert report.relative_l2 < report.error_estimate < 1


def square_with_truth():
    known = square()
    exact = lambda x, y: torch.sin(torch.pi * x) * torch.sin(torch.pi * y)  # noqa: E731
    return g.Problem(
        known.domain,
        lambda u, x, y: g.laplacian(u) + 2 * torch.pi**2 * exact(x, y),
        [g.Dirichlet(u=0)],
        exact=exact,
    )


@pytest.mark.parametrize("at", [3, 18])
def test_marches_say_how_far_they_came(at):
    stopped = g.solve(predators(), callback=Pressing(at))
    whole = g.solve(predators())
    assert stopped.report.status == "interrupted" and " t = " in stopped.report.reason
    reached = float(stopped.report.reason.split(" t = ")[1].split(":")[0].split(",")[0])
    early = 0.9 * reached
    assert stopped(early)["r"] == pytest.approx(whole(early)["r"], rel=1e-5)
    if at == 3:  # in the first march: nothing is known beyond
        assert math.isnan(stopped(19.0)["r"]) and math.isnan(stopped.report.error_estimate)
    else:  # in the second, which judges the first up to there
        assert 0 < stopped.report.error_estimate < 1e-4 and math.isfinite(stopped(19.0)["r"])


def test_a_second_ctrl_c_raises():
    def impatient(news):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        g.solve(square(), callback=impatient)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_handlers_of_others_are_left_alone():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append("mine"))
    try:
        report = g.solve(square(), g.Mixture(components=60, widths=1.0), callback=Pressing(0)).report
        assert heard == ["mine"] and report.status != "interrupted"
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_callbacks_end_a_solve():
    found = []
    heard = itertools.count()

    def work():
        found.append(g.solve(square(), tol=1e-12, callback=lambda news: next(heard) > 20))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0].report.status == "interrupted"


def test_a_solve_within_a_callback_ends_by_itself():
    inner, heard = [], itertools.count()

    def callback(news):
        if next(heard) == 0:
            inner.append(g.solve(cubic(), callback=lambda news: True))

    outer = g.solve(square(), tol=1e-4, callback=callback)
    assert inner[0].report.status == "interrupted" and outer.report.converged


RESUMED = {
    "one mixture": (lambda **more: g.solve(square(), tol=1e-7, method="least-squares", **more), (3, 20, 60)),
    "patches": (lambda **more: g.solve(cubic(), g.Mixture(patches=2), tol=1e-10, **more), (2, 9)),
    "blocks": (SOLVES["blocks"], (2, 5)),
    "Adam": (trained(g.Adam(100)), (3, 7, 12)),
    "Gauss-Newton, then the readout": (SOLVES["Gauss-Newton, then the readout"], (4, 20)),
}


@pytest.mark.parametrize("name", RESUMED)
def test_a_checkpoint_is_gone_on_with_to_the_same_digits(name, tmp_path):
    solve, moments = RESUMED[name]
    alone, stopped = solve(), False
    at = [torch.tensor([0.3], dtype=torch.float64)] * len(alone.coordinates)
    for moment in moments:
        file = tmp_path / f"{moment}"
        try:
            report = solve(checkpoint=file, callback=Pressing(moment)).report
            stopped = stopped or report.status == "interrupted"
        except KeyboardInterrupt:
            pass
        assert not list(tmp_path.glob("*.partial"))
        again = solve(checkpoint=file)
        assert again(*at) == alone(*at) and again.report.reason == alone.report.reason
        assert again.history["loss"] == alone.history["loss"]
    assert stopped


def test_nothing_that_looks_changes_digits(capsys):
    for name in ("one mixture", "blocks", "Adam", "evolution in space"):
        alone, seen = SOLVES[name](progress=False), SOLVES[name](progress=True, callback=lambda news: None)
        at = [torch.tensor([0.3], dtype=torch.float64)] * len(alone.coordinates)
        assert alone(*at) == seen(*at) and alone.report.reason == seen.report.reason
        assert alone.report.error_estimate == seen.report.error_estimate or name == "Adam"
    assert "error estimate" in capsys.readouterr().err


def test_a_comparison_keeps_the_runs_so_far():
    models = {"a": g.Mixture(components=50, widths=1.0), "b": network(), "c": network()}
    heard = []

    def callback(news):
        heard.append(news)
        return "b, seed 0" in news.what

    compared = g.compare(square(), models, methods={"a": "best", "b": g.Adam(50), "c": g.Adam(50)}, callback=callback)
    assert compared.interrupted and compared.names == ("a", "b") and "interrupted" in str(compared)
    assert compared.solutions[0].report.status != "interrupted" == compared.solutions[1].report.status


def test_the_command_line_ends_with_130_and_writes(tmp_path, monkeypatch, capsys):
    from gmnm_pde.run.watching import Watch

    tell, heard = Watch.tell, itertools.count()

    def pressing(self, news, **more):
        tell(self, news, **more)
        if next(heard) == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Watch, "tell", pressing)
    folder = tmp_path / "run"
    monkeypatch.setattr(Watch, "listens", property(lambda self: True))
    assert main(["solve", "poisson", "--tol", "1e-12", "--out", str(folder)]) == 130
    assert "interrupted" in (folder / "report.json").read_text()
    assert g.load_solution(folder / "solution.safetensors").report.status == "interrupted"
    assert "NOT CONVERGED" in capsys.readouterr().out
