"""A submission to HEPData: tables of what the figures show and of the allowed ranges, made from finished results.

Numbers are those of the csv tables, digit by digit; nothing is computed here. The format is plain YAML, written without
hepdata_lib: that rounds to five digits, needs ImageMagick for thumbnails and puts the time into its archive. HEPData's
own validator checks what was written, by the schemas that it ships.
"""

import gzip
import math
import shutil
import tarfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cevnsi.files.tables import TableError, atomic, write_text
from cevnsi.output.figures import label
from cevnsi.scans.axes import Scan
from cevnsi.statistics.thresholds import threshold

Column = dict[str, Any]
Qualifier = tuple[str, Any] | tuple[str, Any, str]  # name, value, units

AT_REACH = "Is only the end of the reach"
AT_GRID = "Ends that are only the axis' own"
# Columns of ranges.csv that a table of ranges has where any of its rows has something to say.
REMARKS = {
    "Bounds that make the lower end": "lower_set_by",
    "Bounds that make the upper end": "upper_set_by",
    "Warning": "warning",
}
MISSING = "-"  # HEPData's mark for a cell without a number
LONGEST_TITLE = 64
THUMBNAIL_WIDTH = 500  # pixels, at most
WIDEST = 10**6  # characters of a line of YAML, so that none is folded
FIGURES = {"fig1": "Figure 1", "fig2": "Figure 2", "fig3": "Figure 3", "fig4": "Figure 4"}
REACTIONS = {
    "nu_mu": "NUMU NUCLEUS --> NUMU NUCLEUS",
    "nu_mu_bar": "NUMUBAR NUCLEUS --> NUMUBAR NUCLEUS",
    "nu_e": "NUE NUCLEUS --> NUE NUCLEUS",
}
PHRASES = ["Neutrino", "Elastic Scattering", "Neutral Current", "CEvNS", "NSI"]
COUNTS, LIMITS = "N", "CLS"  # HEPData's names of observables: number of events, confidence limits
CASES = {"sm": "standard model", "light_mediator": "light mediator"}
COMMENT = (
    "Constraints on nonstandard neutrino interactions from coherent elastic neutrino-nucleus scattering on CsI, made "
    "by the software cevnsi, which reproduces J. Liao and D. Marfatia, Phys. Lett. B 775 (2017) 54, arXiv:1708.04255, "
    "from the COHERENT data of 2017. The numbers are of this reproduction, not of the paper's authors. Equations and "
    "figures are those of the paper. Delta chi2 counts from the least chi2 between the ends of a scan's axes, "
    "along a line from the least on its grid; every chi2 is minimised over the normalization pull of Eq. 7. Parameters "
    "that a table does not name are zero unless it says otherwise. No centre-of-mass energy is given: neutrinos below "
    "53 MeV from stopped pions and muons meet nuclei at rest."
)
RESOURCES = [
    {"location": "https://arxiv.org/abs/1708.04255", "description": "The paper that these tables reproduce"},
    {"location": "https://arxiv.org/abs/1708.01294", "description": "The measurement by the COHERENT Collaboration"},
    {"location": "https://doi.org/10.5281/zenodo.1228631", "description": "The official data release of April 2018"},
]


@dataclass(frozen=True)
class Finished:
    """The results of one analysis, as read from its files, and what they were made by."""

    name: str
    section: Mapping[str, Any]  # of the configuration
    scans: Mapping[str, Scan]  # by the name of the grid
    example: Mapping[str, float]  # the light mediator of Fig. 1
    figures: Mapping[str, Sequence[str]]  # grids on each figure, in the order of its panels
    spectra: Mapping[str, Any]
    ranges: Mapping[str, Any]
    contours: Mapping[str, Mapping[str, Any]]  # by grid
    curves: Mapping[str, Mapping[str, Any]]  # by figure
    sensitivity: Mapping[str, Any] | None
    matches: Mapping[str, Any] | None
    pictures: Mapping[str, Path]  # png, by figure
    scorecard: Path


@dataclass(frozen=True)
class Table:
    """One table of the submission, before it has a number."""

    title: str
    description: str
    observable: str
    independent: list[Column]
    dependent: list[Column]
    location: str = ""  # in the paper
    picture: str = ""  # file name of the figure


