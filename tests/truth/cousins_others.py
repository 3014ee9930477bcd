"""Cousins of sections B, C, E and F: the same kinds with other coefficients, shapes and strategies."""

import math
from functools import partial

import torch

import gmnm_pde as g
from truth.campaign import heat, heat_exact, one_after_another, poisson, poisson_exact, slow_heat, slow_heat_exact
from truth.campaign import inside as within_context
from truth.case import add, case
from truth.exceptions import odd, plain_tank, plain_tank_exact, poisson_boltzmann, poisson_boltzmann_exact
from truth.honest import soliton, soliton_slope, vibrating, vortex, vortex_exact, wall, warming_exact, warming_sphere
from truth.references import initial_value
from truth.silent import LINE, PI, SINE, SQUARE
from truth.users import moving_source, van_der_pol, van_der_pol_exact
from truth.walls import Layer, wall_exact

# B: steps that are not finite

add("tank_blocks", "B2", partial(plain_tank, 300.0), plain_tank_exact(300.0), blocks=10)
add("tank_295", "B2", partial(plain_tank, 295.0), plain_tank_exact(295.0), tol=1e-4)
add("boltzmann_high", "B2", partial(poisson_boltzmann, 1.0, 1.0, 8.0), poisson_boltzmann_exact(1.0, 1.0, 8.0))
add(
    "boltzmann_patches",
    "B2",
    partial(poisson_boltzmann, 0.5),
    poisson_boltzmann_exact(0.5),
    model=g.Mixture(components=40, patches=6),
)


@case("arrhenius", "B2", initial_value(lambda t, y: -1e8 * math.e**-20 * y**0.5, [2.0], 2.0, ["c"]), tol=1e-6)
def square_root_rate():
    """A rate with the square root of what is left of a substance."""
    rate = 1e8 * math.e**-20
    return g.Problem(g.Time(t=(0, 2)), lambda c, t: g.diff(c, t) + rate * torch.sqrt(c), [g.Initial(c=2)])


@case("reciprocal", "B2", initial_value(lambda t, y: 1 / y, [3.0], 8.0, ["c"]), tol=1e-6)
def reciprocal():
    """c' = 1 / c, c(0) = 3: Newton must not begin at zero."""
    return g.Problem(g.Time(t=(0, 8)), lambda c, t: g.diff(c, t) - 1 / c, [g.Initial(c=3)])


@case("logarithm_diffusion", "B2", lambda x: torch.exp(x * math.log(4.0)), tol=1e-6)
def logarithm_diffusion():
    """(u' / u)' = 0, u from 1 to 4."""
    return g.Problem(LINE, lambda u, x: g.diff(g.diff(u, x) / u, x), [g.Dirichlet(u=lambda x: 1 + 3 * x)])


add("residual_complex_system", "B2", partial(odd, lambda r, u, x: torch.complex(r.tensor, 0 * x.tensor)))
add("residual_none", "B2", partial(odd, lambda r, u, x: None))
add("residual_sign", "B2", partial(odd, lambda r, u, x: r + 0 * torch.sign(u)), SINE)
add("argument_triangle", "B2", lambda: g.Problem(g.Triangle((0, 0), (1, 0), (2, 0)), lambda u: g.laplacian(u)))
add("argument_interval", "B2", lambda: g.Problem(g.Interval(x=(0, math.nan)), lambda u, x: g.diff(u, x)))
add("argument_value", "B2", lambda: g.Problem(LINE, lambda u, x: g.diff(u, x), [g.Dirichlet(u=[1, 2])]))

# C: beyond what was reached


def faster_soliton(k):
    space = g.Interval(x=(-4, 6))
    domain = space * g.Time(t=(0, 0.3))
    slope = g.Condition(lambda u, x, t: g.diff(u, x) - soliton_slope(x, t, k), on=domain.face(x=6), name="slope")
    given = partial(soliton, k=k)
    return g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) + 6 * u * g.diff(u, x) + g.diff(u, x, x, x),
        [g.Dirichlet(u=given), slope, g.Initial(u=lambda x: given(x, 0 * x))],
    )


