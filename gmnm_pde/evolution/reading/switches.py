"""Times at which conditions begin or cease to hold."""

import torch

from gmnm_pde.evolution.reading.faces import Side
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.sampling import unit_points

_TIMES = 2000
"""Times at which conditions are looked at."""

_PLACES = 16
"""Places at which they are, on each side."""

_HALVINGS = 60


def switching_times(statements: Statements) -> list[float]:
    """When conditions that ``where(...)`` narrows in time begin or cease to hold anywhere, ascending."""
    found: set[float] = set()
    span = statements.end - statements.start
    grid = statements.start + span * (torch.arange(_TIMES + 1, dtype=torch.float64) / _TIMES)
    grid[1:-1] += 1e-5 * span / _TIMES  # ends of conditions are often round numbers
    for side in statements.sides:
        if not side.region.predicates:
            continue
        places = _places(statements, side.axis, side.value)

        def holds(times: torch.Tensor, side: Side = side, places: torch.Tensor = places) -> torch.Tensor:
            return side.holds(statements.joined(places, times)).view(len(times), -1)

        masks = holds(grid)
        for k in (masks[1:] != masks[:-1]).any(dim=1).nonzero()[:, 0].tolist():
            low, high, before = grid[k].item(), grid[k + 1].item(), masks[k]
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                same = bool((holds(torch.tensor([middle], dtype=torch.float64))[0] == before).all())
                low, high = (middle, high) if same else (low, middle)
            found.add(_rounded(high, span))
    return sorted(found)


def _places(statements: Statements, axis: int, value: float) -> torch.Tensor:
    """Places on a face, [n, space]."""
    d = len(statements.space)
    bounds = torch.tensor(statements.bounds, dtype=torch.float64)
    unit = unit_points(_PLACES, d, "sobol", seed=1) if d > 1 else torch.zeros(1, 1, dtype=torch.float64)
    places = bounds[:, 0] + unit * (bounds[:, 1] - bounds[:, 0])
    places[:, statements.space.index(axis)] = value
    return places


def _rounded(time: float, span: float) -> float:
    """The number with the fewest digits that is a time but for rounding."""
    for digits in range(1, 16):
        rounded = float(f"{time:.{digits}g}")
        if abs(rounded - time) <= 1e-13 * span:
            return rounded
    return time
