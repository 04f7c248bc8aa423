"""The paper's numbers and statements against ours.

Published values and tolerances are data (data/liao_marfatia_2017/published.csv); this module computes ours under the
same keys, for the scans that an analysis has.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.config import Analysis
from cevnsi.interactions import degenerate_coupling_per_mass
from cevnsi.muon_g2 import coupling_band
from cevnsi.nuclei import MEAN
from cevnsi.regions import Grid, allowed_intervals, profile_onto, threshold
from cevnsi.spectra import mean_momentum_transfer_mev
from cevnsi.tables import SCORECARD, as_columns, read_table
from cevnsi.templates import Templates

FloatArray = NDArray[np.float64]
Ranges = Mapping[str, Any]

CL_PAPER = 0.90  # of Figs. 3 and 4 and Eq. 12
TWO_SIGMA = threshold(0.9545, 2)  # of Fig. 2


def interval_ends(
    ranges: Ranges, scan: str, parameter: str, n_dof: int, others: str = "profiled", confidence_level: float = CL_PAPER
) -> FloatArray:
    """Lower and upper ends, (intervals, 2), of one parameter's allowed intervals in the columns of ranges.csv."""
    wanted = {"scan": scan, "parameter": parameter, "n_dof": n_dof, "other_parameters": others}
    rows = np.abs(np.asarray(ranges["confidence_level"]) - confidence_level) < 1e-9
    for name, value in wanted.items():
        rows &= np.asarray(ranges[name]) == value
    return np.column_stack([np.asarray(ranges["lower"])[rows], np.asarray(ranges["upper"])[rows]])


def count_regions(grid: Grid, level: float) -> tuple[int, int]:
    """Connected allowed regions on a grid, and holes inside them (excluded parts that do not reach the grid's edge)."""
    from scipy.ndimage import label

    allowed = grid.delta_chi2 < level
    regions = label(allowed, structure=np.ones((3, 3)))[1]
    excluded, n_excluded = label(np.pad(~allowed, 1, constant_values=True))
    return regions, n_excluded - 1 if excluded[0, 0] else n_excluded


def limit_at(grid: Grid, row: int, level: float = TWO_SIGMA) -> list[tuple[float, float]]:
    """Allowed intervals of log10 coupling at one mass (a row of the light-mediator grid)."""
    return allowed_intervals(grid.coordinate(1), grid.delta_chi2[row], level)


def _limit_slope(grid: Grid, row: int, next_row: int) -> float:
    """d log g / d log M of the upper end of the lowest allowed interval."""
    mass = grid.coordinate(0)
    first, second = limit_at(grid, row), limit_at(grid, next_row)
    if not first or not second:
        return float("nan")
    return (second[0][1] - first[0][1]) / float(mass[next_row] - mass[row])


def _strip_depth(delta_chi2: FloatArray) -> float:
    """Least delta chi2 at one mass above the lowest allowed interval of the coupling; infinite if nothing is above.

    Intervals end between grid points, where a monotone cubic crosses the level: no curve is needed to tell which.
    """
    allowed = np.flatnonzero(delta_chi2 < TWO_SIGMA)
    from_lowest = delta_chi2[allowed[0] if allowed.size else delta_chi2.size :]
    above = np.flatnonzero(from_lowest > TWO_SIGMA)
    return float(profile_onto(from_lowest[None, above[0] :], 0)[0]) if above.size else np.inf


def strip_opening_mev(grid: Grid) -> float:
    """Least mass with a second allowed interval of the coupling, where delta chi2 along the strip crosses 2 sigma.

    Interpolated in log mass between the last closed and the first open row; NaN if no row has a strip.
    """
    mass, before = grid.coordinate(0), np.inf
    for row, delta_chi2 in enumerate(grid.delta_chi2):
        depth = _strip_depth(delta_chi2)
        if depth < TWO_SIGMA:
            if not np.isfinite(before):
                break
            weight = (before - TWO_SIGMA) / (before - depth)
            return float(10 ** (mass[row - 1] + weight * (mass[row] - mass[row - 1])))
        before = depth
    return float("nan")


def _light_mediator(grid: Grid, eq8: float) -> dict[str, float]:
    mass, coupling = grid.axes
    g2 = coupling_band(mass)
    strip = limit_at(grid, mass.size - 1)[1:]
    middle = float(10 ** np.mean(strip[0])) if strip else float("nan")
    in_band = (coupling >= g2[0][:, None]) & (coupling <= g2[1][:, None])
    return {
        "flat_slope": _limit_slope(grid, 0, 1),
        "heavy_slope": _limit_slope(grid, -2, -1),
        "strip_opening_mev": strip_opening_mev(grid),
        "eq8_ratio": middle / float(mass[-1]) / eq8,
        "g2_delta_chi2": float(grid.delta_chi2[in_band].min()) if in_band.any() else float("nan"),
    }


def _largest_shift(first: FloatArray, second: FloatArray) -> float:
    return float(np.abs(first - second).max()) if first.shape == second.shape and first.size else float("nan")


