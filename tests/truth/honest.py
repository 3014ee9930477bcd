"""Sections C and G of the reports: not solved, and said so. Answers that are right are welcome, silent ones are not."""

import math
from functools import partial

import torch
from scipy.optimize import brentq
from scipy.special import exp1

import gmnm_pde as g
from truth.case import add, case
from truth.silent import PI
from truth.walls import Layer, by_layer, wall_exact, wall_start

# Korteweg and de Vries


def soliton(x, t, k=1.5):
    return 2 * k**2 / torch.cosh(k * (x - 4 * k**2 * t)) ** 2


def soliton_slope(x, t, k=1.5):
    return -2 * k * soliton(x, t, k) * torch.tanh(k * (x - 4 * k**2 * t))


@case("kdv_soliton", "C", lambda x, t: soliton(x, t), allowed=1e-4)
def kdv_soliton():
    """u_t + 6 u u_x + u_xxx = 0, u given at both ends, u_x at the right."""
    space = g.Interval(x=(-4, 6))
    domain = space * g.Time(t=(0, 0.3))
    slope = g.Condition(lambda u, x, t: g.diff(u, x) - soliton_slope(x, t), on=domain.face(x=6), name="slope")
    return g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) + 6 * u * g.diff(u, x) + g.diff(u, x, x, x),
        [g.Dirichlet(u=soliton), slope, g.Initial(u=lambda x: soliton(x, 0 * x))],
    )


# A sphere that is heated


def warming_sphere(radius=0.01, end=11.5, start=20.0, outside=100.0):
    """T_t = T_rr + 2 / r T_r, times r; T_r = outside - T at the surface."""
    domain = g.Interval(r=(0, radius)) * g.Time(t=(0, end))
    return g.Problem(
        domain,
        lambda T, r, t: r * g.diff(T, t) - r * g.diff(T, r, r) - 2 * g.diff(T, r),
        [
            g.Condition(lambda T, r: g.diff(T, r) - outside + T, on=domain.face(r=radius), name="surface"),
            g.Neumann(T=0, on=domain.face(r=0)),
            g.Initial(T=start),
        ],
    )


def warming_exact(radius=0.01, start=20.0, outside=100.0):
    """Series in sin(m r) / r with m R cot(m R) = 1 - R."""

    def characteristic(z):
        return z * math.cos(z) - (1 - radius) * math.sin(z)

    roots = [brentq(characteristic, n * PI + 1e-9, (n + 1) * PI - 1e-9, xtol=1e-14) for n in range(300)]

    def exact(r, t):
        total = torch.zeros_like(r)
        for z in roots:
            weight = 4 * (math.sin(z) - z * math.cos(z)) / (2 * z - math.sin(2 * z))
            total = total + weight * torch.sinc(z * r / radius / PI) * torch.exp(-((z / radius) ** 2) * t)
        return outside + (start - outside) * total

    return exact


add("warming_sphere", "C", warming_sphere, warming_exact())

# Two materials in time, in SI units

STEEL, WOOL = Layer(0.02, 45.0, 7800 * 460.0), Layer(0.02, 0.04, 30 * 1400.0)


def wall(layers, hot, cold, end, bump):
    """Layers side by side, at given temperatures outside; begun with the steady profile and some bump in each."""
    thickness = sum(layer.thickness for layer in layers)
    domain = g.Interval(x=(0, thickness)) * g.Time(t=(0, end))
    start = wall_start(layers, hot, cold, bump)
    k, c = (partial(by_layer, layers=layers, name=name) for name in ("conductivity", "capacity"))
    return g.Problem(
        domain,
        lambda T, x, t: c(x) * g.diff(T, t) - g.diff(k(x) * g.diff(T, x), x),
        [
            g.Dirichlet(T=hot, on=domain.face(x=0)),
            g.Dirichlet(T=cold, on=domain.face(x=thickness)),
            g.Initial(T=start),
        ],
    )


add(
    "wall_si",
    "C",
    partial(wall, (STEEL, WOOL), 400.0, 300.0, 2000.0, 20.0),
    wall_exact((STEEL, WOOL), 400.0, 300.0, 20.0),
)

# A beam that vibrates, in SI units


def vibrating(periods=10.0):
    """A steel beam of 1 m, 1 cm thick, supported at both ends, begun in its first mode."""
    E, inertia, mass = 2e11, 1e-6 / 12 * 0.01, 7800 * 1e-4
    omega = PI**2 * math.sqrt(E * inertia / mass)
    domain = g.Interval(x=(0, 1)) * g.Time(t=(0, periods * 2 * PI / omega))
    ends = domain.boundary
    return g.Problem(
        domain,
        lambda w, x, t: mass * g.diff(w, t, t) + E * inertia * g.diff(w, x, x, x, x),
        [
            g.Dirichlet(w=0),
            g.Condition(lambda w: g.diff(w, "x", "x"), on=ends, name="moment"),
            g.Initial(w=lambda x: 0.01 * torch.sin(PI * x)),
            g.Initial(w=0, order=1),
        ],
    )


def vibrating_exact(x, t):
    omega = PI**2 * math.sqrt(2e11 * (1e-6 / 12 * 0.01) / (7800 * 1e-4))
    return 0.01 * torch.sin(PI * x) * torch.cos(omega * t)


add("vibrating_beam", "C", vibrating, vibrating_exact)


