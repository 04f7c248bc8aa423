"""The page that shows a finished run: results/report.html, whole in itself.

Everything is read from results/ as the workflow has written it; the template only lays it out. The page says nothing
of when it was made: apart from the run times two pages of the same results are the same bytes.
"""

import base64
import gzip
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.config.build import load_dataset, load_model
from cevnsi.config.check import parse_analysis, parse_muon_g2, parse_scan
from cevnsi.experiments.checks import CROSS_CHECK_COLUMNS
from cevnsi.experiments.inputs import READ_TWICE, RELEASES, complete, parts_of
from cevnsi.experiments.measurement import Measurement
from cevnsi.files.atomic import read_text as read_text_file
from cevnsi.files.tables import (
    BEST_FITS,
    COVERED_RANGES,
    CURVES,
    RANGES,
    SCORECARD,
    covered_contour_layout,
    read_csv,
    read_parquet,
    read_table,
)
from cevnsi.model import Analysis, DataSet, Model, profiled, standard_model_chi2
from cevnsi.output import answer, captions, coverage_page
from cevnsi.output.figure_spec import FigureSpec
from cevnsi.output.looks import Look, looks_of
from cevnsi.output.muon_band import muon_band
from cevnsi.output.spectra import read_spectra
from cevnsi.parameters import Axis
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.muon_g2 import Discrepancy
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.coverage import ON_GRID
from cevnsi.scans.regions import Grid
from cevnsi.statistics.intervals import parabolic
from cevnsi.statistics.profile import Profiled
from cevnsi.workflow.run_record import Job, run_times

Row = dict[str, Any]

MOST_DELTA_CHI2, STEPS = 65.535, 1000  # of delta chi2 in the page, and steps of it in one: no level asks for more
DRAWN_DIGITS = 2  # of a point, 1/72 inch, that a picture in the page keeps
PARTS, NEAR = 65535, 20  # parts of an axis that points of a line are told in; how many a line may be off where it bends
# Ends of the sliders of Fig. 1 in powers of ten, and steps of them in a decade.
SLIDERS = {"mediator_mass_mev": (0, 4, 5), "coupling": (-6, -1, 10)}
MOST_POINTS = 151  # along each axis of a grid that the page carries; the ranges in it come from the whole grid

# Tables that every analysis has and that can be saved from the page, beside those of its study.
DOWNLOADS = ("ranges", "best_fits", "spectra", "templates")
OF_DATASETS = ("spectra", "templates")  # those of them that a joint analysis leaves to the ones that it joins
MOST_SAVED = 500_000  # bytes of a table that the page takes with it


def encoded(values: Any, kind: str = "<f8") -> str:
    """An array's bytes, little-endian, as base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def thinned(points: int, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Which points of an axis are kept, (kept,): all, or `most` of them as evenly as can be, both ends included."""
    return np.unique(np.rint(np.linspace(0, points - 1, min(points, most))).astype(np.int64))


def data_uri(path: Path, kind: str) -> str:
    """A text file inside the page."""
    return f"data:{kind};base64,{base64.b64encode(read_text_file(path).encode('utf-8')).decode('ascii')}"


def picture_uri(path: Path) -> str:
    """An SVG file inside the page, with as many digits of its paths as can be seen.

    In characters that a double-quoted attribute takes as they are: base64 is half as long again.
    """
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", read_text_file(path), flags=re.DOTALL)
    text = re.sub(r'(?<= d=")[^"]*', lambda path: _shorter(path[0]), text[text.index("<svg") :])
    text = re.sub(r"\s+", " ", text).replace("> <", "><").replace("'", "&apos;").replace('"', "'")
    return "data:image/svg+xml," + text.replace("%", "%25").replace("#", "%23").replace("&", "%26")


def _shorter(path: str) -> str:
    """The numbers of a path with so many decimals."""
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.{DRAWN_DIGITS}f}", path)


def packed_uri(path: Path) -> str:
    """A text file inside the page, packed by gzip; the same bytes whenever it is packed."""
    packed = gzip.compress(read_text_file(path).encode("utf-8"), mtime=0)
    return f"data:application/gzip;base64,{base64.b64encode(packed).decode('ascii')}"


