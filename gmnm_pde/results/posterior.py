"""What noisy data leave uncertain: standard deviations and intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from scipy.special import ndtri
from torch import Tensor

from gmnm_pde._errors import nearest, refuse


@dataclass(frozen=True)
class Posterior:
    """The distribution of fields and scalars given noisy data, of the problem linearised at the answer.

    Attributes:
        parameters: Names of the unknown scalars.
        fields: Names of the fields.
        values: The values found for the scalars.
        covariance: The scalars' covariance matrix, [scalars, scalars].
        deviations: The standard deviations of all fields at points [n, d]: [n, fields].
    """

    parameters: tuple[str, ...]
    fields: tuple[str, ...]
    values: dict[str, float]
    covariance: Tensor
    deviations: Callable[[Tensor], Tensor]

    def deviation_of(self) -> dict[str, float]:
        """The standard deviations of the unknown scalars."""
        return dict(zip(self.parameters, self.covariance.diagonal().sqrt().tolist(), strict=True))

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """The ends of an interval that holds a scalar with probability ``level``.

        Raises:
            GmnmError: ``name`` is not that of an unknown scalar, or ``level`` is not a probability.
        """
        call = f"posterior.interval({name!r}, {level!r})"
        if name not in self.parameters:
            expected = f"an unknown scalar, among {', '.join(self.parameters) or 'which there are none'}"
            raise refuse(call, expected=expected, got=repr(name), remedy=nearest(name, self.parameters))
        if not isinstance(level, int | float) or not 0 < level < 1:
            raise refuse(call, expected="a probability between 0 and 1", got=repr(level))
        reach = float(ndtri((1 + level) / 2)) * self.deviation_of()[name]
        return self.values[name] - reach, self.values[name] + reach

    def __call__(self, *columns: Any) -> Any:
        """The standard deviation of each field at coordinates, in their order: one array, or a dict by name."""
        as_torch = any(isinstance(column, Tensor) for column in columns)
        grids = torch.broadcast_tensors(*[torch.as_tensor(column, dtype=torch.float64) for column in columns])
        deviations = self.deviations(torch.stack([grid.reshape(-1) for grid in grids], dim=1))
        shaped = [column.reshape(grids[0].shape) for column in deviations.unbind(1)]
        values: Sequence[Any] = shaped if as_torch else [column.cpu().numpy() for column in shaped]
        return values[0] if len(self.fields) == 1 else dict(zip(self.fields, values, strict=True))