def header(name: str) -> dict[str, str]:
    """A column's name, with the units split off that a label has in brackets.

    >>> header("$M$ [MeV]")
    {'name': '$M$', 'units': 'MeV'}
    """
    text, _, units = name.partition(" [")
    return {"name": text, "units": units.rstrip("]")} if units else {"name": text}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def column(name: str, values: Sequence[Any], *qualifiers: Qualifier) -> Column:
    """A variable of a data table; only dependent ones have qualifiers."""
    made: Column = {"header": header(name)}
    if qualifiers:
        made["qualifiers"] = [
            dict(zip(("name", "value", "units"), map(_plain, qualifier), strict=False)) for qualifier in qualifiers
        ]
    return made | {"values": [{"value": _plain(value)} for value in values]}


def _level(confidence_level: float, n_dof: int) -> list[Qualifier]:
    return [
        ("Confidence level", confidence_level),
        ("Degrees of freedom", n_dof),
        ("Delta chi2", threshold(confidence_level, n_dof)),
    ]


def _level_text(confidence_level: float, n_dof: int) -> str:
    return f"{100 * confidence_level:g} % CL, {n_dof} dof"


def profiled(scan: Scan, axes: Sequence[str] | None = None) -> str:
    """What chi2 is minimised over everywhere in a scan, and on its grid with these axes if they are given."""
    domains = dict(scan.profile)
    if axes is not None:
        domains |= {axis.name: (axis.minimum, axis.maximum) for axis in scan.onto(axes).over}
    return "; ".join(
        ["normalization pull", *(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in domains.items())]
    )


def _assumptions(finished: Finished) -> list[Qualifier]:
    """What every column says of where it comes from."""
    return [("Analysis", finished.name), ("Data set", finished.section["dataset"])]


def _scan_qualifiers(finished: Finished, grid: str, axes: Sequence[str]) -> list[Qualifier]:
    scan = finished.scans[grid]
    fixed = [("Fixed", "; ".join(f"{name} = {value:g}" for name, value in scan.fixed.items()))] if scan.fixed else []
    interaction = scan.interaction.replace("_", " ")
    return [*_assumptions(finished), ("Interaction", interaction), ("Profiled over", profiled(scan, axes)), *fixed]


def describe_analysis(finished: Finished) -> str:
    """One sentence with the choices of an analysis."""
    section = finished.section
    low, high = section["photoelectron_range"]
    exposure = "".join(f", {name} {value:g}" for name, value in section.get("exposure", {}).items())
    return (
        f"Analysis {finished.name}: data set {section['dataset']}, target {section['nuclei']}, form factor "
        f"{section['form_factor']}, sin2_theta_w {section['sin2_theta_w']:g}, {low:g} to {high:g} photoelectrons, "
        f"normalization uncertainty {section['normalization_uncertainty']:g}{exposure}."
    )


def picture_name(finished: Finished, figure: str) -> str:
    """File name of a figure in the submission; no analysis or figure has a hyphen in its name."""
    return f"{finished.name}-{figure}.png"


def panel_title(figure: str, grids: Sequence[str], grid: str) -> str:
    """Where a grid is drawn.

    >>> panel_title("fig3", ["ee_d_u", "mumu_d_u"], "mumu_d_u"), panel_title("mine", ["mine"], "mine")
    ('Figure 3 (b)', 'mine')
    """
    panel = f" ({chr(ord('a') + list(grids).index(grid))})" if len(grids) > 1 else ""
    return FIGURES.get(figure, figure) + panel


def _curve(curves: Mapping[str, Any], panel: str, name: str) -> tuple[list[float], list[float]]:
    """Points of one curve of the csv beside a figure."""
    rows = [i for i, found in enumerate(zip(curves["panel"], curves["curve"], strict=True)) if found == (panel, name)]
    return [float(curves["x"][i]) for i in rows], [float(curves["y"][i]) for i in rows]


