"""Figures of how counts are fitted: the counts, the pulls of the nuisances, and the likelihood of the signal.

Each function takes what a table or best_fit.json holds, and returns a Figure and the curves on it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, NullLocator

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import CONTROL, OBSERVED, STANDARD_MODEL_COUNTS, TOGETHER
from cevnsi.output.figures import (
    COLUMN_WIDTH_IN,
    PAGE_WIDTH_IN,
    Curves,
    Drawn,
    dataset_title,
    label,
    new_figure,
)
from cevnsi.output.looks import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SILVER, SKY, VERMILION, looks_of
from cevnsi.physics.flux import FLAVORS
from cevnsi.statistics.nuisances import SIGNAL

UNIT_LABELS = {"pe": "PE", "kevee": r"keV$_{\mathrm{ee}}$", "f90": "", "us": r"$\mu$s"}

# Backgrounds that a figure of counts knows, in the field's words, from the bottom of the stack on. Two of one colour
# are the same of two experiments.
YELLOW, PALE = "#F0E442", "#BFE3F7"
SAMPLES = {
    "steady_state": ("steady state", SILVER),
    CONTROL: ("background, bin by bin", SILVER),
    "beam_related_neutrons": ("beam-related neutrons", ORANGE),
    "prompt_neutrons": ("prompt neutrons", ORANGE),
    "delayed_neutrons": ("delayed neutrons", YELLOW),
    "neutrino_induced_neutrons": ("neutrino-induced neutrons", GREEN),
}
OTHER_FILLS = (PURPLE, YELLOW, GREY)  # of further backgrounds, one after another
SIGNALS = {  # on top of them, in blues of their own
    "nu_mu": (r"CEvNS, $\nu_\mu$ (prompt)", BLUE),
    "nu_mu_bar": (r"CEvNS, $\bar\nu_\mu$ (delayed)", SKY),
    "nu_e": (r"CEvNS, $\nu_e$ (delayed)", PALE),
}
BEST_FIT, STANDARD_MODEL = "best fit", "standard model fit"
OF_STANDARD_MODEL: Any = {"color": VERMILION, "linestyle": (0, (3.0, 1.8))}


def _stack(fitted: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """What each component in tables of fitted_counts/ is called, and its colour, in the order of the stack."""
    found = dict.fromkeys(name for table in fitted for name in table["component"])
    others, fills = [name for name in found if name not in (*SAMPLES, *FLAVORS, SIGNAL, OBSERVED)], cycle(OTHER_FILLS)
    known = {name: look for name, look in SAMPLES.items() if name in found}
    return known | {name: (name.replace("_", " "), next(fills)) for name in others} | SIGNALS


def _axes_of(table: Mapping[str, Any]) -> list[str]:
    """Axes of the bins of a table, by their units."""
    return [axis for axis in UNIT_LABELS if f"bin_low_{axis}" in table]


def _per(axis: str, edges: FloatArray) -> tuple[FloatArray | float, str]:
    """What counts in bins of an axis are divided by, and how that is said: nothing where all bins are as wide."""
    widths, unit = np.diff(edges), UNIT_LABELS[axis]
    if np.ptp(np.round(widths, 9)) == 0:
        return 1.0, f"{round(widths[0], 9):g} {unit}".strip()
    return widths, unit or f"unit of {label(axis)}"


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Counts of one data set by bin of one axis, (bins,) each, summed over the other axes."""

    edges: FloatArray  # (bins + 1,), in the unit of the axis
    components: Mapping[str, FloatArray]  # of the best fit, from the bottom of the stack on
    standard_model: FloatArray  # all that its fit expects
    observed: FloatArray

    @property
    def centre(self) -> FloatArray:
        """Of each bin, (bins,)."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def best_fit(self) -> FloatArray:
        """All that the best fit expects, (bins,)."""
        return np.asarray(np.sum(list(self.components.values()), axis=0))

    def residuals(self, counts: FloatArray) -> FloatArray:
        """Counts (bins,) less the best fit over its root, (bins,); not numbers where that expects nothing."""
        expected = self.best_fit
        return np.asarray((counts - expected) / np.sqrt(np.where(expected > 0, expected, np.nan)))


def projected(table: Mapping[str, Any], axis: str, names: Iterable[str]) -> Projection:
    """Those of the columns of a table of fitted_counts/; names are those of components in the order of a stack."""
    edges = np.unique([*table[f"bin_low_{axis}"], *table[f"bin_high_{axis}"]])
    component = np.array(table["component"])

    def counts(name: str, column: str = "counts") -> FloatArray:
        rows = component == name
        low, values = np.asarray(table[f"bin_low_{axis}"])[rows], np.asarray(table[column])[rows]
        return np.asarray(np.histogram(low, edges, weights=values)[0], float)

    stacked = [name for name in names if name in component]
    return Projection(
        edges=edges,
        components={name: counts(name) for name in stacked},
        standard_model=np.asarray(np.sum([counts(name, STANDARD_MODEL_COUNTS) for name in stacked], axis=0)),
        observed=counts(OBSERVED),
    )


POINTS: Any = {"color": BLACK, "linestyle": "none", "marker": "o", "markersize": 2.6, "elinewidth": 0.8}


def _draw_counts_of(
    ax: Axes, curves: Curves, panel: str, shown: Projection, looks: Mapping[str, Any], per: Any
) -> None:
    """What is observed over the stacked best fit, and the standard model's fit as a line, all divided by `per`."""
    edges, total = shown.edges, np.zeros(shown.edges.size - 1)
    for name, counts in shown.components.items():
        title, color = looks[name]
        ax.stairs((total + counts) / per, edges, baseline=total / per, fill=True, label=title, color=color)
        curves.add(panel, name, 0, shown.centre, counts / per)
        total = total + counts
    curves.add(panel, "cevns", 0, shown.centre, sum(shown.components[name] for name in SIGNALS) / per)
    line: Any = {"baseline": None, "linewidth": 1.0}
    ax.stairs(total / per, edges, color=BLACK, label=BEST_FIT, **line)
    ax.stairs(shown.standard_model / per, edges, label=STANDARD_MODEL, **line, **OF_STANDARD_MODEL)
    curves.add(panel, "standard_model", 0, shown.centre, shown.standard_model / per)
    seen, error, half = shown.observed / per, np.sqrt(shown.observed) / per, np.diff(edges) / 2
    ax.errorbar(shown.centre, seen, error, label=r"observed, $\pm\sqrt{n}$", **POINTS)
    for name, values in {"observed": seen, "observed_error": error, "half_width": half}.items():
        curves.add(panel, name, 0, shown.centre, values)
    ax.set(xlim=edges[[0, -1]], ylim=(0, None))


