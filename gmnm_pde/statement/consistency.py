"""Is a problem stated rightly? Its exact solution against every term, faces left free, corners that contradict."""

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from gmnm_pde._doors import stacklevel
from gmnm_pde._errors import GmnmError, NumericalWarning
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import Domain, GivenPoints, Region
from gmnm_pde.jets import Alpha, Field, Frame, FunctionSource, GivenSource, partials
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.terms import Term, check_finite
from gmnm_pde.statement.tracing import prescribed

Entry = tuple[int, Alpha]
"""A derivative of a field: the field's number and a multi-index."""

_IN_INTERIOR = 256
"""Points at which equations are checked."""

_ON_CONDITIONS = 96
"""Points at which each condition is checked."""


class Stated(Protocol):
    """What these checks see of a ``Problem``."""

    name: str
    domain: Domain
    fields: tuple[str, ...]
    parameters: dict[str, float]
    terms: tuple[Term, ...]
    exact: Any

    @property
    def branches(self) -> tuple[str, ...]:
        """The unknown functions: the fields, or where the domain has parts each of them in each part."""
        ...

    def exact_columns(self, columns: Sequence[Tensor], part: str = "") -> tuple[dict[str, Tensor], dict[str, float]]:
        """The exact fields (those in a part), each [n], and the exact parameters, from coordinate columns, each [n]."""
        ...


_SAME_AT_CORNERS = 1e-8
"""Values prescribed at a corner that differ by no more than this part of the largest one agree."""

_NEAR = 100.0
"""Those of another solution agree where they are no farther off than this many times its accuracy."""


@dataclass(frozen=True)
class Row:
    """One residual of the exact solution: its largest size, and the size of the terms that should cancel in it."""

    name: str
    region: str
    residual: float
    scale: float

    def passes(self, tol: float) -> bool:
        return self.residual <= tol * self.scale


@dataclass(frozen=True)
class Verification:
    """The residuals of the exact solution, and faces on which nothing is stated."""

    rows: tuple[Row, ...]
    free_faces: tuple[str, ...]
    tol: float

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        place = max(len(row.region) for row in self.rows)
        lines = [f"{'residual':<{width}}  {'on':<{place}}  {'largest':>9}  {'of terms':>9}"]
        for row in self.rows:
            verdict = "ok" if row.passes(self.tol) else "FAILS"
            lines.append(
                f"{row.name:<{width}}  {row.region:<{place}}  {row.residual:9.1e}  {row.scale:9.1e}  {verdict}"
            )
        if self.free_faces:
            lines.append(f"no condition on: {', '.join(self.free_faces)}")
        return "\n".join(lines)


@in_ordinary_mode
def verify(problem: Stated, tol: float, *, seed: int) -> Verification:
    """See ``Problem.verify``."""
    if problem.exact is None:
        raise GmnmError(
            f"{problem.name}.verify(): expected a problem with an exact solution, got none. Give it exact=..."
        )
    sizes = _typical_sizes(problem, seed)
    rows = [row for term in problem.terms for row in _rows(problem, term, sizes, seed)]
    table = Verification(tuple(rows), free_faces(problem), tol)
    failing = [row.name for row in rows if not row.passes(tol)]
    if failing:
        raise GmnmError(
            f"{problem.name}.verify(): the exact solution does not satisfy {', '.join(dict.fromkeys(failing))}: "
            f"expected residuals below {tol:g} times the size of their terms. Correct the equation, the condition or "
            f"the exact solution.\n{table}"
        )
    return table


def free_faces(problem: Stated) -> tuple[str, ...]:
    """Parts of the spatial boundary on which no condition is stated; a problem without derivatives needs none."""
    if not any(any(alpha) for term in problem.terms for _, alpha in term.trace.asked):
        return ()
    stated = set()
    for term in problem.terms:
        if isinstance(term.region, GivenPoints):
            continue
        names = [chart.name for chart in term.region.charts]
        stated.update(names)
        if term.partner is not None:
            stated.update(_opposite(problem, names))
    return tuple(chart.name for chart in problem.domain.boundary_charts() if chart.name not in stated)


