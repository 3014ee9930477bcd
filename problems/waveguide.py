"""The transverse electric modes of a rectangular waveguide."""

import math

from gmnm_pde import GmnmError, Neumann, Problem, Rectangle, laplacian


def waveguide(width: float = 2.0, height: float = 1.0) -> Problem:
    """Squared cut-off wave numbers, -laplacian(h) = k2 h with h_n = 0 on the walls, for ``eigenmodes``.

    h is the magnetic field along the guide. The lowest value is 0, which belongs to a constant and to no wave; the
    guess stands a little below it, since at 0 itself the equations have no unique solution. Source: J. D. Jackson,
    Classical Electrodynamics, section 8.4.

    Args:
        width: The width of the cross-section, along x.
        height: Likewise along y.
    """
    for name, length in (("width", width), ("height", height)):
        if isinstance(length, bool) or not isinstance(length, int | float) or not 0 < length < math.inf:
            raise GmnmError(f"waveguide({name}={length!r}): expected a positive length, got {length!r}.")

    def spectrum(count: int) -> list[float]:
        waves = range(2 * count)
        return sorted((math.pi * m / width) ** 2 + (math.pi * n / height) ** 2 for m in waves for n in waves)[:count]

    return Problem(
        domain=Rectangle(x=(0, width), y=(0, height)),
        equations=lambda h, k2: laplacian(h) + k2 * h,
        conditions=[Neumann(h=0)],
        parameters={"k2": -1.0},
        spectrum=spectrum,
        name="waveguide",
    )
