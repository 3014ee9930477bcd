"""A fingerprint of a problem: plain numbers by which a file knows the problem that it belongs to.

A problem is made of functions, which no file holds. What they do is known from a few numbers: its equations and
conditions are evaluated at fixed points of their regions, with smooth fields and with zero fields, along with the
derivatives of the residuals by all that enters them, so that each coefficient is seen on its own scale. Numbers are
compared to nearly single precision, which the rounding of another machine does not touch.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.geometry import GivenPoints
from gmnm_pde.jets import Field, Frame, partials
from gmnm_pde.multiindex import Alpha
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.probes import stand_in
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

RTOL = 1e-7
"""Numbers that differ by no more than this part of their size are the same."""

_FLOOR = 1e-14
"""What is smaller than this part of a residual is rounding, such as the cosine of a right angle."""

_POINTS = 32
"""Points of each region on which its terms are evaluated; those that the user gave are all looked at."""

_SUMS = 4
"""Sums that many numbers are told by, at least."""

_MOST_SUMS = 64
"""Sums that many numbers are told by, at most."""

_IN_A_SUM = 8
"""Numbers in a sum, as long as there are not more sums than the most."""

_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it are spread evenly modulo 1."""

_DIGITS = 12
"""Significant digits that are kept of a number."""

_TOLD = 3
"""Differences that are told of, at most."""


@torch.inference_mode(mode=False)
def fingerprint(problem: Problem) -> dict[str, Any]:
    """Plain values that tell a problem, as the user stated it, from others."""
    domain = problem.domain
    return {
        "coordinates": list(domain.coordinates),
        "time": list(domain.time),
        "bounds": [[float(low), float(high)] for low, high in domain.bounds],
        "domain": str(domain),
        "inside": digest(_cloud(domain.interior).points),
        "fields": list(problem.fields),
        "parameters": dict(problem.parameters),
        "constants": dict(problem.constants),
        **({"limits": {name: str(ends) for name, ends in problem.limits.items()}} if problem.limits else {}),
        "terms": [_of_term(term, problem) for term in problem.terms],
        **_of_evolution(problem),
    }


def _of_evolution(problem: Problem) -> dict[str, Any]:
    """What tells events, breaks and invariants from others, where there are any."""
    told = {
        "events": [
            {
                "name": event.name,
                "at": list(event.at),
                "direction": event.direction,
                "stop": event.stop,
                "function": None if event.function is None else _of_term(event.function, problem),
                "changes": [[one.field, one.order, _of_term(one.value, problem)] for one in event.changes],
            }
            for event in problem.events
        ],
        "breaks": list(problem.breaks),
        "invariants": {name: _of_term(term, problem) for name, term in problem.invariants.items()},
    }
    return {name: value for name, value in told.items() if value}


def is_of(known: Mapping[str, Any] | None, domain: Any) -> bool:
    """Whether a fingerprint is that of a problem on this domain."""
    return known is not None and known.get("inside") == digest(_cloud(domain.interior).points)


def digest(values: Tensor) -> dict[str, Any]:
    """Any number of values as a few: their shape, their largest size, and weighted means of parts of them."""
    return {**digests(values.detach().reshape(1, -1))[0], "shape": list(values.shape)}


def digests(rows: Tensor) -> list[dict[str, Any]]:
    """The digest of each of some rows [k, n]."""
    rows = rows.detach().to(dtype=torch.float64, device="cpu")
    finite = torch.isfinite(rows)
    known = torch.where(finite, rows, 0.0)
    sizes = known.abs().amax(dim=1).tolist() if rows.shape[1] else [0.0] * len(rows)
    means, counts = _means(known).tolist(), finite.sum(dim=1).tolist()
    return [
        {"shape": [rows.shape[1]], "size": _short(size), "means": list(map(_short, of_row)), "finite": count}
        for size, of_row, count in zip(sizes, means, counts, strict=True)
    ]


