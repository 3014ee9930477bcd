"""Where a solution is asked for: coordinates by position or by name, or points in one array."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.binding import vectors_of
from gmnm_pde.geometry.sampled import Cloud
from gmnm_pde.jets import Quantity


def read_columns(coordinates: Sequence[str], columns: tuple, named: Mapping[str, Any], call: str) -> list[Any]:
    """The coordinates in their order, from those given by position and those given by name, or from points [..., d].

    A vector of coordinates is one number for all of them, or an array [..., k].

    Raises:
        GmnmError: one is missing, given twice, or unknown.
    """
    named = _spread(coordinates, named, call)
    for name in named:
        if name not in coordinates:
            raise refuse(call, expected="its coordinates", got=f"'{name}'", remedy=nearest(name, coordinates))
    if len(columns) == 1 and not named:
        columns = _of_points(columns[0], len(coordinates))
    given = dict(zip(coordinates, columns, strict=False))
    twice = set(given) & set(named)
    if len(columns) > len(coordinates) or twice or len(given) + len(named) != len(coordinates):
        got = f"{len(columns)} by position and {', '.join(named) or 'none'} by name"
        lacking = [name for name in coordinates if name not in given and name not in named]
        remedy = f"Missing: {', '.join(lacking)}." if lacking and len(lacking) < len(coordinates) else ""
        if len(columns) == 1 and not named:
            remedy = f"Points in one array have shape [n, {len(coordinates)}]."
            got = f"one value of shape {_shape(columns[0])}"
        raise refuse(call, expected=f"each of {', '.join(coordinates)} once", got=got, remedy=remedy)
    given.update(named)
    return [given[name] for name in coordinates]


def _spread(coordinates: Sequence[str], named: Mapping[str, Any], call: str) -> dict[str, Any]:
    """Coordinates by name, those of vectors one by one."""
    spread: dict[str, Any] = {}
    vectors = {} if all(name in coordinates for name in named) else vectors_of(coordinates)
    for name, value in named.items():
        names = vectors.get(name, ())
        if not names:
            spread[name] = value
        elif np.ndim(value) == 0:
            spread.update(dict.fromkeys(names, value))
        elif np.shape(value)[-1] == len(names):
            columns = value if isinstance(value, Tensor) else np.asarray(value)
            spread.update({one: columns[..., k] for k, one in enumerate(names)})
        else:
            raise refuse(f"{call}: {name}", expected=f"a number, or shape (..., {len(names)})", got=_shape(value))
    return spread


def _of_points(points: Any, dimension: int) -> tuple:
    """The columns of points [..., d] with d > 1; what is no such array as it is."""
    if isinstance(points, Cloud):
        return points.points.unbind(1)
    if isinstance(points, Quantity) or dimension == 1:
        return (points,)
    if not isinstance(points, Tensor):
        try:
            points = np.asarray(points)
        except ValueError:  # rows of several lengths
            return (points,)
    if not points.ndim or points.shape[-1] != dimension:
        return (points,)
    return tuple(points[..., k] for k in range(dimension))


def _shape(value: Any) -> str:
    return str(tuple(np.shape(value.detach() if isinstance(value, Tensor) else value)))


def read_grids(columns: Sequence[Any], like: Tensor, call: str) -> Sequence[Tensor]:
    """Coordinates, which may be quantities, as tensors of one shape, in the precision and on the device of ``like``."""
    tensors = [_tensor(column, like, call) for column in columns]
    try:
        return torch.broadcast_tensors(*tensors)
    except RuntimeError:
        got = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        raise refuse(call, expected="shapes that broadcast", got=got) from None


def _tensor(column: Any, like: Tensor, call: str) -> Tensor:
    column = column.tensor if isinstance(column, Quantity) else column
    try:
        tensor = column if isinstance(column, Tensor) else torch.as_tensor(np.require(column, requirements="W"))
        if tensor.is_complex() or tensor.device.type == "meta":
            raise TypeError
        return tensor.to(like)
    except (TypeError, ValueError):
        raise refuse(call, expected="numbers or arrays of them", got=repr(column)) from None