@dataclass(frozen=True, kw_only=True)
class AnalysisResults:
    """One analysis of a finished run."""

    name: str
    section: Mapping[str, Any]
    whole: Mapping[str, Any]  # the same, complete
    folder: Path
    scans: tuple[Scan, ...]
    inputs: Path  # folder of the cleaned inputs of every dataset
    figures: tuple[FigureSpec, ...] = ()
    is_judged: bool = False  # whether a study compares it, by itself, with what was published

    @property
    def choices(self) -> Analysis:
        """Its assumptions, of one data set."""
        return parse_analysis(self.whole)

    @cached_property
    def ranges(self) -> dict[str, Any]:
        """Columns of ranges.csv."""
        return read_table(self.folder / "ranges.csv", RANGES)

    @cached_property
    def best_fits(self) -> dict[str, Any]:
        """Columns of best_fits.csv."""
        return read_table(self.folder / "best_fits.csv", BEST_FITS)

    @cached_property
    def scorecard(self) -> dict[str, Any]:
        """Columns of scorecard.csv."""
        return read_table(self.folder / "scorecard.csv", SCORECARD)

    @cached_property
    def fits(self) -> dict[str, Any]:
        """What best_fit.json has."""
        found: dict[str, Any] = json.loads(read_text_file(self.folder / "best_fit.json"))
        return found

    @cached_property
    def dataset(self) -> DataSet:
        """Counts and templates of all bins, of one data set."""
        return load_dataset(self.whole, self._tables)

    @cached_property
    def model(self) -> Model:
        """Its data sets, with the bins that enter chi2."""
        return load_model(self.whole, self._tables)

    @property
    def _tables(self) -> list[Path]:
        """Those that a likelihood takes."""
        parts = parts_of(self.whole)
        paths = (self.inputs / p["dataset"] / f"{name}.csv" for p in parts for name in RELEASES[p["reader"]].tables)
        return [path for path in paths if path.exists()]  # optional ones may not be there

    @property
    def is_joint(self) -> bool:
        """Whether it is of several data sets, whose own tables are with the analyses that it joins."""
        return "joins" in self.section

    @property
    def measurement(self) -> Measurement:
        """The counts of all bins."""
        return self.dataset.measurement

    def grids(self) -> Iterator[tuple[Scan, str, tuple[str, ...]]]:
        """Every grid of two axes, with its scan."""
        for scan in self.scans:
            for grid, axes in scan.pairs().items():
                yield scan, grid, axes

    def load(self, scan: Scan, grid: str) -> tuple[Grid, float]:
        """A grid, and the chi2 that its delta chi2 is from."""
        columns = read_parquet(self.folder / "grids" / f"{grid}.parquet", ["chi2", "delta_chi2"])
        chi2, delta = columns["chi2"], columns["delta_chi2"]
        least = chi2.min() if scan.reference == "minimum" else chi2[0] - delta[0]
        return as_grid(scan, grid, delta), float(least)

    def best_fit(self, figure: FigureSpec, grid: str) -> tuple[float, float] | None:
        """The best fit that a figure marks on a grid; None where it marks none, as no point is better than another."""
        curves = read_table(self.folder / "figures" / f"{figure.name}.csv", CURVES)
        panel = figure.panel or grid
        for row in zip(*(curves[name] for name in ("panel", "curve", "x", "y")), strict=True):
            if row[:2] == (panel, "best fit"):
                return float(row[2]), float(row[3])
        return None


def finished(
    results: Path,
    config: Mapping[str, Any],
    figures: Mapping[str, Sequence[FigureSpec]],
    judged: Collection[str] = (),
) -> list[AnalysisResults]:
    """The analyses that have these figures, in the order of the configuration; those `judged` have a scorecard."""
    return [
        AnalysisResults(
            name=name,
            section=section,
            whole=complete(section, config),
            folder=results / name,
            scans=tuple(parse_scan(scan, config["scans"][scan]) for scan in section["scans"]),
            inputs=results / "inputs",
            figures=tuple(figures[name]),
            is_judged=name in judged,
        )
        for name, section in config["analyses"].items()
        if name in figures
    ]


