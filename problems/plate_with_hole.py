"""Linear elasticity: a plate with a hole, under tension."""

from gmnm_pde import Condition, Dirichlet, Disk, GmnmError, Problem, Rectangle, diff


def plate_with_hole(radius: float = 0.25) -> Problem:
    """Plane stress in a quarter of a plate with a round hole, the displacements u and v on [0, 1]^2 outside the hole.

    div sigma = 0 with Young's modulus 1 and Poisson's ratio 0.3; no traction on the hole, no normal displacement and no
    shear on the planes of symmetry x = 0 and y = 0, and on x = 1 and y = 1 the displacements of the infinite plate
    under unit tension along x. Source: E. G. Kirsch, Die Theorie der Elastizität und die Bedürfnisse der
    Festigkeitslehre, Zeitschrift des VDI 42 (1898); the stress at the top of the hole is three times that far away.

    Args:
        radius: The hole's radius, less than 1.
    """
    if isinstance(radius, bool) or not isinstance(radius, int | float) or not 0 < radius < 1:
        raise GmnmError(f"plate_with_hole(radius={radius!r}): expected a number between 0 and 1, got {radius!r}.")
    ratio = 0.3
    shear_modulus = 1 / (2 * (1 + ratio))
    kappa = (3 - ratio) / (1 + ratio)  # of plane stress

    def exact(x, y):
        s = x**2 + y**2
        cos_3, sin_3 = (x**3 - 3 * x * y**2) / s, (3 * x**2 * y - y**3) / s  # r cos 3 theta and r sin 3 theta
        near, nearer = 2 * radius**2 / s, 2 * radius**4 / s**2
        u = (kappa + 1) * x + near * ((1 + kappa) * x + cos_3) - nearer * cos_3
        v = (kappa - 3) * y + near * ((1 - kappa) * y + sin_3) - nearer * sin_3
        return {"u": u / (8 * shear_modulus), "v": v / (8 * shear_modulus)}

    def stress(u, v, x, y):
        e_x, e_y = diff(u, x), diff(v, y)
        tension_x, tension_y = (e_x + ratio * e_y) / (1 - ratio**2), (e_y + ratio * e_x) / (1 - ratio**2)
        return tension_x, tension_y, shear_modulus * (diff(u, y) + diff(v, x))

    def balance(u, v, x, y):
        tension_x, tension_y, shear = stress(u, v, x, y)
        return {"balance_x": diff(tension_x, x) + diff(shear, y), "balance_y": diff(shear, x) + diff(tension_y, y)}

    def traction(u, v, x, y, normal):
        tension_x, tension_y, shear = stress(u, v, x, y)
        n_x, n_y = normal[:, 0], normal[:, 1]
        return {"x": tension_x * n_x + shear * n_y, "y": shear * n_x + tension_y * n_y}

    square = Rectangle(x=(0, 1), y=(0, 1))
    hole = Disk(center=(0, 0), radius=radius)
    left, bottom = square.face(x=0), square.face(y=0)
    return Problem(
        domain=square - hole,
        equations=balance,
        conditions=[
            Dirichlet(
                u=lambda x, y: exact(x, y)["u"],
                v=lambda x, y: exact(x, y)["v"],
                on=square.face(x=1) | square.face(y=1),
                name="far",
            ),
            Condition(traction, on=hole.boundary, name="traction"),
            Dirichlet(u=0, on=left, name="left"),
            Dirichlet(v=0, on=bottom, name="bottom"),
            Condition(lambda u, v, x, y: stress(u, v, x, y)[2], on=left | bottom, name="shear"),
        ],
        exact=exact,
        name="plate_with_hole",
    )
