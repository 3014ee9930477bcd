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


def cubic(waves):
    """A nonlinear Poisson equation with sines of so many waves."""
    k = 2 * math.pi * waves

    def exact(x, y):
        return torch.sin(k * x) * torch.sin(k * y)

    def equation(u, x, y):
        return g.laplacian(u) - u**3 + 2 * k * k * exact(x, y) + exact(x, y) ** 3

    return g.Problem(SQUARE, equation, [g.Dirichlet(u=exact)], exact=exact, name="cubic")


def radiating():
    """A nonlinear equation on an interval, with a nonlinear condition at one end."""
    domain = g.Interval(x=(0, 1))

    def exact(x):
        return 1 + torch.sin(2 * x)

    def source(x):
        return -4 * torch.sin(2 * x) - torch.exp(-exact(x))

    end = exact(torch.tensor(1.0, dtype=torch.float64)).item()
    flux = 2 * math.cos(2) + end**4
    conditions = [
        g.Dirichlet(u=1, on=domain.face(x=0)),
        g.Condition(lambda u, x: g.diff(u, x) + u**4 - flux, on=domain.face(x=1)),
    ]
    equation = lambda u, x: g.diff(u, x, x) - torch.exp(-u) - source(x)  # noqa: E731
    return g.Problem(domain, equation, conditions, exact=exact, name="radiating")


def absorbing(waves):
    """The real and imaginary parts of a plane wave, which leaves through one side."""
    k = 2 * math.pi * waves
    c, face = 0.8 * k, SQUARE.face

    def exact(x, y):
        phase = k * (0.8 * x + 0.6 * y)
        return {"u": torch.cos(phase), "v": torch.sin(phase)}

    def leaving(u, v, x, y):
        return {"real": g.diff(u, x) + c * v, "imaginary": g.diff(v, x) - c * u}

    given = {name: lambda x, y, name=name: exact(x, y)[name] for name in "uv"}
    conditions = [
        g.Dirichlet(**given, on=face(x=0) | face(y=0) | face(y=1)),
        g.Condition(leaving, on=face(x=1)),
    ]
    equations = lambda u, v: (g.laplacian(u) + k * k * u, g.laplacian(v) + k * k * v)  # noqa: E731
    return g.Problem(SQUARE, equations, conditions, exact=exact, name="absorbing")


def first_order():
    """Poisson's equation as a system of first order: a potential and its gradient."""

    def exact(x, y):
        phase = 3 * x + y
        return {"u": torch.sin(phase), "p": 3 * torch.cos(phase), "q": torch.cos(phase)}

    def equations(u, p, q, x, y):
        return {
            "along_x": g.diff(u, x) - p,
            "along_y": g.diff(u, y) - q,
            "balance": g.diff(p, x) + g.diff(q, y) + 10 * torch.sin(3 * x + y),
        }

    conditions = [g.Dirichlet(u=lambda x, y: torch.sin(3 * x + y))]
    return g.Problem(SQUARE, equations, conditions, exact=exact, name="first_order")


def pair():
    """Two substances that react and diffuse, in one dimension and time."""
    domain = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))

    def exact(x, t):
        return {"u": 1 + 0.5 * torch.cos(3 * x - t), "v": torch.exp(-t) * torch.sin(2 * x + t)}

    def equations(u, v, x, t):
        U, V = exact(x, t).values()
        by_u = 0.5 * torch.sin(3 * x - t) + 0.45 * torch.cos(3 * x - t) + U * V**2
        by_v = -0.8 * V + torch.exp(-t) * torch.cos(2 * x + t) - U * V**2
        return {
            "u": g.diff(u, t) - 0.1 * g.diff(u, x, x) + u * v**2 - by_u,
            "v": g.diff(v, t) - 0.05 * g.diff(v, x, x) - u * v**2 - by_v,
        }

    given = {name: lambda x, t, name=name: exact(x, t)[name] for name in "uv"}
    begun = {"u": lambda x: 1 + 0.5 * torch.cos(3 * x), "v": lambda x: torch.sin(2 * x)}
    return g.Problem(domain, equations, [g.Dirichlet(**given), g.Initial(**begun)], exact=exact, name="pair")


def lid(viscosity, *, pinned=True):
    """Flow in a cavity whose lid moves, at rest in its corners; the pressure is given at one point, or nowhere."""
    face = SQUARE.face

    def equations(u, v, p, x, y):
        return {
            "along_x": u * g.diff(u, x) + v * g.diff(u, y) + g.diff(p, x) - viscosity * g.laplacian(u),
            "along_y": u * g.diff(v, x) + v * g.diff(v, y) + g.diff(p, y) - viscosity * g.laplacian(v),
            "mass": g.diff(u, x) + g.diff(v, y),
        }

    conditions = [
        g.Dirichlet(u=0, v=0, on=face(x=0) | face(x=1) | face(y=0)),
        g.Dirichlet(u=lambda x: 16 * x**2 * (1 - x) ** 2, v=0, on=face(y=1)),
    ]
    point = [g.Observations([[0.5, 0.5]], p=[0.0])] if pinned else []
    return g.Problem(SQUARE, equations, [*conditions, *point], name="lid")


def periodic():
    """Sources of several waves on a strip whose ends meet."""
    k = 2 * math.pi

    def exact(x, y):
        return torch.exp(torch.sin(k * x)) * torch.sin(3 * y) + torch.cos(2 * k * x)

    def source(x, y):
        s, c = torch.sin(k * x), torch.cos(k * x)
        return torch.exp(s) * torch.sin(3 * y) * (k * k * (c * c - s) - 9) - 4 * k * k * torch.cos(2 * k * x)

    conditions = [g.Periodic("x"), g.Dirichlet(u=exact, on=SQUARE.face(y=0) | SQUARE.face(y=1))]
    return g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) - source(x, y), conditions, exact=exact, name="periodic")
