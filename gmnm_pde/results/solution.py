"""The result of a solve: a function, its report and its history."""

import copy
import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from gmnm_pde._doors import front_door, with_front_doors
from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import Box, Domain, Parted
from gmnm_pde.geometry.region import read_points
from gmnm_pde.io.models import check_outputs, read_model, stored_model, write_model
from gmnm_pde.io.places import called, damaged
from gmnm_pde.io.tensors import Stored
from gmnm_pde.jets import Alpha, Field, Frame, KnownFields, ModelSource, jet, output_jet
from gmnm_pde.models import ByPart, Evolved, Lifted, Normalized, is_rebuilt, plain
from gmnm_pde.results.afterwards import Afterwards
from gmnm_pde.results.history import History
from gmnm_pde.results.posterior import Posterior
from gmnm_pde.results.reading import read_columns, read_grids
from gmnm_pde.results.report import Report
from gmnm_pde.results.shared import Shared
from gmnm_pde.results.shown import Shown
from gmnm_pde.results.solution_header import PARTS, check_header
from gmnm_pde.results.within import derivative_at, evaluate
from gmnm_pde.statement.extended import extended
from gmnm_pde.statement.fingerprint import difference, fingerprint
from gmnm_pde.statement.hard import meet_exactly

if TYPE_CHECKING:
    from gmnm_pde.statement.problem import Problem

_HEADER = ("coordinates", "time", "bounds", "fields")
"""Attributes that are written to files as they are."""


