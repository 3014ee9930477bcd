"""One term of a problem at its points, made ready to be evaluated again and again while a model trains.

What does not change from step to step is done once: a linear term is linearised at zero fields, its slopes that are the
same everywhere become numbers, and a step only applies one differential operator to the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.jets import feature_combination, forward_jet
from gmnm_pde.jets.engines import choose_engine
from gmnm_pde.jets.rows import parameter_rows
from gmnm_pde.models.protocols import OutputCombination, OutputRows, can
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, jets_of, linearize, residuals, zero_jets
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Block:
    """A term at points [n, d].

    Args:
        problem: What the term belongs to.
        placed: The term with all its points.
        points: Those of ``rows``, in the model's dtype and on its device.
        rows: Which of the term's points these are.
        linear: Its linearisation at zero fields, by residual name, if it is linear.
        engine: How derivatives are made.
    """

    problem: Problem
    placed: Placed
    points: Tensor
    rows: Tensor | slice
    linear: Mapping[str, Linearized] | None
    engine: str

    @classmethod
    def of(cls, problem: Problem, placed: Placed, like: Tensor, scalars: Sequence[Tensor], engine: str) -> "Block":
        """The block of all points of a placed term."""
        points = placed.cloud.points.to(like)
        linear = None
        if placed.term.trace.linear:
            zeros = [torch.zeros_like(scalar) for scalar in scalars]
            linear = linearize(problem, placed, points, zero_jets(placed.term, points, len(problem.branches)), zeros)
        return cls(problem, placed, points, slice(None), linear, engine)

    def select(self, rows: Tensor) -> "Block":
        """The block of some of the rows, by their indices."""
        linear = self.linear and {name: linearized.select(rows) for name, linearized in self.linear.items()}
        every = torch.arange(len(self.placed.cloud), device=rows.device)[self.rows]
        return replace(self, points=self.points[rows], rows=every[rows], linear=linear)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its residuals."""
        return tuple(self.placed.term.trace.names)

    def residuals(self, model: nn.Module, scalars: Sequence[Tensor]) -> dict[str, Tensor]:
        """The named residuals, each [n], with their graph."""
        if self.linear is None:
            return self.evaluated(jets_of(model, self.placed.term, self.points, self.engine), scalars)
        if self._applies(model):
            return {name: self._applied(model, linearized, scalars) for name, linearized in self.linear.items()}
        return self.evaluated(jets_of(model, self.placed.term, self.points, self.engine), scalars)

    def rows_of_jacobian(self, model: nn.Module, scalars: Sequence[Tensor]) -> dict[str, Tensor]:
        """By name, the derivatives of its residuals by all trained parameters of the model and the scalars.

        The slopes of each residual by the fields' derivatives are taken first; what is left is the derivative of a
        linear operator applied to the model. Returns [n, unknowns] for each name.
        """
        return {
            name: self._rows(model, linearized, scalars)
            for name, linearized in self._linearized(model, scalars).items()
        }

    def readout_rows(self, model: Any, scalars: Sequence[Tensor]) -> dict[str, Tensor]:
        """By name, the derivatives of its residuals by the readout's weights, [n, outputs, features]."""
        return {
            name: self._readout_rows(model, linearized) for name, linearized in self._linearized(model, scalars).items()
        }

    def _linearized(self, model: nn.Module, scalars: Sequence[Tensor]) -> Mapping[str, Linearized]:
        if self.linear is not None:
            return self.linear
        with torch.no_grad():
            jets = jets_of(model, self.placed.term, self.points, self.engine)
        return linearize(self.problem, self.placed, self.points, jets, scalars, self.rows)

    def _readout_rows(self, model: Any, linearized: Linearized) -> Tensor:
        outputs, features = model.readout.shape
        kind: Any = {"dtype": self.points.dtype, "device": self.points.device}
        rows = self.points.new_zeros(len(self.points), outputs, features)
        for output, operator in linearized.operators.items():
            coefficients = {alpha: torch.as_tensor(c, **kind) for alpha, c in operator.items()}
            columns = feature_combination(model, self.points, coefficients, self.engine)
            if self.placed.term.partner is not None:
                far = self.placed.term.partner(self.points)
                columns = feature_combination(model, far, coefficients, self.engine) - columns
            rows[:, output] = columns
        return rows

    def evaluated(self, jets: Mapping[Alpha, Tensor], scalars: Sequence[Tensor]) -> dict[str, Tensor]:
        """The named residuals for given derivatives of the fields, each [n], with their graph."""
        if self.linear is not None:
            return {name: linearized.at(jets, scalars) for name, linearized in self.linear.items()}
        return self._nonlinear(jets, scalars)

    def _nonlinear(self, jets: Mapping[Alpha, Tensor], scalars: Sequence[Tensor]) -> dict[str, Tensor]:
        with torch.enable_grad():
            spread = [scalar.expand(len(self.points)) for scalar in scalars]
            return residuals(self.problem, self.placed, self.points, jets, spread, self.rows)[0]

    def _applies(self, model: nn.Module) -> bool:
        """Whether each residual is one operator on one output, which the model applies in one pass."""
        assert self.linear is not None
        outputs = [output for linearized in self.linear.values() for output in linearized.operators]
        return (
            len(outputs) == 1
            and choose_engine(model, self.engine, call="solve(engine=...)") == "closed"
            and can(model, OutputCombination)
        )

    def _applied(self, model: Any, linearized: Linearized, scalars: Sequence[Tensor]) -> Tensor:
        [(output, operator)] = list(linearized.operators.items())
        applied = model.output_combination(self.points, operator)[:, output]
        if self.placed.term.partner is not None:
            applied = model.output_combination(self.placed.term.partner(self.points), operator)[:, output] - applied
        for k, slope in linearized.by_parameter.items():
            applied = applied + slope * scalars[k]
        return linearized.residual + applied

    def _rows(self, model: nn.Module, linearized: Linearized, scalars: Sequence[Tensor]) -> Tensor:
        rows = self._model_rows(model, linearized, self.points)
        if self.placed.term.partner is not None:
            rows = self._model_rows(model, linearized, self.placed.term.partner(self.points)) - rows
        zero = self.points.new_zeros(len(self.points))
        return torch.cat([rows, *(linearized.by_parameter.get(k, zero)[:, None] for k in range(len(scalars)))], dim=1)

    def _model_rows(self, model: Any, linearized: Linearized, points: Tensor) -> Tensor:
        """The derivatives of the operators applied to the model at ``points`` by its trained parameters."""
        closed = choose_engine(model, self.engine, call="solve(engine=...)") == "closed"
        if not (closed and can(model, OutputRows) and linearized.operators):
            return _rows_by_vmap(model, linearized, points, closed=closed)
        parts = [
            torch.cat(
                [rows.reshape(len(rows), -1) for rows in model.output_rows(points, operator, output).values()], dim=1
            )
            for output, operator in linearized.operators.items()
        ]
        return sum(parts[1:], parts[0])


def _rows_by_vmap(model: nn.Module, linearized: Linearized, points: Tensor, *, closed: bool) -> Tensor:
    """Rows of the Jacobian of any model: the gradient at one point at a time, under vmap."""
    call = _JetCall(model)

    def jets(weights: dict[str, Tensor], x: Tensor, alphas: tuple[Alpha, ...]) -> dict[Alpha, Tensor]:
        if closed:
            return torch.func.functional_call(call, {f"model.{name}": p for name, p in weights.items()}, (x, alphas))
        return forward_jet(lambda at: torch.func.functional_call(model, weights, (at,)), x, alphas)

    parts = [
        torch.cat(
            [rows.reshape(len(rows), -1) for rows in parameter_rows(model, jets, points, operator, output).values()],
            dim=1,
        )
        for output, operator in linearized.operators.items()
    ]
    if not parts:
        return points.new_zeros(len(points), sum(p.numel() for p in model.parameters() if p.requires_grad))
    return sum(parts[1:], parts[0])


class _JetCall(nn.Module):
    """A model whose call is its closed-form jet, which is what functional_call can reach."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        return self.model.output_jet(x, alphas)  # type: ignore[operator]
