"""Errors against the exact solution, where one is known, and the figures of history and report.

Nothing that an evaluator computes influences the solve; adaptive methods only share its points, which depend on the
domain alone.
"""

import math
from functools import cached_property
from itertools import chain

import torch
from torch import Tensor

from gmnm_pde.evolution.marched import Marched
from gmnm_pde.fitting.approximation import Approximation
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.geometry import Domain
from gmnm_pde.models import GMNM, Boxwise, Patchwork, TimeBlocks, plain
from gmnm_pde.results.report import PerField, Report
from gmnm_pde.run.result import Result
from gmnm_pde.sampling import sample, stream
from gmnm_pde.statement.problem import Problem

_POINTS = 4000
"""Points to compare with exact solutions on, and to estimate errors on where no number is given."""

_OFFSET = 0.1
"""An offset dominates a field whose deviation from its mean is below this part of the field."""

_CONSTANT = 1e-12
"""Below this part the field is constant but for rounding."""

_OF_MIXTURES = (GMNM, Patchwork, TimeBlocks)
"""Models that reports name by the form of their mixtures."""


def evaluation_points(problem: Problem, count: int, seed: int) -> Tensor:
    """Points in the domain to evaluate solutions on, at which nothing is fitted, [n, d]."""
    return sample(problem.domain.interior, count, "sobol", seed=stream(seed, "evaluation")).points


