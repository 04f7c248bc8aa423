"""What a reader is told about each figure, in HTML: data, statistic, thresholds and domain, from the configuration."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.config.check import parse_scan
from cevnsi.domains import ALL_OTHERS, spelled_out
from cevnsi.experiments.inputs import RELEASES, complete, parts_of
from cevnsi.experiments.release import Release
from cevnsi.experiments.targets import TARGETS
from cevnsi.physics.interactions import INTERACTIONS, parameter
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import FLAT_WITHIN
from cevnsi.scans.regions import is_warned_of
from cevnsi.statistics.thresholds import threshold

_SIGNS = {">=": "≥", "<=": "≤"}


def html_name(name: str) -> str:
    """A parameter in the paper's notation.

    >>> html_name("eps_etau_dV")
    'ε<sub>eτ</sub><sup>dV</sup>'
    """
    return parameter(name).html


def spoken_name(name: str) -> str:
    """A parameter without markup, for alternative text and names of axes.

    >>> spoken_name("eps_etau_dV")
    'epsilon eτ dV'
    """
    return parameter(name).spoken


def unit(name: str) -> str:
    """What a value of the parameter is followed by."""
    return f" {parameter(name).unit}" if parameter(name).unit else ""


def number(value: float, digits: int = 4) -> str:
    """A number for a reader, with a true minus sign and powers of ten written out.

    >>> number(-0.95), number(2.458e-5)
    ('−0.95', '2.458 × 10<sup>−5</sup>')
    """
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text.replace("-", "−")
    factor, exponent = text.split("e")
    power = f"10<sup>{int(exponent)}</sup>"
    return (power if factor == "1" else f"{factor} × {power}").replace("-", "−")


def spoken(value: float) -> str:
    """A number without markup.

    >>> spoken(-0.0123456), spoken(10000.0), spoken(1e-6)
    ('−0.0123', '10000', '1e−06')
    """
    text = f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")


def percent(confidence_level: float) -> str:
    """A confidence level as a percentage."""
    return f"{100 * confidence_level:.6g} %"


def parts_by_name(config: Mapping[str, Any], analysis: str) -> dict[str, Any]:
    """The sections of the data sets of an analysis, by the analyses that it joins; itself if it joins none."""
    section = config["analyses"][analysis]
    joined: dict[str, Any] = complete(section, config).get("joins", {analysis: section})
    return joined


def release_of(config: Mapping[str, Any], section: Mapping[str, Any]) -> Release:
    """What the data of an analysis of one data set are of."""
    return RELEASES[config["datasets"][section["dataset"]]["reader"]]


def reader_text(config: Mapping[str, Any], section: Mapping[str, Any]) -> str:
    """What a dataset was read from."""
    return release_of(config, section).title


def sources_of(config: Mapping[str, Any], analysis: str) -> list[str]:
    """What the datasets of an analysis were read from."""
    return [reader_text(config, part) for part in parts_by_name(config, analysis).values()]


def data_text(config: Mapping[str, Any], analysis: str) -> str:
    """Which counts, and which of them."""
    said = []
    for part in parts_by_name(config, analysis).values():
        release = release_of(config, part)
        said.append(f"{release.title} (dataset <code>{part['dataset']}</code>), {release.bins(part)}")
    return f"<b>Data:</b> {'; and '.join(said)}."


FORM_FACTOR_TITLES = {  # of those that are not called by a name alone
    "helm_rms": "Helm form factor of the neutrons' rms radius",
    "helm_rms_apart": "Helm form factors of the protons' and the neutrons' rms radii",
    "point": "no form factor",
}


def assumption_text(section: Mapping[str, Any]) -> str:
    """Target, form factor and mixing angle of an analysis of one data set."""
    return f"<b>Prediction:</b> {_assumed(section)}."


def prediction_text(config: Mapping[str, Any], analysis: str) -> str:
    """The same of any analysis; of a joint one by the analyses that it joins, where they differ."""
    by_part: dict[str, list[str]] = {}
    for name, part in parts_by_name(config, analysis).items():
        by_part.setdefault(_assumed(part), []).append(f"<code>{name}</code>")
    if len(by_part) == 1:
        return f"<b>Prediction:</b> {next(iter(by_part))}."
    said = "; ".join(f"{assumed} ({' and '.join(names)})" for assumed, names in by_part.items())
    return f"<b>Prediction:</b> {said}."


def _assumed(section: Mapping[str, Any]) -> str:
    target, name = TARGETS[section["nuclei"]].title, section["form_factor"]
    form_factor = FORM_FACTOR_TITLES.get(name) or f"{name.replace('_', '-').title()} form factor"
    chosen = section.get("couplings", "tree")
    named = chosen if isinstance(chosen, str) else "given"
    couplings = f", {named.replace('_', '-')} couplings of nucleons" if named != "tree" else ""
    kinematics = ", full kinematics" if section.get("kinematics") == "full" else ""
    angle = f"sin<sup>2</sup>θ<sub>W</sub> = {section['sin2_theta_w']:g}"
    return f"{target}, {form_factor}, {angle}{couplings}{kinematics}"


STATISTICS = {
    "gaussian": "Gaussian χ<sup>2</sup>",
    "poisson": "Poisson deviance, −2 ln of the likelihood over that of a perfect prediction",
}


def statistic_text(config: Mapping[str, Any], section: Mapping[str, Any]) -> str:
    """What chi2 is."""
    parts = parts_of(complete(section, config))
    if "normalization_uncertainty" in section and not section.get("nuisances"):
        name = section.get("statistic", release_of(config, section).statistic)
        said = f"{STATISTICS[name]} of Eq. 7, minimised over one normalization pull with σ<sub>α</sub> = "
        return f"<b>Statistic:</b> {said}{section['normalization_uncertainty']:g}."
    names = dict.fromkeys(part.get("statistic", release_of(config, part).statistic) for part in parts)
    changed = [
        f"<code>{nuisance}</code> {'held at' if key == 'fixed' else 'of width'} {value}"
        for part in parts
        for nuisance, change in part.get("nuisances", {}).items()
        for key, value in change.items()
        if key != "scales"
    ]
    with_changes = f", with {' and '.join(dict.fromkeys(changed))}" if changed else ""
    of_all = ", those of one name in several data sets as one" if len(parts) > 1 else ""
    said = " and ".join(STATISTICS[name] for name in names)
    said += f", minimised over the nuisances that best_fit.json lists{of_all}{with_changes}"
    return f"<b>Statistic:</b> {said}."


REFERENCE_TITLES = {
    "minimum": "the scan's own minimum",
    "standard_model": "the standard model",
    "zero": "χ<sup>2</sup> = 0",
}


def threshold_text(scan: Scan) -> str:
    """The levels that a figure draws, and the others of the tables."""
    drawn = scan.drawn_levels()
    others = [level for level in scan.levels() if level not in drawn]
    n_dof = drawn[0][1]
    listed = ", ".join(f"{percent(level)} CL, Δχ<sup>2</sup> = {threshold(level, n_dof):.2f}" for level, _ in drawn)
    text = (
        f"<b>Threshold{'s' if len(drawn) > 1 else ''}:</b> {listed} "
        f"({n_dof} degree{'s' if n_dof > 1 else ''} of freedom) from {REFERENCE_TITLES[scan.reference]}"
    )
    listed = ", ".join(f"{percent(p)} with {n}: {threshold(p, n):.2f}" for p, n in others)
    return f"{text}; the tables have {listed} too." if others else f"{text}."


def _interval(name: str, low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return f"{html_name(name)} without bounds"
    return f"{html_name(name)} from {number(low)} to {number(high)}{unit(name)}"


def _everything_else(scan: Scan) -> list[str]:
    """Of a domain of all couplings that enter a rate, with the same ends, one text in place of one of each."""
    ends = set(scan.domain.values())
    if len(ends) != 1:
        return []
    (low, high), taken = *ends, [name for name in scan.named if name not in scan.domain]
    if set(spelled_out({ALL_OTHERS: (low, high)}, taken, scan.combinations)) != set(scan.domain):
        return []
    bounds = "without bounds" if math.isinf(high) else f"from {number(low)} to {number(high)}"
    return [
        f"every coupling of ν<sub>e</sub> and ν<sub>μ</sub> that is not named, complex ones in both parts, {bounds}"
    ]


def domain_text(scan: Scan, axes: Sequence[str]) -> str:
    """Where the scan is made, and what the other parameters do."""
    chosen = [scan.axis(name) for name in axes]
    size = " × ".join(str(axis.points) for axis in chosen)
    spaced = ", log spacing" if all(axis.scale == "log" for axis in chosen) else ""
    parts = [f"{', '.join(_interval(a.name, a.minimum, a.maximum) for a in chosen)} ({size} points{spaced})"]
    over = [_interval(axis.name, axis.minimum, axis.maximum) for axis in scan.onto(axes).over]
    over += _everything_else(scan) or [_interval(name, *ends) for name, ends in scan.domain.items()]
    if over:
        parts.append("minimised over " + ", ".join(over))
    if scan.held:
        parts.append("fixed " + ", ".join(f"{html_name(n)} = {number(v)}" for n, v in scan.held.items()))
    made = INTERACTIONS[scan.interaction]
    if len(made.needed) < len(made.own):
        parts.append(f"every other {made.zero_ones} zero")
    return f"<b>Domain:</b> {'; '.join(parts)}."


def bounds_text(text: str) -> str:
    """What makes an end, as ranges.csv says it, in the paper's notation.

    >>> bounds_text("eps_ee_uV >= -1; mediator_mass_mev <= 1e+04")
    'ε<sub>ee</sub><sup>uV</sup> ≥ −1 and M<sub>Z′</sub> ≤ 10000 MeV'
    """
    said = []
    for bound in text.split("; "):
        name, sign, value = bound.split()
        said.append(f"{html_name(name)} {_SIGNS[sign]} {number(float(value), 6)}{unit(name)}")
    return " and ".join(said)


COARSE = "<b>Warning:</b> the grid is too coarse for this figure; the ranges below say of what."


def is_coarse(scan: Scan, axes: Sequence[str], ranges: Mapping[str, Any]) -> bool:
    """Whether ranges.csv warns of the grid of these axes at a level that a figure draws."""
    return is_warned_of(ranges, scan.name, scan.grid_name(axes), scan.drawn_levels())


def intervals_of(
    ranges: Mapping[str, Any], scan: str, parameter: str, level: tuple[float, int], others: str = "profiled"
) -> list[tuple[float, float, str]]:
    """Lower end, upper end and which of them is only the grid's, from the columns of ranges.csv."""
    wanted: dict[str, Any] = {"scan": scan, "parameter": parameter, "other_parameters": others}
    wanted |= {"confidence_level": level[0], "n_dof": level[1]}
    rows = np.ones(len(ranges["scan"]), bool)
    for name, value in wanted.items():
        rows &= np.asarray(ranges[name]) == value
    return [(ranges["lower"][i], ranges["upper"][i], ranges["ends_at_grid"][i]) for i in np.flatnonzero(rows)]


