"""Figures drawn from tables under one house style. Each function returns a Figure and the curves on it.

No pyplot and no global settings: `drawing` holds the style while a figure is made and saved. Colours are those of
`cevnsi.output.looks`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import atomic
from cevnsi.files.tables import (
    contour_layout,
    covered_contour_layout,
    read_note,
    read_parquet,
    read_table,
    write_csv,
)
from cevnsi.output.looks import BLACK, BLUE, SKY, VERMILION
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.coverage import coverage_text, critical_column
from cevnsi.scans.regions import Grid, filled_region, is_warned_of, over, small_pieces
from cevnsi.statistics.thresholds import threshold

Drawn = tuple[Figure, dict[str, list[Any]]]

COLUMN_WIDTH_IN = 3.4  # one column of a two-column journal
PAGE_WIDTH_IN = 7.0  # both

STYLE: Any = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral"],  # ships with matplotlib, so that text measures the same everywhere
    "mathtext.fontset": "stix",
    "font.size": 9,
    "axes.labelsize": 10,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.markersize": 6,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "figure.constrained_layout.use": True,
    "figure.dpi": 300,  # of the layout, too
    "savefig.dpi": "figure",
    "svg.hashsalt": "cevnsi",
    "pdf.fonttype": 42,
}

SMALL_PANELS: Any = {  # four panels in one column
    "font.size": 7,
    "axes.labelsize": 8,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6,
    "lines.linewidth": 1.0,
    "lines.markersize": 4,
}

LABELS = {
    "photoelectrons": "Photoelectrons",
    "pe": "Photoelectrons",
    "kevee": r"Energy [keV$_{\mathrm{ee}}$]",
    "f90": r"$F_{90}$",
    "us": r"Arrival time [$\mu$s]",
}


DATASET_WORDS = {"csi": "CsI", "lar": "LAr"}


def dataset_title(name: str) -> str:
    """A data set as a title has it.

    >>> dataset_title("csi_2021"), dataset_title("my_counts")
    ('CsI 2021', 'my counts')
    """
    return " ".join(DATASET_WORDS.get(word, word) for word in name.split("_"))


def label(name: str) -> str:
    r"""A parameter, or another quantity on an axis, in the paper's notation.

    >>> print(label("eps_etau_dV"), label("eps_ee_matter"), label("mediator_mass_mev"))
    $\epsilon_{e\tau}^{dV}$ $\epsilon_{ee}$ $M_{Z'}$ [MeV]
    """
    return LABELS[name] if name in LABELS else parameter(name).label


@contextmanager
def drawing() -> Iterator[None]:
    """The house style, for as long as a figure is made and saved."""
    with mpl.rc_context(rc={**mpl.rcParamsDefault, **STYLE}):
        yield


def save(figure: Figure, path: FilePath) -> None:
    """Write a figure in the format of the path's suffix, without dates or versions, so that bytes repeat.

    OSError names the file that could not be written.
    """
    dateless = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {"Software": None}}
    with atomic(path) as stream:
        figure.savefig(stream, format=path.suffix[1:], metadata=dateless[path.suffix])


def save_all(drawn: Drawn, paths: Iterable[str]) -> None:
    """Write a figure in every format asked for, and its curves where the path is a csv."""
    figure, curves = drawn
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # laid out once: with an engine each format is drawn twice
        for path in map(FilePath, paths):
            if path.suffix == ".csv":
                write_csv(path, curves)
            else:
                save(figure, path)


class Curves:
    """The numbers behind the lines, as the columns of the csv beside a figure."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in ("panel", "curve", "segment", "x", "y")}

    def add(self, panel: str, curve: str, segment: int, x: Any, y: Any) -> None:
        """A line, or one connected piece of it."""
        for name, value in (("panel", panel), ("curve", curve), ("segment", segment)):
            self.columns[name] += [value] * len(x)
        self.columns["x"] += [float(v) for v in x]
        self.columns["y"] += [float(v) for v in y]


def new_figure(width: float = COLUMN_WIDTH_IN, height: float = 2.8, **subplots: Any) -> tuple[Figure, Any]:
    """A figure of one column and its axes, without pyplot."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(**subplots)


def _segments(contours: Mapping[str, Any], level: tuple[float, int]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Contour lines of one confidence level and n_dof, in the columns of contours/<scan>.csv."""
    first, second = list(contours)[-2:]
    rows = (contours["confidence_level"] == level[0]) & (contours["n_dof"] == level[1])
    for segment in np.unique(contours["segment"][rows]):
        keep = rows & (contours["segment"] == segment)
        yield contours[first][keep], contours[second][keep]


def outline(
    ax: Axes,
    curves: Curves,
    panel: str,
    contours: Mapping[str, Any],
    level: tuple[float, int],
    *,
    of: str = "",
    **line: Any,
) -> None:
    """Draw the contour of one level, and keep its points; `of` names the analysis where there are several."""
    for i, (x, y) in enumerate(_segments(contours, level)):
        ax.plot(x, y, **line)
        curves.add(panel, f"{f'{of}, ' if of else ''}{level[0]:g} CL, {level[1]} dof", i, x, y)


@dataclass(frozen=True, kw_only=True)
class Covered:
    """Critical values of a grid by confidence level, in its shape, their contours if it has two axes, and how found."""

    critical: Mapping[float, FloatArray]  # in delta chi2
    contours: Mapping[str, Any]  # in the columns of contours/<scan>.csv
    text: str


def read_covered(scan: Scan, name: str, shape: Sequence[int], grid_file: str, contour_file: str = "") -> Covered:
    """Critical values of a grid, and their contours where it has any, from what coverage/ has of it.

    TableError of files that are not sound.
    """
    columns = {level: critical_column(level) for level in scan.confidence_levels}
    found = read_parquet(grid_file, list(columns.values()))
    contours: dict[str, Any] = {}
    if contour_file:
        table = read_table(contour_file, covered_contour_layout(scan.drawn()[name]))
        contours = {key: values for key, values in table.items() if key != "method"}
    return Covered(
        critical={level: found[column].reshape(shape) for level, column in columns.items()},
        contours=contours,
        text=coverage_text(read_note(grid_file)),
    )


# Both thresholds where a figure shows them.
OF_TOYS: Any = {"label": "Feldman-Cousins", "linestyle": "-"}
OF_QUANTILE: Any = {"label": r"$\chi^2$ distribution", "linestyle": (0, (4, 2)), "linewidth": 0.6}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What one plane shows: its grid, the lines on it and which of them, the best fit, and what to warn of.

    `best_fit` is None where data leave a degenerate set and no point of it is better than another.
    """

    grid: Grid
    contours: Mapping[str, Any]
    levels: Sequence[tuple[float, int]]  # every confidence level with one number of degrees of freedom
    best_fit: tuple[float, float] | None = None
    warning: str = ""
    covered: Covered | None = None  # its region is that of these critical values, if there are any


MOST_OF_AXIS = 0.05  # that a best fit may be uncertain by, within delta chi2 of 0.01, to be drawn as a point


def panel_of(
    grid: Grid,
    contours: Mapping[str, Any],
    levels: Sequence[tuple[float, int]],
    names: tuple[str, str],
    best_fits: Mapping[str, Any],
    ranges: Mapping[str, Any],
) -> Panel:
    """A panel from the columns of best_fits.csv and ranges.csv; names are those of the scan and of the grid."""
    scan, grid_name = names
    best: list[float] = []
    for i, axis in enumerate(grid.names):
        rows = zip(*(best_fits[k] for k in ("grid", "parameter", "value", "flat_from", "flat_to")), strict=True)
        value, *flat = next((row[2:] for row in rows if row[:2] == (grid_name, axis)), (None, np.nan, np.nan))
        if value is not None and np.ptp(np.log10(flat) if grid.log[i] else flat) <= MOST_OF_AXIS * np.ptp(
            grid.coordinate(i)
        ):
            best.append(float(value))
    coarse, said = is_warned_of(ranges, scan, grid_name, levels), ": see ranges.csv"
    if scan not in ranges["scan"]:  # nothing has been compared with the grid but itself
        coarse, said = any(small_pieces(grid, threshold(*level))[0] for level in levels), ", whose contours have specks"
    warning = f"The grid is too coarse for this figure{said}" if coarse else ""
    return Panel(
        grid=grid,
        contours=contours,
        levels=levels,
        best_fit=(best[0], best[1]) if len(best) == 2 else None,
        warning=warning,
    )


def read_panel(
    scan: Scan,
    name: str,
    files: tuple[str, str],
    best_fits: Mapping[str, Any],
    ranges: Mapping[str, Any],
    covered: tuple[str, str] | None = None,
) -> Panel:
    """A panel from files of a grid and its contours and the columns of two tables; of coverage/ with what it has.

    TableError of files that are not sound.
    """
    grid = as_grid(scan, name, read_parquet(files[0], ["delta_chi2"])["delta_chi2"])
    contours = read_table(files[1], contour_layout(grid.names))
    panel = panel_of(grid, contours, scan.drawn_levels(), (scan.name, name), best_fits, ranges)
    both = read_covered(scan, name, grid.delta_chi2.shape, *covered) if covered else None
    return replace(panel, covered=both)


def covered_files(files: Any, count: int) -> list[tuple[str, str] | None]:
    """Grids and contours of coverage/ among a script's inputs, `count` panels; None of each where it has none."""
    if not hasattr(files, "covered"):
        return [None] * count
    return list(zip(files.covered, files.covered_contours, strict=True))


FLAT = 1e-9  # chi2 that varies by less over a plane does not depend on it, as cevnsi.scans.limits has it of an axis


def say_if_flat(ax: Axes, grid: Grid) -> None:
    """In a plane that chi2 is the same all over, that it is: an empty one could be of any analysis."""
    if np.ptp(grid.delta_chi2) < FLAT:
        text = "no sensitivity: $\\chi^2$ is the same\nall over this plane"
        ax.text(0.5, 0.3, text, transform=ax.transAxes, ha="center", va="center", color=VERMILION)


def warn(figure: Figure, panels: Iterable[Panel]) -> None:
    """Under a figure, what its grids cannot show, and how critical values were found."""
    listed = list(panels)
    warning = next((panel.warning for panel in listed if panel.warning), "")
    say_how(figure, [panel.covered for panel in listed if panel.covered], warning)


def say_how(figure: Figure, covered: Iterable[Covered], warning: str = "") -> None:
    """Under a figure, how critical values were found, and a warning."""
    texts = dict.fromkeys(each.text for each in covered)
    if said := [*texts, *([warning] if warning else [])]:
        figure.supxlabel("\n".join(said), fontsize=6.5, color=VERMILION if warning else BLACK)


def fill(ax: Axes, grid: Grid, low: float, high: float, **patch: Any) -> None:
    """Fill where delta chi2 is between two levels, up to the lines that `outline` draws there, on log axes too."""
    for points, codes in filled_region(grid, low, high):
        ax.add_patch(PathPatch(Path(points, codes), linewidth=0, **patch))


LINES = ("-", "--", "-.", ":")  # of confidence levels, one after another


def level_text(confidence_level: float) -> str:
    r"""A confidence level as a legend has it.

    >>> print(level_text(0.9), level_text(0.9545))
    90 % CL $2\sigma$
    """
    return r"$2\sigma$" if abs(confidence_level - 0.9545) < 1e-4 else f"{100 * confidence_level:.6g} % CL"


def mark_standard_model(ax: Axes, curves: Curves, name: str, grid: Grid, **mark: Any) -> None:
    """Where a plane has it: at zero of parameters that are zero in it."""
    inside = all(axis[0] <= 0 <= axis[-1] for axis in grid.axes)
    if inside and all(parameter(axis).zero_is_standard_model for axis in grid.names):
        ax.plot(0, 0, marker="+", color=BLACK, linestyle="none", **mark)
        curves.add(name, "SM", 0, [0.0], [0.0])


def frame(ax: Axes, grid: Grid) -> None:
    """Scales, names and ends of both axes of a plane."""
    if grid.log[0]:
        ax.set_xscale("log")
    if grid.log[1]:
        ax.set_yscale("log")
    x, y = grid.axes
    ax.set(xlabel=label(grid.names[0]), ylabel=label(grid.names[1]), xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def _unlabelled(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of which a legend says nothing."""
    return {key: value for key, value in line.items() if key != "label"}


def draw_region(ax: Axes, curves: Curves, name: str, panel: Panel) -> None:
    """An allowed region filled and outlined at every level, the standard model and the best fit marked."""
    grid = panel.grid
    for i, level in enumerate(panel.levels):
        line = LINES[i % len(LINES)]
        alpha = 0.45 / len(panel.levels)
        if panel.covered:
            fill(ax, over(grid, panel.covered.critical[level[0]]), -np.inf, 0.0, facecolor=SKY, alpha=alpha)
            outline(ax, curves, name, panel.contours, level, color=BLACK, **_unlabelled(OF_QUANTILE))
            named: Any = {"of": OF_TOYS["label"], "color": BLUE, "linestyle": line}
            outline(ax, curves, name, panel.covered.contours, (level[0], 2), **named)
        else:
            fill(ax, grid, -np.inf, threshold(*level), facecolor=SKY, alpha=alpha)
            outline(ax, curves, name, panel.contours, level, color=BLUE, linestyle=line)
        if len(panel.levels) > 1:
            ax.plot([], [], color=BLUE, linestyle=line, label=level_text(level[0]))
    if panel.covered:
        ax.plot([], [], color=BLUE, **OF_TOYS)
        ax.plot([], [], color=BLACK, **OF_QUANTILE)
    say_if_flat(ax, grid)
    mark_standard_model(ax, curves, name, grid, label="SM")
    if panel.best_fit:
        ax.plot(*panel.best_fit, marker="x", color=VERMILION, linestyle="none", label="best fit", clip_on=False)
        curves.add(name, "best fit", 0, *([value] for value in panel.best_fit))
    frame(ax, grid)


def draw_regions(panels: Mapping[str, Panel]) -> Drawn:
    """Allowed regions of two parameters each: one panel (Fig. 4, and any other pair), or rows of two (Fig. 3)."""
    curves = Curves()
    if len(panels) == 1:
        figure, ax = new_figure(height=3.1)
        (name, panel), *_ = panels.items()
        draw_region(ax, curves, name, panel)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="upper right")
        warn(figure, panels.values())
        return figure, curves.columns
    rows = -(-len(panels) // 2)
    with mpl.rc_context(SMALL_PANELS):
        figure, axes = new_figure(height=1.65 * rows, nrows=rows, ncols=2)
        for i, (ax, (name, panel)) in enumerate(zip(axes.flat, panels.items(), strict=False)):
            draw_region(ax, curves, name, panel)
            ax.text(0.05, 0.06, f"({chr(ord('a') + i)})", transform=ax.transAxes)
            ax.locator_params(nbins=4)
        handles = axes.flat[len(panels) - 2].get_legend_handles_labels()[0]
        if handles and any(panel.covered for panel in panels.values()):
            figure.legend(handles=handles, loc="outside upper center", ncols=3)  # of two lines more
        elif handles:
            axes.flat[len(panels) - 2].legend(loc="lower right")  # where Fig. 3 has room
        for ax in axes.flat[len(panels) :]:
            ax.remove()
        warn(figure, panels.values())
    return figure, curves.columns