class Evaluator:
    """Errors and residuals of approximate solutions of one problem, on Sobol points of its own in the interior.

    Args:
        problem: What is solved.
        seed: Of the solve.
        dtype: Of the points.
        device: Of the points.
        points: How many to estimate errors on; comparisons with the exact solution take 4000 in any case.
    """

    def __init__(
        self, problem: Problem, *, seed: int, dtype: torch.dtype, device: torch.device, points: int | None = None
    ):
        self.problem, self.seed, self._count = problem, seed, points or _POINTS
        self._kind = {"dtype": dtype, "device": device}
        self._last: tuple[Approximation, Tensor] | None = None

    def of(self, problem: Problem, points: int | None = None) -> "Evaluator":
        """The evaluator of another problem, such as that of a time slab."""
        return Evaluator(problem, seed=self.seed, points=points, **self._kind)

    @property
    def domain(self) -> Domain:
        """Where the problem is stated."""
        return self.problem.domain

    @cached_property
    def points(self) -> Tensor:
        """Points to estimate errors on, at which nothing is fitted, [n, d]."""
        return evaluation_points(self.problem, self._count, self.seed).to(**self._kind)

    @cached_property
    def _places(self) -> Tensor:
        """Points to compare with the exact solution on, [n, d]."""
        return evaluation_points(self.problem, _POINTS, self.seed)

    @cached_property
    def _exact(self) -> Tensor | None:
        """The exact fields there, [n, fields]; None where no exact solution is known."""
        if self.problem.exact is None:
            return None
        fields, _ = self.problem.exact_columns(self._places.unbind(-1))
        return torch.stack(list(fields.values()), dim=1).to(torch.float64)

    def figures(self, candidate: Candidate) -> dict[str, float]:
        """A candidate's row of the history."""
        fit = candidate.fit
        named = fit.named_residuals()
        squares = {name: values.square().mean().item() for name, values in named.items()}
        residual, boundary = self._residuals(named)
        errors = self._relative(fit)
        return {
            "loss": fit.loss,
            "residual": residual,
            "boundary": boundary,
            "relative_l2": math.nan if errors is None else errors.max().item(),
            "error_estimate": candidate.error,
            **({} if fit.components is None else {"components": fit.components}),
            **squares,
            **fit.parameters,
        }

    def report(self, result: Result, *, method: str, seconds: float, details: str) -> Report:
        """The report of a solve with this result; ``details`` say in words how it ended."""
        candidate, fit = result.best, result.best.fit
        residual, boundary = self._residuals(fit.named_residuals())
        relative, largest, mse = self._relative(fit), None, None
        if self._exact is not None:
            difference, _ = self._differences(fit, self._exact)
            largest, mse = difference.abs().amax(dim=0), difference.square().mean(dim=0)
        model = plain(fit.model.inner)
        kind = "GMNM" if type(model) in _OF_MIXTURES else type(model).__name__
        name = f"{kind} ({model.form})" if type(model) in (*_OF_MIXTURES, Boxwise) else kind
        return Report(
            problem=self.problem.name,
            method=method,
            model=name,
            relative_l2=self._per_field(relative),
            max_error=self._per_field(largest),
            mse=self._per_field(mse),
            error_estimate=candidate.error,
            estimates={**candidate.estimate.by_field, **candidate.estimate.by_parameter},
            residual=residual,
            boundary=boundary,
            components=fit.components,
            parameters=sum(p.numel() for p in fit.model.parameters()),
            unknowns=fit.unknowns,
            points=fit.points,
            seconds=seconds,
            converged=result.converged,
            status=result.status.name.lower(),
            reason=details,
            seed=self.seed,
            dtype=str(self._kind["dtype"]).removeprefix("torch."),
            device=str(next(chain(fit.model.parameters(), fit.model.buffers()), self.points).device),
            found=fit.parameters,
            met=list(self.problem.met),
            deviation_estimates=self._deviation_estimates(candidate),
            events={name: list(times) for name, times in fit.told.events.items()} if isinstance(fit, Marched) else {},
            invariants=dict(fit.told.drifts) if isinstance(fit, Marched) else {},
        )

    def _deviation_estimates(self, candidate: Candidate) -> dict[str, float]:
        """The estimates relative to the deviation from the mean, of the fields that an offset dominates."""
        values = self._outputs(candidate.fit)
        values = values[~values.isnan().any(dim=1)]
        if not len(values):
            return {}
        sizes, deviations = values.norm(dim=0).tolist(), (values - values.mean(dim=0)).norm(dim=0).tolist()
        estimates = {}
        for name, size, deviation in zip(self.problem.fields, sizes, deviations, strict=True):
            if _CONSTANT * size < deviation < _OFFSET * size and name not in candidate.estimate.faint:
                estimates[name] = candidate.estimate.by_field[name] * size / deviation
        return estimates

    def _residuals(self, named: dict[str, Tensor]) -> tuple[float, float]:
        """Root mean squares of the equations and of the conditions."""
        interior = {name for term in self.problem.terms if term.group == "interior" for name in term.trace.names}
        equations = [values for name, values in named.items() if name in interior]
        conditions = [values for name, values in named.items() if name not in interior]
        return _rms(equations), _rms(conditions)

    @torch.no_grad()
    def _outputs(self, fit: Approximation) -> Tensor:
        """The fields at the points to compare on; they are kept, for one approximation is asked for several times."""
        if self._last is None or self._last[0] is not fit:
            points = self._places.to(**self._kind)
            self._last = fit, fit.outputs(points).to(dtype=torch.float64, device="cpu")
        return self._last[1]

    def _relative(self, fit: Approximation) -> Tensor | None:
        if self._exact is None:
            return None
        difference, exact = (values.square().mean(dim=0).sqrt() for values in self._differences(fit, self._exact))
        return difference / torch.where(exact > 0, exact, torch.ones_like(exact))

    def _differences(self, fit: Approximation, exact: Tensor) -> tuple[Tensor, Tensor]:
        """The differences from the exact fields, and these, [n, fields]; blocks count for the times they reach."""
        outputs = self._outputs(fit)
        if isinstance(fit.model.inner, TimeBlocks):
            reached = ~outputs.isnan().any(dim=1)
            outputs, exact = outputs[reached], exact[reached]
        return outputs - exact, exact

    def _per_field(self, values: Tensor | None) -> PerField | None:
        if values is None:
            return None
        numbers = values.tolist()
        return numbers[0] if len(numbers) == 1 else dict(zip(self.problem.fields, numbers, strict=True))


def _rms(parts: list[Tensor]) -> float:
    return torch.cat(parts).square().mean().sqrt().item() if parts else 0.0
