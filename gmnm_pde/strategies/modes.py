"""Modes of eigenvalue problems: mixtures of growing size, or boxes, until the error estimate is good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gmnm_pde._errors import NotFiniteError
from gmnm_pde.adaptivity.boxes.modes import ModeHalving
from gmnm_pde.adaptivity.loop import Stop, Trials, adapt
from gmnm_pde.adaptivity.p_refinement import AIM
from gmnm_pde.adaptivity.partitions import first_partition, within
from gmnm_pde.boxes.reading import Unsuited, read
from gmnm_pde.boxes.spectra.spectral import known
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.modes import ModeSet, ModeTrial
from gmnm_pde.fitting.widths import Widths, WidthSearch, narrowed
from gmnm_pde.geometry import Disk, Ellipse
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.interruption import OutOfTime, finishing, limited
from gmnm_pde.run.modes import Modes, ended, is_near
from gmnm_pde.run.result import Status
from gmnm_pde.run.run import Run
from gmnm_pde.scrutiny.singular_points import singular_points
from gmnm_pde.strategies.boxes import suited

_PLANE = 2
"""Modes on boxes are those of problems in so many coordinates."""


@dataclass(frozen=True)
class Sizes:
    """The numbers of mixtures for modes."""

    first: ByDimension = field(default=ByDimension(line=40, plane=200, space=500, beyond=800))
    """Components of the first mixture, by the number of coordinates."""
    each_mode: int = 4
    """The first mixture has at least this many components for each mode."""
    least: int = 60
    """The fewest components, where a time limit leaves no time for more."""
    step: float = 1.1
    """The smallest step that is made where a time limit leaves no time for a larger one."""
    factor: float = 1.6
    """How many times as many components the next mixture has."""
    most: int = 2000
    """The most components of a mixture."""
    width: float = 1.5
    """The slope of components that the first search for widths begins with."""
    searched: int = 500
    """Up to this many components widths are searched."""
    patience: int = 2
    """After this many mixtures that do not halve the error it stops."""
    poor: float = 0.03
    """A mixture with a larger error is far from enough."""
    gain: float = 0.2
    """The next mixture leaves less than this part of an error where mixtures are quick."""
    in_a_patch: tuple[int, ...] = (60, 100, 140)
    """Components in each patch, from fit to fit, where there are patches."""
    aim_of_patches: float = 1e-5
    """The relative error that is aimed at with patches and without a tolerance."""
    many_digits: float = 3e-5
    """With a smaller tolerance the first of ``in_a_patch`` is skipped."""


@dataclass(frozen=True)
class Enlarging:
    """p-refinement for modes: mode sets of mixtures with more and more components.

    Args:
        setup: Of the solve, with patches chosen.
        count: How many modes.
        tol: The relative error wanted of the values.
        sizes: The numbers of the refinement.
        hopeful: Whether it is given up where errors are far from small, or do not fall fast.
    """

    setup: Setup
    count: int
    tol: float | None
    sizes: Sizes = Sizes()
    hopeful: bool = False

    def next(self, trials: Trials[int]) -> int | Stop:
        """The next number of components."""
        if trials.level is None:
            return self._components[0]
        if trials.best.worst <= self._aim:
            return Stop.MET
        if self._since_a_gain(trials.errors) >= self.sizes.patience:
            return Stop.STALLED
        if self.hopeful and self._is_slow(trials.errors):
            return Stop.HOPELESS
        larger = [size for size in self._components if size > trials.level]
        return larger[0] if larger else Stop.LARGEST

    def _is_slow(self, errors: Sequence[float]) -> bool:
        """Whether the last mixture is poor, or brought less than a step to what is aimed at has to."""
        sizes = self.sizes
        return errors[-1] > sizes.poor or (len(errors) > 1 and errors[-1] > sizes.gain * errors[-2])

    @property
    def _aim(self) -> float:
        return AIM if self.tol is None and self.setup.partition is None else self.tol or self.sizes.aim_of_patches

    def _since_a_gain(self, errors: Sequence[float]) -> int:
        """How many mode sets came after the last one that halved the least error before it."""
        since, least = 0, math.inf
        for error in errors:
            since = 0 if error < 0.5 * least else since + 1
            least = min(least, error)
        return since

    @property
    def _components(self) -> Sequence[int]:
        setup, sizes = self.setup, self.sizes
        if setup.mixture.components:
            return (setup.mixture.components,)
        fields = len(setup.problem.fields)
        if setup.partition is not None:
            few = (self.tol or sizes.aim_of_patches) >= sizes.many_digits
            return [round(size / fields**0.5) for size in (sizes.in_a_patch if few else sizes.in_a_patch[1:])]
        first = max(sizes.first.of(setup.dimension), sizes.each_mode * self.count)
        size, growing = first / fields**0.5, []
        while size < sizes.most / fields**0.5:
            growing.append(round(size))
            size *= sizes.factor
        return growing

    def seconds(self, trials: Trials[int], level: int) -> float:
        """Growing from the last mixture by the cube of the components."""
        assert trials.level is not None
        return trials.seconds * (level / trials.level) ** 3

    def smaller(self, trials: Trials[int], level: int) -> int | None:
        """A third of a first mixture; else half the step, in proportion."""
        if trials.level is None:
            least = max(self.sizes.least, self.sizes.each_mode * self.count)
            return max(least, level // 3) if self.setup.partition is None and level > least else None
        between = round((level * trials.level) ** 0.5)
        return between if between >= self.sizes.step * trials.level else None

    def attempt(self, level: int, trials: Trials[int], run: Run) -> ModeSet:
        """The modes of a mixture with the best of the widths that are tried."""
        setup, last = self.setup, trials.last

        def solve(widths: Widths, _: ModeTrial | None) -> ModeTrial:
            trial = ModeTrial(setup, level, widths, self.count)
            run.tried(level, trial.validation_residual)
            return trial

        search = WidthSearch(solve, lambda _: not run.late)
        start = setup.widths_or(self.sizes.width)
        if setup.given_widths is None and last is not None:
            start = narrowed(last.widths, level / last.components)
        if setup.given_widths is None and setup.partition is None and level <= self.sizes.searched:
            best = search.over(start, octaves=(1.0, 0.5), by_axis=True)
        else:
            best = search.at(start)
        with finishing(anyhow=trials.best is None):
            return replace(best.estimated(run.points), tried=search.tried)

    def better(self, candidate: ModeSet, trials: Trials[int]) -> bool:
        """The smaller error."""
        return candidate.worst < trials.best.worst

    def state(self, trials: Trials[int]) -> None:
        """Nothing: no checkpoint is written."""

    def result(self, trials: Trials[int], stop: Stop, run: Run) -> Modes:
        """The best mode set."""
        return ended(trials.best, self.tol, run.ended_by if stop is Stop.TIME else "")


def modes(setup: Setup, count: int, run: Run) -> Modes:
    """Modes by mixtures, or on boxes, which are tried too where mixtures do not meet the tolerance.

    Boxes come first at corners at which modes are singular, in shapes with holes or corners, and where coefficients ask
    for boxes.
    """
    boxes = _boxes(setup, count, run)
    first = boxes is not None and _suits_boxes(boxes)
    found = _on_boxes(boxes, run) if first else None
    if found is not None and _ends(found, run):
        return found
    if boxes is not None and not first:
        others = _of_mixtures(setup, count, run, hopeful=True)
        found = None if _ends(others, run) else _on_boxes(boxes, run)
        if found is None or _ends(found, run):
            return others if found is None else _better(others, found)
    others = _of_mixtures(setup, count, run)
    return others if found is None else _better(others, found)


def _ends(found: Modes, run: Run) -> bool:
    """Whether nothing else is tried."""
    return is_near(found.best, run.tol) or found.status is Status.TIME or run.late


def _better(first: Modes, second: Modes) -> Modes:
    return first if first.best.worst < second.best.worst else second


def _suits_boxes(boxes: ModeHalving) -> bool:
    """Whether boxes are surer than mixtures."""
    problem = boxes.setup.problem
    plain = is_box(problem.domain) or isinstance(problem.domain, Disk | Ellipse)
    narrow = any(feature.kind == "narrow" for feature in boxes.setup.features)
    return not plain or narrow or bool(len(singular_points(problem))) or boxes.asks_for_boxes


def _boxes(setup: Setup, count: int, run: Run) -> ModeHalving | None:
    """How modes are found on boxes; None where the problem does not allow it."""
    if setup.dimension != _PLANE or setup.partition is not None:
        return None
    try:
        (guess,) = setup.problem.parameters.values()
        fixed = known(setup.problem, guess)
        suited(replace(setup, problem=fixed))
        statements = read(fixed)
        # boxes of several sizes have no faces between the two ends of a periodic coordinate
        return None if statements.periodic else ModeHalving(setup, statements, count, run.tol)
    except Unsuited:
        return None


def _on_boxes(boxes: ModeHalving | None, run: Run) -> Modes | None:
    """On boxes; None where the problem or the time does not allow it."""
    try:
        with limited(run.allowance):
            return None if boxes is None else adapt(boxes, run)
    except (Unsuited, OutOfTime, NotFiniteError):
        return None


def _of_mixtures(setup: Setup, count: int, run: Run, *, hopeful: bool = False) -> Modes:
    """By mixtures of growing size, until the error estimate is good, or only as long as they are ``hopeful``."""
    chosen = _with_patches(setup, run.tol)
    try:
        with limited(run.allowance):
            return adapt(Enlarging(chosen, count, run.tol, hopeful=hopeful), run)
    except OutOfTime:
        run.require_time()
        return _least(replace(setup, partition=None), count, run)


def _least(setup: Setup, count: int, run: Run) -> Modes:
    """Modes of one small mixture, where the time limit left time for nothing else."""
    sizes = replace(Sizes(), searched=0)
    small = max(sizes.least, sizes.each_mode * count)
    enlarging = Enlarging(replace(setup, mixture=replace(setup.mixture, components=small)), count, run.tol, sizes)
    candidate = enlarging.attempt(small, Trials(), run)
    run.record(candidate)
    return enlarging.result(Trials().after(small, candidate, 0.0, better=True), Stop.TIME, run)


def _with_patches(setup: Setup, tol: float | None) -> Setup:
    """With patches as asked for, or else graded towards re-entrant corners and narrow features of the data."""
    domain, partition = setup.problem.domain, setup.partition
    sharp = [feature for feature in setup.features if feature.kind == "narrow"]
    if partition is None and setup.mixture.patches is None and (len(singular_points(setup.problem)) or sharp):
        partition = first_partition(setup.problem, tol or Sizes().aim_of_patches, setup.seed, sharp)
    return setup if partition is None else replace(setup, partition=within(domain, partition))