@with_front_doors
@dataclass(frozen=True)
class Solution(Afterwards, KnownFields, Shared, Shown):
    """A solved problem: call it with coordinates to get values.

    Attributes:
        model: The approximator, a torch module from coordinates [n, d] to fields [n, fields].
        coordinates: The names of the coordinates, in order.
        time: The names of those coordinates that are time.
        bounds: The domain's bounding box.
        fields: The names of the fields.
        report: Errors, residuals, the error estimate, seconds, the reason for stopping.
        history: The course of the solve.
        problem: What was solved; None after loading from a file.
        posterior: What noisy data leave uncertain; None where no noise was stated, and after loading.
        fingerprint: What a file says of the problem; None for a solution that is from no file.
    """

    model: Normalized | Lifted
    coordinates: tuple[str, ...]
    time: tuple[str, ...]
    bounds: tuple[tuple[float, float], ...]
    fields: tuple[str, ...]
    report: Report
    history: History
    problem: "Problem | None" = None
    posterior: Posterior | None = None
    fingerprint: Mapping[str, Any] | None = field(default=None, repr=False)

    @front_door
    @in_ordinary_mode
    def __call__(self, *columns: Any, outside: str = "nan", **named: Any) -> Any:
        """Values at coordinates, by position in their order or by name, broadcast against each other.

        Points may also come in one array [n, d], or as ``region.sample(n)`` gives them. Outside of the domain, or of
        its bounding box where the problem is not known, the values are nan, with a NumericalWarning;
        ``outside="extrapolate"`` gives what the model has there, which no equation binds. Inside of another problem's
        equations, at tensors that require gradients, and under ``torch.func``, values come with their derivatives;
        equations do not take places outside.

        Returns:
            For one field an array, for several a dict by name: torch tensors if any coordinate is a tensor, else numpy.
        """
        fields = evaluate(self, columns, named, outside, "solution")
        return fields[0] if len(fields) == 1 else dict(zip(self.fields, fields, strict=True))

    def vector(self, name: str, *columns: Any, **named: Any) -> Any:
        """The values of a vector of fields, ``solution.vector("y", t)``: [k, ...], whose rows are y_1, y_2, ..."""
        components = [field for field in self.fields if re.fullmatch(rf"{re.escape(str(name))}_\d+", field)]
        if not components:
            raise refuse(f"solution.vector({name!r}, ...)", expected="a vector of fields", got=f"'{name}'")
        values = self(*columns, **named)
        rows = [values[field] for field in components] if len(self.fields) > 1 else [values]
        return torch.stack(rows) if isinstance(rows[0], Tensor) else np.stack(rows)

    def __repr__(self) -> str:
        return str(self.report)

    @in_ordinary_mode
    def jet(self, *columns: Any, engine: str = "auto", **named: Any) -> Any:
        """The fields at points, flattened to [n], with their derivatives: ``laplacian(solution.jet(x, y))``."""
        call = f"solution.jet({', '.join(self.coordinates)})"
        grids = read_grids(read_columns(self.coordinates, columns, named, call), self.like, call)
        points = torch.stack([grid.detach().reshape(-1) for grid in grids], dim=-1)
        fields = jet(self.model, points, coordinates=self.coordinates, time=self.time, engine=engine)
        return fields if isinstance(fields, Field) else dict(zip(self.fields, fields, strict=True))

    @in_ordinary_mode
    def residuals(self, points: Tensor) -> dict[str, Tensor]:
        """The residuals of the equations at points [n, d], by name, [n] each; needs the problem."""
        if self.problem is None:
            raise refuse(
                "solution.residuals(...)",
                expected="a solution with its problem",
                got="one loaded from a file",
                remedy="Files hold no equations: solve again, or give load_solution(path, problem=...).",
            )
        points = read_points(points, len(self.coordinates), "solution.residuals(...)")
        domain, residuals = self.problem.domain, {}
        owner = domain.owner(points.cpu().double()) if isinstance(domain, Parted) else None
        for term in self.problem.terms:
            if term.group == "interior":
                part = list(domain.parts).index(term.parts[0]) if owner is not None and term.parts else 0
                rows = slice(None) if owner is None else owner == part
                own = points[rows].to(next(self.model.parameters()))
                if not len(own):
                    continue
                frame = Frame(self.coordinates, own, time=self.time)
                source = ModelSource(self.model, frame, alphas=term.trace.alphas)
                names = self.problem.branches[part * len(self.fields) : (part + 1) * len(self.fields)]
                fields = {name: Field(frame, source, k, name=name) for k, name in enumerate(names)}
                values = {name: frame.points.new_full((len(own),), v) for name, v in self.parameters.items()}
                for name, residual in term.evaluate(frame, {**fields, **values}).items():
                    whole = residuals.setdefault(name.removesuffix(term.suffix), residual.new_zeros(len(points)))
                    whole[rows] = residual.detach()
        return residuals

    def extended(self, **until: float) -> "Problem":
        """The problem to a later end, ``solution.extended(t=2.0)``, which begins with what this solution ends with.

        Equations and conditions stay; what was found for unknown parameters is constant from then on.

        Raises:
            GmnmError: the end is not later, or there are conditions at given points or at one time.
        """
        if self.problem is None:
            raise refuse(
                "solution.extended(...)",
                expected="a solution with its problem",
                got="one loaded from a file",
                remedy="Give load_solution(path, problem=...).",
            )
        return extended(self.problem, self, until, self.parameters)

    @property
    def approximator(self) -> nn.Module:
        """The model on the unit scale, [-1, 1]^d, within ``model``: of a module that was trained the copy.

        Where there are parts it is that with the fields of each.
        """
        model = self.model.inner if isinstance(self.model, Lifted) else self.model
        return model.inner.inner if isinstance(model.inner, ByPart) else plain(model.inner)

    @property
    def parameters(self) -> dict[str, float]:
        """The values found for the unknown scalars."""
        return dict(self.report.found)

    @in_ordinary_mode
    def to_html(self, path: str | Path, **options: Any) -> None:
        """Write a page for a browser, one file: statement, figures, errors, how it was solved (``pages/``)."""
        from gmnm_pde.pages.solution import write_solution  # here: matplotlib takes long to import

        write_solution(self, path, **options)

    @in_ordinary_mode
    def save(self, path: str | Path) -> None:
        """Write to a file that ``load_solution`` reads; no pickle.

        A symbolic link is followed. A file that was there before is replaced by a whole new one, or stays.

        Raises:
            GmnmError: there can be no file.
        """
        call = called("solution.save(...)", path)
        write_model(path, self._scaled, self._header(), call)

    @property
    def _scaled(self) -> Normalized:
        """The model that files hold; conditions that are met by construction are made by the problem's functions."""
        return self.model.inner if isinstance(self.model, Lifted) else self.model

    def _header(self) -> dict[str, Any]:
        """What files hold beside the model."""
        of_problem = self.fingerprint
        if of_problem is None and self.problem is not None:
            of_problem = fingerprint(self.problem)
        header = {name: getattr(self, name) for name in _HEADER}
        header |= {"report": dataclasses.asdict(self.report), "history": self.history.rows}
        return {**header, "lifted": isinstance(self.model, Lifted), "problem": of_problem}

    def __reduce__(self) -> tuple[Any, ...]:
        """What a file holds, for processes to exchange: no problem, whose functions no file holds.

        A module that is not of this library goes along as Python's pickle takes it.
        """
        if isinstance(self.model, Lifted):
            remedy = "Solve with hard=False, or save it and load_solution(path, problem=...) there."
            got = "one whose conditions are met by functions of the problem"
            raise refuse("pickle of a solution", expected="a solution that a file holds", got=got, remedy=remedy)
        inner = plain(self.model.inner)
        return _unpickled, (stored_model(self.model, self._header()).content, None if is_rebuilt(inner) else inner)

    def __copy__(self) -> "Solution":
        return dataclasses.replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Solution":
        return dataclasses.replace(self, model=copy.deepcopy(self.model, memo))

    @property
    def like(self) -> Tensor:
        """A tensor of the precision and on the device of the model."""
        return next(self.model.parameters())

    @property
    def ends(self) -> float:
        """The time at which a march ended before the domain does, as by an event; infinite where it did not."""
        inner = self.model.inner if isinstance(self.model, Normalized) else None
        return inner.ends if isinstance(inner, Evolved) else math.inf

    @torch.no_grad()
    def values(self, points: Tensor) -> Tensor:
        """The fields at points [n, d], of the model's precision: [n, fields]."""
        return self.model(points)

    @torch.no_grad()
    def jets(self, points: Tensor, alphas: Sequence[Alpha]) -> Mapping[Alpha, Tensor]:
        """Derivatives of the fields at points [n, d], of the model's precision: for each alpha, [n, fields]."""
        return output_jet(self.model, points, alphas)

    def inside(self, points: Tensor, slack: float = 1e-6) -> Tensor:
        """Which of some points [n, d] are in the domain, or no farther outside than a part of its extent."""
        return self.domain.nearly_contains(points, slack)

    def derivative_at(self, columns: Sequence[Any], alpha: Alpha, *, call: str) -> list[Any]:
        return derivative_at(self, columns, alpha, call=call)

    @property
    def accuracy(self) -> float:
        return self.report.error_estimate

    @property
    def domain(self) -> Domain:
        """Where it holds; its bounding box where the problem is not known."""
        box = Box(**dict(zip(self.coordinates, self.bounds, strict=True)))
        return box if self.problem is None else self.problem.domain