def _flavor_ratio(spectra: Mapping[str, Any], low_pe: float, high_pe: float) -> dict[str, float]:
    component, case = np.array(spectra["component"]), np.array(spectra["case"])
    used = (case == "sm") & (spectra["bin_low_pe"] >= low_pe) & (spectra["bin_high_pe"] <= high_pe)
    counts = {name: spectra["predicted_counts"][used & (component == name)] for name in np.unique(component)}
    return {"flavor_ratio": float((counts["nu_mu"].sum() + counts["nu_mu_bar"].sum()) / counts["nu_e"].sum())}


def reproduced_values(
    analysis: Analysis, templates: Templates, ranges: Ranges, grids: Mapping[str, Grid], spectra: Mapping[str, Any]
) -> dict[str, float]:
    """Our value for every key of published.csv whose scan is among the grids."""
    level = threshold(CL_PAPER, 2)
    used = templates.select(*analysis.photoelectron_range)
    values = _flavor_ratio(spectra, *analysis.photoelectron_range)
    values["momentum_transfer_mev"] = mean_momentum_transfer_mev(used, analysis.sin2_theta_w)
    if "matter_ee_mumu" in grids:
        for name, n_dof in product(("eps_ee_matter", "eps_mumu_matter"), (1, 2)):
            ends = interval_ends(ranges, "matter_ee_mumu", name, n_dof)
            if ends.size:
                values |= {f"{name}_lower_n{n_dof}": float(ends.min()), f"{name}_upper_n{n_dof}": float(ends.max())}
    for name in ("ee_d_u", "mumu_d_u", "ee_etau_d"):
        if name in grids:
            regions, holes = count_regions(grids[name], level)
            values |= {f"regions_{name}": regions, f"holes_{name}": holes}
    for pair in ("ee", "mumu"):
        if {"ee_mumu_d", f"{pair}_d_u"} <= grids.keys():
            lines = [interval_ends(ranges, scan, f"eps_{pair}_dV", 2, "zero") for scan in ("ee_mumu_d", f"{pair}_d_u")]
            values[f"cross_{pair}"] = _largest_shift(*lines)
    if "light_mediator" in grids:
        values |= _light_mediator(grids["light_mediator"], degenerate_coupling_per_mass(MEAN, analysis.sin2_theta_w))
    return values


def _is_within(comparison: str, difference: float, tolerance: float) -> bool:
    return difference >= -tolerance if comparison == "at_least" else abs(difference) <= tolerance


def scorecard(
    published: Mapping[str, Any], reproduced: Mapping[str, float], digitization: Mapping[str, Any] | str = "off"
) -> dict[str, list[Any]]:
    """The columns of scorecard.csv, one row for every published key that we have a value for.

    `digitization` is the columns of digitization.csv, or what to say in the place of its standard deviations.
    """
    rows = []
    if isinstance(digitization, str):
        spread = dict.fromkeys(reproduced, digitization)
    else:
        spread = dict(zip(digitization["key"], digitization["standard_deviation"], strict=True))
    for i, key in enumerate(published["key"]):
        if key not in reproduced:
            continue
        stated, tolerance, ours = float(published["published"][i]), float(published["tolerance"][i]), reproduced[key]
        difference = ours - stated
        within = _is_within(published["comparison"][i], difference, tolerance)
        quantity = f"{published['quantity'][i]} ({published['where'][i]})"
        rows.append((quantity, stated, ours, difference, tolerance, spread[key], within, published["why"][i]))
    return as_columns(rows, SCORECARD)


def spread(cell: Any) -> str:
    """A standard deviation to two digits, or what is said in its place."""
    try:
        return f"{float(cell):.2g}"
    except ValueError:
        return str(cell)


def markdown(table: Mapping[str, Any]) -> str:
    """A scorecard as a Markdown table."""
    names = ["quantity", "published", "ours", "difference", "tolerance", "digitization", "within"]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for i, quantity in enumerate(table["quantity"]):
        numbers = [f"{float(table[name][i]):.4g}" for name in ("published", "reproduced", "difference", "tolerance")]
        numbers.append(spread(table["digitization"][i]))
        within = "yes" if str(table["within"][i]).lower() == "true" else "**no**"
        lines.append(f"| {quantity} | {' | '.join(numbers)} | {within} |")
    return "\n".join(lines) + "\n"


def published_ends(published: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Eq. 12: lower and upper published end by matter parameter."""
    value = dict(zip(published["key"], published["published"], strict=True))
    names = [key.removesuffix("_lower_n2") for key in value if key.endswith("_matter_lower_n2")]
    return {name: (float(value[f"{name}_lower_n2"]), float(value[f"{name}_upper_n2"])) for name in names}


def run_summary(results: Path, analyses: Sequence[str]) -> str:
    """What a run says at its end: where the figures are, and each scorecard that it made in a line."""
    lines = []
    for analysis in analyses:
        path = results / analysis / "scorecard.csv"
        if not path.exists():
            continue
        table = read_table(path, SCORECARD)
        within = [value == "true" for value in table["within"]]
        score = f"{sum(within)} of {len(within)} within tolerance"
        lines.append(f"{analysis}: figures in {results / analysis / 'figures'}; scorecard: {score}")
        missed = [quantity for quantity, ok in zip(table["quantity"], within, strict=True) if not ok]
        lines += [f"    not within: {quantity}" for quantity in missed]
    return "\n".join(lines)
