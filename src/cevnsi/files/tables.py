"""Tables and grids as files: csv for what a person reads, parquet for grids.

Parquet pages carry checksums that are verified on reading, as a flipped bit would otherwise be read silently.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, dropwhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.files.atomic import TableError, atomic, make_anew, read_text, write_text

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]

_DECIMAL = re.compile("[ \t]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ \t]*")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Columns of one kind of csv table, in order, and which of them hold text."""

    columns: tuple[str, ...]
    texts: tuple[str, ...] = ()


OBSERVED, BACKGROUND = "observed", "background"  # cases of spectra.csv, beside the standard model and the mediator
CONTROL = "control_region"  # as a background: its counts, over how many windows they are of
STANDARD_MODEL_COUNTS = "standard_model_counts"  # beside those of the best fit
SPECTRA = Layout(
    columns=("case", "component", "bin_low_pe", "bin_high_pe", "predicted_counts"), texts=("case", "component")
)
SPECTRA_IN_TIME = Layout(columns=(*SPECTRA.columns, "bin_low_us", "bin_high_us"), texts=SPECTRA.texts)
SPECTRA_IN_F90 = Layout(
    columns=(
        *("case", "component", "bin_low_kevee", "bin_high_kevee", "predicted_counts"),
        *("bin_low_f90", "bin_high_f90", "bin_low_us", "bin_high_us"),
    ),
    texts=SPECTRA.texts,
)


def fitted_layout(spectra: Layout) -> Layout:
    """The layout of fitted_counts/<dataset>.csv, of the same axes as a spectra.csv."""
    kept = (name.removeprefix("predicted_") for name in spectra.columns if name != "case")
    return Layout(columns=(*kept, STANDARD_MODEL_COUNTS), texts=("component",))


# Of the fits of each data set alone and of several `TOGETHER`.
COUNTS_LIKELIHOOD = Layout(columns=("dataset", "cevns_counts", "minus2_delta_lnl"), texts=("dataset",))
TOGETHER = "together"


