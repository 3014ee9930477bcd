"""Characteristics on which no condition determines the solution are told, however smooth the answer is."""

import itertools
import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde import diff, registry
from gmnm_pde.scrutiny.characteristics import free_characteristics

pytestmark = pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
DISK = g.Disk(center=(0, 0), radius=1)
RING = g.Annulus(center=(0, 0), inner=0.5, outer=1)
STRIP = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
PLANE = SQUARE * g.Time(t=(0, 1))
CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
LEFT, RIGHT, BELOW, TOP = (SQUARE.face(**side) for side in ({"x": 0}, {"x": 1}, {"y": 0}, {"y": 1}))
BEGIN = g.Initial(u=0)


def given(*regions):
    return [g.Dirichlet(u=0, on=region) for region in regions]


def along(a, b, c=0.0):
    return lambda u, x, y: a * diff(u, x) + b * diff(u, y) + c * u - 1


def turning(u, x, y):
    return -y * diff(u, x) + x * diff(u, y)


def moving(speed):
    return lambda u, x, t: diff(u, t) + speed(x) * diff(u, x) - 1


def wave(u, x, y):
    return diff(u, y, y) - diff(u, x, x) - 1


def sound(u, p, x, t):
    return diff(u, t) + diff(p, x), diff(p, t) + diff(u, x)


def sound_in_plane(u, v, p, x, y, t):
    return diff(u, t) + diff(p, x), diff(v, t) + diff(p, y), diff(p, t) + diff(u, x) + diff(v, y)


STILL = g.Initial(u=0, v=0, p=0)
AT_REST = [BEGIN, g.Initial(u=0, order=1)]
FREE = {
    "an open side": (SQUARE, along(1, 0.5), given(LEFT), "enter through y = 0 near x = 0."),
    "with absorption": (SQUARE, along(1, 0.5, 1.0), given(LEFT), "through y = 0"),
    "a gap": (SQUARE, along(1, 0), given(LEFT.where(lambda y: (y < 0.7) | (y > 0.75))), "x = 0 near y = 0.7"),
    "a side along them": (SQUARE, along(1, 0), given(BELOW), "through x = 0"),
    "an arc": (DISK, along(1, 1), given(DISK.boundary.where(lambda x: x < 0)), "the boundary near x = 0."),
    "circles": (DISK, lambda u, x, y: turning(u, x, y) - x, [g.Dirichlet(u=lambda y: y)], "close on themselves"),
    "circles and a value": (DISK, turning, [g.Observations([[0.0, 0.0]], u=[0.0])], "close on themselves"),
    "a mean of zero": (RING, lambda u, x, y: turning(u, x, y) + x * u, [g.Dirichlet(u=0)], "close on themselves"),
    "a quarter turn": (SQUARE, turning, given(BELOW), "enter through x = 1"),
    "a torus": (SQUARE, along(1, 1), [g.Periodic("x"), g.Periodic("y")], "close on themselves"),
    "no inflow": (STRIP, moving(lambda x: 1.0), [BEGIN], "through x = 0 near t = 0."),
    "two inflows": (STRIP, moving(lambda x: 0.5 - x), [BEGIN], "through x = "),
    "a reaction": (STRIP, lambda u, x, t: diff(u, t) + diff(u, x) + u**2, [BEGIN], "through x = 0"),
    "a cube": (
        CUBE,
        lambda u, x, y, z: diff(u, x) + 0.5 * diff(u, y) + 0.2 * diff(u, z),
        given(CUBE.face(x=0)),
        "through ",
    ),
    "a plane in time": (
        PLANE,
        lambda u, x, y, t: diff(u, t) + diff(u, x) + 0.3 * diff(u, y),
        [BEGIN, *given(PLANE.face(x=0))],
        "through y = 0",
    ),
    "a wave without sides": (SQUARE, wave, [*given(BELOW), g.Neumann(u=0, on=BELOW)], "between x = "),
    "a wave with one side": (SQUARE, wave, [*given(BELOW, LEFT), g.Neumann(u=0, on=BELOW)], "between x = 1"),
    "a wave without velocity": (SQUARE, wave, given(BELOW, LEFT, RIGHT), "between y = 1"),
    "half of Goursat's": (SQUARE, lambda u, x, y: diff(u, x, y) - 1, given(LEFT), "between y = 0"),
    "sound, an open end": (STRIP, sound, [g.Initial(u=0, p=0), *given(STRIP.face(x=1))], "between x = 0"),
    "a system": (
        SQUARE,
        lambda u, v, x, y: (diff(u, x) - v, diff(v, x) + diff(v, y) - 1),
        [g.Dirichlet(u=0, v=0, on=LEFT)],
        "between y = 0",
    ),
    "sound in a plane": (
        PLANE,
        sound_in_plane,
        [STILL, g.Dirichlet(p=0, on=PLANE.face(x=0) | PLANE.face(x=1) | PLANE.face(y=0))],
        "0 condition(s) hold on y = 1",
    ),
    "waves in a disk": (
        DISK * g.Time(t=(0, 1)),
        lambda u, t: diff(u, t, t) - g.laplacian(u),
        AT_REST,
        "0 condition(s) hold on the boundary",
    ),
    "sound without a pressure": (
        PLANE,
        sound_in_plane,
        [g.Initial(u=0, v=0), g.Dirichlet(p=0)],
        "2 condition(s) hold on t = 0",
    ),
    "three waves": (
        STRIP,
        lambda u, v, p, x, t: (diff(u, t) + diff(u, x), diff(v, t) - diff(v, x), diff(p, t) + 2 * diff(p, x)),
        [STILL, *given(STRIP.face(x=0)), g.Dirichlet(v=0, on=STRIP.face(x=1))],
        "1 condition(s) hold on x = 0",
    ),
}


