"""What rows are multiplied by, so that equations and conditions weigh alike whatever their units and their boxes."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.residuals.patchwork import PatchworkSystem
from gmnm_pde.residuals.pointwise import Placed
from gmnm_pde.residuals.readout import ReadoutSystem


def row_scales(system: ReadoutSystem, *, condition_factor: float, weights: Mapping[str, float]) -> dict[str, float]:
    """What rows are multiplied by, so that an equation and a condition weigh alike whatever their units.

    Each named residual is divided by the root mean square entry of its rows; conditions then count
    ``condition_factor`` times. ``weights``, by name or by group, multiply the squared residuals on top of that.
    """
    squares: dict[str, list[float]] = {}
    groups: dict[str, str] = {}
    for placed, name, _, points, linearized in system.linearized(None, slopes=True):
        block = system.matrix(placed, points, linearized)[:, system.extra :]
        squares.setdefault(name, []).append(block.square().mean().item())
        groups[name] = placed.term.group
    scales = {}
    for name, values in squares.items():
        size = (sum(values) / len(values)) ** 0.5 or 1.0
        factor = 1.0 if groups[name] == "interior" else condition_factor
        weight = weights.get(name, weights.get(groups[name], 1.0))
        scales[name] = factor * weight**0.5 / size
    return scales


def patch_scales(
    system: PatchworkSystem, *, condition_factor: float, weights: Mapping[str, float], by_flux: float = 1.0
) -> list[Placed]:
    """The terms with what the rows of each point are multiplied by, so that terms and patches weigh alike.

    The rows of a named residual in one box are divided by the root mean square entry of these rows, which for a
    differential equation of order m grows like the box's size to the power -m. Conditions then count
    ``condition_factor`` times; ``weights``, by name or by group, multiply the squared residuals on top of that.

    Args:
        system: With a small model on the same partition.
        condition_factor: How many times as much as an equation a condition counts.
        weights: Of names or groups.
        by_flux: Where the domain has parts, the power of the size of a part's coefficients by which its rows count:
            with 1 a unit of flux weighs alike in all parts, with 0 a unit of the fields.
    """
    scaled = []
    strengths = {part: size**by_flux for part, size in strengths_of(system).items()}
    for placed in system.placed:
        part = replace(system, placed=[placed], scales={})
        energies: dict[str, list[Tensor]] = {}
        for _, name, _, points, linearized in part.linearized(None, slopes=True):
            with torch.no_grad():
                columns = part.columns_by_patch(placed, points, linearized)
                energy = _energy(part, placed, points, columns, by_flux)
            energies.setdefault(name, []).append(energy)
        partition = system.model.partition
        owner = partition.owner(system.model.unit(placed.cloud.points.to(system.like)).cpu())
        factor = 1.0 if placed.term.group == "interior" else condition_factor
        strength = min((strengths[part] for part in placed.term.parts), default=1.0)
        scales = {}
        for name, parts in energies.items():
            energy = torch.cat(parts).to(torch.float64).cpu()
            means = energy.new_zeros(len(partition)).scatter_reduce_(0, owner, energy, "mean", include_self=False)
            means = torch.where(means > 0, means, energy.mean() if energy.any() else torch.ones_like(means))
            stated = name.removesuffix(placed.term.suffix)
            weight = weights.get(name, weights.get(stated, weights.get(placed.term.group, 1.0)))
            scales[name] = (factor * weight**0.5 / means.sqrt())[owner] * strength
        scaled.append(replace(placed, scales=scales))
    return scaled


def _energy(
    system: PatchworkSystem,
    placed: Placed,
    points: Tensor,
    columns: Mapping[int, tuple[Tensor, Tensor]],
    by_flux: float,
) -> Tensor:
    """The mean squared entry of the rows at each point; where two parts meet that of the side with less, or of both."""
    sides: dict[int, Tensor] = {}
    for number, (where, matrix) in columns.items():
        part = system.model.inner.members[number].part if len(placed.term.parts) > 1 else 0
        energy = sides.setdefault(part, points.new_zeros(len(points)))
        rows = where >= 0
        energy[rows] += matrix[where[rows]].square().sum(dim=1) / matrix.shape[1]
    if len(sides) < 2:
        return next(iter(sides.values()), points.new_zeros(len(points)))
    both = torch.stack(list(sides.values()))
    least, whole = both.amin(dim=0), both.sum(dim=0)
    return torch.where(least > 0, least**by_flux * whole ** (1 - by_flux), whole)


def strengths_of(system: PatchworkSystem) -> dict[str, float]:
    """By part the size of its equations' coefficients of highest order, relative to the least.

    Rows of a part may count by it, so that a unit of flux weighs alike in all parts and on both sides of an interface:
    with a disk of conductivity 1000 in a square a mixture then leaves a three hundredth of the error. With one of
    conductivity 1/1000, whose field a little flux from outside would spoil, it leaves forty times the error.
    """
    sizes: dict[str, float] = {}
    for placed in system.placed if system.problem.domain.parts else ():
        if placed.term.group == "interior":
            (part,) = placed.term.parts
            for _, _, _, _, linearized in replace(system, placed=[placed], scales={}).linearized(None, slopes=True):
                highest = max((sum(alpha) for _, alpha in linearized.slopes), default=0)
                slopes = [s.abs().mean().item() for (_, alpha), s in linearized.slopes.items() if sum(alpha) == highest]
                sizes[part] = max(sizes.get(part, 0.0), *slopes)
    least = min((size for size in sizes.values() if size > 0), default=1.0)
    return {part: size / least if size > 0 else 1.0 for part, size in sizes.items()}
