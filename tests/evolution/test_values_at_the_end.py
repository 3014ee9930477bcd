"""Problems with values at the final time are marched from there, where that is the stable way."""

import math

import pytest
import torch

from gmnm_pde import (
    Condition,
    Dirichlet,
    Evolution,
    GmnmError,
    Initial,
    Interval,
    Neumann,
    Periodic,
    Problem,
    Rectangle,
    Time,
    diff,
    laplacian,
    load_solution,
    solve,
)

PI = math.pi


def final(equation, exact, sides, domain, **more):
    coordinates = domain.coordinates[:-1]

    def given(scope_u, t, **places):
        return scope_u - exact(*places.values(), t)

    end = {1: lambda u, x, t: given(u, t, x=x), 2: lambda u, x, y, t: given(u, t, x=x, y=y)}[len(coordinates)]
    return Problem(
        domain, equation, [*sides, Condition(end, on=domain.face(t=1)), *more.pop("others", [])], exact=exact
    )


LINE = Interval(x=(0, 1)) * Time(t=(0, 1))
CIRCLE = Interval(x=(0, 2 * PI)) * Time(t=(0, 1))
SQUARE = Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, 1))


def hamilton_jacobi():
    def exact(x, t):
        return torch.sin(PI * x) * torch.exp(t - 1) * torch.cos(3 * t)

    def equation(u, x, t):
        own, wave = exact(x, t), torch.sin(PI * x) * torch.exp(t - 1)
        slope = PI * torch.cos(PI * x) * torch.exp(t - 1) * torch.cos(3 * t)
        source = own - 3 * wave * torch.sin(3 * t) - slope**2 / 2 - 0.1 * PI**2 * own
        return diff(u, t) - diff(u, x) ** 2 / 2 + 0.1 * diff(u, x, x) - source

    return final(equation, exact, [Dirichlet(u=0)], LINE)


def string():
    velocity = Condition(lambda u, x, t: diff(u, t) + 0 * x, on=LINE.face(t=1), name="velocity")
    return final(
        lambda u, x, t: diff(u, t, t) - diff(u, x, x),
        lambda x, t: torch.sin(PI * x) * torch.cos(PI * t),
        [Dirichlet(u=0)],
        LINE,
        others=[velocity],
    )


def circle():
    equation, exact = (lambda u, x, t: diff(u, t) + diff(u, x)), (lambda x, t: torch.sin(x - t))
    return final(equation, exact, [Periodic("x")], CIRCLE)


def plate():
    def exact(x, y, t):
        return torch.sin(PI * x) * torch.sin(PI * y) * torch.exp(0.2 * PI**2 * (t - 1))

    return final(lambda u, t: diff(u, t) + 0.1 * laplacian(u), exact, [Dirichlet(u=0)], SQUARE)


@pytest.mark.parametrize("make", [hamilton_jacobi, string, circle, plate])
def test_they_are_right_at_all_times(make):
    report = solve(make(), tol=1e-7).report
    assert report.method.startswith("evolution") and report.converged
    assert report.relative_l2 < report.error_estimate < 1e-7


def call_option():
    """The price of a European call (F. Black, M. Scholes, 1973), which has a kink at the end."""
    rate, deviation = 0.05, 0.3

    def normal(z):
        return (1 + torch.erf(z / math.sqrt(2))) / 2

    def price(S, t):
        left = (1 - t).clamp_min(1e-300)
        at = (torch.log(S) + (rate + deviation**2 / 2) * left) / (deviation * left.sqrt())
        return S * normal(at) - torch.exp(-rate * left) * normal(at - deviation * left.sqrt())

    domain = Interval(S=(0.2, 4)) * Time(t=(0, 1))

    def equation(u, S, t):
        return diff(u, t) + deviation**2 * S**2 * diff(u, S, S) / 2 + rate * S * diff(u, S) - rate * u

    payoff = Condition(lambda u, S: u - torch.clamp(S - 1, min=0), on=domain.face(t=1), name="payoff")
    sides = [Dirichlet(u=price, on=domain.face(S=0.2)), Dirichlet(u=price, on=domain.face(S=4))]
    return Problem(domain, equation, [*sides, payoff], exact=price)


def test_a_kink_at_the_end(tmp_path):
    solution = solve(call_option(), tol=1e-6)
    assert solution.report.converged and solution.report.relative_l2 < 1e-7
    solution.save(tmp_path / "call.safetensors")
    again = load_solution(tmp_path / "call.safetensors")
    assert again(1.1, 0.3) == solution(1.1, 0.3)
    slopes = solution.diff("t")(1.1, 0.5), (solution(1.1, 0.5001) - solution(1.1, 0.4999)) / 2e-4
    assert float(slopes[0]) == pytest.approx(float(slopes[1]), rel=1e-5)


@pytest.mark.slow
def test_conditions_that_switch_at_their_own_time():
    switching = Problem(
        LINE,
        lambda u, x, t: diff(u, t) + diff(u, x, x),
        [
            Dirichlet(u=0, on=LINE.face(x=0)),
            Dirichlet(u=1, on=LINE.face(x=1).where(lambda t: t > 0.6)),
            Neumann(u=0, on=LINE.face(x=1).where(lambda t: t <= 0.6)),
            Condition(lambda u, x: u - x, on=LINE.face(t=1)),
        ],
    )
    solution = solve(switching, tol=1e-6)
    assert abs(solution(0.7, 0.9) - 0.7) < 1e-9  # nothing happens before the sides switch
    # then the deviation from x is that of a rod whose end is let go: sum of c_k sin((k + 1/2) pi x) exp(-(...)^2 s)
    rates = [(k + 0.5) * PI for k in range(40)]
    left = sum(2 * (-1) ** k / r**2 * math.sin(0.7 * r) * math.exp(-(r**2) * 0.3) for k, r in enumerate(rates))
    assert abs(solution(0.7, 0.3) - left) < 1e-6


def test_what_grows_backwards_is_not_marched():
    def exact(x, t):
        return torch.sin(PI * x) * torch.exp(-0.1 * PI**2 * t)

    backwards = final(lambda u, x, t: diff(u, t) - 0.1 * diff(u, x, x), exact, [Dirichlet(u=0)], LINE)
    report = solve(backwards, tol=1e-3).report
    assert not report.method.startswith("evolution")
    assert report.converged and report.relative_l2 < report.error_estimate and "ill-posed" in report.reason
    with pytest.raises(GmnmError, match="waves grow the faster"):
        solve(backwards, method=Evolution())


def test_what_grows_in_one_material_is_not_marched():
    layers = Interval(x=(0, 1)).split(at=0.5, names=("a", "b")) * Time(t=(0, 1))
    mixed = Problem(
        layers,
        lambda u, k, x, t: diff(u, t) + diff(k * diff(u, x), x),
        [Dirichlet(u=0), Condition(lambda u, x: u - torch.sin(PI * x), on=layers.face(t=1))],
        coefficients={"k": {"a": 1.0, "b": -0.1}},
    )
    with pytest.raises(GmnmError, match="waves grow the faster"):
        solve(mixed, method=Evolution())


def test_values_at_both_ends_are_not_marched():
    both = final(
        lambda u, x, t: diff(u, t) + 0.1 * diff(u, x, x), lambda x, t: 0 * x, [Dirichlet(u=0), Initial(u=0)], LINE
    )
    with pytest.raises(GmnmError, match="at the beginning and at the end"):
        solve(both, method=Evolution())
