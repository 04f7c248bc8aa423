"""Chunks of a scan as tables, and the grids that they make once merged and checked."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import TableError, make_anew
from cevnsi.files.provenance import digest
from cevnsi.files.tables import read_note, read_parquet_parts, write_parquet_parts
from cevnsi.model import Model
from cevnsi.scans.axes import STANDARD_MODEL, Scan
from cevnsi.scans.chi2 import reference
from cevnsi.scans.regions import Grid
from cevnsi.scans.rows import scan_rows

Projection = tuple[str, ...]

ROWS_PER_PART = 2**18  # of a table that is written and read part by part


def _chunk_axes(scan: Scan, projection: Projection, chunk: int) -> list[FloatArray]:
    """Axis values of one projection in one chunk, which has some rows of its first axis."""
    plane = scan.onto(projection)
    first, *rest = (axis.values() for axis in plane.axes)
    return [first[slice(*plane.rows(chunk))], *rest]


def outer_columns(axes: Sequence[FloatArray], start: int = 0, stop: int | None = None) -> list[FloatArray]:
    """Rows start..stop of the columns of an outer product of axes, (points,) each, last axis fastest: (rows,) each."""
    place = np.arange(start, math.prod(axis.size for axis in axes) if stop is None else stop)
    columns = []
    for axis in reversed(axes):
        place, within = np.divmod(place, axis.size)
        columns.append(axis[within])
    return columns[::-1]


def repetitive_columns(scan: Scan) -> list[str]:
    """Columns of a chunk or a grid in which few values come again and again."""
    return ["projection", *(axis.name for axis in scan.axes), *scan.summed()]


def chunk_parts(scan: Scan, chunk: int, chi2: Mapping[Projection, FloatArray]) -> Iterator[dict[str, FloatArray]]:
    """One long table of every projection of a chunk: its number, the parameters (NaN where minimised over) and chi2.

    Chi2 of a projection is in the shape of its grid there; columns, (rows,) each, come part by part.
    """
    every = {name: None for projection in (tuple(a.name for a in scan.axes), *scan.projections) for name in projection}
    for number, projection in enumerate(scan.projections):
        values, axes = chi2[projection].ravel(), _chunk_axes(scan, projection, chunk)
        for start in range(0, values.size, ROWS_PER_PART):
            stop = min(start + ROWS_PER_PART, values.size)
            columns = dict(zip(projection, outer_columns(axes, start, stop), strict=True))
            missing = np.full(stop - start, np.nan)
            yield {
                "projection": np.full(stop - start, float(number)),
                **{name: columns.get(name, missing) for name in every},
                "chi2": values[start:stop],
            }


def chunk_note(
    scan: Scan, chunk: int, analysis: Mapping[str, Any], section: Mapping[str, Any], inputs: Sequence[str]
) -> dict[str, Any]:
    """What a chunk was made from, so that one of another configuration or of other inputs is told apart."""
    made_from = {"analysis": analysis, "scan": {**section, "chunks": scan.chunks}, "inputs": list(inputs)}
    return {"scan": scan.name, "chunk": chunk, "chunks": scan.chunks, "made_from": digest(made_from)}


def write_chunk(
    path: str,
    model: Model,
    scan: Scan,
    chunk: int,
    note: Mapping[str, Any],
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Compute one chunk of every grid of a scan, and write it with what it was made from."""
    if scan.reference == STANDARD_MODEL:  # for who merges, and has no model
        note = {**note, STANDARD_MODEL: reference(model, scan, lambda: math.nan)}
    planes = {axes: scan.onto(axes) for axes in scan.projections}
    chi2 = {axes: scan_rows(model, plane, *plane.rows(chunk), threads, progress) for axes, plane in planes.items()}
    write_parquet_parts(path, chunk_parts(scan, chunk, chi2), note, repetitive_columns(scan))


