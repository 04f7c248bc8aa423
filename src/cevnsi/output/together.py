"""Figures of one parameter, and those that show several analyses together, each a line of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_scan
from cevnsi.files.tables import BEST_FITS, RANGES, read_parquet, read_table
from cevnsi.output.figures import (
    COLUMN_WIDTH_IN,
    LINES,
    MOST_OF_AXIS,
    OF_QUANTILE,
    OF_TOYS,
    Covered,
    Curves,
    Drawn,
    Panel,
    covered_files,
    dataset_title,
    fill,
    frame,
    label,
    level_text,
    mark_standard_model,
    new_figure,
    outline,
    read_covered,
    read_panel,
    say_how,
    warn,
)
from cevnsi.output.looks import BLACK, BLUE, GREY, SILVER, SKY, Look, Looks, looks_of
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.regions import Grid, over
from cevnsi.statistics.thresholds import threshold

HEIGHT_OF_LINES = 9.0  # of delta chi2 that is drawn, three standard deviations; more where a level is higher
WITHOUT_A_BOUND = 2.0  # of the widest bound: where ends without one are drawn
SIDE_BY_SIDE_IN = 2 * COLUMN_WIDTH_IN + 0.2


def title_of(datasets: Sequence[str]) -> str:
    """Data sets as a legend has them.

    >>> title_of(["csi_2021", "lar_2020"])
    'CsI 2021 + LAr 2020'
    """
    return " + ".join(map(dataset_title, datasets))


@dataclass(frozen=True, kw_only=True)
class Along:
    """Delta chi2 against one parameter, with the levels that limits are at, and the best fit if there is one."""

    grid: Grid
    levels: Sequence[tuple[float, int]]
    best_fit: float | None = None
    covered: Covered | None = None  # limits are at these critical values, too, if there are any


def along(scan: Scan, grid: Grid, name: str, best_fits: Mapping[str, Any], covered: Covered | None = None) -> Along:
    """A line from a grid and the columns of best_fits.csv; no best fit is marked where a wide set is as good.

    Where delta chi2 is from the least, that is the best fit's and not that of the grid's points.
    """
    i = best_fits["grid"].index(name)
    flat = np.array([best_fits["flat_from"][i], best_fits["flat_to"][i]])
    known = np.ptp(grid.scaled(0, flat)) <= MOST_OF_AXIS * np.ptp(grid.coordinate(0))
    above = best_fits["grid_excess"][i] if scan.reference == "minimum" else 0.0
    return Along(
        grid=replace(grid, delta_chi2=grid.delta_chi2 + above),
        levels=scan.drawn_levels(),
        best_fit=float(best_fits["value"][i]) if known else None,
        covered=covered,
    )


def read_lines(
    panels: Mapping[str, Sequence[str]], sections: Mapping[str, Any], files: Any
) -> dict[str, dict[str, Along]]:
    """Lines of each parameter from grids and best fits, `panels` says of which analyses.

    Files are in the order of panels, and of analyses within each. TableError of files that are not sound.
    """
    found: dict[str, dict[str, Along]] = {}
    scan_of = {grid: scan for scan in (parse_scan(*item) for item in sections.items()) for grid in scan.drawn()}
    places = [(grid, analysis) for grid, analyses in panels.items() for analysis in analyses]
    critical = getattr(files, "covered", [""] * len(places))  # of the figures of coverage/ alone
    for (name, analysis), grid_file, fits, path in zip(places, files.grids, files.best_fits, critical, strict=True):
        scan = scan_of[name]
        grid = as_grid(scan, name, read_parquet(grid_file, ["delta_chi2"])["delta_chi2"])
        covered = read_covered(scan, name, grid.delta_chi2.shape, path) if path else None
        found.setdefault(name, {})[analysis] = along(scan, grid, name, read_table(fits, BEST_FITS), covered)
    return found


def read_planes(
    panels: Mapping[str, Sequence[str]], sections: Mapping[str, Any], files: Any
) -> dict[str, dict[str, Panel]]:
    """The same of planes, from grids and their contours, too; TableError of files that are not sound."""
    found: dict[str, dict[str, Panel]] = {}
    scan_of = {grid: scan for scan in (parse_scan(*item) for item in sections.items()) for grid in scan.pairs()}
    places = [(grid, analysis) for grid, analyses in panels.items() for analysis in analyses]
    of_grids, covered = zip(files.grids, files.contours, strict=True), covered_files(files, len(places))
    for (name, analysis), own, fits, ranges, both in zip(
        places, of_grids, files.best_fits, files.ranges, covered, strict=True
    ):
        tables = read_table(fits, BEST_FITS), read_table(ranges, RANGES)
        found.setdefault(name, {})[analysis] = read_panel(scan_of[name], name, own, *tables, both)
    return found


def draw_along(ax: Axes, curves: Curves, name: str, lines: Mapping[str, Along], looks: Looks) -> None:
    """Lines of one parameter, by analysis."""
    first = next(iter(lines.values()))
    levels = list(dict.fromkeys(level for line in lines.values() for level in line.levels))
    top = max(HEIGHT_OF_LINES, *(1.5 * threshold(*level) for level in levels))
    for analysis, line in lines.items():
        color, style = looks[analysis]
        (x,) = line.grid.axes
        ax.plot(x, line.grid.delta_chi2, color=color, linestyle=style)
        curves.add(name, f"{analysis}, delta chi2", 0, x, line.grid.delta_chi2)
        if line.best_fit is not None:
            ax.plot(line.best_fit, 0, marker="|", color=color, markersize=9, clip_on=False)
            curves.add(name, f"{analysis}, best fit", 0, [line.best_fit], [0.0])
        for probability, critical in (line.covered.critical if line.covered else {}).items():
            ax.plot(x, critical, color=color if len(looks) > 1 else BLACK, linewidth=0.9, **OF_TOYS)
            curves.add(name, f"{analysis}, {OF_TOYS['label']}, {probability:g} CL", 0, x, critical)
    for level in levels:
        height = threshold(*level)
        thin = OF_QUANTILE["linestyle"] if any(line.covered for line in lines.values()) else ":"
        ax.axhline(height, color=GREY, linewidth=0.7, linestyle=thin)
        above: Any = {"xytext": (-2, 1.5), "textcoords": "offset points", "xycoords": ("axes fraction", "data")}
        ax.annotate(level_text(level[0]), (1, height), ha="right", color=GREY, fontsize="x-small", **above)
    (axis,) = first.grid.names
    low, high = (f(line.grid.axes[0][i] for line in lines.values()) for f, i in ((min, 0), (max, -1)))
    if parameter(axis).zero_is_standard_model and low <= 0 <= high:
        ax.axvline(0, color=GREY, linewidth=0.5)
    if first.grid.log[0]:
        ax.set_xscale("log")
    ax.set(xlim=(low, high), ylim=(0, top), xlabel=label(axis), ylabel=r"$\Delta\chi^2$")


def draw_line(name: str, line: Along) -> Drawn:
    """Delta chi2 of one analysis against one parameter."""
    figure, ax = new_figure(height=2.6 if line.covered else 2.4)
    curves = Curves()
    draw_along(ax, curves, name, {name: line}, {name: (BLUE, "-")})
    if line.covered:
        handles = [Line2D([], [], color=BLACK, **OF_TOYS), Line2D([], [], color=GREY, **OF_QUANTILE)]
        figure.legend(handles=handles, loc="outside upper center", ncols=2)
        say_how(figure, [line.covered])
    return figure, curves.columns


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Above all panels, on as many lines as it needs."""
    abreast = min(len(handles), 4 if figure.get_figwidth() > COLUMN_WIDTH_IN else 2)
    figure.legend(handles=handles, loc="outside upper center", ncols=abreast, columnspacing=1.4)