def region_alt(scan: Scan, axes: Sequence[str], ranges: Mapping[str, Any]) -> str:
    """What a figure of an allowed region shows, in words."""
    said = []
    if not scan.ranges:
        levels = " and ".join(percent(level) for level, _ in scan.drawn_levels())
        plane = " and ".join(map(spoken_name, axes))
        return f"Region allowed at {levels} CL in the plane of {plane}, of which no ranges were found."
    for level in scan.drawn_levels():
        found = []
        for name in axes:
            ends = " and ".join(
                f"{spoken(low)} to {spoken(high)}" for low, high, _ in intervals_of(ranges, scan.name, name, level)
            )
            found.append(f"{spoken_name(name)} from {ends or 'nowhere'}{unit(name)}")
        region = f"Region allowed at {percent(level[0])} CL in the plane of {' and '.join(map(spoken_name, axes))}"
        said.append(f"{region}: it spans {', '.join(found)}.")
    return " ".join(said)


def degenerate_text(figure: str, fits: Mapping[str, Any], grid: str, axes: Sequence[str]) -> str:
    """Why no best fit is marked on a grid, from the columns of best_fits.csv; `figure` is its letter, if it has one."""
    spread = []
    for name in axes:
        i = next(i for i, row in enumerate(zip(fits["grid"], fits["parameter"], strict=True)) if row == (grid, name))
        spread.append(_interval(name, fits["flat_from"][i], fits["flat_to"][i]))
    where = f" in {figure}" if figure else ""
    return (
        f"<b>Best fit:</b> none is marked{where}, as a set of points is as good: with the other minimised over, "
        f"Δχ<sup>2</sup> is below {FLAT_WITHIN:g} for {' and for '.join(spread)}."
    )


