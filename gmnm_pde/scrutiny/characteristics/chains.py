"""Characteristics from points inside to places of the boundary, and on from there along another family."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.scrutiny.characteristics.flow import Ends, Flow, trace
from gmnm_pde.scrutiny.characteristics.places import Condition, conditions_at
from gmnm_pde.scrutiny.characteristics.unit_box import UnitBox

_LINES = 8
"""Of a chain."""

_INSIDE = 4e-3
"""Lines begin so far from the boundary."""


@dataclass(frozen=True)
class Chains:
    """Ends of chains one way from some points.

    Attributes:
        places: In the unit box, [n, d].
        open: Whether no condition holds there, [n].
        left: Whether the first line leaves the domain at all, [n].
    """

    places: Tensor
    open: Tensor
    left: Tensor


@dataclass(frozen=True)
class Characteristics:
    """The families of characteristics of equations, in a domain with conditions."""

    box: UnitBox
    flows: Sequence[Flow]
    conditions: Sequence[Condition]

    def chains(self, family: int, starts: Tensor, way: int) -> Chains:
        """Those that begin with lines of one family, forwards (1) or backwards (-1) from points [n, d] of the unit box.

        A line ends a chain where no condition holds, which is an open end, and where more than one does. Where one
        holds the other of two families goes on.
        """
        ends = trace(self.flows[family], self.box, starts, torch.full((len(starts),), way, dtype=starts.dtype))
        places, left, is_open = ends.places, ends.left, torch.zeros(len(starts), dtype=torch.bool)
        active = ends.sure.nonzero()[:, 0]
        for _ in range(_LINES):
            given = conditions_at(self.conditions, self.box, places[active])
            is_open[active[given == 0]] = True
            active = active[given == 1]
            if len(self.flows) != 2 or not len(active):
                break
            family = 1 - family
            ends = self._onwards(family, places[active])
            places[active] = ends.places
            active = active[ends.sure]
        return Chains(places, is_open, left)

    def _onwards(self, family: int, places: Tensor) -> Ends:
        """The ends of lines of a family into the domain from places of its boundary, [n, d]."""
        flow = self.flows[family]
        ways = flow.inward(self.box, places)
        ends = trace(flow, self.box, places + _INSIDE * ways[:, None] * flow.at(places), ways)
        return Ends(ends.places, ends.left, ends.sure & (ways != 0))
