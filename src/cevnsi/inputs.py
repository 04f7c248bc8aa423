"""Published inputs turned into one clean measurement: counts by bin, and acceptance by photoelectrons.

Each reader takes paths by role and returns tables; `check_counts` and `check_acceptance` hold for all of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from cevnsi.detector import Acceptance
from cevnsi.likelihood import Measurement
from cevnsi.tables import TableError, file_digest, read_csv

FloatArray = NDArray[np.float64]
Table = dict[str, FloatArray]
Tables = dict[str, Table]
Paths = Mapping[str, Path]

COUNTS_COLUMNS = ("bin_low_pe", "bin_high_pe", "observed_counts", "stat_uncertainty")
ACCEPTANCE_COLUMNS = ("photoelectrons", "acceptance")
RESIDUAL_COLUMNS = ("bin_low_pe", "bin_high_pe", "residual_counts", "lower_error_bar_end", "upper_error_bar_end")

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

LARGEST_ROUNDING_SHIFT = 0.25  # counts; beyond it a reading is not of an integer (both readings stay below 0.16)
LATEST_ARRIVAL_US = 6.0  # Fig. 3 of arXiv:1708.01294
RELEASE_STEP_PE = 0.05  # spacing of the tabulated logistic: straight lines are within 5e-6 of it


def verify_checksum(root: Path, sums: Path, path: Path) -> None:
    """Refuse a file that the list of checksums does not know or that differs from it; paths relative to root."""
    listed = {}
    for i, line in enumerate(_text(root / sums).splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise TableError(f"{sums}: row {i}: {line!r} is not '<sha256>  <path>'")
        listed[name] = digest
    name = Path(path).as_posix()
    if name not in listed:
        raise TableError(f"{name}: has no checksum in {sums}; add the line that `sha256sum {name}` prints")
    try:
        found = file_digest(root / path)
    except OSError as error:
        raise TableError(f"{name}: cannot be read: {error.strerror}") from None
    if found != listed[name]:
        raise TableError(f"{name}: sha256 is {found}, expected {listed[name]} ({sums}); the file has changed")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 text at byte {error.start}") from None


def _check_bins(path: Path, low: FloatArray, high: FloatArray) -> None:
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


def check_counts(path: Path, counts: Table) -> None:
    """Contiguous increasing bins and positive uncertainties; raises TableError with file and row."""
    _check_bins(path, counts["bin_low_pe"], counts["bin_high_pe"])
    for i, error in enumerate(counts["stat_uncertainty"]):
        if error <= 0:
            raise TableError(f"{path}: row {i + 2}: stat_uncertainty {error:g}; expected a positive number")


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


def _round_residuals(path: Path) -> Table:
    """Counts and uncertainties of one reading of Fig. 3: residuals C - AC are integers, so round and keep the shift."""
    read = read_csv(path, RESIDUAL_COLUMNS)
    _check_bins(path, read["bin_low_pe"], read["bin_high_pe"])
    rounded = np.rint(read["residual_counts"]) + 0.0  # no negative zero
    shift = rounded - read["residual_counts"]
    for i, value in enumerate(shift):
        if abs(value) > LARGEST_ROUNDING_SHIFT:
            raise TableError(
                f"{path}: row {i + 2}: residual_counts {read['residual_counts'][i]:g} is {abs(value):.2f} from an "
                f"integer; expected at most {LARGEST_ROUNDING_SHIFT}"
            )
        low, high = read["lower_error_bar_end"][i], read["upper_error_bar_end"][i]
        if not low < read["residual_counts"][i] < high:
            raise TableError(f"{path}: row {i + 2}: a negative error: the bar [{low:g}, {high:g}] misses its point")
    # ASSUME: the bars' asymmetry is noise of the reading (true errors are sqrt(C + AC)), so half the bar is sigma_stat.
    sigma = (read["upper_error_bar_end"] - read["lower_error_bar_end"]) / 2
    return {
        "bin_low_pe": read["bin_low_pe"],
        "bin_high_pe": read["bin_high_pe"],
        "observed_counts": rounded,
        "stat_uncertainty": sigma,
        "rounding_shift": shift,
    }


def _cross_check(a: Table, b: Table, path_b: Path) -> Table:
    """Reading a against reading b, bin by bin."""
    for edge in ("bin_low_pe", "bin_high_pe"):
        if not np.array_equal(a[edge], b[edge]):
            raise TableError(f"{path_b}: {edge} differs from the first reading's; the readings are of one histogram")
    by_reading = [table[name] for name in ("observed_counts", "rounding_shift", "stat_uncertainty") for table in (a, b)]
    ratio = b["stat_uncertainty"] / a["stat_uncertainty"]
    return dict(zip(CROSS_CHECK_COLUMNS, [a["bin_low_pe"], a["bin_high_pe"], *by_reading, ratio], strict=True))


def read_figure3(paths: Paths) -> Tables:
    """Two readings of Fig. 3 (top right) and one of Fig. S9 of arXiv:1708.01294.

    Roles: reading_a, which is used; reading_b, which checks it; acceptance.
    """
    a, b = _round_residuals(paths["reading_a"]), _round_residuals(paths["reading_b"])
    acceptance: Table = read_csv(paths["acceptance"], ACCEPTANCE_COLUMNS)
    x, y = acceptance["photoelectrons"], acceptance["acceptance"]
    if x.size and 0 < x[0] < 0.1:
        # ASSUME: below the first digitized point, 0.06 photoelectrons, the acceptance is that point's (2e-6).
        acceptance = {"photoelectrons": np.insert(x, 0, 0.0), "acceptance": np.insert(y, 0, y[0])}
    return {"counts": a, "acceptance": acceptance, "cross_check": _cross_check(a, b, paths["reading_b"])}


def _release_histogram(path: Path) -> dict[tuple[float, float], int]:
    """Counts by (photoelectrons, arrival time) bin center."""
    counts = {}
    for i, line in enumerate(_text(path).splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            pe, time, count = line.split(",")
            key, value = (float(pe), float(time)), int(count)
        except ValueError:
            raise TableError(f"{path}: row {i}: {line!r} is not 'photoelectrons, arrival time, counts'") from None
        if value < 0 or not np.isfinite(key).all() or min(key) < 0 or key in counts:
            raise TableError(f"{path}: row {i}: {line!r}: negative, not finite, or a bin given twice")
        counts[key] = value
    return counts


def _logistic(parameters: Path) -> Callable[[FloatArray], FloatArray]:
    """The release's a / (1 + exp(-k (x - x_0))), without its step."""
    try:
        content = yaml.safe_load(_text(parameters))
        value = {p["name"]: float(p["value"]) for p in content["acceptanceEfficiency"]["parameters"]}
        a, k, x0 = value["a"], value["k"], value["x_0"]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise TableError(f"{parameters}: acceptanceEfficiency needs numbers a, k and x_0 ({error!r})") from None
    return lambda x: a / (1 + np.exp(-k * (x - x0)))


