"""A close look at data: what is narrow, has a kink or jumps is found with its place, and smooth data show nothing."""

import warnings

import pytest
import torch
from conftest import PI

import gmnm_pde as g
from gmnm_pde import registry
from gmnm_pde.scrutiny import look
from gmnm_pde.scrutiny.looks.variation import Rarity, find

LINE = g.Interval(x=(0, 1))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
STRIP = g.Interval(x=(-1, 1)) * g.Time(t=(0, 1))


def bell(x, center, width):
    return torch.exp(-(((x - center) / width) ** 2) / 2)


def on_line(source):
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) + source(x), [g.Dirichlet(u=0)])


def on_square(source):
    return g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) + source(x, y), [g.Dirichlet(u=0)])


def conducting(k):
    return g.Problem(SQUARE, lambda u, x, y: g.div(*[k(x, y) * part for part in g.grad(u)]), [g.Dirichlet(u=0)])


def begun(value):
    heat = lambda u, x, t: g.diff(u, t) - 0.1 * g.diff(u, x, x)  # noqa: E731
    return g.Problem(STRIP, heat, [g.Dirichlet(u=0), g.Initial(u=value)])


@pytest.mark.parametrize("width", [1e-5, 1e-4, 1e-3, 3e-3])
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_a_narrow_source_on_a_line_is_found(width, smooth):
    (feature,) = look(on_line(lambda x: bell(x, 0.37, width) + smooth * torch.sin(PI * x) / 4))
    assert feature.kind == "narrow" and "the source of 'equation'" in feature.described(("x",))
    assert abs(feature.at[0, 0].item() - 0.37) < 3 * width and width < feature.width < 3 * width


def test_two_wells_of_different_widths_are_told_apart():
    found = look(on_line(lambda x: 100 * bell(x, 0.37, 1e-4) + 50 * bell(x, 0.8, 1e-3) + torch.sin(PI * x)))
    places = sorted(feature.plane[1] for feature in found)
    assert len(found) == 2 and abs(places[0] - 0.37) < 1e-4 and abs(places[1] - 0.8) < 1e-3


@pytest.mark.parametrize("center", [(0.3, 0.6), (0.501, 0.77), (0.113, 0.251)])
def test_a_narrow_source_in_the_plane_is_found(center):
    source = lambda x, y: torch.sin(PI * x) + 10 * bell(x, center[0], 3e-3) * bell(y, center[1], 3e-3)  # noqa: E731
    (feature,) = look(on_square(source))
    assert feature.kind == "narrow" and feature.plane is None
    assert (feature.at - torch.tensor(center)).norm(dim=1).min() < 0.01 and feature.width < 0.01


@pytest.mark.parametrize("place", [0.5, 1 / 3, 0.7071])
def test_the_place_of_a_jump_is_exact_to_rounding(place):
    (feature,) = look(on_line(lambda x: torch.where(x > place, 1.0, 0.0)))
    assert feature.kind == "jump" and feature.plane[0] == 0 and abs(feature.plane[1] - place) < 3e-16
    assert not feature.hidden and abs(feature.size - 1) < 1e-12


@pytest.mark.parametrize("place", [0.5, 1 / 3])
def test_a_coefficient_that_jumps_on_a_plane_is_hidden_from_derivatives(place):
    (feature,) = look(conducting(lambda x, y: torch.where(y > place, 400.0, 1.38)))
    assert feature.hidden and feature.plane[0] == 1 and abs(feature.plane[1] - place) < 3e-16


