"""The paper's numbers and statements against ours.

Published values and tolerances are data (data/liao_marfatia_2017/published.csv); this module computes ours under the
same keys, for the scans that an analysis has: as configured, and under the choices that the paper leaves open.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.experiments.response import Acceptance
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.files.tables import BY_METHOD, RANGES, SCORECARD, as_columns, read_table
from cevnsi.model import DataSet, Model, make_dataset, model_of
from cevnsi.output.spectra import spectra_table
from cevnsi.parameters import Axis
from cevnsi.physics.interactions.light_mediator import degenerate_coupling_per_mass
from cevnsi.physics.muon_g2 import OF_FIG_2, Discrepancy, coupling_band
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS, Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.coverage import ON_GRID
from cevnsi.scans.limits import Curve, curves, fine_axis, least_of, lowest, scan_ranges
from cevnsi.scans.regions import Grid, over
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.intervals import below, least_value, refine
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.sensitivity import CL_PAPER, bounded, narrowest_limits
from cevnsi.studies.liao_marfatia_2017.spectra import mean_momentum_transfer_mev

Ranges = Mapping[str, Any]
Values = dict[str, float]

COUNTED = ("ee_d_u", "mumu_d_u", "ee_etau_d")  # scans whose regions are counted, and those of which ends are compared
RANGED = ("ee_d_u", "mumu_d_u", "ee_mumu_d", "matter_ee_mumu")
TWO_SIGMA = threshold(0.9545, 2)  # of Fig. 2
STRIP_SAMPLES = 101  # of the depth of the strip along log mass, along which it falls
BAND_SAMPLES = 33  # of chi2 across the muon band, over which it is smooth


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
    n_excluded = label(np.pad(~allowed, 1, constant_values=True))[1]
    return regions, n_excluded - 1  # what is about the grid is no hole


def _chi2(model: Model, mediator_mass_mev: FloatArray, coupling: FloatArray) -> FloatArray:
    return chi2(model, "light_mediator", {"mediator_mass_mev": mediator_mass_mev, "coupling": coupling}, {})


@dataclass(frozen=True, kw_only=True)
class MediatorLimits:
    """What Fig. 2 shows, found on chi2 itself: limits on the coupling at a mass, the strip, the muon band."""

    model: Model
    mass: Axis
    coupling: Axis
    level: float  # delta chi2 of the limits, from the least chi2 between the ends of both axes
    least: float
    discrepancy: Discrepancy = OF_FIG_2  # that the muon band explains

    @classmethod
    def of(
        cls, model: Model, scan: Scan, level: float = TWO_SIGMA, discrepancy: Discrepancy = OF_FIG_2
    ) -> "MediatorLimits":
        """For a scan of mass and coupling."""
        mass, coupling = scan.axis("mediator_mass_mev"), scan.axis("coupling")
        least = least_of(model, scan)
        return cls(model=model, mass=mass, coupling=coupling, level=level, least=least, discrepancy=discrepancy)

    def intervals(self, mass_mev: float) -> list[tuple[float, float]]:
        """Allowed intervals of log10 coupling at a mass."""
        scan = Scan(
            name="limit",
            interaction="light_mediator",
            axes=(self.coupling,),
            fixed={"mediator_mass_mev": mass_mev},
            projections=(("coupling",),),
        )
        curve: Curve = curves(self.model, scan, "coupling")[0]
        return below(curve, *curve.samples(), [self.least + self.level])[0]

    def slope(self, mass_mev: float, other_mass_mev: float) -> float:
        """d log g / d log M of the upper end of the lowest interval, between two masses; NaN if one has none."""
        found = [self.intervals(m) for m in (mass_mev, other_mass_mev)]
        if not all(found):
            return float("nan")
        return (found[1][0][1] - found[0][0][1]) / float(np.log10(other_mass_mev / mass_mev))

    def strip_depth(self, log_mass: FloatArray) -> FloatArray:
        """Delta chi2 at the bottom of the strip, the minimum of largest coupling beyond an excluded one, (masses,).

        Of log10 of masses in MeV, (masses,). Infinite where there is none.
        """
        masses, axis = 10**log_mass, fine_axis(self.model, self.coupling)

        def chi2(coordinate: FloatArray, row: NDArray[np.intp]) -> FloatArray:
            return _chi2(self.model, masses[row], 10**coordinate)

        x = axis.coordinates()
        samples = _chi2(self.model, masses[:, None], axis.values())
        excluded = np.argmax(samples > self.least + self.level, axis=1)
        row, at, value = refine(chi2, x, samples)
        beyond = (excluded[row] > 0) & (at > x[excluded[row]])
        depth = np.full(masses.size, np.inf)
        for i, delta in zip(row[beyond], value[beyond] - self.least, strict=True):  # by increasing coupling
            depth[i] = delta
        return depth

    def strip_opening_mev(self) -> float:
        """Least mass at which the strip is allowed; NaN if it is at none, or at all that have it."""
        from scipy.optimize import elementwise

        ends = self.mass.coordinates()
        x = np.linspace(ends[0], ends[-1], STRIP_SAMPLES)
        depth = self.strip_depth(x)
        is_open = np.flatnonzero(depth < self.level)
        if not is_open.size or not is_open[0] or not np.isfinite(depth[is_open[0] - 1]):
            return float("nan")
        bracket = x[[is_open[0] - 1]], x[[is_open[0]]]
        found = elementwise.find_root(lambda at: self.strip_depth(at) - self.level, bracket)
        return float(10 ** found.x[0])

    def least_in_muon_band(self) -> float:
        """Least delta chi2 among couplings that explain the muon's moment within 2 sigma; NaN if no axis has any.

        ValueError of a discrepancy that no coupling explains.
        """
        ends = np.log10([self.coupling.minimum, self.coupling.maximum])
        x = fine_axis(self.model, self.mass).coordinates()
        across = np.linspace(0, 1, BAND_SAMPLES)

        def band(log_mass: FloatArray) -> list[FloatArray]:
            edges = coupling_band(10**log_mass, self.discrepancy)
            return [np.log10(np.maximum(edge, np.finfo(float).tiny)) for edge in edges]  # where the least is none

        def in_band(log_mass: FloatArray, part: FloatArray) -> FloatArray:
            low, high = (np.clip(edge, *ends) for edge in band(log_mass))
            return _chi2(self.model, 10**log_mass, 10 ** (low + part * (high - low)))

        def deepest(log_mass: FloatArray) -> FloatArray:
            samples = in_band(log_mass[:, None], across)
            return least_value(lambda part, row: in_band(log_mass[row], part), across, samples)

        low, high = band(x)
        here = np.flatnonzero((high > ends[0]) & (low < ends[1]))
        if not here.size:
            return float("nan")
        x = x[here[0] : here[-1] + 1]
        return lowest(deepest, x, deepest(x))[1] - self.least

    def values(self) -> Values:
        """Under the keys of the published ones."""
        eq8 = degenerate_coupling_per_mass(MEAN_OF_CSI, self.model.analysis.sin2_theta_w)
        light, heavy = self.mass.minimum, self.mass.maximum
        strip = self.intervals(heavy)[1:]
        middle = float(10 ** np.mean(strip[0])) if strip else float("nan")
        return {
            "flat_slope": self.slope(light, light * 1.01),
            "heavy_slope": self.slope(heavy / 1.01, heavy),
            "strip_opening_mev": self.strip_opening_mev(),
            "eq8_ratio": middle / heavy / eq8,
            "g2_delta_chi2": self.least_in_muon_band(),
        }


def _largest_shift(first: FloatArray, second: FloatArray) -> float:
    return float(np.abs(first - second).max()) if first.shape == second.shape and first.size else float("nan")


def _ends_of_eq_12(ranges: Ranges, of_two: str = "profiled") -> Values:
    """Those of the columns of ranges.csv; `of_two` is what its rows of two parameters say of the other one."""
    values: Values = {}
    for name, (n_dof, others) in product(("eps_ee_matter", "eps_mumu_matter"), ((1, "profiled"), (2, of_two))):
        ends = interval_ends(ranges, "matter_ee_mumu", name, n_dof, others)
        if ends.size:
            values |= {f"{name}_lower_n{n_dof}": float(ends.min()), f"{name}_upper_n{n_dof}": float(ends.max())}
    return values


def _range_values(ranges: Ranges) -> Values:
    """Ends of Eq. 12, and how far ends move between figures, from the columns of ranges.csv."""
    values = _ends_of_eq_12(ranges)
    for pair in ("ee", "mumu"):
        lines = [interval_ends(ranges, scan, f"eps_{pair}_dV", 2, "zero") for scan in ("ee_mumu_d", f"{pair}_d_u")]
        if {"ee_mumu_d", f"{pair}_d_u"} <= set(ranges["scan"]):
            values[f"cross_{pair}"] = _largest_shift(*lines)
    return values


def _region_values(grids: Mapping[str, Grid], level: float) -> Values:
    values: Values = {}
    for name in COUNTED:
        if name in grids:
            regions, holes = count_regions(grids[name], level)
            values |= {f"regions_{name}": regions, f"holes_{name}": holes}
    return values


def _spectrum_values(dataset: DataSet) -> Values:
    """Statements on the standard model's spectrum, of the bins that a data set has."""
    spectra = spectra_table(dataset)
    total: dict[str, float] = {}
    for flavor, counts in zip(spectra["component"], spectra["predicted_counts"], strict=True):
        total[flavor] = total.get(flavor, 0.0) + float(counts)
    ratio = (total["nu_mu"] + total["nu_mu_bar"]) / total["nu_e"] if total["nu_e"] else float("nan")
    mean = mean_momentum_transfer_mev(dataset) if sum(total.values()) else float("nan")
    return {"momentum_transfer_mev": mean, "flavor_ratio": ratio}


