"""Boxes in space that the boundary cuts, solved for given values on the parts of their faces, each by itself."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from gmnm_pde.boxes.cut_leaves import held_down
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.leaves import matching_rows
from gmnm_pde.boxes.responses import Response, flux_rows, response
from gmnm_pde.interruption import pause


def cut_responses(degrees: Degrees, rows: CutRows, lengths: Sequence[float]) -> list[Response]:
    """Of all boxes that are cut.

    Args:
        degrees: Of the polynomials.
        rows: Of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
    """
    layout, found, values = rows.layout, [], replace(degrees, across=(1,) * len(degrees.across))
    for number in rows.numbers:
        pause()
        own, right = rows.of(number, degrees.basis)
        matching, traces = matching_rows(layout, values, number, lengths)
        matrix = torch.cat([own, matching])
        matrix = torch.cat([matrix, held_down(degrees, matrix)])
        given = matrix.new_zeros(len(matrix), 1 + traces.shape[1])
        given[: len(own), 0], given[len(own) : len(own) + len(matching), 1:] = right, -traces
        Q, R = torch.linalg.qr(matrix)
        inside = torch.linalg.solve_triangular(R, Q.mT @ given, upper=True)
        faces = torch.tensor([layout.around[number]], dtype=torch.long)
        fluxes = flux_rows(layout, degrees, number, lengths)
        found.append(response(torch.tensor([number]), faces, inside[None, :, 1:], inside[None, :, 0], fluxes))
    return found
