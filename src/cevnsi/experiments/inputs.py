"""Published inputs turned into one clean measurement: counts by bin, and acceptance by photoelectrons.

Each reader takes paths by role and returns tables; `check_counts` and `check_acceptance` hold for all of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.files import tables
from cevnsi.files.strict_yaml import LARGEST, ConfigError, load_yaml
from cevnsi.files.tables import TableError, decimal, file_digest, read_csv, read_lines, read_text

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
LARGEST_PHOTOELECTRONS = 1e4  # far beyond any reactor or beam; bounds what is tabulated and integrated over
LARGEST_COUNT = 1e12
LATEST_ARRIVAL_US = 6.0  # Fig. 3 of arXiv:1708.01294
RELEASE_STEP_PE = 0.05  # spacing of the tabulated logistic: straight lines are within 5e-6 of it

PUBLISHED_FILE = Path("data/liao_marfatia_2017/published.csv")
COMPARISONS = ("near", "at_least")


def verify_checksum(root: Path, sums: Path, path: Path) -> None:
    """Refuse a file that the list of checksums does not know or that differs from it; paths relative to root."""
    listed: dict[str, str] = {}
    for i, line in enumerate(read_lines(root / sums), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise TableError(f"{sums}: row {i}: {line!r} is not '<sha256>  <path>'")
        if listed.setdefault(name, digest) != digest:
            raise TableError(f"{sums}: row {i}: {name!r} is listed before, with another sha256")
    name = Path(path).as_posix()
    if name not in listed:
        raise TableError(f"{name}: has no checksum in {sums}; add the line that `sha256sum {name}` prints")
    found = file_digest(root / path)
    if found != listed[name]:
        raise TableError(f"{name}: sha256 is {found}, expected {listed[name]} ({sums}); the file has changed")


def _read_numbers(path: Path, columns: tuple[str, ...]) -> Table:
    """Columns of an input file, no number so large that its square would not be finite."""
    table: Table = read_csv(path, columns)
    for name, values in table.items():
        beyond = np.flatnonzero(np.abs(values) > LARGEST)
        if beyond.size:
            i = beyond[0]
            raise TableError(f"{path}: row {i + 2}, {name}: {values[i]:g} is beyond {LARGEST:g} in magnitude")
    return table


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
    if high[-1] > LARGEST_PHOTOELECTRONS:
        raise TableError(f"{path}: row {high.size + 1}: bin_high_pe {high[-1]:g} is beyond {LARGEST_PHOTOELECTRONS:g}")


def check_counts(path: Path, counts: Table) -> None:
    """Contiguous increasing bins and positive uncertainties; raises TableError with file and row."""
    _check_bins(path, counts["bin_low_pe"], counts["bin_high_pe"])
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


def _round_residuals(path: Path) -> Table:
    """Counts and uncertainties of one reading of Fig. 3: residuals C - AC are integers, so round and keep the shift."""
    read = _read_numbers(path, RESIDUAL_COLUMNS)
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
    counts = {
        "bin_low_pe": read["bin_low_pe"],
        "bin_high_pe": read["bin_high_pe"],
        "observed_counts": rounded,
        "stat_uncertainty": sigma,
        "rounding_shift": shift,
    }
    check_counts(path, counts)
    return counts


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
    acceptance = _read_numbers(paths["acceptance"], ACCEPTANCE_COLUMNS)
    x, y = acceptance["photoelectrons"], acceptance["acceptance"]
    if x.size and 0 < x[0] < 0.1:
        # ASSUME: below the first digitized point, 0.06 photoelectrons, the acceptance is that point's (2e-6).
        acceptance = {"photoelectrons": np.insert(x, 0, 0.0), "acceptance": np.insert(y, 0, y[0])}
    return {"counts": a, "acceptance": acceptance, "cross_check": _cross_check(a, b, paths["reading_b"])}


def _release_histogram(path: Path) -> dict[tuple[float, float], int]:
    """Counts by (photoelectrons, arrival time) bin center."""
    counts: dict[tuple[float, float], int] = {}
    for i, line in enumerate(read_lines(path), start=1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            pe, time, count = (decimal(cell) for cell in line.split(","))
        except ValueError:
            raise TableError(f"{path}: row {i}: {line!r} is not 'photoelectrons, arrival time, counts'") from None
        if min(pe, time) < 0 or (pe, time) in counts:
            raise TableError(f"{path}: row {i}: {line!r}: a bin that is negative, or given twice")
        if count % 1 or not 0 <= count <= LARGEST_COUNT:
            raise TableError(f"{path}: row {i}: {line!r}: counts must be whole, from 0 to {LARGEST_COUNT:g}")
        counts[pe, time] = int(count)
    n_pe, n_time = (len({bin_[axis] for bin_ in counts}) for axis in (0, 1))
    if len(counts) != n_pe * n_time:
        raise TableError(f"{path}: has {len(counts)} bins, expected {n_pe} of photoelectrons times {n_time} of time")
    return counts


def _early_counts(histogram: Mapping[tuple[float, float], int]) -> dict[float, int]:
    """Counts by photoelectrons, increasing, summed over the arrival times that the paper uses."""
    total = dict.fromkeys(sorted({pe for pe, _ in histogram}), 0)
    for (pe, time), count in histogram.items():
        total[pe] += count if time < LATEST_ARRIVAL_US else 0
    return total


def _logistic(parameters: Path) -> Callable[[FloatArray], FloatArray]:
    """The release's a / (1 + exp(-k (x - x_0))), without its step."""
    try:
        listed = load_yaml(read_text(parameters))["acceptanceEfficiency"]["parameters"]
        value = {entry["name"]: entry["value"] for entry in listed}
        a, k, x0 = value["a"], value["k"], value["x_0"]
    except (ConfigError, LookupError, TypeError) as error:
        raise TableError(f"{parameters}: acceptanceEfficiency needs numbers a, k and x_0 ({error!r})") from None
    if len(listed) != 3 or not all(type(v) in (int, float) and abs(v) <= LARGEST for v in (a, k, x0)):
        raise TableError(f"{parameters}: acceptanceEfficiency needs numbers a, k and x_0, once each and nothing else")

    def curve(x: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):  # an infinite exp makes a fraction of zero
            return np.asarray(a / (1 + np.exp(-k * (x - x0))))

    return curve


