"""Sources of a field's numbers: a model, a function of the coordinates, or given tensors."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.jets.engines import choose_engine, differentiate, output_jet
from gmnm_pde.jets.values import Field, Frame
from gmnm_pde.multiindex import Alpha, leibniz


class ModelSource:
    """A model's outputs at the frame's points, in closed form or forward mode; every derivative is made once."""

    follows_coordinates = False

    def __init__(self, model: nn.Module, frame: Frame, engine: str = "auto", alphas: Iterable[Alpha] = ()):
        self.model, self.frame, self.engine = model, frame, engine
        self._jets: dict[Alpha, Tensor] = output_jet(model, frame.points, alphas, engine) if alphas else {}

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        if alpha not in self._jets:
            self._jets.update(output_jet(self.model, self.frame.points, (alpha,), self.engine))
        return self._jets[alpha][:, output]


class FunctionSource:
    """Functions of the coordinates, differentiated in reverse mode: exact solutions, and models as an oracle."""

    follows_coordinates = True

    def __init__(self, outputs: Sequence[Tensor], frame: Frame):
        self.outputs, self.frame = outputs, frame

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        return differentiate(self.outputs[output], self.frame.leaves, alpha)


class GivenSource:
    """Derivatives that were computed before: for each alpha, [n, outputs]."""

    follows_coordinates = False

    def __init__(self, jets: Mapping[Alpha, Tensor]):
        self.jets = jets

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        return self.jets[alpha][:, output]


class LiftedSource:
    """factor v + offset for one output v of another source, by Leibniz' rule.

    Args:
        v: The field within.
        made: Gives the derivatives of factor and offset at the frame's points, [n] each.
    """

    follows_coordinates = False

    def __init__(self, v: Field, made: Callable[[Alpha], tuple[Tensor, Tensor]]):
        self.v, self.made = v, made
        v.frame.hide(v.source, v.output)

    def derivative(self, output: int, alpha: Alpha) -> Tensor:
        total = self.made(alpha)[1]
        for beta, rest, times in leibniz(alpha):
            factor = self.made(rest)[0]
            if factor.any():  # what is zero asks for nothing of v
                total = total + times * factor * self.v.frame.entry(self.v.source, self.v.output, beta)
        return total


def jet(
    model: nn.Module | Callable[[Tensor], Tensor],
    points: Tensor,
    *,
    coordinates: Sequence[str],
    engine: str = "auto",
    time: Sequence[str] = (),
) -> Field | tuple[Field, ...]:
    """The model's output at ``points`` [n, d] as a field that operators differentiate, with gradients to its weights.

    Args:
        model: A torch module (or function) from [n, d] to [n] or [n, outputs].
        points: Where, [n, d].
        coordinates: The names of the d coordinates.
        engine: ``closed`` (where the model offers it), ``forward``, ``reverse``, or ``auto``: the first that works.
        time: Those coordinates on which ``laplacian``, ``grad`` and ``div`` do not act.

    Returns:
        One field, or a tuple of them where the model has several outputs.

    Raises:
        GmnmError: the shape of the points does not fit the coordinates, or the engine the model.
    """
    if points.ndim != 2 or points.shape[1] != len(coordinates):
        raise refuse("jet(...)", expected=f"points of shape [n, {len(coordinates)}]", got=f"{tuple(points.shape)}")
    frame = Frame(coordinates, points, time=time)
    frame.readable = True
    chosen = choose_engine(model, engine, call="jet(...)")  # type: ignore[arg-type]
    if chosen == "reverse":
        outputs = _columns(model(torch.stack(frame.leaves, -1)))
        fields = tuple(Field(frame, FunctionSource(outputs, frame), k) for k in range(len(outputs)))
    else:
        source = ModelSource(model, frame, chosen)  # type: ignore[arg-type]
        with torch.no_grad():
            count = len(_columns(model(points[:1])))
        fields = tuple(Field(frame, source, k) for k in range(count))
    return fields[0] if len(fields) == 1 else fields


def _columns(outputs: Tensor) -> tuple[Tensor, ...]:
    return outputs.unbind(-1) if outputs.ndim == 2 else (outputs,)
