"""Statements on time alone: names of fields, and many fields as one vector."""

import pytest
import torch

import gmnm_pde as g

T = g.Time(t=(0, 1))


def test_x_and_y_are_fields_where_there_is_no_space():
    problem = g.Problem(T, lambda x, y, t: (g.diff(x, t) - y, g.diff(y, t) + x), [g.Initial(x=0, y=1)])
    assert problem.fields == ("x", "y") and problem.linear
    solution = g.solve(problem, g.Mixture(components=30))
    assert abs(solution(0.5)["x"] - torch.sin(torch.tensor(0.5)).item()) < 1e-6


def test_another_name_of_time_is_no_field_unasked():
    with pytest.raises(g.GmnmError, match="asks for 't', which is no coordinate"):
        g.Problem(g.Time(s=(0, 1)), lambda u, t: g.diff(u, "s") + u, [g.Initial(u=1)])


def test_x_stays_a_coordinate_where_there_is_space():
    with pytest.raises(g.GmnmError, match="asks for 'y', which is no coordinate"):
        g.Problem(g.Interval(x=(0, 1)) * T, lambda u, y, t: g.diff(u, t) + y, [g.Initial(u=1)])


K = 5
CHAIN = 2 * torch.eye(K, dtype=torch.float64) - torch.diag(torch.ones(K - 1), 1).double()
RATES = torch.arange(1.0, K + 1, dtype=torch.float64)
START = [1.0, 0.5, 0.0, -0.5, 2.0]

VECTORS = {
    "a matrix": lambda t, y: g.diff(y, t) + CHAIN @ y,
    "a numpy matrix": lambda t, y: g.diff(y, t) + CHAIN.numpy() @ y,
    "components": lambda t, y: torch.stack([g.diff(y[k], t) + CHAIN[k] @ y for k in range(K)]),
    "a list": lambda t, y: [g.diff(u, t) + CHAIN[k] @ y for k, u in enumerate(y)],
    "parts": lambda t, y: [g.diff(y[:2], t) + CHAIN[:2] @ y, g.diff(y[2:], t) + CHAIN[2:] @ y],
    "filled": lambda t, y: filled(t, y),
    "neighbours": lambda t, y: g.diff(y, t) + 2 * y - torch.cat([y[1:], torch.zeros_like(y[:1])]),
    "arguments without a name": lambda t, *y: [g.diff(u, t) + CHAIN[k] @ torch.stack(y) for k, u in enumerate(y)],
    "a dict": lambda t, y: {"chain": g.diff(y, t) + CHAIN @ y},
}


def filled(t, y):
    slope = torch.zeros_like(y)
    slope[:-1] = y[1:] - 2 * y[:-1]
    slope[-1] = -2 * y[-1]
    return g.diff(y, t) - slope


def chain(equation, conditions=None, **more):
    return g.Problem(T, equation, conditions or [g.Initial(y=START)], fields=("y", K), **more)


def exact(t):
    start = torch.tensor(START, dtype=torch.float64)
    return {"y": (torch.linalg.matrix_exp(-CHAIN * t[:, None, None]) @ start).mT}


@pytest.mark.parametrize("name", VECTORS)
def test_many_fields_are_one_vector(name):
    problem = chain(VECTORS[name], exact=exact)
    assert problem.fields == tuple(f"y_{k}" for k in range(1, K + 1)) and problem.vectors == {"y": problem.fields}
    assert problem.linear and sum(len(term.trace.names) for term in problem.terms) == 2 * K
    problem.verify()


def test_exact_solutions_are_taken_on_grids():
    grid = torch.linspace(0, 1, 6, dtype=torch.float64).reshape(2, 3)
    alone = g.Problem(T, lambda u, t: g.diff(u, t) + u, [g.Initial(u=1)], exact=lambda t: torch.exp(-t))
    assert alone.exact_columns([grid])[0]["u"].shape == (2, 3)
    pair = g.Problem(
        T,
        lambda t, y: g.diff(y, t) + y,
        [g.Initial(y=1)],
        fields=("y", 2),
        exact=lambda t: torch.stack([torch.exp(-t), torch.exp(-t)]),
    )
    assert pair.exact_columns([grid])[0]["y_2"].shape == (2, 3)


