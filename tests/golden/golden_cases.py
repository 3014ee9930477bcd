"""Small solves of every kind, by name: each a function from a seed to solutions, by the public interface alone.

Their digits are recorded by ``golden_record.py``. No case depends on the clock, and models and methods are given
wherever a default might change.
"""

import contextlib
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import gmnm_pde as g
from gmnm_pde import registry

PI = math.pi
LINE = g.Interval(x=(0, 1))
FEW = {"interior": 60, "boundary": 2}

CASES: dict[str, Callable[[int], list]] = {}
"""What each seed gives under each name: a list of solutions, or of spectra."""

ALIKE: set[str] = set()
"""Cases whose solutions come in pairs of the same digits: stopped and gone on with, and left alone."""


def case(make: Callable[[int], Any]) -> Callable[[int], list]:
    """Put a function among the cases, under its name; global random numbers follow the seed and are left alone."""

    def solved(seed: int) -> list:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found = make(seed)
        return found if isinstance(found, list) else [found]

    CASES[make.__name__] = solved
    return solved


def resumed(make: Callable[[int], list]) -> Callable[[int], list]:
    """As ``case``, for one solve that was stopped and gone on with, and the same solve left alone."""
    ALIKE.add(make.__name__)
    return case(make)


# Problems


def line(**changes):
    """Poisson's equation in one dimension."""
    parts = {
        "domain": g.Interval(x=(-1, 1)),
        "equations": lambda u, x: g.diff(u, x, x) + PI**2 * torch.sin(PI * x),
        "conditions": [g.Dirichlet(u=0)],
        "exact": lambda x: torch.sin(PI * x),
        "name": "line",
    }
    return g.Problem(**{**parts, **changes})


def bratu(strength=3.0):
    """u'' + s exp(u) = 0: u = 2 log(cosh(c / 4) / cosh(c (x - 1/2) / 2)), c = sqrt(2 s) cosh(c / 4)."""
    c = 0.0
    for _ in range(200):
        c = math.sqrt(2 * strength) * math.cosh(c / 4)

    def exact(x):
        return 2 * torch.log(math.cosh(c / 4) / torch.cosh(c * (x - 0.5) / 2))

    return g.Problem(
        LINE,
        lambda u, s: g.diff(u, "x", "x") + s * torch.exp(u),
        [g.Dirichlet(u=0)],
        constants={"s": strength},
        exact=exact,
        name="bratu",
    )


def layered(eps):
    """Ascher's layer problem: the solution turns within eps of somewhere inside."""
    ends = g.Dirichlet(u=lambda x: torch.where(x < 0.5, -7 / 6 + 0 * x, 1.5 + 0 * x))
    return g.Problem(
        LINE,
        lambda u, eps: eps * g.diff(u, "x", "x") + u * g.diff(u, "x") - u,
        [ends],
        constants={"eps": eps},
        name="layered",
    )


def cubic():
    """u'' = u^3 + f in one dimension, with f such that u = exp(x) sin(15 pi x)."""
    wave = 15 * PI

    def exact(x):
        return torch.exp(x) * torch.sin(wave * x)

    def bent(x):
        return torch.exp(x) * ((1 - wave**2) * torch.sin(wave * x) + 2 * wave * torch.cos(wave * x))

    return g.Problem(
        LINE,
        lambda u, x: g.diff(u, x, x) - u**3 - bent(x) + exact(x) ** 3,
        [g.Dirichlet(u=exact)],
        exact=exact,
        name="cubic",
    )


def front(sharp):
    """A front across the middle of a line, ``2 sharp`` wide, which no coefficient foretells."""

    def exact(x):
        return torch.tanh(x / sharp) + x

    def bent(x):
        return -2 * torch.tanh(x / sharp) / torch.cosh(x / sharp) ** 2 / sharp**2

    return g.Problem(
        g.Interval(x=(-1, 1.3)),
        lambda u, x: g.diff(u, x, x) - bent(x),
        [g.Dirichlet(u=exact)],
        exact=exact,
        name="front",
    )


def waves():
    """Many waves on a long line."""
    long = g.Interval(x=(0, 90))
    start = g.Dirichlet(u=0, on=long.face(x=0))
    return g.Problem(
        long, lambda u, x: g.diff(u, x) - torch.cos(x), [start], exact=lambda x: torch.sin(x), name="waves"
    )


def laplace_on(domain):
    """Laplace's equation with exp(x) cos(y) as its solution."""
    return g.Problem(
        domain,
        lambda u: g.laplacian(u),
        [g.Dirichlet(u=lambda x, y: torch.exp(x) * torch.cos(y))],
        exact=lambda x, y: torch.exp(x) * torch.cos(y),
        name="laplace",
    )


