"""What is narrow between the lines along which data are looked at, where their operations tell where to look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.looks.data import Data, Datum
from gmnm_pde.scrutiny.looks.feature import Feature, plain
from gmnm_pde.scrutiny.looks.lines import Lines
from gmnm_pde.scrutiny.looks.pinpoint import places
from gmnm_pde.scrutiny.looks.spots import Spots, edge_of, spots


def between_lines(
    data: Data, spaces: Sequence[Lines], ranges: Mapping[Datum, float], known: Sequence[Feature], seed: int
) -> Iterator[Feature]:
    """Features of a term's data that lines do not pass.

    Args:
        data: Of the term.
        spaces: A family of lines through each piece of where it holds.
        ranges: How much data differ along the lines; nothing for those that do not.
        known: What was found along the lines.
        seed: Of the points that it is looked for from.
    """
    extent = torch.tensor([high - low for low, high in data.problem.domain.bounds], dtype=torch.float64)
    for lines in spaces:
        units = places(data.made, lines, seed)
        if not len(units):
            continue
        for datum, found in spots(data.at, lines, units, ranges).items():
            of = datum.described(data.problem, data.term)
            told = torch.zeros(len(found), dtype=torch.bool)
            for feature in known:
                if feature.of == of:
                    told |= feature.is_near(lines.embed(found.at), extent)
            for some, axis in found.some(~told).groups():
                feature = _feature(of, datum, lines, some, axis, extent)
                yield feature
                edge = edge_of(lambda points, own=datum: data.at(Cloud(points))[own], feature, extent)
                if lines.along is not None and edge is not None:
                    yield replace(feature, kind="jump", at=edge, width=0.0, relative=0.0, plane=None)


def _feature(of: str, datum: Datum, lines: Lines, some: Spots, axis: int | None, extent: Tensor) -> Feature:
    """Spots of a datum as one feature, on a plane where one coordinate is fixed if they are there all over it."""
    at = lines.embed(some.at)
    along = None if lines.along is None or axis is None else axis
    plane = None if along is None else (along, plain(at[0, along].item(), extent[along].item()))
    reach = (extent.max() if along is None else extent[along]).item()
    width = some.width.median().item()
    return Feature("narrow", of, datum.residual, at, width * reach, width, some.change.max().item(), plane)
