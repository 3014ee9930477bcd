"""Terms: the statements that a problem is made of, each a residual on a region."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError, NotFiniteError, of_user, refuse
from gmnm_pde.geometry import GivenPoints, Region
from gmnm_pde.jets import Frame, Quantity, Stack
from gmnm_pde.multiindex import Alpha

GROUPS = ("interior", "boundary", "initial", "data", "interface")
"""What kinds of terms there are; weights may be given for a whole group."""


@dataclass(frozen=True)
class Data:
    """A prescribed field, or its ``order``-th derivative by time; ``value`` takes the same mapping as residuals."""

    field: str
    value: Callable[[Mapping[str, Any]], Any]
    order: int = 0
    accuracy: float = 0.0
    """How far values that another solution gives are off, in parts of their size."""


@dataclass(frozen=True)
class Trace:
    """What a term needs, derivatives as (field number, alpha), and the names of its residuals."""

    names: tuple[str, ...]
    """The names of its residuals."""
    asked: tuple[tuple[int, Alpha], ...]
    """Which derivatives of which fields, by their numbers, it asks for."""
    linear: bool
    """Whether its residuals are affine in the fields and the unknown parameters together."""
    breaks: tuple[float, ...] = ()
    """Times at which tables that it looks up by the time itself are not smooth."""
    over_space: bool = False
    """Whether it has integrals or means over space, so that it is not pointwise."""

    @property
    def alphas(self) -> tuple[Alpha, ...]:
        """The multi-indices alone, each once."""
        return tuple(dict.fromkeys(alpha for _, alpha in self.asked))


UNTRACED = Trace(names=(), asked=(), linear=False)
"""The trace of a term on its way into a problem; a problem's own terms have been run once (``tracing.py``)."""


@dataclass(frozen=True)
class Term:
    """One statement: residual(values) = 0 on a region.

    ``residual`` receives a mapping from names to coordinates, fields, parameters and, on a boundary, ``normal``; it
    returns one residual [n], a vector [k, n], a tuple, or a dict of named ones. With a ``partner``, a map from points
    to points, the fields are jumps: their values at the partner less those at the point, as periodicity asks.
    """

    name: str
    group: str
    region: Region | GivenPoints
    residual: Callable[[Mapping[str, Any]], Any]
    partner: Callable[[Tensor], Tensor] | None = None
    data: Data | None = None
    """What the term prescribes, if all it does is prescribe a field or a time derivative of a field."""
    noise: float | None = None
    """The standard deviation of the errors of measured values, where it is known."""
    boost: float = 1.0
    """The factor of the derivatives of highest order that the residual gets."""
    parts: tuple[str, ...] = ()
    """The parts of the domain whose fields occur: that which it holds in, or the two that meet where it holds."""
    suffix: str = ""
    """What the names of its residuals end with, where the same is stated in several parts."""
    trace: Trace = field(default=UNTRACED, compare=False)
    """Which derivatives the term needs, the names of its residuals, and whether it is linear."""

    def holds_at(self, axis: int, place: float) -> bool:
        """Whether it holds where one coordinate has one value, and binds no other places to these."""
        return self.partner is None and isinstance(self.region, Region) and self.region.is_at(axis, place)

    def evaluate(self, frame: Frame, values: Mapping[str, Any]) -> dict[str, Tensor]:
        """The named residuals, each [n], after checking their shapes.

        Raises:
            GmnmError: the function failed, or returned something else than one number per point.
        """
        scope = {**frame.coordinates, **values}
        if frame.normals is not None:
            scope["normal"] = frame.normals
        try:
            result = self.residual(scope)
        except GmnmError:
            raise
        except Exception as error:
            if isinstance(error, KeyError) and error.args == ("normal",):
                raise refuse(
                    f"the residual '{self.name}'",
                    expected="points with a normal, for its argument 'normal'",
                    got="points without one",
                    remedy="State it on domain.boundary or a face; a PointCloud takes normals=...",
                ) from None
            where = (
                f"{type(error).__name__} in the residual '{self.name}' on {len(frame)} points: fields and coordinates "
                f"have shape [{len(frame)}]; write the function with torch functions of them"
            )
            raise of_user(error, where) from None
        named = {name: self._checked(name, value, len(frame)) for name, value in self.named(result).items()}
        if not named:
            raise refuse(f"the residual '{self.name}'", expected="at least one residual", got="none")
        return named

    def named(self, result: Any) -> dict[str, Any]:
        """The residuals by name, from a single residual, a tuple or a dict."""
        end = self.suffix
        if isinstance(result, dict):
            if not result or not all(isinstance(key, str) for key in result):
                raise refuse(self.name, expected="a dict from names to residuals", got=repr(list(result)))
            first = "" if self.group == "interior" else f"{self.name}_"
            named = [(key + number, row) for key, value in result.items() for number, row in _rows(value)]
            return {f"{first}{key}{end}": row for key, row in named}
        if isinstance(result, tuple | list | Stack):
            rows = [row for value in result for _, row in _rows(value)]
            return {f"{self.name}_{k}{end}": row for k, row in enumerate(rows, start=1)}
        return {f"{self.name}{end}": result}

    def _checked(self, name: str, value: Any, n: int) -> Tensor:
        """A residual as a tensor [n], or a clear refusal."""
        tensor = value.tensor if isinstance(value, Quantity) else value
        if not isinstance(tensor, Tensor):
            raise refuse(
                f"the residual '{name}'",
                expected=f"a tensor with one number per point, shape ({n},)",
                got=f"{value!r}",
                remedy="Return an expression in the fields, such as laplacian(u) + f(x, y).",
            )
        if tensor.shape != (n,):
            raise refuse(
                f"the residual '{name}'",
                expected=f"one number per point, shape ({n},)",
                got=f"shape {tuple(tensor.shape)}",
                remedy="Fields and coordinates have shape [n]; check for an extra axis in the data or source term.",
            )
        if not tensor.is_floating_point():
            raise refuse(
                f"the residual '{name}'",
                expected="real numbers",
                got=f"{str(tensor.dtype).removeprefix('torch.')}",
                remedy="State real and imaginary parts as two fields, each with an equation of its own."
                if tensor.is_complex()
                else "A residual is a difference, zero where the equation holds, and no comparison.",
            )
        return tensor


def _rows(value: Any) -> list[tuple[str, Any]]:
    """A residual alone; of a vector of residuals each, with its number."""
    return [(f"_{k}", row) for k, row in enumerate(value, start=1)] if isinstance(value, Stack) else [("", value)]


def check_finite(
    name: str, residual: Tensor, coordinates: Sequence[str], points: Tensor, *, slopes: bool = False
) -> None:
    """Refuse a residual, or slopes of one, with NaN or infinity, naming the term and the first such point."""
    what = "a slope of the residual" if slopes else "the residual"
    bad = ~torch.isfinite(residual)
    if bad.any():
        index = int(bad.nonzero()[0, 0])
        where = ", ".join(f"{key}={points[index, k].item():.6g}" for k, key in enumerate(coordinates))
        raise NotFiniteError(
            f"{what} '{name}' is {residual[index].item()} at {where} (and at {int(bad.sum())} of {len(residual)} "
            "points in all): expected finite numbers. Check that term's functions there: a square root or logarithm of "
            "a negative number, or a division by zero."
        )


def by_parts(equations: Sequence[Term]) -> dict[tuple[str, ...], list[Term]]:
    """Equations by the parts of the domain that they hold in."""
    found: dict[tuple[str, ...], list[Term]] = {}
    for term in equations:
        found.setdefault(term.parts, []).append(term)
    return found
