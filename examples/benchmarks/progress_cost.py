"""What looking costs: how many news a solve tells, times what one of them takes, as a part of the solve's time.

``python examples/benchmarks/progress_cost.py`` prints this for a callback, the bar with its drawing ten times a second,
and a CSV file, and whether all digits are the same with and without. (The difference of two timings of a solve is
smaller than their noise.)
"""

import io
import math
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch

import gmnm_pde as g
from gmnm_pde.run.bar import Bar
from gmnm_pde.run.log import Log
from gmnm_pde.run.progress import Progress
from gmnm_pde.run.watching import watching

_NEWS, _DRAWINGS = 20_000, 500
"""So many are told, and drawn, one after another, to see what one takes."""


def heat() -> g.Problem:
    rod = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
    start = g.Initial(u=lambda x: torch.sin(torch.pi * x))
    return g.Problem(rod, lambda u: g.diff(u, "t") - 0.1 * g.diff(u, "x", "x"), [start, g.Dirichlet(u=0)], name="heat")


def predators() -> g.Problem:
    start = g.Initial(r=0.5, p=0.075)
    equations = lambda r, p: (g.diff(r, "t") - 2 * r + 8 * r * p, g.diff(p, "t") - 4 * r * p + 1.06 * p)  # noqa: E731
    return g.Problem(g.Time(t=(0, 60)), equations, [start], fields=("r", "p"), name="predators")


def network() -> g.MLP:
    torch.manual_seed(0)
    return g.MLP([2, 20, 20, 1])


POINTS = {"interior": 400, "boundary": 100}
POISSON = g.registry.load("poisson")
SOLVES: dict[str, Callable[..., Any]] = {
    "one mixture": lambda **more: g.solve(POISSON, tol=1e-9, method="least-squares", **more),
    "blocks": lambda **more: g.solve(heat(), g.Mixture(components=60, widths=0.6), blocks=4, tol=1e-3, **more),
    "Adam": lambda **more: g.solve(POISSON, network(), g.Adam(300), points=POINTS, **more),
    "Gauss-Newton": lambda **more: g.solve(POISSON, network(), g.GaussNewton(25), points=POINTS, **more),
    "march in time alone": lambda **more: g.solve(predators(), **more),
    "march in space": lambda **more: g.solve(g.registry.load("burgers"), tol=1e-6, **more),
}


def digits(solution: Any) -> tuple[Any, ...]:
    at = [torch.linspace(0.1, 0.9, 5, dtype=torch.float64)] * len(solution.coordinates)
    values = solution(*at)
    shown = values.values() if isinstance(values, dict) else [values]
    return tuple(number for value in shown for number in value.tolist()), solution.report.reason


def seconds_of_a_news(progress: bool, callback: Any) -> float:
    """What a news of a march takes, which is made, logged, handed on and drawn where that is due."""
    with redirect_stderr(io.StringIO()), watching(progress, callback) as watch:
        log = Log(heat().domain, time.monotonic(), watch)
        began = time.process_time()
        for number in range(_NEWS):
            log.tell_time("t", number / _NEWS, (0.0, 1.0), number)
        return (time.process_time() - began) / _NEWS


def seconds_of_a_drawing() -> float:
    """What drawing the bar takes, as is done ten times a second."""
    with redirect_stderr(io.StringIO()):
        bar = Bar(60.0, at_once=True)
        began = time.process_time()
        for number in range(_DRAWINGS):
            bar.draw(Progress(f"step {number}", 1.0, number, estimate=1e-3))
        seconds = (time.process_time() - began) / _DRAWINGS
        bar.close()
    return seconds


def main() -> None:
    warnings.simplefilter("ignore")
    print(
        "| solve | seconds | news | callback | bar | CSV | same digits |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as folder:
        looks = {
            "callback": (False, lambda news: None),
            "bar": (True, None),
            "CSV": (False, g.CSVLogger(Path(folder) / "course.csv")),
        }
        cost = {name: min(seconds_of_a_news(*look) for _ in range(5)) for name, look in looks.items()}
        drawing = seconds_of_a_drawing()
        for name, solve in SOLVES.items():
            heard: list[g.Progress] = []
            found = {digits(solve(progress=False, callback=heard.append))}
            least = math.inf
            for _ in range(3):
                began = time.process_time()
                found.add(digits(solve(progress=False)))
                least = min(least, time.process_time() - began)
            with redirect_stderr(io.StringIO()):
                found |= {digits(solve(progress=bar, callback=callback)) for bar, callback in looks.values()}
            shares = {look: len(heard) * seconds / least for look, seconds in cost.items()}
            shares["bar"] += 10 * drawing
            parts = [f"{share:.2%}" for share in shares.values()]
            print(f"| {name} | {least:.2f} | {len(heard)} | {' | '.join(parts)} | {len(found) == 1} |", flush=True)
    print("; ".join(f"a news with {name} takes {1e6 * seconds:.1f} us" for name, seconds in cost.items()))
    print(f"a drawing takes {1e6 * drawing:.0f} us")


if __name__ == "__main__":
    main()