def test_whatever_jumps_and_is_differentiated_is_hidden_and_what_stands_outside_is_not():
    jump = lambda x: torch.where(x > 0.4, 2.0, 1.0)  # noqa: E731
    of = {
        lambda u, x: g.diff(jump(x) * u, x) - g.diff(u, x, x): True,  # a wind within the derivative
        lambda u, x: g.diff(g.diff(u, x) + jump(x), x): True,  # a flux
        lambda u, x: g.diff((1 + x) * g.diff(u, x), x) + jump(x) * u: False,
        lambda u, x: jump(x) * g.diff(u, x, x): False,
    }
    for equation, hidden in of.items():
        found = look(g.Problem(LINE, equation, [g.Dirichlet(u=0)]))
        assert any(feature.hidden for feature in found) == hidden
        assert all(feature.kind == "jump" and feature.plane == (0, 0.4) for feature in found) and found


def test_a_coefficient_that_jumps_along_a_circle_is_found_around_it():
    (feature,) = look(conducting(lambda x, y: torch.where((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.09, 1000.0, 1.0)))
    assert feature.hidden and feature.plane is None and len(feature.at) > 50
    assert ((feature.at - 0.5).norm(dim=1) - 0.3).abs().max() < 1e-12


@pytest.mark.parametrize("width", [0.01, 0.003])
def test_a_smoothed_jump_of_a_coefficient_is_narrow(width):
    found = look(conducting(lambda x, y: 200 + 199 * torch.tanh((y - 0.5) / width)))
    assert found and all(f.kind == "narrow" and abs(f.plane[1] - 0.5) < width for f in found)


@pytest.mark.parametrize(
    ("value", "kind", "places"),
    [
        (lambda x: bell(x, 0.2, 1e-3), "narrow", [0.2]),
        (lambda x: 1 - x.abs(), "kink", [0.0]),
        (lambda x: torch.where(x.abs() < 0.5, 1.0, 0.0), "jump", [-0.5, 0.5]),
    ],
)
def test_initial_values_are_looked_at(value, kind, places):
    found = look(begun(value))
    at = torch.cat([feature.at for feature in found])
    assert all(feature.kind == kind and "'initial_u'" in feature.of for feature in found)
    assert all((at[:, 0] - place).abs().min() < 3e-3 for place in places) and not at[:, 1].any()


def test_a_value_that_jumps_within_a_side_is_found():
    top = lambda x, y: torch.where(x > 0.3, 1.0, 0.0) * y  # noqa: E731
    found = look(g.Problem(SQUARE, lambda u: g.laplacian(u), [g.Dirichlet(u=top)]))
    assert [feature.kind for feature in found] == ["jump"]
    assert torch.allclose(found[0].at, torch.tensor([[0.3, 1.0]], dtype=torch.float64), atol=1e-12)


def test_a_narrow_source_that_moves_is_found_all_along_its_way():
    source = lambda x, t: bell(x - 0.5 * torch.sin(2 * t), 0.0, 3e-3)  # noqa: E731
    heat = lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) - source(x, t)  # noqa: E731
    found = look(g.Problem(STRIP, heat, [g.Dirichlet(u=0), g.Initial(u=0)]))
    at = torch.cat([feature.at for feature in found])
    assert all(feature.kind == "narrow" and feature.plane is None for feature in found)
    assert (at[:, 0] - 0.5 * torch.sin(2 * at[:, 1])).abs().max() < 0.01 and at[:, 1].sort().values.diff().max() < 0.1


def test_a_tiny_hole_is_found_and_a_large_one_is_none():
    for radius, count in ((0.01, 1), (0.001, 1), (0.2, 0)):
        ring = g.Disk((0, 0), 1.0) - g.Disk((0, 0), radius)
        found = look(g.Problem(ring, lambda u: g.laplacian(u), [g.Dirichlet(u=0)]))
        assert len(found) == count and all("shape" in feature.of for feature in found)


@pytest.mark.parametrize(
    "source",
    [
        lambda x: torch.sin(16 * PI * x),
        lambda x: torch.sin(300 * x) * torch.exp(x),
        lambda x: bell(x, 0.5, 0.05),
        lambda x: 1 / (1 + 25 * (2 * x - 1) ** 2),
        lambda x: x.sqrt(),
        lambda x: 1 + 1e-14 * torch.where(x > 0.5, 1.0, 0.0),
    ],
)
def test_smooth_and_singular_sources_show_nothing(source):
    assert look(on_line(source)) == ()


