"""Cousins of section A, the rest: what is hidden, singular, cut out of the graph, or close to a point."""

import math
from functools import partial

import torch

import gmnm_pde as g
from truth.case import add, case
from truth.cousins import SPREAD
from truth.hidden import cooled, cooling_ball, cut, loaded_twice, slit_exact, slit_square, supported, tank, tank_exact
from truth.references import initial_value
from truth.silent import LINE, PI, SINE, SQUARE

# Nonlinear terms that small numbers hide


@case("hidden_exponential", "A2", lambda x: 40 * SINE(x))
def hidden_exponential():
    """u'' - 1e-14 exp(u) = f, with u near 40."""

    def equation(u, x):
        right = 40 * SINE(x)
        return g.diff(u, x, x) - 1e-14 * torch.exp(u) + PI**2 * right + 1e-14 * torch.exp(right)

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


@case("hidden_square", "A2", lambda x, y: 1e4 * SINE(x) * SINE(y), model=g.Mixture(components=80, patches=2))
def hidden_square():
    """lap u - 1e-6 u^2 = f on patches, with u near 1e4."""

    def equation(u, x, y):
        right = 1e4 * SINE(x) * SINE(y)
        return g.laplacian(u) - 1e-6 * u**2 + 2 * PI**2 * right + 1e-6 * right**2

    return g.Problem(SQUARE, equation, [g.Dirichlet(u=0)])


@case("hidden_threshold", "A2", lambda x, t: 30 * SINE(x) * torch.exp(-t))
def hidden_threshold():
    """Heat with a term above 20 alone."""

    def equation(u, x, t):
        right = 30 * SINE(x) * torch.exp(-t)
        over = lambda u: torch.relu(u - 20) ** 2  # noqa: E731
        return g.diff(u, t) - g.diff(u, x, x) / PI**2 + over(u) - over(right)

    return g.Problem(LINE * g.Time(t=(0, 1)), equation, [g.Dirichlet(u=0), g.Initial(u=lambda x: 30 * SINE(x))])


@case("hidden_hard", "A2", lambda x: 1e3 * SINE(x), hard=True)
def hidden_hard():
    def equation(u, x):
        right = 1e3 * SINE(x)
        return g.diff(u, x, x) - 1e-7 * u**3 + PI**2 * right + 1e-7 * right**3

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


for _radius, _end in ((0.5, 2000.0), (5.0, 20000.0)):
    add(f"cooling_ball_{_radius:g}", "A2", partial(cooling_ball, _radius, _end), cooled(_radius, _end))


@case("cooling_tiny", "A2", initial_value(lambda t, y: -1e-9 * y**4, [1000.0], 5.0, ["T"]))
def cooling_tiny():
    return g.Problem(g.Time(t=(0, 5)), lambda T, t: g.diff(T, t) + 1e-9 * T**4, [g.Initial(T=1000)])


# Singular points

add("slit_wide", "A2", partial(slit_square, 0.5), slit_exact(0.5))
add("slit_wide_tol", "A2", partial(slit_square, 0.5), slit_exact(0.5), tol=1e-3)
add("root_third", "A2", lambda: g.Problem(LINE, lambda u, x: u - x ** (1 / 3)), lambda x: x ** (1 / 3))


@case("root_power", "A2", lambda x: x**0.6, hard=True)
def root_power():
    return g.Problem(LINE, lambda u, x: x * g.diff(u, x) - 0.6 * u, [g.Dirichlet(u=lambda x: x)])


def holed_off_centre(radius):
    """u = log |x - c| about a hole that is not in the middle of a square."""
    box, hole = g.Rectangle(x=(-1, 1), y=(-1, 1)), g.Disk(center=(0.3, -0.2), radius=radius)
    exact = partial(logarithm, radius=radius)
    return g.Problem(
        box - hole,
        lambda u: g.laplacian(u),
        [g.Dirichlet(u=exact, on=box.boundary), g.Dirichlet(u=1, on=hole.boundary)],
    )


def logarithm(x, y, radius):
    return torch.log((x - 0.3) ** 2 + (y + 0.2) ** 2) / 2 / math.log(radius)


for _radius, _tol in ((0.02, None), (0.002, None), (0.005, 1e-2)):
    add(
        f"tiny_hole_box_{_radius:g}",
        "A2",
        partial(holed_off_centre, _radius),
        partial(logarithm, radius=_radius),
        tol=_tol,
    )

# Parts of the residual without a graph

add("cut_item", "A2", lambda: cut(lambda u: u * (u.max() if len(u) else 1)))
add("cut_flip", "A2", lambda: cut(lambda u: torch.flip(u, (0,))))
add("cut_sort", "A2", lambda: cut(lambda u: torch.sort(u)[0]), model=SPREAD)
add("cut_random", "A2", lambda: cut(lambda u: u + 0.1 * torch.randn(len(u), dtype=torch.float64)))


@case("cut_detached_slope", "A2", SINE)
def cut_detached_slope():
    def equation(u, x):
        slope = g.diff(u, x)
        return g.diff(u, x, x) - 5 * slope.detach() + PI**2 * SINE(x) + 5 * PI * torch.cos(PI * x)

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


# Loads near a point

add("load_twice_0.003", "A2", partial(loaded_twice, 0.003), supported(0.003), model=SPREAD)
add("load_twice_0.0003", "A2", partial(loaded_twice, 0.0003), supported(0.0003), tol=1e-4)


# Tolerances and offsets

add("tank_tol_310", "A2", partial(tank, 340.0, 300.0), tank_exact(340.0, 300.0), tol=1e-3)
add("tank_tol_long", "A2", partial(tank, 300.0, 295.0), tank_exact(300.0, 295.0), tol=1e-5)


@case("kelvin_square", "A2", lambda x, y: 293 + 0.01 * SINE(x) * SINE(y), tol=1e-6)
def kelvin_square():
    return g.Problem(SQUARE, lambda T, x, y: g.laplacian(T) + 0.02 * PI**2 * SINE(x) * SINE(y), [g.Dirichlet(T=293)])


@case("kelvin_patches", "A2", lambda x: 1e6 + SINE(x), model=SPREAD)
def kelvin_patches():
    return g.Problem(LINE, lambda T, x: g.diff(T, x, x) + PI**2 * SINE(x), [g.Dirichlet(T=1e6)])
