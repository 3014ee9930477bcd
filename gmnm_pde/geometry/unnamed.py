"""Boxes without names of coordinates: what is meant, where only one thing can be."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from gmnm_pde._errors import refuse

_NAMES = ("x", "y", "z")
_COUNTS = {"Interval": 1, "Time": 1, "Rectangle": 2}
_EXAMPLES = {
    "Interval": "Interval(x=(0, 1))",
    "Time": "Time(t=(0, 1))",
    "Rectangle": "Rectangle(x=(0, 1), y=(0, 2))",
    "Box": "Box(x=(0, 1), y=(0, 2), z=(0, 3))",
}

Pairs = list[tuple[float, float]]


def by_name(kind: str, unnamed: Sequence[Any], named: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Intervals by name, from numbers, pairs or two corners without one.

    Raises:
        GmnmError: they mean nothing, or two things.
    """
    call = f"{kind}({', '.join([*map(repr, unnamed), *(f'{name}={ends!r}' for name, ends in named.items())])})"
    example = _EXAMPLES.get(kind, _EXAMPLES["Box"])
    if named:
        remedy = f"As in {example}."
        raise refuse(call, expected="coordinates by name", got=f"{len(unnamed)} without one", remedy=remedy)
    readings = [pairs for pairs in (_intervals(unnamed), _corners(unnamed)) if pairs is not None]
    count = _COUNTS.get(kind)
    fits = [pairs for pairs in readings if count in (None, len(pairs)) and len(pairs) <= len(_NAMES)]
    meant = [pairs for k, pairs in enumerate(fits) if pairs not in fits[:k] and all(low < high for low, high in pairs)]
    if len(meant) == 1:
        return _named(kind, meant[0])
    if len(meant) == 2:
        calls = " or ".join(_written(kind, pairs) for pairs in meant)
        raise refuse(call, expected="one meaning", got="two: intervals, or corners", remedy=f"Say {calls}.")
    if fits:
        return _named(kind, fits[0])  # which is refused with what is wrong with it
    raise refuse(call, expected="coordinates by name", got="values without one", remedy=f"As in {example}.")


def _intervals(values: Sequence[Any]) -> Pairs | None:
    """Two numbers, or pairs of numbers: the ends of intervals."""
    if len(values) == 2 and all(isinstance(value, Real) for value in values):
        return [(float(values[0]), float(values[1]))]
    rows = [_numbers(value) for value in values]
    return [(row[0], row[1]) for row in rows if row] if all(row and len(row) == 2 for row in rows) else None


def _corners(values: Sequence[Any]) -> Pairs | None:
    """Two points: the corners of least and of largest coordinates."""
    rows = [_numbers(value) for value in values]
    if len(rows) != 2 or not rows[0] or not rows[1] or len(rows[0]) != len(rows[1]):
        return None
    return list(zip(rows[0], rows[1], strict=True))


def _numbers(value: Any) -> list[float] | None:
    value = value.tolist() if hasattr(value, "tolist") else value
    fine = isinstance(value, tuple | list) and all(isinstance(entry, Real) for entry in value)
    return [float(entry) for entry in value] if fine else None


def _named(kind: str, pairs: Pairs) -> dict[str, tuple[float, float]]:
    names = ("t",) if kind == "Time" else _NAMES
    return dict(zip(names, pairs, strict=False))


def _written(kind: str, pairs: Pairs) -> str:
    return f"{kind}({', '.join(f'{name}=({a:g}, {b:g})' for name, (a, b) in _named(kind, pairs).items())})"
