"""The page that shows a finished run: results/report.html, whole in itself.

Everything is read from results/ as the workflow has written it; the template only lays it out. The page says nothing
of when it was made: apart from the run times two pages of the same results are the same bytes.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_analysis, parse_scan
from cevnsi.constants import G_FERMI
from cevnsi.experiments.inputs import CROSS_CHECK_COLUMNS
from cevnsi.experiments.loading import load_measurement
from cevnsi.experiments.measurement import Measurement
from cevnsi.files.tables import (
    CURVES,
    DOMAIN_MATCHES,
    PUBLISHED,
    RANGES,
    SCORECARD,
    SENSITIVITY,
    SPECTRA,
    read_csv,
    read_parquet,
    read_table,
)
from cevnsi.files.tables import read_text as read_text_file
from cevnsi.model import Analysis
from cevnsi.output import captions
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.muon_g2 import coupling_band
from cevnsi.physics.weak_charge import standard_model_charge
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.regions import Grid
from cevnsi.statistics.intervals import parabolic
from cevnsi.statistics.likelihood import chi2_of_counts
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.scorecard import spread
from cevnsi.studies.liao_marfatia_2017.sensitivity import CL_PAPER
from cevnsi.templates import Templates
from cevnsi.workflow.run_record import Job, run_times

Figures = Mapping[str, Mapping[str, Sequence[str]]]  # by analysis and figure, the grids drawn in it
Row = dict[str, Any]

MOST_POINTS = 201  # along each axis of a grid that the page carries; the ranges in it come from the whole grid

# Tables of an analysis that can be saved from the page, where it has them.
DOWNLOADS = ("scorecard", "ranges", "best_fits", "spectra", "templates", "domain_sensitivity", "domain_matches")
FIGURE_TITLES = {
    "fig1": "Fig. 1: predicted spectrum",
    "fig2": "Fig. 2: a light mediator",
    "fig3": "Fig. 3: pairs of contact couplings",
    "fig4": "Fig. 4: effective matter parameters",
}


def encoded(values: Any, kind: str = "<f8") -> str:
    """An array's bytes, little-endian, as base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def thinned(points: int, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Which points of an axis are kept: all, or `most` of them as evenly as can be, both ends included."""
    return np.unique(np.rint(np.linspace(0, points - 1, min(points, most))).astype(np.int64))


def data_uri(path: Path, kind: str) -> str:
    """A text file inside the page."""
    return f"data:{kind};base64,{base64.b64encode(read_text_file(path).encode('utf-8')).decode('ascii')}"


@dataclass(frozen=True)
class Study:
    """One analysis of a finished run."""

    name: str
    section: Mapping[str, Any]
    folder: Path
    scans: tuple[Scan, ...]
    dataset_folder: Path

    @property
    def choices(self) -> Analysis:
        """The section as a dataclass."""
        return parse_analysis(self.section)

    @cached_property
    def ranges(self) -> dict[str, Any]:
        """Columns of ranges.csv."""
        return read_table(self.folder / "ranges.csv", RANGES)

    @cached_property
    def scorecard(self) -> dict[str, Any]:
        """Columns of scorecard.csv."""
        return read_table(self.folder / "scorecard.csv", SCORECARD)

    @cached_property
    def templates(self) -> Templates:
        """The stored quadrature nodes of all bins."""
        return Templates.from_columns(read_parquet(self.folder / "templates.parquet"), self.choices.nuclides)

    @cached_property
    def measurement(self) -> Measurement:
        """The counts of all bins."""
        return load_measurement(self.dataset_folder / "counts.csv")

    def grids(self) -> Iterator[tuple[Scan, str, tuple[str, ...]]]:
        """Every grid of two axes, with its scan."""
        for scan in self.scans:
            for grid, axes in scan.pairs().items():
                yield scan, grid, axes

    def load(self, scan: Scan, grid: str) -> tuple[Grid, float]:
        """A grid, and the least chi2 on it."""
        columns = read_parquet(self.folder / "grids" / f"{grid}.parquet", ["chi2", "delta_chi2"])
        return as_grid(scan, grid, columns["delta_chi2"]), float(columns["chi2"].min())

    def best_fit(self, figure: str, grid: str) -> tuple[float, float] | None:
        """The best fit that a figure marks on a grid; None where it marks none, as no point is better than another."""
        curves = read_table(self.folder / "figures" / f"{figure}.csv", CURVES)
        panel = figure if figure == "fig2" else grid
        for row in zip(*(curves[name] for name in ("panel", "curve", "x", "y")), strict=True):
            if row[:2] == (panel, "best fit"):
                return float(row[2]), float(row[3])
        return None