LEAST_RESIDUALS = 2.8  # that the axis of residuals has room for, either side


def _draw_residuals(ax: Axes, curves: Curves, panel: str, shown: Projection) -> float:
    """What is observed less the best fit, over its root, by bin; the standard model's fit likewise; and the largest."""
    of = {"residual": shown.residuals(shown.observed), "standard_model_residual": shown.residuals(shown.standard_model)}
    ax.axhspan(-1, 1, color=SILVER, alpha=0.4, linewidth=0)
    ax.axhline(0, color=BLACK, linewidth=0.7)
    ax.stairs(of["standard_model_residual"], shown.edges, baseline=None, linewidth=1.0, **OF_STANDARD_MODEL)
    ax.plot(shown.centre, of["residual"], **{name: look for name, look in POINTS.items() if name != "elinewidth"})
    for name, values in of.items():
        known = np.isfinite(values)
        curves.add(panel, name, 0, shown.centre[known], values[known])
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, symmetric=True))
    return float(np.nanmax(np.abs(list(of.values())), initial=0.0))


def _legend(row: SubFigure, ax: Axes, title: str, columns: int) -> None:
    """Above the panels of a data set, read as the stack is: from the top."""
    handles, said = (list(reversed(each)) for each in ax.get_legend_handles_labels())
    first = {BEST_FIT: 1, STANDARD_MODEL: 2}  # after what is observed
    order = sorted(range(len(said)), key=lambda i: first.get(said[i], 0 if i == 0 else 3))
    row.legend(
        [handles[i] for i in order],
        [said[i] for i in order],
        loc="outside upper center",
        ncols=columns,
        columnspacing=1.4,
        borderpad=0.2,
        **({"title": title, "title_fontsize": 10} if title else {}),
    )