def reproduced_values(
    model: Model,
    scans: Sequence[Scan],
    ranges: Ranges,
    grids: Mapping[str, Grid],
    discrepancy: Discrepancy = OF_FIG_2,
) -> Values:
    """Our value for every key of published.csv whose scan is among these, with their ranges and grids."""
    values = _spectrum_values(model.dataset)
    values |= _range_values(ranges)
    values |= _region_values(grids, threshold(CL_PAPER, 2))
    for scan in scans:
        if scan.name == "light_mediator":
            values |= MediatorLimits.of(model, scan, discrepancy=discrepancy).values()
    return values


Z_POLE = 0.2312  # sin^2 theta_W (M_Z, MS-bar), PDG 2018 Review, Sec. 10
TWICE_THE_DEFAULT = (-2.0, 2.0)  # a domain of every eps_uV and eps_dV
CHOICE_POINTS = 201  # along an axis of the grids that regions are counted on again


def _domains(best: Mapping[str, Any]) -> dict[tuple[float, float], str]:
    """Domains of every eps_uV and eps_dV to try, and what is said of them; `best` has the columns of domain_best.csv.

    Of the best ones those that need not be symmetric about zero.
    """
    tried = {TWICE_THE_DEFAULT: ""}
    for i, kind in enumerate(best.get("kind", ())):
        level = f"closest to Eq. 12 at delta chi2 {best['delta_chi2'][i]:.2f}"
        remark = {"any": f", {level}", "limits": f", of those in which all ends are limits {level}"}.get(kind)
        if remark:
            tried.setdefault((float(best["lower_bound"][i]), float(best["upper_bound"][i])), remark)
    return tried


