"""What derivatives on faces are measured in."""

from gmnm_pde.boxes.layout import NOWHERE, Face, Layout
from gmnm_pde.multiindex import Alpha


def lengths_of(layout: Layout) -> list[float]:
    """For each face the length that derivatives across it are measured in: half the thinner box beside it."""
    halves = layout.halves.tolist()
    return [min(halves[box][f.axis] for box in (f.below, f.above) if box != NOWHERE) for f in layout.faces]


def in_units(face: Face, length: float, alpha: Alpha) -> float:
    """The factor of a derivative by the coordinates of a face scaled to [-1, 1], across it by ``length``."""
    factor, spans = 1.0, list(face.span)
    for axis, order in enumerate(alpha):
        if axis == face.axis:
            factor /= length**order
        else:
            low, high = spans[axis - (axis > face.axis)]
            factor *= (2 / (high - low)) ** order
    return factor


def along(face: Face, alpha: Alpha) -> Alpha:
    """The part of a derivative that is along a face."""
    return (*alpha[: face.axis], *alpha[face.axis + 1 :])