RANGES = Layout(
    columns=(
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
        "lower_set_by",
        "upper_set_by",
        "warning",
        "method",
    ),
    texts=(
        "scan",
        "parameter",
        "other_parameters",
        "ends_at_grid",
        "lower_set_by",
        "upper_set_by",
        "warning",
        "method",
    ),
)
COVERED_RANGES = Layout(
    columns=(*RANGES.columns, "critical_error", "delta_chi2_upper", "critical_error_upper"), texts=RANGES.texts
)
BEST_FITS = Layout(
    columns=("grid", "parameter", "value", "chi2", "flat_from", "flat_to", "grid_excess"),
    texts=("grid", "parameter"),
)
SENSITIVITY = Layout(
    columns=("parameter", "bound", "confidence_level", "n_dof", "delta_chi2", "side", "end", "ends_at_grid"),
    texts=("parameter", "side", "ends_at_grid"),
)
MEASURED = Layout(
    columns=(
        "grid",
        "truth",
        "first",
        "first_value",
        "second",
        "second_value",
        "nuisances",
        "method",
        "confidence_level",
        "delta_chi2",
        "coverage",
        "coverage_error",
        "toys",
        "moved_by",
    ),
    texts=("grid", "truth", "first", "second", "second_value", "nuisances", "method"),  # nan on a line
)
GOODNESS = Layout(
    columns=("quantity", "observed", "toys", "beyond", "probability", "error", "sigmas"),
    texts=("quantity", "sigmas"),  # infinite where no toy is beyond, or all are
)
DOMAIN_ENDS = Layout(columns=SENSITIVITY.columns, texts=(*SENSITIVITY.texts, "bound"))  # the last bound is inf
# Both ends of a number that is so many units of two couplings, with all others free, and where chi2 is least.
GENERAL_FIT = Layout(
    columns=(
        *("parameter", "pair", "unit_u", "unit_d", "confidence_level", "n_dof", "delta_chi2"),
        *("lower", "upper", "flat_from", "flat_to", "ends_at_widest"),
    ),
    texts=("parameter", "pair", "ends_at_widest"),
)
DOMAIN_MATCHES = Layout(
    columns=("parameter", "side", "confidence_level", "n_dof", "delta_chi2", "published", "bound", "kind"),
    texts=("parameter", "side", "bound", "kind"),  # the bound is nan where none tried gives the published end
)
# Both matter parameters, which are the same, delta chi2 there, and the least bound at which that is a level.
DOMAIN_HOLE = Layout(
    columns=("scan", "at", "excess", "confidence_level", "n_dof", "delta_chi2", "bound"), texts=("scan", "bound")
)
PUBLISHED_ENDS = tuple(f"eps_{pair}_matter_{side}" for pair in ("ee", "mumu") for side in ("lower", "upper"))  # Eq. 12
_LEVEL = ("confidence_level", "n_dof", "delta_chi2")
_MISS = ("miss", "miss_of", "at_reach", *PUBLISHED_ENDS)
DOMAIN_MAP = Layout(columns=("lower_bound", "upper_bound", *_LEVEL, *_MISS), texts=("miss_of", "at_reach"))
DOMAIN_BEST = Layout(
    columns=(
        *("kind", *_LEVEL, "lower_bound", "upper_bound", *_MISS),
        *("lower_from", "lower_to", "upper_from", "upper_to"),
    ),
    texts=("kind", "miss_of", "at_reach"),
)
DIGITIZATION = Layout(
    columns=("key", "nominal", "mean", "standard_deviation", "least", "greatest", "members"),
    texts=(
        "key",
        "nominal",
        "mean",
        "standard_deviation",
        "least",
        "greatest",
    ),  # nan where too few members have a value
)
SCORECARD = Layout(
    columns=(
        "quantity",
        "published",
        "reproduced",
        "difference",
        "tolerance",
        "digitization",
        "within",
        "why",
        "verdict",
        "least",
        "greatest",
        "choices",
    ),
    # ours is nan where an axis does not show the feature; digitization is a standard deviation, or why there is none
    texts=(
        "quantity",
        "reproduced",
        "difference",
        "digitization",
        "within",
        "why",
        "verdict",
        "least",
        "greatest",
        "choices",
    ),
)
# What is published, and the same at quantiles of a chi2 distribution and at critical values; areas are nowhere
# published.
BY_METHOD = Layout(
    columns=(
        *("key", "quantity", "published", "tolerance"),
        *("wilks", "feldman_cousins", "within_wilks", "within_feldman_cousins"),
    ),
    texts=("key", "quantity", "published", "tolerance", "within_wilks", "within_feldman_cousins"),
)
CURVES = Layout(columns=("panel", "curve", "segment", "x", "y"), texts=("panel", "curve"))  # the csv beside a figure
PUBLISHED = Layout(
    columns=("key", "quantity", "where", "published", "comparison", "tolerance", "why"),
    texts=("key", "quantity", "where", "comparison", "why"),
)

# Of the study `coherent`. An error, and what follows from one, is empty where nobody gives it.
COHERENT_PUBLISHED = Layout(
    columns=("key", "dataset", "quantity", "unit", "published", "error_low", "error_high", "source"),
    texts=("key", "dataset", "quantity", "unit", "error_low", "error_high", "source"),
)
COHERENT_SCORECARD = Layout(
    columns=(
        *("dataset", "key", "quantity", "unit"),
        *("published", "published_low", "published_high"),
        *("ours", "ours_low", "ours_high"),
        *("difference", "pull", "explanation"),
    ),
    texts=(
        *("dataset", "key", "quantity", "unit", "published_low", "published_high"),
        *("ours_low", "ours_high", "pull", "explanation"),
    ),
)
COHERENT_CHOICES = Layout(columns=("dataset", "choice", "key", "value"), texts=("dataset", "choice", "key"))


def contour_layout(axes: tuple[str, ...]) -> Layout:
    """The layout of contours/<scan>.csv, whose last columns are the two axes."""
    return Layout(columns=("confidence_level", "n_dof", "segment", *axes))


