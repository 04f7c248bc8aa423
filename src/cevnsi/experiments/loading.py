"""The cleaned tables of a dataset, read or from results/inputs/, as what the likelihood and the detector take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.experiments.checks import ACCEPTANCE_COLUMNS, COUNTS_COLUMNS, check_counts
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement
from cevnsi.experiments.response import Acceptance
from cevnsi.files.atomic import TableError, read_lines
from cevnsi.files.tables import read_csv


def as_measurement(counts: Mapping[str, Any]) -> Measurement:
    """The measurement in a table of counts."""
    edges = np.append(counts["bin_low_pe"], counts["bin_high_pe"][-1])
    return Measurement(
        axes={PHOTOELECTRONS: edges}, observed=counts["observed_counts"], uncertainty=counts["stat_uncertainty"]
    )


def as_acceptance(acceptance: Mapping[str, Any]) -> Acceptance:
    """The acceptance in a table of it."""
    return Acceptance(photoelectrons=acceptance["photoelectrons"], fraction=acceptance["acceptance"])


def load_measurement(path: Path | str) -> Measurement:
    """The measurement in a counts.csv of results/inputs/."""
    path = Path(path)
    header = read_lines(path)[:1]
    rounded = any("rounding_shift" in line.split(",") for line in header)  # what was read off a figure has one more
    counts = read_csv(path, (*COUNTS_COLUMNS, *(["rounding_shift"] if rounded else [])))
    check_counts(path, counts)
    return as_measurement(counts)


def load_acceptance(path: Path | str) -> Acceptance:
    """The acceptance in an acceptance.csv of results/inputs/."""
    try:
        return as_acceptance(read_csv(path, ACCEPTANCE_COLUMNS))
    except ValueError as error:
        raise TableError(f"{path}: {error}") from None
