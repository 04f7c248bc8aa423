"""COHERENT's first CsI data as the paper used them: read off Figs. 3 and S9 of arXiv:1708.01294."""

from pathlib import Path

import numpy as np

from cevnsi.experiments.checks import (
    ACCEPTANCE_COLUMNS,
    COUNTS_COLUMNS,
    CROSS_CHECK_COLUMNS,
    Paths,
    Tables,
    check_bins,
    check_counts,
    read_numbers,
)
from cevnsi.experiments.csi_2017 import CSI_2017, CSI_TARGETS, PERIOD
from cevnsi.experiments.measurement import ROUNDING
from cevnsi.experiments.release import Release, of_differences
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import Table

RESIDUAL_COLUMNS = ("bin_low_pe", "bin_high_pe", "residual_counts", "lower_error_bar_end", "upper_error_bar_end")

LARGEST_ROUNDING_SHIFT = 0.25  # counts; beyond it a reading is not of an integer (both readings stay below 0.16)


def _round_residuals(path: Path) -> Table:
    """Counts and uncertainties of one reading of Fig. 3: residuals C - AC are integers, so round and keep the shift."""
    read = read_numbers(path, RESIDUAL_COLUMNS)
    check_bins(path, read)
    rounded = np.rint(read["residual_counts"]) + 0.0  # no negative zero
    shift = rounded - read["residual_counts"]
    for i, value in enumerate(shift):
        if abs(value) > LARGEST_ROUNDING_SHIFT:
            raise TableError(
                f"{path}: row {read.line(i)}: residual_counts {read['residual_counts'][i]:g} is {abs(value):.2f} from "
                f"an integer; expected at most {LARGEST_ROUNDING_SHIFT}"
            )
        low, high = read["lower_error_bar_end"][i], read["upper_error_bar_end"][i]
        if not low < read["residual_counts"][i] < high:
            bar = f"the bar [{low:g}, {high:g}] misses its point"
            raise TableError(f"{path}: row {read.line(i)}: a negative error: {bar}")
    # ASSUME: the bars' asymmetry is noise of the reading (true errors are sqrt(C + AC)), so half the bar is sigma_stat.
    sigma = (read["upper_error_bar_end"] - read["lower_error_bar_end"]) / 2
    counts = Table(
        bin_low_pe=read["bin_low_pe"],
        bin_high_pe=read["bin_high_pe"],
        observed_counts=rounded,
        stat_uncertainty=sigma,
        rounding_shift=shift,
    )
    counts.lines = read.lines
    check_counts(path, counts)
    return counts


def _cross_check(a: Table, b: Table, path_b: Path) -> Table:
    """Reading a against reading b, bin by bin."""
    for edge in ("bin_low_pe", "bin_high_pe"):
        if a[edge].shape != b[edge].shape or (np.abs(a[edge] - b[edge]) > ROUNDING * np.ptp(a[edge])).any():
            raise TableError(f"{path_b}: {edge} differs from the first reading's; the readings are of one histogram")
    by_reading = [table[name] for name in ("observed_counts", "rounding_shift", "stat_uncertainty") for table in (a, b)]
    ratio = b["stat_uncertainty"] / a["stat_uncertainty"]
    return Table(zip(CROSS_CHECK_COLUMNS, [a["bin_low_pe"], a["bin_high_pe"], *by_reading, ratio], strict=True))


def read_figure3(paths: Paths) -> Tables:
    """Two readings of Fig. 3 (top right) and one of Fig. S9 of arXiv:1708.01294.

    Roles: reading_a, which is used; reading_b, which checks it; acceptance. TableError of readings that are not sound,
    or not of one histogram.
    """
    a, b = _round_residuals(paths["reading_a"]), _round_residuals(paths["reading_b"])
    acceptance = read_numbers(paths["acceptance"], ACCEPTANCE_COLUMNS)
    x, y = acceptance["photoelectrons"], acceptance["acceptance"]
    if x.size and 0 < x[0] < 0.1:
        # ASSUME: below the first digitized point, 0.06 photoelectrons, the acceptance is that point's (2e-6).
        first = Table(photoelectrons=np.insert(x, 0, 0.0), acceptance=np.insert(y, 0, y[0]))
        first.lines = [acceptance.line(0), *acceptance.lines]
        acceptance = first
    return {"counts": a, "acceptance": acceptance, "cross_check": _cross_check(a, b, paths["reading_b"])}


FIGURE_3 = Release(
    title="points read off Figs. 3 and S9 of arXiv:1708.01294",
    references=("coherent_csi_2017", "huangt229", "kavanagh_cevns"),
    roles=("reading_a", "acceptance", "reading_b"),
    read=read_figure3,
    exposure=CSI_2017,
    periods=(PERIOD,),
    experiment=of_differences,
    targets=CSI_TARGETS,
    read_twice=True,
    tables={"counts": (*COUNTS_COLUMNS, "rounding_shift"), "acceptance": ACCEPTANCE_COLUMNS},
)