def covered_contour_layout(axes: tuple[str, ...]) -> Layout:
    """The layout of coverage/contours/<scan>.csv, which has the method besides."""
    return Layout(columns=(*contour_layout(axes).columns, "method"), texts=("method",))


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


def csv_text(columns: Columns) -> str:
    """Columns of equal length under a header row, as csv."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue()


def write_csv(path: Path | str, columns: Columns) -> None:
    """Columns of equal length under a header row."""
    write_text(path, csv_text(columns))


class Table(dict[str, Any]):
    """Columns of a table, numbers as float64 arrays and texts as lists, which knows where in a file its rows stand."""

    lines: Sequence[int] = ()

    def line(self, i: int) -> int:
        """The line of row i; of a table that is from no file, that which it would have below a header."""
        return self.lines[i] if self.lines else i + 2


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Rows with the lines that they end on."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise TableError(f"{path}: not a csv table: {error}") from None


def _is_said_aside(cells: Sequence[str]) -> bool:
    """Whether a row is blank or a comment."""
    return not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#")


def decimal(text: str) -> float:
    """The finite number that a text spells in plain decimal digits, or ValueError: float() takes 1_0 and wide digits.

    >>> decimal(" -2.5e3")
    -2500.0
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError("not a number") from None
    if not np.isfinite(value) or not _DECIMAL.fullmatch(text):
        raise ValueError("not a finite number in plain decimal digits")
    return value


def _number(path: Path, row: int, name: str, text: str) -> float:
    try:
        return decimal(text)
    except ValueError as error:
        raise TableError(f"{path}: row {row}, {name}: {text!r} is {error}") from None


def read_csv(path: Path | str, numbers: Sequence[str], texts: Sequence[str] = ()) -> Table:
    """The columns of a csv table, which must have exactly these: numbers as float64 arrays, texts as lists.

    As those write it who read figures off, blanks about a name count for nothing, nor do blank lines and lines that
    start with #, above the header and where the first column is of numbers. Raises TableError naming the file, the row
    (its line in the file) and the column.
    """
    path = Path(path)
    rows = list(dropwhile(lambda row: _is_said_aside(row[1]), _rows(path)))
    expected = [*numbers, *texts]
    if not rows:
        raise TableError(f"{path}: is empty; expected the columns {', '.join(expected)}")
    (_, first), *rows = rows
    header = [name.strip() for name in first]
    if header[0] in numbers:
        rows = [row for row in rows if not _is_said_aside(row[1])]
    problems = [("missing", sorted(set(expected) - set(header))), ("extra", sorted(set(header) - set(expected)))]
    problems += [("repeated", sorted({name for name in header if header.count(name) > 1}))]
    for what, names in problems:
        if names:
            found = f"; its header is {','.join(first)!r}"
            found += ", and commas separate columns" if len(first) == 1 and len(expected) > 1 else ""
            raise TableError(
                f"{path}: {what} column {', '.join(map(repr, names))}; expected {', '.join(expected)}{found}"
            )
    for line, row in rows:
        if len(row) != len(header):
            raise TableError(f"{path}: row {line} has {len(row)} cells; expected {len(header)}")
    place = {name: header.index(name) for name in expected}
    table = Table()
    table.lines = [line for line, _ in rows]
    for name in numbers:
        table[name] = np.array([_number(path, line, name, row[place[name]]) for line, row in rows])
    for name in texts:
        table[name] = [row[place[name]] for _, row in rows]
    return table


def header_of(path: Path | str) -> list[str]:
    """Names of the columns of a csv table, blanks about them left out; TableError if it is empty."""
    rows = list(dropwhile(lambda row: _is_said_aside(row[1]), _rows(Path(path))))
    if not rows:
        raise TableError(f"{path}: is empty; expected a header")
    return [name.strip() for name in rows[0][1]]


def read_table(path: Path | str, layout: Layout) -> Table:
    """A csv table of this layout: numbers as float64 arrays, texts as lists; TableError as that of `read_csv`."""
    return read_csv(path, [name for name in layout.columns if name not in layout.texts], layout.texts)