def range_groups(made: Sequence[AnalysisResults]) -> list[Row]:
    """Allowed intervals of every parameter by scan, each analysis that has it in a column of its own."""
    groups: dict[str, dict[tuple[Any, ...], Row]] = {}
    for analysis in made:
        table = analysis.ranges
        for i, scan in enumerate(table["scan"]):
            named = ("parameter", "confidence_level", "n_dof", "delta_chi2", "other_parameters")
            row: Row = {name: table[name][i] for name in named}
            kept = groups.setdefault(scan, {}).setdefault(tuple(row.values()), row)
            kept.setdefault("intervals", {}).setdefault(analysis.name, []).append(_interval(table, i))
            if table["warning"][i]:
                said = kept.setdefault("warnings", {})
                said[analysis.name] = table["warning"][i]  # the same for all of its intervals
    having = {scan: {name for row in rows.values() for name in row["intervals"]} for scan, rows in groups.items()}
    return [
        {
            "scan": scan,
            "rows": list(rows.values()),
            "analyses": [each.name for each in made if each.name in having[scan]],
        }
        for scan, rows in groups.items()
    ]


def _interval(table: Mapping[str, Any], i: int) -> Row:
    """A row of ranges.csv with what makes its ends, where that is a bound on another parameter."""
    at_grid = table["ends_at_grid"][i]
    set_by = [(side, table[f"{side}_set_by"][i]) for side in ("lower", "upper") if side not in at_grid]
    notes = [f"{side} end set by {captions.bounds_text(text)}" for side, text in set_by if text]
    return {"low": table["lower"][i], "high": table["upper"][i], "at_grid": at_grid, "note": "; ".join(notes)}


def figure_rows(config: Mapping[str, Any], made: Sequence[AnalysisResults]) -> list[Row]:
    """Each figure with its picture, caption and alternative text for every analysis that has it."""
    rows: dict[str, Row] = {}
    for analysis in made:
        for figure in analysis.figures:
            if not figure.on_its_own:
                row = rows.setdefault(figure.name, {"name": figure.name, "title": figure.title, "shown": []})
                row["shown"].append(shown(analysis, figure.name, *_words(config, analysis, figure)))
    return list(rows.values())


def _words(config: Mapping[str, Any], analysis: AnalysisResults, figure: FigureSpec) -> tuple[str, str]:
    """Caption and alternative text."""
    known = {grid: (scan, axes) for scan, grid, axes in analysis.grids()}
    drawn = [known[grid] for grid in figure.grids]
    if figure.caption:
        caption = figure.caption(config, analysis.name)
    elif drawn:
        caption = captions.region_caption(config, analysis.name, drawn, figure.shaded)
    else:
        caption = captions.plain_caption(config, analysis.name)
    for i, grid in enumerate(figure.grids):
        if known[grid][0].ranges and analysis.best_fit(figure, grid) is None:
            panel = f"({chr(ord('a') + i)})" if len(drawn) > 1 else ""
            caption += f" {captions.degenerate_text(panel, analysis.best_fits, grid, known[grid][1])}"
    if any(captions.is_coarse(scan, axes, analysis.ranges) for scan, axes in drawn):
        caption += f" {captions.COARSE}"
    if figure.remark:
        caption = f"{caption} {figure.remark(analysis)}".rstrip()
    if figure.alt:
        return caption, figure.alt(analysis)
    if not drawn:
        return caption, f"{figure.title} of the analysis {analysis.name}; its numbers are in the csv beside it."
    regions = (captions.region_alt(scan, axes, analysis.ranges) for scan, axes in drawn)
    return caption, " ".join([f"Analysis {analysis.name}.", *regions])


def shown(analysis: AnalysisResults, figure: str, caption: str, alt: str) -> Row:
    """A figure and its numbers, inside the page."""
    path = analysis.folder / "figures" / figure
    return {
        "analysis": analysis.name,
        "caption": caption,
        "alt": alt,
        "svg": picture_uri(path.with_name(path.name + ".svg")),
        "csv": packed_uri(path.with_name(path.name + ".csv")),
        "file": f"{analysis.name}-{path.name}.csv.gz",
    }


def spectra_of(analysis: AnalysisResults) -> dict[str, FloatArray]:
    """Counts (bins,) by case, all flavors together."""
    table = read_spectra(analysis.folder / "spectra.csv")
    case, bins = np.array(table["case"]), analysis.measurement.observed.size
    return {name: table["predicted_counts"][case == name].reshape(-1, bins).sum(axis=0) for name in np.unique(case)}


