"""How many boxes the data of a problem ask for, before it is solved, and how long a solution takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees, gauss
from gmnm_pde.boxes.equation import conditions, interior
from gmnm_pde.boxes.glued import glued
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.units import units_of
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.interruption import pause
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.multiindex import Alpha

_GROWTH = 1.25
"""Along an axis that is not resolved there are so many times as many boxes next."""

ROUGH = 0.1
"""Along an axis functions vary as much as along any if their parts of high degree are this part of the largest."""

_ADRIFT = 30.0
"""Waves drift apart from what polynomials make of them: for each radian by so many times what one box leaves."""

_MOST_POINTS = 3_000_000
"""At so many points the data are evaluated at most."""

_RATE = 2.2e10
"""Operations a second of one core."""

_RATE_OF_CUT = 1e10
"""The same for boxes in space that a boundary cuts, each by itself."""

_FRONTS = 250.0
"""Operations of the elimination of faces, for the cube of the unknowns on a line of faces across the domain."""

_OVERHEAD = 2e-3
"""Seconds for each box, beside its operations."""

_WITH_ESTIMATE = 1.8
"""Times as long with worse solutions and power iterations for the error estimate."""

_RATE_OF_VECTORS = 4e9
"""The same rate where matrices are multiplied by vectors, as in three dimensions."""

_RATE_OF_MATRICES = 2.5e10
"""The same rate where they are multiplied by each other."""

_ROWS_OF_CUT = 12.0
"""Operations for a box that is cut, for each of its rows as many as it has columns, squared."""

_TABLES_OF_CUT = 8e3
"""In the plane, for each of its points and polynomials: points and tables are its own, as in worse solutions."""

_OVERHEAD_OF_CUT = 0.05
"""Seconds for each of them beside that: points and tables are its own."""

_FRONTS_IN_SPACE = 14.0
"""Operations of the elimination of a system's faces, for the cube of the unknowns on faces that halve a cube."""

_BYTES_OF_FRONTS = 20.0
"""Numbers that it holds, for the square of the same."""

_QR = 4.0
"""Operations of a QR factorisation with its factor, for each row and the square of the columns."""

_SOLVES = 1.6
"""Solutions of a balance of fluxes, with those that are worse for the estimate."""

_PRODUCTS, _PRODUCTS_ALONG = 30, 12
"""Products that GMRES takes, and so many more for each box along an axis."""


@dataclass(frozen=True)
class Level:
    """A discretisation: so many boxes along each coordinate, and the degree of their polynomials.

    They are equal, unless the ends of all are given along each coordinate.
    """

    counts: tuple[int, ...]
    degree: int
    edges: tuple[tuple[float, ...], ...] | None = None

    def layout(self, bounds: Sequence[Sequence[float]], periodic: Sequence[int] = ()) -> Layout:
        """The boxes of a domain with these bounds, which may be periodic along some axes."""
        layout = Layout.even(self.counts, bounds) if self.edges is None else Layout.grid(self.edges)
        return glued(layout, periodic)

    @property
    def boxes(self) -> int:
        """How many in all."""
        return math.prod(self.counts)


def foreseen(
    statements: Statements, degree: int, limit: float, jumps: Sequence[tuple[int, float]] = ()
) -> Level | None:
    """The fewest boxes in which polynomials of a degree show the data, up to a part ``limit``; None if too many.

    Boxes of a shape with ``jumps`` in them, an axis and a place each, are not looked at: they will have faces there.
    """
    counts = tuple(1 + (axis in statements.periodic) for axis in range(statements.problem.domain.dimension))
    while True:
        pause()
        level = Level(counts, degree)
        if level.boxes * degree ** len(counts) > _MOST_POINTS:
            return None
        rough = tails(statements, level, jumps) > limit
        if not bool(rough.any()):
            return level
        counts = tuple(math.ceil(_GROWTH * n) if more else n for n, more in zip(counts, rough.tolist(), strict=True))


def tails(statements: Statements, level: Level, jumps: Sequence[tuple[int, float]] = ()) -> Tensor:
    """By axis, the largest part of any of the data that polynomials of two degrees less leave, and of waves, [d]."""
    problem, d = statements.problem, len(level.counts)
    layout, degrees = Layout.even(level.counts, problem.domain.bounds), Degrees.of(d, level.degree)
    points, weights = gauss(level.degree, d)
    units = units_of(problem, statements.equations, layout, points)
    shape = not is_box(problem.domain)
    equation = interior(problem, statements.equations, layout, points, units, finite=not shape)
    functions = list(equation.right.split(len(weights), dim=1))
    functions += [c for operator in equation.operators for c in operator.values() if isinstance(c, Tensor)]
    if shape:
        inside = problem.domain.contains(layout.points(points).flatten(0, 1)).reshape(len(layout), -1).all(dim=1)
        for axis, place in jumps:
            inside &= (layout.ends[:, axis] - place).prod(dim=1) >= 0
        functions = [values[_telling(values, inside)] for values in functions]
    found = torch.zeros(d, dtype=torch.float64)
    if level.degree > 2:
        lower = TotalDegree(d, level.degree - 2)
        table = _values(lower, points)
        inside = [_tails(values, table, weights, lower) for values in functions]
        found = torch.stack(inside).amax(dim=0)
    every = torch.tensor([level.counts], dtype=torch.float64)
    for axis in range(d):
        for row in range(len(equation.operators)):
            for field in range(equation.fields):
                waves = left_of_waves(equation.within(row, field), axis, every[:, axis], level.degree)
                found[axis] = max(found[axis].item(), waves.max().item())
    if d > 1:
        _of_conditions(statements, layout, degrees, units, found)
    return found


