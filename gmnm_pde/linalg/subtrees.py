"""Subtrees of an elimination tree, each for one process; the top of the tree is for all.

A block's parent is the block that holds the first of the later groups it is coupled to. Subtrees need nothing of one
another: what they leave is exchanged once, and above it all processes eliminate alike. (A. Pothen and C. Sun, SIAM J.
Sci. Comput. 14, 1993.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gmnm_pde import processes
from gmnm_pde.linalg.nested_dissection import Groups
from gmnm_pde.processes import ALL

_SUBTREES = 12
"""The tree is taken apart from its top until there are so many subtrees for each process, and the best of these
divisions is used: more subtrees are shared out more evenly, and leave more to do for all."""


@dataclass(frozen=True)
class Piece:
    """Rows of a sparse system before they are made.

    Attributes:
        groups: The groups of unknowns that they hold.
        rows: How many there are.
        work: Operations that making them takes.
    """

    groups: Groups
    rows: int
    work: float = 0.0


@dataclass(frozen=True)
class Division:
    """Which process eliminates each block.

    Attributes:
        parts: The groups in blocks, in the order of elimination.
        owners: The process of each block, or ``ALL``.
        process: This one.
    """

    parts: Sequence[Groups]
    owners: Sequence[int]
    process: int = 0

    @classmethod
    def none(cls, parts: Sequence[Groups]) -> "Division":
        """Every process eliminates all blocks."""
        return cls(parts, (ALL,) * len(parts))

    @classmethod
    def of(
        cls,
        parts: Sequence[Groups],
        pieces: Sequence[Piece],
        sizes: Sequence[int],
        operations: Callable[[int, int, int], float],
    ) -> "Division":
        """A division that leaves all processes about as much to do.

        Args:
            parts: The groups in blocks, in the order of elimination.
            pieces: The rows.
            sizes: The number of unknowns in each group.
            operations: What a block takes, from its unknowns, the later ones it is coupled to, and its rows.
        """
        if processes.count() == 1 or len(parts) == 1:
            return cls.none(parts)
        owners = _owners(_Tree.of(parts, pieces, sizes, operations), processes.count())
        return cls(parts, owners, processes.rank())

    @property
    def divided(self) -> bool:
        """Whether some blocks are one process's alone."""
        return any(owner != ALL for owner in self.owners)

    @cached_property
    def mine(self) -> tuple[int, ...]:
        """The blocks that this process alone eliminates."""
        return self.of_process(self.process)

    @cached_property
    def top(self) -> tuple[int, ...]:
        """The blocks that all eliminate."""
        return self.of_process(ALL)

    def of_process(self, number: int) -> tuple[int, ...]:
        """The blocks of a process."""
        return tuple(block for block, owner in enumerate(self.owners) if owner == number)

    @cached_property
    def rank(self) -> dict[int, tuple[int, int]]:
        """For each group the number of its block and its place in it."""
        return {group: (k, j) for k, part in enumerate(self.parts) for j, group in enumerate(part)}

    def first(self, groups: Groups) -> int:
        """The block in which rows that hold some groups are eliminated."""
        known = self._firsts.get(groups)
        if known is None:
            known = self._firsts[groups] = min(self.rank[group] for group in groups)[0]
        return known

    @cached_property
    def _firsts(self) -> dict[Groups, int]:
        return {}

    def owner(self, groups: Groups) -> int:
        """The process that needs rows that hold some groups, or ``ALL``."""
        return self.owners[self.first(groups)]

    def holds(self, groups: Groups) -> bool:
        """Whether this process needs them."""
        return self.owner(groups) in (self.process, ALL)

    def counts(self, groups: Groups) -> bool:
        """Whether this process is the one that counts them, of those that need them."""
        return max(self.owner(groups), 0) == self.process


@dataclass(frozen=True)
class _Tree:
    """An elimination tree.

    Attributes:
        children: Of each block.
        costs: What each block takes, with its own pieces.
    """

    children: Sequence[Sequence[int]]
    costs: Sequence[float]

    @classmethod
    def of(
        cls,
        parts: Sequence[Groups],
        pieces: Sequence[Piece],
        sizes: Sequence[int],
        operations: Callable[[int, int, int], float],
    ) -> "_Tree":
        rank = {group: k for k, part in enumerate(parts) for group in part}
        held: list[set[int]] = [set() for _ in parts]
        rows, costs = [0] * len(parts), [0.0] * len(parts)
        for piece in pieces:
            k = min(rank[group] for group in piece.groups)
            held[k].update(piece.groups)
            rows[k] += piece.rows
            costs[k] += piece.work
        children: list[list[int]] = [[] for _ in parts]
        for k, own in enumerate(parts):
            later = held[k].difference(own)
            width, beyond = sum(sizes[g] for g in own), sum(sizes[g] for g in later)
            costs[k] += operations(width, beyond, rows[k])
            if later:
                parent = min(rank[group] for group in later)
                children[parent].append(k)
                held[parent] |= later
                rows[parent] += max(0, min(rows[k] + width, width + beyond + 1) - width)
        return cls(children, costs)

    @cached_property
    def totals(self) -> list[float]:
        """What the subtree of each block takes: children come before their parents."""
        totals = list(self.costs)
        for k, own in enumerate(self.children):
            totals[k] += sum(totals[child] for child in own)
        return totals

    def roots(self) -> list[int]:
        """The blocks without parents."""
        below = {child for own in self.children for child in own}
        return [k for k in range(len(self.costs)) if k not in below]


def _owners(tree: _Tree, count: int) -> list[int]:
    """The process of each block: the top is taken off until what is left is shared out well."""
    roots, top, longest, best = tree.roots(), 0.0, float("inf"), {}
    while True:
        shared = _shared_out(roots, tree.totals, count)
        loads = [sum(tree.totals[root] for root in own) for own in shared]
        if top + max(loads) < longest:
            longest, best = top + max(loads), {root: number for number, own in enumerate(shared) for root in own}
        heaviest = max(roots, key=lambda root: tree.totals[root])
        if len(roots) >= _SUBTREES * count or not tree.children[heaviest]:
            break
        roots.remove(heaviest)
        roots += tree.children[heaviest]
        top += tree.costs[heaviest]
    owners = [ALL] * len(tree.costs)
    for k in reversed(range(len(owners))):
        owners[k] = best.get(k, owners[k])
        for child in tree.children[k]:
            owners[child] = owners[k]
    return owners


def _shared_out(roots: Sequence[int], totals: Sequence[float], count: int) -> list[list[int]]:
    """Subtrees for each process, the largest first to whoever has least."""
    shared: list[list[int]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for root in sorted(roots, key=lambda root: (-totals[root], root)):
        least = loads.index(min(loads))
        shared[least].append(root)
        loads[least] += totals[root]
    return shared
