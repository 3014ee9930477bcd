"""The error of a trained network, seen by what corrects it.

A mixture beside the network, whose readout is solved for, makes a better solution of the same problem: their sum has an
error estimate of its own (``estimate.py``). What the mixture adds is the network's error but for that,

    |d| - e <= error <= |d| + e,

with d what is added and e the error that is left. Mixtures grow until e is small beside d. Where the finest leaves more
than that, the estimate from the network's own features, if it has a linear readout, says how far between.

For nonlinear problems Newton's method starts from the network, whose error need not be small.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup, systems
from gmnm_pde.fitting.estimate import SAFETY, ErrorEstimate, estimate_error
from gmnm_pde.fitting.faint import deviations_of, measured_by
from gmnm_pde.fitting.fit import Fit
from gmnm_pde.fitting.widths import Widths, WidthSearch, narrowed
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.methods import LeastSquares
from gmnm_pde.models import Mixture
from gmnm_pde.residuals import CorrectedSystem, FieldMap
from gmnm_pde.statement.problem import Problem

_FIRST = ByDimension(line=40, plane=150, space=300, beyond=600)
"""Components of the first mixture, for one field."""

_MOST = 600
"""Components of the last one: it is to cost a fraction of the training."""

_FACTOR = 2
"""How many times as many components the next mixture has."""

_WIDTH = 1.5
"""The slope that the first mixture's search for widths begins with."""

_SEEN = 0.25
"""What is left is small below this part of the correction."""

_COORDINATES = 12
"""With more of them no mixture of this size shows what a network has."""

_NEWTON = LeastSquares(max_steps=12, faithful=0.05, stationary=0.05, small=1.0)
"""Newton's method, which ends early: the step that is left counts as error."""


def estimate_of_trained(setup: Setup, network: Fit, points: Tensor) -> ErrorEstimate:
    """The error estimate of a trained network, with L2 norms taken over ``points`` [n, d].

    Noise of data, to which a mixture would fit itself, is no error: it is left to the features' estimate.
    """
    estimate = own = _from_features(setup, network, points)
    terms = setup.problem.terms
    noisy = any(term.noise is not None for term in terms) or all(term.group == "data" for term in terms)
    if noisy or setup.dimension > _COORDINATES:
        return own
    try:
        for correction in _corrections(setup, network, points):
            estimate = correction.estimate(own)
            if correction.complete:
                break
    except OutOfTime:  # the last mixture's estimate, or the features', is there
        pass
    return estimate


def _from_features(setup: Setup, network: Fit, points: Tensor) -> ErrorEstimate:
    """The estimate from the leading parts of the network's features; unknown without a linear readout."""
    if network.outcome.solver is None:
        return ErrorEstimate.unknown(setup.problem)
    return estimate_error(network, points)


@dataclass(frozen=True)
class _Correction:
    """What a mixture adds to a network.

    Attributes:
        problem: What is solved.
        added: Root mean squares of what is added to the fields, [fields].
        before: Those of the network's fields.
        after: Those of the corrected fields.
        changes: Those of how they differ from their means.
        shifts: By how much the unknown parameters change, [parameters].
        left: The error estimate of the corrected fields.
        better: Whether Newton's method converged to fields of smaller residuals at held-out points.
    """

    problem: Problem
    added: Tensor
    before: Tensor
    after: Tensor
    changes: Tensor
    shifts: Tensor
    left: ErrorEstimate
    better: bool

    @property
    def complete(self) -> bool:
        """Whether little is left beside what was added."""
        return self.better and bool((self._left <= _SEEN * self.added).all())

    @property
    def _left(self) -> Tensor:
        """The errors of the corrected fields, root mean squares, [fields]."""
        return self.after * self.added.new_tensor(list(self.left.by_field.values()))

    def estimate(self, own: ErrorEstimate) -> ErrorEstimate:
        """The estimate for the network, given that from its features."""
        left = self._left
        most = self.added + left
        from_features = SAFETY * torch.maximum(self.added, self.before * most.new_tensor(list(own.by_field.values())))
        known = not own.doubt and bool(from_features.isfinite().all())
        if self.left.doubt or not known:
            errors = most
        else:
            errors = torch.minimum(most, from_features) if self.better else from_features
        size = torch.where(left < self.added, self.after, torch.minimum(self.before, self.after))
        larger = measured_by(self.problem, size, self.changes, errors)
        size = torch.where(size > 0, size, torch.ones_like(size)) if larger is None else larger
        return ErrorEstimate(
            dict(zip(self.left.by_field, (errors / size).tolist(), strict=True)),
            {
                name: change + rest
                for (name, rest), change in zip(self.left.by_parameter.items(), self.shifts.tolist(), strict=True)
            },
            self.left.doubt,
            self.left.sure,
        )