def reaction():
    """A heat equation with a cubic reaction, whose solution is exp(-t) sin(pi x)."""

    def exact(x, t):
        return torch.exp(-t) * torch.sin(PI * x)

    return g.Problem(
        LINE * g.Time(t=(0, 1)),
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) + u**3 - (PI**2 - 1) * exact(x, t) - exact(x, t) ** 3,
        [g.Dirichlet(u=0), g.Initial(u=lambda x: torch.sin(PI * x))],
        exact=exact,
        name="reaction",
    )


# One mixture


@case
def mixture(seed):
    return g.solve(registry.load("poisson"), "gmnm", g.LeastSquares(), seed=seed)


@case
def mixture_tol(seed):
    return g.solve(registry.load("poisson"), "gmnm", g.LeastSquares(), tol=1e-6, seed=seed)


@case
def mixture_components(seed):
    return g.solve(registry.load("poisson"), g.Mixture(components=150), seed=seed)


@case
def mixture_components_and_widths(seed):
    poisson = registry.load("poisson")
    forms = ("affine", "diagonal", "full")
    return [g.solve(poisson, g.Mixture(components=100, widths=1.4, form=form), seed=seed) for form in forms]


@case
def one_dimension(seed):
    problem = registry.load("poisson", dimension=1, wave_number=4)
    return g.solve(problem, "gmnm", g.LeastSquares(), tol=1e-7, seed=seed)


@case
def three_dimensions(seed):
    return g.solve(registry.load("poisson", dimension=3), g.Mixture(components=250), seed=seed)


@case
def five_dimensions(seed):
    return g.solve(registry.load("poisson_nd", dimension=5), g.Mixture(components=30), seed=seed)


@case
def four_dimensions(seed):
    return g.solve(registry.load("heat_nd", dimension=3), g.Mixture(components=100), seed=seed)


@case
def periodic(seed):
    return g.solve(registry.load("advection"), "gmnm", g.LeastSquares(), tol=1e-3, seed=seed)


@case
def single_precision(seed):
    return g.solve(registry.load("poisson"), g.Mixture(components=120), dtype=torch.float32, seed=seed)


@case
def points_and_weights(seed):
    poisson, model = registry.load("poisson"), g.Mixture(components=80, widths=1.2)
    points = {"interior": 400, "boundary": 90}
    return g.solve(poisson, model, points=points, weights={"boundary": 10.0}, seed=seed)


@case
def shapes(seed):
    square = g.Rectangle(x=(-1, 1), y=(-1, 1))
    corners = [(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)]
    domains = (g.Disk(center=(0, 0), radius=1), g.Polygon(corners), square - g.Disk(center=(0.3, 0.2), radius=0.5))
    return [g.solve(laplace_on(domain), g.Mixture(components=60, widths=0.8), seed=seed) for domain in domains]


@case
def hard(seed):
    model = g.Mixture(components=120)
    return [g.solve(registry.load(name), model, hard=True, seed=seed) for name in ("poisson", "heat")]


@case
def hard_periodic(seed):
    return g.solve(registry.load("advection"), g.Mixture(components=100), hard="periodic", seed=seed)


# Newton's method


@case
def newton(seed):
    return g.solve(bratu(), "gmnm", g.LeastSquares(), seed=seed)


@case
def newton_tol(seed):
    return g.solve(cubic(), "gmnm", g.LeastSquares(), tol=3e-8, seed=seed)


@case
def newton_components(seed):
    return g.solve(registry.load("nonlinear_poisson"), g.Mixture(components=60), seed=seed)


@case
def system(seed):
    return g.solve(registry.load("kovasznay"), g.Mixture(components=80, widths=1.2), seed=seed)


@case
def continuation_by_a_constant(seed):
    return g.solve(bratu(), g.Mixture(components=12), continuation={"s": (0.5, 1.5)}, seed=seed)


@case
def continuation_by_diffusion(seed):
    return g.solve(layered(0.05), "gmnm", g.LeastSquares(), tol=1e-4, continuation=True, seed=seed)


@case
def continuation_by_itself(seed):
    return g.solve(layered(0.01), g.Mixture(components=30), seed=seed)


# Data


@case
def unknown_scalar(seed):
    return g.solve(registry.load("inverse_heat"), g.Mixture(components=100), seed=seed)


@case
def noisy_scalar(seed):
    return g.solve(registry.load("inverse_heat", noise=0.05, seed=seed), g.Mixture(components=80), seed=seed)