def warn_of_freedom(problem: Stated) -> None:
    """Warn where the statement leaves the solution free: by a constant, or by too few conditions along a coordinate."""
    asked = {key for term in problem.terms for key in term.trace.asked}
    interior = {a for t in problem.terms if t.group == "interior" for _, a in t.trace.asked}
    for k, field in enumerate(problem.fields):
        orders = [alpha for output, alpha in asked if output % len(problem.fields) == k]
        if orders and all(any(alpha) for alpha in orders):
            _warn(
                f"{problem.name}: only derivatives of '{field}' occur, in the equations and in the conditions, so any "
                f"constant can be added to it. Fix its value somewhere: Observations(point, {field}=[0.0])."
            )
    for axis, coordinate in enumerate(problem.domain.space if problem.domain.boundary_charts() else ()):
        needed = max((alpha[axis] for alpha in interior), default=0)
        stated = _statements_along(problem, coordinate)
        if stated < min(needed, 2):
            _warn(
                f"{problem.name}: the equations are of order {needed} in '{coordinate}', with {stated} condition(s) at "
                "its ends. The solution may not be the only one."
            )


def _statements_along(problem: Stated, coordinate: str) -> int:
    """How many conditions stand on faces across ``coordinate``; given points may stand for any number."""
    count = 0
    for term in problem.terms:
        if isinstance(term.region, GivenPoints):
            return 2
        if term.group not in ("interior", "interface"):
            names = [chart.name for chart in term.region.charts if chart.normal is not None]
            flat = [name.partition("=")[0] == coordinate for name in names if "=" in name]
            count += sum(flat) if len(flat) == len(names) else 2
    return count


@torch.enable_grad()
def warn_of_conflicts(problem: Stated) -> None:
    """Warn where two conditions prescribe different values of a field at a corner they share."""
    terms = [term for term in problem.terms if term.data and term.data.order == 0 and isinstance(term.region, Region)]
    stated = [term.data.field for term in terms if term.data]
    terms = [term for term, field in zip(terms, stated, strict=True) if stated.count(field) > 1]
    fields = [field for field in stated if stated.count(field) > 1]
    corners = [_corners(term.region) for term in terms if isinstance(term.region, Region)]
    values = [_prescribed(problem, term, cloud) for term, cloud in zip(terms, corners, strict=True)]
    elsewhere = [_prescribed(problem, term, sample(term.region, 32, seed=2)) for term in terms]
    size = max((v.abs().max().item() for v in (*values, *elsewhere) if len(v)), default=0.0)
    extent = max(high - low for low, high in problem.domain.bounds)
    for i, j in itertools.combinations(range(len(terms)), 2):
        if fields[i] != fields[j] or not len(corners[i]) or not len(corners[j]):
            continue
        near = torch.cdist(corners[i].points, corners[j].points) <= 1e-12 * extent
        gap = (values[i][:, None] - values[j]).abs() * near
        same = max(_SAME_AT_CORNERS, *(_NEAR * term.data.accuracy for term in (terms[i], terms[j]) if term.data))
        if gap.max() > same * size:
            row, column = divmod(int(gap.argmax()), len(corners[j]))
            point = zip(problem.domain.coordinates, corners[i].points[row].tolist(), strict=True)
            where = ", ".join(f"{name}={value:g}" for name, value in point)
            _warn(
                f"{problem.name}: at the corner {where} '{terms[i].name}' on {terms[i].region.name} says "
                f"{fields[i]} = {values[i][row]:g} and '{terms[j].name}' on {terms[j].region.name} says "
                f"{values[j][column]:g}. The solution cannot be continuous there; expect low accuracy nearby."
            )


def _warn(message: str) -> None:
    warnings.warn(message, NumericalWarning, stacklevel=stacklevel())


