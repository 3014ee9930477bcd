"""Section A of the reports, the rest: what is hidden, singular, cut out of the graph, or close to a point."""

import math
from functools import partial

import torch

import gmnm_pde as g
from truth.case import add, case
from truth.references import between, clamped, gaussian, gaussian_four_times, gaussian_twice, initial_value
from truth.silent import LINE, PI, SINE

# Nonlinear terms that small numbers hide


@case("hidden_cube", "A", lambda x: 1e5 * torch.sin(PI * x))
def hidden_cube():
    def equation(u, x):
        f = -1e-3 * PI**2 * torch.sin(PI * x) - 1e-3 * torch.sin(PI * x) ** 3
        return 1e-8 * g.diff(u, x, x) - 1e-18 * u**3 - f

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


def hidden(term, size):
    """u'' - term(u) = f with u = size sin(pi x)."""

    def equation(u, x):
        right = size * torch.sin(PI * x)
        return g.diff(u, x, x) - term(u) - (-(PI**2) * right - term(right))

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


def stairs(u):
    return torch.floor(u / 50)


def minmax(u):
    return torch.clamp(u, -7.0, 7.0)


def rising(u):
    return torch.relu(u - 5)


for _term, _size in ((rising, 10.0), (stairs, 120.0), (minmax, 12.0)):
    add(
        f"hidden_{_term.__name__}",
        "A",
        partial(hidden, _term, _size),
        partial(lambda x, s: s * torch.sin(PI * x), s=_size),
    )


def cooling_ball(radius, end=3600.0):
    """A ball that radiates into surroundings of 300 K, in SI units."""
    c = 3 * 5.67e-8 / (radius * 7800 * 500)
    return g.Problem(g.Time(t=(0, end)), lambda T, t: g.diff(T, t) + c * (T**4 - 300.0**4), [g.Initial(T=1000)])


def cooled(radius, end=3600.0):
    c = 3 * 5.67e-8 / (radius * 7800 * 500)
    return initial_value(lambda t, y: -c * (y**4 - 300.0**4), [1000.0], end, ["T"])


add("cooling_ball_2", "A", partial(cooling_ball, 2.0), cooled(2.0))
add("cooling_ball_0.05", "A", partial(cooling_ball, 0.05), cooled(0.05))

# Singular points


def half_crack():
    """The upper half of a crack: u = 0 on the right of the edge, no flux on the left."""
    half = g.Rectangle(x=(-1, 1), y=(0, 1))
    return g.Problem(
        half,
        lambda u: g.laplacian(u),
        [
            g.Dirichlet(u=0, on=half.face(y=0).where(lambda x: x > 0)),
            g.Neumann(u=0, on=half.face(y=0).where(lambda x: x < 0)),
            g.Dirichlet(u=upper_crack, on=half.face(y=1) | half.face(x=-1) | half.face(x=1)),
        ],
    )


def upper_crack(x, y):
    return torch.sqrt(torch.clamp((torch.sqrt(x**2 + y**2) - x) / 2, min=0))


def slit_square(opening=0.01):
    """A square with a thin wedge cut out, u = r^(pi / angle) sin(pi theta / angle)."""
    corners = [(0, 0), (1, opening), (1, 1), (-1, 1), (-1, -1), (1, -1), (1, -opening)]
    return g.Problem(g.Polygon(corners), lambda u: g.laplacian(u), [g.Dirichlet(u=slit_exact(opening))])


def slit_exact(opening):
    start = math.atan(opening)
    power = PI / (2 * PI - 2 * start)

    def exact(x, y):
        theta = torch.remainder(torch.atan2(y, x) - start / 2, 2 * PI) - start / 2
        return (x**2 + y**2) ** (power / 2) * torch.sin(power * theta)

    return exact


add("crack_half", "A", half_crack, upper_crack)
add("crack_half_tol", "A", half_crack, upper_crack, tol=1e-2)
add("slit", "A", slit_square, slit_exact(0.01))
add("slit_tol", "A", slit_square, slit_exact(0.01), tol=1e-2)
add("root_regression", "A", lambda: g.Problem(LINE, lambda u, x: u - torch.sqrt(x)), lambda x: torch.sqrt(x))
add(
    "root_equation",
    "A",
    lambda: g.Problem(LINE, lambda u, x: 2 * x * g.diff(u, x) - u, [g.Dirichlet(u=1, on=LINE.face(x=1))]),
    lambda x: torch.sqrt(x),
)
L_EXACT = g.registry.load("l_shape").exact
add("l_shape", "A", lambda: g.registry.load("l_shape"), L_EXACT)
add("l_shape_tol", "A", lambda: g.registry.load("l_shape"), L_EXACT, tol=1e-2)