def draw_lines(panels: Mapping[str, Mapping[str, Along]], datasets: Mapping[str, Sequence[str]]) -> Drawn:
    """Delta chi2 against each of several parameters, a line for each analysis; `datasets` says what it is of."""
    curves, looks = Curves(), looks_of(datasets)
    columns = len(panels) if len(panels) <= 3 else 2
    rows = -(-len(panels) // columns)
    width = SIDE_BY_SIDE_IN if columns > 1 else COLUMN_WIDTH_IN
    figure, axes = new_figure(width, 2.3 * rows + 0.4, nrows=rows, ncols=columns, squeeze=False)
    for ax, (name, lines) in zip(axes.flat, panels.items(), strict=False):
        draw_along(ax, curves, name, lines, looks)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    drawn = {title_of(datasets[name]): looks[name] for lines in panels.values() for name in lines}
    handles = [Line2D([], [], color=c, linestyle=s, label=title) for title, (c, s) in drawn.items()]
    both = [line.covered for lines in panels.values() for line in lines.values() if line.covered]
    if both:
        handles += [Line2D([], [], color=GREY, linewidth=0.9, **OF_TOYS), Line2D([], [], color=GREY, **OF_QUANTILE)]
        say_how(figure, both)
    _legend(figure, handles)
    return figure, curves.columns


def _handle(title: str, look: Look, *, filled: bool) -> Any:
    """Of an analysis in the legend of a figure of regions."""
    color, style = look
    if filled:
        return Patch(facecolor=SILVER, edgecolor=color, label=title)
    return Line2D([], [], color=color, linestyle=style, label=title)


def draw_plane(
    ax: Axes,
    curves: Curves,
    name: str,
    panels: Mapping[str, Panel],
    looks: Looks,
    filled: str,
    shaded: str = "allowed",
) -> None:
    """One plane: the region of the analysis that is filled, its allowed or its excluded part, and the lines of all."""
    for analysis, panel in sorted(panels.items(), key=lambda item: item[0] != filled):
        level, (color, style) = panel.levels[0], looks[analysis]
        above, end = (
            (over(panel.grid, panel.covered.critical[level[0]]), 0.0)
            if panel.covered
            else (panel.grid, threshold(*level))
        )
        if analysis == filled:
            fill(ax, above, *((-np.inf, end) if shaded == "allowed" else (end, np.inf)), facecolor=SILVER)
        if panel.covered:
            thin: Any = {"linewidth": OF_QUANTILE["linewidth"], "alpha": 0.7}
            outline(ax, curves, name, panel.contours, level, of=analysis, color=color, linestyle=style, **thin)
            named: Any = {"of": f"{analysis}, {OF_TOYS['label']}", "color": color, "linestyle": style}
            outline(ax, curves, name, panel.covered.contours, (level[0], 2), **named)
        else:
            outline(ax, curves, name, panel.contours, level, of=analysis, color=color, linestyle=style)
    grid = next(iter(panels.values())).grid
    mark_standard_model(ax, curves, name, grid, markersize=5)
    frame(ax, grid)


def plane_handles(
    panels: Mapping[str, Panel],
    datasets: Mapping[str, Sequence[str]],
    looks: Looks,
    filled: str,
) -> list[Any]:
    """What a legend says of the analyses in a plane: those that have a line there, and those that have none."""
    found = []
    for analysis, panel in panels.items():
        none = "" if len(panel.contours["segment"]) else ": no limit here"
        found.append(_handle(title_of(datasets[analysis]) + none, looks[analysis], filled=analysis == filled))
    return found


def method_handles(panels: Iterable[Panel]) -> list[Any]:
    """What a legend says of both thresholds in planes of several analyses, if they show both."""
    if not any(panel.covered for panel in panels):
        return []
    thin = OF_QUANTILE["linewidth"]
    return [
        Line2D([], [], color=GREY, label=OF_TOYS["label"]),
        Line2D([], [], color=GREY, linewidth=thin, label=OF_QUANTILE["label"]),
    ]


def draw_planes(planes: Mapping[str, Mapping[str, Panel]], datasets: Mapping[str, Sequence[str]], filled: str) -> Drawn:
    """Allowed regions in several planes, a line for each analysis; `datasets` says what each is of."""
    curves, looks = Curves(), looks_of(datasets)
    columns = min(len(planes), 2)
    rows = -(-len(planes) // columns)
    width = SIDE_BY_SIDE_IN if columns > 1 else COLUMN_WIDTH_IN
    figure, axes = new_figure(width, 3.0 * rows + 0.3, nrows=rows, ncols=columns, squeeze=False)
    handles: dict[str, Any] = {}
    for i, (ax, (name, panels)) in enumerate(zip(axes.flat, planes.items(), strict=False)):
        draw_plane(ax, curves, name, panels, looks, filled)
        handles |= {each.get_label(): each for each in plane_handles(panels, datasets, looks, filled)}
        if len(planes) > 1:
            ax.text(0.04, 0.05, f"({chr(ord('a') + i)})", transform=ax.transAxes)
    for ax in axes.flat[len(planes) :]:
        ax.remove()
    level = next(iter(next(iter(planes.values())).values())).levels[0]
    sm = Line2D([], [], marker="+", color=BLACK, linestyle="none", label="standard model")
    axes.flat[0].set_title(level_text(level[0]), loc="left", fontsize="small")
    shown = [panel for panels in planes.values() for panel in panels.values()]
    marked = [sm] if "SM" in curves.columns["curve"] else []
    _legend(figure, [*handles.values(), *marked, *method_handles(shown)])
    warn(figure, shown)
    return figure, curves.columns


def draw_mediator(
    name: str,
    panels: Mapping[str, Panel],
    datasets: Mapping[str, Sequence[str]],
    filled: str,
    band: tuple[FloatArray, FloatArray] | None = None,
) -> Drawn:
    """Mass and coupling of a mediator: what the analysis that is filled excludes, a line for each.

    With couplings by mass that the muon's g-2 wants, least and greatest, (masses,) each, if there is such a band.
    """
    curves, looks = Curves(), looks_of(datasets)
    figure, ax = new_figure(height=3.5)
    draw_plane(ax, curves, name, panels, looks, filled, "excluded")
    (mass, coupling), level = next(iter(panels.values())).grid.axes, next(iter(panels.values())).levels[0]
    handles = plane_handles(panels, datasets, looks, filled)
    if band:
        ax.fill_between(mass, *np.maximum(band, coupling[0]), color=SKY, alpha=0.6, linewidth=0)
        for edge_name, edge in zip(("muon g-2, lower", "muon g-2, upper"), band, strict=True):
            curves.add(name, edge_name, 0, mass, edge)
        handles.append(Patch(facecolor=SKY, alpha=0.6, label=r"$(g-2)_\mu$ favoured ($2\sigma$)"))
    ax.set_title(f"excluded where shaded, {level_text(level[0])}", loc="left", fontsize="small")
    handles += method_handles(panels.values())
    _legend(figure, handles)
    warn(figure, panels.values())
    return figure, curves.columns


def draw_matter(
    panels: Mapping[str, Panel],
    datasets: Mapping[str, Sequence[str]],
    filled: str,
    published: Mapping[str, tuple[float, float]],
) -> Drawn:
    """The effective matter parameters, a line for each analysis, with the published range of each."""
    curves, looks = Curves(), looks_of(datasets)
    figure, ax = new_figure(height=3.6)
    draw_plane(ax, curves, "matter", panels, looks, filled)
    grid, level = next(iter(panels.values())).grid, next(iter(panels.values())).levels[0]
    ends = [published[name] for name in grid.names]
    corners = [(ends[0][i], ends[1][j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
    ax.plot(*zip(*corners, strict=True), color=GREY, linestyle=":", linewidth=1.0)
    curves.add("matter", "Eq. 12 of arXiv:1708.04255", 0, *zip(*corners, strict=True))
    box = Line2D([], [], color=GREY, linestyle=":", label="Eq. (12) of arXiv:1708.04255")
    sm = Line2D([], [], marker="+", color=BLACK, linestyle="none", label="standard model")
    ax.set_title(level_text(level[0]), loc="left", fontsize="small")
    _legend(figure, [*plane_handles(panels, datasets, looks, filled), box, sm, *method_handles(panels.values())])
    warn(figure, panels.values())
    return figure, curves.columns


def _ends_along(ax: Axes, curves: Curves, what: str, ends: FloatArray, reach: FloatArray, line: Any) -> None:
    """Ends (bounds, 2) against bounds, the last of which is none: limits, and in thin lines what is only the reach."""
    bound, end = ends.T
    last = bound[-2] * WITHOUT_A_BOUND
    for only_reach, width in ((False, 1.3), (True, 0.5)):
        drawn = (reach == only_reach) & np.isfinite(bound)
        ax.plot(bound[drawn], end[drawn], **line | {"linewidth": width})
        panel, name = what.split(": ")
        curves.add(panel, f"{name}{', only the reach' if only_reach else ''}", 0, bound[drawn], end[drawn])
    is_open = bool(reach[-1])
    mark: Any = {"marker": ("^" if end[-1] > 0 else "v") if is_open else "o", "markersize": 3.5, "linestyle": "none"}
    ax.plot(last, end[-1], color=line["color"], markerfacecolor="none" if is_open else line["color"], **mark)
    curves.add(panel, f"{name}, no bound{', none found' if is_open else ''}", 0, [last], [end[-1]])


def draw_domain_ends(
    ends: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, Sequence[str]],
    published: Mapping[str, tuple[float, float]],
) -> Drawn:
    """Ends of matter parameters against the bound on what is minimised over, by analysis: `tables.DOMAIN_ENDS` of each.

    Points at the right are ends without a bound, open ones where none was found as far as was looked.
    """
    parameters = list(dict.fromkeys(name for table in ends.values() for name in table["parameter"]))
    figure, axes = new_figure(height=2.2 * len(parameters) + 0.9, nrows=len(parameters), sharex=True, squeeze=False)
    curves, looks = Curves(), looks_of(datasets)
    columns = {name: {key: np.array(values) for key, values in table.items()} for name, table in ends.items()}
    levels = sorted({level for table in columns.values() for level in table["delta_chi2"]}, reverse=True)
    for ax, name in zip(axes[:, 0], parameters, strict=True):
        for analysis, column in columns.items():
            for (i, level), side in product(enumerate(levels), ("lower", "upper")):
                rows = (column["parameter"] == name) & (column["side"] == side) & (column["delta_chi2"] == level)
                found = np.column_stack([column["bound"][rows].astype(float), column["end"][rows]])
                line: Any = {"color": looks[analysis][0], "linestyle": LINES[i]}
                what = f"{name}: {analysis}, delta chi2 {level:.2f}, {side}"
                _ends_along(ax, curves, what, found, column["ends_at_grid"][rows] == "yes", line)
        for value in published.get(name, ()):
            ax.axhline(value, color=GREY, linewidth=0.9, linestyle=":")
        ax.set(ylabel=f"ends of {label(name)}", xscale="log")
        ax.set_yscale("symlog", linthresh=1.0)
        ax.margins(y=0.08)
        ax.yaxis.set_major_formatter("{x:g}")
    bounds = next(iter(columns.values()))["bound"].astype(float)
    finite = sorted(set(bounds[np.isfinite(bounds)]))
    ticks = [*finite, finite[-1] * WITHOUT_A_BOUND]
    axes[-1, 0].set_xticks(ticks, [*(f"{bound:.3g}" for bound in finite), "none"])
    axes[-1, 0].minorticks_off()
    axes[-1, 0].set(xlabel=r"bound on $|\epsilon^{uV}|$ and $|\epsilon^{dV}|$")
    handles = [Line2D([], [], color=looks[name][0], label=title_of(datasets[name])) for name in ends]
    styles: Any = zip(levels, LINES, strict=False)
    for level, style in styles:
        handles.append(Line2D([], [], color=GREY, linestyle=style, label=rf"$\Delta\chi^2={level:.2f}$"))
    handles.append(Line2D([], [], color=GREY, linestyle=":", label="Eq. (12) of arXiv:1708.04255"))
    _legend(figure, handles)
    return figure, curves.columns
