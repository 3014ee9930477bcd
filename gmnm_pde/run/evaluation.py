"""The judge: errors against the exact solution, where one is known, and the figures of history and report.

It only looks. Nothing it computes goes back into a solve.
"""

import torch
from torch import Tensor

from gmnm_pde.adaptivity.p_refinement import Rung
from gmnm_pde.fitting.fit import Fit
from gmnm_pde.models import GMNM, Patchwork, TimeBlocks
from gmnm_pde.results.report import PerField, Report
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem

_POINTS = 4000

_OF_MIXTURES = (GMNM, Patchwork, TimeBlocks)


def judged_points(problem: Problem, count: int, seed: int) -> Tensor:
    """Points of the domain to judge on, which nothing is fitted at, [n, d]."""
    return sample(problem.domain.interior, count, "sobol", seed=seed + 15485863).points


class Judge:
    """Judges fits of one problem on points of its own, Sobol in the interior."""

    def __init__(self, problem: Problem, *, seed: int, dtype: torch.dtype, device: torch.device):
        self.problem = problem
        exact_points = judged_points(problem, _POINTS, seed)
        self.points = exact_points.to(dtype=dtype, device=device)
        self.exact: Tensor | None = None
        if problem.exact is not None:
            fields, _ = problem.exact_columns(exact_points.unbind(-1))
            self.exact = torch.stack(list(fields.values()), dim=1).to(torch.float64)

    def row(self, rung: Rung, *, step: int, seconds: float) -> dict[str, float]:
        """A row of the history."""
        fit = rung.fit
        named = fit.named_residuals()
        squares = {name: values.square().mean().item() for name, values in named.items()}
        residual, boundary = self._residuals(named)
        errors = self._relative(fit)
        return {
            "step": step,
            "seconds": seconds,
            "loss": fit.loss,
            "residual": residual,
            "boundary": boundary,
            "relative_l2": float("nan") if errors is None else errors.max().item(),
            "error_estimate": rung.estimate.overall,
            **({} if fit.components is None else {"components": fit.components}),
            **squares,
            **fit.found,
        }

    def report(self, rung: Rung, *, method: str, seconds: float, converged: bool, reason: str, seed: int) -> Report:
        """The report of the fit that a solve ended with."""
        fit = rung.fit
        residual, boundary = self._residuals(fit.named_residuals())
        relative, largest, mse = self._relative(fit), None, None
        if self.exact is not None:
            difference = self._outputs(fit) - self.exact
            largest, mse = difference.abs().amax(dim=0), difference.square().mean(dim=0)
        model = fit.model.inner
        name = f"GMNM ({model.form})" if type(model) in _OF_MIXTURES else type(model).__name__
        return Report(
            problem=self.problem.name,
            method=method,
            model=name,
            relative_l2=self._per_field(relative),
            max_error=self._per_field(largest),
            mse=self._per_field(mse),
            error_estimate=rung.estimate.overall,
            estimates={**rung.estimate.by_field, **rung.estimate.by_parameter},
            residual=residual,
            boundary=boundary,
            components=fit.components,
            parameters=sum(p.numel() for p in fit.model.parameters()),
            unknowns=fit.unknowns,
            points=fit.points,
            seconds=seconds,
            converged=converged,
            reason=reason,
            seed=seed,
            dtype=str(self.points.dtype).removeprefix("torch."),
            device=str(self.points.device),
            found=fit.found,
            met=list(self.problem.met),
        )

    def _residuals(self, named: dict[str, Tensor]) -> tuple[float, float]:
        """Root mean squares of the equations and of the conditions."""
        interior = {
            name for term in self.problem.terms if term.group == "interior" for name in self.problem.traced(term).names
        }
        equations = [values for name, values in named.items() if name in interior]
        conditions = [values for name, values in named.items() if name not in interior]
        return _rms(equations), _rms(conditions)

    @torch.no_grad()
    def _outputs(self, fit: Fit) -> Tensor:
        return fit.outputs(self.points).to(dtype=torch.float64, device="cpu")

    def _relative(self, fit: Fit) -> Tensor | None:
        if self.exact is None:
            return None
        size = self.exact.norm(dim=0)
        return (self._outputs(fit) - self.exact).norm(dim=0) / torch.where(size > 0, size, torch.ones_like(size))

    def _per_field(self, values: Tensor | None) -> PerField | None:
        if values is None:
            return None
        numbers = values.tolist()
        return numbers[0] if len(numbers) == 1 else dict(zip(self.problem.fields, numbers, strict=True))


def _rms(parts: list[Tensor]) -> float:
    return torch.cat(parts).square().mean().sqrt().item() if parts else 0.0
