"""Cousins of section A: the same kinds with other coefficients, shapes and strategies."""

import math
from functools import partial

import torch

import gmnm_pde as g
from truth.case import add, case
from truth.references import gaussian
from truth.silent import LINE, PI, SINE, SQUARE, bumps, bumps_exact, resonant
from truth.walls import Layer, by_layer, steady, wall_exact, wall_start

SPREAD = g.Mixture(components=60, patches=4)
"""Patches in place of one mixture."""

# Coefficients that jump


def three_layers():
    layers = (Layer(0.3, 1.0, 1.0), Layer(0.1, 50.0, 1.0), Layer(0.6, 0.2, 1.0))
    k = partial(by_layer, layers=layers, name="conductivity")
    problem = lambda: g.Problem(  # noqa: E731
        LINE, lambda u, x: g.diff(k(x) * g.diff(u, x), x), [g.Dirichlet(u=lambda x: 1 - x)]
    )
    return problem, lambda x: steady(x, layers, 1.0, 0.0)


add("jump_three_layers", "A2", *three_layers())
add("jump_three_layers_hard", "A2", *three_layers(), hard=True)
add("jump_three_layers_patches", "A2", *three_layers(), model=SPREAD)
add("jump_three_layers_tol", "A2", *three_layers(), tol=1e-2)


def inclusion(conductivity=1000.0, radius=0.3):
    """A disk of another conductivity in a square: outside u = x (1 - c / r^2), inside straight."""
    c = radius**2 * (conductivity - 1) / (conductivity + 1)

    def exact(x, y):
        r2 = x**2 + y**2
        return torch.where(r2 < radius**2, 2 * x / (1 + conductivity), x * (1 - c / torch.clamp(r2, min=1e-30)))

    def k(x, y):
        return torch.where(x**2 + y**2 < radius**2, conductivity, 1.0)

    box = g.Rectangle(x=(-1, 1), y=(-1, 1))
    return g.Problem(
        box,
        lambda u, x, y: g.div(k(x, y) * g.diff(u, x), k(x, y) * g.diff(u, y)),
        [g.Dirichlet(u=lambda x, y: x * (1 - c / (x**2 + y**2)))],
    ), exact


for _k in (1000.0, 0.01):
    add(f"jump_inclusion_{_k:g}", "A2", lambda k=_k: inclusion(k)[0], inclusion(_k)[1], allowed=1e-4)


def layered_heat():
    """A wall of two layers in time."""
    layers = (Layer(0.4, 1.0, 1.0), Layer(0.6, 0.05, 0.5))
    domain = LINE * g.Time(t=(0, 0.2))
    k, c = (partial(by_layer, layers=layers, name=name) for name in ("conductivity", "capacity"))
    return g.Problem(
        domain,
        lambda u, x, t: c(x) * g.diff(u, t) - g.diff(k(x) * g.diff(u, x), x),
        [g.Dirichlet(u=lambda x: 1 - x), g.Initial(u=wall_start(layers, 1.0, 0.0, 0.5))],
    ), wall_exact(layers, 1.0, 0.0, 0.5)


add("jump_in_time", "A2", lambda: layered_heat()[0], layered_heat()[1])
add("jump_in_time_blocks", "A2", lambda: layered_heat()[0], layered_heat()[1], blocks=2)

# Conditions that contradict one another


def contradicted(equation, *conditions, domain=LINE):
    return g.Problem(domain, equation, conditions)


@case("contradiction_twice", "A2", tol=1e-3)
def twice_the_same_face():
    left = LINE.face(x=0)
    return contradicted(
        lambda u, x: g.diff(u, x, x) + 1,
        g.Dirichlet(u=0),
        g.Dirichlet(u=1, on=left, name="other"),
    )


@case("contradiction_slope", "A2", tol=1e-2, model=SPREAD)
def neumann_balance():
    """u'' = 1 with slopes whose difference is not 1."""
    return contradicted(lambda u, x: g.diff(u, x, x) - 1, g.Neumann(u=1), g.Observations([[0.5]], u=[0.0]))


@case("contradiction_hard", "A2", hard="boundary", tol=1e-2)
def hard_and_soft():
    ends = g.Dirichlet(u=lambda x: x, name="ends")
    return contradicted(lambda u, x: g.diff(u, x, x), ends, g.Robin(1.0, 1.0, u=5, on=LINE.face(x=1)))


@case("contradiction_heat", "A2", tol=1e-2)
def start_and_end():
    """Heat with a value at the end that it does not have."""
    domain = LINE * g.Time(t=(0, 1))
    return contradicted(
        lambda u, x, t: g.diff(u, t) - 0.1 * g.diff(u, x, x),
        g.Dirichlet(u=0),
        g.Initial(u=SINE),
        g.Condition(lambda u, x: u - 2 * SINE(x), on=domain.face(t=1), name="end"),
        domain=domain,
    )


@case("contradiction_equations", "A2", tol=1e-2)
def two_equations():
    """One field, two equations that no field satisfies."""
    return g.Problem(
        LINE,
        lambda u, x: {"first": g.diff(u, x) - 1, "second": g.diff(u, x) - 1.5},
        [g.Dirichlet(u=0, on=LINE.face(x=0))],
    )


# A condition is missing


@case("missing_wave_velocity", "A2")
def wave_without_velocity():
    domain = LINE * g.Time(t=(0, 1))
    return g.Problem(domain, lambda u, x, t: g.diff(u, t, t) - g.diff(u, x, x), [g.Dirichlet(u=0), g.Initial(u=SINE)])


@case("missing_face", "A2")
def square_with_three_sides():
    sides = SQUARE.face(x=0) | SQUARE.face(x=1) | SQUARE.face(y=0)
    return g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) - torch.exp(x + y), [g.Dirichlet(u=0, on=sides)])


