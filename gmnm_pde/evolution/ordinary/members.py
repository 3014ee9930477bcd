"""Many copies of one system, with states and constants of their own, marched with the same steps."""

import math
from functools import cached_property

import numpy as np

from gmnm_pde.evolution.ordinary.march import OrdinaryMarch
from gmnm_pde.evolution.ordinary.stages import NOISE, Linearization, Numbers
from gmnm_pde.evolution.ordinary.start import Start, consistent
from gmnm_pde.evolution.ordinary.system import System


class Members(System):
    """The copies as one system: states are those of all members, one after another, [members * m].

    Args:
        single: One of them.
        constants: Of each, [members, constants].
    """

    def __init__(self, single: System, constants: np.ndarray):
        self.single, self.constants, self.members = single, constants, len(constants)
        self.statements, self.evaluation, self.original = single.statements, single.evaluation, single.original
        self.count, self.rows = self.members * single.count, self.members * single.rows
        self.differential = np.tile(single.differential, self.members)
        self.fields = (single.count * np.arange(self.members)[:, None] + single.fields).ravel()

        self.unknowns = single.unknowns

    @cached_property
    def surfaces(self) -> None:
        """Jumps in the state are not looked for: each member would meet them at times of its own."""

    def residual(
        self, times: np.ndarray, states: np.ndarray, slopes: np.ndarray, constants: np.ndarray | None = None
    ) -> np.ndarray:
        shape = (len(times) * self.members, self.single.count)
        every = np.tile(self.constants, (len(times), 1))
        found = self.single.residual(
            np.repeat(times, self.members), states.reshape(shape), slopes.reshape(shape), every
        )
        return found.reshape(len(times), -1)

    def by_member(self, time: float, state: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The slopes of each member, [members, m, m] twice, and [members, m]."""
        shape = (self.members, self.single.count)
        times = np.full(self.members, time)
        return self.single.all_slopes(times, state.reshape(shape), slope.reshape(shape), self.constants)


class One(System):
    """One of the members."""

    def __init__(self, members: Members, number: int):
        self.__dict__.update(members.single.__dict__)
        self._own = members.constants[number : number + 1]

    def points(
        self, times: np.ndarray, states: np.ndarray, slopes: np.ndarray, constants: np.ndarray | None = None
    ) -> np.ndarray:
        return super().points(times, states, slopes, np.repeat(self._own, len(times), axis=0))


class Blocks(Linearization):
    """The slopes of all members, and the inverses of each."""

    def __init__(self, system: Members, method: Numbers, time: float, state: np.ndarray, slope: np.ndarray):
        self.by_state, self.by_slope, self.by_time = system.by_member(time, state, slope)
        self.finite = math.isfinite(self.by_state.sum() + self.by_slope.sum())
        self.method, self._length = method, 0.0
        self._sizes = np.abs(self.by_state), np.abs(self.by_slope)
        self.inverses = self.real = np.empty(0)

    def for_length(self, length: float) -> bool:
        if length == self._length:
            return True
        if not self.finite:
            return False
        rates = self.method.shifts[:, None, None] / length
        try:
            self.inverses = np.linalg.inv(self.by_state[:, None] + rates * self.by_slope[:, None])
        except np.linalg.LinAlgError:
            return False
        self._length, self.real = length, self.inverses[:, 0].real
        return math.isfinite(self.real.sum())

    def turned(self, left: np.ndarray) -> np.ndarray:
        members, count = self.by_state.shape[:2]
        turned = (self.method.dual @ left).reshape(-1, members, count).swapaxes(0, 1)
        return (self.inverses @ turned[..., None])[..., 0].swapaxes(0, 1).reshape(-1, members * count)

    def corrected(self, left: np.ndarray) -> np.ndarray:
        return _blockwise(self.real, left)

    def effect(self, sizes: np.ndarray) -> np.ndarray:
        by_member = sizes.reshape(len(self.real), -1)
        return np.einsum("aij,aj->ai", np.abs(self.real)[:, :, : by_member.shape[1]], by_member).ravel()

    def rounding(self, states: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        terms = _blockwise(self._sizes[0], states) + self.method.norm * _blockwise(self._sizes[1], slopes)
        return NOISE * (_blockwise(np.abs(self.real), terms) + states)


class EnsembleMarch(OrdinaryMarch):
    """A march of many members with steps that hold what each is to hold."""

    system: Members

    def _consistent(self, time: float) -> Start | None:
        return starts_of(self.system, time, self.state, self.slope)

    def _linearized(self) -> Linearization:
        return Blocks(self.system, self.method, self._now, self.state, self.slope)


def starts_of(members: Members, time: float, state: np.ndarray, slope: np.ndarray) -> Start | None:
    """The values of all members that meet the equations; None where those of one are not determined."""
    shape = (members.members, members.single.count)
    pairs = enumerate(zip(state.reshape(shape), slope.reshape(shape), strict=True))
    with np.errstate(all="ignore"):
        found = [consistent(One(members, number), time, *own) for number, own in pairs]
    if any(own is None for own in found):
        return None
    known = [own for own in found if own is not None]
    return Start(*(np.concatenate([getattr(own, name) for own in known]) for name in ("state", "slope", "bend")))


def _blockwise(matrices: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Matrices [members, m, m] times the parts of a vector [members * m]."""
    return (matrices @ vector.reshape(len(matrices), -1, 1)).ravel()