def _telling(values: Tensor, inside: Tensor) -> Tensor:
    """The boxes in which functions [boxes, m] are finite, and of these such that are inside, if there are any."""
    finite = values.isfinite().all(dim=1)
    return finite & inside if bool((finite & inside).any()) else finite


def _values(basis: TotalDegree, points: Tensor) -> Tensor:
    """The polynomials at points [m, d]: [m, count]."""
    zero = (0,) * basis.dimension
    return basis.jet(points, (zero,))[zero]


def _tails(values: Tensor, table: Tensor, weights: Tensor, basis: TotalDegree) -> Tensor:
    """By axis, what polynomials leave of functions [n, m], relative to these; all along the axes they vary most along.

    ``table`` is that of the polynomials at the points, [m, count].

    What a total degree leaves of sin(x) sin(y) has no part of the highest degree along either axis: what is left is
    looked at as a whole, and parts of high degree tell the axis.
    """
    coefficients = (values * weights) @ table
    tiny = torch.finfo(values.dtype).tiny
    whole = (values.square() @ weights).sum().sqrt().clamp_min(tiny)
    left = ((values - coefficients @ table.mT).square() @ weights).sum().sqrt() / whole
    parts = high_parts(coefficients, basis)
    return left * (parts >= ROUGH * parts.max())


def high_parts(coefficients: Tensor, basis: TotalDegree) -> Tensor:
    """By axis, the size of the parts of expansions [n, count] whose degree along it is in the upper half, [d]."""
    squares = coefficients.square().sum(dim=0)
    return torch.stack([squares[own > basis.degree / 2].sum() for own in basis.degrees.unbind(1)]).sqrt()