def plain_caption(config: Mapping[str, Any], analysis: str) -> str:
    """Under a figure of which nothing more is known: what an analysis is made of."""
    return f"{data_text(config, analysis)} {prediction_text(config, analysis)}"


def _of_analysis(config: Mapping[str, Any], analysis: str) -> str:
    """What the fits of its counts are of."""
    section = config["analyses"][analysis]
    return f"{plain_caption(config, analysis)} {statistic_text(config, section)}"


TWO_FITS = (
    "the best fit is the standard model's spectrum times a free amplitude, over the backgrounds, nuisances of the "
    "signal alone at zero and all others where χ<sup>2</sup> is least; in the standard model's fit the amplitude is "
    "one and every nuisance free"
)


def counts_caption(config: Mapping[str, Any], analysis: str) -> str:
    """Under the counts of an analysis and their fits."""
    several = len(parts_by_name(config, analysis)) > 1
    together = " One amplitude fits all data sets; each has a row of its own." if several else ""
    return (
        "Observed counts n and those that two fits expect, the best one stacked up by background and by flavor, the "
        f"standard model's dashed: {TWO_FITS}.{together} Each panel sums over the other axes; where its bins differ in "
        "width, counts are those per unit of its axis. Below, by bin, in units of the root of the best fit μ: what is "
        "observed less the best fit (points), and the standard model's fit less it (dashed); the band is ±1. "
        f"{_of_analysis(config, analysis)}"
    )


