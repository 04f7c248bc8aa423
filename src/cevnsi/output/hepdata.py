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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cevnsi.experiments.inputs import RELEASES, parts_of
from cevnsi.files.atomic import TableError, atomic, write_json, write_text
from cevnsi.output.figure_spec import FigureSpec, Together
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import Scan
from cevnsi.statistics.thresholds import threshold

Column = dict[str, Any]
Qualifier = tuple[str, Any] | tuple[str, Any, str]  # name, value, units

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
REACTIONS = {
    "nu_mu": "NUMU NUCLEUS --> NUMU NUCLEUS",
    "nu_mu_bar": "NUMUBAR NUCLEUS --> NUMUBAR NUCLEUS",
    "nu_e": "NUE NUCLEUS --> NUE NUCLEUS",
}
PHRASES = ["Neutrino", "Elastic Scattering", "Neutral Current", "CEvNS", "NSI"]
COUNTS, LIMITS = "N", "CLS"  # HEPData's names of observables: number of events, confidence limits


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The results of one analysis, as read from its files, and what they were made by."""

    name: str
    section: Mapping[str, Any]  # of the configuration
    scans: Mapping[str, Scan]  # by the name of the grid
    figures: Sequence[FigureSpec]
    ranges: Mapping[str, Any]
    contours: Mapping[str, Mapping[str, Any]]  # by grid
    curves: Mapping[str, Mapping[str, Any]]  # by figure
    pictures: Mapping[str, Path]  # png, by figure
    scorecard: Path | None = None  # None: there is one of the study
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # further tables that figures name
    settings: Mapping[str, Any] = field(default_factory=dict)  # further sections of the configuration, likewise


@dataclass(frozen=True, kw_only=True)
class FinishedTogether:
    """A figure that shows several analyses of a study."""

    study: str
    figure: Together
    analyses: Sequence[str]
    curves: Mapping[str, Any]
    picture: Path


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A further file of the submission, of no table: a copy of one, or what JSON is made of."""

    name: str
    description: str
    content: Path | Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
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


def label(name: str) -> str:
    """A parameter in the paper's notation, with its unit."""
    return parameter(name).label


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


def level_qualifiers(confidence_level: float, n_dof: int) -> list[Qualifier]:
    """What a column at one level says of it."""
    return [
        ("Confidence level", confidence_level),
        ("Degrees of freedom", n_dof),
        ("Delta chi2", threshold(confidence_level, n_dof)),
    ]


def _level_text(confidence_level: float, n_dof: int) -> str:
    return f"{100 * confidence_level:g} % CL, {n_dof} dof"


def pulls_of(finished: Finished) -> str:
    """What of a likelihood chi2 is minimised over everywhere."""
    of_eq_7 = all("normalization_uncertainty" in part for part in parts_of(finished.section))
    return "normalization pull" if of_eq_7 else "nuisances"


def profiled(scan: Scan, axes: Sequence[str] | None = None, pulls: str = "normalization pull") -> str:
    """What chi2 is minimised over everywhere in a scan, and on its grid with these axes if they are given."""
    domains = dict(scan.domain)
    if axes is not None:
        domains |= {axis.name: (axis.minimum, axis.maximum) for axis in scan.onto(axes).over}
    return "; ".join(
        [
            pulls,
            *(
                f"{name}, unbounded" if math.isinf(high - low) else f"{name} in [{low:g}, {high:g}]"
                for name, (low, high) in domains.items()
            ),
        ]
    )


def assumptions(finished: Finished) -> list[Qualifier]:
    """What every column says of where it comes from."""
    return [
        ("Analysis", finished.name),
        ("Data set", " and ".join(part["dataset"] for part in parts_of(finished.section))),
    ]


def _scan_qualifiers(finished: Finished, grid: str, axes: Sequence[str]) -> list[Qualifier]:
    scan = finished.scans[grid]
    fixed = [("Fixed", "; ".join(f"{name} = {value:g}" for name, value in scan.held.items()))] if scan.held else []
    interaction = scan.interaction.replace("_", " ")
    return [
        *assumptions(finished),
        ("Interaction", interaction),
        ("Profiled over", profiled(scan, axes, pulls_of(finished))),
        *fixed,
    ]


def describe_analysis(finished: Finished) -> str:
    """One sentence with the choices of an analysis."""
    return f"Analysis {finished.name}: {'; and '.join(map(_described, parts_of(finished.section)))}."


def _described(section: Mapping[str, Any]) -> str:
    """The choices about one data set."""
    exposure = "".join(f", {name} {value:g}" for name, value in section.get("exposure", {}).items())
    if "normalization_uncertainty" in section:
        low, high = section["photoelectron_range"]
        sigma = section["normalization_uncertainty"]
        bins = f"{low:g} to {high:g} photoelectrons, normalization uncertainty {sigma:g}"
    else:
        bins = RELEASES[section["reader"]].bins(section)
    return (
        f"data set {section['dataset']}, target {section['nuclei']}, form factor {section['form_factor']}, "
        f"sin2_theta_w {section['sin2_theta_w']:g}, {bins}{exposure}"
    )


