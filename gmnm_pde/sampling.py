"""Seeds for every purpose; and points for a region, which ``geometry/sampled.py`` makes."""

from typing import Literal

from gmnm_pde.geometry.sampled import CHART_STRIDE
from gmnm_pde.geometry.sampled import Cloud as Cloud
from gmnm_pde.geometry.sampled import sample as sample
from gmnm_pde.geometry.unit import RULES as RULES
from gmnm_pde.geometry.unit import unit_points as unit_points

Purpose = Literal["term", "chart", "move", "held out", "evaluation", "look", "inspection", "balance", "pairs"]
"""What random numbers are for."""

_STRIDES: dict[Purpose, int] = {
    "term": 31,  # the points of a problem's terms, by their numbers
    "chart": CHART_STRIDE,  # the points on a region's charts, by their numbers
    "move": 7919,  # points that move while a model trains, by how often they have moved
    "held out": 104729,  # points that fits are chosen by, which none is fitted to
    "evaluation": 15485863,  # points that solutions are judged on
    "look": 32452843,  # lines that data are looked at along, and points where they show something
    "inspection": 49979687,  # points that answers are inspected on at the end
    "balance": 67867967,  # points and fields at which the sizes of fields in equations are compared
    "pairs": 86028121,  # points at which ridges on pairs of coordinates are held beside a residual
}
"""How far apart the seeds of one purpose are. All but one are primes of different sizes, and so streams do not meet."""


def stream(seed: int, purpose: Purpose, number: int = 1) -> int:
    """The seed of the random numbers for one purpose, in a solve with ``seed``; ``number`` counts several of a kind."""
    return seed + number * _STRIDES[purpose]


def stream_of_step(seed: int, step: int) -> int:
    """The seed of the random numbers of one training step, for which nothing has to be kept between steps."""
    return 1_000_003 * seed + step