def draw_counts(fitted: Mapping[str, Mapping[str, Any]]) -> Drawn:
    """Observed counts over the best fit as a stack, with residuals below: of each data set a row, of each axis a panel.

    fitted has by data set the columns of fitted_counts/<dataset>.csv. Where bins of an axis differ in width, counts are
    those per unit of it; residuals are of counts by bin.
    """
    curves, looks = Curves(), _stack(fitted.values())
    wide = max(len(_axes_of(table)) for table in fitted.values()) > 1
    width, height = (PAGE_WIDTH_IN, 3.3) if wide else (COLUMN_WIDTH_IN, 3.6)
    figure = Figure(figsize=(width, height * len(fitted)))
    rows = figure.subfigures(len(fitted), 1, squeeze=False)[:, 0]
    for row, (name, table) in zip(rows, fitted.items(), strict=True):
        axes = _axes_of(table)
        panels = row.subplots(2, len(axes), squeeze=False, sharex="col", height_ratios=(3, 1))
        most = LEAST_RESIDUALS
        for (upper, lower), axis in zip(panels.T, axes, strict=True):
            panel = f"{name}, {axis}" if len(fitted) > 1 else axis
            shown = projected(table, axis, looks)
            per, said = _per(axis, shown.edges)
            _draw_counts_of(upper, curves, panel, shown, looks, per)
            most = max(most, 1.15 * _draw_residuals(lower, curves, panel, shown))
            upper.set_ylabel(f"Counts / {said}")
            lower.set_xlabel(label(axis))
        for lower in panels[1]:
            lower.set_ylim(-most, most)
        panels[1, 0].set_ylabel(r"$(n-\mu)/\sqrt{\mu}$", fontsize=8.5)
        row.align_ylabels()
        _legend(row, panels[0, 0], dataset_title(name) if len(fitted) > 1 else "", 3 if wide else 2)
    return figure, curves.columns


NUISANCE_UNITS = {"us": r"$\mu$s"}  # at the end of a name


def _nuisance_title(name: str) -> tuple[str, str]:
    """A nuisance as a row has it, and its unit.

    >>> _nuisance_title("time_offset_us")[0], _nuisance_title("argon_signal"), _nuisance_title("f90")
    ('time offset', ('argon signal', ''), ('F90', ''))
    """
    *words, last = name.split("_")
    if words and last in NUISANCE_UNITS:
        return " ".join(words), NUISANCE_UNITS[last]
    return SAMPLES[name][0] if name in SAMPLES else name.replace("_", " ").replace("f90", "F90"), ""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """How the nuisances of one fit are drawn."""

    name: str  # in the csv
    title: str
    fit: Mapping[str, Mapping[str, Any]]  # nuisances of best_fit.json, by name
    of_all: bool  # data sets
    raised: Mapping[str, float]  # of each of them, over the middle of its row
    marker: str
    color: str
    filled: bool


LIGHT_BLUE, LIGHT_VERMILION = "#8FC1E0", "#F2B48C"


def _raised(records: Iterable[Mapping[str, Any]], side: float) -> list[dict[str, float]]:
    """How far nuisances of fits are from the middle of their rows, so that two of one name do not cover each other."""
    found: list[dict[str, float]] = []
    for record in records:
        found.append({name: side * (0.29 + 0.15 * sum(name in other for other in found)) for name in record})
    return found