def test_smooth_sources_in_the_plane_show_nothing():
    assert look(on_square(lambda x, y: torch.sin(16 * PI * x) * torch.sin(16 * PI * y))) == ()
    assert look(on_square(lambda x, y: torch.exp(5 * x) * (1 - x) * torch.exp(-((y - 0.4) ** 2) / 0.02))) == ()


REAL = {"four_balls": {"jump"}}
"""Problems of the library whose data are not smooth, and how: balls of another reaction."""


@pytest.mark.parametrize("name", registry.names())
def test_the_librarys_smooth_problems_show_nothing(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = registry.load(name)
    assert {feature.kind for feature in look(problem)} == REAL.get(name, set())


def test_the_same_seed_finds_the_same():
    problem = on_square(lambda x, y: bell(x, 0.3, 3e-3) * bell(y, 0.6, 3e-3))
    first, again = look(problem, 3), look(problem, 3)
    assert all(torch.equal(a.at, b.at) and a.width == b.width for a, b in zip(first, again, strict=True))


def test_a_function_that_fails_on_many_points_is_left_to_the_solve():
    def source(x):
        if len(x) > 2000:
            raise RuntimeError("too many")
        return x

    assert look(on_line(source)) == ()
    assert look(on_line(lambda x: torch.where(x > 0.4, x / 0, x))) == ()


def test_a_jump_keeps_its_size_however_closely_it_is_looked_at_and_a_steep_front_does_not():
    def kinds(function):
        steps = torch.linspace(0, 1, 1000, dtype=torch.float64)
        probe = lambda lines, t: function(t)  # noqa: E731
        return [found.kind for found in find(function(steps)[None], probe, Rarity(0.05, 0.02))]

    assert kinds(lambda t: torch.where(t > 0.3, 1.0, 0.0).double()) == ["jump"]
    assert kinds(lambda t: torch.tanh((t - 0.3) / 1e-9)) == ["narrow"]
    assert kinds(lambda t: (t - 0.3).abs()) == ["kink"]
    assert kinds(lambda t: torch.tanh((t - 0.3) / 0.1)) == []


def _around(x, y):
    return (x - 0.3137) ** 2 + (y - 0.6011) ** 2


@pytest.mark.parametrize("width", [1e-3, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize(
    "spot",
    [
        lambda x, y, w: bell(x, 0.3137, w) * bell(y, 0.6011, w),
        lambda x, y, w: torch.exp(-_around(x, y) / w**2),
        lambda x, y, w: 1 / (1 + _around(x, y) / w**2),
        lambda x, y, w: torch.where(_around(x, y) < w**2, 1.0, 0.0),
        lambda x, y, w: torch.where((x > 0.3137) & (x < 0.3137 + w) & (y > 0.6011) & (y < 0.6011 + w), 1.0, 0.0),
        lambda x, y, w: torch.relu(1 - _around(x, y).sqrt() / w),
        lambda x, y, w: torch.relu(1 - abs(x - 0.3137) / w) * torch.relu(1 - abs(y - 0.6011) / w),
        lambda x, y, w: ((abs(x - 0.3137) < w) & (abs(y - 0.6011) < w)).double(),
        lambda x, y, w: ((x - 0.3137) ** 2 < w**2) * bell(y, 0.6011, w),
        lambda x, y, w: torch.exp(-_around(x, y) / w**2 + 1j * x).real,
        lambda x, y, w: 1 - torch.tanh((_around(x, y).sqrt() - 3 * w) / w),
    ],
    ids=["product", "bell", "rational", "disk", "square", "cone", "hats", "bands", "band and bell", "complex", "tanh"],
)
def test_spots_between_all_lines_are_found_by_what_they_are_made_of(spot, width):
    found = look(on_square(lambda x, y: torch.sin(3 * x) / 4 + spot(x, y, width)))
    narrow = [feature for feature in found if feature.kind == "narrow"]
    assert len(narrow) == 1 and narrow[0].plane is None and 0.2 * width < narrow[0].width < 10 * width
    assert (narrow[0].at - torch.tensor([0.3137, 0.6011])).norm(dim=1).max() < 5 * width


def test_a_ridge_between_all_lines_is_a_plane():
    (feature,) = look(on_square(lambda x, y: x + torch.sin(y) * bell(x, 0.3137, 1e-6)))
    assert feature.plane is not None and feature.plane[0] == 0 and abs(feature.plane[1] - 0.3137) < 1e-6


def test_a_ring_between_all_lines_is_seen_all_around():
    (feature,) = look(on_square(lambda x, y: x + bell(((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt(), 0.31, 1e-6)))
    radius = (feature.at - 0.5).norm(dim=1)
    assert len(feature.at) > 30 and (radius - 0.31).abs().max() < 1e-5


def test_a_conductivity_that_jumps_around_a_spot_is_hidden():
    found = look(conducting(lambda x, y: torch.where(_around(x, y) < 1e-8, 1e4, 1.0)))
    assert [feature.kind for feature in found if feature.hidden] == ["jump"]


@pytest.mark.parametrize(
    "conditions",
    [
        [g.Dirichlet(u=lambda x, y: x + bell(x, 0.3, 1e-6))],
        [
            g.Dirichlet(u=0, on=SQUARE.face(x=0)),
            g.Dirichlet(u=0, on=SQUARE.face(y=0)),
            g.Dirichlet(u=0, on=SQUARE.face(y=1)),
            g.Neumann(u=lambda x, y: torch.exp(-((y - 0.4) ** 2) / 1e-12), on=SQUARE.face(x=1)),
        ],
    ],
)
def test_spots_of_values_on_sides_are_found(conditions):
    found = look(g.Problem(SQUARE, lambda u: g.laplacian(u), conditions))
    assert found and all(feature.kind == "narrow" and feature.width < 1e-5 for feature in found)


def test_a_spot_in_space_is_found_at_all_times_and_a_spot_in_a_cube():
    plate = SQUARE * g.Time(t=(0, 1))
    heat = g.Problem(
        plate,
        lambda u, x, y, t: g.diff(u, t) - g.laplacian(u) - torch.exp(-_around(x, y) / 1e-10),
        [g.Dirichlet(u=0), g.Initial(u=0)],
    )
    (feature,) = look(heat)
    assert feature.width < 1e-4 and feature.at[:, 2].max() - feature.at[:, 2].min() > 0.5
    cube = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
    source = lambda x, y, z: x + bell(x, 0.3, 1e-5) * bell(y, 0.4, 1e-5) * bell(z, 0.6, 1e-5)  # noqa: E731
    (feature,) = look(g.Problem(cube, lambda u, x, y, z: g.laplacian(u) + source(x, y, z), [g.Dirichlet(u=0)]))
    assert (feature.at - torch.tensor([0.3, 0.4, 0.6])).norm(dim=1).max() < 1e-4


def test_what_belongs_to_a_pole_is_told_from_what_is_narrow_beside_it():
    def wells(source):
        return look(g.Problem(LINE, lambda u, x: g.diff(u, x, x) + source(x) * u, [g.Dirichlet(u=0)]))

    for pole in (lambda x: 1 / x, lambda x: -2 / x**2, lambda x: 1 / x - 3 / x**2):
        narrow = [feature for feature in wells(pole) if feature.kind == "narrow"]
        assert narrow and all(feature.tail for feature in narrow)
    beside = wells(lambda x: 1 / x + 1e5 * bell(x, 0.3, 0.002))
    assert any(not feature.tail and abs(feature.at[0, 0].item() - 0.3) < 0.01 for feature in beside)
