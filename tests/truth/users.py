"""Section E of the reports: tried as a new user would, after the example collections of other packages."""

import math
from functools import partial

import numpy as np
import torch
from scipy.integrate import solve_ivp

import gmnm_pde as g
from truth.case import add, case
from truth.hidden import L_EXACT
from truth.references import initial_value
from truth.silent import LINE, PI, SINE, SQUARE

# A source on half of the line


def half_source(x):
    return x / 8 - torch.clamp(x - 0.5, min=0) ** 2 / 2


def half_loaded():
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) + torch.where(x > 0.5, 1.0, 0.0), [g.Dirichlet(u=0)])


for _seed in range(4):
    add(f"half_source_{_seed}", "E", half_loaded, half_source, seed=_seed)
add("half_source_tol", "E", half_loaded, half_source, tol=1e-3)

# Equations in time


@case(
    "robertson",
    "E",
    initial_value(
        lambda t, y: [
            -0.04 * y[0] + 1e4 * y[1] * y[2],
            0.04 * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2,
            3e7 * y[1] ** 2,
        ],
        [1.0, 0.0, 0.0],
        40.0,
        ["a", "b", "c"],
        "Radau",
    ),
    tol=1e-6,
)
def robertson():
    def equations(a, b, c, t):
        first, second, third = 0.04 * a, 1e4 * b * c, 3e7 * b**2
        return g.diff(a, t) + first - second, g.diff(b, t) - first + second + third, g.diff(c, t) - third

    return g.Problem(g.Time(t=(0, 40)), equations, [g.Initial(a=1, b=0, c=0)])


def prey_rates(t, y):
    return [2 * y[0] - 8 * y[0] * y[1], 4 * y[0] * y[1] - 1.06 * y[1]]


def prey():
    return g.Problem(
        g.Time(t=(0, 20)),
        lambda r, p, t: (g.diff(r, t) - 2 * r + 8 * r * p, g.diff(p, t) - 4 * r * p + 1.06 * p),
        [g.Initial(r=0.5, p=0.075)],
    )


PREY = initial_value(prey_rates, [0.5, 0.075], 20.0, ["r", "p"])
add("prey", "E", prey, PREY)
add("prey_blocks", "E", prey, PREY, blocks=20)


def van_der_pol(mu, end):
    return g.Problem(
        g.Time(t=(0, end)),
        lambda u, t: g.diff(u, t, t) - mu * (1 - u**2) * g.diff(u, t) + u,
        [g.Initial(u=2), g.Initial(u=0, order=1)],
    )


def van_der_pol_exact(mu, end):
    rates = lambda t, y: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]  # noqa: E731
    both = initial_value(rates, [2.0, 0.0], end, ["u", "v"], "Radau" if mu > 10 else "DOP853")
    return lambda t: {"u": both(t)["u"]}


for _mu, _end in ((5.0, 20.0), (20.0, 50.0)):
    add(f"van_der_pol_{_mu:g}", "E", partial(van_der_pol, _mu, _end), van_der_pol_exact(_mu, _end), allowed=1e-5)


def moving(x, t, width=0.02):
    return torch.exp(-((x - 0.2 - 0.6 * t) ** 2) / (2 * width**2))


def moving_source(width=0.02):
    """u_t = 0.01 u_xx + f with u a Gaussian that moves from 0.2 to 0.8."""

    def equation(u, x, t):
        z = (x - 0.2 - 0.6 * t) / width
        f = torch.exp(-(z**2) / 2) * (0.6 * z / width - 0.01 * (z**2 - 1) / width**2)
        return g.diff(u, t) - 0.01 * g.diff(u, x, x) - f

    given = partial(moving, width=width)
    return g.Problem(LINE * g.Time(t=(0, 1)), equation, [g.Dirichlet(u=given), g.Initial(u=lambda x: given(x, 0 * x))])


add("moving_source", "E", moving_source, moving, tol=1e-6, time_limit=30, allowed=1e-5)