@pytest.mark.parametrize("name", FREE)
def test_what_is_free_is_told(name):
    domain, equation, conditions, place = FREE[name]
    assert place in free_characteristics(g.Problem(domain, equation, conditions))


def swirl(u, x, y):
    """Along circles around the middle of the square, with a term without derivatives."""
    return -(y - 0.5) * diff(u, x) + (x - 0.5) * diff(u, y) + u - 1


def inflow_of_swirl(x, y):
    across = (x < 1e-9) | (x > 1 - 1e-9)
    return torch.where(across, (x - 0.5) * (0.5 - y), (y - 0.5) * (x - 0.5)) < 0


def whirl(u, x, y, t):
    """Along circles around the origin, which end at a later time alone."""
    speed = 5 * torch.exp(-4 * (x**2 + y**2))
    return diff(u, t) - speed * y * diff(u, x) + speed * x * diff(u, y)


NOTCHED = SQUARE - g.Rectangle(x=(0.5, 1), y=(0.5, 1))
DETERMINED = {
    "the inflow": (SQUARE, along(1, 0.5), given(LEFT, BELOW)),
    "the outflow": (SQUARE, along(1, 0.5), given(RIGHT, TOP)),
    "a quarter turn": (SQUARE, turning, given(BELOW, RIGHT)),
    "inflow by places": (SQUARE, swirl, given(SQUARE.boundary.where(inflow_of_swirl))),
    "inflow of a disk": (DISK, along(1, 1), given(DISK.boundary.where(lambda x, y: x + y < 0))),
    "a notch": (NOTCHED, along(1, 1), given(NOTCHED.boundary.where(lambda x, y: (x < 1e-6) | (y < 1e-6)))),
    "a hole": (SQUARE - g.Disk((0.5, 0.5), 0.2), along(1, 0), [g.Dirichlet(u=0)]),
    "circles with absorption": (RING, lambda u, x, y: turning(u, x, y) + u - x, [g.Dirichlet(u=lambda y: y)]),
    "a spiral": (DISK, lambda u, x, y: turning(u, x, y) + 0.1 * (x * diff(u, x) + y * diff(u, y)), [g.Dirichlet(u=0)]),
    "a source": (DISK, lambda u, x, y: x * diff(u, x) + y * diff(u, y) + u - 1, given(DISK.boundary)),
    "at rest on a side": (SQUARE, lambda u, x, y: x * diff(u, x) + u - 1, given(BELOW)),
    "outwards": (STRIP, moving(lambda x: x - 0.5), [BEGIN]),
    "along both ends": (STRIP, moving(lambda x: x * (1 - x)), [BEGIN]),
    "a ring": (STRIP, moving(lambda x: 1.0), [BEGIN, g.Periodic("x")]),
    "a vortex": (DISK * g.Time(t=(0, 1)), whirl, [BEGIN]),
    "a plane in time": (
        PLANE,
        lambda u, x, y, t: diff(u, t) + diff(u, x) + 0.3 * diff(u, y),
        [BEGIN, *given(PLANE.face(x=0) | PLANE.face(y=0))],
    ),
    "sensors": (DISK, turning, [g.Observations(torch.rand(50, 2).double() - 0.5, u=torch.zeros(50).double())]),
    "a wave": (STRIP, lambda u, x, t: diff(u, t, t) - diff(u, x, x), [*AT_REST, g.Dirichlet(u=0)]),
    "Goursat's": (SQUARE, lambda u, x, y: diff(u, x, y) - 1, given(LEFT, BELOW)),
    "a wave on all sides": (SQUARE, wave, [g.Dirichlet(u=0)]),
    "sound": (STRIP, sound, [g.Initial(u=0, p=0), g.Dirichlet(u=0)]),
    "a hammer": (
        STRIP,
        lambda u, p, x, t: (diff(u, t) + 1e-3 * diff(p, x), diff(p, t) + 1e7 * diff(u, x)),
        [g.Initial(u=0, p=1e5), g.Dirichlet(u=0)],
    ),
    "sound in a plane": (PLANE, sound_in_plane, [STILL, g.Dirichlet(p=0)]),
    "heat": (STRIP, lambda u, x, t: diff(u, t) - diff(u, x, x), [BEGIN, g.Dirichlet(u=0)]),
    "heat as a system": (
        STRIP,
        lambda u, q, x, t: (diff(u, x) - q, diff(q, x) - diff(u, t)),
        [BEGIN, g.Dirichlet(u=0)],
    ),
    "Cauchy and Riemann": (
        SQUARE,
        lambda u, v, x, y: (diff(u, x) - diff(v, y), diff(u, y) + diff(v, x)),
        [g.Dirichlet(u=0)],
    ),
    "a mixed type": (
        g.Rectangle(x=(0, 1), y=(-1, 1)),
        lambda u, x, y: y * diff(u, x, x) + diff(u, y, y),
        [g.Dirichlet(u=0)],
    ),
}