def _spectrum_qualifiers(finished: Finished, case: str, flavors: Sequence[str]) -> list[Qualifier]:
    mediator: list[Qualifier] = []
    if case == "light_mediator":
        mediator = [
            ("Mediator mass", finished.example["mediator_mass_mev"], "MeV"),
            ("Coupling", finished.example["coupling"]),
        ]
    reactions: list[Qualifier] = [("RE", REACTIONS[flavor]) for flavor in flavors]
    return [*_assumptions(finished), ("Model", CASES[case]), *mediator, *reactions]


def spectrum_tables(finished: Finished) -> Iterator[Table]:
    """Fig. 1: the cumulative curves on it, and the flavors one by one."""
    spectra, curves = finished.spectra, finished.curves["fig1"]
    pairs = list(zip(spectra["case"], spectra["component"], strict=True))
    drawn = [tuple(name.split(":")) for name in dict.fromkeys(curves["curve"])]  # each adds its flavor to the former
    flavors = list(dict.fromkeys(flavor for _, flavor in drawn))
    upto = {flavor: flavors[: i + 1] for i, flavor in enumerate(flavors)}
    bins: Column = {
        "header": {"name": "Photoelectrons"},
        "values": [
            {"low": float(spectra["bin_low_pe"][i]), "high": float(spectra["bin_high_pe"][i])}
            for i, pair in enumerate(pairs)
            if pair == drawn[0]
        ],
    }
    cumulative = [
        column(
            f"Events per bin, {' + '.join(upto[flavor])}",
            _curve(curves, "fig1", f"{case}:{flavor}")[1],
            *_spectrum_qualifiers(finished, case, upto[flavor]),
        )
        for case, flavor in drawn
    ]
    single = [
        column(
            f"Events per bin, {flavor}",
            [spectra["predicted_counts"][i] for i, pair in enumerate(pairs) if pair == (case, flavor)],
            *_spectrum_qualifiers(finished, case, [flavor]),
        )
        for case, flavor in drawn
    ]
    shared = {"observable": COUNTS, "location": "Figure 1", "picture": picture_name(finished, "fig1")}
    text = "expected events by bin of photoelectrons, of the standard model and with a light mediator."
    yield Table(
        title=f"Figure 1 ({finished.name})",
        description=f"The curves of the figure: {text} Each sums the flavors that it names.",
        independent=[bins],
        dependent=cumulative,
        **shared,
    )
    yield Table(
        title=f"Figure 1, by flavor ({finished.name})",
        description=f"Each flavor by itself: {text}",
        independent=[bins],
        dependent=single,
        **shared,
    )


def contour_tables(finished: Finished, figure: str, grid: str) -> Iterator[Table]:
    """Lines of one grid, a table for each confidence level and number of degrees of freedom that has any."""
    contours, scan = finished.contours[grid], finished.scans[grid]
    axes = list(contours)[-2:]
    title = panel_title(figure, finished.figures[figure], grid)
    for i, level in enumerate(scan.levels()):
        rows = (contours["confidence_level"] == level[0]) & (contours["n_dof"] == level[1])
        x, y, segments = (contours[name][rows] for name in (*axes, "segment"))
        if not len(x):
            continue
        qualifiers = [*_scan_qualifiers(finished, grid, axes), *_level(*level)]
        lines = [
            column(
                label(axes[1]),
                [value if at == segment else MISSING for value, at in zip(y, segments, strict=True)],
                *qualifiers,
                ("Line", int(segment)),
            )
            for segment in np.unique(segments)
        ]
        drawn = "The line of the figure." if i == 0 else "Not drawn in the figure."
        yield Table(
            title=f"{title}: {_level_text(*level)} ({finished.name})",
            location=title if figure in FIGURES else "",
            description=f"Where delta chi2 is {threshold(*level):.4g} in the plane of {axes[0]} and {axes[1]} "
            f"({_level_text(*level)}). {drawn} Points follow the line; each column is one connected line, and "
            f"{MISSING!r} stands where a point belongs to another.",
            observable=LIMITS,
            independent=[column(label(axes[0]), x)],
            dependent=lines,
            picture=picture_name(finished, figure),
        )


