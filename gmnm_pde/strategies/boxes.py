"""Solving on boxes that share only their faces."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from gmnm_pde._errors import NotFiniteError, refuse
from gmnm_pde.adaptivity.boundary_layers import find_layers
from gmnm_pde.adaptivity.boxes.cells import Cells
from gmnm_pde.adaptivity.boxes.continuation import continued, may_be_continued
from gmnm_pde.adaptivity.boxes.first_cells import inside
from gmnm_pde.adaptivity.boxes.halving import BoxHalving
from gmnm_pde.adaptivity.boxes.lines import LineRefinement
from gmnm_pde.adaptivity.boxes.refinement import AIM, BoxRefinement
from gmnm_pde.adaptivity.junctions import are_weak
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.boxes.fit import probed
from gmnm_pde.boxes.foresight import Level, along_each, seconds_of
from gmnm_pde.boxes.materials.reading import read_parts
from gmnm_pde.boxes.reading import Statements, Unsuited
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.geometry import Parted
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.interruption import OutOfTime, limited
from gmnm_pde.models import Mixture
from gmnm_pde.run.result import Result, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.scrutiny.singular_points import singular_points
from gmnm_pde.strategies.strategy import Strategy, StrategyMethod

_MANY = 9
"""Where the data ask for so many boxes, one mixture is not tried before."""

_MANY_CELLS = 36
"""The same of boxes of several sizes."""

_MANY_CELLS_IN_SPACE = 6
"""The same in space, where one mixture is dearer."""

_EQUAL = 3
"""From so many coordinates on boxes on a box are equal, unless the data are sharp at some place."""

_MOST_JUNCTIONS = 8
"""Where parts meet in more corners than these, boxes towards all of them are too many to be tried unasked."""

_NEWTON = 5.0
"""Nonlinear equations are solved about so many times on the first boxes."""

_FEWER_DIGITS, _LEAST_DIGITS = 2, 2
"""Where there is no time for the first boxes, they are for so many digits less, down to so many."""

_BEFORE = 0.35
"""Few boxes of a nonlinear problem may take this part of it before a continuation is tried."""

_PART = 0.6
"""Boxes may take this part of the time that is left, so that there is time for what else may help."""


@dataclass(frozen=True)
class Boxes(StrategyMethod):
    """Least squares on boxes that share only their faces, with polynomials in each.

    Boxes are equal, or of several sizes: small at corners and in layers, and cut where the boundary is curved.

    Args:
        counts: How many boxes along each coordinate, or one number for all; by default as many as are needed.
        degree: Of the polynomials; by default by the tolerance.
    """

    counts: int | tuple[int, ...] | None = None
    degree: int | None = None

    def __post_init__(self) -> None:
        call = f"Boxes(counts={self.counts!r}, degree={self.degree!r})"
        counts = self.counts if isinstance(self.counts, tuple | list) else (self.counts,)
        if self.counts is not None and not all(isinstance(n, int) and n > 0 for n in counts):
            raise refuse(call, expected="positive whole numbers of boxes", got=repr(self.counts))
        if self.degree is not None and not (isinstance(self.degree, int) and 4 <= self.degree <= 40):
            raise refuse(call, expected="a degree from 4 to 40", got=repr(self.degree))

    def strategy(self, setup: Setup) -> Strategy:
        d = setup.dimension
        if isinstance(self.counts, tuple | list) and len(self.counts) != d:
            call = f"Boxes(counts={self.counts!r})"
            raise refuse(call, expected=f"a number for each of {d} coordinates", got=f"{len(self.counts)}")
        try:
            boxes = OnBoxes(setup, suited(setup), self)
            counts = None if self.counts is None else along_each(self.counts, d)
            if counts is not None and any(counts[axis] < 2 for axis in boxes.statements.periodic):
                raise Unsuited("along a periodic coordinate there are two boxes at least")
            return boxes
        except Unsuited as why:
            raise _refused(setup, why) from None


def _refused(setup: Setup, why: Unsuited) -> Exception:
    return refuse(
        f"solve({setup.problem.name}, method=Boxes())",
        expected="equations of at most fourth order on a box or in the plane, linear elliptic ones in space",
        got=f"a problem that is not solved on boxes: {why}",
        remedy="Leave method out.",
    )


def suited(setup: Setup) -> Statements:
    """The problem of a solve, read for boxes.

    Raises:
        Unsuited: it cannot be solved on boxes.
    """
    if setup.dtype != torch.float64:
        raise Unsuited("float32 leaves too few digits")
    if setup.device.type != "cpu":
        raise Unsuited("it is solved on a CPU")
    if setup.weights or setup.points is not None or setup.mixture != Mixture():
        raise Unsuited("weights, points or a mixture were chosen by hand")
    seen = all(not f.hidden and (f.kind == "narrow" or f.plane is not None) for f in setup.features)
    if setup.features and not seen:
        raise Unsuited("its data are sharp at some place")
    statements = read_parts(setup.problem)
    probed(statements)
    return statements


def is_suited(setup: Setup) -> bool:
    """Whether the problem of a solve can be solved on boxes."""
    try:
        suited(setup)
    except Unsuited:
        return False
    return True


def foreseen_level(setup: Setup, tol: float | None) -> Level | Cells | None:
    """The boxes that the data of a problem ask for, where these are so many that one mixture is not tried before."""
    changes = len(singular_points(setup.problem)) > len(setup.problem.domain.reentrant_corners())
    if _is_better_in_slabs(setup) or changes:  # where conditions change a solution may be smooth in spite of them
        return None
    try:
        boxes = OnBoxes(setup, suited(setup))
        if boxes.several:
            refinement = boxes.halving(tol)
            cells = refinement.first()
            many = _MANY_CELLS if setup.dimension < _EQUAL else _MANY_CELLS_IN_SPACE
            return cells if refinement.edges or len(cells.boxes) >= many else None
        level = boxes.refinement(tol).first()
    except Unsuited:
        return None
    return level if level is not None and level.boxes >= _MANY else None


def has_many_parts(setup: Setup) -> bool:
    """Whether a mixture for each part is dearer than boxes are."""
    domain = setup.problem.domain
    return isinstance(domain, Parted) and len(domain.parts) >= _MANY


def nothing_else_helps(setup: Setup) -> bool:
    """Whether one mixture and patches do worse than boxes even where these miss a tolerance: in space shapes."""
    return setup.dimension >= _EQUAL and not is_box(setup.problem.domain)


def _is_better_in_slabs(setup: Setup) -> bool:
    """Whether Newton's method may lose its way over all of a long time, as it does not in one slab after another."""
    return bool(setup.problem.domain.time) and not setup.problem.linear


