"""The first boxes of several sizes and the degree of their polynomials, as a tolerance and the data ask for."""

import math
from collections.abc import Sequence
from dataclasses import replace

from gmnm_pde._errors import GmnmError
from gmnm_pde.adaptivity.boxes.cells import Cells
from gmnm_pde.adaptivity.boxes.data import toward_data
from gmnm_pde.adaptivity.boxes.first_cells import first_cells, following
from gmnm_pde.adaptivity.boxes.refinement import DIGITS_OF_DEGREES, HIGHEST, LEAST, left_of_data
from gmnm_pde.adaptivity.hanging import matched
from gmnm_pde.boxes.fit import probed
from gmnm_pde.boxes.foresight import Level, foreseen, seconds_of
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.geometry import Domain, Parted
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.models import Partition
from gmnm_pde.scrutiny import Feature

_STEP = 2
"""Degrees that are looked at differ by so many."""

_FEWER_OF_SYSTEMS = 4
"""So many degrees less have the first boxes of nonlinear equations of several fields, which are solved many times."""

_DEGREES_IN_SPACE = (4, 1.0)
"""In space the first degree, and degrees for each digit that is asked for: boxes of higher degrees cost far more."""

_HIGHER = 6
"""So many more they may be."""

_MOST_LEFT_IN_SPACE = 3e-3
"""What the first boxes may leave of the data at the most."""

_LONGEST = 2.0
"""Sides of the first boxes in a shape of space are no longer than so many times the shortest."""

_CUT = 2.0
"""Boxes that are cut, foreseen, for the number of all to the power two thirds."""


def first_level(
    statements: Statements,
    aim: float,
    seed: int,
    features: Sequence[Feature] = (),
    counts: tuple[int, ...] | None = None,
    degree: int | None = None,
) -> Cells:
    """The first boxes.

    Args:
        statements: What is solved.
        aim: The error that is aimed at.
        seed: Of the solve.
        features: What a close look at the data found.
        counts: Boxes along each coordinate, where chosen by hand.
        degree: Of the polynomials, where chosen by hand.
    """
    problem, own = statements.problem, degree or first_degree(statements, aim)
    d = problem.domain.dimension
    if counts is not None:
        return Cells(Partition.even(counts), own)
    if d > 2:
        level = _in_space(statements, aim, features, own, by_hand=degree is not None)
        return Cells(first_cells(problem, aim, seed, features, level.counts), level.degree)
    cells = first_cells(problem, aim, seed, features)
    if not problem.linear or features or isinstance(problem.domain, Parted):
        return Cells(cells, own)
    try:
        shown = toward_data(cells, statements, own)
    except GmnmError:  # of coefficients that are not defined all over the bounding box, as solutions in a shape
        return Cells(cells, own)
    if len(shown) > len(cells):
        shown = matched(shown)
        cells = shown if is_box(problem.domain) else following(problem.domain, shown)
    return Cells(cells, own)


def first_degree(statements: Statements, aim: float) -> int:
    """That of the first boxes for an error; in space it may become higher."""
    problem, digits = statements.problem, -math.log10(min(1e-1, max(1e-14, aim)))
    d = problem.domain.dimension
    if d > 2:
        least, each = _DEGREES_IN_SPACE
        return min(HIGHEST.of(d), least + round(each * digits))
    fewer = _FEWER_OF_SYSTEMS if len(problem.fields) > 1 and not problem.linear else 0
    return min(HIGHEST.of(d), LEAST.of(d) + round(DIGITS_OF_DEGREES * digits) - fewer)


def _in_space(statements: Statements, aim: float, features: Sequence[Feature], degree: int, *, by_hand: bool) -> Level:
    """As many boxes of this degree, or of a higher one where that is cheaper, as the data ask for."""
    domain, shared = statements.problem.domain, probed(statements).constant
    degrees = [degree] if by_hand else range(degree, min(HIGHEST.space, degree + _HIGHER) + 1, _STEP)
    limit = left_of_data(aim, _MOST_LEFT_IN_SPACE)
    jumps = [feature.plane for feature in features if feature.plane is not None]
    levels = [foreseen(statements, each, limit, jumps) for each in degrees]

    def cost(level: Level) -> float:
        cut = 0.0 if is_box(domain) else _CUT * level.boxes ** (2 / 3)
        return seconds_of(level, shared=shared, across=statements.across, cut=cut)

    even = [_less_long(domain, level) for level in levels if level is not None]
    return min(even, key=cost, default=Level((2, 2, 2), degree))


def _less_long(domain: Domain, level: Level) -> Level:
    """With no side of a box much longer than another, which boundaries in shapes do badly with."""
    if is_box(domain):
        return level
    extents = [high - low for low, high in domain.bounds]
    shortest = min(extent / count for extent, count in zip(extents, level.counts, strict=True))
    pairs = zip(extents, level.counts, strict=True)
    counts = tuple(max(count, math.ceil(extent / (_LONGEST * shortest))) for extent, count in pairs)
    return replace(level, counts=counts)