def _looks_of_fits(fits: Mapping[str, Any]) -> list[_Look]:
    """The fits of best_fit.json, those of all data sets last, so that they lie on top."""
    alone = fits["datasets"] if len(fits["datasets"]) > 1 else {}
    whole, together, looks = fits[TOGETHER], ", together" if alone else "", []
    for key, title, light, dark, side in (
        ("best_fit", BEST_FIT, LIGHT_BLUE, BLUE, 1.0),
        ("standard_model", STANDARD_MODEL, LIGHT_VERMILION, VERMILION, -1.0),
    ):
        filled = key == "best_fit"
        found = [(record if filled else record[key])["nuisances"] for record in (*alone.values(), whole)]
        for name, marker, fit, raised in zip(alone, cycle("^v<>"), found, _raised(found[:-1], side), strict=False):
            look: Any = {"fit": fit, "raised": raised, "marker": marker, "color": light, "filled": filled}
            said = f"{dataset_title(name)} alone" if filled else ""
            looks.append(_Look(name=f"{name}, {key}", title=said, of_all=False, **look))
        look = {
            "fit": found[-1],
            "raised": dict.fromkeys(found[-1], (0.1 if alone else 0.16) * side),
            "color": dark,
            "filled": filled,
        }
        looks.append(_Look(name=key, title=f"{title}{together}", of_all=True, marker="o" if filled else "s", **look))
    return sorted(looks, key=lambda look: look.of_all)


def _draw_pulls_of(ax: Axes, curves: Curves, look: _Look, rows: Mapping[str, float]) -> None:
    """The pulls of one fit, each with its error over sigma, in the rows of their names."""
    found = {name: each for name, each in look.fit.items() if each["sigma"] is not None}
    y = [rows[name] - look.raised[name] for name in found]
    pulls, errors = ([each[key] / each["sigma"] for each in found.values()] for key in ("value", "error"))
    mark: Any = {"color": look.color, "marker": look.marker, "markersize": 3.4, "markeredgewidth": 0.9}
    mark |= {"linestyle": "none", "elinewidth": 0.9, "markerfacecolor": look.color if look.filled else "white"}
    ax.errorbar(pulls, y, xerr=errors, label=look.title or "_nolegend_", **mark)
    for name, at, pull, error in zip(found, y, pulls, errors, strict=True):
        curves.add(name, look.name, 0, [pull], [at])
        curves.add(name, f"{look.name}_error", 0, [error], [at])


def _write_values(ax: Axes, curves: Curves, look: _Look, rows: Mapping[str, float]) -> None:
    """What is free has no pull: its value is written in its row, with its error."""
    for name, each in look.fit.items():
        if each["sigma"] is None:
            at = rows[name] - look.raised[name]
            if look.of_all:
                said = f"{each['value']:.3f} $\\pm$ {each['error']:.3f} {_nuisance_title(name)[1]}".strip()
                side, anchor = (0.48, "right") if look.filled else (0.52, "left")
                place: Any = {"transform": ax.get_yaxis_transform(), "ha": anchor, "va": "center"}
                ax.text(side, rows[name], said, color=look.color, fontsize=7, **place)
            curves.add(name, f"{look.name}_value", 0, [each["value"]], [at])
            curves.add(name, f"{look.name}_value_error", 0, [each["error"]], [at])


LEAST_PULLS = 2.2  # that the axis of pulls has room for, either side


def draw_pulls(fits: Mapping[str, Any]) -> Drawn:
    """Where fits have the nuisances, over their widths, with errors: a row each; of a free one its value is written.

    fits is best_fit.json: the fit of all data sets, and where there are several each alone in a lighter colour.
    """
    rows, several = len(fits[TOGETHER]["standard_model"]["nuisances"]), len(fits["datasets"]) > 1
    figure, ax = new_figure(height=(0.3 if several else 0.24) * max(rows, 2) + (1.15 if several else 0.95))
    curves = Curves()
    draw_pulls_on(ax, curves, fits)
    figure.legend(*_best_first(ax), loc="outside upper center", ncols=2, columnspacing=1.4, borderpad=0.2)
    return figure, curves.columns