def _flat(section: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(section, Mapping):
        for key, value in section.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, ", ".join(map(str, section)) if isinstance(section, (list, tuple)) else section


def choice_rows(config: Mapping[str, Any], made: Sequence[AnalysisResults]) -> tuple[list[Row], list[Row]]:
    """Choices on which the analyses differ, and those they share, by key of the configuration."""
    values = {}
    for analysis in made:
        read = [f"{part['dataset']} (reader {part['reader']})" for part in parts_of(analysis.whole)]
        values[analysis.name] = dict(_flat(analysis.section)) | {"dataset": " and ".join(read)}
    keys = list(dict.fromkeys(key for chosen in values.values() for key in chosen))
    rows: list[Row] = [
        {"key": key, "values": {name: chosen.get(key, "–") for name, chosen in values.items()}} for key in keys
    ]
    differ = [row for row in rows if len(set(row["values"].values())) > 1]
    return differ, [row for row in rows if row not in differ]


def number_rows(made: Sequence[AnalysisResults]) -> list[Row]:
    """Numbers that tell the analyses apart: counts in the analysed bins and chi2 of the standard model."""
    rows: dict[str, dict[str, float]] = {}
    for analysis in made:
        model = analysis.model
        measured = [dataset.measurement for dataset in model.datasets]
        found = {
            "analysed bins": float(sum(each.observed.size for each in measured)),
            "observed counts in them": float(sum(each.observed.sum() for each in measured)),
            "statistical uncertainty of that sum": float(np.sqrt(sum(each.total_error**2 for each in measured))),
            "counts predicted by the standard model": float(model.standard_model_counts.sum()),
            "χ² of the standard model": standard_model_chi2(model),
        }
        fit = analysis.fits["together"]
        seen = {"": "value", ", lower error": "error_low", ", upper error": "error_high"}
        found |= {f"counts of the signal that are seen{what}": fit["cevns_counts"][key] for what, key in seen.items()}
        found["significance of the signal in σ"] = fit["significance"]
        for name, value in found.items():
            rows.setdefault(name, {})[analysis.name] = value
    return [{"name": name, "values": values} for name, values in rows.items()]


def cross_checks(results: Path, config: Mapping[str, Any]) -> list[Row]:
    """Reading a against reading b of every dataset that was read twice."""
    found = []
    for dataset, section in config["datasets"].items():
        if section["reader"] not in READ_TWICE:
            continue
        table = read_csv(results / "inputs" / dataset / "cross_check.csv", CROSS_CHECK_COLUMNS)
        rows = [{name: table[name][i] for name in CROSS_CHECK_COLUMNS} for i in range(len(table["counts_a"]))]
        ratio = table["stat_uncertainty_ratio"]
        found.append(
            {
                "dataset": dataset,
                "rows": rows,
                "differ": int((table["counts_a"] != table["counts_b"]).sum()),
                "shift": float(np.abs(np.concatenate([table["rounding_shift_a"], table["rounding_shift_b"]])).max()),
                "ratio": (float(ratio.min()), float(ratio.max())),
            }
        )
    return found


def grid_payload(
    analysis: AnalysisResults,
    scan: Scan,
    name: str,
    figure: FigureSpec,
    discrepancy: Discrepancy,
    look: Look,
    is_covered: bool,
) -> Row:
    """What the page computes a scan's plot from: delta chi2 on a thinned grid, and its profiles on the whole one.

    `figure` is the one that draws this grid, and marks its best fit if there is one.
    """
    grid, least = analysis.load(scan, name)
    keep = [thinned(axis.size) for axis in grid.axes]
    payload: Row = {
        "analysis": analysis.name,
        "color": look[0],
        "dash": page_dash(look[1]),
        "least": least,
        "best": analysis.best_fit(figure, name),
        "lowest": grid.lowest_point(),
        "z": encoded(
            np.rint(STEPS * np.minimum(grid.delta_chi2[np.ix_(*keep)].T, MOST_DELTA_CHI2)), "<u2"
        ),  # rows are y
        "profiles": [encoded(parabolic(z)) for z in (grid.delta_chi2, grid.delta_chi2.T)],
    }
    if is_covered and scan.coverage:
        payload["measured"] = measured_lines(analysis, scan, name)
    else:
        payload["untried"] = untried(analysis, scan)
    if band := muon_band(scan, grid.names, grid.axes[0][keep[0]], discrepancy):
        lowest = grid.axes[1][0]  # as the band may have no lower end, and the axis no zero
        payload["band"] = [encoded(np.maximum(edge, lowest)) for edge in band]
    return payload


def measured_lines(analysis: AnalysisResults, scan: Scan, name: str) -> list[Row]:
    """Contours of a grid at critical values by toys, and the extents of their regions as the table of ranges has them.

    One of each confidence level. Along a line its points, both coordinates in parts of the axis (in log10 along a log
    axis), of `PARTS`; an extent has its ends and whether either is the axis' own.
    """
    axes = scan.pairs()[name]
    table = read_table(analysis.folder / "coverage" / "contours" / f"{name}.csv", covered_contour_layout(axes))
    ranges = read_table(analysis.folder / "coverage" / "ranges.csv", COVERED_RANGES)
    at = np.stack([in_parts(scan.axis(axis), table[axis]) for axis in axes], axis=-1)
    lines = []
    for level in scan.confidence_levels:
        mine = table["confidence_level"] == level
        of_segments = [at[mine & (table["segment"] == k)] for k in np.unique(table["segment"][mine])]
        found = [captions.intervals_of(ranges, scan.name, axis, (level, 2), ON_GRID) for axis in axes]
        lines.append(
            {
                "level": level,
                "lines": [encoded(straightened(points), "<u2") for points in of_segments],
                "region": [
                    [(low, high, "lower" in ends, "upper" in ends) for low, high, ends in each] for each in found
                ],
            }
        )
    return lines


def in_parts(axis: Axis, values: FloatArray) -> NDArray[np.int64]:
    """Values (points,) on an axis as parts of it, (points,), of `PARTS`, to the nearest."""
    low, high = axis.coordinates()[[0, -1]]
    coordinates = np.log10(values) if axis.scale == "log" else values
    return np.asarray(np.rint(PARTS * (coordinates - low) / (high - low)), np.int64)


def straightened(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """A line (points, 2) without points nearer than `NEAR` to the straight line between those that are kept."""
    keep, todo = {0, len(points) - 1}, [(0, len(points) - 1)]
    while todo:
        first, last = todo.pop()
        between = points[first : last + 1] - points[first]
        length = np.hypot(*between[-1])
        off = np.abs(between @ (between[-1][::-1] * (1, -1))) / length if length else np.hypot(*between.T)
        far = first + int(off.argmax())
        if off.max() >= NEAR:
            keep.add(far)
            todo += [(first, far), (far, last)]
    return points[sorted(keep)]


def untried(analysis: AnalysisResults, scan: Scan) -> str:
    """Why a scan has no critical values by toys."""
    if scan.coverage is None:
        return f"No critical values are asked for of the scan {scan.name}: it has no coverage in the configuration."
    return f"No toys have been drawn for the analysis {analysis.name} yet; make coverage does."


def page_dash(style: Any) -> str:
    """A line style of matplotlib as plotly has it, for a line of two pixels.

    >>> page_dash("-"), page_dash("--"), page_dash((0, (4, 1.5)))
    ('solid', 'dash', '8px,3px')
    """
    if isinstance(style, str):
        return {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot"}[style]
    return ",".join(f"{2 * length:g}px" for length in style[1])


def scan_payloads(
    made: Sequence[AnalysisResults], discrepancy: Discrepancy, covered: Collection[str] = ()
) -> list[Row]:
    """Every grid of two axes, its levels, and the values of each analysis that has it.

    Of those `covered` also what is measured by toys.
    """
    found: dict[str, Row] = {}
    looks = looks_of({each.name: [part["dataset"] for part in parts_of(each.whole)] for each in made})
    for analysis in made:
        figure_of = {grid: figure for figure in analysis.figures for grid in figure.grids}
        for scan, name, axes in analysis.grids():
            values = [scan.axis(axis).values() for axis in axes]
            entry = found.setdefault(
                name,
                {
                    "grid": name,
                    "parameters": list(axes),
                    "names": [captions.html_name(axis) for axis in axes],
                    "spoken": [captions.spoken_name(axis) for axis in axes],
                    "units": [captions.unit(axis) for axis in axes],
                    "log": [scan.axis(axis).scale == "log" for axis in axes],
                    "contact": scan.interaction == "contact",
                    "levels": scan.levels(),
                    "dofs": sorted({1, 2, *scan.n_dof}),
                    "axes": [encoded(axis) for axis in values],
                    "kept": [encoded(axis[thinned(axis.size)]) for axis in values],
                    "drawn": " × ".join(str(thinned(axis.size).size) for axis in values),
                    "domain": captions.domain_text(scan, axes),
                    "from": captions.REFERENCE_TITLES[scan.reference],
                    "shown": [],
                },
            )
            look, is_covered = looks[analysis.name], analysis.name in covered
            entry["shown"].append(grid_payload(analysis, scan, name, figure_of[name], discrepancy, look, is_covered))
    scans = list(found.values())
    for entry in scans:
        entry["over"] = overlays(scans, entry)
    return scans


def overlays(scans: Sequence[Row], entry: Row) -> list[Row]:
    """The lines that may be drawn over a grid's: of every analysis, and of every grid of the same axes in their order.

    Each with its place among `scans` and among what is shown there, and what it is called beside this grid.
    """
    return [
        {
            "scan": i,
            "place": place,
            "called": shown["analysis"] if other is entry else f"{shown['analysis']}, {other['grid']}",
        }
        for i, other in enumerate(scans)
        if other["parameters"] == entry["parameters"]
        for place, shown in enumerate(other["shown"])
    ]


def slider_steps(name: str, example: float) -> FloatArray:
    """Values that a slider of Fig. 1 stops at, (steps,): `SLIDERS` of them a decade, and the configured example's."""
    low, high, by_decade = SLIDERS[name]
    steps = 10 ** (np.arange(low * by_decade, high * by_decade + 1) / by_decade)
    return np.unique(np.append(steps, example)) if example > 0 else steps


def spectrum_payload(analysis: AnalysisResults, example: Mapping[str, float]) -> Row:
    """Counts and chi2 of a light mediator at every step of two sliders, as the library predicts them.

    Counts by mass, coupling, flavor and bin are in parts of the largest of their step, of `PARTS`.
    """
    names = ("mediator_mass_mev", "coupling")
    axes = [slider_steps(name, float(example[name])) for name in names]
    model, measured = analysis.model, analysis.measurement
    points = [dict(zip(names, map(float, point), strict=True)) for point in product(*axes)]
    counts = np.stack([analysis.dataset.by_flavor("light_mediator", point) for point in points])
    largest = counts.max(axis=(1, 2))
    by_mass = [profiled(model, "light_mediator", {names[0]: float(mass), names[1]: axes[1]}) for mass in axes[0]]
    standard, counts_of_standard = profiled(model, "contact", {}), analysis.dataset.by_flavor("contact", {})
    normalized = 1 + float(standard.nuisances[0, 0])  # the one nuisance of Eq. 7
    return {
        "analysis": analysis.name,
        "edges": measured.bin_edges_pe.tolist(),
        "steps": [axis.tolist() for axis in axes],
        "start": [int(np.argmin(np.abs(axis - example[name]))) for name, axis in zip(names, axes, strict=True)],
        "largest": encoded(largest, "<f4"),
        "counts": encoded(np.rint(PARTS * counts / largest[:, None, None]), "<u2"),
        "chi2": encoded(np.concatenate([each.chi2 for each in by_mass]), "<f4"),
        "pull": encoded(np.concatenate([_pull(model, each) for each in by_mass]), "<f4"),
        "standard": {
            "counts": np.round(counts_of_standard, 4).tolist(),
            "fitted": np.round(normalized * counts_of_standard.sum(axis=0), 4).tolist(),
            "chi2": round(float(standard.chi2[0]), 4),
        },
        "flavors": list(FLAVORS),
        "observed": measured.observed.tolist(),
        "sigma": measured.errors.tolist(),
    }


def _pull(model: Model, found: Profiled) -> FloatArray:
    """The pull of the one nuisance: its value over sigma, (points,)."""
    (nuisance,) = model.nuisances
    return np.asarray(found.nuisances[:, 0] / nuisance.sigma, np.float64) if nuisance.sigma else found.nuisances[:, 0]


def has_spectrum_plot(analysis: AnalysisResults) -> bool:
    """Whether the page shows an analysis' counts under sliders: those of Eq. 7, in energy alone, with its one pull."""
    if analysis.is_joint or analysis.choices.normalization_uncertainty is None:
        return False
    return len(analysis.dataset.nuisances) == 1


def downloads(results: Path, made: Sequence[AnalysisResults], covered: Sequence[str] = ()) -> list[Row]:
    """Small tables, to be saved from the page."""
    rows = []
    for analysis in made:
        judged = ("scorecard",) if analysis.is_judged else ()
        own = [name for name in DOWNLOADS if not (analysis.is_joint and name in OF_DATASETS)]
        named = [*judged, *own, *(name for figure in analysis.figures for name in figure.data)]
        for name in dict.fromkeys(named):
            path = analysis.folder / f"{name}.csv"
            if path.stat().st_size <= MOST_SAVED:
                rows.append({"file": f"{analysis.name}-{name}.csv.gz", "uri": packed_uri(path)})
        for name in ("ranges", "measured", "goodness", "scorecard") if analysis.name in covered else ():
            path = analysis.folder / "coverage" / f"{name}.csv"
            if path.exists():
                rows.append({"file": f"{analysis.name}-coverage-{name}.csv.gz", "uri": packed_uri(path)})
        fit = data_uri(analysis.folder / "best_fit.json", "application/json")
        rows.append({"file": f"{analysis.name}-best_fit.json", "uri": fit})
    return [*rows, {"file": "provenance.json", "uri": data_uri(results / "provenance.json", "application/json")}]


def coverage_content(results: Path, config: Mapping[str, Any], covered: Sequence[str]) -> Row:
    """What is shown of critical values by pseudo-data, of the analyses that have any; empty without one."""
    if not covered:
        return {}
    measured, goodness = (made(results, covered) for made in (coverage_page.measured_rows, coverage_page.goodness_rows))
    return {
        "analyses": list(covered),
        "measured": measured,
        "measured_of": coverage_page.having(measured, covered),
        "goodness": goodness,
        "goodness_of": coverage_page.having(goodness, covered),
        "ranges": by_columns(coverage_page.range_rows(results, covered), covered),
        "tests": config.get("coverage_tests"),
    }


def by_columns(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Rows by the analyses that have their scan, which are the columns of one table."""
    tables: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        of_scan = [other for other in rows if other["scan"] == row["scan"]]
        tables.setdefault(tuple(coverage_page.having(of_scan, names)), []).append(row)
    return [{"analyses": list(having), "rows": found} for having, found in tables.items()]


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """What the page tells of a study as a whole."""

    title: str
    citation: str
    folder: Path
    analyses: tuple[str, ...]
    together: Mapping[str, tuple[str, Sequence[str], Sequence[Sequence[str]]]]  # title, analyses, parameters of panels
    asked: tuple[tuple[str, str], ...]
    foremost: str


def columns_of(made: Sequence[AnalysisResults]) -> dict[str, str]:
    """The analysis whose column has an analysis' limits: the first one of the same data sets."""
    first: dict[tuple[str, ...], str] = {}
    return {
        each.name: first.setdefault(tuple(part["dataset"] for part in parts_of(each.whole)), each.name) for each in made
    }


def fit_rows(results: Path, made: Sequence[AnalysisResults], covered: Sequence[str]) -> list[Row]:
    """What best_fit.json has of each data set and of joint ones, once each; and how good the fits are, where measured.

    Pulls are values over widths; a nuisance without a width has its value.
    """
    first, rows = columns_of(made), []
    good = {row["quantity"]: row["found"] for row in coverage_page.goodness_rows(results, covered)}
    for analysis in made:
        if first[analysis.name] != analysis.name:
            continue
        found = analysis.fits["together"]
        standard = found["standard_model"]
        rows.append(
            {
                "analysis": analysis.name,
                "datasets": [part["dataset"] for part in parts_of(analysis.whole)],
                "observed": float(sum(each.measurement.observed.sum() for each in analysis.model.datasets)),
                "expected": found["sm_counts"]["all"],
                **{key: found[key] for key in ("bins", "cevns_counts", "significance")},
                "fits": [
                    {
                        "of": of,
                        "chi2": record["chi2"],
                        "pulls": [_pull_row(name, each) for name, each in record["nuisances"].items()],
                        "good": good.get(coverage_page.QUANTITIES[quantity], {}).get(analysis.name),
                    }
                    for of, quantity, record in (
                        ("Best fit of the amplitude", "best_fit", found),
                        ("Standard model", "standard_model", standard),
                    )
                ],
            }
        )
    return rows


def _pull_row(name: str, each: Mapping[str, Any]) -> Row:
    """A nuisance of best_fit.json: what it is called, its pull and that one's error; values where it has no width."""
    scale = each["sigma"] or 1.0
    free = "" if each["sigma"] else " (free, its value)"
    return {"called": name.replace("_", " ") + free, "value": each["value"] / scale, "error": each["error"] / scale}


def answers(
    results: Path, made: Sequence[AnalysisResults], covered: Sequence[str], studies: Sequence[StudyResults]
) -> list[Row]:
    """The limits that a reader looks for first, and the figure, study by study."""
    found = []
    for study in studies:
        mine = [each for each in made if each.name in study.analyses]
        by_toys = [name for name in covered if name in study.analyses]
        rows = answer.limit_rows(
            {each.name: each.ranges for each in mine}, coverage_page.range_rows(results, by_toys), study.asked
        )
        column = columns_of(mine)
        for row in rows:
            row["found"] = {column[name]: cell | {"analysis": name} for name, cell in reversed(row["found"].items())}
        columns = [name for name in dict.fromkeys(column.values()) if any(name in row["found"] for row in rows)]
        found.append(
            {
                "title": study.title,
                "citation": study.citation,
                "columns": columns,
                "rows": rows,
                "measured": answer.coverage_at_standard_model(results, by_toys),
                "foremost": study.foremost,
            }
        )
    return found


def together_rows(studies: Sequence[StudyResults]) -> list[Row]:
    """Figures of several analyses, each with its picture, caption and alternative text."""
    rows = []
    for study in studies:
        for name, (title, analyses, panels) in study.together.items():
            of = " and ".join(filter(None, (", ".join(analyses[:-1]), analyses[-1])))
            drawn = "; ".join(" and ".join(map(captions.spoken_name, axes)) for axes in panels)
            path = study.folder / "figures" / name
            rows.append(
                {
                    "name": name,
                    "title": title,
                    "analysis": "several analyses",
                    "caption": captions.together_caption(analyses, panels),
                    "alt": f"{title}: {drawn or 'one panel'}, with a line for each of the analyses {of}; "
                    "the intervals are in the table of allowed ranges, and the lines in the csv beside it.",
                    "svg": picture_uri(path.with_name(f"{name}.svg")),
                    "csv": packed_uri(path.with_name(f"{name}.csv")),
                    "file": f"{study.folder.name}-{name}.csv.gz",
                }
            )
    return rows


def collect(
    results: Path,
    config: Mapping[str, Any],
    made: Sequence[AnalysisResults],
    jobs: Mapping[str, Job],
    covered: Sequence[str] = (),
    studies: Sequence[StudyResults] = (),
) -> Row:
    """Everything that the template shows, but for what a study has to say; `covered` are those with critical values."""
    differ, shared = choice_rows(config, made)
    judged = [each for each in made if each.is_judged]  # of what the page is called after
    return {
        "analyses": [analysis.name for analysis in made],
        "assumptions": {each.name: captions.prediction_text(config, each.name) for each in made},
        "data": {each.name: captions.data_text(config, each.name) for each in made},
        "sources": list(dict.fromkeys(s for each in judged or made for s in captions.sources_of(config, each.name))),
        "answers": answers(results, made, covered, studies),
        "fits": fit_rows(results, made, covered),
        "figures": figure_rows(config, made),
        "together": together_rows(studies),
        "ranges": range_groups(made),
        "coverage": coverage_content(results, config, covered),
        "differ": differ,
        "shared": shared,
        "numbers": number_rows(made),
        "cross_checks": cross_checks(results, config),
        "provenance": json.loads(read_text_file(results / "provenance.json")),
        "scans": scan_payloads(made, parse_muon_g2(config.get("muon_g2")), covered),
        "spectra": [
            spectrum_payload(analysis, config["spectrum_example"]) for analysis in made if has_spectrum_plot(analysis)
        ],
        "downloads": downloads(results, made, covered),
        "times": run_times(jobs),
    }


def in_script(content: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")


def render(content: Row, template: Path) -> str:
    """The page: a Jinja2 template, with the style and script beside it and plotly's own script inlined."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "name": captions.html_name,
        "unit": captions.unit,
        "number": captions.number,
        "percent": captions.percent,
        "json": in_script,
    }
    return environment.get_template(template.name).render(content, plotly=get_plotlyjs())
