"""Section A of the reports: the answer is wrong and says that it is right."""

import math
from functools import partial

import torch

import gmnm_pde as g
from truth.case import add, case
from truth.references import (
    between,
    gaussian,
    gaussian_twice,
    smoothed_jump,
)

PI = math.pi
LINE = g.Interval(x=(0, 1))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def SINE(x):
    """The right answer of many a case."""
    return torch.sin(PI * x)


# Coefficients that jump


def layered_square(k):
    """div(k grad T) = 0: 293.15 below, a flux of 200 above, insulated at the sides."""
    return g.Problem(
        SQUARE,
        lambda T, y: g.div(k(y) * g.diff(T, "x"), k(y) * g.diff(T, "y")),
        [
            g.Dirichlet(T=293.15, on=SQUARE.face(y=0)),
            g.Condition(lambda T, y: k(y) * g.normal_derivative(T) - 200, on=SQUARE.face(y=1), name="flux"),
            g.Neumann(T=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)),
        ],
    )


def stacked(y):
    return torch.where(y > 0.5, 400.0, 1.38)


def stacked_temperature(y):
    return 293.15 + 200 * (torch.clamp(y, max=0.5) / 1.38 + torch.clamp(y - 0.5, min=0) / 400)


def smooth_stack(width):
    k = partial(lambda y, w: 1.38 + (400 - 1.38) * torch.sigmoid((y - 0.5) / w), w=width)
    return layered_square(k)


add("jump_square", "A", lambda: layered_square(stacked), stacked_temperature)
add("jump_square_tol", "A", lambda: layered_square(stacked), stacked_temperature, tol=1e-3)
add(
    "jump_square_patches",
    "A",
    lambda: layered_square(stacked),
    stacked_temperature,
    model=g.Mixture(components=64, patches=3),
)
for _width in (0.01, 0.003):
    add(
        f"jump_smoothed_{_width:g}",
        "A",
        partial(smooth_stack, _width),
        partial(lambda y, w: 293.15 + 200 * smoothed_jump(y, 1.38, 400, w), w=_width),
    )


def kinked(x):
    return torch.where(x < 0.5, 20 * x, 9 + 2 * x) / 11


@case("jump_line", "A", kinked)
def jump_line():
    k = lambda x: torch.where(x < 0.5, 1.0, 10.0)  # noqa: E731
    return g.Problem(LINE, lambda u, x: g.diff(k(x) * g.diff(u, x), x), [g.Dirichlet(u=lambda x: x)])


# Conditions that contradict one another


def overdetermined_first_order():
    ends = [g.Dirichlet(u=0, on=LINE.face(x=0)), g.Dirichlet(u=2, on=LINE.face(x=1))]
    return g.Problem(LINE, lambda u, x: g.diff(u, x) - 1, ends)


def three_conditions():
    ends = [g.Dirichlet(u=lambda x: x), g.Neumann(u=3, on=LINE.face(x=1), name="slope")]
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x), ends)


def dirichlet_and_neumann():
    return g.Problem(SQUARE, lambda u: g.laplacian(u), [g.Dirichlet(u=0), g.Neumann(u=1)])


for _tol in (None, 1e-2, 1e-3):
    _label = "" if _tol is None else f"_{_tol:g}"
    add(f"contradiction_ends{_label}", "A", overdetermined_first_order, tol=_tol)
    add(f"contradiction_three{_label}", "A", three_conditions, tol=_tol)
    add(f"contradiction_faces{_label}", "A", dirichlet_and_neumann, tol=_tol)

# A condition is missing


@case("missing_initial", "A")
def heat_without_start():
    def equation(u, x, t):
        f = (0.1 * PI**2 - 1) * torch.sin(PI * x) * torch.exp(-t)
        return g.diff(u, t) - 0.1 * g.diff(u, x, x) - f

    return g.Problem(LINE * g.Time(t=(0, 1)), equation, [g.Dirichlet(u=0)])


@case("missing_end", "A")
def one_end_alone():
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) - torch.exp(x), [g.Dirichlet(u=0, on=LINE.face(x=0))])


@case("missing_slopes", "A")
def beam_without_slopes():
    return g.Problem(LINE, lambda w, x: g.diff(w, x, x, x, x) - torch.exp(x), [g.Dirichlet(w=0)])


@case("missing_size", "A")
def infinite_well():
    return g.Problem(LINE, lambda psi, x: g.diff(psi, x, x) + PI**2 * psi, [g.Dirichlet(psi=0)])


# Near resonance


def resonant(distance):
    """u = sin(pi x) + x (1 - x)."""

    def equation(u, x):
        f = distance * torch.sin(PI * x) + (PI**2 + distance) * x * (1 - x) - 2
        return g.diff(u, x, x) + (PI**2 + distance) * u - f

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


add("resonance_near", "A", partial(resonant, 1e-4), lambda x: torch.sin(PI * x) + x * (1 - x))


@case("resonance_at", "A")
def at_the_eigenvalue():
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) + PI**2 * u - torch.sin(2 * PI * x), [g.Dirichlet(u=0)])


# Features between the points


def bumps(smooth, parts):
    """u'' = -smooth pi^2 sin(pi x) + Gaussians of (size, middle, width); 0 at both ends."""

    def source(x):
        return sum((a * gaussian(x, c, w) for a, c, w in parts), -smooth * PI**2 * torch.sin(PI * x))

    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) - source(x), [g.Dirichlet(u=0)])


def bumps_exact(smooth, parts):
    def exact(x):
        return smooth * torch.sin(PI * x) + between(lambda x: sum(a * gaussian_twice(x, c, w) for a, c, w in parts), x)

    return exact


for _name, _smooth, _parts in (
    ("bump", 1.0, [(150.0, 0.3712, 3e-3)]),
    ("spike", 0.0, [(1e5, 0.3712, 1e-5)]),
    ("wells", 0.0, [(1e4, 0.2317, 1e-4), (1e4, 0.6831, 1e-4)]),
):
    add(f"feature_{_name}", "A", partial(bumps, _smooth, _parts), bumps_exact(_smooth, _parts))