@case("moving_source_2d", "E", lambda x, y, t: moving_2d(x, y, t), tol=1e-3, time_limit=40)
def moving_source_2d():
    def equation(u, x, y, t):
        a, b = (x - 0.25 - 0.5 * t) / 0.05, (y - 0.5) / 0.05
        f = moving_2d(x, y, t) * (0.5 * a / 0.05 - 0.01 * (a**2 + b**2 - 2) / 0.05**2)
        return g.diff(u, t) - 0.01 * g.laplacian(u) - f

    return g.Problem(
        SQUARE * g.Time(t=(0, 1)),
        equation,
        [g.Dirichlet(u=moving_2d), g.Initial(u=lambda x, y: moving_2d(x, y, 0 * x))],
    )


def moving_2d(x, y, t):
    return torch.exp(-((x - 0.25 - 0.5 * t) ** 2 + (y - 0.5) ** 2) / (2 * 0.05**2))


# Data and parameters


def lorenz(noise, declared):
    """The parameters of Lorenz' equations from 25 times to t = 3."""
    times = np.linspace(0.12, 3, 25)
    right = solve_ivp(
        lambda t, y: [10 * (y[1] - y[0]), y[0] * (15 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]],
        (0, 3),
        [-8.0, 7.0, 27.0],
        rtol=1e-11,
        atol=1e-12,
        t_eval=times,
    ).y
    values = right + noise * np.random.default_rng(3).normal(size=right.shape)
    x, y, z = torch.as_tensor(values)

    def equations(x, y, z, t, s, r, b):
        return g.diff(x, t) - s * (y - x), g.diff(y, t) - x * (r - z) + y, g.diff(z, t) - x * y + b * z

    return g.Problem(
        g.Time(t=(0, 3)),
        equations,
        [
            g.Initial(x=-8.0, y=7.0, z=27.0),
            g.Observations(torch.as_tensor(times)[:, None], x=x, y=y, z=z, noise=declared),
        ],
        fields=("x", "y", "z"),
        parameters={"s": 1.0, "r": 1.0, "b": 1.0},
    )


LORENZ = {"s": (10.0, 0.3), "r": (15.0, 0.3), "b": (8 / 3, 0.1)}
add("lorenz_noise_declared", "E", partial(lorenz, 0.1, 0.1), scalars=LORENZ)
add("lorenz_noise_undeclared", "E", partial(lorenz, 0.1, None), scalars=LORENZ)


def cramer_rao(noise=0.02, rate=1.5):
    """The deviation of a decay's rate beside the bound of Cramer and Rao; a word where they differ by over 30 %."""
    times = torch.linspace(0.1, 2, 20, dtype=torch.float64)
    right = torch.exp(-rate * times)
    values = right + noise * torch.randn(20, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    data = g.Observations(times[:, None], u=values, noise=noise)
    problem = g.Problem(
        g.Time(t=(0, 2)), lambda u, t, k: g.diff(u, t) + k * u, [g.Initial(u=1), data], parameters={"k": 1.0}
    )
    solution = g.solve(problem)
    bound = noise / (times * right).norm().item()
    stated = solution.report.estimates["k"]
    off = abs(solution.parameters["k"] - rate)
    if not 0.7 < stated / bound < 1.4 or off > 4 * bound:
        return f"SILENT: k off by {off:.1e}, stated {stated:.1e}, Cramer-Rao {bound:.1e}"
    return ""


add("noise_cramer_rao", "E", None, solve=cramer_rao)


@case("brinkman", "E", scalars={"nu_e": (1e-3, 1e-5), "K": (1e-3, 1e-5)})
def brinkman():
    """Brinkman's and Forchheimer's flow: viscosity and permeability from eight values."""
    nu, eps, r = 1e-3, 0.4, math.sqrt(1e-3 * 0.4 / (1e-3 * 1e-3))
    places = torch.tensor([0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95], dtype=torch.float64)
    values = 1e-3 / nu * (1 - torch.cosh(r * (places - 0.5)) / math.cosh(r / 2))
    return g.Problem(
        LINE,
        lambda u, x, nu_e, K: -nu_e / eps * g.diff(u, x, x) + nu * u / K - 1,
        [g.Dirichlet(u=0), g.Observations(places[:, None], u=values)],
        parameters={"nu_e": 0.1, "K": 0.1},
    )


# Solutions and models that are used again


@case("solution_as_coefficient", "E", SINE)
def solution_as_coefficient():
    """((1 + x^2) u')' = f with 1 + x^2 a solution of its own."""
    k = g.solve(g.Problem(LINE, lambda k, x: k - 1 - x**2), tol=1e-10)

    def equation(u, x):
        f = 2 * x * PI * torch.cos(PI * x) - (1 + x**2) * PI**2 * torch.sin(PI * x)
        return g.diff(k(x) * g.diff(u, x), x) - f

    return g.Problem(LINE, equation, [g.Dirichlet(u=0)])


def plain():
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) + PI**2 * SINE(x), [g.Dirichlet(u=0)], exact=SINE)