def muon_table(finished: Finished) -> Table:
    """The band of Fig. 2 that explains the magnetic moment of the muon."""
    ends = {side: _curve(finished.curves["fig2"], "fig2", f"muon g-2, {side}") for side in ("lower", "upper")}
    qualifiers: list[Qualifier] = [*_assumptions(finished), ("Interaction", "light mediator")]
    return Table(
        title=f"Figure 2: muon g-2 ({finished.name})",
        location="Figure 2",
        description="Couplings of a light mediator that explain the anomalous magnetic moment of the muon at 2 sigma.",
        observable=LIMITS,
        independent=[column(label("mediator_mass_mev"), ends["lower"][0])],
        dependent=[
            column(f"{side.capitalize()} end of {label('coupling')}", y, *qualifiers) for side, (_, y) in ends.items()
        ],
        picture=picture_name(finished, "fig2"),
    )


def points_table(finished: Finished) -> Table | None:
    """The points marked on the figures: best fits and the standard model, where they are one."""
    rows = []
    for figure, grids in finished.figures.items():
        for grid in grids:
            panel = figure if figure == "fig2" else grid
            points = [_curve(finished.curves[figure], panel, name) for name in ("best fit", "SM")]
            for i, axis in enumerate(list(finished.contours[grid])[-2:]):
                marked = (point[i][0] if point[i] else MISSING for point in points)
                rows.append((panel_title(figure, grids, grid), label(axis), *marked))
    if not rows:
        return None
    where, names, fits, models = zip(*rows, strict=True)
    return Table(
        title=f"Best fits ({finished.name})",
        description="The points marked on the figures: where chi2 is least between the ends of a plane's axes, and the "
        f"standard model. {MISSING!r}: none is marked, as the data leave a degenerate set of which no point is better "
        "than another, or as the plane of a mediator's mass and coupling does not contain the standard model as a "
        "point.",
        observable=LIMITS,
        independent=[column("Figure", where), column("Parameter", names)],
        dependent=[
            column("Best fit", fits, *_assumptions(finished)),
            column("Standard model", models, *_assumptions(finished)),
        ],
    )


def sensitivity_tables(finished: Finished) -> Iterator[Table]:
    """The domain-sensitivity figure, one table for each parameter."""
    table = finished.sensitivity or {"parameter": []}
    for name in dict.fromkeys(table["parameter"]):
        rows = [i for i, found in enumerate(table["parameter"]) if found == name]
        keys = [(float(table["confidence_level"][i]), int(table["n_dof"][i]), table["side"][i]) for i in rows]
        bounds = list(dict.fromkeys(table["bound"][i] for i in rows))
        columns = []
        for key in dict.fromkeys(keys):
            confidence_level, n_dof, side = key
            qualifiers = [*_assumptions(finished), *_level(confidence_level, n_dof), ("End", side)]
            for text, source in ((f"{side.capitalize()} end of {label(name)}", "end"), (AT_REACH, "ends_at_grid")):
                values = [table[source][i] for i, found in zip(rows, keys, strict=True) if found == key]
                columns.append(column(text, values, *qualifiers))
        yield Table(
            title=f"Domain sensitivity of {name} ({finished.name})",
            description=f"Least and greatest allowed {name} against the bound on the absolute value of each "
            "eps_uV and eps_dV that is profiled over. Where an end is marked as that of the reach, the bound itself "
            "ends the range (Eq. 11), not the data. Not in the paper: it states no domain for Eq. 12.",
            observable=LIMITS,
            independent=[column(r"Bound on $|\epsilon^{uV}|$ and $|\epsilon^{dV}|$", bounds)],
            dependent=columns,
            picture=picture_name(finished, "domain_sensitivity"),
        )


def _or_none(value: Any) -> Any:
    """A cell; what is empty in a csv, in a word."""
    return "none" if isinstance(value, str) and not value else value


