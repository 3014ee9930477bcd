"""Stokes flow: four streams that collide."""

from gmnm_pde import Dirichlet, Observations, Problem, Rectangle, diff, laplacian


def stokes() -> Problem:
    """Stokes flow of streams that collide, for u, v and p on [-1, 1]^2.

    -laplacian(u) + p_x = 0, -laplacian(v) + p_y = 0, u_x + v_y = 0; u = 20 x y^3, v = 5 x^4 - 5 y^4, p = 60 x^2 y -
    20 y^3. Velocities are given on the boundary, the pressure at the origin alone, so that nothing but the momentum
    holds it. Source: H. Elman, D. Silvester and A. Wathen, Finite Elements and Fast Iterative Solvers (2005), example
    5.1.4.
    """

    def exact(x, y):
        return {"u": 20 * x * y**3, "v": 5 * x**4 - 5 * y**4, "p": 60 * x**2 * y - 20 * y**3}

    def equations(u, v, p, x, y):
        return {
            "momentum_x": diff(p, x) - laplacian(u),
            "momentum_y": diff(p, y) - laplacian(v),
            "mass": diff(u, x) + diff(v, y),
        }

    return Problem(
        domain=Rectangle(x=(-1, 1), y=(-1, 1)),
        equations=equations,
        conditions=[
            Dirichlet(u=lambda x, y: exact(x, y)["u"], v=lambda x, y: exact(x, y)["v"]),
            Observations([[0.0, 0.0]], p=[0.0]),
        ],
        exact=exact,
        name="stokes",
    )