def picture_name(finished: Finished, figure: str) -> str:
    """File name of a figure in the submission; no analysis or figure has a hyphen in its name."""
    return f"{finished.name}-{figure}.png"


def panel_title(figure: FigureSpec, grid: str) -> str:
    """Where a grid is drawn.

    >>> panel_title(FigureSpec(name="fig3", title="", location="Figure 3", grids=("a", "b")), "b")
    'Figure 3 (b)'
    >>> panel_title(FigureSpec(name="mine", title="", grids=("mine",)), "mine")
    'mine'
    """
    panel = f" ({chr(ord('a') + figure.grids.index(grid))})" if len(figure.grids) > 1 else ""
    return figure.cited + panel


def curve_of(curves: Mapping[str, Any], panel: str, name: str) -> tuple[list[float], list[float]]:
    """Points of one curve of the csv beside a figure."""
    rows = [i for i, found in enumerate(zip(curves["panel"], curves["curve"], strict=True)) if found == (panel, name)]
    return [float(curves["x"][i]) for i in rows], [float(curves["y"][i]) for i in rows]


def contour_tables(finished: Finished, figure: FigureSpec, grid: str) -> Iterator[Table]:
    """Lines of one grid, a table for each confidence level and number of degrees of freedom that has any."""
    contours, scan = finished.contours[grid], finished.scans[grid]
    axes = list(contours)[-2:]
    title = panel_title(figure, grid)
    for level in scan.levels():
        rows = (contours["confidence_level"] == level[0]) & (contours["n_dof"] == level[1])
        x, y, segments = (contours[name][rows] for name in (*axes, "segment"))
        if not len(x):
            continue
        qualifiers = [*_scan_qualifiers(finished, grid, axes), *level_qualifiers(*level)]
        lines = [
            column(
                label(axes[1]),
                [value if at == segment else MISSING for value, at in zip(y, segments, strict=True)],
                *qualifiers,
                ("Line", int(segment)),
            )
            for segment in np.unique(segments)
        ]
        drawn = "A line of the figure." if level in scan.drawn_levels() else "Not drawn in the figure."
        yield Table(
            title=f"{title}: {_level_text(*level)} ({finished.name})",
            location=title if figure.location else "",
            description=f"Where delta chi2 is {threshold(*level):.4g} in the plane of {axes[0]} and {axes[1]} "
            f"({_level_text(*level)}). {drawn} Points follow the line; each column is one connected line, and "
            f"{MISSING!r} stands where a point belongs to another.",
            observable=LIMITS,
            independent=[column(label(axes[0]), x)],
            dependent=lines,
            picture=picture_name(finished, figure.name),
        )


def _cells(values: Sequence[float]) -> list[float | str]:
    """Numbers of a figure, of which some are none."""
    return [float(value) if math.isfinite(value) else MISSING for value in values]


def _points_on(curves: Mapping[str, Any]) -> list[Column]:
    """Of the numbers on a figure what each is of, and where."""
    named = [f"{panel}, {curve}" for panel, curve in zip(curves["panel"], curves["curve"], strict=True)]
    return [column("Curve", named), column("Abscissa", _cells(curves["x"]))]


def curve_table(finished: Finished, figure: FigureSpec) -> Table:
    """The numbers on a figure of which nothing more is known."""
    curves = finished.curves[figure.name]
    return Table(
        title=f"{figure.cited} ({finished.name})",
        location=figure.location,
        description=f"The numbers on the figure: {figure.title}.",
        observable=COUNTS,
        independent=_points_on(curves),
        dependent=[column("Ordinate", _cells(curves["y"]), *assumptions(finished))],
        picture=picture_name(finished, figure.name),
    )


def together_table(made: FinishedTogether) -> Table:
    """The numbers on a figure of several analyses."""
    return Table(
        title=f"{made.figure.name} ({made.study})",
        description=f"The numbers on a figure of the study {made.study}: {made.figure.title}.",
        observable=LIMITS,
        independent=_points_on(made.curves),
        dependent=[column("Ordinate", _cells(made.curves["y"]), ("Analyses", ", ".join(made.analyses)))],
        picture=f"{made.study}-{made.figure.name}.png",
    )


def points_table(finished: Finished) -> Table | None:
    """The points marked on the figures: best fits and the standard model, where they are one."""
    rows = []
    for figure in finished.figures:
        for grid in figure.grids:
            panel = figure.panel or grid
            points = [curve_of(finished.curves[figure.name], panel, name) for name in ("best fit", "SM")]
            for i, axis in enumerate(list(finished.contours[grid])[-2:]):
                marked = (point[i][0] if point[i] else MISSING for point in points)
                rows.append((panel_title(figure, grid), label(axis), *marked))
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
            column("Best fit", fits, *assumptions(finished)),
            column("Standard model", models, *assumptions(finished)),
        ],
    )