@pytest.mark.parametrize("name", DETERMINED)
def test_what_is_determined_is_left_alone(name):
    assert free_characteristics(g.Problem(*DETERMINED[name])) == ""


def test_every_choice_of_sides():
    """Lines of slope 1/2 run from the left to the right and the top, and from below to the right."""
    pairs = [(LEFT, RIGHT), (LEFT, TOP), (BELOW, RIGHT)]
    sides = (LEFT, RIGHT, BELOW, TOP)
    for count in (1, 2, 3):
        for chosen in itertools.combinations(sides, count):
            told = free_characteristics(g.Problem(SQUARE, along(1, 0.5), given(*chosen)))
            assert bool(told) == any(one not in chosen and other not in chosen for one, other in pairs)


@pytest.mark.parametrize("name", registry.names())
def test_registered_problems_are_not_suspected(name):
    try:
        problem = registry.load(name)
    except g.GmnmError:  # one that needs arguments
        return
    assert free_characteristics(problem) == ""


def test_the_answer_is_one_of_many():
    report = g.solve(g.Problem(SQUARE, along(1, 0.5), given(LEFT)), tol=1e-4).report
    assert report.status == "not_unique" and report.error_estimate >= 1
    assert "give u there" in report.reason


def test_characteristics_of_a_solution():
    """Of Burgers' equation nothing is known before it is solved; then what enters at the left is missed."""
    domain = g.Interval(x=(0, 1)) * g.Time(t=(0, 0.3))

    def burgers(*more):
        start = g.Initial(u=lambda x: 1 + x)
        return g.Problem(domain, lambda u, x, t: diff(u, t) + u * diff(u, x), [start, *more])

    assert free_characteristics(burgers()) == ""
    report = g.solve(burgers(), tol=1e-4).report
    assert report.status == "not_unique" and "through x = 0" in report.reason
    inflow = g.Dirichlet(u=lambda t: 1 / (1 + t), on=domain.face(x=0))
    solution = g.solve(burgers(inflow), tol=1e-4)
    assert solution.report.converged
    assert math.isclose(float(solution(0.5, 0.2)), 1.5 / 1.2, rel_tol=1e-3)