def matches_table(finished: Finished) -> Table | None:
    """The bound at which each end of Eq. 12 is the published one."""
    table = finished.matches
    if table is None or not table["parameter"]:
        return None
    rows = range(len(table["parameter"]))
    keys = list(dict.fromkeys((table["parameter"][i], table["side"][i], float(table["published"][i])) for i in rows))
    at = {
        (table["parameter"][i], table["side"][i], float(table["confidence_level"][i]), int(table["n_dof"][i])): i
        for i in rows
    }
    columns = []
    for level in dict.fromkeys(key[2:] for key in at):
        found = [at[name, side, *level] for name, side, _ in keys]
        qualifiers = [*_assumptions(finished), *_level(*level)]
        bounds = [MISSING if table["kind"][i] == "none" else float(table["bound"][i]) for i in found]
        columns.append(column("Least bound that gives the published end", bounds, *qualifiers))
        columns.append(column("What the end is there", [table["kind"][i] for i in found], *qualifiers))
    names, sides, ends = zip(*keys, strict=True)
    return Table(
        title=f"Domain of Eq. 12 ({finished.name})",
        location="Eq. 12",
        description="The least bound on the absolute value of each eps_uV and eps_dV that is profiled over at which an "
        "end of the allowed range is the published one. There it is a limit, where delta chi2 rises to the threshold, "
        "or only the reach of the domain (Eq. 11), all of which is still allowed. Not in the paper: it states no "
        "domain.",
        observable=LIMITS,
        independent=[
            column("Parameter", [label(name) for name in names]),
            column("End", sides),
            column("Published", ends),
        ],
        dependent=columns,
        picture=picture_name(finished, "domain_sensitivity"),
    )


def range_table(finished: Finished, scan: Scan) -> Table | None:
    """Allowed intervals of every parameter of a scan, a pair of columns for each level."""
    table = finished.ranges
    rows = [i for i, name in enumerate(table["scan"]) if name == scan.name]
    keys = list(
        dict.fromkeys((table["parameter"][i], table["other_parameters"][i], table["interval"][i]) for i in rows)
    )
    if not keys:
        return None
    names = ("parameter", "other_parameters", "interval", "confidence_level", "n_dof")
    at = {tuple(table[name][i] for name in names): i for i in rows}
    sources = {"Lower end": "lower", "Upper end": "upper", AT_GRID: "ends_at_grid"}
    sources |= {text: source for text, source in REMARKS.items() if any(table[source][i] for i in rows)}
    columns = []
    for level in scan.levels():
        found = [at.get((*key, *level)) for key in keys]
        qualifiers = [*_assumptions(finished), *_level(*level), ("Profiled over", profiled(scan))]
        for text, source in sources.items():
            values = [MISSING if i is None else _or_none(table[source][i]) for i in found]
            columns.append(column(text, values, *qualifiers))
    parameters, others, intervals = zip(*keys, strict=True)
    equation = scan.name == "matter_ee_mumu"
    return Table(
        title=f"Ranges of {scan.name} ({finished.name})",
        location="Eq. 12" if equation else "",
        description=f"{'Eq. 12: allowed' if equation else 'Allowed'} intervals of each parameter of the scan "
        f"{scan.name}, the others profiled over their axes or set to zero. For 2 degrees of freedom an interval is the "
        f"extent of the allowed region, for 1 the range of one parameter. {MISSING!r}: fewer intervals at this level. "
        "An end is found on chi2 itself; a bound makes it if chi2 would be less there without that bound.",
        observable=LIMITS,
        independent=[
            column("Parameter", [label(name) for name in parameters]),
            column("Other parameters", others),
            column("Interval", [int(i) for i in intervals]),
        ],
        dependent=columns,
    )


def tables_of(finished: Finished) -> Iterator[Table]:
    """All tables of one analysis, figures first."""
    yield from spectrum_tables(finished)
    for figure, grids in finished.figures.items():
        for grid in grids:
            yield from contour_tables(finished, figure, grid)
        if figure == "fig2":
            yield muon_table(finished)
    yield from sensitivity_tables(finished)
    if matches := matches_table(finished):
        yield matches
    if points := points_table(finished):
        yield points
    for scan in {scan.name: scan for scan in finished.scans.values()}.values():
        if table := range_table(finished, scan):
            yield table


def _short(title: str, number: int) -> str:
    """A title that HEPData takes, and still of one table only."""
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 10]}... [{number}]"


