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


def patch_scales(system: PatchworkSystem, *, condition_factor: float, weights: Mapping[str, float]) -> list[Placed]:
    """The terms with what the rows of each point are multiplied by, so that terms and patches weigh alike.

    The rows of a named residual in one box are divided by the root mean square entry of these rows, which for a
    differential equation of order m grows like the box's size to the power -m. Conditions then count
    ``condition_factor`` times; ``weights``, by name or by group, multiply the squared residuals on top of that.

    Args:
        system: With a small model on the same partition.
        condition_factor: How many times as much as an equation a condition counts.
        weights: Of names or groups.
    """
    scaled = []
    for placed in system.placed:
        part = replace(system, placed=[placed], scales={})
        energies: dict[str, list[Tensor]] = {}
        for _, name, _, points, linearized in part.linearized(None, slopes=True):
            with torch.no_grad():
                columns = part.columns_by_patch(placed, points, linearized)
                energy = points.new_zeros(len(points))
                for where, matrix in columns.values():
                    rows = where >= 0
                    energy[rows] += matrix[where[rows]].square().sum(dim=1) / matrix.shape[1]
            energies.setdefault(name, []).append(energy)
        partition = system.model.partition
        owner = partition.owner(system.model.unit(placed.cloud.points.to(system.like)).cpu())
        factor = 1.0 if placed.term.group == "interior" else condition_factor
        scales = {}
        for name, parts in energies.items():
            energy = torch.cat(parts).to(torch.float64).cpu()
            means = energy.new_zeros(len(partition)).scatter_reduce_(0, owner, energy, "mean", include_self=False)
            means = torch.where(means > 0, means, energy.mean() if energy.any() else torch.ones_like(means))
            weight = weights.get(name, weights.get(placed.term.group, 1.0))
            scales[name] = (factor * weight**0.5 / means.sqrt())[owner]
        scaled.append(replace(placed, scales=scales))
    return scaled
