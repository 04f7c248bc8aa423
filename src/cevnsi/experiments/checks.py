"""What holds for the cleaned tables of a data set: counts by bin, and acceptance by photoelectrons."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cevnsi.experiments.measurement import ROUNDING
from cevnsi.files.atomic import TableError, read_lines
from cevnsi.files.strict_yaml import LARGEST
from cevnsi.files.tables import Table, decimal, read_csv

Tables = dict[str, Table]
Paths = Mapping[str, Path]

COUNTS_COLUMNS = ("bin_low_pe", "bin_high_pe", "observed_counts", "stat_uncertainty")
ACCEPTANCE_COLUMNS = ("photoelectrons", "acceptance")
CROSS_CHECK_COLUMNS = (
    "bin_low_pe",
    "bin_high_pe",
    "counts_a",
    "counts_b",
    "rounding_shift_a",
    "rounding_shift_b",
    "stat_uncertainty_a",
    "stat_uncertainty_b",
    "stat_uncertainty_ratio",
)

LARGEST_PHOTOELECTRONS = 1e4  # far beyond any reactor or beam; bounds what is tabulated and integrated over


def read_numbers(path: Path, columns: tuple[str, ...]) -> Table:
    """Columns of an input file, (rows,) each; TableError of a number so large that its square would not be finite."""
    table = read_csv(path, columns)
    for name, values in table.items():
        beyond = np.flatnonzero(np.abs(values) > LARGEST)
        if beyond.size:
            i = int(beyond[0])
            raise TableError(f"{path}: row {table.line(i)}, {name}: {values[i]:g} is beyond {LARGEST:g} in magnitude")
    return table


def release_rows(
    path: Path, what: str, count: int, separator: str | None = ","
) -> Iterator[tuple[int, str, list[float]]]:
    """Lines of numbers of a file of a release, with their places and texts; `what` they are of, so many a line.

    Without a separator blanks or tabs stand between them. TableError of a line that is something else.
    """
    for i, line in enumerate(read_lines(path), start=1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            cells = line.split(separator) if separator else re.findall("[^ \t]+", line)
            numbers = [decimal(cell) for cell in cells]
        except ValueError:
            numbers = []
        if len(numbers) != count:
            raise TableError(f"{path}: row {i}: {line!r} is not '{what}'")
        yield i, line, numbers


def check_bins(path: Path, table: Table) -> None:
    """Increasing bins from zero on, contiguous but for rounding; raises TableError with file and row."""
    low, high = table["bin_low_pe"], table["bin_high_pe"]
    if low.size == 0:
        raise TableError(f"{path}: has no bins")
    for i in range(low.size):
        if low[i] >= high[i]:
            raise TableError(f"{path}: row {table.line(i)}: bin edges not increasing: {low[i]:.10g} >= {high[i]:.10g}")
        if i and abs(low[i] - high[i - 1]) > ROUNDING * min(high[i] - low[i], high[i - 1] - low[i - 1]):
            what = "overlapping or unsorted" if low[i] < high[i - 1] else "a gap between"
            raise TableError(
                f"{path}: row {table.line(i)}: {what} bins: one ends at {high[i - 1]:.10g}, "
                f"the next starts at {low[i]:.10g}"
            )
    if low[0] < 0:
        raise TableError(f"{path}: row {table.line(0)}: bin_low_pe {low[0]:g} is negative")
    if high[-1] > LARGEST_PHOTOELECTRONS:
        last = table.line(high.size - 1)
        raise TableError(f"{path}: row {last}: bin_high_pe {high[-1]:g} is beyond {LARGEST_PHOTOELECTRONS:g}")


def check_counts(path: Path, counts: Table) -> None:
    """Contiguous increasing bins and positive uncertainties; raises TableError with file and row."""
    check_bins(path, counts)
    check_uncertainties(path, counts)


def check_uncertainties(path: Path, counts: Table) -> None:
    """Positive uncertainties; raises TableError with file and row."""
    for i, error in enumerate(counts["stat_uncertainty"]):
        if error < 1 / LARGEST:
            raise TableError(
                f"{path}: row {counts.line(i)}: stat_uncertainty {error:g}; expected a positive number, at least "
                f"{1 / LARGEST:g}"
            )


def check_acceptance(path: Path, acceptance: Table, low_pe: float, high_pe: float) -> None:
    """Fractions in [0, 1] at photoelectrons that do not decrease and cover [low_pe, high_pe] but for rounding.

    Raises TableError with file and row.
    """
    x, y = acceptance["photoelectrons"], acceptance["acceptance"]
    for i in range(x.size):
        if not 0 <= y[i] <= 1:
            raise TableError(f"{path}: row {acceptance.line(i)}: acceptance {y[i]:.10g} is outside [0, 1]")
        if i and x[i] < x[i - 1]:
            raise TableError(
                f"{path}: row {acceptance.line(i)}: photoelectrons not increasing: {x[i - 1]:.10g} then {x[i]:.10g}"
            )
    missed = ROUNDING * (high_pe - low_pe)
    if x.size < 2 or x[0] > low_pe + missed or x[-1] < high_pe - missed:
        covered = f"[{x[0]:.10g}, {x[-1]:.10g}]" if x.size else "nothing"
        raise TableError(f"{path}: acceptance covers {covered}; the bins need [{low_pe:.10g}, {high_pe:.10g}]")
