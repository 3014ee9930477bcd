"""Does a time limit hold, for every kind of solve?

python examples/benchmarks/time_limits.py                # every kind with one second, two minutes on one core
python examples/benchmarks/time_limits.py --limit 10     # with more time
python examples/benchmarks/time_limits.py --only modes   # kinds whose name holds the word
python examples/benchmarks/time_limits.py --words        # with the reasons in full

A limit holds where the answer is there within a tenth of it and one second more.
"""

import argparse
import math
import time
import warnings
from collections.abc import Callable

import torch

import gmnm_pde as g
from gmnm_pde.geometry import Domain

torch.set_num_threads(1)
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
CORNER = g.Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
PACMAN = g.Disk(center=(0, 0), radius=1) - g.Rectangle(x=(0, 2), y=(0, 2))


def sines(waves: float = 1.0, domain: Domain = SQUARE) -> g.Problem:
    """Poisson's equation with a product of sines as its solution."""
    k = waves * math.pi

    def exact(x, y):
        return torch.sin(k * x) * torch.sin(k * y)

    return g.Problem(
        domain, lambda u, x, y: g.laplacian(u) + 2 * k**2 * exact(x, y), [g.Dirichlet(u=exact)], exact=exact
    )


def bratu() -> g.Problem:
    return g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) + 2 * torch.exp(u), [g.Dirichlet(u=0)])


def sharp_front() -> g.Problem:
    """A nonlinear problem whose Newton steps on patches are long."""

    def exact(x, y):
        return torch.tanh(20 * (x + y - 1))

    def equation(u, x, y):
        t = exact(x, y)
        return g.laplacian(u) - u**3 + t**3 + 1600 * t * (1 - t**2)

    return g.Problem(SQUARE, equation, [g.Dirichlet(u=exact)], exact=exact)


def modes_on(domain: Domain) -> g.Problem:
    return g.Problem(domain, lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=0)], parameters={"k": 0.0})


def moving_source() -> g.Problem:
    domain = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))

    def heat(u, x, t):
        return g.diff(u, "t") - 0.1 * g.diff(u, "x", "x") - torch.exp(-(((x - 0.2 - 0.6 * t) / 0.02) ** 2))

    return g.Problem(domain, heat, [g.Initial(u=0), g.Dirichlet(u=0)])


def shell() -> g.Problem:
    domain = g.SphericalShell(center=(0, 0, 0), inner=0.3, outer=1.0)
    inner = domain.boundary.where(lambda x, y, z: x**2 + y**2 + z**2 < 0.4)
    outer = domain.boundary.where(lambda x, y, z: x**2 + y**2 + z**2 > 0.4)
    sides = [g.Dirichlet(u=0, on=inner), g.Neumann(u=0, on=outer)]
    return g.Problem(domain, lambda u: g.laplacian(u) + 1, sides)


def cube_without_an_eighth() -> g.Problem:
    box = g.Box(x=(-1, 1), y=(-1, 1), z=(-1, 1)) - g.Box(x=(0, 2), y=(0, 2), z=(0, 2))
    return g.Problem(box, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)])


def network(width: int) -> g.MLP:
    torch.manual_seed(0)
    return g.MLP([2, width, width, 1]).to(torch.float64)


def drawn(components: int) -> torch.nn.Module:
    return g.Mixture(components=components).draw(2, 1, components, (3.0, 3.0), seed=0)


def noisy() -> g.Problem:
    return g.registry.load("poisson_inverse", noise=0.1)


