"""A disk of another conductivity in a square."""

from gmnm_pde import Dirichlet, Disk, GmnmError, Problem, Rectangle, div, grad


def two_materials(conductivity: float = 1000.0, radius: float = 0.5) -> Problem:
    """div(k grad u) = 0 on [-1, 1]^2, k = 1 but for a disk around the origin; u is given on the boundary.

    u and k du/dn are continuous on the circle. Source: the dielectric or conducting cylinder in a uniform field, for
    instance J. D. Jackson, Classical Electrodynamics, chapter 4.

    Args:
        conductivity: k in the disk.
        radius: The disk's radius, less than 1.
    """
    for name, value in (("conductivity", conductivity), ("radius", radius)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise GmnmError(f"two_materials({name}={value!r}): expected a positive number, got {value!r}.")
    if not radius < 1:
        raise GmnmError(f"two_materials(radius={radius!r}): expected a disk inside of the square, got {radius!r}.")
    within = 2 / (1 + conductivity)
    dipole = radius**2 * (1 - conductivity) / (1 + conductivity)

    def around(x, y):
        return x * (1 + dipole / (x**2 + y**2))

    square = Rectangle(x=(-1, 1), y=(-1, 1))
    return Problem(
        domain=square.split(by=Disk(center=(0, 0), radius=radius), names=("disk", "square")),
        equations=lambda u, k: div(k * grad(u)),
        conditions=[Dirichlet(u=around)],
        coefficients={"k": {"disk": conductivity, "square": 1.0}},
        exact={"disk": lambda x: within * x, "square": around},
        name="two_materials",
    )
