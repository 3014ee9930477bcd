"""The paper's targets: levels, samples, noise, and fits of them."""

import math

import pytest
import torch

import gmnm_pde as g

NAMES = ("regression_1d", "regression_2d")


def target(name, level, *point):
    columns = [torch.tensor([value], dtype=torch.float64) for value in point]
    fields, _ = g.registry.load(name, level=level).exact_columns(columns)
    return fields["u"].item()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("samples", [None, 50])
def test_every_level_verifies(name, level, samples):
    problem = g.registry.load(name, level=level, samples=samples)
    table = problem.verify()
    assert table.free_faces == () and "no condition" not in str(table)
    assert [term.name for term in problem.terms] == (["equation"] if samples is None else ["observed_u"])


def test_levels_are_the_papers():
    x, y = -2.5, 2.5
    waves = math.sin(math.pi * x) * math.sin(math.pi * y)
    slope = 5 * (math.sinh(x) + math.sinh(y))
    sigma = torch.tensor([[0.6, 1.1], [1.1, 3.9]], dtype=torch.float64)
    density = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), sigma)
    bump = density.log_prob(torch.tensor([x, y], dtype=torch.float64)).exp().item()
    found = [target("regression_2d", level, x, y) for level in (1, 2, 3, 4)]
    assert found[0] == pytest.approx(waves)
    assert found[1] == pytest.approx(waves - slope)
    assert found[2] == pytest.approx(waves - slope + 0.1 / 1.5)
    assert found[3] == pytest.approx(waves - slope + 0.1 / 1.5 + 40 * bump)
    assert target("regression_1d", 4, 0.0) == pytest.approx(40 / math.sqrt(2 * math.pi * 0.6))


def test_the_jump_is_where_the_paper_has_it():
    def jump(x, y):
        return target("regression_2d", 3, x, y) - target("regression_2d", 2, x, y)

    assert [round(jump(*at), 12) for at in ((-3.6, 2.5), (-2.5, 1.9), (-1.9, 2.5), (-2.5, 3.1))] == [0] * 4
    assert jump(-2.5, 2.5) == pytest.approx(0.1 / 1.5)


@pytest.mark.parametrize("name", NAMES)
def test_samples_depend_on_the_seed_alone(name):
    def values(**options):
        (term,) = g.registry.load(name, samples=200, **options).terms
        return term.region.points

    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert torch.equal(values(seed=3), values(seed=3))
    assert not torch.equal(values(seed=3), values(seed=4))
    assert torch.equal(before, torch.get_rng_state())


def test_noise_is_relative_to_the_root_mean_square():
    report = g.solve(g.registry.load("regression_1d", samples=4000, noise=0.1), g.Mixture(components=40)).report
    size = math.sqrt(report.mse) / report.relative_l2
    assert report.boundary == pytest.approx(0.1 * size, rel=0.05)
    assert report.relative_l2 < 0.03
    with pytest.raises(g.GmnmError, match="observed_u"):
        g.registry.load("regression_1d", samples=50, noise=0.1).verify()


def test_a_fit_from_samples_finds_the_clean_target():
    assert g.solve(g.registry.load("regression_2d", level=2, samples=1500), tol=1e-5).report.relative_l2 < 1e-5


BAD = {
    "level 0": ({"level": 0}, "a level from 1 to 4, got 0"),
    "level 5": ({"level": 5}, "a level from 1 to 4"),
    "level by name": ({"level": "hard"}, "got 'hard'"),
    "a list of levels": ({"level": [1]}, "a level from 1 to 4"),
    "negative noise": ({"noise": -0.1, "samples": 5}, "a standard deviation from 0"),
    "infinite noise": ({"noise": math.inf, "samples": 5}, "a standard deviation from 0"),
    "noise without samples": ({"noise": 0.1}, "Give samples="),
    "no samples": ({"samples": 0}, "a positive number of samples"),
    "half a sample": ({"samples": 1.5}, "a positive number of samples"),
    "seed": ({"samples": 5, "seed": -1}, "a whole number from 0"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(name, case):
    options, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        g.registry.load(name, **options)