Solve = Callable[[float], g.Solution | g.Spectrum]
KINDS: dict[str, Solve] = {
    "one mixture": lambda t: g.solve(sines(), tol=1e-13, time_limit=t),
    "one mixture without tol": lambda t: g.solve(sines(4), time_limit=t),
    "four waves": lambda t: g.solve(sines(8), tol=1e-8, time_limit=t),
    "mixture of 2500": lambda t: g.solve(sines(), g.Mixture(components=2500), time_limit=t),
    "mixture of 2500, widths given": lambda t: g.solve(sines(), g.Mixture(components=2500, widths=3.0), time_limit=t),
    "given model of 2500": lambda t: g.solve(sines(), drawn(2500), time_limit=t),
    "Newton, one mixture": lambda t: g.solve(bratu(), tol=1e-13, time_limit=t),
    "Newton, mixture of 2500": lambda t: g.solve(bratu(), g.Mixture(components=2500), time_limit=t),
    "patches": lambda t: g.solve(sines(4), g.Mixture(patches=4), tol=1e-12, time_limit=t),
    "patches, 20 by 20": lambda t: g.solve(sines(4), g.Mixture(components=150, patches=20), time_limit=t),
    "Newton on patches": lambda t: g.solve(sharp_front(), g.Mixture(patches=4), tol=1e-10, time_limit=t),
    "Newton on patches, hard": lambda t: g.solve(
        sharp_front(), g.Mixture(patches=5), tol=1e-10, hard=True, time_limit=t
    ),
    "patches in space": lambda t: g.solve(cube_without_an_eighth(), tol=1e-3, time_limit=t),
    "spherical shell": lambda t: g.solve(shell(), tol=1e-6, time_limit=t),
    "patches in space by hand": lambda t: g.solve(cube_without_an_eighth(), g.Mixture(patches=3), time_limit=t),
    "L-shape": lambda t: g.solve(g.registry.load("l_shape"), tol=1e-6, time_limit=t),
    "six coordinates": lambda t: g.solve(g.registry.load("poisson_nd", dimension=6), time_limit=t),
    "three fields": lambda t: g.solve(g.registry.load("cavity"), time_limit=t),
    "blocks": lambda t: g.solve(moving_source(), time_limit=t),
    "blocks by hand": lambda t: g.solve(g.registry.load("burgers"), blocks=20, tol=1e-9, time_limit=t),
    "continuation": lambda t: g.solve(g.registry.load("burgers"), continuation=True, time_limit=t),
    "noisy data": lambda t: g.solve(noisy(), time_limit=t),
    "noisy data, cross-validation": lambda t: g.solve(noisy(), smoothing="cross-validation", time_limit=t),
    "modes, square": lambda t: g.eigenmodes(modes_on(SQUARE), time_limit=t),
    "modes, L-shape": lambda t: g.eigenmodes(modes_on(CORNER), count=6, tol=1e-8, time_limit=t),
    "modes, disk without a quarter": lambda t: g.eigenmodes(modes_on(PACMAN), count=6, tol=1e-8, time_limit=t),
    "modes, 2000 components": lambda t: g.eigenmodes(modes_on(SQUARE), model=g.Mixture(components=2000), time_limit=t),
    "Adam": lambda t: g.solve(sines(), network(40), g.Adam(steps=10**6), points=20_000, time_limit=t),
    "SOAP": lambda t: g.solve(sines(), network(40), g.SOAP(steps=10**6), points=5_000, time_limit=t),
    "L-BFGS, 20,000 points": lambda t: g.solve(sines(), network(20), g.LBFGS(10**5), points=20_000, time_limit=t),
    "Gauss-Newton, 2,206": lambda t: g.solve(sines(), network(45), g.GaussNewton(10**4), time_limit=t),
    "Gauss-Newton, eliminated": lambda t: g.solve(
        sines(), network(45), g.GaussNewton(10**4, eliminate=True), time_limit=t
    ),
    "self-scaled": lambda t: g.solve(sines(), network(45), g.SelfScaled(10**5), time_limit=t),
    "a list of methods": lambda t: g.solve(
        sines(), network(30), [g.Adam(steps=200), g.LBFGS(200), g.GaussNewton(10**4), g.LeastSquares()], time_limit=t
    ),
    "networks by default": lambda t: g.solve(sines(), "mlp", time_limit=t),
}


def main() -> None:
    """Print the table as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=1.0, help="seconds for each solve")
    parser.add_argument("--only", default="", help="only kinds whose name holds this")
    parser.add_argument("--words", action="store_true", help="print the reasons in full")
    options = parser.parse_args()
    warnings.simplefilter("ignore", g.NumericalWarning)
    for method in (None, g.Adam(steps=1)):  # what is loaded once
        g.solve(sines(), g.Mixture(components=40), method, time_limit=60)
    print("| kind | limit | seconds | holds | error estimate | status | how it ended |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    held = []
    for name, solve in KINDS.items():
        if options.only not in name:
            continue
        started = time.monotonic()
        found = solve(options.limit)
        seconds = time.monotonic() - started
        held.append(seconds <= 1.1 * options.limit + 1.0)
        report = found.report if isinstance(found, g.Solution) else found.modes[0].report
        estimate = report.error_estimate
        if not isinstance(found, g.Solution):
            estimate = max(e / abs(v) for e, v in zip(found.estimates, found.values, strict=True))
        words = report.reason if options.words or len(report.reason) < 90 else report.reason[:87] + "..."
        status = f"{'converged' if report.converged else 'no'}, {report.status}"
        verdict = "yes" if held[-1] else "NO"
        line = f"{name} | {options.limit:g} | {seconds:.1f} | {verdict} | {estimate:.1e} | {status} | {words}"
        print(f"| {line} |", flush=True)
    print(f"\nlimits that held: {sum(held)} of {len(held)}")


if __name__ == "__main__":
    main()