add("kdv_slow", "C2", partial(faster_soliton, 1.0), lambda x, t: soliton(x, t, 1.0), allowed=1e-4)
add("kdv_blocks", "C2", partial(faster_soliton, 1.5), lambda x, t: soliton(x, t, 1.5), allowed=1e-4, blocks=3)
add("warming_sphere_large", "C2", partial(warming_sphere, 1.0, 0.5), warming_exact(1.0), allowed=1e-4)
add("warming_sphere_tol", "C2", partial(warming_sphere, 0.1, 2.0), warming_exact(0.1), tol=1e-4)
WALL = (Layer(0.1, 0.8, 1700 * 840.0), Layer(0.05, 0.035, 30 * 1400.0), Layer(0.02, 0.5, 800 * 1000.0))
add("wall_three", "C2", partial(wall, WALL, 293.0, 263.0, 36000.0, 5.0), wall_exact(WALL, 293.0, 263.0, 5.0))
add(
    "wall_three_tol",
    "C2",
    partial(wall, WALL, 293.0, 263.0, 36000.0, 5.0),
    wall_exact(WALL, 293.0, 263.0, 5.0),
    tol=1e-5,
)


def vibration(x, t):
    omega = PI**2 * math.sqrt(2e11 * (1e-6 / 12 * 0.01) / (7800 * 1e-4))
    return 0.01 * SINE(x) * torch.cos(omega * t)


add("vibrating_short", "C2", partial(vibrating, 1.0), vibration, tol=1e-6)
add("vibrating_blocks", "C2", partial(vibrating, 3.0), vibration, blocks=3)
add("vortex_thin", "C2", partial(vortex, 0.01, 0.1), vortex_exact(0.01, 0.1))
add("vortex_blocks", "C2", vortex, vortex_exact(), blocks=2)


@case("neumann_disk", "C2")
def neumann_disk():
    """-lap u = f on a disk with balanced fluxes: a constant is free."""
    disk = g.Disk(center=(0, 0), radius=1)
    return g.Problem(disk, lambda u: g.laplacian(u) - 4, [g.Neumann(u=2)])


@case("neumann_patches", "C2", model=g.Mixture(components=50, patches=2), tol=1e-3)
def neumann_patches():
    return g.Problem(
        SQUARE, lambda u, x, y: g.laplacian(u) + 5 * PI**2 * torch.cos(PI * x) * torch.cos(2 * PI * y), [g.Neumann(u=0)]
    )


# E: as a new user would


def patch_source(x):
    inner = (x > 0.2) & (x < 0.45)
    return torch.where(inner, 3.0, 0.0)


def patch_exact(x):
    """u'' = -3 on (0.2, 0.45), 0 at both ends."""
    twice = 1.5 * (torch.clamp(x - 0.2, min=0) ** 2 - torch.clamp(x - 0.45, min=0) ** 2)
    return x * 1.5 * (0.8**2 - 0.55**2) - twice


def patch():
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) + patch_source(x), [g.Dirichlet(u=0)])


add("patch_source", "E2", patch, patch_exact)
add("patch_source_hard", "E2", patch, patch_exact, hard=True)
add("patch_source_patches", "E2", patch, patch_exact, model=g.Mixture(components=40, patches=5))
add("patch_source_tol", "E2", patch, patch_exact, tol=1e-4)


@case("kinked_source", "E2", lambda x, t: torch.abs(x - 0.5) ** 3 * torch.exp(-t), tol=1e-6)
def kinked_source():
    """Heat whose source has a kink along x = 1/2."""

    def equation(u, x, t):
        s = torch.abs(x - 0.5)
        return g.diff(u, t) - 0.1 * g.diff(u, x, x) + (s**3 + 0.6 * s) * torch.exp(-t)

    given = lambda x, t: torch.abs(x - 0.5) ** 3 * torch.exp(-t)  # noqa: E731
    return g.Problem(LINE * g.Time(t=(0, 1)), equation, [g.Dirichlet(u=given), g.Initial(u=lambda x: given(x, 0 * x))])