def open_choices(
    model: Model,
    everything: DataSet,
    scans: Sequence[Scan],
    grids: Mapping[str, Grid],
    best_domains: Mapping[str, Any] | None = None,
    discrepancy: Discrepancy = OF_FIG_2,
) -> dict[str, Values]:
    """Our values under choices that the paper leaves open, by what is chosen; each has the keys that it bears on.

    `everything` has all bins, `model` those that enter chi2; `best_domains` the columns of domain_best.csv, if made.
    """
    analysis, found = model.analysis, {}
    by_name = {scan.name: scan for scan in scans}
    if analysis.sin2_theta_w != Z_POLE:
        other = replace(analysis, sin2_theta_w=Z_POLE)
        moved = Model(analyses=(other,), datasets=(replace(model.dataset, sin2_theta_w=Z_POLE),))
        found[f"sin2_theta_w = {Z_POLE}"] = values_of(moved, scans, CHOICE_POINTS, discrepancy)
    found["delta chi2 = 2.71 for regions"] = _region_values(grids, threshold(CL_PAPER, 1))
    if "light_mediator" in by_name:
        limits = MediatorLimits.of(model, by_name["light_mediator"], 4.0, discrepancy).values()
        found["2 sigma of one parameter, delta chi2 = 4"] = {
            key: value for key, value in limits.items() if key != "g2_delta_chi2"  # no limit enters it
        }  # fmt: skip
    if "matter_ee_mumu" in by_name:
        for (low, high), remark in _domains(best_domains or {}).items():
            rows = scan_ranges(model, bounded(by_name["matter_ee_mumu"], low, high))
            values = _range_values(as_columns(map(astuple, rows), RANGES))
            found[f"every eps_uV, eps_dV in [{low:g}, {high:g}]{remark}"] = values
        found["the narrowest symmetric domain that makes it a limit"] = {
            f"{name}_{side}_n{n_dof}": end
            for (name, side, n_dof), end in narrowest_limits(model, by_name["matter_ee_mumu"]).items()
        }
    found["every bin"] = _spectrum_values(everything)
    ends = everything.measurement.bin_edges_pe[[0, -1]]
    accepted = make_dataset(analysis, everything.measurement, Acceptance(photoelectrons=ends, fraction=np.ones(2)))
    used = model_of(analysis, accepted).dataset
    for name, dataset in (("", used), (", every bin", accepted)):
        found[f"no acceptance{name}"] = {"flavor_ratio": _spectrum_values(dataset)["flavor_ratio"]}
    return found


