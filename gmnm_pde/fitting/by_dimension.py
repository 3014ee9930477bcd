"""Numbers that depend on how many coordinates a problem has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ByDimension:
    """A number, such as that of components, for each number of coordinates."""

    line: int
    """With one coordinate."""
    plane: int
    """With two."""
    space: int
    """With three."""
    beyond: int
    """With more than three."""

    def of(self, dimension: int) -> int:
        """The number for problems with ``dimension`` coordinates."""
        return {1: self.line, 2: self.plane, 3: self.space}.get(dimension, self.beyond)
