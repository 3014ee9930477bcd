"""The digits of the cases on file, to prove that a change of the code left them as they were.

``python tests/golden/golden_record.py OUT.json`` records all digits, for comparison on one machine;
``--compare A.json B.json`` compares two such files, with exit status 1 where they differ;
``--portable OUT.json`` records what holds on any processor, for ``test_golden.py``. ``--only NAME`` takes one case.
"""

import argparse
import hashlib
import json
import math
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import golden_cases
import torch

import gmnm_pde as g

SEEDS = (0, 1)
SHOWN = 4
"""So many values at the start of each tensor are on file beside its hash."""

PLACES = ((0.31, 0.42, 0.23, 0.57), (0.62, 0.81, 0.44, 0.35), (0.17, 0.66, 0.72, 0.83))
"""Fractions of each coordinate's range: those of a point begin anywhere in these, and go round."""

IGNORED_COLUMNS = ("seconds",)


# Digits


def digits(value: Any) -> Any:
    """Numbers as text that loses no digit; NaN is "nan"."""
    if isinstance(value, dict):
        return {str(key): digits(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [digits(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    return repr(float(value))


def hashed(tensor: torch.Tensor) -> dict[str, Any]:
    """A tensor's shape, the hash of its bytes, and the first values."""
    kept = tensor.detach().cpu().contiguous()
    first = [digits(value) for value in kept.flatten()[:SHOWN].tolist()]
    name = f"{list(kept.shape)} {str(kept.dtype).removeprefix('torch.')}"
    return {"shape": name, "first": first, "sha256": hashlib.sha256(kept.numpy().tobytes()).hexdigest()}


def five_points(bounds: Iterable[tuple[float, float]]) -> torch.Tensor:
    """Five points of a box, [5, d]."""
    fractions = [fraction for row in PLACES for fraction in row]
    ends = list(bounds)
    rows = [
        [low + fractions[(2 * k + axis) % len(fractions)] * (high - low) for axis, (low, high) in enumerate(ends)]
        for k in range(5)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def by_field(values: Any) -> dict[str, list[float]]:
    """Values as solutions and posteriors give them, as lists by field."""
    named = values if isinstance(values, dict) else {"field": values}
    return {name: torch.as_tensor(one).to(torch.float64).tolist() for name, one in named.items()}


def of_history(history: Any) -> dict[str, list]:
    """All columns but the seconds."""
    return {name: digits(history[name]) for name in history.columns if name not in IGNORED_COLUMNS}


def of_posterior(posterior: Any, points: torch.Tensor) -> dict[str, Any]:
    """The covariance of the scalars, and the deviations of the fields."""
    covariance = digits(posterior.covariance.tolist())
    return {"covariance": covariance, "deviations": digits(by_field(posterior(*points.unbind(-1))))}


def of_solution(solution: Any) -> dict[str, Any]:
    """All digits of a solution."""
    report, points = solution.report, five_points(solution.bounds)
    figures = ("error_estimate", "estimates", "residual", "boundary", "relative_l2", "max_error", "mse")
    sizes = ("converged", "components", "parameters", "unknowns", "points", "found", "met")
    found = {
        "history": of_history(solution.history),
        "report": {name: digits(getattr(report, name)) for name in (*figures, *sizes)},
        "values": digits(by_field(solution(*points.unbind(-1), outside="extrapolate"))),
        "model": [hashed(tensor) for tensor in solution.model.state_dict().values()],
    }
    if solution.posterior is not None:
        found["posterior"] = of_posterior(solution.posterior, points)
    return found


def of_spectrum(spectrum: Any) -> dict[str, Any]:
    """All digits of a spectrum and of its modes."""
    names = ("values", "estimates", "errors", "converged")
    figures = {name: digits(getattr(spectrum, name)) for name in names}
    modes = [of_solution(mode) for mode in spectrum.modes]
    return {"spectrum": figures, "history": of_history(spectrum.history), "modes": modes}


def of_any(solved: Any) -> dict[str, Any]:
    """All digits of a solution or a spectrum."""
    return of_spectrum(solved) if isinstance(solved, g.Spectrum) else of_solution(solved)


# What holds on any processor


def counts(column: Iterable[float]) -> list[float | None]:
    """Numbers of components; None for boxes, which have none."""
    return [None if math.isnan(count) else count for count in column]


def portable(solved: Any) -> dict[str, Any]:
    """The sizes tried, the steps, the verdict, and the errors."""
    history = solved.history
    found = {
        "rows": len(history),
        "steps": history["step"],
        "components": counts(history["components"]) if "components" in history.columns else None,
    }
    if isinstance(solved, g.Spectrum):
        worst = max(abs(one / value) for one, value in zip(solved.estimates, solved.values, strict=True))
        figures = {"estimate": worst, "found": list(solved.values), "errors": max(solved.errors)}
        return {**found, "converged": solved.converged, "figures": plain(figures)}
    report = solved.report
    figures = {"estimate": report.error_estimate, "errors": report.relative_l2, "found": report.found}
    return {**found, "converged": report.converged, "figures": plain(figures)}


def plain(figures: dict[str, Any]) -> dict[str, float | None]:
    """Figures by one name each, to as many digits as are worth keeping; None where they are not finite."""
    flat = {name: float(f"{value:.4g}") for name, value in flattened(figures) if value is not None}
    return {name: value if math.isfinite(value) else None for name, value in flat.items()}


def flattened(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dicts and lists, with their places."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if items is None:
        yield name, value
        return
    for key, one in items:
        yield from flattened(one, f"{name}.{key}" if name else str(key))


# Recording


def quiet_solve(name: str, seed: int) -> list:
    """What a case gives, its warnings unheard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return golden_cases.CASES[name](seed)


def record(names: Iterable[str], taken: Any) -> dict[str, dict[str, list]]:
    """What is ``taken`` of each case's solutions, by case and seed."""
    found: dict[str, dict[str, list]] = {}
    begun = time.perf_counter()
    for name in names:
        started = time.perf_counter()
        found[name] = {str(seed): [taken(one) for one in quiet_solve(name, seed)] for seed in SEEDS}
        print(f"{name}: {time.perf_counter() - started:.2f} s", flush=True)
    print(f"{len(found)} cases: {time.perf_counter() - begun:.1f} s")
    return found


def write(path: Path, found: dict[str, dict[str, list]]) -> None:
    """Write what was recorded, each case and seed on a line of its own."""
    cases = []
    for name, seeds in found.items():
        lines = ",\n".join(f"  {json.dumps(seed)}: {json.dumps(solved)}" for seed, solved in seeds.items())
        cases.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
    path.write_text("{\n" + ",\n".join(cases) + "\n}\n")


# Comparing


def difference(a: Any, b: Any) -> float:
    """How far two leaves are apart, relative to the larger; infinity where they are no numbers."""
    try:
        x, y = float(a), float(b)
    except (TypeError, ValueError):
        return math.inf
    if math.isnan(x) and math.isnan(y):
        return 0.0
    apart, size = abs(x - y), max(abs(x), abs(y))
    return apart / size if size and math.isfinite(apart) else math.inf


def differences(a: Any, b: Any) -> list[tuple[str, Any, Any, float]]:
    """All leaves that differ: their places, both values, and how far they are apart."""
    ours, theirs = dict(flattened(a)), dict(flattened(b))
    places = [*ours, *(place for place in theirs if place not in ours)]
    apart = [(place, ours.get(place, "nothing"), theirs.get(place, "nothing")) for place in places]
    return [(place, x, y, difference(x, y)) for place, x, y in apart if type(x) is not type(y) or x != y]


def told(name: str, a: Any, b: Any) -> bool:
    """Print whether a case's digits are the same; whether they are."""
    found = differences(a, b)
    if not found:
        print(f"{name}: identical")
        return True
    numbers = [far for place, *_, far in found if math.isfinite(far) and not place.endswith("sha256")]
    largest = f"{max(numbers):.1e}" if numbers else "no numbers"
    place, x, y, _ = found[0]
    print(f"{name}: {len(found)} figures DIFFER, by {largest} at most; the first is {place}: {x} and {y}")
    return False


def compare(first: Path, second: Path, only: str | None) -> bool:
    """Print how two files compare, case by case; whether they are the same."""
    a, b = (json.loads(path.read_text()) for path in (first, second))
    names = [name for name in {**a, **b} if only in (None, name)]
    same = [told(name, a.get(name), b.get(name)) for name in names]
    print(f"{sum(same)} of {len(same)} cases identical")
    return all(same) and bool(same)


def main(arguments: list[str] | None = None) -> int:
    """Record or compare, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, help="where to write all digits")
    parser.add_argument("--portable", type=Path, metavar="OUT", help="where to write what holds on any processor")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help="two files to compare")
    parser.add_argument("--only", metavar="NAME", choices=golden_cases.CASES, help="one case")
    chosen = parser.parse_args(arguments)
    if chosen.compare:
        return 0 if compare(*chosen.compare, chosen.only) else 1
    if (chosen.out is None) == (chosen.portable is None):
        parser.error("give OUT, or --portable OUT, or --compare A B")
    torch.set_num_threads(1)
    names = [chosen.only] if chosen.only else list(golden_cases.CASES)
    found = record(names, portable if chosen.portable else of_any)
    write(chosen.portable or chosen.out, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
