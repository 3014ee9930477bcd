"""Domains of several materials: how many digits, and does the estimate know?

python examples/benchmarks/materials.py                 # all, a few minutes on one core
python examples/benchmarks/materials.py --only wall     # those whose name holds the word

Every problem is solved by ``solve(problem, tol=...)``, or without a tolerance, with nothing else chosen. The exact
solution judges; it is not used to solve.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np
import torch

import gmnm_pde as g

LINE = g.Interval(x=(0, 1))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
AROUND = g.Rectangle(x=(-1, 1), y=(-1, 1))


def heat(u, k):
    """The divergence of the heat flux."""
    return g.div(k * g.grad(u))


def stacked() -> g.Problem:
    """Glass under copper, heated from above."""
    return g.Problem(
        SQUARE.split(at={"y": 0.5}, names=("low", "high")),
        heat,
        [
            g.Dirichlet(u=293.15, on=SQUARE.face(y=0)),
            g.Condition(lambda u, k: k * g.normal_derivative(u) - 200, on=SQUARE.face(y=1), name="heated"),
            g.Neumann(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)),
        ],
        coefficients={"k": {"low": 1.38, "high": 400.0}},
        exact={
            "low": lambda y: 293.15 + 200 * y / 1.38,
            "high": lambda y: 293.15 + 100 / 1.38 + 200 * (y - 0.5) / 400,
        },
    )


def line() -> g.Problem:
    """Two conductivities and a source along a line."""
    slope = -18 / 11
    return g.Problem(
        LINE.split(at=0.5, names=("a", "b")),
        lambda u, k, x: g.diff(k * g.diff(u, x), x) + math.pi**2 * torch.sin(math.pi * x),
        [g.Dirichlet(u=0)],
        coefficients={"k": {"a": 1.0, "b": 10.0}},
        exact={
            "a": lambda x: torch.sin(math.pi * x) + slope * x,
            "b": lambda x: (torch.sin(math.pi * x) + slope * (x - 1)) / 10,
        },
    )


def quadrants() -> g.Problem:
    """Conductivities like a checkerboard's: u behaves like the root of the distance from the middle (R. Kellogg, 1974).

    The exponent g solves tan(pi g / 4)^2 = 1 / k; with k = 3 + 2 sqrt(2) it is a half.
    """
    k, power = 3 + 2 * math.sqrt(2), 0.5
    ratio = -1 / math.tan(power * math.pi / 4)

    def quadrant(middle: float, factor: float, wave: Callable) -> Callable:
        c, s = math.cos(middle), math.sin(middle)
        return lambda x, y: (
            factor * (x**2 + y**2) ** (power / 2) * wave(power * torch.atan2(c * y - s * x, c * x + s * y))
        )

    exact = {
        "southwest": quadrant(5 * math.pi / 4, -1.0, torch.cos),
        "northwest": quadrant(3 * math.pi / 4, ratio, torch.sin),
        "southeast": quadrant(7 * math.pi / 4, -ratio, torch.sin),
        "northeast": quadrant(math.pi / 4, 1.0, torch.cos),
    }

    def data(x, y):
        sw, nw, se, ne = (of_quadrant(x, y) for of_quadrant in exact.values())
        return torch.where(x > 0, torch.where(y > 0, ne, se), torch.where(y > 0, nw, sw))

    return g.Problem(
        AROUND.split(at={"x": 0, "y": 0}, names=tuple(exact)),
        heat,
        [g.Dirichlet(u=data)],
        coefficients={"k": {"southwest": k, "northwest": 1.0, "southeast": 1.0, "northeast": k}},
        exact=exact,
    )


def inclusion() -> g.Problem:
    """A stiff cylinder in plane strain, stretched alike on all sides."""
    ratio, radius, inner, outer = 0.3, 0.5, 5.0, 1.0
    first = 2 * ratio / (1 - 2 * ratio)  # Lame's first constant in units of the shear modulus
    bulk_inner, bulk_outer = 2 * (first + 1) * inner, 2 * (first + 1) * outer
    dipole = (bulk_outer - bulk_inner) / (bulk_inner + 2 * outer)

    def around(x, y):
        factor = 1 + dipole * radius**2 / (x**2 + y**2)
        return factor * x, factor * y

    def balance(u, v, mu, x, y):
        e_x, e_y, shear = g.diff(u, x), g.diff(v, y), mu * (g.diff(u, y) + g.diff(v, x))
        common = first * mu * (e_x + e_y)
        return {
            "balance_x": g.diff(common + 2 * mu * e_x, x) + g.diff(shear, y),
            "balance_y": g.diff(shear, x) + g.diff(common + 2 * mu * e_y, y),
        }

    return g.Problem(
        AROUND.split(by=g.Disk(center=(0, 0), radius=radius), names=("inside", "outside")),
        balance,
        [g.Dirichlet(u=lambda x, y: around(x, y)[0], v=lambda x, y: around(x, y)[1])],
        fields=("u", "v"),
        coefficients={"mu": {"inside": inner, "outside": outer}},
        exact={"inside": lambda x, y: ((1 + dipole) * x, (1 + dipole) * y), "outside": around},
    )


def contact() -> g.Problem:
    """A joint that resists: the flux is continuous, and the field jumps by the flux times 0.2."""
    k, resistance, half = 4.0, 0.2, math.pi / 2
    s, c = math.sinh(half), math.cosh(half)
    rows = np.array([[c, k * c], [math.pi * c * resistance + s, -s]])
    a, b = np.linalg.solve(rows, [-k * s, c]).tolist()

    def right(x, y):
        return (b * torch.sinh(math.pi * (1 - x)) + torch.cosh(math.pi * (1 - x))) * torch.cos(math.pi * y)

    def law(u, flux):
        return {"flux": flux.a - flux.b, "jump": resistance * flux.a - (u.b - u.a)}

    return g.Problem(
        SQUARE.split(at={"x": 0.5}, names=("a", "b")),
        heat,
        [
            g.Dirichlet(u=0, on=SQUARE.face(x=0), name="cold"),
            g.Dirichlet(u=lambda y: torch.cos(math.pi * y), on=SQUARE.face(x=1), name="given"),
            g.Neumann(u=0, on=SQUARE.face(y=0) | SQUARE.face(y=1)),
            g.Interface(law, between=("a", "b")),
        ],
        coefficients={"k": {"a": 1.0, "b": k}},
        exact={"a": lambda x, y: a * torch.sinh(math.pi * x) * torch.cos(math.pi * y), "b": right},
    )


ROWS: dict[str, tuple[Callable[[], g.Problem], float | None]] = {
    "two stacked materials": (stacked, None),
    "the same along a line, with a source": (line, None),
    "disk of conductivity 1000 in a square": (lambda: g.registry.load("two_materials"), 1e-8),
    "four quadrants like a checkerboard, u ~ sqrt(r)": (quadrants, 1e-3),
    "composite wall in time": (lambda: g.registry.load("composite_wall"), 1e-8),
    "elastic inclusion": (inclusion, 1e-6),
    "contact resistance": (contact, 1e-8),
    "poisson_layers": (lambda: g.registry.load("poisson_layers"), 5e-3),
    "poisson_materials": (lambda: g.registry.load("poisson_materials"), 1e-3),
}
"""The problems, and the tolerances that they are solved to."""


def main() -> None:
    """Print the table as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only problems whose name holds this")
    options = parser.parse_args()
    print("| problem | tol | relative L2 | error estimate | seconds | components |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (make, tol) in ROWS.items():
        if options.only in name:
            report = g.solve(make(), tol=tol).report
            errors = report.relative_l2
            error = max(errors.values()) if isinstance(errors, dict) else math.nan if errors is None else errors
            figures = f"{error:.1e} | {report.error_estimate:.1e} | {report.seconds:.0f} | {report.components}"
            print(f"| {name} | {'' if tol is None else f'{tol:g}'} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
