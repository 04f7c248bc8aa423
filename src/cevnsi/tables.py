"""The only module that reads or writes result files: csv for tables a person reads, parquet for grids.

A file appears whole or not at all: it is written beside its place, flushed to disk, and renamed. Parquet pages carry
checksums that are verified on reading, as a flipped bit would otherwise be read silently.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]


class TableError(ValueError):
    """A file does not hold what it should."""


@dataclass(frozen=True)
class Layout:
    """Columns of one kind of csv table, in order, and which of them hold text."""

    columns: tuple[str, ...]
    texts: tuple[str, ...] = ()


SPECTRA = Layout(("case", "component", "bin_low_pe", "bin_high_pe", "predicted_counts"), ("case", "component"))
RANGES = Layout(
    (
        "scan",
        "parameter",
        "confidence_level",
        "n_dof",
        "delta_chi2",
        "interval",
        "lower",
        "upper",
        "other_parameters",
        "ends_at_grid",
    ),
    ("scan", "parameter", "other_parameters", "ends_at_grid"),
)
SENSITIVITY = Layout(
    ("parameter", "bound", "confidence_level", "n_dof", "delta_chi2", "side", "end", "ends_at_grid"),
    ("parameter", "side", "ends_at_grid"),
)
SCORECARD = Layout(
    ("quantity", "published", "reproduced", "difference", "tolerance", "within", "why"), ("quantity", "within", "why")
)
PUBLISHED = Layout(
    ("key", "quantity", "where", "published", "comparison", "tolerance", "why"),
    ("key", "quantity", "where", "comparison", "why"),
)


def contour_layout(axes: tuple[str, str]) -> Layout:
    """The layout of contours/<scan>.csv, whose last columns are the two axes."""
    return Layout(("confidence_level", "n_dof", "segment", *axes))


@contextmanager
def atomic(path: Path | str) -> Iterator[IO[bytes]]:
    """A binary file that takes the name `path` once it is complete and on disk, and leaves nothing behind if not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OSError(
            error.errno, f"{path}: could not be written ({error.strerror}); the former file, if any, stands"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """A text file in UTF-8 with Unix line ends."""
    with atomic(path) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: Path | str, content: Any) -> None:
    """A JSON file with sorted keys."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def file_digest(path: Path | str) -> str:
    """sha256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def as_columns(rows: Iterable[Sequence[Any]], layout: Layout) -> dict[str, list[Any]]:
    """Rows, each in the order of a layout, turned into its columns."""
    listed = list(rows)
    return {name: [row[i] for row in listed] for i, name in enumerate(layout.columns)}


def _cell(value: Any) -> str:
    """Shortest text that reads back as the same number."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)


def write_csv(path: Path | str, columns: Columns) -> None:
    """Columns of equal length under a header row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    write_text(path, text.getvalue())


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 text at byte {error.start}") from None
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise TableError(f"{path}: not a csv table: {error}") from None


def _number(path: Path, row: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TableError(f"{path}: row {row}, {name}: {text!r} is not a number") from None
    if not np.isfinite(value) or "_" in text:
        raise TableError(f"{path}: row {row}, {name}: {text!r} is not a finite number")
    return value


def read_csv(path: Path | str, numbers: Sequence[str], texts: Sequence[str] = ()) -> dict[str, Any]:
    """The columns of a csv table, which must have exactly these: numbers as float64 arrays, texts as lists.

    Raises TableError naming the file, the row (the header is row 1) and the column.
    """
    path = Path(path)
    rows = _rows(path)
    expected = [*numbers, *texts]
    if not rows:
        raise TableError(f"{path}: is empty; expected the columns {', '.join(expected)}")
    header = rows[0]
    problems = [("missing", sorted(set(expected) - set(header))), ("extra", sorted(set(header) - set(expected)))]
    problems += [("repeated", sorted({name for name in header if header.count(name) > 1}))]
    for what, names in problems:
        if names:
            raise TableError(f"{path}: {what} column {', '.join(map(repr, names))}; expected {', '.join(expected)}")
    for i, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise TableError(f"{path}: row {i} has {len(row)} cells; expected {len(header)}")
    place = {name: header.index(name) for name in expected}
    result: dict[str, Any] = {
        name: np.array([_number(path, i, name, row[place[name]]) for i, row in enumerate(rows[1:], start=2)])
        for name in numbers
    }
    return result | {name: [row[place[name]] for row in rows[1:]] for name in texts}


def read_table(path: Path | str, layout: Layout) -> dict[str, Any]:
    """A csv table of this layout: numbers as float64 arrays, texts as lists."""
    return read_csv(path, [name for name in layout.columns if name not in layout.texts], layout.texts)


def _arrow_array(values: Any) -> Any:
    """An arrow array over a numpy buffer; pyarrow's own conversion would import pandas."""
    import pyarrow as pa

    if len(values) and isinstance(values[0], str):
        return pa.array(list(values), pa.string())
    array = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(array.dtype), array.size, [None, pa.py_buffer(array)])


def write_parquet(path: Path | str, columns: Columns, note: Mapping[str, Any] | None = None) -> None:
    """Columns of equal length, and a note that `read_note` returns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_arrays([_arrow_array(values) for values in columns.values()], names=list(columns))
    if note is not None:
        table = table.replace_schema_metadata({"cevnsi": json.dumps(note, sort_keys=True)})
    with atomic(path) as stream:
        pq.write_table(table, stream, compression="zstd", write_page_checksum=True)


def _parquet(path: Path, read: Callable[[Any], Any]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return read(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TableError(
            f"{path}: damaged or not parquet ({reason}); delete it and run again to make it anew"
        ) from None


def read_parquet(path: Path | str, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """The named columns (all if None): float64 or int arrays, lists of text."""

    def read(file: Any) -> dict[str, Any]:
        table = file.read(columns=columns, use_threads=False)
        return {
            name: column.to_pylist() if str(column.type) == "string" else column.to_numpy()
            for name, column in zip(table.column_names, table.columns, strict=True)
        }

    result: dict[str, Any] = _parquet(Path(path), read)
    return result


def read_note(path: Path | str) -> dict[str, Any]:
    """What `write_parquet` was told to note; empty if nothing."""
    metadata = _parquet(Path(path), lambda file: file.schema_arrow.metadata or {})
    note: dict[str, Any] = json.loads(metadata.get(b"cevnsi", b"{}"))
    return note
