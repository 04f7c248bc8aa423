"""The paper's figures that no other study draws: spectra, the light mediator's exclusion, and Eq. 12 by its domain."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cevnsi.arrays import FloatArray
from cevnsi.output.figures import (
    LABELS,
    LINES,
    SMALL_PANELS,
    Curves,
    Drawn,
    Panel,
    fill,
    label,
    level_text,
    new_figure,
    outline,
    say_if_flat,
    warn,
)
from cevnsi.output.looks import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION
from cevnsi.statistics.thresholds import threshold


def mediator_caption(mediator_mass_mev: float, coupling: float) -> str:
    """A light mediator's mass and coupling in the paper's notation."""
    factor, exponent = map(float, f"{coupling:.2e}".split("e"))
    power = rf"10^{{{exponent:.0f}}}"
    if factor != 1:
        power = rf"{factor:g}\times {power}" if factor else "0"
    return rf"$M_{{Z'}}={mediator_mass_mev:g}$ MeV, $g={power}$"


def draw_spectrum(spectra: Mapping[str, Any], caption: str) -> Drawn:
    """Fig. 1: events against photoelectrons, cumulative by flavor, SM dashed and a light mediator solid.

    spectra has the columns of spectra.csv.
    """
    figure, ax = new_figure()
    curves = Curves()
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
    widths = np.unique(np.round(np.diff(edges), 9))
    ylabel = f"Events / {widths[0]:g} PE" if widths.size == 1 else "Events / bin"
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.08 * top), xlabel=LABELS["photoelectrons"], ylabel=ylabel)
    return figure, curves.columns


def draw_exclusion(panel: Panel, g2: tuple[FloatArray, FloatArray]) -> Drawn:
    """Fig. 2: the excluded part of mass and coupling, log-log, with the band that explains the muon's moment.

    Least and greatest coupling of that are (masses,), at the masses of the grid.
    """
    figure, ax = new_figure(height=3.0)
    curves = Curves()
    grid, levels = panel.grid, panel.levels
    mass, coupling = grid.axes
    for level, line in zip(levels, cycle(LINES)):
        fill(ax, grid, threshold(*level), np.inf, facecolor=SKY, alpha=0.45 / len(levels))
        outline(ax, curves, "fig2", panel.contours, level, color=BLUE, linestyle=line)
    say_if_flat(ax, grid)
    ax.fill_between(mass, *np.maximum(g2, coupling[0]), color=ORANGE, alpha=0.55, linewidth=0)
    for name, edge in zip(("muon g-2, lower", "muon g-2, upper"), g2, strict=True):
        ax.plot(mass, np.maximum(edge, coupling[0]), color=ORANGE, linewidth=0.8, linestyle="-.")
        curves.add("fig2", name, 0, mass, edge)
    probability = level_text(levels[0][0])
    handles = [
        Patch(facecolor=SKY, alpha=0.45, edgecolor=BLUE, label=f"excluded ({probability})"),
        Patch(facecolor=ORANGE, alpha=0.55, label=r"$(g-2)_\mu$ favoured ($2\sigma$)"),
    ]
    for (confidence_level, _), line in list(zip(levels, cycle(LINES)))[1:]:
        handles += ax.plot([], [], color=BLUE, linestyle=line, label=level_text(confidence_level))
    if panel.best_fit:
        mark: Any = {"marker": "x", "color": BLACK, "markersize": 5, "linestyle": "none"}
        handles += ax.plot(*panel.best_fit, **mark, label="best fit", clip_on=False)
        curves.add("fig2", "best fit", 0, *([value] for value in panel.best_fit))
    ax.legend(handles=handles, loc="upper left")
    ax.set(xscale="log", yscale="log", xlabel=label(grid.names[0]), ylabel=label(grid.names[1]))
    ax.set(xlim=(mass[0], mass[-1]), ylim=(coupling[0], coupling[-1]))
    warn(figure, [panel])
    return figure, curves.columns


def draw_domain_sensitivity(table: Mapping[str, Any], published: Mapping[str, tuple[float, float]]) -> Drawn:
    """Ends of the allowed ranges against the bound on what is minimised over, published values as lines."""
    parameters = list(dict.fromkeys(table["parameter"]))
    figure, axes = new_figure(height=2.1 * len(parameters) + 0.6, nrows=len(parameters), sharex=True, squeeze=False)
    curves = Curves()
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


MAP_LEVELS = np.linspace(0, 0.5, 11)  # of the miss; the tolerance of Eq. 12 is one of them
AT_REACH = "edge of where an end is only the reach"
BEST_MARKS = {"any": "x", "limits": "s", "symmetric": "o"}
BEST_NAMES = {"any": "least miss", "limits": "least with four limits", "symmetric": "least of symmetric ones"}


def _best_marks(ax: Any, curves: Curves, panel: str, best: Mapping[str, Any], rows: Any) -> None:
    """The best domain of each kind, and as a line those with another lower bound that are as good as the first."""
    for i in np.flatnonzero(rows):
        kind, at = best["kind"][i], (float(best["lower_bound"][i]), float(best["upper_bound"][i]))
        ax.plot(*at, marker=BEST_MARKS[kind], color=BLACK, markerfacecolor="none", linestyle="none", zorder=3)
        curves.add(panel, BEST_NAMES[kind], 0, at[:1], at[1:])
        if kind == "any":
            as_good = [float(best[name][i]) for name in ("lower_from", "lower_to")]
            ax.plot(as_good, [at[1]] * 2, color=BLACK, linewidth=0.7)
            curves.add(panel, "as good", 0, as_good, [at[1]] * 2)


def _map_panel(ax: Any, curves: Curves, panel: str, column: Mapping[str, Any], tolerance: float) -> Any:
    """The miss as a filled map, and lines where it is the tolerance and where an end starts to be only the reach."""
    lower, upper = (np.unique(column[name]) for name in ("lower_bound", "upper_bound"))
    shape = (lower.size, upper.size)  # in the order of the rows
    miss = column["miss"].reshape(shape)
    reach = (column["at_reach"] != "").reshape(shape).astype(float)
    filled = ax.contourf(lower, upper, miss.T, levels=MAP_LEVELS, cmap="cividis_r", extend="max")
    drawn: Any = ((f"miss {tolerance:g}", miss, tolerance, VERMILION, "-"), (AT_REACH, reach, 0.5, "white", ":"))
    for name, values, height, color, style in drawn:
        if values.min() < height < values.max():
            line = ax.contour(lower, upper, values.T, levels=[height], colors=[color], linewidths=0.9, linestyles=style)
            for i, points in enumerate(line.allsegs[0]):
                curves.add(panel, name, i, *points.T)
    ax.set(xlim=(lower[0], lower[-1]), ylim=(upper[0], upper[-1]), xlabel="lower bound")
    return filled


def draw_domain_map(table: Mapping[str, Any], best: Mapping[str, Any], tolerance: float) -> Drawn:
    """The largest miss of the ends of Eq. 12 over the lower and the upper bound of a domain, a panel a threshold.

    table has the columns of domain_map.csv, best those of domain_best.csv.
    """
    curves = Curves()
    columns, bests = ({name: np.array(values) for name, values in each.items()} for each in (table, best))
    levels = sorted(set(zip(columns["delta_chi2"].tolist(), columns["n_dof"].tolist(), strict=True)))
    with mpl.rc_context(SMALL_PANELS):
        figure, axes = new_figure(height=2.9, ncols=max(len(levels), 1), sharey=True, squeeze=False)
        if not levels:
            axes[0, 0].text(0.5, 0.5, "the scan is not of Eq. (12)", transform=axes[0, 0].transAxes, ha="center")
            return figure, curves.columns
        for ax, (level, n_dof) in zip(axes.flat, levels, strict=True):
            rows, marked = ((each["delta_chi2"] == level) & (each["n_dof"] == n_dof) for each in (columns, bests))
            panel = f"delta chi2 {level:.2f}, {n_dof:g} dof"
            of_level = {name: values[rows] for name, values in columns.items()}
            filled = _map_panel(ax, curves, panel, of_level, tolerance)
            _best_marks(ax, curves, panel, best, marked)
            if (bests["miss"][marked] > tolerance).all():
                ax.text(0.04, 0.95, f"nowhere within {tolerance:g}", transform=ax.transAxes, va="top", color="white")
            ax.set(title=rf"$\Delta\chi^2={level:.2f}$")
        axes[0, 0].set(ylabel=r"upper bound of each $\epsilon^{uV}$, $\epsilon^{dV}$")
        mark: Any = {"color": BLACK, "markerfacecolor": "none", "linestyle": "none"}
        handles = [Line2D([], [], marker=BEST_MARKS[kind], label=name, **mark) for kind, name in BEST_NAMES.items()]
        handles += [
            Line2D([], [], color=BLACK, linewidth=0.7, label="as good as the least"),
            Line2D([], [], color=VERMILION, linewidth=0.9, label=f"miss {tolerance:g}"),
            Line2D([], [], color=GREY, linewidth=0.9, linestyle=":", label=AT_REACH),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        text = "largest miss of the ends of Eq. (12)"
        figure.colorbar(filled, ax=axes, orientation="horizontal", label=text, aspect=40)
    return figure, curves.columns