@front_door
@in_ordinary_mode
def load_solution(path: str | Path, *, model: nn.Module | None = None, problem: "Problem | None" = None) -> Solution:
    """A saved solution; its problem, being made of functions, is not in the file.

    Args:
        path: What ``solution.save`` wrote.
        model: An empty module of the same shape, where the solution's was not one of this library's.
        problem: The problem it solves, for figures of residuals and errors.

    Raises:
        GmnmError: the file is missing, damaged, or holds something else, or the problem is not the one that was solved;
            the message says what differs.
    """
    return _loaded(path, model, problem)


@in_ordinary_mode
def _unpickled(content: bytes, model: nn.Module | None) -> Solution:
    return _loaded(Stored(content), model, None)


def _loaded(path: Any, model: nn.Module | None, problem: "Problem | None") -> Solution:
    """The solution in a file, or in what one would hold."""
    inner, header = read_model(path, PARTS, model)
    check_header(path, header)
    if isinstance(inner.inner, ByPart) and problem is not None and isinstance(problem.domain, Parted):
        inner.inner.own = problem.domain.own
    check_outputs(path, inner, len(header["fields"]))
    report, known = Report(**header["report"]), header["problem"]
    coordinates, time, fields = (tuple(header[name]) for name in ("coordinates", "time", "fields"))
    bounds = tuple((low, high) for low, high in header["bounds"])
    if problem is not None:
        _refuse_another(path, known, problem)
    of_fields = _lifted(inner, problem, report.met, path) if header["lifted"] else inner
    history = History(header["history"])
    return Solution(of_fields, coordinates, time, bounds, fields, report, history, problem, fingerprint=known)


def _refuse_another(path: str | Path, known: Any, problem: "Problem") -> None:
    """Refuse a problem that is not the one that was solved."""
    differs = difference(known, fingerprint(problem))
    if differs:
        raise refuse(
            f"{called('load_solution(...', path)}, problem=...)",
            expected="the problem that was solved",
            got=f"another: {differs}",
            remedy="Give that problem, or none.",
        )


def _lifted(model: Normalized, problem: "Problem | None", met: Sequence[str], path: str | Path) -> Lifted:
    """The model of the fields, from the model of what was solved for where conditions are met by construction."""
    call = called("load_solution(...)", path)
    if problem is None:
        raise refuse(
            call,
            expected="problem=..., since its conditions are met by functions that no file holds",
            got="none",
            remedy="Give the problem that was solved, gmnm_pde.registry.load(...) for one of the registry.",
        )
    if not set(met) <= {term.name for term in problem.terms}:
        raise damaged(call, f"the conditions {', '.join(met)}, which the problem does not have")
    lift = meet_exactly(problem, tuple(met)).lift
    if lift is None:
        raise damaged(call, f"the conditions {', '.join(met)}, which prescribe no field")
    return Lifted(model, lift.functions)