def table_document(finished: Finished, table: Table, number: int) -> dict[str, Any]:
    """What submission.yaml says of a table."""
    document: dict[str, Any] = {"name": _short(table.title, number)}
    if table.location:
        document["location"] = table.location
    document |= {
        "description": f"{table.description} {describe_analysis(finished)}",
        "keywords": [
            {"name": "reactions", "values": list(REACTIONS.values())},
            {"name": "observables", "values": [table.observable]},
            {"name": "phrases", "values": PHRASES},
        ],
        "data_file": f"table{number:03d}.yaml",
    }
    if table.picture:
        document["additional_resources"] = [
            {"description": "Image file", "location": table.picture},
            {"description": "Thumbnail image file", "location": f"thumb_{table.picture}"},
        ]
    return document


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes what occurs twice twice: an anchor is no help to a reader."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never refer back."""
        return True


def _yaml(documents: Sequence[Mapping[str, Any]]) -> str:
    text: str = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=WIDEST, default_flow_style=None)
    return text


def save_thumbnail(picture: Path, path: Path) -> None:
    """A smaller picture, each pixel the mean of a square of them."""
    from matplotlib import image

    save: Any = image.imsave  # its types know neither an open file nor the None that leaves a version out
    pixels = image.imread(picture)  # (height, width, color)
    side = math.ceil(pixels.shape[1] / THUMBNAIL_WIDTH)
    height, width = (size // side for size in pixels.shape[:2])
    squares = pixels[: height * side, : width * side].reshape(height, side, width, side, -1)
    with atomic(path) as stream:
        save(stream, squares.mean(axis=(1, 3)), format="png", metadata={"Software": None})


def _copy(source: Path, path: Path) -> None:
    with atomic(path) as stream, source.open("rb") as original:
        shutil.copyfileobj(original, stream)


def write_submission(folder: Path, analyses: Sequence[Finished]) -> None:
    """Every file of a submission into an empty folder, with none below it, as HEPData asks."""
    resources = [dict(resource) for resource in RESOURCES]
    documents: list[dict[str, Any]] = [{"additional_resources": resources, "comment": COMMENT}]
    for finished in analyses:
        card = f"{finished.name}-scorecard.csv"
        _copy(finished.scorecard, folder / card)
        resources.append({"location": card, "description": f"Published values against ours, analysis {finished.name}"})
        tables = list(tables_of(finished))
        shown = {table.picture for table in tables}
        for figure, picture in finished.pictures.items():
            name = picture_name(finished, figure)
            _copy(picture, folder / name)
            if name in shown:
                save_thumbnail(picture, folder / f"thumb_{name}")
            else:  # of a file that nothing names the validator complains
                without = f"{FIGURES.get(figure, figure)}, on which no line is; analysis {finished.name}"
                resources.append({"location": name, "description": without})
        for table in tables:
            document = table_document(finished, table, len(documents))
            content = {"independent_variables": table.independent, "dependent_variables": table.dependent}
            write_text(folder / document["data_file"], _yaml([content]))
            documents.append(document)
    write_text(folder / "submission.yaml", _yaml(documents))


def complaints(path: Path) -> list[str]:
    """What HEPData's validator says against a submission, a folder or an archive; it uses no network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what jsonschema deprecates, and leaves files open
        from hepdata_validator.full_submission_validator import FullSubmissionValidator

        validator = FullSubmissionValidator(autoload_remote_schemas=False)
        valid = validator.validate(**{"directory" if path.is_dir() else "archive": str(path)})
    found = [f"{Path(file).name}: {each.message}" for file, all_ in validator.get_messages().items() for each in all_]
    return found or ([] if valid else [f"{path.name}: not valid"])


def check_submission(path: Path) -> None:
    """Raise TableError with all that the validator says."""
    if found := complaints(path):
        raise TableError("\n  ".join([f"{path}: HEPData's validator refuses it:", *found]))


def write_archive(path: Path, folder: Path) -> None:
    """The files of a folder as tar.gz, without times and owners, so that its bytes repeat."""
    with (
        atomic(path) as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for file in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(file.name)  # dated 1970, owned by nobody in particular
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(entry, content)