@case("dam_break", "C")
def dam_break():
    """Shallow water over a dry-free bed: a jump of depth that breaks; no solution in the classical sense."""
    domain = g.Interval(x=(-5, 5)) * g.Time(t=(0, 0.5))
    return g.Problem(
        domain,
        lambda h, q, x, t: {
            "mass": g.diff(h, t) + g.diff(q, x),
            "momentum": g.diff(q, t) + g.diff(q**2 / h + 4.905 * h**2, x),
        },
        [
            g.Initial(h=lambda x: torch.where(x < 0, 2.0, 1.0), q=0),
            g.Dirichlet(h=lambda x: torch.where(x < 0, 2.0, 1.0), q=0),
        ],
    )


# Taylor and Green


def vortex(density=0.05, viscosity=1.0):
    """u, v, p of the decaying vortex as a system, on (0, pi)^2, t to 1."""
    domain = g.Rectangle(x=(0, PI), y=(0, PI)) * g.Time(t=(0, 1))
    nu = viscosity

    def equations(u, v, p, x, y, t):
        def momentum(w, slope):
            moved = g.diff(w, t) + u * g.diff(w, x) + v * g.diff(w, y)
            return density * moved + slope - density * nu * (g.diff(w, x, x) + g.diff(w, y, y))

        return {
            "x": momentum(u, g.diff(p, x)),
            "y": momentum(v, g.diff(p, y)),
            "mass": g.diff(u, x) + g.diff(v, y),
        }

    right = vortex_exact(density, viscosity)
    given = {name: partial(lambda x, y, t, n: right(x, y, t)[n], n=name) for name in "uvp"}
    first = {name: partial(lambda x, y, n: right(x, y, 0 * x)[n], n=name) for name in "uv"}
    return g.Problem(domain, equations, [g.Dirichlet(**given), g.Initial(**first)])


def vortex_exact(density=0.05, viscosity=1.0):
    def exact(x, y, t):
        decay = torch.exp(-2 * viscosity * t)
        return {
            "u": torch.cos(x) * torch.sin(y) * decay,
            "v": -torch.sin(x) * torch.cos(y) * decay,
            "p": -density / 4 * (torch.cos(2 * x) + torch.cos(2 * y)) * decay**2,
        }

    return exact


add("vortex_system", "C", vortex, vortex_exact())
add("vortex_system_tol", "C", vortex, vortex_exact(), tol=1e-6)

# Wells and free constants


def well_potential(x, y, wells, sigma):
    """Sum of functions with Laplacian exp(-r^2 / 2 sigma^2): of -sigma^2 E1(r^2 / 2 sigma^2) / 2 and log r."""
    total = 0 * x
    for a, b, size in wells:
        q = ((x - a) ** 2 + (y - b) ** 2) / (2 * sigma**2)
        total = total + size * sigma**2 / 2 * _ein(q)
    return total


def _ein(q):
    """The entire exponential integral, by its series and by scipy: E1(q) + log q + gamma."""
    safe = torch.clamp(q, min=1e-30)
    large = torch.as_tensor(exp1(safe.detach().numpy())) + torch.log(safe) + EULER
    series, term = torch.zeros_like(q), torch.ones_like(q)
    small = torch.clamp(q, max=1.0)
    for k in range(1, 25):
        term = -term * small / k
        series = series - term / k
    return torch.where(q < 1, series, large)


EULER = 0.5772156649015329
WELLS = [(300.0, 400.0, 1.0), (700.0, 550.0, -1.0)]


def far_potential(x, y):
    """The potential far from the wells, where their exponential integrals are zero to rounding."""
    return sum(s * 50 * (torch.log(((x - a) ** 2 + (y - b) ** 2) / 200) + EULER) for a, b, s in WELLS)


@case("wells", "C", lambda x, y: well_potential(x, y, WELLS, 10.0))
def wells():
    """lap u = two Gaussians of sigma 10 in a square of 1000, u given at the edge."""
    field = g.Rectangle(x=(0, 1000), y=(0, 1000))

    def equation(u, x, y):
        source = sum(s * torch.exp(-((x - a) ** 2 + (y - b) ** 2) / 200) for a, b, s in WELLS)
        return g.laplacian(u) - source

    return g.Problem(field, equation, [g.Dirichlet(u=far_potential)])


@case("neumann_free", "C")
def neumann_free():
    """-lap u = f with flux nowhere: a constant is free."""
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    return g.Problem(
        square,
        lambda u, x, y: g.laplacian(u) + 2 * PI**2 * torch.cos(PI * x) * torch.cos(PI * y),
        [g.Neumann(u=0)],
    )


# Section G: shapes and layers


@case("shell", "C", lambda x, y, z: _shell(torch.sqrt(x**2 + y**2 + z**2)), tol=1e-6)
def shell():
    """-lap u = 1, 0.3 < r < 1, u = 0 inside, no flux outside."""
    domain = g.SphericalShell(center=(0, 0, 0), inner=0.3, outer=1)
    return g.Problem(
        domain,
        lambda u: g.laplacian(u) + 1,
        [g.Dirichlet(u=0, on=domain.inner), g.Neumann(u=0, on=domain.outer)],
    )


def _shell(r):
    return -(r**2) / 6 - 1 / (3 * r) + 0.09 / 6 + 1 / 0.9


@case("waves_first_order", "C", lambda x: {"u": torch.cos(40 * PI * x), "v": torch.sin(40 * PI * x)}, tol=1e-6)
def waves_first_order():
    """Helmholtz as real and imaginary parts, 20 waves: u' + k v = 0, v' - k u = 0."""
    line = g.Interval(x=(0, 1))
    k = 40 * PI
    return g.Problem(
        line,
        lambda u, v, x: {"real": g.diff(u, x) + k * v, "imaginary": g.diff(v, x) - k * u},
        [g.Dirichlet(u=1, v=0, on=line.face(x=0))],
    )