def gone_on_with():
    """A trained model that is given to another solve goes on from where it was."""
    torch.manual_seed(0)
    first = g.solve(plain(), g.MLP([1, 12, 1]), g.GaussNewton(steps=40), points=60)
    second = g.solve(plain(), first.model, g.GaussNewton(steps=2), points=60)
    before, after = first.report.relative_l2, second.report.relative_l2
    return "" if after <= 2 * before else f"SILENT: from {before:.1e} to {after:.1e}"


def outside():
    """A point outside the domain gets nan or a refusal."""
    value = float(g.solve(plain(), tol=1e-6)(3.0))
    return "" if math.isnan(value) else f"SILENT: {value:.3g} outside the domain"


add("model_again", "E", None, solve=gone_on_with)
add("outside", "E", None, solve=outside)


def stokes():
    """Stokes' equations with the pressure pinned at a corner."""
    right = stokes_exact
    pin = g.Observations([[0.0, 0.0]], p=[1.0])

    def equations(u, v, p, x, y):
        return {
            "x": -g.laplacian(u) + g.diff(p, x) - _force(x, y)[0],
            "y": -g.laplacian(v) + g.diff(p, y) - _force(x, y)[1],
            "mass": g.diff(u, x) + g.diff(v, y),
        }

    walls = g.Dirichlet(u=lambda x, y: right(x, y)["u"], v=lambda x, y: right(x, y)["v"])
    return g.Problem(SQUARE, equations, [walls, pin])


def stokes_exact(x, y):
    return {
        "u": torch.sin(PI * x) * torch.cos(PI * y),
        "v": -torch.cos(PI * x) * torch.sin(PI * y),
        "p": torch.exp(x + y),
    }


def _force(x, y):
    u, v, p = (stokes_exact(x, y)[name] for name in "uvp")
    return 2 * PI**2 * u + p, 2 * PI**2 * v + p


add("pressure_pinned", "E", stokes, stokes_exact, tol=1e-6)
add("pressure_pinned_patches", "E", stokes, stokes_exact, model=g.Mixture(components=60, patches=3))


@case("equal_domain", "E", lambda x, t: SINE(x) * torch.exp(-t), blocks=2, tol=1e-6)
def equal_domain():
    """Faces of a domain that is built anew are faces of the problem's own."""

    def domain():
        return g.Interval(x=(0, 1)) * g.Time(t=(0, 1))

    def equation(u, x, t):
        return g.diff(u, t) - g.diff(u, x, x) / PI**2

    ends = [g.Dirichlet(u=0, on=domain().face(x=0)), g.Dirichlet(u=0, on=domain().face(x=1))]
    return g.Problem(domain(), equation, [*ends, g.Initial(u=SINE)])


add("limit_l_shape", "E", lambda: g.registry.load("l_shape"), L_EXACT, tol=1e-6, time_limit=20)
