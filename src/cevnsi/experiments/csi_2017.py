"""COHERENT's CsI detector in 2017 (arXiv:1708.01294), and the official release of its data (arXiv:1804.09459)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cevnsi.experiments.checks import Paths, Tables, check_counts, release_rows
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.release import Release, of_differences
from cevnsi.experiments.response import Logistic
from cevnsi.files.atomic import TableError, read_text
from cevnsi.files.strict_yaml import LARGEST, ConfigError, load_yaml
from cevnsi.files.tables import Table

# as quoted in Sec. 2 of the paper; the light yield is Eq. 5's
CSI_2017 = Exposure(
    detector_mass_kg=14.6,
    protons_on_target=1.76e23,
    neutrinos_per_proton=0.08,
    baseline_m=19.3,
    light_yield_pe_per_kev=1.17,
)
CSI_TARGETS = ("mean", "cs_and_i")  # of `targets.TARGETS`

PERIOD = "the CsI exposure of 2017"  # which all readers of its figures and its release hold

LARGEST_COUNT = 1e12
LATEST_ARRIVAL_US = 6.0  # Fig. 3 of arXiv:1708.01294
RELEASE_STEP_PE = 0.05  # spacing of the tabulated logistic: straight lines are within 5e-6 of it


def release_histogram(path: Path) -> dict[tuple[float, float], int]:
    """Counts by (photoelectrons, arrival time) bin center, in PE and us; TableError of no grid of whole counts."""
    counts: dict[tuple[float, float], int] = {}
    for i, line, (pe, time, count) in release_rows(path, "photoelectrons, arrival time, counts", 3):
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


def logistic_acceptance(parameters: Path) -> Logistic:
    """The release's a / (1 + exp(-k (x - x_0))); TableError if its file does not have these three numbers."""
    try:
        listed = load_yaml(read_text(parameters))["acceptanceEfficiency"]["parameters"]
        value = {entry["name"]: entry["value"] for entry in listed}
        a, k, x0 = value["a"], value["k"], value["x_0"]
    except (ConfigError, LookupError, TypeError) as error:
        raise TableError(f"{parameters}: acceptanceEfficiency needs numbers a, k and x_0 ({error!r})") from None
    if len(listed) != 3 or not all(type(v) in (int, float) and abs(v) <= LARGEST for v in (a, k, x0)):
        raise TableError(f"{parameters}: acceptanceEfficiency needs numbers a, k and x_0, once each and nothing else")
    return Logistic(plateau=a, steepness=k, midpoint=x0)


def _release_acceptance(parameters: Path, high_pe: float) -> Table:
    """The logistic times H(x - 5), which is 0 below 5, 1/2 from 5 to 6 and 1 above; a step is a repeated abscissa."""
    # ASSUME: the formula at every x; the release applies it at the centers of 1-PE bins (0.13 % more SM counts).
    curve = logistic_acceptance(parameters)
    n = round(1 / RELEASE_STEP_PE)
    pieces = [(np.array([0.0, 5.0]), 0.0), (np.linspace(5, 6, n + 1), 0.5)]
    pieces.append((np.linspace(6, max(high_pe, 6.0), round(max(high_pe - 6, 0) * n) + 1), 1.0))
    x = np.concatenate([piece for piece, _ in pieces])
    step = np.concatenate([np.full(piece.size, value) for piece, value in pieces])
    return Table(photoelectrons=x, acceptance=curve.without_step(x) * step)


def read_release2018(paths: Paths) -> Tables:
    """The official release (arXiv:1804.09459); roles coincidence, anticoincidence, parameters.

    observed counts C - AC and their uncertainty sqrt(C + AC), for arrival times below 6 microseconds. TableError of
    files that are not sound, or not of the same bins.
    """
    c, ac = (release_histogram(paths[role]) for role in ("coincidence", "anticoincidence"))
    if c.keys() != ac.keys() or not c:
        raise TableError(f"{paths['anticoincidence']}: its bins are not those of {paths['coincidence']}")
    early = _early_counts(c)
    centers = np.array(list(early))
    total_c, total_ac = (np.array(list(table.values()), float) for table in (early, _early_counts(ac)))
    width = centers[1] - centers[0] if centers.size > 1 else 0.0
    counts = Table(
        bin_low_pe=centers - width / 2,
        bin_high_pe=centers + width / 2,
        observed_counts=total_c - total_ac,
        stat_uncertainty=np.sqrt(total_c + total_ac),
    )
    check_counts(paths["coincidence"], counts)
    return {"counts": counts, "acceptance": _release_acceptance(paths["parameters"], counts["bin_high_pe"][-1])}


RELEASE_2018 = Release(
    title="the official COHERENT release of April 2018 (arXiv:1804.09459)",
    references=("coherent_csi_2017", "coherent_csi_2017_data"),
    roles=("coincidence", "parameters", "anticoincidence"),
    read=read_release2018,
    exposure=CSI_2017,
    periods=(PERIOD,),
    experiment=of_differences,
    targets=CSI_TARGETS,
)
