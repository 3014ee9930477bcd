"""Files that ParaView, pyvista and meshio read: VTK's XML formats, each array inline in base64.

Grids are ``.vti``, simplices ``.vtu``, and a ``.pvd`` file lists those of several times. The formats are plain enough
that no package is needed to write them.
"""

import base64
import sys
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

import numpy as np

_TYPES = {"f8": "Float64", "f4": "Float32", "i8": "Int64", "u1": "UInt8"}
"""VTK's names of numpy's types."""

_SIMPLICES = {2: 3, 3: 5, 4: 10}
"""VTK's numbers for segments, triangles and tetrahedra, by how many corners they have."""

Arrays = Mapping[str, np.ndarray]
"""Values at points by name: [n] each, or [n, 3] for vectors."""


def image_file(lines: Sequence[np.ndarray], point_data: Arrays, field_data: Arrays) -> bytes:
    """A ``.vti`` file of values on a grid with even steps along up to three axes; values are in the order "ij"."""
    shape = [len(line) for line in lines]
    rest = 3 - len(lines)
    extent = " ".join(f"0 {count - 1}" for count in [*shape, *[1] * rest])
    origin = " ".join(repr(float(value)) for value in [*(line[0] for line in lines), *[0.0] * rest])
    steps = [(line[-1] - line[0]) / (len(line) - 1) for line in lines]
    spacing = " ".join(repr(float(value)) for value in [*steps, *[1.0] * rest])
    turned = {name: _first_axis_fastest(values, shape) for name, values in point_data.items()}
    body = f'<Piece Extent="{extent}">{_data("PointData", turned)}</Piece>'
    whole = f'WholeExtent="{extent}" Origin="{origin}" Spacing="{spacing}"'
    return _file("ImageData", f"<ImageData {whole}>{_fields(field_data)}{body}</ImageData>")


def cells_file(points: np.ndarray, cells: np.ndarray, point_data: Arrays, field_data: Arrays) -> bytes:
    """A ``.vtu`` file of simplices, with points [n, 1 to 3] and the numbers of the corners of each cell."""
    flat = np.zeros((len(points), 3))
    flat[:, : points.shape[1]] = points
    corners = cells.shape[1]
    parts = {
        "connectivity": cells.astype("<i8").ravel(),
        "offsets": np.arange(1, len(cells) + 1, dtype="<i8") * corners,
        "types": np.full(len(cells), _SIMPLICES[corners], dtype="u1"),
    }
    body = (
        f'<Piece NumberOfPoints="{len(points)}" NumberOfCells="{len(cells)}">'
        f"{_data('PointData', point_data)}<Points>{_array('Points', flat)}</Points>"
        f"<Cells>{''.join(_array(name, values) for name, values in parts.items())}</Cells></Piece>"
    )
    return _file("UnstructuredGrid", f"<UnstructuredGrid>{_fields(field_data)}{body}</UnstructuredGrid>")


def series_file(times: Sequence[float], names: Sequence[str]) -> bytes:
    """A ``.pvd`` file that lists files, each with its time."""
    sets = "".join(
        f'<DataSet timestep="{time!r}" part="0" file={quoteattr(name)}/>'
        for time, name in zip(times, names, strict=True)
    )
    return _file("Collection", f"<Collection>{sets}</Collection>")


def _first_axis_fastest(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Values of a grid with the first axis fastest, which is how VTK counts."""
    axes = tuple(reversed(range(len(shape))))
    grid = values.reshape(*shape, *values.shape[1:])
    return np.transpose(grid, (*axes, *range(len(shape), grid.ndim))).reshape(values.shape)


def _data(tag: str, arrays: Arrays) -> str:
    return f"<{tag}>{''.join(_array(name, values) for name, values in arrays.items())}</{tag}>"


def _fields(arrays: Arrays) -> str:
    """Values of the whole file."""
    inner = (_array(name, np.atleast_1d(v), f' NumberOfTuples="{np.size(v)}"') for name, v in arrays.items())
    return f"<FieldData>{''.join(inner)}</FieldData>"


def _array(name: str, values: np.ndarray, more: str = "") -> str:
    values = np.ascontiguousarray(values)
    kind = _TYPES[values.dtype.str[1:]]
    if values.ndim > 1:
        more = f' NumberOfComponents="{values.shape[1]}"{more}'
    content = values.tobytes()
    coded = base64.b64encode(len(content).to_bytes(8, sys.byteorder) + content).decode()
    return f'<DataArray type="{kind}" Name={quoteattr(name)} format="binary"{more}>{coded}</DataArray>'


def _file(kind: str, body: str) -> bytes:
    order = "LittleEndian" if sys.byteorder == "little" else "BigEndian"
    head = f'type="{kind}" version="1.0" byte_order="{order}" header_type="UInt64"'
    return f'<?xml version="1.0"?>\n<VTKFile {head}>{body}</VTKFile>\n'.encode()