def studies(results: Path, config: Mapping[str, Any]) -> list[Study]:
    """The analyses of a configuration, in its order."""
    return [
        Study(
            name,
            section,
            results / name,
            tuple(parse_scan(scan, config["scans"][scan]) for scan in section["scans"]),
            results / "inputs" / section["dataset"],
        )
        for name, section in config["analyses"].items()
    ]


def listed_choices(text: str) -> list[tuple[str, float]]:
    """What a cell of the scorecard's column `choices` lists: what is chosen, and our value under it.

    >>> listed_choices("every eps_uV, eps_dV in [-1, 0.73]: -0.95; every bin: nan")
    [('every eps_uV, eps_dV in [-1, 0.73]', -0.95), ('every bin', nan)]
    """
    parts = [item.rpartition(": ") for item in text.split("; ") if item]
    return [(name, float(value)) for name, _, value in parts]


def score(study: Study) -> dict[str, int]:
    """How many of a scorecard's rows are within tolerance, and how many have each verdict over the open choices."""
    table = study.scorecard
    verdicts = {verdict: table["verdict"].count(verdict) for verdict in ("yes", "depends", "no")}
    return {"within": table["within"].count("true"), "all": len(table["within"]), **verdicts}


def scorecard_rows(made: Sequence[Study]) -> list[Row]:
    """One row for every quantity, with what each analysis finds."""
    rows: dict[str, Row] = {}
    for study in made:
        table = study.scorecard
        for i, quantity in enumerate(table["quantity"]):
            row = rows.setdefault(
                quantity,
                {
                    "quantity": quantity,
                    "published": table["published"][i],
                    "tolerance": table["tolerance"][i],
                    "why": table["why"][i],
                    "ours": {},
                },
            )
            row["ours"][study.name] = {
                "value": float(table["reproduced"][i]),
                "difference": float(table["difference"][i]),
                "within": table["within"][i] == "true",
                "digitization": spread(table["digitization"][i]),
                "verdict": table["verdict"][i],
                "ends": (float(table["least"][i]), float(table["greatest"][i])),
                "choices": listed_choices(table["choices"][i]),
            }
    return list(rows.values())


def reproduced_equation(study: Study, published: Mapping[str, Any]) -> Row | None:
    """At which thresholds all ends of Eq. 12 are within tolerance: as configured, and under which open choices.

    None for an analysis that has no such ends. `published` has the columns of published.csv.
    """
    place = {quantity: i for i, quantity in enumerate(study.scorecard["quantity"])}
    found: dict[str, dict[str, list[bool]]] = {}  # by n_dof in the key, then by choice
    for i, key in enumerate(published["key"]):
        row = place.get(f"{published['quantity'][i]} ({published['where'][i]})")
        if row is None or "_matter_" not in key:
            continue
        by_choice = found.setdefault(key.rpartition("_n")[2], {})
        values = [("", float(study.scorecard["reproduced"][row])), *listed_choices(study.scorecard["choices"][row])]
        for name, value in values:
            inside = abs(value - published["published"][i]) <= published["tolerance"][i]
            by_choice.setdefault(name, []).append(inside)
    if not found:
        return None
    ends = len(next(iter(found.values()))[""])
    holds = [
        (name, threshold(CL_PAPER, int(n_dof)))
        for n_dof, by_choice in found.items()
        for name, inside in by_choice.items()
        if all(inside) and len(inside) == ends  # a choice that does not bear on each end is none of Eq. 12
    ]
    return {
        "analysis": study.name,
        "configured": sorted(level for name, level in holds if not name),
        "chosen": [(name, level) for name, level in holds if name],
    }


def range_groups(made: Sequence[Study]) -> list[Row]:
    """Allowed intervals of every parameter by scan, each analysis in a column of its own."""
    groups: dict[str, dict[tuple[Any, ...], Row]] = {}
    for study in made:
        table = study.ranges
        for i, scan in enumerate(table["scan"]):
            named = ("parameter", "confidence_level", "n_dof", "delta_chi2", "other_parameters")
            row: Row = {name: table[name][i] for name in named}
            kept = groups.setdefault(scan, {}).setdefault(tuple(row.values()), row)
            kept.setdefault("intervals", {}).setdefault(study.name, []).append(_interval(table, i))
            if table["warning"][i]:
                kept.setdefault("warnings", {})[study.name] = table["warning"][i]  # the same for all of its intervals
    return [{"scan": scan, "rows": list(rows.values())} for scan, rows in groups.items()]