def pulls_caption(config: Mapping[str, Any], analysis: str) -> str:
    """Under the pulls of the nuisances of an analysis."""
    several = len(parts_by_name(config, analysis)) > 1
    alone = " In lighter colours: the fits of each data set alone." if several else ""
    return (
        "Nuisances where two fits have them, over the widths of their priors, with their errors over the same: "
        f"{TWO_FITS}. The band is the prior's ±1 σ. A nuisance without a prior has no pull: its value is written, with "
        f"its error.{alone} {_of_analysis(config, analysis)}"
    )


def counts_likelihood_caption(config: Mapping[str, Any], analysis: str) -> str:
    """Under the likelihood of the number of events of an analysis."""
    several = len(parts_by_name(config, analysis)) > 1
    each = ", of each data set alone and of all together, with one amplitude" if several else ""
    return (
        f"−2 Δ ln L against the number of CEvNS events{each}: the standard model's spectrum times an amplitude, "
        "nuisances of the signal alone at zero, least over those of the backgrounds and an offset of times; events are "
        "the amplitude times the standard model's counts at the best offset. Lines at 1, 4 and 9 are those of one, two "
        f"and three standard deviations. {_of_analysis(config, analysis)}"
    )


def _events(record: Mapping[str, Any]) -> str:
    """The number of events of a record of best_fit.json, in words."""
    seen = record["cevns_counts"]
    errors = f"plus {spoken(seen['error_high'])} minus {spoken(seen['error_low'])}"
    return f"{spoken(seen['value'])} events, {errors}, {spoken(record['significance'])} standard deviations from none"


def counts_alt(results: Any) -> str:
    """What the figure of counts shows of an analysis, in words; of the results of an analysis."""
    whole = results.fits["together"]
    backgrounds = ", ".join(f"{spoken(n)} {name.replace('_', ' ')}" for name, n in whole["backgrounds"].items())
    over = f" over {backgrounds}" if backgrounds else ""
    return (
        f"Analysis {results.name}: observed counts by bin over the stacked best fit, and the standard model's fit as a "
        f"line, with residuals below. The best fit has {_events(whole)}{over}; chi squared is {spoken(whole['chi2'])}, "
        f"and {spoken(whole['standard_model']['chi2'])} of the standard model, in {whole['bins']} bins."
    )