def _corrections(setup: Setup, network: Fit, points: Tensor) -> Iterator[_Correction]:
    """Corrections by larger and larger mixtures; widths are searched for the first, and carried over."""
    setup, network = _in_double(setup, network)
    points = points.to(torch.float64)
    components, widths = _FIRST.of(setup.dimension), (_WIDTH,) * setup.dimension
    best = None
    while components <= _MOST:
        count = round(components / len(setup.problem.fields) ** 0.5)
        search = WidthSearch(partial(_fitted, setup, network, count), lambda _: True)
        if best is None:
            best = search.over(widths, octaves=(1.0,), by_axis=False)
        else:
            tried = [search.at(widths), search.at(narrowed(widths, _FACTOR**setup.dimension))]
            best = min(tried, key=lambda fit: fit.validation_residual)
        yield _seen(network, best, points)
        components, widths = components * _FACTOR, narrowed(best.widths, _FACTOR)


def _in_double(setup: Setup, network: Fit) -> tuple[Setup, Fit]:
    """All in double precision: the rounding of a network in single precision is part of its error."""
    own = replace(setup, mixture=Mixture(), points=None, method=_NEWTON)
    if setup.dtype == torch.float64:
        return own, network
    model = copy.deepcopy(network.install().model).to(torch.float64)
    outcome = replace(network.outcome, theta=network.theta.to(torch.float64))
    return replace(own, dtype=torch.float64), replace(network, model=model, outcome=outcome)


@torch.no_grad()
def _fitted(setup: Setup, network: Fit, count: int, widths: Widths, before: Fit | None) -> Fit:
    """The fit of a mixture beside the network; Newton's method starts from a correction that there is."""
    model = setup.model(count, widths)
    scalars = network.theta[: network.system.extra].tolist()
    system, held_out = (
        CorrectedSystem(one.problem, model, one.placed, one.scales, "auto", network.model, scalars, setup.engine)
        for one in systems(setup, model, count)
    )
    start = None
    if before is not None and not system.linear:
        at = torch.cat([placed.cloud.points for placed in system.placed]).to(system.like)
        start = torch.cat([before.theta[: system.extra], system.readout_for(at, before.solved_for(at)).reshape(-1)])
    outcome = setup.method.run(system, start=start)
    return Fit(count, tuple(widths), model, system, held_out, outcome).install()


@torch.no_grad()
def _seen(network: Fit, fit: Fit, points: Tensor) -> _Correction:
    """What a fit adds to the network at points [n, d]."""
    fields = FieldMap(fit.system, points)
    added = fields.forth(fit.theta[:, None])[:, :, 0]
    known = network.outputs(points)
    after = _rms(known + added)
    none = fit.system.start()
    shifts = (fit.theta - none)[: fit.system.extra].abs()
    left = estimate_error(fit, points, torch.where(after > 0, after, torch.ones_like(after)))
    better = fit.converged and fit.validation_residual <= fit.validation_residual_of(none)
    return _Correction(
        fit.system.problem, _rms(added), _rms(known), after, deviations_of(known + added), shifts, left, better
    )


def _rms(values: Tensor) -> Tensor:
    """Root mean squares of fields [n, fields]."""
    return values.square().mean(dim=0).sqrt()
