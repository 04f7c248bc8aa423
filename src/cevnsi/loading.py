"""The cleaned tables of a dataset, read or from results/inputs/, as what the likelihood and the detector take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.config import Analysis
from cevnsi.detector import Acceptance
from cevnsi.form_factors import FORM_FACTORS
from cevnsi.inputs import ACCEPTANCE_COLUMNS, COUNTS_COLUMNS, check_counts
from cevnsi.likelihood import Measurement
from cevnsi.tables import TableError, read_csv, read_lines
from cevnsi.templates import Templates, build_templates


def as_measurement(counts: Mapping[str, Any]) -> Measurement:
    """The measurement in a table of counts."""
    edges = np.append(counts["bin_low_pe"], counts["bin_high_pe"][-1])
    return Measurement(edges, counts["observed_counts"], counts["stat_uncertainty"])


def as_acceptance(acceptance: Mapping[str, Any]) -> Acceptance:
    """The acceptance in a table of it."""
    return Acceptance(acceptance["photoelectrons"], acceptance["acceptance"])


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


def analysis_templates(analysis: Analysis, measurement: Measurement, acceptance: Acceptance) -> Templates:
    """Templates of every bin of a measurement under the assumptions of an analysis."""
    return build_templates(
        measurement.bin_edges_pe,
        nuclides=analysis.nuclides,
        form_factor=FORM_FACTORS[analysis.form_factor],
        exposure=analysis.exposure,
        acceptance=acceptance,
    )
