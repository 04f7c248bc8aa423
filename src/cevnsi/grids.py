"""Chunks of a scan as tables, and the grids that they make once merged and checked."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.config import Scan
from cevnsi.provenance import digest
from cevnsi.regions import Grid
from cevnsi.tables import TableError, make_anew

FloatArray = NDArray[np.float64]
Projection = tuple[str, ...]


def _chunk_axes(scan: Scan, projection: Projection, chunk: int) -> list[FloatArray]:
    """Axis values of one projection in one chunk: rows of the first axis if it is kept, else all of each axis."""
    start, stop = scan.rows(chunk)
    first = scan.axes[0].name
    return [scan.axis(name).values()[start:stop] if name == first else scan.axis(name).values() for name in projection]


def outer_columns(axes: Sequence[FloatArray]) -> list[FloatArray]:
    """The columns of an outer product of axes, last axis fastest."""
    return [column.ravel() for column in np.meshgrid(*axes, indexing="ij")]


def chunk_columns(scan: Scan, chunk: int, chi2: Mapping[Projection, FloatArray]) -> dict[str, FloatArray]:
    """One long table of every projection of a chunk: its number, the axes (NaN where profiled over) and chi2."""
    parts: dict[str, list[Any]] = {name: [] for name in ("projection", *(axis.name for axis in scan.axes), "chi2")}
    for number, projection in enumerate(scan.projections):
        values = chi2[projection].ravel()
        columns = dict(zip(projection, outer_columns(_chunk_axes(scan, projection, chunk)), strict=True))
        parts["projection"].append(np.full(values.size, float(number)))
        for axis in scan.axes:
            parts[axis.name].append(columns.get(axis.name, np.full(values.size, np.nan)))
        parts["chi2"].append(values)
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def chunk_note(
    scan: Scan, chunk: int, analysis: Mapping[str, Any], section: Mapping[str, Any], inputs: Sequence[str]
) -> dict[str, Any]:
    """What a chunk was made from, so that one of another configuration or of other inputs is told apart."""
    made_from = {"analysis": analysis, "scan": {**section, "chunks": scan.chunks}, "inputs": list(inputs)}
    return {"scan": scan.name, "chunk": chunk, "chunks": scan.chunks, "made_from": digest(made_from)}


def check_note(path: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse a chunk that was made from something else than the present configuration and inputs."""
    for key, value in expected.items():
        if found.get(key) != value:
            raise TableError(
                f"{path}: its {key} is {found.get(key)!r}, expected {value!r}: it comes from another configuration or "
                f"other inputs; {make_anew(path)}"
            )


def _select(scan: Scan, projection: Projection, chunk: int, columns: Mapping[str, FloatArray], path: str) -> FloatArray:
    """Chi2 of one projection in one chunk, its rows checked for number, order and value."""
    redo = make_anew(path)
    number = float(scan.projections.index(projection))
    rows = columns["projection"] == number
    axes = _chunk_axes(scan, projection, chunk)
    shape = tuple(axis.size for axis in axes)
    if np.count_nonzero(rows) != math.prod(shape):
        raise TableError(f"{path}: has {np.count_nonzero(rows)} rows, expected {math.prod(shape)}; {redo}")
    for name, expected in zip(projection, outer_columns(axes), strict=True):
        wrong = np.flatnonzero(columns[name][rows] != expected)
        if wrong.size:
            i = int(wrong[0])
            raise TableError(f"{path}: row {i}: {name} is {columns[name][rows][i]}, expected {expected[i]}; {redo}")
    chi2: FloatArray = columns["chi2"][rows].reshape(shape)
    wrong = np.flatnonzero(~np.isfinite(chi2))
    if wrong.size:
        raise TableError(f"{path}: row {wrong[0]}: chi2 is {chi2.flat[wrong[0]]}; {redo}")
    return chi2


def merge(
    scan: Scan, grid_name: str, chunks: Sequence[Mapping[str, FloatArray]], paths: Sequence[str]
) -> dict[str, FloatArray]:
    """The columns of one grid, axes, chi2 and delta_chi2, from all chunks in order; TableError names a bad chunk."""
    projection = scan.grids()[grid_name]
    parts = [
        _select(scan, projection, k, columns, path)
        for k, (columns, path) in enumerate(zip(chunks, paths, strict=True), start=1)
    ]
    chi2 = np.concatenate(parts) if scan.axes[0].name in projection else np.minimum.reduce(parts)
    columns = dict(zip(projection, outer_columns([scan.axis(name).values() for name in projection]), strict=True))
    return columns | {"chi2": chi2.ravel(), "delta_chi2": (chi2 - chi2.min()).ravel()}


def as_grid(scan: Scan, grid_name: str, delta_chi2: FloatArray) -> Grid:
    """A grid of two axes from the delta_chi2 column of its file."""
    first, second = (scan.axis(name) for name in scan.pairs()[grid_name])
    return Grid(
        (first.name, second.name),
        (first.values(), second.values()),
        (first.scale == "log", second.scale == "log"),
        np.asarray(delta_chi2).reshape(first.points, second.points),
    )
