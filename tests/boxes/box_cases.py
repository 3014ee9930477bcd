"""Problems with known solutions that boxes are tried on."""

import math

import torch

import gmnm_pde as g

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def poisson(waves, name="poisson"):
    """Sines of so many waves, zero on the boundary."""
    k = 2 * math.pi * waves

    def exact(x, y):
        return torch.sin(k * x) * torch.sin(k * y)

    return g.Problem(
        SQUARE, lambda u, x, y: g.laplacian(u) + 2 * k * k * exact(x, y), [g.Dirichlet(u=0)], exact=exact, name=name
    )


def helmholtz(waves):
    """Two plane waves that cross."""
    k = 2 * math.pi * waves

    def exact(x, y):
        first = torch.sin(k * (x * math.cos(0.7) + y * math.sin(0.7)))
        return first + torch.cos(k * (x * math.cos(1.4) - y * math.sin(1.4)))

    return g.Problem(
        SQUARE, lambda u: g.laplacian(u) + k * k * u, [g.Dirichlet(u=exact)], exact=exact, name="helmholtz"
    )


def varying():
    """A conductivity that varies, and conditions of all three kinds on a rectangle that is no square."""
    domain = g.Rectangle(x=(0, 2), y=(-1, 0.5))
    left, right, low, high = (domain.face(x=0), domain.face(x=2), domain.face(y=-1), domain.face(y=0.5))

    def exact(x, y):
        return torch.sin(2 * x + y) + torch.exp(-x)

    def by_x(x, y):
        return 2 * torch.cos(2 * x + y) - torch.exp(-x)

    def k(x, y):
        return 2 + torch.sin(x * y)

    def source(x, y):
        bend = -5 * torch.sin(2 * x + y) + torch.exp(-x)
        slopes = y * torch.cos(x * y) * by_x(x, y) + x * torch.cos(x * y) * torch.cos(2 * x + y)
        return k(x, y) * bend + slopes

    return g.Problem(
        domain,
        lambda u, x, y: g.div(k(x, y) * g.grad(u)) - source(x, y),
        [
            g.Dirichlet(u=exact, on=left),
            g.Neumann(u=by_x, on=right),
            g.Robin(1.0, 2.0, u=lambda x, y: exact(x, y) - 2 * torch.cos(2 * x + y), on=low),
            g.Condition(lambda u, x, y: g.diff(u, x) + u - by_x(x, y) - exact(x, y), on=high),
        ],
        exact=exact,
        name="varying",
    )


def line():
    """Two points at the ends of an interval."""

    def exact(x):
        return torch.sin(9 * x) * torch.exp(x)

    def source(x):
        return torch.exp(x) * (-80 * torch.sin(9 * x) + 18 * torch.cos(9 * x))

    domain = g.Interval(x=(0, 2))
    ends = [g.Dirichlet(u=0, on=domain.face(x=0)), g.Dirichlet(u=exact, on=domain.face(x=2))]
    return g.Problem(domain, lambda u, x: g.diff(u, x, x) - source(x), ends, exact=exact, name="line")


def spacetime():
    """Heat in one dimension, solved for all times at once."""
    domain = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))

    def exact(x, t):
        return torch.exp(-t) * torch.sin(3 * x) + x * t

    def source(x, t):
        return 8 * torch.exp(-t) * torch.sin(3 * x) + x

    return g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) - source(x, t),
        [g.Dirichlet(u=exact), g.Initial(u=lambda x: torch.sin(3 * x))],
        exact=exact,
        name="heat",
    )


def cube():
    """Conditions of all three kinds on a box in space, and an equation with all its terms."""
    domain = g.Box(x=(0, 1), y=(0, 1), z=(0, 2))
    sides = domain.face(x=0) | domain.face(y=0) | domain.face(y=1) | domain.face(z=0)

    def exact(x, y, z):
        return torch.sin(2 * x + y) * torch.exp(-z)

    def by_x(x, y, z):
        return 2 * torch.cos(2 * x + y) * torch.exp(-z)

    def equation(u, x, y, z):
        return (1 + x) * g.laplacian(u) - y * u + g.diff(u, z) + (4 * (1 + x) + y + 1) * exact(x, y, z)

    conditions = [
        g.Dirichlet(u=exact, on=sides),
        g.Neumann(u=by_x, on=domain.face(x=1)),
        g.Robin(1.0, 2.0, u=lambda x, y, z: -exact(x, y, z), on=domain.face(z=2)),
    ]
    return g.Problem(domain, equation, conditions, exact=exact, name="cube")
