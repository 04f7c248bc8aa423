"""What holds for the cleaned tables of every data set: counts by bin, and acceptance by photoelectrons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.exposure import Exposure
from cevnsi.files.strict_yaml import LARGEST
from cevnsi.files.tables import TableError, read_csv

Table = dict[str, FloatArray]
Tables = dict[str, Table]
Paths = Mapping[str, Path]

COUNTS_COLUMNS = ("bin_low_pe", "bin_high_pe", "observed_counts", "stat_uncertainty")
ACCEPTANCE_COLUMNS = ("photoelectrons", "acceptance")

LARGEST_PHOTOELECTRONS = 1e4  # far beyond any reactor or beam; bounds what is tabulated and integrated over


@dataclass(frozen=True, kw_only=True)
class Release:
    """How the files of a data set are read: into tables "counts" and "acceptance", and others of its own."""

    title: str  # for a reader, in HTML
    roles: tuple[str, ...]  # of its files; that of the counts comes first, then the acceptance's
    read: Callable[[Paths], Tables]
    exposure: Exposure | None  # of its detector; None: an analysis of it gives the whole of one
    read_twice: bool = False  # there is a table "cross_check" of two readings


def read_numbers(path: Path, columns: tuple[str, ...]) -> Table:
    """Columns of an input file, no number so large that its square would not be finite."""
    table: Table = read_csv(path, columns)
    for name, values in table.items():
        beyond = np.flatnonzero(np.abs(values) > LARGEST)
        if beyond.size:
            i = beyond[0]
            raise TableError(f"{path}: row {i + 2}, {name}: {values[i]:g} is beyond {LARGEST:g} in magnitude")
    return table


def check_bins(path: Path, low: FloatArray, high: FloatArray) -> None:
    """Contiguous increasing bins from zero on; raises TableError with file and row."""
    if low.size == 0:
        raise TableError(f"{path}: has no bins")
    for i in range(low.size):
        if low[i] >= high[i]:
            raise TableError(f"{path}: row {i + 2}: bin edges not increasing: {low[i]:g} >= {high[i]:g}")
        if i and low[i] != high[i - 1]:
            what = "overlapping or unsorted" if low[i] < high[i - 1] else "a gap between"
            raise TableError(
                f"{path}: row {i + 2}: {what} bins: one ends at {high[i - 1]:g}, the next starts at {low[i]:g}"
            )
    if low[0] < 0:
        raise TableError(f"{path}: row 2: bin_low_pe {low[0]:g} is negative")
    if high[-1] > LARGEST_PHOTOELECTRONS:
        raise TableError(f"{path}: row {high.size + 1}: bin_high_pe {high[-1]:g} is beyond {LARGEST_PHOTOELECTRONS:g}")


def check_counts(path: Path, counts: Table) -> None:
    """Contiguous increasing bins and positive uncertainties; raises TableError with file and row."""
    check_bins(path, counts["bin_low_pe"], counts["bin_high_pe"])
    for i, error in enumerate(counts["stat_uncertainty"]):
        if error < 1 / LARGEST:
            raise TableError(
                f"{path}: row {i + 2}: stat_uncertainty {error:g}; expected a positive number, at least {1 / LARGEST:g}"
            )


def check_acceptance(path: Path, acceptance: Table, low_pe: float, high_pe: float) -> None:
    """Fractions in [0, 1] at photoelectrons that do not decrease and cover [low_pe, high_pe]."""
    x, y = acceptance["photoelectrons"], acceptance["acceptance"]
    for i in range(x.size):
        if not 0 <= y[i] <= 1:
            raise TableError(f"{path}: row {i + 2}: acceptance {y[i]:g} is outside [0, 1]")
        if i and x[i] < x[i - 1]:
            raise TableError(f"{path}: row {i + 2}: photoelectrons not increasing: {x[i - 1]:g} then {x[i]:g}")
    if x.size < 2 or x[0] > low_pe or x[-1] < high_pe:
        covered = f"[{x[0]:g}, {x[-1]:g}]" if x.size else "nothing"
        raise TableError(f"{path}: acceptance covers {covered}; the bins need [{low_pe:g}, {high_pe:g}]")
