"""Cousins that were silently wrong when they were first tried, and some of the same kinds that were not."""

import math

import torch

import gmnm_pde as g
from truth.case import add
from truth.silent import LINE, PI, SINE

SENSORS = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)


def stepped(x, place, low, high):
    return torch.where(x > place, high, low)


def kinked(x, place, low, high):
    """Straight on both sides of a place with the same flux, from 0 to 1."""
    flux = 1 / (place / low + (1 - place) / high)
    return torch.where(x < place, flux * x / low, flux * place / low + flux * (x - place) / high)


def conducting(k, **named):
    return g.Problem(LINE, lambda u, x: g.diff(k(u, x) * g.diff(u, x), x), [g.Dirichlet(u=lambda x: x)], **named)


# What is differentiated jumps: by little, beside fields, with the field, within a part that was declared

for _k in (1 + 1e-4, 1 + 1e-7):
    add(
        f"jump_slight_{_k - 1:.0e}",
        "A2",
        lambda k=_k: conducting(lambda u, x: stepped(x, 0.37, 1.0, k)),
        lambda x, k=_k: kinked(x, 0.37, 1.0, k),
    )
add(
    "jump_of_an_added_flux",
    "A2",
    lambda: g.Problem(
        LINE, lambda u, x: g.diff(g.diff(u, x) + stepped(x, 0.4, 0.0, 1.0), x), [g.Dirichlet(u=0)], name="added"
    ),
    lambda x: torch.where(x < 0.4, 0.6 * x, 0.24 - 0.4 * (x - 0.4)),
)
add(
    "jump_first_order",
    "A2",
    lambda: g.Problem(
        LINE,
        lambda u, q, x: (stepped(x, 0.4, 1.0, 10.0) * g.diff(u, x) - q, g.diff(q, x)),
        [g.Dirichlet(u=lambda x: x)],
        fields=("u", "q"),
    ),
    lambda x: {"u": kinked(x, 0.4, 1.0, 10.0), "q": 1 / 0.46 + 0 * x},
)
FIELD_STEP = lambda x: torch.where(x < 1 / 11, 5.5 * x, 0.5 + 0.55 * (x - 1 / 11))  # noqa: E731
add("jump_with_the_field", "A2", lambda: conducting(lambda u, x: torch.where(u > 0.5, 10.0, 1.0)), FIELD_STEP, tol=1e-6)
add(
    "jump_steep_with_the_field",
    "A2",
    lambda: conducting(lambda u, x: 1 + 9 * torch.sigmoid(1e4 * (u - 0.5))),
    FIELD_STEP,
    tol=1e-3,
)


def halves():
    return LINE.split(at={"x": [0.5]}, names=["left", "right"])


add(
    "jump_within_a_part",
    "A2",
    lambda: g.Problem(
        halves(),
        lambda u, x, k: g.diff(k * stepped(x, 0.25, 1.0, 10.0) * g.diff(u, x), x),
        [g.Dirichlet(u=lambda x: x)],
        coefficients={"k": {"left": 1.0, "right": 1.0}},
    ),
    lambda x: kinked(x, 0.25, 1.0, 10.0),
    tol=1e-6,
)

# What nothing determines, and data that contradict each other


def with_data(equation, values, **named):
    return g.Problem(LINE, equation, [g.Dirichlet(u=0), g.Observations(SENSORS[:, None], u=values)], **named)


add(
    "missing_a_or_b",
    "A2",
    lambda: with_data(
        lambda u, a, b, x: g.diff(u, x, x) + (a + b) * PI**2 * SINE(x), SINE(SENSORS), parameters={"a": 0.5, "b": 0.1}
    ),
    tol=1e-6,
)
add(
    "missing_effect",
    "A2",
    lambda: with_data(
        lambda u, a, x: g.diff(u, x, x) + 1e-14 * a + PI**2 * SINE(x), SINE(SENSORS), parameters={"a": 0.5}
    ),
    tol=1e-6,
)
add(
    "contradiction_values",
    "A2",
    lambda: g.Problem(
        LINE,
        lambda u: g.diff(u, "x", "x"),
        [g.Dirichlet(u=0, on=LINE.face(x=0)), g.Observations([[0.5], [0.5]], u=[1.0, 1.2])],
    ),
    tol=1e-6,
)
add(
    "contradiction_wave",
    "A2",
    lambda: (
        lambda domain: g.Problem(
            domain,
            lambda u, x, t: g.diff(u, t, t) - g.diff(u, x, x),
            [g.Dirichlet(u=0), g.Initial(u=SINE), g.Initial(u=0, order=1), g.Neumann(u=0, on=domain.face(x=0))],
        )
    )(LINE * g.Time(t=(0, 1))),
    tol=1e-6,
    time_limit=10,
)
add(
    "resonance_square",
    "A2",
    lambda: g.Problem(
        g.Rectangle(x=(0, 1), y=(0, 1)),
        lambda u, x, y: g.laplacian(u) + (2 * math.pi**2 + 1e-6) * u - 1e-6 * SINE(x) * SINE(y),
        [g.Dirichlet(u=0)],
    ),
    lambda x, y: SINE(x) * SINE(y),
    tol=1e-6,
)
