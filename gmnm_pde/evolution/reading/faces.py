"""Where conditions hold that are met at every time: on the faces of a box, and on the planes where its parts meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from gmnm_pde.geometry import Chart, Domain, Parted, Region
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.statement.terms import Term


class Unsuited(Exception):
    """Why a problem cannot be marched, in words."""


@dataclass(frozen=True)
class Side:
    """A condition on a plane across a coordinate, at all times or where its predicates say.

    Attributes:
        term: What holds.
        axis: The number of the coordinate that is fixed there.
        value: Its value.
        chart: The piece of the plane on which it holds.
    """

    term: Term
    axis: int
    value: float
    chart: Chart

    @property
    def region(self) -> Region:
        """Of the term."""
        assert isinstance(self.term.region, Region)  # others were told apart before
        return self.term.region

    @property
    def always(self) -> bool:
        """Whether it holds on the whole plane, at all times."""
        return not self.region.predicates and self.chart.keep is None

    def holds(self, points: Tensor) -> Tensor:
        """At which points [n, d] on the plane it holds, a mask [n]."""
        return self.region.keep_on(self.chart, points)


def sides_of(term: Term, axis: int) -> list[Side]:
    """The sides on which a term holds.

    Args:
        term: A condition.
        axis: The number of the time coordinate.

    Raises:
        Unsuited: it holds elsewhere.
    """
    assert isinstance(term.region, Region)  # as was read
    sides = []
    for chart in term.region.charts:
        if chart.flat is None or chart.flat[0] == axis:
            raise Unsuited(f"'{term.name}' holds on no face of the space")
        sides.append(Side(term, *chart.flat, chart))
    return sides


def breaks_at(meetings: Sequence[Side], space: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    """For each coordinate of space the places at which parts meet, ascending."""
    return tuple(tuple(sorted({side.value for side in meetings if side.axis == axis})) for axis in space)


def require_box(domain: Domain) -> None:
    """Refuse a space that is no box, or has parts that are none.

    Raises:
        Unsuited: it is not.
    """
    if not is_box(domain.whole if isinstance(domain, Parted) else domain):
        raise Unsuited("its space is no box")
    if not all(is_box(part) for part in parts_of(domain).values()):
        raise Unsuited("its parts are no boxes")


def parts_of(domain: Domain) -> Mapping[str, Domain]:
    """The parts of a domain by name, which has none if it is whole."""
    return domain.parts if isinstance(domain, Parted) else {}
