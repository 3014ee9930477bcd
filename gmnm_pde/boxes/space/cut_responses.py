"""Boxes in space that the boundary cuts, solved for given values on the parts of their faces, each by itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch

from gmnm_pde.boxes.cut_leaves import held_down
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.leaves import matching_rows
from gmnm_pde.boxes.space.responses import Response, flux_rows, response, with_level
from gmnm_pde.boxes.space.traced import Traced
from gmnm_pde.interruption import pause
from gmnm_pde.processes import ALL, count, own_part, rank, shared_out


def cut_responses(
    degrees: Degrees,
    rows: CutRows,
    lengths: Sequence[float],
    traced: Traced | None = None,
    degree: int | None = None,
    *,
    divided: bool = False,
) -> list[Response]:
    """Of all boxes that are cut.

    Args:
        degrees: Of the polynomials.
        rows: Of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
        traced: Which fields have traces; by default the only one.
        degree: A lower one that polynomials are to have.
        divided: Whether each process solves some of the boxes alone, where there are several.
    """
    traced, numbers = traced or Traced(), rows.numbers
    owners = shared_out([1.0] * len(numbers)) if divided and count() > 1 else [ALL] * len(numbers)
    pairs = zip(numbers, owners, strict=True)
    return own_part(lambda: list(_each(degrees, rows, lengths, traced, degree or degrees.inside, pairs)))


def _each(
    degrees: Degrees,
    rows: CutRows,
    lengths: Sequence[float],
    traced: Traced,
    degree: int,
    boxes: Iterable[tuple[int, int]],
) -> Iterator[Response]:
    """The responses of boxes, each with its owner."""
    low = degrees.basis.degrees.sum(dim=1) <= degree
    kept = low.repeat(len(degrees.across)).nonzero()[:, 0]
    layout, values = rows.layout, replace(degrees, across=traced.across)
    for number, owner in boxes:
        faces = torch.tensor([layout.around[number]], dtype=torch.long)
        if owner not in (ALL, rank()):
            yield Response.elsewhere(torch.tensor([number]), faces, owner)
            continue
        pause()
        own, right = rows.of(number, degrees.basis)
        on_faces = [degrees.on_face(layout, layout.faces[face], number) for face in layout.around[number]]
        matched = with_level(degrees, traced, *matching_rows(layout, values, number, lengths, on_faces))
        matching, traces = matched["matching"], matched["traces"]
        matrix = torch.cat([own, matching])
        matrix = torch.cat([matrix, held_down(degrees, matrix)])
        given = matrix.new_zeros(len(matrix), 1 + traces.shape[1])
        given[: len(own), 0], given[len(own) : len(own) + len(matching), 1:] = right, -traces
        Q, R = torch.linalg.qr(matrix[:, kept])
        inside = matrix.new_zeros(matrix.shape[1], given.shape[1])
        inside[kept] = torch.linalg.solve_triangular(R, Q.mT @ given, upper=True)
        fluxes = flux_rows(layout, degrees, number, lengths, traced, on_faces)
        mass = None if traced.mass is None else rows.mean_of(traced.mass, number, degrees.basis)
        own = inside[None, :, 1:], inside[None, :, 0]
        yield replace(response(torch.tensor([number]), faces, *own, fluxes, traced, mass), owner=owner)