def values_of(model: Model, scans: Sequence[Scan], points: int, discrepancy: Discrepancy = OF_FIG_2) -> Values:
    """Every value of a scorecard from a model, on grids with at most so many points along an axis."""
    grids, rows = {}, []
    for scan in scans:
        if scan.name in COUNTED:
            axes = tuple(replace(axis, points=min(axis.points, points)) for axis in scan.axes)
            thinned = replace(scan, axes=axes)
            chi2 = scan_rows(model, thinned, 0, thinned.shape[0])
            grids[scan.name] = as_grid(thinned, scan.name, chi2 - chi2.min())
        if scan.name in RANGED:
            rows += scan_ranges(model, scan)
    return reproduced_values(model, scans, as_columns(map(astuple, rows), RANGES), grids, discrepancy)


def _is_within(comparison: str, difference: float, tolerance: float) -> bool:
    return difference >= -tolerance if comparison == "at_least" else abs(difference) <= tolerance


def _verdict(comparison: str, stated: float, tolerance: float, found: Sequence[float]) -> str:
    """Whether a statement holds under all of several choices, under none, or depends on them.

    What is not found (nan) does not hold. Choices on both sides of what is stated make it depend on them, too: none in
    between was tried.
    """
    holds = [_is_within(comparison, value - stated, tolerance) for value in found]
    if all(holds):
        return "yes"
    crossed = comparison == "near" and np.nanmin([stated, *found]) < stated < np.nanmax([stated, *found])
    return "depends" if any(holds) or crossed else "no"


def scorecard(
    published: Mapping[str, Any],
    reproduced: Mapping[str, float],
    digitization: Mapping[str, Any] | str = "off",
    choices: Mapping[str, Values] | None = None,
) -> dict[str, list[Any]]:
    """The columns of scorecard.csv, one row for every published key that we have a value for.

    `digitization` is the columns of digitization.csv, or what to say in the place of its standard deviations; `choices`
    as `open_choices` gives them, from which the verdict over all of them is.
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
        comparison = published["comparison"][i]
        within = _is_within(comparison, difference, tolerance)
        quantity = f"{published['quantity'][i]} ({published['where'][i]})"
        others = {name: values[key] for name, values in (choices or {}).items() if key in values}
        found = [ours, *filter(np.isfinite, others.values())]
        known = [value for value in found if np.isfinite(value)] or [ours]
        listed = "; ".join(f"{name}: {value:.4g}" for name, value in others.items())
        verdict = _verdict(comparison, stated, tolerance, found)
        rows.append(
            (
                *(quantity, stated, ours, difference, tolerance, spread[key], within, published["why"][i]),
                *(verdict, min(known), max(known), listed),
            )
        )
    return as_columns(rows, SCORECARD)


def _area(grid: Grid, level: float) -> float:
    """Of the allowed region of a plane, in its own units: the part of the grid's points that are allowed."""
    (x, y), allowed = grid.axes, grid.delta_chi2 < level
    return float(allowed.mean() * np.ptp(x) * np.ptp(y))


