"""Problems solved on boxes, against exact solutions and rates of convergence."""

import itertools
import math

import box_cases as cases
import pytest
import torch

import gmnm_pde as g


def error(problem, **chosen):
    return g.solve(problem, method=g.Boxes(**chosen), tol=1e-13).report.relative_l2


@pytest.mark.parametrize(
    ("make", "counts", "degree", "bound"),
    [
        (cases.varying, (2, 2), 16, 1e-11),
        (cases.line, 3, 16, 1e-11),
        (cases.spacetime, (2, 1), 12, 1e-10),
        (lambda: cases.helmholtz(2), (2, 2), 16, 1e-6),
        (cases.cube, (2, 1, 2), 8, 1e-5),
    ],
    ids=["all kinds of conditions", "one dimension", "space and time", "helmholtz", "space"],
)
def test_solutions_are_right(make, counts, degree, bound):
    solution = g.solve(make(), method=g.Boxes(counts=counts, degree=degree))
    assert solution.report.relative_l2 < bound
    assert solution.report.relative_l2 / 10 < solution.report.error_estimate < 100 * bound


def test_errors_fall_with_the_degree():
    errors = [error(cases.poisson(1), counts=2, degree=degree) for degree in (8, 12, 16)]
    assert errors[1] < 0.01 * errors[0] and errors[2] < 0.01 * errors[1]


def test_errors_fall_with_the_boxes_at_the_rate_of_the_degree():
    errors = [error(cases.poisson(1), counts=n, degree=8) for n in (3, 6, 12)]
    rates = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert min(rates) > 7


def test_many_waves_are_solved_on_boxes_unasked():
    report = g.solve(cases.helmholtz(8), tol=1e-7).report
    assert report.status == "met" and "boxes" in report.method
    assert report.relative_l2 < 1e-7


def test_smooth_data_leave_the_mixture_as_it_is():
    assert "boxes" not in g.solve(cases.poisson(1), tol=1e-6).report.method


def test_a_condition_may_hold_on_a_part_of_a_side():
    domain = g.Rectangle(x=(0, 1), y=(0, 1))

    def exact(x, y):
        return torch.exp(x) * torch.cos(y)

    low = domain.face(y=0)
    conditions = [
        g.Dirichlet(u=exact, on=domain.face(x=0) | domain.face(x=1) | domain.face(y=1)),
        g.Dirichlet(u=exact, on=low.where(lambda x: x < 0.5)),
        g.Neumann(u=0, on=low.where(lambda x: x > 0.5)),
    ]
    problem = g.Problem(domain, lambda u: g.laplacian(u), conditions, exact=exact)
    assert error(problem, counts=2, degree=12) < 1e-9


def test_an_anisotropic_problem_gets_boxes_where_it_varies():
    k = 40.0

    def exact(x, y):
        return torch.sin(k * x) * (1 + y)

    problem = g.Problem(
        cases.SQUARE,
        lambda u, x, y: g.laplacian(u) + k * k * exact(x, y),
        [g.Dirichlet(u=exact)],
        exact=exact,
        name="stripes",
    )
    solution = g.solve(problem, method=g.Boxes(), tol=1e-8)
    boxes = solution.approximator.boxes
    assert len({box[0] for box in boxes}) > 2 * len({box[1] for box in boxes})
    assert solution.report.relative_l2 < 1e-8


def test_a_solution_saves_and_plots(tmp_path):
    solution = g.solve(cases.helmholtz(2), method="boxes", tol=1e-5)
    solution.save(tmp_path / "boxes.pt")
    again = g.load_solution(tmp_path / "boxes.pt")
    at = {"x": torch.tensor([0.0, 0.31, 1.0]), "y": torch.tensor([1.0, 0.52, 0.0])}
    assert torch.equal(again(**at), solution(**at))
    from gmnm_pde.plots.patches import plot_patches

    assert plot_patches(again) is not None


