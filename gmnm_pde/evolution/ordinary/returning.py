"""Going back to before a step of a march."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gmnm_pde.evolution.ordinary.march import OrdinaryMarch

_KEPT = ("time", "state", "slope", "_last", "_error", "_before")
"""What of a march a step changes, and nothing changes in place."""


class Before(NamedTuple):
    """What a march was before a step.

    Attributes:
        values: Of the march, by name.
        scales: The same of its scales.
        steps: How many steps there were.
        ends: How many states at ends of steps.
        happened: How often each event had happened.
    """

    values: Mapping[str, Any]
    scales: Mapping[str, Any]
    steps: int
    ends: int
    happened: Mapping[str, int]

    @classmethod
    def of(cls, march: "OrdinaryMarch") -> "Before":
        """As it is."""
        happened = {name: len(times) for name, times in march.happened.items()}
        own = {name: getattr(march, name) for name in _KEPT}
        return cls(own, vars(march.scales).copy(), len(march.steps), len(march.ends), happened)

    def restore(self, march: "OrdinaryMarch") -> None:
        """Make a march again what it was."""
        vars(march).update(self.values)
        vars(march.scales).update(self.scales)
        march.counts["rejected"] += len(march.steps) - self.steps
        march.counts["steps"] -= len(march.steps) - self.steps
        del march.steps[self.steps :], march.ends[self.ends :]
        counts = self.happened
        march.happened = {name: times[: counts[name]] for name, times in march.happened.items() if name in counts}