def decay_of(coefficients: Tensor, basis: TotalDegree) -> float:
    """By what factor the parts of expansions [n, count] from some total degree on fall from one degree to the next.

    Over the upper half of the degrees; the last one alone may be zero by symmetry.
    """
    squares = torch.zeros(basis.degree + 1, dtype=coefficients.dtype)
    squares.index_add_(0, basis.degrees.sum(dim=1), coefficients.square().sum(dim=0))
    beyond = squares.flip(0).cumsum(0).flip(0)
    sizes = beyond[basis.degree // 2 : -1].clamp_min(torch.finfo(coefficients.dtype).tiny).log() / 2
    steps = torch.arange(len(sizes), dtype=sizes.dtype)
    steps = steps - steps.mean()
    return math.exp((steps @ sizes / steps.square().sum()).item())


def left_of_waves(operator: Mapping[Alpha, Tensor | float], axis: int, along: Tensor, degree: int) -> Tensor:
    """What polynomials leave of the waves that an operator with a positive zeroth term has, times as many as it has.

    Args:
        operator: The coefficients [boxes, m] of an equation, or numbers, in the boxes' own coordinates.
        axis: Along which it is looked at.
        along: How many boxes like each there are along it, [boxes].
        degree: Of the polynomials.
    """
    d = len(next(iter(operator), ()))
    second = tuple(2 * int(k == axis) for k in range(d))
    zeroth, highest = operator.get((0,) * d), operator.get(second)
    if zeroth is None or highest is None:
        return torch.zeros_like(along)
    squares = torch.as_tensor(zeroth, dtype=along.dtype) / torch.as_tensor(highest, dtype=along.dtype)
    squares = torch.where(squares.isfinite() & (squares > 0), squares, 0.0)
    number = (squares.amax(dim=1) if squares.ndim else squares).sqrt()
    return _ADRIFT * number * along * (math.e * number / (2 * degree)).clamp_max(1.0) ** degree


def _of_conditions(
    statements: Statements, layout: Layout, degrees: Degrees, units: Sequence[float], found: Tensor
) -> None:
    """The largest tails of given values along the faces of each axis."""
    unit, weights = degrees.outer
    table = _values(degrees.tests, unit)
    by_axis: dict[int, list[Tensor]] = {}
    for number, own in conditions(statements.problem, statements.others, layout, unit, units).items():
        by_axis.setdefault(layout.faces[number].axis, []).extend(
            one.right for one in own if len(one.right) == len(unit)
        )
    for axis, rights in by_axis.items():
        if rights:
            along = _tails(torch.stack(rights), table, weights, degrees.tests)
            others = [k for k in range(layout.dimension) if k != axis]
            for k, tail in zip(others, along.tolist(), strict=True):
                found[k] = max(found[k].item(), tail)


def seconds_of(
    level: Level, *, shared: bool, across: tuple[int, ...] = (2,), cut: float = 0.0, joint: float = 0.0
) -> float:
    """Seconds that a solution with its estimate takes on one core, roughly; one step of Newton's method about half.

    Args:
        level: The discretisation.
        shared: Whether all boxes share one factorisation.
        across: How many traces each field has.
        cut: How many boxes a boundary cuts.
        joint: In the plane, as many more boxes as those take that are solved together.
    """
    d = len(level.counts)
    degrees = Degrees.of(d, level.degree, across)
    own, traces = degrees.own, degrees.face_size
    tested = 2 * d * len(degrees.kinds) * len(degrees.tests)
    rows = len(across) * len(degrees.inner[1]) + tested
    leaves = 1 if shared else level.boxes
    if d > 2 and len(across) > 1:
        return _seconds_of_system(level, shared=shared, across=across, cut=cut)
    if d > 2:
        products = _SOLVES * (_PRODUCTS + _PRODUCTS_ALONG * max(level.counts))
        iterations = products * level.boxes * 2 * (d * traces) ** 2
        leaf = own**2 * (2.0 * (rows - tested) + 5.0 * d * traces + own / 3)
        each = _ROWS_OF_CUT * own**2 * (own + d * traces) / _RATE_OF_CUT + _OVERHEAD_OF_CUT
        return leaves * leaf / _RATE_OF_MATRICES + iterations / _RATE_OF_VECTORS + _OVERHEAD * level.boxes + each * cut
    leaf = 2.0 * rows * (own + 2 * d * traces) ** 2
    leaves += joint + cut * _TABLES_OF_CUT * len(degrees.basis) * len(degrees.inner[1]) / leaf
    shortest, longest = min(level.counts), max(level.counts)
    line = traces * (shortest if d > 1 else 1)
    fronts = _FRONTS * line**3 * (longest / shortest if d > 1 else longest)
    return _WITH_ESTIMATE * ((leaves * leaf + fronts) / _RATE + _OVERHEAD * level.boxes)


def _seconds_of_system(level: Level, *, shared: bool, across: tuple[int, ...], cut: float) -> float:
    """The same of several fields in space."""
    degrees, fields = Degrees.of(len(level.counts), level.degree, across), sum(count > 1 for count in across)
    own, traces, sides = degrees.own, fields * len(degrees.traces), 2 * len(level.counts)
    rows = len(across) * len(degrees.inner[1]) + sides * fields * len(degrees.tests)
    leaf = _QR * rows * own**2 + 2.0 * sides * traces * own**2
    each = _ROWS_OF_CUT * own**2 * (own + sides * traces) / _RATE_OF_MATRICES + _OVERHEAD_OF_CUT
    fronts = _SOLVES * _FRONTS_IN_SPACE * _halving(level, traces) ** 3 * max(level.counts) / sorted(level.counts)[1]
    leaves = 1 if shared else level.boxes
    return (leaves * leaf + fronts) / _RATE_OF_MATRICES + _OVERHEAD * level.boxes + each * cut


def _halving(level: Level, traces: int) -> float:
    """The unknowns on the faces that halve a domain in space."""
    least, middle, _ = sorted(level.counts)
    return least * middle * traces


def bytes_of(level: Level, *, shared: bool, across: tuple[int, ...] = (2,)) -> float:
    """Bytes that a solution holds at a time, roughly: triangles of boxes, and the rows of faces, or products."""
    d = len(level.counts)
    degrees = Degrees.of(d, level.degree, across)
    own, traces = degrees.own, d * degrees.face_size
    leaves = 1 if shared else level.boxes
    if d > 2 and len(across) > 1:
        size = sum(count > 1 for count in across) * len(degrees.traces)
        fronts = _BYTES_OF_FRONTS * _halving(level, size) ** 2 * max(level.counts) / sorted(level.counts)[1]
        return 8.0 * (leaves * 2 * d * size * (own + 2 * d * size) + fronts)
    if d > 2:
        products = _PRODUCTS + _PRODUCTS_ALONG * max(level.counts)
        return 8.0 * (leaves * traces * (own + traces) + products * level.boxes * traces / 2)
    return 8.0 * (leaves * own * (own + 2 * traces) + 4 * level.boxes * (2 * traces) ** 2)


def along_each(count: int | Sequence[int], dimension: int) -> tuple[int, ...]:
    """The same number along each coordinate, or those that are given."""
    return (count,) * dimension if isinstance(count, int) else tuple(count)
