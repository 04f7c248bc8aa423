"""Figures of the paper, drawn from tables under one house style. Each function returns a Figure and the curves on it.

No pyplot and no global settings: `drawing` holds the style while a figure is made and saved. Colours are Okabe and
Ito's colour-blind safe set, and line styles carry the same distinctions.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import atomic, write_csv
from cevnsi.physics.interactions import parameter
from cevnsi.scans.regions import Grid
from cevnsi.statistics.thresholds import threshold

Drawn = tuple[Figure, dict[str, list[Any]]]

BLUE, VERMILION, BLACK, ORANGE, GREEN, SKY, GREY = (
    "#0072B2", "#D55E00", "#000000", "#E69F00", "#009E73", "#56B4E9", "#888888"
)  # fmt: skip
COLUMN_WIDTH_IN = 3.4  # one column of a two-column journal

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
    "savefig.dpi": 300,
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
    "predicted_counts": "Events / 2 PE",
}


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


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's suffix, without dates or versions, so that bytes repeat."""
    dateless = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {"Software": None}}
    with atomic(path) as stream:
        figure.savefig(stream, format=path.suffix[1:], metadata=dateless[path.suffix])


def save_all(drawn: Drawn, paths: Iterable[str]) -> None:
    """Write a figure in every format asked for, and its curves where the path is a csv."""
    figure, curves = drawn
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")  # laid out once, not again for every format
    for path in map(Path, paths):
        if path.suffix == ".csv":
            write_csv(path, curves)
        else:
            save(figure, path)


def mediator_caption(mediator_mass_mev: float, coupling: float) -> str:
    """A light mediator's mass and coupling in the paper's notation."""
    factor, exponent = map(float, f"{coupling:.2e}".split("e"))
    power = rf"10^{{{exponent:.0f}}}"
    if factor != 1:
        power = rf"{factor:g}\times {power}" if factor else "0"
    return rf"$M_{{Z'}}={mediator_mass_mev:g}$ MeV, $g={power}$"


class _Curves:
    """The numbers behind the lines, as the columns of the csv beside a figure."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in ("panel", "curve", "segment", "x", "y")}

    def add(self, panel: str, curve: str, segment: int, x: Any, y: Any) -> None:
        for name, value in (("panel", panel), ("curve", curve), ("segment", segment)):
            self.columns[name] += [value] * len(x)
        self.columns["x"] += [float(v) for v in x]
        self.columns["y"] += [float(v) for v in y]


def _new(width: float = COLUMN_WIDTH_IN, height: float = 2.8, **subplots: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(**subplots)


def draw_spectrum(spectra: Mapping[str, Any], caption: str) -> Drawn:
    """Fig. 1: events against photoelectrons, cumulative by flavor, SM dashed and a light mediator solid.

    spectra has the columns of spectra.csv.
    """
    figure, ax = _new()
    curves = _Curves()
    case, component = np.array(spectra["case"]), np.array(spectra["component"])
    colors = {"nu_mu": BLUE, "nu_mu_bar": VERMILION, "nu_e": BLACK}
    names = {"nu_mu": r"$\nu_\mu$", "nu_mu_bar": r"$\nu_\mu+\bar\nu_\mu$",
             "nu_e": r"$\nu_\mu+\bar\nu_\mu+\nu_e$"}  # fmt: skip
    top = 0.0
    for name, style in (("sm", "--"), ("light_mediator", "-")):
        total: Any = 0.0
        for flavor, color in colors.items():
            rows = (case == name) & (component == flavor)
            edges = np.append(spectra["bin_low_pe"][rows], spectra["bin_high_pe"][rows][-1])
            total = total + spectra["predicted_counts"][rows]
            ax.stairs(total, edges, color=color, linestyle=style, linewidth=1.2)
            curves.add("fig1", f"{name}:{flavor}", 0, (edges[:-1] + edges[1:]) / 2, total)
        top = max(top, float(total.max()))
    handles = [ax.plot([], [], color=color, label=names[flavor])[0] for flavor, color in colors.items()]
    handles += [ax.plot([], [], color=GREY, linestyle="--", label="SM")[0]]
    handles += [ax.plot([], [], color=GREY, linestyle="-", label=caption)[0]]
    ax.legend(handles=handles, loc="upper right")
    ax.set(xlim=(0, 50), ylim=(0, 1.08 * top), xlabel=LABELS["photoelectrons"], ylabel=LABELS["predicted_counts"])
    return figure, curves.columns


def _segments(contours: Mapping[str, Any], level: tuple[float, int]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Contour lines of one confidence level and n_dof, in the columns of contours/<scan>.csv."""
    first, second = list(contours)[-2:]
    rows = (contours["confidence_level"] == level[0]) & (contours["n_dof"] == level[1])
    for segment in np.unique(contours["segment"][rows]):
        keep = rows & (contours["segment"] == segment)
        yield contours[first][keep], contours[second][keep]