def draw_pulls_on(ax: Axes, curves: Curves, fits: Mapping[str, Any]) -> None:
    """The same on given axes, without a legend."""
    looks = _looks_of_fits(fits)
    fitted = fits[TOGETHER]["nuisances"]  # after those of the signal alone, which are zero there
    names = sorted(fits[TOGETHER]["standard_model"]["nuisances"], key=fitted.__contains__)
    lifted = 0.2 if len(looks) > 2 else 0.16  # where there is nothing in the upper half of a row
    rows = {name: i - (0.0 if name in fitted else lifted) for i, name in enumerate(names)}
    ax.axvspan(-1, 1, color=SILVER, alpha=0.4, linewidth=0)
    ax.axvline(0, color=BLACK, linewidth=0.7)
    for look in looks:
        _draw_pulls_of(ax, curves, look, rows)
        _write_values(ax, curves, look, rows)
    pulls = [each for look in looks for each in look.fit.values() if each["sigma"] is not None]
    most = max([LEAST_PULLS, *(1.05 * (abs(n["value"]) + n["error"]) / n["sigma"] for n in pulls)])
    ax.set(xlim=(-most, most), ylim=(len(names) - 0.4, -0.6), xlabel=r"Pull $\theta / \sigma$")
    ax.set_yticks(range(len(names)), [_nuisance_title(name)[0] for name in names])
    ax.tick_params(axis="y", which="both", length=0, labelsize=8)
    ax.yaxis.set_minor_locator(NullLocator())


def _best_first(ax: Axes) -> tuple[list[Any], list[str]]:
    """Entries of a legend, what lies on top before what is below it."""
    handles, said = ax.get_legend_handles_labels()
    return handles[-2:] + handles[:-2], said[-2:] + said[:-2]


MOST_SHOWN = 16.0  # of -2 Delta ln L
SIGMAS = (1, 2, 3)  # that lines are drawn at

Marker = tuple[float, float, str]  # a published number of events, its error, and what it is called


def draw_counts_likelihood(
    table: Mapping[str, Any],
    markers: Mapping[str, Marker] = MappingProxyType({}),
    curve: tuple[Any, Any, str] | None = None,
) -> Drawn:
    """-2 Delta ln L against the number of CEvNS events, of each data set alone and of several together.

    table has the columns of counts_likelihood.csv. `markers` are published values by data set, each drawn where its
    errors would end, at one; `curve` is a published one, numbers of events and -2 Delta ln L, and what it is called.
    """
    compared = bool(markers) or curve is not None
    figure, ax = new_figure(height=3.2 if compared else 2.9)
    curves, names, most = Curves(), list(dict.fromkeys(table["dataset"])), 0.0
    looks = looks_of({name: [name] for name in names}) | {TOGETHER: (BLACK, "-")}
    for name in names:
        color, line = looks[name]
        rows = np.array(table["dataset"]) == name
        events, rise = (np.asarray(table[column])[rows] for column in ("cevns_counts", "minus2_delta_lnl"))
        ax.plot(events, rise, color=color, linestyle=line, label=TOGETHER if name == TOGETHER else dataset_title(name))
        curves.add("likelihood", name, 0, events, rise)
        most = max(most, float(events.max()))
        if name in markers:
            value, error, title = markers[name]
            ax.errorbar(
                [value],
                [1.0],
                xerr=[error],
                label=f"{dataset_title(name)}, {title}",
                markersize=4,
                **MARKED | {"color": color},
            )
            curves.add("likelihood", f"{name}, {title}", 0, [value - error, value, value + error], [1.0] * 3)
    if curve is not None:
        ax.plot(curve[0], curve[1], **PUBLISHED_CURVE, label=curve[2])
        curves.add("likelihood", curve[2], 0, curve[0], curve[1])
    for sigma in SIGMAS:
        ax.axhline(sigma**2, color=GREY, linewidth=0.5, zorder=0)
        ax.text(1.015, sigma**2, rf"${sigma}\sigma$", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    ax.set(xlim=(0, most), ylim=(0, MOST_SHOWN), xlabel="CEvNS events", ylabel=r"$-2\,\Delta\ln L$")
    if len(ax.get_legend_handles_labels()[1]) > 1:
        abreast = 2 if compared else 3
        figure.legend(loc="outside upper center", ncols=abreast, columnspacing=1.4, borderpad=0.2)
    return figure, curves.columns


MARKED: Any = {"linestyle": "none", "marker": "o", "markerfacecolor": "white", "capsize": 2, "elinewidth": 1.0}
PUBLISHED_CURVE: Any = {"color": SILVER, "linewidth": 4.0, "zorder": 1}  # ours lies on it
