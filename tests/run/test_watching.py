"""The bar, callbacks, their files, and the log."""

import csv
import io
import itertools
import logging
import math
import sys
import time

import numpy as np
import pytest
import torch
from cases import POINTS, SOLVES, membrane, network, square

import gmnm_pde as g
from gmnm_pde.run import bar
from gmnm_pde.run.bar import Bar
from gmnm_pde.run.progress import Progress

QUICK = {"model": g.Mixture(components=60, widths=1.0)}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_callbacks_see_where_a_solve_stands():
    heard = []
    g.solve(square(), network(), g.GaussNewton(10), points=POINTS, callback=heard.append)
    steps = [news for news in heard if "loss" in news.what and not news.figures]
    assert [news.step for news in steps] == list(range(11)) and steps[-1].loss < steps[0].loss
    assert steps[5].part == 0.5 and all(a.seconds <= b.seconds for a, b in itertools.pairwise(steps))
    with pytest.raises(AttributeError):
        heard[0].step = 3  # type: ignore[misc]


@pytest.mark.parametrize("answer", [True, np.True_, torch.tensor(True)])
def test_whatever_is_true_ends_a_solve(answer):
    heard = []
    report = g.solve(
        square(), network(), g.GaussNewton(10), points=POINTS, callback=lambda news: heard.append(news) or answer
    ).report
    assert len(heard) < 5 and "callback" in report.reason


def test_estimates_are_the_best_so_far_and_marches_say_their_time():
    heard = []
    g.solve(square(), tol=1e-7, method="least-squares", callback=heard.append)
    known = [news.estimate for news in heard if not math.isnan(news.estimate)]
    assert known == sorted(known, reverse=True) and known[-1] <= 1e-7
    heard = []
    SOLVES["evolution in space"](callback=heard.append)
    times = [news.t for news in heard if not news.figures]
    assert times[0] < 0.2 and times[-1] == 1.0 and heard[-1].estimate < 1e-6
    heard = []
    SOLVES["blocks"](callback=heard.append)
    assert [news.t for news in heard if news.figures] == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("answer", [None, 1, "yes", [0]])
def test_nothing_but_true_ends_a_solve(answer):
    assert g.solve(square(), **QUICK, callback=lambda news: answer).report.status != "interrupted"


def test_several_callbacks():
    one, two = [], []
    g.solve(square(), **QUICK, callback=[one.append, two.append])
    assert one and one == two


@pytest.mark.parametrize("call", [g.solve, g.eigenmodes, g.solve_many])
def test_what_cannot_be_called_or_shown_is_refused(call):
    problem = membrane()
    with pytest.raises(g.GmnmError, match=r"callback=\.\.\.\): expected a function"):
        call(problem, callback="loud")
    with pytest.raises(g.GmnmError, match=r"callback=\.$"):
        call(problem, progress=print)


def test_csv_has_a_row_for_each_news(tmp_path):
    heard, path = [], tmp_path / "course.csv"
    g.solve(square(), network(), g.Adam(30), points=POINTS, callback=[g.CSVLogger(path), heard.append])
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["what"] for row in rows] == [news.what for news in heard]
    assert float(rows[-1]["loss"]) == heard[-1].loss and rows[0]["t"] == ""
    with pytest.raises(g.GmnmError, match="CSVLogger"):
        g.CSVLogger(tmp_path / "none" / "course.csv")


def test_a_csv_of_two_solves_has_both(tmp_path):
    log = g.CSVLogger(tmp_path / "course.csv")
    counts = []
    for _ in range(2):
        g.solve(square(), **QUICK, callback=log)
        counts.append(len(log.path.read_text().splitlines()))
    assert counts[1] == 2 * counts[0] - 1


def test_tensorboard(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    g.solve(square(), network(), g.Adam(30), points=POINTS, callback=g.TensorBoardLogger(tmp_path / "runs"))
    known = EventAccumulator(str(tmp_path / "runs")).Reload()
    assert {"loss", "seconds"} <= set(known.Tags()["scalars"]) and len(known.Scalars("loss")) > 3


def test_without_tensorboard_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(g.GmnmError, match="pip install tensorboard"):
        g.TensorBoardLogger(tmp_path)


def test_the_log_is_that_of_the_standard_library(caplog):
    with caplog.at_level(logging.INFO, logger="gmnm_pde"):
        report = g.solve(square(), tol=1e-2).report
    assert any("error estimate" in record.message for record in caplog.records)
    assert report.reason in caplog.records[-1].message


def test_no_bar_in_pipes_and_for_quick_work(monkeypatch, capsys):
    g.solve(square(), **QUICK)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    g.solve(square(), **QUICK)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_a_bar_where_somebody_looks_at_work_that_takes_long(monkeypatch):
    monkeypatch.setattr(bar, "_AFTER", 0.0)
    monkeypatch.setattr(bar, "_EVERY", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    g.solve(square(), tol=1e-5, time_limit=60)
    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "components: error estimate" in shown and "s left" in shown and "|" in shown


def test_a_bar_says_what_is_done_and_what_is_left(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown = Bar(10.0, at_once=True)
    assert shown.due
    shown.hear(Progress("step 3", 0.5, 3, estimate=2e-4))
    assert not shown.due, "the next drawing waits"
    shown.close()
    text = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "step 3, error estimate 2.0e-04" in text and "10 s left" in text


def test_long_steps_let_the_bar_go_on(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown = Bar(None, at_once=True)
    shown.hear(Progress("a long step", 0.0))
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 7.0)
    shown.tick()
    shown.close()
    assert "7 s, a long step" in sys.stderr.getvalue()  # type: ignore[attr-defined]


def test_digits_do_not_depend_on_the_log():
    logging.getLogger("gmnm_pde").setLevel(logging.DEBUG)
    try:
        logged = g.solve(square(), **QUICK)
    finally:
        logging.getLogger("gmnm_pde").setLevel(logging.NOTSET)
    at = torch.tensor([0.3], dtype=torch.float64)
    assert logged(at, at) == g.solve(square(), **QUICK)(at, at)