def noisy_field(seed, smoothing):
    """A coefficient from noisy values."""
    problem = registry.load("poisson_inverse", noise=0.1, seed=seed)
    return g.solve(problem, g.Mixture(components=60), smoothing=smoothing, seed=seed)


@case
def noisy_field_discrepancy(seed):
    return noisy_field(seed, "discrepancy")


@case
def noisy_field_cross_validation(seed):
    return noisy_field(seed, "cross-validation")


@case
def noisy_field_smoothing(seed):
    return noisy_field(seed, 0.3)


# Patches and blocks


@case
def patches(seed):
    return g.solve(registry.load("poisson"), g.Mixture(components=30, widths=0.8, patches=2), seed=seed)


@case
def patches_of_several_sizes(seed):
    bounds = [(-1.0, 1.0), (-1.0, 1.0)]
    partition = g.Partition.even((2, 2), bounds).split([(0, (0, 1)), (3, (0,))])
    return g.solve(registry.load("poisson"), g.Mixture(components=24, patches=partition), seed=seed)


@case
def patches_that_grow(seed):
    return g.solve(waves(), g.Mixture(patches=3), tol=1e-8, seed=seed)


@case
def patches_newton(seed):
    model = g.Mixture(components=24, widths=0.8, patches=2)
    return g.solve(registry.load("nonlinear_poisson"), model, seed=seed)


@case
def patches_by_themselves(seed):
    problem = registry.load("boundary_layer", eps=1e-3)
    return g.solve(problem, "gmnm", g.LeastSquares(), tol=1e-5, seed=seed)


@case
def boxes_newton_by_themselves(seed):
    return g.solve(layered(0.02), "gmnm", g.LeastSquares(), tol=3e-3, seed=seed)


@case
def patches_halved(seed):
    return g.solve(front(0.02), "gmnm", g.LeastSquares(), tol=2e-4, seed=seed)


@case
def blocks(seed):
    return g.solve(registry.load("heat"), g.Mixture(components=60, widths=0.6), blocks=2, tol=1e-4, seed=seed)


@case
def blocks_newton(seed):
    return g.solve(reaction(), g.Mixture(components=50, widths=0.6), blocks=2, tol=1e-3, seed=seed)


@case
def blocks_of_any_length(seed):
    return g.solve(registry.load("lotka_volterra", end=8), "gmnm", g.LeastSquares(), blocks=True, tol=1e-4, seed=seed)


@case
def blocks_by_themselves(seed):
    return g.solve(registry.load("lotka_volterra", end=20), "gmnm", g.LeastSquares(), tol=1e-4, seed=seed)


# Eigenvalues


@case
def modes(seed):
    return g.eigenmodes(registry.load("membrane"), 3, g.Mixture(components=80), seed=seed)


@case
def modes_tol(seed):
    return g.eigenmodes(registry.load("membrane", shape="disk"), 3, tol=1e-8, seed=seed)


@case
def modes_hard(seed):
    return g.eigenmodes(registry.load("membrane"), 2, g.Mixture(components=60), hard=True, seed=seed)


@case
def modes_on_patches(seed):
    corner = registry.load("membrane", shape="l_shape")
    return g.eigenmodes(corner, 2, g.Mixture(components=20, widths=0.6), tol=1e-1, seed=seed)


# Training


def mlp():
    """A small network."""
    return g.MLP([1, 12, 1])


@case
def adam(seed):
    methods = (g.Adam(60, lr=1e-2), g.Adam(60, lr=1e-2, schedule="cosine", batch=20), g.Adam(60, lr=1e-2, patience=50))
    return [g.solve(line(), mlp(), method, points=FEW, seed=seed) for method in methods]


@case
def soap(seed):
    return g.solve(line(), g.KAN([1, 4, 1]), g.SOAP(40), points=FEW, seed=seed)


@case
def lbfgs(seed):
    return g.solve(line(), mlp(), g.LBFGS(15), points=FEW, seed=seed)


@case
def self_scaled(seed):
    return g.solve(line(), mlp(), g.SelfScaled(15), points=FEW, seed=seed)


@case
def gauss_newton(seed):
    return g.solve(line(), g.GMNM(1, 1, 10), g.GaussNewton(6), points=FEW, seed=seed)


@case
def gauss_newton_eliminate(seed):
    network, points = g.MLP([2, 6, 1]), {"interior": 200, "boundary": 80}
    return g.solve(registry.load("heat"), network, g.GaussNewton(5, eliminate=True), points=points, seed=seed)


