"""Solving on boxes that share only their faces."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from gmnm_pde._errors import refuse
from gmnm_pde.adaptivity.boundary_layers import find_layers
from gmnm_pde.adaptivity.box_halving import BoxHalving, Cells
from gmnm_pde.adaptivity.box_refinement import BoxRefinement
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.boxes.fit import probed
from gmnm_pde.boxes.foresight import Level, along_each, seconds_of
from gmnm_pde.boxes.reading import Statements, Unsuited, read
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.models import Mixture
from gmnm_pde.run.result import Result, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.strategies.strategy import Strategy, StrategyMethod

_MANY = 9
"""Where the data ask for so many boxes, one mixture is not tried before."""

_MANY_CELLS = 36
"""The same of boxes of several sizes."""

_GRADED = 2
"""The most coordinates with boxes of several sizes."""

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
            return OnBoxes(setup, suited(setup), self)
        except Unsuited as why:
            raise _refused(setup, why) from None


def _refused(setup: Setup, why: Unsuited) -> Exception:
    return refuse(
        f"solve({setup.problem.name}, method=Boxes())",
        expected="one linear equation of first or second order on a box or in the plane, elliptic in three coordinates",
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
    if setup.features and (setup.dimension > _GRADED or not seen):
        raise Unsuited("its data are sharp at some place")
    statements = read(setup.problem)
    probed(statements)
    return statements


def foreseen_level(setup: Setup, tol: float | None) -> Level | Cells | None:
    """The boxes that the data of a problem ask for, where these are so many that one mixture is not tried before."""
    try:
        boxes = OnBoxes(setup, suited(setup))
        if boxes.several:
            cells = boxes.halving(tol).first()
            return cells if len(cells.boxes) >= _MANY_CELLS else None
        level = boxes.refinement(tol).first()
    except Unsuited:
        return None
    return level if level is not None and level.boxes >= _MANY else None


def tried(setup: Setup, run: Run, begin: Level | Cells | None = None) -> Result | None:
    """On boxes; None where the problem or the time does not allow it, or where it may have many answers.

    Smooth data whose solution is not, as with boundary layers or at corners, ask for boxes of several sizes.
    """
    try:
        boxes, result = OnBoxes(setup, suited(setup)), None
        own = run.part(deadline=run.share(_PART))
        if not boxes.several:
            result = _on_equal(boxes, own, begin if isinstance(begin, Level) else None)
        if setup.dimension <= _GRADED and (result is None or not is_good(result.best, run.tol)):
            result = _on_several(boxes, own, begin if isinstance(begin, Cells) else None) or result
    except (Unsuited, OutOfTime):
        return None
    if result is None or result.best.estimate.doubt:
        return None
    return replace(result, method=boxes.description)


def _on_equal(boxes: "OnBoxes", run: Run, begin: Level | None) -> Result | None:
    """On equal boxes; None if the data ask for one alone, or there is no time."""
    refinement = boxes.refinement(run.tol)
    begin = begin or refinement.first()
    if begin is None or begin.boxes < 2:
        return None
    if not run.affords(seconds_of(begin, shared=probed(boxes.statements).constant)):
        return None
    return adapt(replace(refinement, begin=begin), run)


def _on_several(boxes: "OnBoxes", run: Run, begin: Cells | None) -> Result | None:
    """On boxes of several sizes; None if there is no time."""
    refinement = boxes.halving(run.tol)
    begin = begin or refinement.first()
    if not run.affords(seconds_of(begin.like(), shared=False)):
        return None
    return adapt(replace(refinement, begin=begin), run)


@dataclass(frozen=True)
class OnBoxes:
    """Boxes until the error estimate is as small as was asked for.

    Args:
        setup: Of the solve.
        statements: The problem, read for boxes.
        method: What was chosen by hand.
    """

    takes: ClassVar[frozenset[str]] = frozenset()

    setup: Setup
    statements: Statements
    method: Boxes = field(default_factory=Boxes)

    @property
    def several(self) -> bool:
        """Whether boxes have several sizes from the beginning: in shapes, and where there are layers."""
        problem = self.statements.problem
        if not is_box(problem.domain) or self.setup.features:
            return True
        layers = find_layers(problem, self.setup.seed)
        thin = any((*layers.low, *layers.high)) and self.setup.dimension <= _GRADED
        return thin and self.method.counts is None

    @property
    def description(self) -> str:
        """What the report says."""
        return "least squares on boxes that share their faces, since the problem is linear"

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing: no checkpoint is written."""
        return {}

    def run(self, run: Run) -> Result:
        """Solve on more boxes, or with higher degrees, until the estimate is good."""
        if self.several:
            return adapt(self.halving(run.tol), run)
        refinement = self.refinement(run.tol)
        begin = refinement.first()
        if begin is None:
            raise _refused(self.setup, Unsuited("its data ask for more boxes than there is memory for"))
        try:
            result = adapt(replace(refinement, begin=begin), run)
        except Unsuited as why:
            raise _refused(self.setup, why) from why
        if is_good(result.best, run.tol) or result.best.estimate.doubt or self._fixed or run.late:
            return result
        halved = adapt(self.halving(run.tol), run)
        return halved if halved.best.error < result.best.error else result

    @property
    def _fixed(self) -> bool:
        """Whether boxes all stay equal: where they were chosen by hand, and in space."""
        chosen = self.method.counts is not None or self.method.degree is not None
        return chosen or self.setup.dimension > _GRADED

    def refinement(self, tol: float | None) -> BoxRefinement:
        """How boxes are made finer."""
        counts = None if self.method.counts is None else along_each(self.method.counts, self.setup.dimension)
        return BoxRefinement(self.statements, tol, self.setup.seed, counts, self.method.degree)

    def halving(self, tol: float | None) -> BoxHalving:
        """How boxes of several sizes are made finer."""
        counts = None if self.method.counts is None else along_each(self.method.counts, self.setup.dimension)
        seed, features = self.setup.seed, tuple(self.setup.features)
        return BoxHalving(self.statements, tol, seed, features, counts, self.method.degree)
