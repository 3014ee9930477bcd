"""The Allen-Cahn equation in all of space, in many dimensions."""

from gmnm_pde import DiffusionCone, GmnmError, Initial, Problem, diff, laplacian


def allen_cahn_nd(dimension: int = 100, end: float = 0.3) -> Problem:
    """The Allen-Cahn equation, a semilinear heat equation, in all of space, seen from the origin at its last time.

    u_t = laplacian(u) + u - u^3, u = 1 / (2 + 0.4 |x|^2) at first. The value that is asked for is u(0) at the end, in
    100 dimensions at 0.3 about 0.0528. Source: W. E, J. Han, A. Jentzen, Deep learning-based numerical methods for
    high-dimensional parabolic equations and backward stochastic differential equations (2017), section 4.2.

    Args:
        dimension: The coordinates are x_1, x_2 and so on, 2 or more.
        end: The last time.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 2:
        raise GmnmError(f"allen_cahn_nd(dimension={dimension!r}): expected a number from 2 on, got {dimension!r}.")
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 < end < 100:
        raise GmnmError(f"allen_cahn_nd(end={end!r}): expected a time above 0 and below 100, got {end!r}.")
    return Problem(
        domain=DiffusionCone(apex=end, t=(0, end), coordinates=("x", dimension)),
        equations=lambda u: diff(u, "t") - laplacian(u) - u + u**3,
        conditions=[Initial(u=lambda x: 1 / (2 + 0.4 * (x @ x)))],
        name="allen_cahn_nd",
    )
