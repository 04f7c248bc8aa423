"""The cleaned tables of results/inputs/ as what the likelihood and the detector take."""

from pathlib import Path

import numpy as np

from cevnsi.detector import Acceptance
from cevnsi.inputs import ACCEPTANCE_COLUMNS, COUNTS_COLUMNS, check_counts
from cevnsi.likelihood import Measurement
from cevnsi.tables import read_csv, read_lines


def load_measurement(path: Path | str) -> Measurement:
    """The measurement in a counts.csv of results/inputs/."""
    path = Path(path)
    header = read_lines(path)[:1]
    rounded = any("rounding_shift" in line.split(",") for line in header)  # what was read off a figure has one more
    counts = read_csv(path, (*COUNTS_COLUMNS, *(["rounding_shift"] if rounded else [])))
    check_counts(path, counts)
    edges = np.append(counts["bin_low_pe"], counts["bin_high_pe"][-1])
    return Measurement(edges, counts["observed_counts"], counts["stat_uncertainty"])


def load_acceptance(path: Path | str) -> Acceptance:
    """The acceptance in an acceptance.csv of results/inputs/."""
    table = read_csv(path, ACCEPTANCE_COLUMNS)
    return Acceptance(table["photoelectrons"], table["acceptance"])
