"""``python tests/truth/fuzz.py --kind a --count 200 --first 0``: random problems, and their verdicts.

Kinds: a, as they are; b, with a condition left out; c, with a condition once more and another value; d, with a
coefficient that jumps. ``--numbers 17 230`` runs some again.
"""

import argparse
import signal
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gmnm_pde.sampling import sample
from truth.case import Case, Verdict, judge, truth
from truth.jumps import jumping
from truth.random_problems import TOL, Made, made
from truth.run_cases import line


def case_of(kind: str, number: int, limit: float | None = None) -> Case:
    """The case of a number."""
    one = jumping(number) if kind == "d" else made(number)
    rng = Random(f"{kind} {number}")
    make: Callable = one.problem
    exact: Callable | None = one.exact
    place = rng.randrange(len(one.conditions))
    if kind == "b":
        make = lambda: one.problem(left_out=place)  # noqa: E731
    elif kind == "c":
        off = _size(one) * 10 ** rng.uniform(-2, 0.3) * rng.choice((-1, 1))
        make, exact = (lambda: one.problem(doubled=(place, off))), None
    options = {"tol": TOL, **({"time_limit": limit} if limit else {})}
    return Case(f"{kind}{number} {one.family}", kind, make, exact, lambda: options)


def judged(kind: str, number: int, limit: float | None = None, stop: float = 60.0) -> Verdict:
    """The verdict on the problem of a number, stopped after a while."""

    def too_long(*_):
        raise TimeoutError(f"stopped after {stop:g} s")

    one = case_of(kind, number, limit)
    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, stop)
    try:
        return judge(one)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _size(one: Made) -> float:
    """About how large the first field is."""

    points = sample(one.domain.interior, 200).points
    values = truth(one.exact, dict(zip(one.domain.coordinates, points.unbind(-1), strict=True)))
    return next(iter(values.values())).abs().mean().item()


def summary(verdicts: list[Verdict]) -> str:
    """Figures of a run."""
    converged = [verdict for verdict in verdicts if verdict.converged]
    known = [verdict for verdict in converged if verdict.error == verdict.error and verdict.estimate > 0]
    lines = [f"{len(verdicts)} problems, {len(converged)} converged ({len(converged) / max(1, len(verdicts)):.0%})"]
    if known:
        worst = max(known, key=lambda verdict: verdict.ratio)
        over = statistics.median(verdict.estimate / verdict.error for verdict in known if verdict.error)
        lines.append(f"largest error / estimate {worst.ratio:.1e} ({worst.name}); median estimate / error {over:.1f}")
    for word in sorted({verdict.word for verdict in verdicts if verdict.word}):
        of = [verdict.name.split()[0] for verdict in verdicts if verdict.word == word]
        lines.append(f"{word}: {len(of)} ({', '.join(of)})")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run problems as the command line says; status 1 where one is silent or ends with a foreign exception."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", nargs="+", choices="abcd", default=["a"])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--numbers", type=int, nargs="*", help="these alone")
    parser.add_argument("--time-limit", type=float, help="of each solve; none by default")
    parser.add_argument(
        "--stop", type=float, default=60.0, help="seconds of the processor after which it is broken off"
    )
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    bad = False
    for kind in chosen.kind:
        verdicts = []
        for number in chosen.numbers or range(chosen.first, chosen.first + chosen.count):
            verdicts.append(judged(kind, number, chosen.time_limit, chosen.stop))
            print(line(verdicts[-1]), flush=True)
        print(summary(verdicts), flush=True)
        bad |= any(verdict.word in ("SILENT", "FOREIGN") for verdict in verdicts)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