def _interval(table: Mapping[str, Any], i: int) -> Row:
    """A row of ranges.csv with what makes its ends, where that is a bound on another parameter."""
    at_grid = table["ends_at_grid"][i]
    set_by = [(side, table[f"{side}_set_by"][i]) for side in ("lower", "upper") if side not in at_grid]
    notes = [f"{side} end set by {captions.bounds_text(text)}" for side, text in set_by if text]
    return {"low": table["lower"][i], "high": table["upper"][i], "at_grid": at_grid, "note": "; ".join(notes)}


def figure_rows(config: Mapping[str, Any], made: Sequence[Study], figures: Figures) -> list[Row]:
    """Each figure with its picture, caption and alternative text for every analysis that has it."""
    rows: dict[str, Row] = {}
    for study in made:
        known = {grid: (scan, axes) for scan, grid, axes in study.grids()}
        for name, grids in figures[study.name].items():
            drawn = [known[grid] for grid in grids]
            if drawn:
                caption = captions.region_caption(config, study.name, drawn)
                if any(captions.is_coarse(scan, axes, study.ranges) for scan, axes in drawn):
                    caption += f" {captions.COARSE}"
                alt = " ".join(captions.region_alt(scan, axes, study.ranges) for scan, axes in drawn)
            else:
                caption, alt = captions.spectrum_caption(config, study.name), _spectrum_alt(study)
            path = study.folder / "figures" / name
            row = rows.setdefault(name, {"name": name, "title": FIGURE_TITLES.get(name, name), "shown": []})
            row["shown"].append(_shown(study, path, caption, alt))
    return list(rows.values())


def _shown(study: Study, path: Path, caption: str, alt: str) -> Row:
    return {
        "analysis": study.name,
        "caption": caption,
        "alt": alt,
        "svg": data_uri(path.with_name(path.name + ".svg"), "image/svg+xml"),
        "csv": data_uri(path.with_name(path.name + ".csv"), "text/csv"),
        "file": f"{study.name}-{path.name}.csv",
    }


def _spectra(study: Study) -> dict[str, FloatArray]:
    """Counts by case, all flavors together."""
    table = read_table(study.folder / "spectra.csv", SPECTRA)
    case, bins = np.array(table["case"]), study.measurement.observed_counts.size
    return {name: table["predicted_counts"][case == name].reshape(-1, bins).sum(axis=0) for name in np.unique(case)}


def _spectrum_alt(study: Study) -> str:
    edges, counts = study.measurement.bin_edges_pe, _spectra(study)
    highest = int(counts["sm"].argmax())
    return (
        f"Stacked step histogram: the standard model peaks at {captions.spoken(counts['sm'][highest])} events between "
        f"{edges[highest]:g} and {edges[highest + 1]:g} photoelectrons and has {captions.spoken(counts['sm'].sum())} "
        f"in all, the light mediator {captions.spoken(counts['light_mediator'].sum())}."
    )


def slope_of_limits(table: Mapping[str, Any]) -> float | None:
    """How far an end that is a limit moves outwards per unit of the bound: the median over the ends; None for none.

    table has the columns of domain_sensitivity.csv.
    """
    column = {name: np.array(values) for name, values in table.items()}
    slopes = []
    for key in dict.fromkeys(zip(table["parameter"], table["side"], table["delta_chi2"], strict=True)):
        rows = column["ends_at_grid"] == "no"
        for name, value in zip(("parameter", "side", "delta_chi2"), key, strict=True):
            rows &= column[name] == value
        if np.count_nonzero(rows) > 1:
            slopes.append(np.ptp(column["end"][rows]) / np.ptp(column["bound"][rows]))
    return float(np.median(slopes)) if slopes else None


def match_rows(made: Sequence[Study]) -> list[Row]:
    """Every published end of a matter parameter at each threshold, with the bound that gives it, by analysis."""
    rows: dict[tuple[Any, ...], Row] = {}
    for study in made:
        path = study.folder / "domain_matches.csv"
        table = read_table(path, DOMAIN_MATCHES) if path.exists() else {"parameter": []}
        for i in range(len(table["parameter"])):
            named: Row = {name: table[name][i] for name in ("parameter", "side", "delta_chi2", "published")}
            row = rows.setdefault(tuple(named.values()), {**named, "bounds": {}})
            row["bounds"][study.name] = (float(table["bound"][i]), table["kind"][i])
    return sorted(rows.values(), key=lambda row: float(row["delta_chi2"]))