def _release_acceptance(parameters: Path, high_pe: float) -> Table:
    """The logistic times H(x - 5), which is 0 below 5, 1/2 from 5 to 6 and 1 above; a step is a repeated abscissa."""
    # ASSUME: the formula at every x; the release applies it at the centers of 1-PE bins (0.13 % more SM counts).
    curve = _logistic(parameters)
    n = round(1 / RELEASE_STEP_PE)
    pieces = [(np.array([0.0, 5.0]), 0.0), (np.linspace(5, 6, n + 1), 0.5)]
    pieces.append((np.linspace(6, high_pe, round((high_pe - 6) * n) + 1), 1.0))
    x = np.concatenate([piece for piece, _ in pieces])
    step = np.concatenate([np.full(piece.size, value) for piece, value in pieces])
    return {"photoelectrons": x, "acceptance": curve(x) * step}


def read_release2018(paths: Paths) -> Tables:
    """The official release (arXiv:1804.09459); roles coincidence, anticoincidence, parameters.

    observed counts C - AC and their uncertainty sqrt(C + AC), for arrival times below 6 microseconds.
    """
    c, ac = (_release_histogram(paths[role]) for role in ("coincidence", "anticoincidence"))
    if c.keys() != ac.keys() or not c:
        raise TableError(f"{paths['anticoincidence']}: its bins are not those of {paths['coincidence']}")
    centers = np.array(sorted({pe for pe, _ in c}))
    width = centers[1] - centers[0] if centers.size > 1 else 0.0
    total = {
        name: np.array([sum(n for (pe, t), n in table.items() if pe == x and t < LATEST_ARRIVAL_US) for x in centers])
        for name, table in (("c", c), ("ac", ac))
    }
    counts = {
        "bin_low_pe": centers - width / 2,
        "bin_high_pe": centers + width / 2,
        "observed_counts": (total["c"] - total["ac"]).astype(float),
        "stat_uncertainty": np.sqrt(total["c"] + total["ac"]),
    }
    return {"counts": counts, "acceptance": _release_acceptance(paths["parameters"], counts["bin_high_pe"][-1])}


def read_table(paths: Paths) -> Tables:
    """Counts and acceptance that are already in the columns of results/inputs/; roles counts, acceptance."""
    return {
        "counts": read_csv(paths["counts"], COUNTS_COLUMNS),
        "acceptance": read_csv(paths["acceptance"], ACCEPTANCE_COLUMNS),
    }


# A reader and the roles of its files; counts come first, then acceptance (named in complaints about them).
READERS: dict[str, tuple[Callable[[Paths], Tables], tuple[str, ...]]] = {
    "figure3": (read_figure3, ("reading_a", "acceptance", "reading_b")),
    "release2018": (read_release2018, ("coincidence", "parameters", "anticoincidence")),
    "table": (read_table, ("counts", "acceptance")),
}


def read_dataset(section: Mapping[str, Any], root: Path, sums: Path) -> Tables:
    """The tables of one dataset of the configuration, its files verified and its contents checked."""
    reader, roles = READERS[section["reader"]]
    files = section["files"]
    if set(files) != set(roles):
        raise TableError(
            f"datasets: reader {section['reader']} needs files for {', '.join(roles)}; "
            f"found {', '.join(files) or 'none'}"
        )
    for role in roles:
        verify_checksum(root, sums, Path(files[role]))
    tables = reader({role: root / files[role] for role in roles})
    counts = tables["counts"]
    check_counts(root / files[roles[0]], counts)
    check_acceptance(root / files[roles[1]], tables["acceptance"], counts["bin_low_pe"][0], counts["bin_high_pe"][-1])
    return tables


def load_measurement(path: Path | str) -> Measurement:
    """The measurement in a counts.csv of results/inputs/."""
    path = Path(path)
    rounded = "rounding_shift" in _text(path).partition("\n")[0].split(",")  # what was read off a figure has one more
    counts = read_csv(path, (*COUNTS_COLUMNS, *(["rounding_shift"] if rounded else [])))
    check_counts(path, counts)
    edges = np.append(counts["bin_low_pe"], counts["bin_high_pe"][-1])
    return Measurement(edges, counts["observed_counts"], counts["stat_uncertainty"])


def load_acceptance(path: Path | str) -> Acceptance:
    """The acceptance in an acceptance.csv of results/inputs/."""
    table = read_csv(path, ACCEPTANCE_COLUMNS)
    return Acceptance(table["photoelectrons"], table["acceptance"])