@case("missing_face_patches", "A2", model=g.Mixture(components=50, patches=2))
def square_with_three_sides_on_patches():
    return square_with_three_sides()


@case("missing_field", "A2", tol=1e-3)
def a_field_without_conditions():
    """Two fields, one of them told by its equation alone."""
    return g.Problem(
        LINE,
        lambda u, v, x: {"u": g.diff(u, x, x) - g.diff(v, x), "v": g.diff(v, x, x) - torch.sin(x)},
        [g.Dirichlet(u=0), g.Dirichlet(v=1, on=LINE.face(x=0))],
    )


@case("missing_hard", "A2", hard=True)
def beam_hard():
    return g.Problem(LINE, lambda w, x: g.diff(w, x, x, x, x) - 1, [g.Dirichlet(w=0)])


# Near resonance


def resonant_square(distance):
    """lap u + (2 pi^2 + distance) u = f, u = sin(pi x) sin(pi y) + x (1 - x) y (1 - y)."""
    k = 2 * PI**2 + distance

    def equation(u, x, y):
        a, b = x * (1 - x), y * (1 - y)
        return g.laplacian(u) + k * u - (distance * SINE(x) * SINE(y) - 2 * (a + b) + k * a * b)

    return g.Problem(SQUARE, equation, [g.Dirichlet(u=0)])


for _d in (1e-3, 1e-6):
    add(
        f"resonance_square_{_d:g}",
        "A2",
        partial(resonant_square, _d),
        lambda x, y: SINE(x) * SINE(y) + x * (1 - x) * y * (1 - y),
    )
add("resonance_patches", "A2", partial(resonant, -1e-5), lambda x: SINE(x) + x * (1 - x), model=SPREAD)
add("resonance_hard", "A2", partial(resonant, 1e-6), lambda x: SINE(x) + x * (1 - x), hard=True)


@case("backward_heat", "A2")
def backward_heat():
    """The end is known, not the beginning; data with an error of 1e-6."""
    domain = LINE * g.Time(t=(0, 1))

    def end(u, x):
        return u - math.exp(-1) * SINE(x) - 1e-6 * torch.sin(7 * PI * x)

    return g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) / PI**2,
        [g.Dirichlet(u=0), g.Condition(end, on=domain.face(t=1), name="end")],
    )


# Features between the points

for _name, _smooth, _parts, _options in (
    ("narrow", 1.0, [(3e3, 0.618, 3e-4)], {}),
    ("narrow_patches", 1.0, [(3e3, 0.618, 3e-4)], {"model": SPREAD}),
    ("narrow_hard", 1.0, [(500.0, 0.2718, 1e-3)], {"hard": True}),
    ("narrow_tol", 1.0, [(500.0, 0.2718, 1e-3)], {"tol": 1e-3}),
):
    add(f"feature_{_name}", "A2", partial(bumps, _smooth, _parts), bumps_exact(_smooth, _parts), **_options)


def hot_spot(x, y, width=4e-3):
    return torch.sin(PI * x) * torch.sin(PI * y) + gaussian(x, 0.37, width) * gaussian(y, 0.61, width)


@case("feature_square", "A2", hot_spot)
def hot_spot_in_a_square(width=4e-3):
    def equation(u, x, y):
        a, b = (x - 0.37) / width, (y - 0.61) / width
        bump = torch.exp(-(a**2 + b**2) / 2) * (a**2 + b**2 - 2) / width**2
        return g.laplacian(u) + 2 * PI**2 * SINE(x) * SINE(y) - bump

    return g.Problem(SQUARE, equation, [g.Dirichlet(u=hot_spot)])


def below_a_spike(x, y, place=0.4321, width=1e-4):
    """The harmonic function with a Gaussian on top of the square: its sine series, point by point."""
    n = PI * torch.arange(1, 30_000, dtype=torch.float64)
    series = 2 * width * math.sqrt(2 * PI) * torch.exp(-((n * width) ** 2) / 2) * torch.sin(n * place)
    falls = lambda b: torch.exp(-n * (1 - b)) * (1 - torch.exp(-2 * n * b)) / (1 - torch.exp(-2 * n))  # noqa: E731
    return torch.stack([(series * torch.sin(n * a) * falls(b)).sum() for a, b in zip(x, y, strict=True)])


@case("feature_boundary", "A2", below_a_spike)
def feature_in_a_boundary_value():
    """A boundary value with a spike of width 1e-4."""
    top = g.Dirichlet(u=lambda x: gaussian(x, 0.4321, 1e-4), on=SQUARE.face(y=1))
    rest = SQUARE.face(y=0) | SQUARE.face(x=0) | SQUARE.face(x=1)
    return g.Problem(SQUARE, lambda u: g.laplacian(u), [top, g.Dirichlet(u=0, on=rest)])


@case("feature_coefficient", "A2", lambda x: dented(x))
def feature_in_a_coefficient():
    """(u' / r)' = 0 with r = 1 + a Gaussian: u = the integral of r."""
    k = lambda x: 1 / (1 + 500 * gaussian(x, 0.3456, 1e-3))  # noqa: E731
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    low, high = dented(ends)
    return g.Problem(
        LINE,
        lambda u, x: g.diff(k(x) * g.diff(u, x), x),
        [g.Dirichlet(u=float(low), on=LINE.face(x=0)), g.Dirichlet(u=float(high), on=LINE.face(x=1))],
    )


def dented(x):
    return x + 500e-3 * math.sqrt(PI / 2) * torch.erf((x - 0.3456) / (1e-3 * math.sqrt(2)))
