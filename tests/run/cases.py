"""A small problem for each strategy, with what solves it by that one."""

import numpy as np
import torch

import gmnm_pde as g

PI = torch.pi


def square():
    equation = lambda u, x, y: g.laplacian(u) + 2 * PI**2 * torch.sin(PI * x) * torch.sin(PI * y)  # noqa: E731
    return g.Problem(g.Rectangle(x=(0, 1), y=(0, 1)), equation, [g.Dirichlet(u=0)], name="square")


def cubic():
    equation = lambda u, x: g.diff(u, x, x) - u**3 + 50 * torch.sin(PI * x)  # noqa: E731
    return g.Problem(g.Interval(x=(0, 1)), equation, [g.Dirichlet(u=0)], name="cubic")


def heat():
    rod = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
    start = g.Initial(u=lambda x: torch.sin(PI * x))
    return g.Problem(rod, lambda u: g.diff(u, "t") - 0.1 * g.diff(u, "x", "x"), [start, g.Dirichlet(u=0)], name="heat")


def burgers():
    rod = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
    start = g.Initial(u=lambda x: torch.sin(PI * x))
    equation = lambda u: g.diff(u, "t") + u * g.diff(u, "x") - 0.05 * g.diff(u, "x", "x")  # noqa: E731
    return g.Problem(rod, equation, [start, g.Dirichlet(u=0)], name="burgers")


def predators():
    equations = lambda r, p: (g.diff(r, "t") - 2 * r + 8 * r * p, g.diff(p, "t") - 4 * r * p + 1.06 * p)  # noqa: E731
    time, start = g.Time(t=(0, 20)), g.Initial(r=0.5, p=0.075)
    return g.Problem(time, equations, [start], fields=("r", "p"), name="predators")


def decay():
    equation = lambda u, k: g.diff(u, "t") + k * u  # noqa: E731
    return g.Problem(g.Time(t=(0, 1)), equation, [g.Initial(u=1.0)], constants={"k": 1.0}, name="decay")


def noisy():
    x = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    seen = g.Observations(x[:, None], u=torch.sin(PI * x), noise=0.01)
    equation = lambda u, f: g.diff(u, "x", "x") + f  # noqa: E731
    return g.Problem(g.Interval(x=(0, 1)), equation, [g.Dirichlet(u=0), seen], fields=("u", "f"), name="noisy")


def membrane():
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    return g.Problem(square, lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=0)], parameters={"k": 0.0})


def network(*widths):
    torch.manual_seed(0)
    return g.MLP([*(widths or (2, 12, 1))])


POINTS = {"interior": 60, "boundary": 20}


def trained(method):
    return lambda **more: g.solve(square(), network(), method, points=POINTS, **more)


SOLVES = {
    "one mixture": lambda **more: g.solve(square(), tol=1e-8, method="least-squares", **more),
    "patches": lambda **more: g.solve(square(), g.Mixture(patches=2), tol=1e-4, **more),
    "Newton": lambda **more: g.solve(cubic(), tol=1e-11, **more),
    "continuation": lambda **more: g.solve(cubic(), tol=1e-9, continuation=True, **more),
    "blocks": lambda **more: g.solve(heat(), g.Mixture(components=36, widths=0.6), blocks=4, tol=1e-3, **more),
    "the readout of a network": lambda **more: g.solve(cubic(), network(1, 40, 1), g.LeastSquares(), **more),
    "noisy data": lambda **more: g.solve(noisy(), **more),
    "Adam": trained(g.Adam(60)),
    "SOAP": trained(g.SOAP(60)),
    "L-BFGS": trained(g.LBFGS(60)),
    "self-scaled": trained(g.SelfScaled(60)),
    "Gauss-Newton, then the readout": trained([g.GaussNewton(20), g.LeastSquares()]),
    "evolution in time alone": lambda **more: g.solve(predators(), **more),
    "evolution in space": lambda **more: g.solve(burgers(), tol=1e-6, **more),
    "modes": lambda **more: g.eigenmodes(membrane(), 2, tol=1e-4, **more),
    "many members": lambda **more: g.solve_many(decay(), constants={"k": np.linspace(0.5, 20, 6)}, **more),
    "a comparison": lambda **more: g.compare(
        square(), {"a": network(), "b": g.Mixture(components=100)}, methods={"a": g.Adam(30), "b": "best"}, **more
    ),
}
"""By strategy what solves it; each takes ``callback``, ``progress`` and the like."""