def test_a_vector_is_solved_and_comes_back_as_one():
    solution = g.solve(chain(VECTORS["a matrix"], exact=exact), g.Mixture(components=30))
    times = torch.tensor([0.25, 0.75], dtype=torch.float64)
    values = solution.vector("y", times)
    assert values.shape == (K, 2) and torch.equal(values[3], solution(times)["y_4"])
    assert (values - exact(times)["y"]).abs().max() < 1e-8


def test_sums_and_products_go_over_components():
    def rigid(t, y, decay):
        moments = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
        return g.diff(y, t) + decay * y * (moments * y**2).sum() / (1 + y @ y + torch.linalg.norm(y) + y.max())

    problem = g.Problem(T, rigid, [g.Initial(y=lambda: [1, 0, 2])], fields=("y", 3), constants={"decay": 0.1})
    assert not problem.linear and all(len(term.trace.asked) == 6 for term in problem.terms if term.group == "interior")


def test_vectors_stand_beside_other_fields_and_in_conditions():
    def lumped(y, w, t, k):
        return [g.diff(y, t) + k, g.diff(w, t) + y.sum()]

    def closed(y, w):
        return y - w

    problem = g.Problem(
        T,
        lumped,
        [g.Condition(closed, on=T.initial), g.Initial(w=1), g.Observations([[0.5], [1.0], [0.7]], y=torch.ones(3, 2))],
        fields=[("y", 2), "w"],
        coefficients={"k": lambda y: y**2 + y[0]},
    )
    assert problem.fields == ("y_1", "y_2", "w")
    assert [term.trace.names for term in problem.terms] == [
        ("equation_1", "equation_2", "equation_3"),
        ("closed_1", "closed_2"),
        ("initial_w",),
        ("observed_y_1",),
        ("observed_y_2",),
    ]


def test_arguments_without_names_are_the_fields_that_are_left():
    def equations(b, t, rate=2.0, *others, k):
        assert len(others) == 2
        return [g.diff(u, t) + rate * k * u for u in (*others, b)]

    conditions = [g.Initial(a=1, b=2, c=3)]
    problem = g.Problem(T, equations, conditions, fields=("a", "b", "c"), constants={"k": 1.0})
    assert problem.fields == ("a", "b", "c")


REFUSED = {
    "too few values": (lambda: chain(VECTORS["a matrix"], [g.Initial(y=[1, 2])]), "one number for each component"),
    "a function of too few": (lambda: chain(VECTORS["a matrix"], [g.Initial(y=lambda: [1, 2])]), "5 components"),
    "another vector": (lambda: chain(VECTORS["a matrix"], [g.Initial(z=0)]), "a field of the problem"),
    "a component that is not there": (lambda: chain(lambda t, y: g.diff(y, t) + y[K]), "IndexError"),
    "no number": (lambda: g.Problem(T, VECTORS["a matrix"], fields=("y", 0)), "a number of components"),
    "one name twice": (lambda: g.Problem(T, VECTORS["a matrix"], fields=("y", 2, "y_1")), "'y_1' twice"),
    "no names": (lambda: g.Problem(T, lambda t, *u: g.diff(u[0], t), [g.Initial(u=1)]), "or name the fields"),
    "rows that are no points": (
        lambda: chain(VECTORS["a matrix"], [g.Observations([[0.5]], y=torch.ones(K, 1))]),
        "a row of components for each point",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_vectors_that_cannot_be(name):
    make, words = REFUSED[name]
    with pytest.raises(g.GmnmError, match=words):
        make()
