"""A grid as a file: what encodings cost in bytes and time, and reading one column of it."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import read_parquet, write_parquet_parts
from cevnsi.scans.chunks import ROWS_PER_PART, outer_columns, repetitive_columns
from cevnsi.scans.rows import scan_rows
from setting import Row, paper_model, seconds, square

COMMON: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True, "row_group_size": ROWS_PER_PART}
ENCODINGS: dict[str, dict[str, Any]] = {
    "dictionary (pyarrow's default)": {"use_dictionary": True},
    "plain": {"use_dictionary": False},
    "byte stream split": {"use_dictionary": False, "use_byte_stream_split": True},
}


def arrow(columns: dict[str, FloatArray]) -> Any:
    """A table over the same memory."""
    arrays = [pa.Array.from_buffers(pa.float64(), c.size, [None, pa.py_buffer(c)]) for c in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def rows(smoke: bool) -> Iterator[Row]:
    """Axes and chi2 apart, as they want different encodings; then the file as the workflow writes it."""
    points, repeats = (100, 1) if smoke else (2000, 3)
    scan = square("contact", points)
    chi2 = scan_rows(paper_model(), scan, 0, points)
    axes = dict(zip(scan.projections[0], outer_columns([axis.values() for axis in scan.axes]), strict=True))
    tables = {"parameters": axes, "chi2": {"chi2": chi2.ravel()}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grid.parquet"
        raw = seconds(lambda: path.write_bytes(chi2.tobytes()), repeats) / chi2.nbytes
        for kind, columns in tables.items():
            table = arrow(columns)
            for name, options in ENCODINGS.items():
                taken = seconds(partial(pq.write_table, table, path, **COMMON, **options), repeats) / table.nbytes
                read = seconds(partial(read_parquet, path), repeats) / table.nbytes
                what = f"{kind}, {name}, zstd"
                yield Row("storage", f"{what}: size", path.stat().st_size / table.nbytes, "float64 in memory")
                yield Row("storage", f"{what}: time to write", taken / raw, "plain bytes", "", {"s_per_byte": taken})
                yield Row(
                    "storage", f"{what}: time to read", read / raw, "writing plain bytes", "", {"s_per_byte": read}
                )
        columns = {**axes, "chi2": chi2.ravel(), "delta_chi2": chi2.ravel() - chi2.min()}
        parts = [
            {name: values[k : k + ROWS_PER_PART] for name, values in columns.items()}
            for k in range(0, chi2.size, ROWS_PER_PART)
        ]
        write_parquet_parts(path, parts, repetitive=repetitive_columns(scan))
        of = "float64 in memory"
        yield Row("storage", "a grid as stored: size", path.stat().st_size / (4 * chi2.nbytes), of)
        whole = seconds(lambda: read_parquet(path), repeats)
        one = seconds(lambda: read_parquet(path, ["delta_chi2"]), repeats)
        yield Row(
            "storage", "delta_chi2 alone: time", one / whole, "reading all columns", "", {"one_s": one, "all_s": whole}
        )
        if not np.array_equal(read_parquet(path, ["chi2"])["chi2"], chi2.ravel()):
            raise AssertionError("a stored grid differs from the one in memory")