def _widest(table: Mapping[str, Any]) -> Iterator[str]:
    """The first level's range of every parameter at the largest bound, in words."""
    last = table["bound"] == table["bound"].max()
    last &= table["delta_chi2"] == table["delta_chi2"].max()
    for name in dict.fromkeys(table["parameter"]):
        ends = table["end"][last & (np.array(table["parameter"]) == name)]
        yield f"{captions.spoken_name(name)} from {captions.spoken(ends.min())} to {captions.spoken(ends.max())}"


def domain_row(study: Study) -> Row | None:
    """The figure of domain sensitivity with what it means; None where it was not asked for."""
    path = study.folder / "figures" / "domain_sensitivity"
    table_path = study.folder / "domain_sensitivity.csv"
    if not table_path.exists() or not path.with_name(path.name + ".svg").exists():
        return None
    table = read_table(table_path, SENSITIVITY)
    bounds = table["bound"]
    alt = (
        f"Ends of the allowed ranges against the bound on what is profiled over, from {bounds.min():g} to "
        f"{bounds.max():g}: every end that is a limit moves outwards in proportion to the bound; one that is only the "
        f"reach of the domain is six times it. At the largest bound {', '.join(_widest(table))}."
    )
    levels = sorted(set(table["delta_chi2"]), reverse=True)
    return _shown(study, path, "", alt) | {"slope": slope_of_limits(table), "levels": levels}


