"""A close look at a problem's data before it is solved: many points along lines, magnified where something is rare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import Domain, Region
from gmnm_pde.multiindex import raised
from gmnm_pde.sampling import stream
from gmnm_pde.scrutiny.looks.between_lines import between_lines
from gmnm_pde.scrutiny.looks.data import Data, Datum, Fluxes, Reading
from gmnm_pde.scrutiny.looks.feature import Feature, Kind, plain
from gmnm_pde.scrutiny.looks.holes import tiny_parts
from gmnm_pde.scrutiny.looks.lines import Lines, on, through
from gmnm_pde.scrutiny.looks.variation import Found, Rarity, find
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_RARE = {1: Rarity(0.05, 0.02), 2: Rarity(0.02, 0.03)}
_RARE_IN_SPACE = Rarity(0.01, 0.05)
"""What the first fits' points may miss, by the number of coordinates: 88 points of a line see what is wider."""

_MOST = 16
"""The most features that are told of, the largest first."""

_PLANE = 1e-12
"""Places lie on one plane where their coordinate differs by no more than this part of the domain."""

_BESIDE = 1e-6
"""Places nearer to the end of a part, in lengths of the line, are its ends."""

_NOTHING = 1e-8
"""A factor of a lower derivative counts if it is at least such a part of a higher one's, in the domain's lengths."""

_STATE = 0.7
"""What all derivatives of the fields are set to where the coefficients of nonlinear terms are looked at."""

_FEWER_ELSEWHERE = 4
"""That takes so many times fewer points: what is narrow is mostly in the source."""


def look(problem: Problem, seed: int = 0) -> tuple[Feature, ...]:
    """What ordinary points may miss: narrow features, kinks and jumps of sources, coefficients, given values, shapes.

    Every source, coefficient and given value is evaluated on a hundred thousand points along lines, for zero fields,
    and where the problem is nonlinear for others too. What a function raises or where it is not finite is left to the
    solve. The same seed finds the same. Where the domain has parts, what differs between them was told; each of them is
    looked at by itself.
    """
    features = [] if problem.domain.parts else tiny_parts(problem.domain)
    for number, term in enumerate(problem.terms):
        told = bool(problem.domain.parts) and term.group != "interior"
        if term.partner is None and isinstance(term.region, Region) and problem.domain.solid and not told:
            features += _of_term(problem, term, stream(seed, "look", number))
    return _distinct(features)[:_MOST]


