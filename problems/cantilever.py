"""Linear elasticity: a cantilever beam with a load at its end."""

import math

from gmnm_pde import Condition, Dirichlet, GmnmError, Problem, Rectangle, diff


def cantilever(length: float = 4.0) -> Problem:
    """Plane stress in a cantilever beam, the displacements u and v on [0, L] x [-1/2, 1/2], with a load at x = L.

    div sigma = 0 with Young's modulus 1 and Poisson's ratio 0.3; displacements given at x = 0, no traction above and
    below, and at the end a shear of parabolic profile that bends a thin beam down by 1. Bending is softer than shear by
    the square of L, so that small errors of the shear are large ones of the deflection. Source: S. Timoshenko and J. N.
    Goodier, Theory of Elasticity (1951), in the form of C. E. Augarde and A. J. Deeks, Finite Elements in Analysis and
    Design 44 (2008).

    Args:
        length: L.
    """
    if isinstance(length, bool) or not isinstance(length, int | float) or not 0 < length < math.inf:
        raise GmnmError(f"cantilever(length={length!r}): expected a positive number, got {length!r}.")
    ratio = 0.3
    load = 1 / (2 * length**3)  # P / (6 E I)

    def exact(x, y):
        along = y * ((6 * length - 3 * x) * x + (2 + ratio) * (y**2 - 0.25))
        down = 3 * ratio * y**2 * (length - x) + (4 + 5 * ratio) * x / 4 + (3 * length - x) * x**2
        return {"u": load * along, "v": -load * down}

    def stress(u, v, x, y):
        e_x, e_y = diff(u, x), diff(v, y)
        tension_x, tension_y = (e_x + ratio * e_y) / (1 - ratio**2), (e_y + ratio * e_x) / (1 - ratio**2)
        return tension_x, tension_y, (diff(u, y) + diff(v, x)) / (2 * (1 + ratio))

    def balance(u, v, x, y):
        tension_x, tension_y, shear = stress(u, v, x, y)
        return {"balance_x": diff(tension_x, x) + diff(shear, y), "balance_y": diff(shear, x) + diff(tension_y, y)}

    def free(u, v, x, y):
        _, tension_y, shear = stress(u, v, x, y)
        return {"tension": tension_y, "shear": shear}

    def loaded(u, v, x, y):
        tension_x, _, shear = stress(u, v, x, y)
        return {"end_tension": tension_x, "end_shear": shear + 3 * load * (0.25 - y**2)}

    beam = Rectangle(x=(0, length), y=(-0.5, 0.5))
    return Problem(
        domain=beam,
        equations=balance,
        conditions=[
            Dirichlet(
                u=lambda x, y: exact(x, y)["u"], v=lambda x, y: exact(x, y)["v"], on=beam.face(x=0), name="clamped"
            ),
            Condition(free, on=beam.face(y=-0.5) | beam.face(y=0.5), name="free"),
            Condition(loaded, on=beam.face(x=length), name="end"),
        ],
        exact=exact,
        name="cantilever",
    )