def holed_disk(radius):
    whole, hole = g.Disk(center=(0, 0), radius=1), g.Disk(center=(0, 0), radius=radius)
    faces = [g.Dirichlet(u=0, on=whole.boundary), g.Dirichlet(u=1, on=hole.boundary)]
    return g.Problem(whole - hole, lambda u: g.laplacian(u), faces)


for _radius in (0.01, 0.001):
    add(
        f"tiny_hole_{_radius:g}",
        "A",
        partial(holed_disk, _radius),
        partial(lambda x, y, a: torch.log(x**2 + y**2) / 2 / math.log(a), a=_radius),
    )

# Parts of the residual without a graph


def cut(term):
    """u'' - 5 term(u) = f where u = sin(pi x), did the term have the value of u."""
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) - 5 * term(u) + (PI**2 + 5) * SINE(x), [g.Dirichlet(u=0)])


def ungraphed(u):
    with torch.no_grad():
        return 1.0 * u


add("cut_detach", "A", lambda: cut(lambda u: u.detach()), SINE)
add("cut_no_grad", "A", lambda: cut(ungraphed), SINE)
add("cut_first", "A", lambda: cut(lambda u: u[0]))
add("cut_mean", "A", lambda: cut(lambda u: u.mean()))
add("cut_cumsum", "A", lambda: cut(lambda u: torch.cumsum(u, 0) / 100))

# Loads near a point


def load(width):
    return lambda x: gaussian(x, 0.5, width) / (width * math.sqrt(2 * PI))


def loaded_beam(width):
    """w'''' = load on a beam clamped at both ends."""
    f = load(width)
    return g.Problem(LINE, lambda w, x: g.diff(w, x, x, x, x) - f(x), [g.Dirichlet(w=0), g.Neumann(w=0)])


def loaded_twice(width):
    """M'' = load, w'' = M on a beam supported at both ends."""
    f = load(width)
    return g.Problem(
        LINE,
        lambda w, M, x: {"moment": g.diff(M, x, x) - f(x), "bending": g.diff(w, x, x) - M},
        [g.Dirichlet(w=0, M=0)],
    )


def supported(width):
    size = 1 / (width * math.sqrt(2 * PI))

    def exact(x):
        M = between(lambda x: size * gaussian_twice(x, 0.5, width), x)
        ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
        low, high = size * gaussian_twice(ends, 0.5, width)
        w = between(lambda x: size * gaussian_four_times(x, 0.5, width) - low * x**2 / 2 - (high - low) * x**3 / 6, x)
        return {"w": w, "M": M}

    return exact


for _width in (0.05, 0.01, 0.001):
    _size = 1 / (_width * math.sqrt(2 * PI))
    add(
        f"load_{_width:g}",
        "A",
        partial(loaded_beam, _width),
        partial(lambda x, w, s: clamped(lambda x: s * gaussian_four_times(x, 0.5, w), x), w=_width, s=_size),
    )
add("load_twice", "A", partial(loaded_twice, 0.001), supported(0.001))

# Tolerances and offsets


def tank(shift, cooled_by):
    """The exothermic stirred tank, T = shift + H."""

    def equations(H, C, t):
        T = shift + H
        r = 7.2e10 * torch.exp(-8750 / T) * C
        return {
            "heat": g.diff(H, t) - ((350 - T) + 209.2 * r + 2.092 * (cooled_by - T)),
            "matter": g.diff(C, t) - (1 - C - r),
        }

    return g.Problem(g.Time(t=(0, 10)), equations, [g.Initial(H=350.0 - shift, C=0.5)])


def tank_exact(shift, cooled_by):
    def rhs(t, y):
        r = 7.2e10 * math.exp(-8750 / (y[0] + shift)) * y[1]
        return [350 - y[0] - shift + 209.2 * r + 2.092 * (cooled_by - y[0] - shift), 1 - y[1] - r]

    return initial_value(rhs, [350.0 - shift, 0.5], 10.0, ["H", "C"])


add("tank_tol", "A", partial(tank, 300.0, 300.0), tank_exact(300.0, 300.0), tol=1e-4)


@case("kelvin", "A", lambda x: 293 + 1e-3 * torch.sin(PI * x), tol=1e-6)
def kelvin():
    return g.Problem(LINE, lambda T, x: g.diff(T, x, x) + 1e-3 * PI**2 * SINE(x), [g.Dirichlet(T=293)])