def _or_none(value: Any) -> Any:
    """A cell; what is empty in a csv, in a word."""
    return "none" if isinstance(value, str) and not value else value


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
    columns, over = [], profiled(scan, pulls=pulls_of(finished))
    for level in scan.levels():
        found = [at.get((*key, *level)) for key in keys]
        qualifiers = [
            *assumptions(finished),
            *level_qualifiers(*level),
            ("Profiled over", over),
        ]
        for text, source in sources.items():
            values = [MISSING if i is None else _or_none(table[source][i]) for i in found]
            columns.append(column(text, values, *qualifiers))
    parameters, others, intervals = zip(*keys, strict=True)
    stated = next((figure.ranges_in for figure in finished.figures if scan.name in figure.grids), "")
    return Table(
        title=f"Ranges of {scan.name} ({finished.name})",
        location=stated,
        description=f"{f'{stated}: allowed' if stated else 'Allowed'} intervals of each parameter of the scan "
        f"{scan.name}, the others minimised over their axes or set to zero. For 2 degrees of freedom an interval is "
        f"the extent of the allowed region, for 1 the range of one parameter. {MISSING!r}: fewer intervals at this "
        "level. An end is found on chi2 itself; a bound makes it if chi2 would be less there without that bound.",
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
    for figure in finished.figures:
        for grid in figure.grids:
            yield from contour_tables(finished, figure, grid)
        if figure.tables:
            yield from figure.tables(finished)
        elif not figure.grids:
            yield curve_table(finished, figure)
    if points := points_table(finished):
        yield points
    for scan in {scan.name: scan for scan in finished.scans.values()}.values():
        if table := range_table(finished, scan):
            yield table


def _short(title: str, number: int) -> str:
    """A title that HEPData takes, and still of one table only."""
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 10]}... [{number}]"


def table_document(finished: Finished | FinishedTogether, table: Table, number: int) -> dict[str, Any]:
    """What submission.yaml says of a table."""
    of_one = f" {describe_analysis(finished)}" if isinstance(finished, Finished) else ""
    document: dict[str, Any] = {"name": _short(table.title, number)}
    if table.location:
        document["location"] = table.location
    document |= {
        "description": f"{table.description}{of_one}",
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
    """A smaller picture, each pixel the mean of a square of them; OSError if it could not be written."""
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


def _write_table(folder: Path, finished: Finished | FinishedTogether, table: Table, number: int) -> dict[str, Any]:
    """A table's file; what submission.yaml says of it."""
    document = table_document(finished, table, number)
    content = {"independent_variables": table.independent, "dependent_variables": table.dependent}
    write_text(folder / document["data_file"], _yaml([content]))
    return document


def write_submission(
    folder: Path,
    analyses: Sequence[Finished],
    comment: str,
    sources: Mapping[str, str] | None = None,
    *,
    together: Sequence[FinishedTogether] = (),
    further: Sequence[Resource] = (),
) -> None:
    """Every file of a submission into an empty folder, with none below it, as HEPData asks.

    `sources` says what lies at addresses that the submission names.
    """
    resources = [{"location": place, "description": text} for place, text in (sources or {}).items()]
    documents: list[dict[str, Any]] = [{"additional_resources": resources, "comment": comment}]
    for finished in analyses:
        if finished.scorecard is not None:
            card = f"{finished.name}-scorecard.csv"
            _copy(finished.scorecard, folder / card)
            text = f"Published values against ours, analysis {finished.name}"
            resources.append({"location": card, "description": text})
        tables = list(tables_of(finished))
        shown = {table.picture for table in tables}
        cited = {figure.name: figure.cited for figure in finished.figures}
        for figure, picture in finished.pictures.items():
            name = picture_name(finished, figure)
            _copy(picture, folder / name)
            if name in shown:
                save_thumbnail(picture, folder / f"thumb_{name}")
            else:  # of a file that nothing names the validator complains
                without = f"{cited[figure]}, on which no line is; analysis {finished.name}"
                resources.append({"location": name, "description": without})
        documents += [_write_table(folder, finished, table, i) for i, table in enumerate(tables, len(documents))]
    for made in together:
        table = together_table(made)
        _copy(made.picture, folder / table.picture)
        save_thumbnail(made.picture, folder / f"thumb_{table.picture}")
        documents.append(_write_table(folder, made, table, len(documents)))
    for resource in further:
        if isinstance(resource.content, Path):
            _copy(resource.content, folder / resource.name)
        else:
            write_json(folder / resource.name, resource.content)
        resources.append({"location": resource.name, "description": resource.description})
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
    """The files of a folder as tar.gz, without times and owners, so that its bytes repeat.

    OSError names an archive that could not be written.
    """
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