def _release_acceptance(parameters: Path, high_pe: float) -> Table:
    """The logistic times H(x - 5), which is 0 below 5, 1/2 from 5 to 6 and 1 above; a step is a repeated abscissa."""
    # ASSUME: the formula at every x; the release applies it at the centers of 1-PE bins (0.13 % more SM counts).
    curve = _logistic(parameters)
    n = round(1 / RELEASE_STEP_PE)
    pieces = [(np.array([0.0, 5.0]), 0.0), (np.linspace(5, 6, n + 1), 0.5)]
    pieces.append((np.linspace(6, max(high_pe, 6.0), round(max(high_pe - 6, 0) * n) + 1), 1.0))
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
    early = _early_counts(c)
    centers = np.array(list(early))
    total_c, total_ac = (np.array(list(table.values()), float) for table in (early, _early_counts(ac)))
    width = centers[1] - centers[0] if centers.size > 1 else 0.0
    counts = {
        "bin_low_pe": centers - width / 2,
        "bin_high_pe": centers + width / 2,
        "observed_counts": total_c - total_ac,
        "stat_uncertainty": np.sqrt(total_c + total_ac),
    }
    check_counts(paths["coincidence"], counts)
    return {"counts": counts, "acceptance": _release_acceptance(paths["parameters"], counts["bin_high_pe"][-1])}


def read_table(paths: Paths) -> Tables:
    """Counts and acceptance that are already in the columns of results/inputs/; roles counts, acceptance."""
    return {
        "counts": _read_numbers(paths["counts"], COUNTS_COLUMNS),
        "acceptance": _read_numbers(paths["acceptance"], ACCEPTANCE_COLUMNS),
    }


# A reader and the roles of its files; counts come first, then acceptance (named in complaints about them).
READERS: dict[str, tuple[Callable[[Paths], Tables], tuple[str, ...]]] = {
    "figure3": (read_figure3, ("reading_a", "acceptance", "reading_b")),
    "release2018": (read_release2018, ("coincidence", "parameters", "anticoincidence")),
    "table": (read_table, ("counts", "acceptance")),
}

READ_TWICE = ("figure3",)  # readers that give a cross_check of two readings


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


def check_published(path: Path) -> None:
    """Refuse published values that a scorecard would take for something else; raises TableError with file and row."""
    table = tables.read_table(path, tables.PUBLISHED)
    for i, (key, comparison) in enumerate(zip(table["key"], table["comparison"], strict=True)):
        if key in table["key"][:i]:
            raise TableError(f"{path}: row {i + 2}: the key {key!r} is given twice")
        if comparison not in COMPARISONS:
            expected = " or ".join(COMPARISONS)
            raise TableError(f"{path}: row {i + 2}: comparison is {comparison!r}; expected {expected}")
        if table["tolerance"][i] < 0:
            raise TableError(f"{path}: row {i + 2}: tolerance {table['tolerance'][i]:g} is negative")


def check_range(name: str, analysis: Mapping[str, Any], counts: Table) -> None:
    """Refuse a photoelectron_range that is not between bin edges of the counts of the analysis' dataset."""
    edges = [*counts["bin_low_pe"], counts["bin_high_pe"][-1]]
    for edge in analysis["photoelectron_range"]:
        if edge not in edges:
            raise ConfigError(
                f"analyses.{name}.photoelectron_range: {edge} is not a bin edge of dataset {analysis['dataset']}; "
                f"edges are {', '.join(f'{e:g}' for e in edges)}"
            )


def check_inputs(config: Mapping[str, Any], root: Path) -> None:
    """Read every input of a configuration that was checked; TableError or ConfigError if bad."""
    sums = Path(config["checksums"])
    verify_checksum(root, sums, PUBLISHED_FILE)
    check_published(root / PUBLISHED_FILE)
    counts = {name: read_dataset(section, root, sums)["counts"] for name, section in config["datasets"].items()}
    for name, analysis in config["analyses"].items():
        check_range(name, analysis, counts[analysis["dataset"]])
