"""The report of a solve."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

_TOLD = 5
"""So many times of an event are told."""

PerField = float | dict[str, float]
"""A float for one field, a dict by field name for several."""


@dataclass(frozen=True)
class Report:
    """The facts of a solve.

    ``relative_l2``, ``mse`` and ``max_error`` compare with the exact solution on points of their own, where one is
    known (else None); they are floats for one field and dicts by name for several, and no part of the solve looks at
    them. ``error_estimate`` is the relative L2 error as estimated without it, the largest over the fields;
    ``estimates`` has it by field, and the absolute error of each unknown parameter;
    ``deviation_estimates`` has by field the same error relative to the field's deviation from its mean, for those that
    an offset dominates, such as temperatures in kelvin: with a deviation of less than a tenth. ``residual``
    and ``boundary`` are root mean squares of the equations and of all conditions on points that were not fitted;
    conditions that are met by construction are named in ``met`` and count for nothing there. ``status`` says in a
    word for programs why the solve ended, and ``reason`` in a sentence; ``found`` holds the unknown parameters,
    ``events`` the times of events by name, and ``invariants`` by how much each of them changes, relative to its size.
    """

    problem: str
    method: str
    model: str
    relative_l2: PerField | None
    max_error: PerField | None
    mse: PerField | None
    error_estimate: float
    estimates: dict[str, float]
    residual: float
    boundary: float
    components: int | None
    parameters: int
    unknowns: int
    points: int
    seconds: float
    converged: bool
    reason: str
    seed: int
    dtype: str
    device: str
    found: dict[str, float] = dataclasses.field(default_factory=dict)
    met: list[str] = dataclasses.field(default_factory=list)
    status: str = ""
    deviation_estimates: dict[str, float] = dataclasses.field(default_factory=dict)
    events: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    invariants: dict[str, float] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}

    def __str__(self) -> str:
        head = f"{self.problem}: {'converged' if self.converged else 'NOT CONVERGED'} ({self.reason})"
        size = f"{self.components} components, " if self.components else ""
        lines = [
            ("model", f"{self.model}, {size}{self.parameters} parameters"),
            ("method", f"{self.method}: {self.unknowns} unknowns on {self.points} points"),
            ("error estimate", f"{self.error_estimate:.1e} (relative L2, without the exact solution)"),
            *self._of_deviations(),
            ("residual", f"{self.residual:.1e} (root mean square on fresh points)"),
            ("boundary", f"{self.boundary:.1e} (conditions, likewise)"),
        ]
        if self.relative_l2 is not None:
            lines.insert(3, ("relative L2", f"{_show(self.relative_l2)} (against the exact solution)"))
            lines.insert(4, ("maximum error", _show(self.max_error)))
        if self.met:
            lines.append(("met exactly", ", ".join(self.met)))
        lines += [("parameter " + name, self._scalar(name, value)) for name, value in self.found.items()]
        lines += [("event " + name, _times(times)) for name, times in self.events.items()]
        lines += [("invariant " + name, f"changes by {own:.1e} of its size") for name, own in self.invariants.items()]
        lines.append(("seconds", f"{self.seconds:.2f} ({self.device}, {self.dtype}, seed {self.seed})"))
        return "\n".join([head, *(f"  {name:<15} {text}" for name, text in lines)])

    def _of_deviations(self) -> list[tuple[str, str]]:
        """A line on errors beside deviations, where offsets dominate fields."""
        if not self.deviation_estimates:
            return []
        named = ", ".join(f"{name} {error:.1e}" for name, error in self.deviation_estimates.items())
        return [("of deviation", f"{named} (the same errors, relative to the deviation from the mean)")]

    def _scalar(self, name: str, value: float) -> str:
        """An unknown parameter with its estimated error, if that is larger than rounding."""
        error = self.estimates.get(name, 0.0)
        return f"{value:.12g}" if not error > 1e-9 * abs(value) else f"{value:.12g} +- {error:.1e}"


def _times(times: list[float]) -> str:
    """Times in words, the first of many."""
    named = ", ".join(f"{time:.9g}" for time in times[:_TOLD])
    return f"at {named}" + (f" and {len(times) - _TOLD} more" if len(times) > _TOLD else "")


def _show(value: PerField | None) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:.1e}" for name, number in value.items())
    return f"{value:.1e}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