def _outline(
    ax: Axes, curves: _Curves, panel: str, contours: Mapping[str, Any], level: tuple[float, int], **line: Any
) -> None:
    for i, (x, y) in enumerate(_segments(contours, level)):
        ax.plot(x, y, **line)
        curves.add(panel, f"{level[0]:g} CL, {level[1]} dof", i, x, y)


@dataclass(frozen=True)
class Panel:
    """What one plane shows: its grid, the lines on it and which of them, the best fit, and what to warn of.

    `best_fit` is None where data leave a degenerate set and no point of it is better than another.
    """

    grid: Grid
    contours: Mapping[str, Any]
    level: tuple[float, int]
    best_fit: tuple[float, float] | None = None
    warning: str = ""


MOST_OF_AXIS = 0.05  # that a best fit may be uncertain by, within delta chi2 of 0.01, to be drawn as a point


def panel_of(
    grid: Grid,
    contours: Mapping[str, Any],
    level: tuple[float, int],
    names: tuple[str, str],
    best_fits: Mapping[str, Any],
    ranges: Mapping[str, Any],
) -> Panel:
    """A panel from the columns of best_fits.csv and ranges.csv; names are those of the scan and of the grid."""
    scan, grid_name = names
    best: list[float] = []
    for i, axis in enumerate(grid.names):
        rows = zip(*(best_fits[k] for k in ("grid", "parameter", "value", "flat_from", "flat_to")), strict=True)
        ((value, *flat),) = ([*row[2:]] for row in rows if row[:2] == (grid_name, axis))
        if np.ptp(np.log10(flat) if grid.log[i] else flat) <= MOST_OF_AXIS * np.ptp(grid.coordinate(i)):
            best.append(float(value))
    keys = ("scan", "confidence_level", "n_dof", "warning")
    said = [
        text
        for name, confidence_level, n_dof, text in zip(*(ranges[k] for k in keys), strict=True)
        if (name, confidence_level, n_dof) == (scan, *level) and f"{grid_name}: the grid is too coarse" in text
    ]
    warning = "The grid is too coarse for this figure: see ranges.csv" if said else ""
    return Panel(grid, contours, level, (best[0], best[1]) if len(best) == 2 else None, warning)


def _warn(figure: Figure, panels: Iterable[Panel]) -> None:
    """Under a figure, what its grids cannot show."""
    if text := next((panel.warning for panel in panels if panel.warning), ""):
        figure.supxlabel(text, fontsize=6.5, color=VERMILION)


def draw_exclusion(panel: Panel, g2: tuple[FloatArray, FloatArray]) -> Drawn:
    """Fig. 2: the excluded part of (mass, coupling), log-log, with the band that explains the muon's moment."""
    figure, ax = _new(height=3.0)
    curves = _Curves()
    grid, level = panel.grid, panel.level
    mass, coupling = grid.axes
    ax.contourf(mass, coupling, grid.delta_chi2.T, levels=[threshold(*level), np.inf], colors=[SKY], alpha=0.45)
    _outline(ax, curves, "fig2", panel.contours, level, color=BLUE)
    ax.fill_between(mass, *g2, color=ORANGE, alpha=0.55, linewidth=0)
    for name, edge in zip(("muon g-2, lower", "muon g-2, upper"), g2, strict=True):
        ax.plot(mass, edge, color=ORANGE, linewidth=0.8, linestyle="-.")
        curves.add("fig2", name, 0, mass, edge)
    probability = r"$2\sigma$" if abs(level[0] - 0.9545) < 1e-4 else f"{100 * level[0]:g} % CL"
    handles = [
        Patch(facecolor=SKY, alpha=0.45, edgecolor=BLUE, label=f"COHERENT excluded ({probability})"),
        Patch(facecolor=ORANGE, alpha=0.55, label=r"$(g-2)_\mu$ favoured ($2\sigma$)"),
    ]
    if panel.best_fit:
        mark: Any = {"marker": "x", "color": BLACK, "markersize": 5, "linestyle": "none"}
        handles += ax.plot(*panel.best_fit, **mark, label="best fit", clip_on=False)
        curves.add("fig2", "best fit", 0, *([value] for value in panel.best_fit))
    ax.legend(handles=handles, loc="upper left")
    ax.set(xscale="log", yscale="log", xlabel=label(grid.names[0]), ylabel=label(grid.names[1]))
    ax.set(xlim=(mass[0], mass[-1]), ylim=(coupling[0], coupling[-1]))
    _warn(figure, [panel])
    return figure, curves.columns


