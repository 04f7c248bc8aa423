"""One row of ranges.csv."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AllowedRange:
    """One row of ranges.csv. `ends_at_grid` says which ends are only the axis' own.

    `lower_set_by` and `upper_set_by` name the bounds that make an end, the axis' own or those of other parameters, and
    are empty where the data alone do. `warning` says what the row is not to be trusted for.
    """

    scan: str
    parameter: str
    confidence_level: float
    n_dof: int
    delta_chi2: float
    interval: int
    lower: float
    upper: float
    other_parameters: str  # "profiled", "zero" or "fixed"
    ends_at_grid: str
    lower_set_by: str = ""
    upper_set_by: str = ""
    warning: str = ""
