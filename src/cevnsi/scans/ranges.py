"""One row of ranges.csv, of either method."""

from dataclasses import dataclass

from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS


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
    method: str = WILKS  # by which delta_chi2 was found: here the quantile of a chi2 distribution


@dataclass(frozen=True, kw_only=True)
class CoveredRange(AllowedRange):
    """One row of coverage/ranges.csv, whose threshold varies along the parameter: `delta_chi2` is at the lower end.

    Errors are one standard deviation of the critical values. `other_parameters` may be "profiled on grid": the extent
    of a region of two parameters is read off its grid's points.
    """

    method: str = FELDMAN_COUSINS
    critical_error: float
    delta_chi2_upper: float
    critical_error_upper: float