def _means(rows: Tensor) -> Tensor:
    """Weighted means of parts of each row, [k, n] to [k, parts]."""
    n = rows.shape[1]
    count = max(_SUMS, min(_MOST_SUMS, n // _IN_A_SUM))
    length = max(1, math.ceil(n / count))
    weights = (0.5 + (_GOLDEN * torch.arange(1, n + 1, dtype=torch.float64)) % 1.0) / length
    padded = torch.nn.functional.pad(rows * weights, (0, count * length - n))
    return padded.view(len(rows), count, length).sum(dim=2)


def difference(theirs: Any, mine: Mapping[str, Any]) -> str:
    """What differs between a fingerprint from a file and that of a problem, in words; nothing if it is the same."""
    if not isinstance(theirs, Mapping):
        return "nothing is known of its problem"
    return "; ".join(islice(_differences(theirs, mine), _TOLD))


def same(theirs: Any, mine: Any, floor: float = 0.0) -> bool:
    """Whether two nestings of plain values are the same but for rounding; digests by ``floor`` at least."""
    if isinstance(mine, Mapping) and "means" in mine:
        return _same_digest(theirs, mine, floor)
    if isinstance(mine, Mapping):
        alike = isinstance(theirs, Mapping) and theirs.keys() == mine.keys()
        return alike and all(same(theirs[key], mine[key], floor) for key in mine)
    if isinstance(mine, list | tuple):
        alike = isinstance(theirs, list | tuple) and len(theirs) == len(mine)
        return alike and all(same(a, b, floor) for a, b in zip(theirs, mine, strict=True))
    if isinstance(mine, float) and isinstance(theirs, int | float):
        return theirs == mine or _near(theirs, mine, RTOL * abs(mine))
    return theirs == mine and isinstance(theirs, bool) == isinstance(mine, bool)


def _differences(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> Iterator[str]:
    """What differs, one after another; what follows from an earlier difference is left out."""
    for key, verbs in (("coordinates", "were are"), ("time", "was is"), ("domain", "was is"), ("fields", "were are")):
        if not same(theirs.get(key), mine[key]):
            was, now = verbs.split()
            yield f"the {key} {was} {show(theirs.get(key))} and {now} {show(mine[key])}"
            return
    if not (same(theirs.get("bounds"), mine["bounds"]) and same(theirs.get("inside"), mine["inside"])):
        yield "the domain has another shape"
        return
    scalars = [*_of_scalars(theirs, mine, "constants", "is"), *_of_scalars(theirs, mine, "parameters", "begins at")]
    yield from scalars
    if not scalars:
        terms = list(_of_terms(theirs.get("terms"), mine["terms"]))
        yield from terms
        for key in ("events", "breaks", "invariants"):
            if not terms and not same(theirs.get(key), mine.get(key)):
                yield f"the {key} differ"


def _of_scalars(theirs: Mapping[str, Any], mine: Mapping[str, Any], kind: str, verb: str) -> Iterator[str]:
    before, now = theirs.get(kind), mine[kind]
    if not isinstance(before, Mapping) or list(before) != list(now):
        was = list(before) if isinstance(before, Mapping) else before
        yield f"the {kind} were {show(was)} and are {show(list(now))}"
        return
    was = {"is": "was", "begins at": "began at"}[verb]
    for name, value in now.items():
        if not same(before[name], value):
            yield f"the {kind.removesuffix('s')} {name} {was} {show(before[name])} and {verb} {show(value)}"


def _of_terms(theirs: Any, mine: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [term["name"] for term in mine]
    listed = theirs if isinstance(theirs, list) and all(isinstance(term, Mapping) for term in theirs) else []
    if [term.get("name") for term in listed] != names:
        yield f"the terms were {show([term.get('name') for term in listed])} and are {show(names)}"
        return
    for before, now in zip(listed, mine, strict=True):
        name = now["name"]
        if not all(same(before.get(key), now[key]) for key in ("group", "points", "partner")):
            yield f"'{name}' holds at other points"
        elif not same(before.get("noise"), now["noise"]):
            yield f"the noise of '{name}' was {show(before.get('noise'))} and is {show(now['noise'])}"
        elif not all(same(before.get(key), now[key], _floor(now)) for key in ("boost", "given", "smooth", "zero")):
            yield f"the residual '{name}' differs"


def _floor(term: Mapping[str, Any]) -> float:
    """What is rounding in the residuals of a term."""
    known = term["smooth"].values() if isinstance(term["smooth"], Mapping) else ()
    return _FLOOR * max([of_residual["values"]["size"] for of_residual in known], default=0.0)


def _same_digest(theirs: Any, mine: Mapping[str, Any], floor: float) -> bool:
    if not isinstance(theirs, Mapping) or any(theirs.get(key) != mine[key] for key in ("shape", "finite")):
        return False
    size, means = theirs.get("size"), theirs.get("means")
    if not isinstance(size, int | float) or not isinstance(means, list) or len(means) != len(mine["means"]):
        return False
    near = max(RTOL * mine["size"], floor)
    pairs = [(size, mine["size"]), *zip(means, mine["means"], strict=True)]
    return all(_near(a, b, near) for a, b in pairs)


def _near(theirs: Any, mine: float, tolerance: float) -> bool:
    """Whether a value is a number, and near another one."""
    try:
        return isinstance(theirs, int | float) and abs(theirs - mine) <= tolerance
    except OverflowError:  # a whole number beyond all floating-point numbers
        return False


def _of_term(term: Term, problem: Problem) -> dict[str, Any]:
    """What tells a term from others."""
    cloud = _cloud(term.region)
    return {
        "name": term.name,
        "group": term.group,
        "noise": term.noise,
        "boost": term.boost,
        "points": digest(cloud.points),
        "partner": None if term.partner is None else digest(term.partner(cloud.points)),
        "given": None if term.data is None else [term.data.field, term.data.order],
        "smooth": _evaluated(term, problem, cloud, 1.0),
        "zero": _evaluated(term, problem, cloud, 0.0),
    }


@torch.enable_grad()
def _evaluated(term: Term, problem: Problem, cloud: Cloud, size: float) -> dict[str, Any] | str:
    """The residuals of a term on fields of a size, each with its slopes by all that enters it."""
    domain = problem.domain
    frame = Frame(domain.coordinates, cloud.points, time=domain.time, normals=cloud.normals, rows=slice(0, len(cloud)))
    frame.integrate = stand_in(cloud.points)
    waves = _Waves(cloud.points, domain.bounds, size)
    fields = {name: Field(frame, waves, k, name=name) for k, name in enumerate(problem.branches)}
    scalars = {
        name: torch.full((len(cloud),), guess, dtype=torch.float64, requires_grad=True)
        for name, guess in problem.parameters.items()
    }
    try:
        residuals = term.evaluate(frame, {**fields, **scalars})
    except (ValueError, ArithmeticError):  # at zero fields, say, which are no solution of anything
        return "fails"
    inputs = {f"{problem.branches[k]} {list(alpha)}": value for (k, alpha), value in waves.asked.items()} | scalars
    sizes = [waves.size_of(k, alpha) for k, alpha in waves.asked]
    sizes += [abs(guess) or 1.0 for guess in problem.parameters.values()]
    return {name: _with_slopes(residual, inputs, sizes) for name, residual in residuals.items()}


def _with_slopes(residual: Tensor, inputs: Mapping[str, Tensor], sizes: Sequence[float]) -> dict[str, Any]:
    """The digest of a residual, and those of its slopes by all that enters it, times the sizes of that."""
    slopes: Sequence[Tensor | None] = ()
    if residual.requires_grad and inputs:
        slopes = partials(residual, list(inputs.values()))
    three = zip(inputs, slopes, sizes, strict=False)
    known = {name: size * slope for name, slope, size in three if slope is not None}
    values, *of_slopes = digests(torch.stack([residual, *known.values()]))
    there = {
        name: one for name, one in zip(known, of_slopes, strict=True) if one["size"] or one["finite"] < len(residual)
    }
    return {"values": values, "slopes": there}


class _Waves:
    """A smooth field for each output, a wave on a constant; or, with the size zero, zero fields."""

    follows_coordinates = False

    def __init__(self, points: Tensor, bounds: Sequence[Sequence[float]], size: float):
        box = torch.tensor(bounds, dtype=torch.float64)
        self._lengths = (box[:, 1] - box[:, 0]).tolist()
        self._unit, self._size = (points - box[:, 0]) / (box[:, 1] - box[:, 0]), size
        self.asked: dict[tuple[int, Alpha], Tensor] = {}

    def _slopes(self, output: int) -> list[float]:
        """Of the wave in the unit cube."""
        return [1.0 + (_GOLDEN * (output + 1) * (axis + 1)) % 1.0 for axis in range(len(self._lengths))]

    def size_of(self, output: int, alpha: Alpha) -> float:
        """How large a derivative of the wave is."""
        three = zip(self._slopes(output), self._lengths, alpha, strict=True)
        return 0.5 * math.prod([(slope / length) ** k for slope, length, k in three])

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        if (output, alpha) not in self.asked:
            slopes = torch.tensor(self._slopes(output), dtype=torch.float64)
            angle = self._unit @ slopes + output + 0.5 * math.pi * sum(alpha)
            value = self.size_of(output, alpha) * angle.sin() + (0.0 if any(alpha) else 1.5)
            self.asked[output, alpha] = (self._size * value).requires_grad_()
        return self.asked[output, alpha]


def _cloud(region: Any) -> Cloud:
    """Points of a region, always the same; all of them where they are given."""
    cloud = sample(region, _POINTS, "sobol", seed=1)
    if isinstance(region, GivenPoints) or len(cloud) <= _POINTS:
        return cloud
    some = torch.linspace(0, len(cloud) - 1, _POINTS).round().long()  # there is a least number on each part
    return Cloud(cloud.points[some], None if cloud.normals is None else cloud.normals[some])


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def show(value: Any) -> str:
    """A plain value as messages write it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
