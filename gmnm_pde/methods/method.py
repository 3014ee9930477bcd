"""What a method is: a value that describes it, such as ``Adam(steps=5000)``; what all of them say of themselves."""

from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from gmnm_pde.methods.loop import Work


def threshold(default: Any) -> Any:
    """A field of a method for a number that is rarely changed: given by its name, and printed if it is changed."""
    return field(default=default, repr=False, kw_only=True)


class Method:
    """A frozen dataclass that prints all its fields but thresholds at their defaults; a checkpoint knows it by this."""

    def __repr__(self) -> str:
        shown = [
            f"{part.name}={getattr(self, part.name)!r}"
            for part in fields(self)  # type: ignore[arg-type]
            if part.repr or getattr(self, part.name) != part.default
        ]
        return f"{type(self).__qualname__}({', '.join(shown)})"


class TrainingMethod(Method):
    """A method that trains every parameter of a model, step by step (``loop.py`` runs it).

    A new one is a frozen dataclass with ``steps``, ``patience`` and ``begin``; the others may be left as they are.

    Attributes:
        steps: The most steps.
        patience: Stop when the held-out residual has not fallen for this many steps; None never does.
        compilable: Whether it takes gradients of the loss, which torch.compile may speed up.
        cheap_steps: Whether a step is a mere gradient, against which a row of the history is dear.
    """

    steps: int
    patience: int | None
    compilable: ClassVar[bool] = True
    cheap_steps: ClassVar[bool] = False

    def begin(self, system: Any, seed: int) -> "Work":
        """Work on a system (``loop.Trainable``)."""
        raise NotImplementedError

    def points(self, dimension: int) -> int:
        """Interior points to train on where none are given, by the number of coordinates."""
        return 2500