def _region(ax: Axes, curves: _Curves, name: str, panel: Panel) -> None:
    """An allowed region filled and outlined, the standard model and the best fit marked."""
    grid, level = panel.grid, panel.level
    x, y = grid.axes
    ax.contourf(x, y, grid.delta_chi2.T, levels=[-np.inf, threshold(*level)], colors=[SKY], alpha=0.45)
    _outline(ax, curves, name, panel.contours, level, color=BLUE)
    if all(parameter(name).zero_is_standard_model for name in grid.names):
        ax.plot(0, 0, marker="+", color=BLACK, linestyle="none", label="SM")
        curves.add(name, "SM", 0, [0.0], [0.0])
    if panel.best_fit:
        ax.plot(*panel.best_fit, marker="x", color=VERMILION, linestyle="none", label="best fit", clip_on=False)
        curves.add(name, "best fit", 0, *([value] for value in panel.best_fit))
    if grid.log[0]:
        ax.set_xscale("log")
    if grid.log[1]:
        ax.set_yscale("log")
    ax.set(xlabel=label(grid.names[0]), ylabel=label(grid.names[1]), xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def draw_regions(panels: Mapping[str, Panel]) -> Drawn:
    """Allowed regions of two parameters each: one panel (Fig. 4, and any other pair), or rows of two (Fig. 3)."""
    curves = _Curves()
    if len(panels) == 1:
        figure, ax = _new(height=3.1)
        (name, panel), *_ = panels.items()
        _region(ax, curves, name, panel)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="upper right")
        _warn(figure, panels.values())
        return figure, curves.columns
    rows = -(-len(panels) // 2)
    with mpl.rc_context(SMALL_PANELS):
        figure, axes = _new(height=1.65 * rows, nrows=rows, ncols=2)
        for i, (ax, (name, panel)) in enumerate(zip(axes.flat, panels.items(), strict=False)):
            _region(ax, curves, name, panel)
            ax.text(0.05, 0.06, f"({chr(ord('a') + i)})", transform=ax.transAxes)
            ax.locator_params(nbins=4)
        axes.flat[len(panels) - 2].legend(loc="lower right")  # where Fig. 3 has room
        for ax in axes.flat[len(panels) :]:
            ax.remove()
        _warn(figure, panels.values())
    return figure, curves.columns


def draw_domain_sensitivity(table: Mapping[str, Any], published: Mapping[str, tuple[float, float]]) -> Drawn:
    """Ends of the allowed ranges against the bound on the profiled parameters, published values as lines."""
    parameters = list(dict.fromkeys(table["parameter"]))
    figure, axes = _new(height=2.1 * len(parameters) + 0.6, nrows=len(parameters), sharex=True, squeeze=False)
    curves = _Curves()
    column = {name: np.array(values) for name, values in table.items()}
    styles = {2: (BLUE, "-"), 1: (VERMILION, "--")}
    levels = sorted(set(zip(table["n_dof"], table["delta_chi2"], strict=True)), reverse=True)
    for ax, name in zip(axes.flat, parameters, strict=True):
        for n_dof, level in levels:
            color, style = styles.get(n_dof, (GREY, ":"))
            for i, side in enumerate(("lower", "upper")):
                rows = (column["parameter"] == name) & (column["n_dof"] == n_dof) & (column["side"] == side)
                rows &= column["delta_chi2"] == level
                reach = column["ends_at_grid"] == "yes"
                for kind, of_kind, width in (("", rows & ~reach, None), (", only the reach", rows & reach, 0.5)):
                    x, y = column["bound"][of_kind], column["end"][of_kind]
                    text = rf"$\Delta\chi^2={level:.2f}$" if i == 0 and not kind else None
                    mark = "." if x.size == 1 else ""  # a line of one point is not seen
                    line = {"color": GREY if kind else color, "linestyle": style, "linewidth": width, "marker": mark}
                    ax.plot(x, y, label=text, **line)
                    curves.add(name, f"delta chi2 {level:.2f}, {n_dof:g} dof, {side}{kind}", 0, x, y)
        for i, value in enumerate(published.get(name, ())):
            ax.axhline(value, color=GREY, linewidth=0.9, linestyle=":", label=None if i else "Eq. (12)")
        ax.set(ylabel=f"ends of {label(name)}")
    if (column["ends_at_grid"] == "yes").any():
        axes[0, 0].plot([], [], color=GREY, linewidth=0.5, label="reach, no limit")
    axes[0, 0].legend(loc="center right")
    axes[-1, 0].set(xlabel=r"bound on $|\epsilon^{uV}|$ and $|\epsilon^{dV}|$", xlim=(0, None))
    return figure, curves.columns
