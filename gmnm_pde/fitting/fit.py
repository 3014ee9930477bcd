"""One fit: draw components, place points, solve for the readout, and evaluate the residual on held-out points."""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.data_start import far_from_zero
from gmnm_pde.fitting.discretization import Setup, systems
from gmnm_pde.fitting.stored import check_fit
from gmnm_pde.geometry import Parted
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.methods.monitor import UNWATCHED, Monitor
from gmnm_pde.models import Normalized, Partition
from gmnm_pde.residuals import ReadoutSystem
from gmnm_pde.statement.problem import Problem


def fields_from(problem: Problem, points: Tensor, values: Tensor) -> Tensor:
    """The fields at points [n, d], [n, fields], from what was solved for there."""
    if isinstance(problem.domain, Parted):
        return problem.domain.own(values, points)
    return values if problem.lift is None else problem.lift(points, values)


@dataclass
class Fit:
    """A fitted model.

    ``components`` is None for a model that has none; ``trained`` counts the parameters that were trained, and is 0
    where only the readout was solved for. ``system`` has the fitted points, ``held_out`` those for validation.
    """

    components: int | None
    widths: tuple[float, ...]
    model: Normalized
    system: ReadoutSystem
    held_out: ReadoutSystem
    outcome: Outcome
    trained: int = 0

    @property
    def theta(self) -> Tensor:
        return self.outcome.theta

    @property
    def fits(self) -> "tuple[Fit, ...]":
        """Itself: the fits that an approximation is made of."""
        return (self,)

    def install(self) -> "Fit":
        """Put this fit's readout into the model; evaluating a system at other unknowns changes it."""
        _put(self.system, self.theta)
        return self

    def with_theta(self, theta: Tensor) -> "Fit":
        """The same model with other unknowns."""
        outcome = replace(self.outcome, theta=theta)
        return Fit(
            self.components, self.widths, self.model, self.system, self.held_out, outcome, self.trained
        ).install()

    def outputs(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        return fields_from(self.system.problem, points, self.solved_for(points))

    @torch.no_grad()
    def solved_for(self, points: Tensor) -> Tensor:
        """The outputs of the model alone; where conditions are met by construction the fields are made from them."""
        with _in_place(self.system, self.theta):
            return self.model(points)

    @property
    def converged(self) -> bool:
        """Whether the method converged."""
        return self.outcome.converged

    def named_residuals(self) -> dict[str, Tensor]:
        """The unscaled residuals on held-out points, by name."""
        return self.held_out.named_residuals(self.theta)

    @property
    def parameters(self) -> dict[str, float]:
        """The values of the unknown parameters."""
        values = self.theta[: self.system.extra].tolist()
        return dict(zip(self.system.problem.parameters, values, strict=True))

    @property
    def loss(self) -> float:
        """The mean squared residual that was fitted, rows scaled."""
        return self.outcome.norm**2 / self.system.rows

    @property
    def unknowns(self) -> int:
        """How many numbers were solved for, or trained."""
        return self.trained or self.system.columns

    @property
    def points(self) -> int:
        """How many points were fitted, over all terms."""
        return sum(len(placed.cloud) for placed in self.system.placed)

    @cached_property
    def reference(self) -> float:
        """The held-out residual of the zero solution, which validation residuals are relative to."""
        return rms(self.held_out.residual(None)) or 1.0

    def validation_residual_of(self, theta: Tensor) -> float:
        """The held-out residual of any unknowns, relative to that of the zero solution; infinite beyond bounds."""
        for value, name in zip(theta[: self.system.extra].tolist(), self.system.problem.parameters, strict=False):
            low, high = self.system.problem.limits.get(name, (-math.inf, math.inf))
            if not low <= value <= high:
                return math.inf
        value = rms(self.held_out.residual(theta)) / self.reference
        return value if math.isfinite(value) else math.inf

    @cached_property
    def validation_residual(self) -> float:
        """The held-out residual of the fit, relative to that of the zero solution."""
        return self.validation_residual_of(self.theta)


def _put(system: ReadoutSystem, theta: Tensor) -> None:
    """Put a readout into the model; unknowns that are parameters alone leave it unchanged."""
    if len(theta) > system.extra:
        system.model.set_readout(system.readout(theta))


@contextmanager
def _in_place(system: ReadoutSystem, theta: Tensor) -> Iterator[None]:
    """Put a readout into the model within a ``with`` block, and the former one back at its end."""
    if len(theta) <= system.extra:
        yield
        return
    before = system.model.readout.clone()
    _put(system, theta)
    try:
        yield
    finally:
        system.model.set_readout(before)


def fit(
    setup: Setup,
    components: int,
    widths: Sequence[float],
    *,
    initial_guess: InitialGuess | None = None,
    monitor: Monitor = UNWATCHED,
) -> Fit:
    """Draw components, place points, solve; Newton's method starts from ``initial_guess``, where that is given."""
    model = setup.model(components, widths)
    return _fit(setup, model, components, tuple(widths), initial_guess, monitor)


def fit_readout(setup: Setup, model: nn.Module, *, monitor: Monitor = UNWATCHED, leading: int | None = None) -> Fit:
    """Solve for the readout of a copy of a given model, whose inputs are the domain scaled to [-1, 1]^d.

    With ``leading`` the first so many features alone are used.
    """
    normalized = Normalized(copy.deepcopy(model), setup.problem.domain.bounds)
    normalized = normalized.to(dtype=setup.dtype, device=setup.device)
    if leading is None:
        return _fit(setup, normalized, normalized.readout.shape[1], (), None, monitor)
    system, held_out = systems(setup, normalized, leading)
    part = Leading(system, leading)
    outcome = setup.method.run(part, monitor=monitor)
    outcome = replace(outcome, theta=part.whole(outcome.theta), solver=None)
    return Fit(normalized.readout.shape[1], (), normalized, system, held_out, outcome).install()


class Leading:
    """The system of the leading features alone."""

    def __init__(self, system: ReadoutSystem, features: int):
        self._system, self.linear = system, system.linear
        self.columns = system.extra + system.fields * features

    def whole(self, theta: Tensor) -> Tensor:
        """The unknowns of all features, zero for those that are left out."""
        return torch.cat([theta, theta.new_zeros(self._system.columns - self.columns)])

    def start(self) -> Tensor:
        """The start of the whole system."""
        return self._system.start()[: self.columns]

    def residual(self, theta: Tensor) -> Tensor:
        """The residuals with these features."""
        return self._system.residual(self.whole(theta))

    def blocks(self, theta: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Pieces of the linearisation in the leading unknowns."""
        return ((A[:, : self.columns], r) for A, r in self._system.blocks(self.whole(theta)))


def _fit(
    setup: Setup,
    model: Normalized,
    components: int,
    widths: tuple[float, ...],
    initial_guess: InitialGuess | None,
    monitor: Monitor,
) -> Fit:
    system, held_out = systems(setup, model, components)
    start = None if system.linear or initial_guess is None else _imitate(initial_guess, system)
    outcome = setup.method.run(system, start=start, monitor=monitor)
    if start is None and not outcome.converged and not outcome.late:
        outcome = _from_data(setup, system, outcome, monitor)
    monitor.worked(outcome.steps * setup.seconds_of_solve(components))
    return Fit(components * setup.patches, widths, model, system, held_out, outcome).install()


def _from_data(setup: Setup, system: ReadoutSystem, outcome: Outcome, monitor: Monitor) -> Outcome:
    """The better of an outcome that did not converge and, where data are far from zero, of one that began with them."""
    constants = None if any((*setup.problem.reference, *setup.problem.tilt)) else far_from_zero(system)
    if constants is None:
        return outcome
    values = system.like.new_tensor(constants)
    start = system.imitating(lambda points: values.expand(len(points), -1), system.start())
    other = setup.method.run(system, start=start, monitor=monitor)
    return min(outcome, other, key=lambda one: (not one.converged, one.norm))


def saved(fitted: Fit) -> dict[str, Any]:
    """What ``restored`` makes a fit from again: tensors and plain values."""
    partition, outcome = getattr(fitted.model.inner, "partition", None), fitted.outcome
    return {
        "components": fitted.components,
        "widths": fitted.widths,
        "partition": None if partition is None else asdict(partition),
        "outcome": {part.name: getattr(outcome, part.name) for part in fields(Outcome) if part.name != "solver"},
    }


def restored(setup: Setup, state: Mapping[str, Any]) -> Fit:
    """The fit that ``saved`` gave, without the factors of its solve; ``setup`` is that of the fit.

    Raises:
        GmnmError: the state is that of no fit.
    """
    check_fit(setup, state)
    if state["partition"] is not None:
        setup = replace(setup, partition=Partition(**state["partition"]))
    components, widths = state["components"] // setup.patches, tuple(state["widths"])
    theta = state["outcome"]["theta"].to(dtype=setup.dtype, device=setup.device)
    model = setup.model(components, widths)
    outcome = Outcome(**{**state["outcome"], "theta": theta})
    return Fit(state["components"], widths, model, *systems(setup, model, components), outcome).install()


def _imitate(guess: InitialGuess, system: ReadoutSystem) -> Tensor:
    """The unknowns of ``system`` that reproduce an initial guess at the points of the terms."""
    points = torch.cat([placed.cloud.points for placed in system.placed]).to(system.like)
    readout = system.readout_for(points, guess.solved_for(points))
    return torch.cat([guess.theta[: system.extra], readout.reshape(-1)])


def rms(values: Tensor) -> float:
    """The root mean square; 0 of nothing."""
    return values.square().mean().sqrt().item() if len(values) else 0.0