def tried(
    setup: Setup,
    run: Run,
    begin: Level | Cells | None = None,
    guess: InitialGuess | None = None,
    *,
    by_continuation: bool = True,
) -> Result | None:
    """On boxes; None where the problem or the time does not allow it, or where it may have many answers.

    Smooth data whose solution is not, as with boundary layers or at corners, ask for boxes of several sizes. Newton's
    method begins with ``guess``, and if need be with more diffusion, where ``by_continuation``.
    """
    if _is_better_in_slabs(setup):
        return None
    if _has_many_junctions(setup):
        return None
    try:
        boxes, result = OnBoxes(setup, suited(setup), guess=guess), None
        by_continuation = by_continuation and boxes.may_be_continued
        own = run if nothing_else_helps(setup) else run.part(deadline=run.share(_PART))
        if not boxes.several:
            first = own.part(deadline=own.share(_BEFORE)) if by_continuation else own
            result = _on_equal(boxes, first, begin if isinstance(begin, Level) else None)
        if result is not None and by_continuation and not is_good(result.best, run.tol):
            result = continued(boxes.statements, setup.seed, result, own)
        if boxes.may_be_halved and (result is None or not is_good(result.best, run.tol)):
            halved = _on_several(boxes, own, run, begin if isinstance(begin, Cells) else None)
            if halved is not None and (result is None or halved.best.error < result.best.error):
                result = halved
    except (Unsuited, OutOfTime, NotFiniteError):
        return None
    if result is None or result.best.estimate.doubt:
        return None
    return replace(result, method=boxes.description)


def _has_many_junctions(setup: Setup) -> bool:
    """Whether parts meet in many corners, boxes towards all of which are asked for."""
    domain = setup.problem.domain
    return isinstance(domain, Parted) and len(domain.junctions()) > _MOST_JUNCTIONS and not are_weak(setup.problem)


def _on_equal(boxes: "OnBoxes", run: Run, begin: Level | None) -> Result | None:
    """On equal boxes or between lines; None if data of one linear equation ask for one alone, or in want of time."""
    refinement, problem = boxes.refinement(run.tol), boxes.statements.problem
    level = boxes.afforded(refinement, begin, run)
    if level is None or (level.boxes < 2 and problem.linear and len(problem.fields) == 1):
        return None
    return adapt(replace(refinement, begin=level), run)


def _on_several(boxes: "OnBoxes", run: Run, whole: Run, begin: Cells | None) -> Result | None:
    """On boxes of several sizes, in all of the time if these show the solution; None if there is no time."""
    refinement = boxes.halving(run.tol)
    cells = boxes.afforded(refinement, begin, run)
    return None if cells is None else adapt(replace(refinement, begin=cells), run, whole=whole.part())


