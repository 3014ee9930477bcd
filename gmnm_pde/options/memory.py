"""What a solve needs of memory at least, and what there is: too much is refused before it is tried."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.memory import available_bytes, written
from gmnm_pde.methods import Method, SelfScaled
from gmnm_pde.models import has_readout

_TRIANGLES = 4
"""Matrices of all unknowns by all unknowns that a QR of one mixture holds at a time: a triangle, the rows that are
added to it, and copies of both."""

_NUMBERS_OF_A_POINT = 4
"""Numbers for each coordinate of a point: it is drawn, scaled, given a normal, and held."""


@dataclass(frozen=True)
class Need:
    """Bytes that a solve takes at least, of what, and how many such things fit into other bytes."""

    what: str
    count: int
    size: float
    power: float
    """What is needed grows with this power of the count."""

    def fitting(self, available: float) -> int:
        """The largest count for which ``available`` is enough."""
        return int(self.count * (available / self.size) ** (1 / self.power))


def refuse_beyond_memory(
    call: str, setup: Setup, module: nn.Module | None, methods: Sequence[Method], components: int | None
) -> None:
    """Refuse what takes more memory than there is.

    Raises:
        GmnmError: with what is needed at least, what there is, and what would fit.
    """
    available = available_bytes(setup.device)
    for need in _needs(setup, module, methods, components):
        if need.size > available:
            raise refuse(
                call,
                expected=f"a solve that fits into {written(available)} of memory",
                got=f"{need.count:,} {need.what}, which take {written(need.size)} at least",
                remedy=f"About {_rounded(need.fitting(available)):,} would fit.",
            )


def _needs(setup: Setup, module: nn.Module | None, methods: Sequence[Method], components: int | None) -> Iterator[Need]:
    bytes_of_a_number = torch.finfo(setup.dtype).bits // 8
    fields, d = len(setup.problem.fields), setup.dimension
    if setup.points is not None:
        points = setup.points.interior
        yield Need("points", points, float(points) * d * _NUMBERS_OF_A_POINT * bytes_of_a_number, 1)
    if any(isinstance(method, SelfScaled) for method in methods) and module is not None:
        parameters = sum(parameter.numel() for parameter in module.parameters())
        yield Need("parameters by SelfScaled", parameters, float(parameters) ** 2 * bytes_of_a_number, 2)
    trains = any(not hasattr(method, "oversampling") for method in methods)
    features = components or _features(module)
    if trains or features is None:
        return
    unknowns = float(features) * fields
    if setup.partition is None:
        yield Need("components", features, _TRIANGLES * unknowns**2 * bytes_of_a_number, 2)
        return
    rows = setup.method.oversampling * unknowns * setup.patches
    yield Need(f"patches of {features} components", setup.patches, rows * unknowns * bytes_of_a_number, 1)


def _features(module: Any) -> int | None:
    return module.readout.shape[1] if module is not None and has_readout(module) else None


def _rounded(count: int) -> int:
    """To two digits, downwards."""
    step = 10 ** max(0, len(str(count)) - 2)
    return count // step * step