def _rows(problem: Stated, term: Term, sizes: dict[Entry, float], seed: int) -> list[Row]:
    """The residuals of a term at the exact solution; ``sizes`` are those of the solution's derivatives."""
    cloud = sample(term.region, _IN_INTERIOR if term.group == "interior" else _ON_CONDITIONS, "sobol", seed=seed + 1)
    asked = term.trace.asked
    jets, parameters = _exact_jets(problem, cloud, asked, term.parts)
    if term.partner is not None:
        far, _ = _exact_jets(problem, Cloud(term.partner(cloud.points)), asked, term.parts)
        jets = {alpha: far[alpha] - jets[alpha] for alpha in jets}
    frame = Frame(problem.domain.coordinates, cloud.points, time=problem.domain.time, normals=cloud.normals)
    source = GivenSource(jets)
    fields = {field: Field(frame, source, k, name=field) for k, field in enumerate(problem.branches)}
    rows = []
    for name, residual in term.evaluate(frame, {**fields, **parameters}).items():
        check_finite(name, residual.detach(), frame.names, frame.points)
        entries = [frame.entry(source, *key) for key in asked]
        slopes = partials(residual, entries)
        data, scale = residual.detach(), 0.0
        for key, entry, slope in zip(asked, entries, slopes, strict=True):
            if slope is not None:
                data = data - (slope * entry).detach()
                scale += slope.abs().max().item() * sizes.get(key, entry.abs().max().item())
        scale += data.abs().max().item()
        rows.append(Row(name, term.region.name, residual.abs().max().item(), max(scale, 1e-300)))
    return rows


def _typical_sizes(problem: Stated, seed: int) -> dict[Entry, float]:
    """The largest size over the interior of every derivative of the exact solution that some term uses."""
    cloud = Cloud(sample(problem.domain.interior, _IN_INTERIOR, "sobol", seed=seed).points)
    count = len(problem.fields)
    in_a_part = dict.fromkeys(key for term in problem.terms for key in term.trace.asked)
    asked = tuple(dict.fromkeys((output % count, alpha) for output, alpha in in_a_part))
    jets, parameters = _exact_jets(problem, cloud, asked, ())
    missing = [name for name in problem.parameters if name not in parameters]
    if missing:
        raise GmnmError(
            f"{problem.name}.verify(): the equations hold unknown parameters, but the exact solution does not say what "
            f"{', '.join(missing)} should be. Let exact return a dict with them: {{'u': ..., '{missing[0]}': 0.2}}."
        )
    return {(output, alpha): jets[alpha][:, output % count].abs().max().item() for output, alpha in in_a_part}


def _exact_jets(
    problem: Stated, cloud: Cloud, asked: Sequence[Entry], parts: Sequence[str]
) -> tuple[dict[Alpha, Tensor], dict[str, Tensor]]:
    """Derivatives of the exact fields, for each alpha [n, branches], by autograd; and the exact parameters, [n].

    ``parts`` are those whose fields are meant: where two meet, each is looked at from its own side.
    """
    points, count = cloud.points, len(problem.fields)
    beside = 1e-13 * max(abs(end) for ends in problem.domain.bounds for end in ends)
    jets: dict[Alpha, Tensor] = {}
    parameters: dict[str, float] = {}
    for side, part in enumerate(parts or ("",)):
        moved = points
        if len(parts) > 1 and cloud.normals is not None:
            moved = points + (2 * side - 1) * beside * cloud.normals
        frame = Frame(problem.domain.coordinates, moved, time=problem.domain.time)
        outputs, parameters = problem.exact_columns(frame.leaves, part)
        source = FunctionSource(list(outputs.values()), frame)
        first = list(problem.domain.parts).index(part) * count if part else 0
        for output, alpha in asked:
            jet = jets.setdefault(alpha, points.new_zeros(len(points), len(problem.branches)))
            if first <= output < first + count:
                jet[:, output] = source.derivative(output - first, alpha).detach()
    return jets, {name: points.new_full((len(points),), value) for name, value in parameters.items()}


def _corners(region: Region) -> Cloud:
    """The corners of a region's pieces: where the unit cubes of its charts have theirs."""
    corners, normals = [], []
    for chart in region.charts:
        cube = torch.tensor(list(itertools.product((0.0, 1.0), repeat=chart.dimension)), dtype=torch.float64)
        points = chart.embed(cube.reshape(2**chart.dimension, chart.dimension))
        points = points[region.keep_on(chart, points)]
        corners.append(points)
        normals.append(chart.normal(points) if chart.normal else torch.zeros_like(points))
    return Cloud(torch.cat(corners), torch.cat(normals))


def _prescribed(problem: Stated, term: Term, cloud: Cloud) -> Tensor:
    return prescribed(term, problem.domain, problem.branches, problem.parameters, cloud)


def _opposite(problem: Stated, names: Sequence[str]) -> list[str]:
    coordinates = {name.partition("=")[0] for name in names}
    return [chart.name for chart in problem.domain.boundary_charts() if chart.name.partition("=")[0] in coordinates]
