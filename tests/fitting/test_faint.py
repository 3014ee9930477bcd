"""Fields that are next to nothing beside the others: velocities across a straight flow, pressures of a shear."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.residuals.natural import natural_sizes

CHANNEL = g.Rectangle(x=(0, 4), y=(0, 2))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def flow(advection=0.0, viscosity=1.0):
    def equations(u, v, p, x, y):
        along = advection * (u * g.diff(u, x) + v * g.diff(u, y)) + g.diff(p, x) - viscosity * g.laplacian(u)
        across = advection * (u * g.diff(v, x) + v * g.diff(v, y)) + g.diff(p, y) - viscosity * g.laplacian(v)
        return {"along": along, "across": across, "mass": g.diff(u, x) + g.diff(v, y)}

    return equations


def poiseuille(scale=1.0, **kind):
    walls = CHANNEL.face(y=0) | CHANNEL.face(y=2)
    return g.Problem(
        CHANNEL,
        flow(**kind),
        [
            g.Dirichlet(u=lambda y: scale * 4 * y * (2 - y), v=0, on=CHANNEL.face(x=0)),
            g.Dirichlet(p=0, v=0, on=CHANNEL.face(x=4)),
            g.Dirichlet(u=0, v=0, on=walls),
        ],
        exact=lambda x, y: {"u": scale * 4 * y * (2 - y), "v": 0 * x, "p": -8 * scale * (x - 4)},
    )


def couette():
    return g.Problem(
        SQUARE,
        flow(),
        [g.Dirichlet(u=lambda y: y, v=0), g.Observations([[0.5, 0.5]], p=[0.0])],
        exact=lambda x, y: {"u": y, "v": 0 * x, "p": 0 * x},
    )


def rotation():
    return g.Problem(
        g.Disk((0, 0), 1.0),
        flow(),
        [g.Dirichlet(u=lambda x, y: -y, v=lambda x, y: x), g.Observations([[0.0, 0.0]], p=[0.0])],
        exact=lambda x, y: {"u": -y, "v": x, "p": 0 * x},
    )


def tension():
    def elastic(u, v, x, y):
        return {
            "x": 2 * g.diff(u, x, x) + g.diff(u, y, y) + g.diff(v, x, y),
            "y": 2 * g.diff(v, y, y) + g.diff(v, x, x) + g.diff(u, x, y),
        }

    return g.Problem(SQUARE, elastic, [g.Dirichlet(u=lambda x: x, v=0)], exact=lambda x, y: {"u": x, "v": 0 * x})


def pair():
    return g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, w, x: {"a": g.diff(u, x, x) - w + 1, "b": g.diff(w, x, x)},
        [g.Dirichlet(u=0, w=0)],
        exact=lambda x: {"u": x * (1 - x) / 2, "w": 0 * x},
    )


CASES = {
    "poiseuille": poiseuille,
    "poiseuille of a millionth": lambda: poiseuille(1e-6),
    "poiseuille, nonlinear": lambda: poiseuille(advection=1.0),
    "couette": couette,
    "rotation": rotation,
    "tension": tension,
    "pair": pair,
}


_DEAR = ("couette", "poiseuille, nonlinear", "poiseuille of a millionth")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in _DEAR else []) for name in CASES]
)
def test_they_are_no_obstacle(name):
    problem = CASES[name]()
    solution = g.solve(problem, tol=1e-6)
    report = solution.report
    assert report.converged and "next to nothing" in report.reason
    points = torch.rand(200, problem.domain.dimension, generator=torch.Generator().manual_seed(1)).double()
    points = points[problem.domain.contains(points)]
    exact = problem.exact(*points.T)
    size = max(abs(values).max() for values in exact.values())
    for field, values in solution(*points.T).items():
        assert (torch.as_tensor(values) - exact[field]).abs().max() < 1e-5 * size


def test_on_boxes_too():
    report = g.solve(poiseuille(), method=g.Boxes(), tol=1e-6).report
    assert report.converged and max(report.relative_l2.values()) < 1e-12 and report.error_estimate < 1e-10


@pytest.mark.slow
def test_in_time():
    domain = SQUARE * g.Time(t=(0, 0.5))

    def equations(u, v, p, x, y, t):
        return {
            "along": g.diff(u, t) + u * g.diff(u, x) + v * g.diff(u, y) + g.diff(p, x) - 0.1 * g.laplacian(u),
            "across": g.diff(v, t) + u * g.diff(v, x) + v * g.diff(v, y) + g.diff(p, y) - 0.1 * g.laplacian(v),
            "mass": g.diff(u, x) + g.diff(v, y),
        }

    def shear(y, t):
        return torch.sin(math.pi * y) * torch.exp(-0.1 * math.pi**2 * t)

    problem = g.Problem(
        domain,
        equations,
        [
            g.Dirichlet(u=shear, v=0),
            g.Initial(u=lambda y: torch.sin(math.pi * y), v=0),
            g.Observations([[0.5, 0.5, 0.25]], p=[0.0]),
        ],
        exact=lambda x, y, t: {"u": shear(y, t), "v": 0 * x, "p": 0 * x},
    )
    report = g.solve(problem, tol=1e-3).report
    assert report.converged and max(report.relative_l2.values()) < 1e-4


def test_a_small_field_that_is_resolved_is_measured_by_itself():
    """One that is a hundred-thousandth of the other, and right to digits of its own."""
    domain = g.Interval(x=(0, 1))
    problem = g.Problem(
        domain,
        lambda u, w, x: {"a": g.diff(u, x, x) + 1, "b": g.diff(w, x, x) - 1e-5 * u},
        [g.Dirichlet(u=0, w=0)],
        exact=lambda x: {"u": x * (1 - x) / 2, "w": 1e-5 * (x**3 / 12 - x**4 / 24 - x / 24)},
    )
    report = g.solve(problem, tol=1e-6).report
    assert report.converged and "next to nothing" not in report.reason
    assert report.relative_l2["w"] < 1e-6


def test_natural_sizes_follow_the_units():
    """What a pressure may be beside a velocity is viscosity over length, in whatever units."""
    sizes, clear = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([True, False, False])
    slow, fast = (natural_sizes(poiseuille(viscosity=nu), sizes, sizes, clear) for nu in (1.0, 1e3))
    assert 0.1 < slow[2] < 10 and fast[2] / slow[2] == pytest.approx(1e3, rel=0.5)


def test_the_error_of_a_field_that_is_zero_is_its_root_mean_square():
    report = g.solve(couette(), tol=1e-4).report
    assert report.relative_l2["v"] <= report.max_error["v"]


def test_a_wave_whose_third_field_stays_zero_is_marched_in_few_modes():
    """Rounding in it has as many waves as there are modes; more and more of them were taken, without end."""
    turn = 2 * math.pi
    problem = g.Problem(
        SQUARE * g.Time(t=(0, 1)),
        lambda Ex, Ey, Hz, x, y, t: {
            "x": g.diff(Ex, t) - g.diff(Hz, y),
            "y": g.diff(Ey, t) + g.diff(Hz, x),
            "z": g.diff(Hz, t) - g.diff(Ex, y) + g.diff(Ey, x),
        },
        [
            g.Periodic("x"),
            g.Periodic("y"),
            g.Initial(Ex=0, Ey=lambda x: torch.sin(turn * x), Hz=lambda x: torch.sin(turn * x)),
        ],
        exact=lambda x, y, t: {
            "Ex": 0 * x,
            "Ey": torch.sin(turn * (x - t)),
            "Hz": torch.sin(turn * (x - t)),
        },
    )
    report = g.solve(problem, tol=1e-6, time_limit=60).report
    assert report.converged and max(report.relative_l2.values()) < 1e-6


CHANNEL_OF_WATER = g.Rectangle(x=(0, 5e-3), y=(0, 1e-3))


def water(slope):
    """A flow of micrometres a second under the pressure of the atmosphere."""
    viscosity, bottom = 1e-3, CHANNEL_OF_WATER.face(y=0) | CHANNEL_OF_WATER.face(y=1e-3)

    def exact(x, y):
        u = slope / (2 * viscosity) * y * (1e-3 - y)
        return {"u": u, "v": 0 * u, "p": 1e5 + slope * (5e-3 - x)}

    conditions = [
        g.Dirichlet(u=lambda y: slope / (2 * viscosity) * y * (1e-3 - y), v=0, on=CHANNEL_OF_WATER.face(x=0)),
        g.Dirichlet(p=1e5, v=0, on=CHANNEL_OF_WATER.face(x=5e-3)),
        g.Dirichlet(u=0, v=0, on=bottom),
    ]
    return g.Problem(CHANNEL_OF_WATER, flow(viscosity=viscosity), conditions, exact=exact)


def driven(coupling):
    """Something small that a temperature of kelvins drives, and that does not act on it."""

    def equations(T, w, x):
        return {"heat": g.diff(T, x, x) + math.pi**2 * 50 * torch.sin(math.pi * x), "w": g.diff(w, x, x) + coupling * T}

    def exact(x):
        own = 50 * torch.sin(math.pi * x) / math.pi**2 + 150 * x * (1 - x)
        return {"T": 300 + 50 * torch.sin(math.pi * x), "w": coupling * own}

    return g.Problem(g.Interval(x=(0, 1)), equations, [g.Dirichlet(T=300, w=0)], exact=exact)


def apart():
    """Two equations that have nothing to do with each other, one of them small."""

    def equations(u, w, x):
        return {"u": g.diff(u, x, x) + torch.sin(3 * x), "w": g.diff(w, x, x) + 1e-9 * torch.sin(7 * x)}

    return g.Problem(
        g.Interval(x=(0, math.pi)),
        equations,
        [g.Dirichlet(u=0, w=0)],
        exact=lambda x: {"u": torch.sin(3 * x) / 9, "w": 1e-9 * torch.sin(7 * x) / 49},
    )


SMALL = {"water": lambda: water(1.0), "membrane": lambda: driven(1e-9), "apart": apart}


@pytest.mark.parametrize("name", [pytest.param("water", marks=pytest.mark.slow), "membrane", "apart"])
def test_small_fields_that_something_drives_are_no_nothing(name):
    """They were taken for zero, however wrong, where other fields are larger by many orders."""
    report = g.solve(SMALL[name](), tol=1e-3, time_limit=30).report
    small = "u" if name == "water" else "w"
    assert not report.converged or report.relative_l2[small] < 1e-3
    assert report.converged or name == "water"