def by_method(
    published: Mapping[str, Any],
    ranges: Ranges,
    covered_ranges: Ranges,
    grids: Mapping[str, Grid],
    critical: Mapping[str, FloatArray],
) -> dict[str, list[Any]]:
    """The columns of coverage/scorecard.csv: what limits at quantiles and at critical values say of Figs. 3 and 4.

    Ends of Eq. 12, regions of Fig. 3, and areas, which are not published; `critical` are values of two parameters at
    90 % CL, each in the shape of its grid, `covered_ranges` the columns of coverage/ranges.csv.
    """
    stated = {key: i for i, key in enumerate(published["key"])}
    shown = {name: grid for name, grid in grids.items() if name in critical}
    above = {name: over(grid, critical[name]) for name, grid in shown.items()}
    quantile = threshold(CL_PAPER, 2)
    ours = _ends_of_eq_12(ranges) | _region_values(shown, quantile)
    theirs = _ends_of_eq_12(covered_ranges, ON_GRID) | _region_values(above, 0.0)
    rows: list[tuple[Any, ...]] = []
    for key in (key for key in stated if key in ours and key in theirs):
        i = stated[key]
        said, value, tolerance = (published[name][i] for name in ("quantity", "published", "tolerance"))
        within = [_is_within(published["comparison"][i], found[key] - value, tolerance) for found in (ours, theirs)]
        quantity = f"{re.sub(', delta chi2 [0-9.]+', '', said)} ({published['where'][i]})"
        rows.append((key, quantity, value, tolerance, ours[key], theirs[key], *within))
    for name, grid in shown.items():
        areas = _area(grid, quantile), _area(above[name], 0.0)
        quantity = f"area of the allowed region of {' and '.join(grid.names)}, by the grid's points"
        rows.append((f"area_{name}", quantity, "", "", *areas, "", ""))
    return as_columns(rows, BY_METHOD)


def by_method_markdown(table: Mapping[str, Any]) -> str:
    """The same as a Markdown table."""
    lines = ["| quantity | published | chi2 distribution | Feldman-Cousins |", "|---|---|---|---|"]
    for i, quantity in enumerate(table["quantity"]):
        cells = [f"{float(table[name][i]):.4g}" for name in (WILKS, FELDMAN_COUSINS)]
        stated = str(table["published"][i])
        lines.append(f"| {quantity} | {f'{float(stated):g}' if stated else ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def spread(cell: Any) -> str:
    """A standard deviation to two digits, or what is said in its place."""
    try:
        return f"{float(cell):.2g}"
    except ValueError:
        return str(cell)


def markdown(table: Mapping[str, Any]) -> str:
    """A scorecard as a Markdown table."""
    names = ["quantity", "published", "ours", "tolerance", "digitization", "within", "over open choices", "holds"]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for i, quantity in enumerate(table["quantity"]):
        numbers = [f"{float(table[name][i]):.4g}" for name in ("published", "reproduced", "tolerance")]
        numbers.append(spread(table["digitization"][i]))
        within = "yes" if str(table["within"][i]).lower() == "true" else "no"
        ends = [f"{float(table[name][i]):.4g}" for name in ("least", "greatest")]
        over = ends[0] if ends[0] == ends[1] else " to ".join(ends)
        verdict = str(table["verdict"][i])
        shown = verdict if verdict == "yes" else f"**{verdict}**"
        lines.append(f"| {quantity} | {' | '.join([*numbers, within, over, shown])} |")
    return "\n".join(lines) + "\n"


def published_ends(published: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Eq. 12: lower and upper published end by matter parameter."""
    value = dict(zip(published["key"], published["published"], strict=True))
    names = [key.removesuffix("_lower_n2") for key in value if key.endswith("_matter_lower_n2")]
    return {name: (float(value[f"{name}_lower_n2"]), float(value[f"{name}_upper_n2"])) for name in names}


def tolerance_of_ends(published: Mapping[str, Any]) -> float:
    """By how much an end of Eq. 12 may differ; the least, if rows say different numbers. NaN if no end is published."""
    rows = zip(published["key"], published["tolerance"], strict=True)
    return min((float(tolerance) for key, tolerance in rows if "_matter_" in key), default=float("nan"))


def run_summary(results: Path, analyses: Sequence[str]) -> str:
    """What a run says at its end: where the figures are, and each scorecard that it made in a line.

    TableError of a scorecard that is not sound.
    """
    lines = []
    for analysis in analyses:
        path = results / analysis / "scorecard.csv"
        if not path.exists():
            continue
        table = read_table(path, SCORECARD)
        within = [value == "true" for value in table["within"]]
        score = f"{sum(within)} of {len(within)} within tolerance"
        lines.append(f"{analysis}: figures in {results / analysis / 'figures'}; scorecard: {score}")
        for quantity, ok, verdict in zip(table["quantity"], within, table["verdict"], strict=True):
            if not ok:
                why = "under no choice tried" if verdict == "no" else "depends on a choice that the paper leaves open"
                lines.append(f"    not within, {why}: {quantity}")
        ranges = results / analysis / "ranges.csv"
        warned = sum(map(bool, read_table(ranges, RANGES)["warning"])) if ranges.exists() else 0
        if warned:
            lines.append(f"    {warned} rows of {ranges} have a warning")
    return "\n".join(lines)