def _arrow_array(values: Any) -> Any:
    """An arrow array over buffers; pyarrow's own conversions would import pandas."""
    import pyarrow as pa

    if len(values) and isinstance(values[0], str):
        encoded = [text.encode("utf-8") for text in values]
        offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
        return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
    array = np.ascontiguousarray(values)
    content = np.packbits(array, bitorder="little") if array.dtype == np.bool_ else array
    return pa.Array.from_buffers(pa.from_numpy_dtype(array.dtype), array.size, [None, pa.py_buffer(content)])


def write_parquet(path: Path | str, columns: Columns, note: Mapping[str, Any] | None = None) -> None:
    """Columns of equal length, and a note that `read_note` returns."""
    write_parquet_parts(path, [columns], note)


def write_parquet_parts(
    path: Path | str, parts: Iterable[Columns], note: Mapping[str, Any] | None = None, repetitive: Sequence[str] = ()
) -> None:
    """A table that comes in parts with the same columns, one or more, of which only one is in memory at a time.

    Text and the columns named `repetitive`, of few different values, are stored as a dictionary, the others by the
    bytes of a number: digits alike next to each other compress well, a whole float64 does not.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def table(columns: Columns) -> Any:
        made = pa.Table.from_arrays([_arrow_array(values) for values in columns.values()], names=list(columns))
        return made.replace_schema_metadata(None if note is None else {"cevnsi": json.dumps(note, sort_keys=True)})

    tables = map(table, parts)
    first = next(tables)
    by_byte = [f.name for f in first.schema if str(f.type) in _NUMBERS and f.name not in repetitive]
    texts = [f.name for f in first.schema if str(f.type) == "string"]
    with (
        atomic(path) as stream,
        pq.ParquetWriter(
            stream,
            first.schema,
            compression="zstd",
            use_dictionary=[*texts, *repetitive],
            use_byte_stream_split=by_byte,
            write_page_checksum=True,
        ) as writer,
    ):
        for part in chain([first], tables):
            writer.write_table(part, row_group_size=max(part.num_rows, 1))


@contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a footer that is no text or no JSON
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise TableError(f"{path}: damaged or not parquet ({reason}); {make_anew(path)}") from None


_NUMBERS = {"double": np.float64, "int64": np.int64}  # arrow's name of what is written, and numpy's


def _values(column: Any) -> Any:
    """A numpy array or a list of text; arrow's own to_numpy would import pandas."""
    kind = str(column.type)
    if kind in ("string", "bool"):
        return column.to_pylist() if kind == "string" else np.array(column.to_pylist(), np.bool_)
    if kind not in _NUMBERS or column.null_count:
        raise ValueError(f"a column of {kind} with {column.null_count} gaps")
    array = column.combine_chunks()
    if not len(array):
        return np.zeros(0, _NUMBERS[kind])
    return np.frombuffer(array.buffers()[1], _NUMBERS[kind], len(array), array.offset * 8)


def _columns(table: Any, wanted: Sequence[str] | None) -> dict[str, Any]:
    missing = set(wanted or ()) - set(table.column_names)
    if missing:
        raise ValueError(f"no column {', '.join(sorted(missing))}")
    return {name: _values(column) for name, column in zip(table.column_names, table.columns, strict=True)}


def read_parquet(path: Path | str, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """The named columns (all if None), and nothing else of the file: float64 or int arrays, lists of text.

    TableError of a file that is damaged, or has not these columns.
    """
    with _open_parquet(Path(path)) as file:
        return _columns(file.read(columns=columns, use_threads=False), columns)


def read_parquet_parts(path: Path | str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The parts that a file was written in, one at a time, each as `read_parquet` would return it, or TableError."""
    with _open_parquet(Path(path)) as file:
        for i in range(file.num_row_groups):
            yield _columns(file.read_row_group(i, columns=columns, use_threads=False), columns)


def read_note(path: Path | str) -> dict[str, Any]:
    """What `write_parquet` was told to note; empty if nothing. TableError of a file that is damaged."""
    with _open_parquet(Path(path)) as file:
        note: dict[str, Any] = json.loads((file.schema_arrow.metadata or {}).get(b"cevnsi", b"{}"))
        return note