@case
def gauss_newton_of_any_module(seed):
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    points = {"interior": 100, "boundary": 40}
    return g.solve(registry.load("nonlinear_poisson"), module, g.GaussNewton(5), points=points, seed=seed)


@case
def methods_in_order(seed):
    return g.solve(line(), mlp(), [g.Adam(60, lr=1e-2), g.LeastSquares()], points=FEW, seed=seed)


@case
def weights_that_adapt(seed):
    weightings = (g.GradientNorm(every=10), g.ReLoBRaLo(), g.SelfAdaptive())
    return [g.solve(line(), mlp(), g.Adam(50, lr=1e-2), points=FEW, weights=one, seed=seed) for one in weightings]


@case
def weights_that_follow_time(seed):
    network, points = g.MLP([2, 8, 1]), {"interior": 100, "boundary": 40}
    return g.solve(registry.load("heat"), network, g.Adam(50, lr=1e-2), points=points, weights=g.Causal(), seed=seed)


@case
def points_that_move(seed):
    movings = (g.Resampling(40, 2, every=20), g.ResidualAdaptive(40, 2, every=20))
    return [g.solve(line(), mlp(), g.Adam(50, lr=1e-2), points=one, seed=seed) for one in movings]


@case
def training_with_a_scalar(seed):
    network, points = g.MLP([2, 8, 1]), {"interior": 100, "boundary": 40}
    return g.solve(registry.load("inverse_heat"), network, g.GaussNewton(5), points=points, seed=seed)


@case
def readout_of_a_given_model(seed):
    return g.solve(registry.load("poisson"), g.GMNM(2, 1, 120), g.LeastSquares(), seed=seed)


@case
def readout_of_a_network(seed):
    return g.solve(registry.load("nonlinear_poisson"), g.MLP([2, 60, 1]), g.LeastSquares(), seed=seed)


# Stopped and gone on with


class Stop(Exception):
    """Out of the middle of a solve."""


class Stopper:
    """A clock and a listener that stop a solve at a row of its history, once its file is there.

    The clock stands still but for each row, at which it jumps: what is written now and then is written at each row.
    """

    def __init__(self, path: Path, rows: int):
        self._path, self._rows, self._now = path, rows, 0.0

    def clock(self) -> float:
        return self._now

    def listen(self, news: Any) -> None:
        if "residual" not in news.figures:
            return
        self._now += 100.0
        self._rows -= 1
        if self._rows <= 0 and self._path.exists():
            raise Stop


def stopped_and_alone(solve: Callable[..., Any], *rows: int) -> list:
    """A solve that was stopped so many times, each after so many rows, and gone on with; and one left alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.safetensors"
        for count in rows:
            stopper = Stopper(path, count)
            with mock.patch("time.monotonic", stopper.clock), contextlib.suppress(Stop):
                solve(checkpoint=path, callback=stopper.listen)
                raise AssertionError("the solve was over before it was stopped")
        return [solve(checkpoint=path), solve()]


@resumed
def resumed_mixture(seed):
    problem = registry.load("poisson")
    return stopped_and_alone(lambda **file: g.solve(problem, "gmnm", tol=1e-6, seed=seed, **file), 2, 1)


@resumed
def resumed_newton(seed):
    return stopped_and_alone(lambda **file: g.solve(cubic(), "gmnm", tol=3e-8, seed=seed, **file), 1)


@resumed
def resumed_blocks(seed):
    problem, model = registry.load("heat"), g.Mixture(components=60, widths=0.6)
    return stopped_and_alone(lambda **file: g.solve(problem, model, blocks=3, tol=1e-4, seed=seed, **file), 1, 1)


@resumed
def resumed_training(seed):
    """Stopped in the middle of the first method, and again in the second."""
    network, methods = mlp(), [g.Adam(110, lr=1e-2), g.GaussNewton(20)]
    moving, weighting = g.ResidualAdaptive(40, 2, every=20), g.ReLoBRaLo(every=5)

    def solve(**file):
        return g.solve(line(), network, methods, points=moving, weights=weighting, seed=seed, **file)

    return stopped_and_alone(solve, 3, 3)


@resumed
def resumed_methods(seed):
    """Each method stopped in its middle."""
    methods = (g.Adam(110, lr=1e-2, batch=20, schedule="cosine"), g.SOAP(110), g.LBFGS(14), g.SelfScaled(14))
    network, found = mlp(), []
    for method in (*methods, g.GaussNewton(14)):

        def solve(method=method, **file):
            weighting = g.SelfAdaptive()
            return g.solve(line(), network, method, points=FEW, weights=weighting, seed=seed, **file)

        found += stopped_and_alone(solve, 3)
    return found