def _distinct(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """One of those that several data have at one place, hidden ones first."""
    kept: dict[Any, Feature] = {}
    for feature in sorted(features, key=lambda f: (f.hidden, f.kind), reverse=True):
        where = feature.plane or tuple(feature.at[0].tolist())
        known = kept.setdefault((feature.kind, feature.hidden, where), feature)
        if known is not feature:
            at = torch.cat([known.at, feature.at])
            kept[feature.kind, feature.hidden, where] = replace(known, at=at)
    return tuple(kept.values())


def _of_term(problem: Problem, term: Term, seed: int) -> list[Feature]:
    features: list[Feature] = []
    for state in (0.0,) if term.trace.linear else (0.0, _STATE):
        data = Data(problem, term, state)
        try:
            reading = data.reading()
            if reading.axes:
                features += _of_data(data, reading, seed)
        except GmnmError:
            continue
    return features


def _of_data(data: Data, reading: Reading, seed: int) -> list[Feature]:
    problem, term = data.problem, data.term
    assert isinstance(term.region, Region)
    interior = term.group == "interior"
    fewer = _FEWER_ELSEWHERE if data.state or isinstance(data, Fluxes) else 1
    fewer *= max(1, len(problem.domain.parts))
    families = through(data.domain, reading.axes, seed, fewer) if interior else on(term.region, seed)
    dimension = len(reading.axes) if interior else max(chart.dimension for chart in term.region.charts)
    rarity = _RARE.get(dimension, _RARE_IN_SPACE)
    by_datum: dict[Datum, list[tuple[Lines, Found]]] = {}
    spaces: list[Lines] = []
    ranges: dict[Datum, float] = {}
    for lines in families:
        count = len(lines.base)
        if lines.axis == 0 or not spaces:
            spaces.append(lines)
        values = lines.values(data.at, torch.arange(count), lines.steps.expand(count, -1))
        for datum, grid in values.items():
            if bool((grid == grid[0, 0]).all()) or _is_nothing(datum, values, data.domain):
                continue
            ranges[datum] = max(ranges.get(datum, 0.0), _range(grid))
            probe = partial(_probed, lines, data, datum)
            seen = find(grid, probe, rarity)
            if problem.domain.parts:
                seen = (_within(data, lines, found) for found in seen)
            by_datum.setdefault(datum, []).extend((lines, found) for found in seen if len(found.t))
    features = [feature for datum, found in by_datum.items() for feature in _features(data, datum, found)]
    features += between_lines(data, spaces, ranges, features, seed)
    if not (interior and reading.products):
        return features
    if isinstance(data, Fluxes):
        return [replace(feature, hidden=True) for feature in features if feature.kind == "jump"]
    features = [_judged(data, feature) for feature in features]
    if any(feature.hidden for feature in features):
        return features
    return features + _of_data(Fluxes(data.problem, data.term, data.state), reading, seed)


def _is_nothing(datum: Datum, values: Mapping[Datum, Tensor], domain: Domain) -> bool:
    """Whether it is the factor of a derivative that is rounding beside a higher one, as the slope of s / sqrt(s^2)."""
    if datum.derivative is None:
        return False
    field, alpha = datum.derivative
    size = _size(values[datum])
    for axis, (low, high) in enumerate(domain.bounds):
        higher = values.get(replace(datum, derivative=(field, raised(alpha, axis))))
        if higher is not None and size * (high - low) <= _NOTHING * _size(higher):
            return True
    return False


def _size(values: Tensor) -> float:
    return values.where(values.isfinite(), 0.0).abs().max().item()


def _range(values: Tensor) -> float:
    finite = values[values.isfinite()]
    return (finite.max() - finite.min()).item() if len(finite) else 0.0


def _within(data: Data, lines: Lines, found: Found) -> Found:
    """Those of the places that are not at the ends of a part, where data may be those of the other one."""
    beside = [lines.points(found.lines, (found.t + way * _BESIDE)[:, None]) for way in (-1, 1)]
    inner = data.domain.contains(beside[0]) & data.domain.contains(beside[1])
    return found.some(inner)


def _judged(data: Data, feature: Feature) -> Feature:
    """A jump with whether it is of something that the term differentiates."""
    if feature.kind != "jump":
        return feature
    axes = range(data.problem.domain.dimension) if feature.plane is None else feature.plane[:1]
    return replace(feature, hidden=data.differentiates_across(feature.at, axes))


def _probed(lines: Lines, data: Data, datum: Datum, chosen: Tensor, t: Tensor) -> Tensor:
    """One datum at positions of some lines; zero where its slope is not there at all."""
    return lines.values(data.at, chosen, t).get(datum, torch.zeros_like(t))


def _features(data: Data, datum: Datum, found: Iterable[tuple[Lines, Found]]) -> list[Feature]:
    """The features that places on lines make together: planes, and what hangs together of the rest."""
    bounds = torch.tensor(data.problem.domain.bounds, dtype=torch.float64)
    extent = bounds[:, 1] - bounds[:, 0]
    features: list[Feature] = []
    rest: dict[Kind, list[_Places]] = {}
    for lines, seen in found:
        along = lines.along
        places = _Places.of(lines, seen, (extent.max() if along is None else extent[along]).item())
        left = torch.ones(len(places.at), dtype=torch.bool)
        if along is not None:
            for c, same in _planes(lines, seen, places, along, extent[along].item()):
                left[same] = False
                features.append(places.feature(seen.kind, data, datum, same, (along, c)))
        rest.setdefault(seen.kind, []).append(places.some(left))
    for kind, parts in rest.items():
        places = _Places.together(parts)
        for group in _clusters(places.at / extent, places.relative if kind == "narrow" else None):
            features.append(places.feature(kind, data, datum, group))
    return features


@dataclass(frozen=True)
class _Places:
    """Places in space [k, d], with widths in the coordinates' units [k] and as parts of the domain [k], and changes.

    And whether they belong to a pole.
    """

    at: Tensor
    width: Tensor
    relative: Tensor
    change: Tensor
    tail: Tensor

    @classmethod
    def of(cls, lines: Lines, found: Found, reach: float) -> "_Places":
        """Those on lines whose length in space is ``reach``."""
        return cls(
            lines.points(found.lines, found.t[:, None]), found.width * reach, found.width, found.change, found.tail
        )

    @classmethod
    def together(cls, parts: Sequence["_Places"]) -> "_Places":
        return cls(*(torch.cat(columns) for columns in zip(*(astuple(part) for part in parts), strict=True)))

    def some(self, rows: Tensor) -> "_Places":
        return _Places(*(column[rows] for column in astuple(self)))

    def feature(
        self, kind: Kind, data: Data, datum: Datum, rows: Tensor, plane: tuple[int, float] | None = None
    ) -> Feature:
        """The feature that some of the places make, the largest change first."""
        some = self.some(rows[self.change[rows].argsort(descending=True)])
        return Feature(
            kind,
            datum.described(data.problem, data.term),
            datum.residual,
            some.at,
            some.width.median().item(),
            some.relative.median().item(),
            some.change[0].item(),
            plane,
            tail=bool(some.tail.all()),
        )


def _planes(lines: Lines, found: Found, places: _Places, along: int, extent: float) -> Iterator[tuple[float, Tensor]]:
    """Values of a coordinate that many places share, each with which places those are.

    A jump is known to rounding, and three lines tell a plane; what is narrow is to be seen on half of all lines.
    """
    count = len(lines.base)
    enough = min(3, count) if found.kind == "jump" else max(min(3, count), (count + 1) // 2)
    values = places.at[:, along]
    order = values.argsort()
    near = _PLANE * extent + 3 * places.width.median()
    groups = (values[order].diff(prepend=values[order][:1]) > near).cumsum(0)
    for number in groups.unique():
        same = order[groups == number]
        across = values[same].amax() - values[same].amin()
        if len(found.lines[same].unique()) >= enough and across <= 2 * near:
            yield plain(values[same].mean().item(), extent), same


def _clusters(places: Tensor, relative: Tensor | None) -> list[Tensor]:
    """Places that hang together, as their numbers; all at once without widths."""
    if not len(places):
        return []
    if relative is None:
        return [torch.arange(len(places))]
    reach = 4 * relative.median() + 0.02
    linked = torch.cdist(places, places) <= reach
    label = torch.arange(len(places))
    for _ in range(len(places)):
        new = torch.where(linked, label, len(places)).amin(dim=1)
        if bool((new == label).all()):
            break
        label = new
    return [(label == value).nonzero()[:, 0] for value in label.unique()]