def _flat(section: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(section, Mapping):
        for key, value in section.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, ", ".join(map(str, section)) if isinstance(section, (list, tuple)) else section


def choice_rows(config: Mapping[str, Any], made: Sequence[Study]) -> tuple[list[Row], list[Row]]:
    """Choices on which the analyses differ, and those they share, by key of the configuration."""
    values = {}
    for study in made:
        reader = config["datasets"][study.section["dataset"]]["reader"]
        values[study.name] = dict(_flat(study.section)) | {"dataset": f"{study.section['dataset']} (reader {reader})"}
    keys = list(dict.fromkeys(key for chosen in values.values() for key in chosen))
    rows: list[Row] = [
        {"key": key, "values": {name: chosen.get(key, "–") for name, chosen in values.items()}} for key in keys
    ]
    differ = [row for row in rows if len(set(row["values"].values())) > 1]
    return differ, [row for row in rows if row not in differ]


def number_rows(made: Sequence[Study]) -> list[Row]:
    """Numbers that tell the analyses apart: counts in the analysed bins and chi2 of the standard model."""
    rows: dict[str, dict[str, float]] = {}
    for study in made:
        low, high = study.choices.photoelectron_range
        used = study.measurement.select(low, high)
        first = int(np.searchsorted(study.measurement.bin_edges_pe, low))
        predicted = _spectra(study)["sm"][first : first + used.observed_counts.size]
        found = {
            "analysed bins": float(used.observed_counts.size),
            "observed counts in them": float(used.observed_counts.sum()),
            "statistical uncertainty of that sum": float(np.sqrt((used.stat_uncertainty**2).sum())),
            "counts predicted by the standard model": float(predicted.sum()),
            "χ² of the standard model": chi2_of_counts(used, predicted, study.choices.normalization_uncertainty),
        }
        for name, value in found.items():
            rows.setdefault(name, {})[study.name] = value
    return [{"name": name, "values": values} for name, values in rows.items()]


def cross_checks(results: Path, config: Mapping[str, Any]) -> list[Row]:
    """Reading a against reading b of every dataset that was read twice."""
    found = []
    for dataset in config["datasets"]:
        table = read_csv(results / "inputs" / dataset / "cross_check.csv", CROSS_CHECK_COLUMNS)
        if not len(table["counts_a"]):
            continue
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


def grid_payload(study: Study, scan: Scan, name: str, figure: str) -> Row:
    """What the page computes a scan's plot from: delta chi2 on a thinned grid, and its profiles on the whole one.

    `figure` is the one that draws this grid, and marks its best fit if there is one.
    """
    grid, least = study.load(scan, name)
    keep = [thinned(axis.size) for axis in grid.axes]
    payload: Row = {
        "analysis": study.name,
        "least": least,
        "best": study.best_fit(figure, name),
        "lowest": grid.lowest_point(),
        "x": encoded(grid.axes[0][keep[0]]),
        "y": encoded(grid.axes[1][keep[1]]),
        "z": encoded(grid.delta_chi2[np.ix_(*keep)].T, "<f4"),  # rows are y
        "axes": [encoded(axis) for axis in grid.axes],
        "profiles": [encoded(parabolic(z)) for z in (grid.delta_chi2, grid.delta_chi2.T)],
    }
    if grid.names == ("mediator_mass_mev", "coupling"):
        payload["band"] = [encoded(edge) for edge in coupling_band(grid.axes[0][keep[0]])]
    return payload


def scan_payloads(made: Sequence[Study], figures: Figures) -> list[Row]:
    """Every grid of two axes, its levels, and the values of each analysis that has it."""
    found: dict[str, Row] = {}
    for study in made:
        figure_of = {grid: figure for figure, grids in figures[study.name].items() for grid in grids}
        for scan, name, axes in study.grids():
            entry = found.setdefault(
                name,
                {
                    "grid": name,
                    "names": [captions.html_name(axis) for axis in axes],
                    "spoken": [captions.spoken_name(axis) for axis in axes],
                    "units": [captions.unit(axis) for axis in axes],
                    "log": [scan.axis(axis).scale == "log" for axis in axes],
                    "contact": scan.interaction == "contact",
                    "levels": scan.levels(),
                    "dofs": sorted({1, 2, *scan.n_dof}),
                    "drawn": " × ".join(str(thinned(scan.axis(axis).points).size) for axis in axes),
                    "domain": captions.domain_text(scan, axes),
                    "shown": [],
                },
            )
            entry["shown"].append(grid_payload(study, scan, name, figure_of[name]))
    return list(found.values())


def spectrum_payload(study: Study, example: Mapping[str, float]) -> Row:
    """Quadrature nodes from which the page computes counts: the library's own sum, in double precision."""
    templates = study.templates
    low, high = study.choices.photoelectron_range
    charges = [standard_model_charge(nuclide, study.choices.sin2_theta_w) for nuclide in templates.nuclides]
    return {
        "analysis": study.name,
        "edges": templates.bin_edges_pe.tolist(),
        "bin": encoded(templates.node_bin, "<i4"),
        "q2": [encoded(row) for row in templates.momentum_transfer_squared],
        "events": [[encoded(row) for row in by_nuclide] for by_nuclide in templates.events],
        "charge": charges,
        "number": [3 * nuclide.mass_number for nuclide in templates.nuclides],
        "scale": 1 / (2 * np.sqrt(2) * G_FERMI),
        "flavors": list(FLAVORS),
        "observed": study.measurement.observed_counts.tolist(),
        "sigma": study.measurement.stat_uncertainty.tolist(),
        "range": [low, high],
        "normalization": study.choices.normalization_uncertainty,
        "example": [float(example["mediator_mass_mev"]), float(example["coupling"])],
    }


def downloads(results: Path, made: Sequence[Study]) -> list[Row]:
    """Small tables, to be saved from the page."""
    rows = []
    for study in made:
        for name in DOWNLOADS:
            path = study.folder / f"{name}.csv"
            if path.exists():
                rows.append({"file": f"{study.name}-{name}.csv", "uri": data_uri(path, "text/csv")})
    return [*rows, {"file": "provenance.json", "uri": data_uri(results / "provenance.json", "application/json")}]


def collect(
    results: Path, config: Mapping[str, Any], figures: Figures, published: Path, jobs: Mapping[str, Job]
) -> Row:
    """Everything that the template shows."""
    made = studies(results, config)
    stated = read_table(published, PUBLISHED)
    differ, shared = choice_rows(config, made)
    domains = [row for row in (domain_row(study) for study in made) if row]
    return {
        "analyses": [study.name for study in made],
        "scorecard": scorecard_rows(made),
        "score": {study.name: score(study) for study in made},
        "equation": [row for row in (reproduced_equation(study, stated) for study in made) if row],
        "assumptions": {s.name: captions.assumption_text(s.section) for s in made},
        "data": {s.name: captions.data_text(config, s.name) for s in made},
        "figures": figure_rows(config, made, figures),
        "ranges": range_groups(made),
        "domains": domains,
        "matches": match_rows(made),
        "bound": config.get("domain_sensitivity", {}).get("scan"),
        "differ": differ,
        "shared": shared,
        "numbers": number_rows(made),
        "cross_checks": cross_checks(results, config),
        "provenance": json.loads(read_text_file(results / "provenance.json")),
        "scans": scan_payloads(made, figures),
        "spectra": [spectrum_payload(study, config["spectrum_example"]) for study in made],
        "downloads": downloads(results, made),
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
