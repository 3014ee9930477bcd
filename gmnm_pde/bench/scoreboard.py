"""Solving the problems of a scoreboard, one row after the other."""

import math
from dataclasses import asdict, dataclass

from gmnm_pde import registry
from gmnm_pde.bench.pinnacle import Entry
from gmnm_pde.results.solution import Solution
from gmnm_pde.run.evaluation import evaluation_points
from gmnm_pde.sampling import sample
from gmnm_pde.solve import solve
from gmnm_pde.statement.problem import Problem

_POINTS = 4000
"""Points of the interior at which solutions are compared with references."""


@dataclass(frozen=True)
class Score:
    """A row: errors are relative L2, over all fields together and by field; None where no solution is known."""

    name: str
    problem: str
    published_best: float
    published_method: str
    relative_l2: float | None
    by_field: dict[str, float] | None
    error_estimate: float
    seconds: float
    components: int | None
    converged: bool
    note: str

    @property
    def gain(self) -> float:
        """How many times less than the published score the error is, or its estimate where no solution is known."""
        return self.published_best / (self.error_estimate if self.relative_l2 is None else self.relative_l2)

    def as_dict(self) -> dict:
        """Plain values for JSON."""
        return {**asdict(self), "gain": self.gain}

    def as_row(self) -> str:
        """A line of the table."""
        error = "-" if self.relative_l2 is None else f"{self.relative_l2:.1e}"
        fields = (
            ""
            if not self.by_field or len(self.by_field) < 2
            else ", ".join(f"{name} {value:.1e}" for name, value in self.by_field.items())
        )
        gain = f"{self.gain:.2g}" if self.gain < 100 else f"{self.gain:.0e}"
        best = f"{self.published_best:.2e} {self.published_method}"
        return (
            f"| {self.name} | `{self.problem}` | {best} | {error} | {fields} | "
            f"{self.error_estimate:.1e} | {gain} | {self.seconds:.0f} | {self.components} | {self.note} |"
        )


HEADER = (
    "| problem | registry | best published | ours | by field | estimate | times less | seconds | components | note |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
"""The head of the table, to which ``Score.as_row`` gives the lines."""


def score(entry: Entry, *, time_limit: float, seed: int = 0) -> Score:
    """Solve one problem and judge the answer on points that it was not fitted on."""
    problem = registry.load(entry.problem, **entry.parameters)
    if problem.exact is not None:  # references are computed at their first use, outside of the time
        problem.exact_columns(sample(problem.domain.interior, 2, "sobol").points.unbind(1))
    solution = solve(problem, time_limit=time_limit, seed=seed, **entry.options)
    together, by_field = _errors(problem, solution, seed)
    report = solution.report
    return Score(
        name=entry.name,
        problem=entry.problem,
        published_best=entry.published,
        published_method=entry.method,
        relative_l2=together,
        by_field=by_field,
        error_estimate=report.error_estimate,
        seconds=report.seconds,
        components=report.components,
        converged=report.converged,
        note=entry.note,
    )


def _errors(problem: Problem, solution: Solution, seed: int) -> tuple[float | None, dict[str, float] | None]:
    """Relative L2 errors over all fields together and by field; None where no solution is known."""
    if problem.exact is None:
        return None, None
    points = evaluation_points(problem, _POINTS, seed)
    exact, _ = problem.exact_columns(points.unbind(1))
    values = solution(*points.unbind(1))
    named = values if isinstance(values, dict) else {problem.fields[0]: values}
    gaps = {name: (named[name] - exact[name]).norm().item() for name in problem.fields}
    sizes = {name: exact[name].norm().item() for name in problem.fields}
    whole = math.hypot(*gaps.values()) / (math.hypot(*sizes.values()) or 1.0)
    return whole, {name: gaps[name] / (sizes[name] or 1.0) for name in problem.fields}