def check_note(path: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse a chunk that was made from something else than the present configuration and inputs: TableError."""
    for key, value in expected.items():
        if found.get(key) != value:
            raise TableError(
                f"{path}: its {key} is {found.get(key)!r}, expected {value!r}: it comes from another configuration or "
                f"other inputs; {make_anew(path)}"
            )


def _chunk_chi2(scan: Scan, projection: Projection, chunk: int, path: str) -> Iterator[FloatArray]:
    """Chi2 of one projection in one chunk, part by part, its rows checked for number, order and value."""
    axes, redo = _chunk_axes(scan, projection, chunk), make_anew(path)
    number, size = scan.projections.index(projection), math.prod(axis.size for axis in axes)
    rows = sum(np.count_nonzero(part["projection"] == number) for part in read_parquet_parts(path, ["projection"]))
    if rows != size:
        raise TableError(f"{path}: has {rows} rows, expected {size}; {redo}")
    start = 0
    for part in read_parquet_parts(path, ["projection", *projection, "chi2"]):
        here = part["projection"] == number
        if not here.any():
            continue
        chi2: FloatArray = part["chi2"][here]
        for name, expected in zip(projection, outer_columns(axes, start, start + chi2.size), strict=True):
            found = part[name][here]
            wrong = np.flatnonzero(found != expected)
            if wrong.size:
                i = int(wrong[0])
                raise TableError(f"{path}: row {start + i}: {name} is {found[i]}, expected {expected[i]}; {redo}")
        wrong = np.flatnonzero(~np.isfinite(chi2))
        if wrong.size:
            raise TableError(f"{path}: row {start + wrong[0]}: chi2 is {chi2[wrong[0]]}; {redo}")
        yield chi2
        start += chi2.size


def _grid_chi2(scan: Scan, projection: Projection, paths: Sequence[str]) -> Iterator[FloatArray]:
    """Chi2 of a grid from all chunks in order, part by part."""
    for chunk, path in enumerate(paths, start=1):
        yield from _chunk_chi2(scan, projection, chunk, path)


def _regrouped(parts: Iterable[FloatArray], size: int) -> Iterator[FloatArray]:
    """The same values in parts of `size`, but the last, however they came: the file may not depend on the chunks."""
    held: list[FloatArray] = []
    count = 0
    for part in parts:
        held.append(part)
        count += part.size
        if count > size:
            joined = np.concatenate(held)
            whole = (count - 1) // size * size  # some are held back, lest the last part be empty
            yield from np.split(joined[:whole], whole // size)
            held, count = [joined[whole:]], count - whole
    yield np.concatenate(held)


def merge(scan: Scan, grid_name: str, paths: Sequence[str]) -> Iterator[dict[str, FloatArray]]:
    """Parts of one grid's table, parameters, chi2 and delta_chi2, from the files of all chunks in order.

    Columns are (rows,) each. The chunks are read twice, for the minimum and for the values, as a grid need not fit into
    memory. Raises TableError naming a bad chunk before it gives the first part, and ValueError of too few or many.
    """
    if len(paths) != scan.chunks:
        raise ValueError(f"{len(paths)} files, expected {scan.chunks} chunks")
    projection = scan.grids()[grid_name]
    axes = [axis.values() for axis in scan.onto(projection).axes]
    # read in any case, so that a bad chunk is found before the first part is given
    least = min(part.min() for part in _grid_chi2(scan, projection, paths))
    if scan.reference != "minimum":
        least = float(read_note(paths[0])[STANDARD_MODEL]) if scan.reference == STANDARD_MODEL else 0.0
    start = 0
    for chi2 in _regrouped(_grid_chi2(scan, projection, paths), ROWS_PER_PART):
        columns = outer_columns(axes, start, start + chi2.size)
        yield dict(zip(projection, columns, strict=True)) | {"chi2": chi2, "delta_chi2": chi2 - least}
        start += chi2.size


def write_grid(
    path: str,
    scan: Scan,
    grid_name: str,
    chunks: Sequence[str],
    notes: Sequence[Mapping[str, Any]],
    said: Mapping[str, Any] | None = None,
) -> None:
    """Check every chunk against what it should have been made from, and merge them; `said` is the grid's own note.

    TableError of a chunk that is another's or bad, ValueError of too few or many.
    """
    for chunk, note in zip(chunks, notes, strict=True):
        check_note(chunk, read_note(chunk), note)
    write_parquet_parts(path, merge(scan, grid_name, chunks), said, repetitive_columns(scan))


def as_grid(scan: Scan, grid_name: str, delta_chi2: FloatArray) -> Grid:
    """A grid of one axis or two from the delta_chi2 column of its file, (rows,), or in the shape of the grid."""
    axes = [scan.axis(name) for name in scan.drawn()[grid_name]]
    return Grid(
        names=tuple(axis.name for axis in axes),
        axes=tuple(axis.values() for axis in axes),
        log=tuple(axis.scale == "log" for axis in axes),
        delta_chi2=np.asarray(delta_chi2).reshape([axis.points for axis in axes]),
    )