@case(
    "small_intermediate",
    "E2",
    initial_value(lambda t, y: [-y[0], y[0] - 1e4 * y[1], 1e4 * y[1]], [1.0, 0.0, 0.0], 5.0, ["a", "b", "c"], "Radau"),
    tol=1e-6,
)
def small_intermediate():
    """a -> b -> c with b of size 1e-4 and an initial layer."""
    return g.Problem(
        g.Time(t=(0, 5)),
        lambda a, b, c, t: (g.diff(a, t) + a, g.diff(b, t) - a + 1e4 * b, g.diff(c, t) - 1e4 * b),
        [g.Initial(a=1, b=0, c=0)],
    )


@case("small_field", "E2", lambda x: {"u": SINE(x), "v": 1e-8 * torch.sin(2 * PI * x)}, tol=1e-6)
def small_field():
    """Two fields, one of them 1e-8 of the other and driven by it."""

    def equations(u, v, x):
        f = 1e-8 * (4 * PI**2 * torch.sin(2 * PI * x) + SINE(x))
        return g.diff(u, x, x) + PI**2 * SINE(x), g.diff(v, x, x) - 1e-8 * u + f

    return g.Problem(LINE, equations, [g.Dirichlet(u=0, v=0)])


add("van_der_pol_long", "E2", partial(van_der_pol, 1.0, 40.0), van_der_pol_exact(1.0, 40.0), allowed=1e-5)
add("van_der_pol_blocks", "E2", partial(van_der_pol, 5.0, 20.0), van_der_pol_exact(5.0, 20.0), blocks=10, allowed=1e-4)


@case(
    "pendulum",
    "E2",
    initial_value(lambda t, y: [y[1], -math.sin(y[0])], [3.0, 0.0], 30.0, ["q", "p"]),
    allowed=1e-5,
)
def pendulum():
    """A pendulum begun near its upper rest."""
    return g.Problem(
        g.Time(t=(0, 30)),
        lambda q, p, t: (g.diff(q, t) - p, g.diff(p, t) + torch.sin(q)),
        [g.Initial(q=3.0, p=0.0)],
    )


add(
    "moving_source_narrow",
    "E2",
    partial(moving_source, 0.01),
    lambda x, t: torch.exp(-((x - 0.2 - 0.6 * t) ** 2) / 2e-4),
    tol=1e-4,
    time_limit=30,
)

# F: a second campaign

add(
    "checkpoint_other_hard",
    "F2",
    partial(poisson, 2.0),
    poisson_exact(2.0),
    solve=one_after_another(poisson, partial(poisson, 2.0), hard=True),
)
add(
    "checkpoint_other_patches",
    "F2",
    partial(poisson, 2.0),
    poisson_exact(2.0),
    solve=one_after_another(poisson, partial(poisson, 2.0), tol=1e-6, model=g.Mixture(components=30, patches=3)),
)
add(
    "checkpoint_other_heat",
    "F2",
    partial(heat, 3.0),
    heat_exact(3.0),
    solve=one_after_another(heat, partial(heat, 3.0), blocks=[0, 0.3, 1], tol=1e-4),
)
add("separate_ridges", "F2", slow_heat, slow_heat_exact, model=g.Mixture(components=150, active=1), tol=1e-3)


@case("separate_space", "F2", lambda x, y, z: SINE(x) * SINE(y) * SINE(z), model=g.Mixture(components=200, active=1))
def separate_space():
    cube = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
    return g.Problem(
        cube, lambda u, x, y, z: g.laplacian(u) + 3 * PI**2 * SINE(x) * SINE(y) * SINE(z), [g.Dirichlet(u=0)]
    )


add(
    "inference_hard",
    "F2",
    poisson,
    poisson_exact(),
    solve=within_context(torch.inference_mode, lambda: g.solve(poisson(), hard=True)),
)
add(
    "inference_blocks",
    "F2",
    heat,
    heat_exact(),
    solve=within_context(torch.inference_mode, lambda: g.solve(heat(), blocks=2, tol=1e-6)),
)
add("single_precision", "F2", poisson, poisson_exact(), dtype=torch.float32, tol=1e-3)
add("single_precision_fine", "F2", poisson, poisson_exact(), dtype=torch.float32, tol=1e-9)