def test_the_same_digits_twice():
    first, second = (g.solve(cases.varying(), method=g.Boxes(counts=2, degree=8)) for _ in range(2))
    assert torch.equal(first.approximator.weights, second.approximator.weights)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"counts": 0}, "positive whole numbers"),
        ({"counts": (2, -1)}, "positive whole numbers"),
        ({"degree": 3}, "a degree from 4 to 40"),
        ({"degree": 7.5}, "a degree from 4 to 40"),
    ],
)
def test_numbers_that_are_none_are_refused(arguments, words):
    with pytest.raises(g.GmnmError, match=words):
        g.Boxes(**arguments)


def waves_in_space():
    box = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
    return g.Problem(box, lambda u: g.laplacian(u) + 30 * u, [g.Dirichlet(u=1)])


def heat_in_the_plane():
    domain = cases.SQUARE * g.Time(t=(0, 1))
    return g.Problem(domain, lambda u: g.diff(u, "t") - g.laplacian(u) - 1, [g.Dirichlet(u=0), g.Initial(u=0)])


def layered():
    return g.registry.load("boundary_layer", eps=1e-3)


def test_a_layer_gets_boxes_of_several_sizes():
    solution = g.solve(layered(), tol=1e-5)
    assert solution.report.converged and "boxes" in solution.report.method
    sides = [high - low for ((low, high),) in solution.approximator.boxes]
    assert max(sides) > 10 * min(sides)


def sixth_order():
    conditions = [g.Dirichlet(u=0), g.Neumann(u=0), g.Condition(lambda u: g.laplacian(u), on=cases.SQUARE.boundary)]
    return g.Problem(cases.SQUARE, lambda u: g.laplacian(g.biharmonic(u)) - 1, conditions)


def ball():
    domain = g.Ball(center=(0, 0, 0), radius=1) * g.Time(t=(0, 1))
    return g.Problem(domain, lambda u: g.diff(u, "t") - g.laplacian(u) - 1, [g.Dirichlet(u=0), g.Initial(u=0)])


def unknown_number():
    conditions = [g.Dirichlet(u=0), g.Observations([[0.5, 0.5]], u=[0.1])]
    return g.Problem(cases.SQUARE, lambda u, k: g.laplacian(u) + k, conditions, parameters={"k": 1.0})


def nonlinear_in_space():
    box = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
    return g.Problem(box, lambda u: g.laplacian(u) - u**3, [g.Dirichlet(u=1)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nonlinear_in_space, "nonlinear in three coordinates"),
        (sixth_order, "of no order from 1 to 4"),
        (ball, "neither a box nor a shape in the plane"),
        (unknown_number, "numbers are solved for"),
        (waves_in_space, "waves in three coordinates"),
        (heat_in_the_plane, "time beside two coordinates"),
    ],
)
def test_other_problems_are_refused_with_the_reason(make, words):
    with pytest.raises(g.GmnmError, match=words):
        g.solve(make(), method=g.Boxes())


@pytest.mark.parametrize(
    "arguments",
    [{"points": 100}, {"dtype": torch.float32}, {"hard": True}, {"model": g.Mixture(components=9)}, {"model": "mlp"}],
    ids=lambda arguments: next(iter(arguments)),
)
def test_arguments_without_effect_are_refused(arguments):
    with pytest.raises(g.GmnmError):
        g.solve(cases.poisson(1), method=g.Boxes(), **arguments)


def test_many_counts_for_few_coordinates_are_refused():
    with pytest.raises(g.GmnmError, match="each of 2 coordinates"):
        g.solve(cases.poisson(1), method=g.Boxes(counts=(2, 2, 2)))


def test_an_answer_that_is_one_of_many_is_not_called_solved():
    with pytest.warns(g.NumericalWarning, match="any constant can be added"):
        free = g.Problem(cases.SQUARE, lambda u, x, y: g.laplacian(u) - torch.cos(math.pi * x), [g.Neumann(u=0)])
    report = g.solve(free, method=g.Boxes(counts=2, degree=10)).report
    assert not report.converged and report.status == "not_unique"