def _pulls(nuisances: Mapping[str, Mapping[str, Any]]) -> str:
    """Each nuisance in words: its pull, or its value where it has no width."""
    said = []
    for name, each in nuisances.items():
        free = each["sigma"] is None
        said.append(f"{name.replace('_', ' ')} {spoken(each['value'] if free else each['value'] / each['sigma'])}")
    return ", ".join(said) or "none"


def pulls_alt(results: Any) -> str:
    """What the figure of pulls shows of an analysis, in words."""
    whole = results.fits["together"]
    return (
        f"Analysis {results.name}: pulls of the nuisances with error bars, a row each. Best fit: "
        f"{_pulls(whole['nuisances'])}. Standard model's fit: {_pulls(whole['standard_model']['nuisances'])}."
    )


def counts_likelihood_alt(results: Any) -> str:
    """What the figure of the likelihood shows of an analysis, in words."""
    alone, together = results.fits["datasets"], results.fits["together"]
    each = [f"of {name.replace('_', ' ')} at {_events(record)}" for name, record in alone.items() if len(alone) > 1]
    least = ", ".join([*each, f"of all together at {_events(together)}" if each else f"at {_events(together)}"])
    return f"Analysis {results.name}: −2 Δ ln L against the number of CEvNS events. It is least {least}."


def line_caption(grid: str, config: Mapping[str, Any], analysis: str) -> str:
    """Under chi2 against the only parameter of a scan, which is called as its grid."""
    scan = parse_scan(grid, config["scans"][grid])
    (axis,) = scan.axes
    said = f"Δχ<sup>2</sup> against {html_name(axis.name)}, least over the nuisances."
    return " ".join([said, domain_text(scan, (axis.name,)), _of_analysis(config, analysis), threshold_text(scan)])


def line_alt(grid: str, results: Any) -> str:
    """What a figure of one parameter shows, in words; of the results of an analysis."""
    scan = next(scan for scan in results.scans if grid in scan.drawn())
    (axis,) = scan.axes
    said = f"Analysis {results.name}: delta chi squared against {spoken_name(axis.name)}."
    for level in scan.drawn_levels() if scan.ranges else ():
        others = results.ranges["other_parameters"][results.ranges["scan"].index(scan.name)]
        ends = intervals_of(results.ranges, scan.name, axis.name, level, others)
        allowed = " and ".join(f"{spoken(low)} to {spoken(high)}{unit(axis.name)}" for low, high, _ in ends)
        said += f" At {percent(level[0])} CL it is allowed from {allowed or 'nowhere'}."
    return said


def together_caption(analyses: Sequence[str], panels: Sequence[Sequence[str]]) -> str:
    """Under a figure of several analyses, whose panels are of these parameters."""
    drawn = [" and ".join(map(html_name, axes)) for axes in panels]
    letters = [f"({chr(ord('a') + i)}) " if len(drawn) > 1 else "" for i in range(len(drawn))]
    said = "; ".join(letter + plane for letter, plane in zip(letters, drawn, strict=True))
    names = ", ".join(f"<code>{name}</code>" for name in analyses)
    planes = f"{said}. " if said else ""
    return (
        f"{planes}<b>Analyses:</b> {names}; data, statistic, thresholds and domain of each are below its own figures."
    )


def region_caption(
    config: Mapping[str, Any], analysis: str, drawn: Sequence[tuple[Scan, Sequence[str]]], shaded: str = "allowed"
) -> str:
    """Under a figure of one or more regions, of which the allowed or the excluded part is `shaded`."""
    panels = []
    for i, (scan, axes) in enumerate(drawn):
        letter = f"({chr(ord('a') + i)}) " if len(drawn) > 1 else ""
        plane = f"{html_name(axes[0])} and {html_name(axes[1])}"
        panels.append(f"{letter}{shaded.capitalize()} region of {plane}. {domain_text(scan, axes)}")
    thresholds = list(dict.fromkeys(threshold_text(scan) for scan, _ in drawn))
    return " ".join(
        [*panels, data_text(config, analysis), statistic_text(config, config["analyses"][analysis]), *thresholds]
    )