@dataclass(frozen=True)
class OnBoxes:
    """Boxes until the error estimate is as small as was asked for.

    Args:
        setup: Of the solve.
        statements: The problem, read for boxes.
        method: What was chosen by hand.
        guess: What Newton's method begins with.
    """

    takes: ClassVar[frozenset[str]] = frozenset()

    setup: Setup
    statements: Statements
    method: Boxes = field(default_factory=Boxes)
    guess: InitialGuess | None = None

    @property
    def description(self) -> str:
        """What the report says."""
        how = "least squares" if self.setup.problem.linear else "Newton's method"
        kind = "linear" if self.setup.problem.linear else "nonlinear"
        return f"{how} on boxes that share their faces, since the problem is {kind}"

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    @property
    def several(self) -> bool:
        """Whether boxes have several sizes from the beginning: in shapes, and where there are layers."""
        problem = self.statements.problem
        if not is_box(problem.domain) or self.setup.features:
            return True
        if not self.may_be_halved:
            return False
        if len(singular_points(problem)):
            return True
        if not self._is_one_linear:
            return False
        layers = find_layers(problem, self.setup.seed)
        return any((*layers.low, *layers.high)) and self.method.counts is None

    @property
    def may_be_halved(self) -> bool:
        """Whether boxes may have several sizes: not on domains that are periodic, and in space in shapes alone."""
        special = bool(self.setup.features) or not is_box(self.setup.problem.domain)
        return not self.statements.periodic and (self.setup.dimension < _EQUAL or special)

    @property
    def _is_one_linear(self) -> bool:
        problem = self.setup.problem
        return problem.linear and len(problem.fields) == 1

    def run(self, run: Run) -> Result:
        """Solve on more boxes, or with higher degrees, until the estimate is good."""
        try:
            try:
                with limited(run.allowance):
                    return self._solved(run)
            except OutOfTime:  # there was no time for the first boxes: the fewest are an answer
                return adapt(self._finest(0.1), run)
        except Unsuited as why:
            raise _refused(self.setup, why) from why

    def _finest(self, tol: float | None) -> Any:
        """What makes boxes finer until an error estimate is small enough, from the first that there is memory for."""
        if self.several:
            return self.halving(tol)
        refinement = self.refinement(tol)
        begin = refinement.first()
        if begin is None:
            raise Unsuited("its data ask for more boxes than there is memory for")
        return replace(refinement, begin=begin)

    def _solved(self, run: Run) -> Result:
        refinement = self._finest(run.tol)
        result = adapt(replace(refinement, begin=self.afforded(refinement, refinement.begin, run)), run)
        if self.several:
            return result
        chosen = self.method.counts is not None or self.method.degree is not None
        if self.may_be_continued and not is_good(result.best, run.tol) and not run.late:
            result = continued(self.statements, self.setup.seed, result, run)
        if is_good(result.best, run.tol) or result.best.estimate.doubt or chosen or run.late or not self.may_be_halved:
            return result
        halved = adapt(self.halving(run.tol), run)
        return halved if halved.best.error < result.best.error else result

    @property
    def may_be_continued(self) -> bool:
        """Whether diffusion may be larger at first, where nothing was chosen by hand."""
        return self.method.counts is None and self.method.degree is None and may_be_continued(self.statements)

    def refinement(self, tol: float | None) -> BoxRefinement:
        """How boxes are made finer that are equal, or lie between lines."""
        numbers = (self.statements, tol, self.setup.seed, self._counts, self.method.degree, None, self.guess)
        even = BoxRefinement(*numbers)
        return even if self._asks_for_equal(even) else LineRefinement(*numbers)

    def halving(self, tol: float | None) -> BoxHalving:
        """How boxes of several sizes are made finer."""
        seed, features = self.setup.seed, tuple(self.setup.features)
        return BoxHalving(self.statements, tol, seed, features, self._counts, self.method.degree, guess=self.guess)

    def afforded(self, refinement: Any, begin: Any, run: Run) -> Any:
        """The first boxes of a refinement, or those for fewer digits where there is no time for them; None if for none.

        What is left of the time makes them finer, towards the digits that are wanted.
        """
        digits = -math.log10(AIM if run.tol is None else run.tol)
        level, solves = begin or refinement.first(), 1.0 if self.setup.problem.linear else _NEWTON
        while level is not None and not run.affords(solves * self._seconds(level)):
            digits -= _FEWER_DIGITS
            if digits < _LEAST_DIGITS or run.late:
                return None
            level = replace(refinement, tol=10**-digits, begin=None).first()
        return level

    def _seconds(self, level: Level | Cells) -> float:
        """What boxes take, foreseen."""
        if isinstance(level, Cells):
            layout = inside(self.setup.problem.domain, level.boxes)[0]
            return level.seconds(self.statements.across, layout)
        return seconds_of(level, shared=probed(self.statements).constant, across=self.statements.across)

    @property
    def _counts(self) -> tuple[int, ...] | None:
        return None if self.method.counts is None else along_each(self.method.counts, self.setup.dimension)

    def _asks_for_equal(self, even: BoxRefinement) -> bool:
        """Whether boxes are equal: for one linear equation, and for systems with waves, whose factors they share."""
        if not self.setup.problem.linear or self._is_one_linear or self.setup.dimension >= _EQUAL:
            return self.setup.problem.linear
        level = even.first() if probed(self.statements).constant else None
        return level is not None and level.boxes >= _MANY
