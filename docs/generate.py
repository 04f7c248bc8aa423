"""Put what a finished run has found into README.md and the pages of docs/: tables, scorecards and pictures.

Run by `make readme`; what `make bench` has measured goes in too, if it was run. Only what lies between a page's
`<!-- name -->` and `<!-- end name -->` is replaced.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.config.build import load_model, read_config
from cevnsi.config.check import parse_scan
from cevnsi.experiments.inputs import PUBLISHED_FILE, RELEASES, complete
from cevnsi.files.tables import (
    BY_METHOD,
    COHERENT_CHOICES,
    COHERENT_SCORECARD,
    COVERED_RANGES,
    DOMAIN_BEST,
    DOMAIN_ENDS,
    DOMAIN_HOLE,
    DOMAIN_MATCHES,
    GENERAL_FIT,
    PUBLISHED,
    RANGES,
    SCORECARD,
    contour_layout,
    read_table,
)
from cevnsi.output import coverage_page
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS
from cevnsi.scans.limits import scan_ranges
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.coherent.scorecard import EXPLANATIONS, choices_markdown, read_published, rows_as_text
from cevnsi.studies.coherent.scorecard import PUBLISHED_FILE as COHERENT_FILE
from cevnsi.studies.coherent.scorecard import markdown as coherent_markdown
from cevnsi.studies.known import DEFAULT, STUDIES, analyses_of
from cevnsi.studies.liao_marfatia_2017.scorecard import by_method_markdown, interval_ends, markdown

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PICTURES = tuple(figure.name for figure in STUDIES[DEFAULT].figures)
TWO_SIGMA = 0.9545  # of Fig. 2

Text = Callable[[str], str]  # what a key of published.csv has, as text


def _range(pair: str, n_dof: int) -> Callable[[Text], str]:
    """Both ends of Eq. 12 at one threshold."""
    key = f"eps_{pair}_matter"
    return lambda text: f"{text(f'{key}_lower_n{n_dof}')} to {text(f'{key}_upper_n{n_dof}')}"


# Rows of the headline table that published.csv has a value for.
HEADLINES: dict[str, Callable[[Text], str]] = {
    "eps_ee of Eq. 12, 90 % CL, delta chi2 2.71": _range("ee", 1),
    "eps_ee of Eq. 12, 90 % CL, delta chi2 4.61": _range("ee", 2),
    "eps_mumu of Eq. 12, 90 % CL, delta chi2 2.71": _range("mumu", 1),
    "eps_mumu of Eq. 12, 90 % CL, delta chi2 4.61": _range("mumu", 2),
    "allowed bands in Fig. 3 (a) and (b)": lambda text: f"{text('regions_ee_d_u')} and {text('regions_mumu_d_u')}",
    "mass from which the degenerate strip is allowed, MeV": lambda text: text("strip_opening_mev"),
    "least delta chi2 in the muon g-2 band (2 sigma is 6.18)": lambda text: text("g2_delta_chi2"),
}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def light_mediator_limit(
    results: Path,
    analysis: str,
    scan: str = "light_mediator",
    names: tuple[str, str] = ("mediator_mass_mev", "coupling"),
) -> float:
    """Greatest coupling allowed at the smallest mass of such a plane: the lowest of its line's ends there."""
    line = read_table(results / analysis / "contours" / f"{scan}.csv", contour_layout(names))
    mass, coupling = (line[name] for name in names)
    at_edge = np.isclose(line["confidence_level"], TWO_SIGMA) & (line["n_dof"] == 2) & np.isclose(mass, mass.min())
    return float(coupling[at_edge].min())


def headline(results: Path, analyses: Sequence[str]) -> str:
    """The numbers that a reader looks for first, one column for the paper and one per analysis."""
    published = read_table(ROOT / PUBLISHED_FILE, PUBLISHED)
    place = {key: i for i, key in enumerate(published["key"])}
    cards = {name: read_table(results / name / "scorecard.csv", SCORECARD) for name in analyses}

    def stated(key: str) -> str:
        least = "at least " if published["comparison"][place[key]] == "at_least" else ""
        return f"{least}{published['published'][place[key]]:g}"

    def found(card: Mapping[str, Any]) -> Text:
        ours = dict(zip(card["quantity"], card["reproduced"], strict=True))

        def text(key: str) -> str:
            quantity = f"{published['quantity'][place[key]]} ({published['where'][place[key]]})"
            digits = ".3f" if key.startswith("eps_") else "g" if key.startswith("regions_") else ".1f"
            return format(float(ours[quantity]), digits)

        return text

    head, rows = ["quantity", "published", *(f"`{name}`" for name in analyses)], list[list[str]]()
    for quantity, row in HEADLINES.items():
        rows.append([quantity, row(stated), *(row(found(card)) for card in cards.values())])
    rows += _headline_of_coverage(results, analyses, stated)
    limits = [f"{light_mediator_limit(results, name):.3g}" for name in analyses]
    rows.append(["greatest g of a 1 MeV mediator, 2 sigma", "only drawn", *limits])
    within = [[value == "true" for value in card["within"]] for card in cards.values()]
    rows.append(["scorecard: within tolerance", "", *(f"{sum(each)} of {len(each)}" for each in within)])
    return _table(head, rows)


def _headline_of_coverage(results: Path, analyses: Sequence[str], stated: Text) -> list[list[str]]:
    """Eq. 12 and a region of Fig. 3 with critical values by pseudo-data; no row of a run without them."""
    if not all((results / name / "coverage" / "scorecard.csv").exists() for name in analyses):
        return []
    found = []
    for name in analyses:
        card = _by_method(results, name)
        found.append(dict(zip(card["key"], zip(card[WILKS], card[FELDMAN_COUSINS], strict=True), strict=True)))
    rows = []
    for pair in ("ee", "mumu"):
        ends = [[card[f"eps_{pair}_matter_{side}_n1"][1] for side in ("lower", "upper")] for card in found]
        said = (f"{low:.3f} to {high:.3f}" for low, high in ends)
        rows.append([f"eps_{pair} of Eq. 12, 90 % CL, by pseudo-data", _range(pair, 1)(stated), *said])
    parts = (card["area_ee_mumu_d"] for card in found)
    smaller = [f"{theirs / ours:.2f}" for ours, theirs in parts]
    return [
        *rows,
        ["area in Fig. 3 (c) by pseudo-data, over that at delta chi2 4.61, by the grid's points", "", *smaller],
    ]


def scorecards(results: Path, analyses: Sequence[str]) -> str:
    """One Markdown table per analysis."""
    parts = []
    for analysis in analyses:
        table = read_table(results / analysis / "scorecard.csv", SCORECARD)
        parts.append(f"Analysis `{analysis}`:\n\n{markdown(table)}")
    return "\n".join(parts)


def _row(name: str, section: Mapping[str, Any], config: Mapping[str, Any], results: Path) -> str:
    """SM counts and the four ends of Eq. 12 (delta chi2 4.61) under one set of assumptions."""
    section = complete(section, config)
    tables = [results / "inputs" / section["dataset"] / f"{each}.csv" for each in RELEASES[section["reader"]].tables]
    model = load_model(section, tables)
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    ranges = [r for r in scan_ranges(model, scan) if r.other_parameters == "profiled" and r.n_dof == 2]
    ends = [end for r in ranges for end in (r.lower, r.upper)]
    return f"| {name} | {model.standard_model_counts.sum():.1f} | {' | '.join(f'{end:+.3f}' for end in ends)} |"


def assumptions(results: Path, config: Mapping[str, Any]) -> str:
    """What one change at a time to the analysis `paper` does."""
    changes: dict[str, dict[str, Any]] = {
        "`paper` as it is": {},
        "`dataset: release` (9 counts in the first bin, sqrt(C + AC), logistic acceptance)": {"dataset": "release"},
        "`nuclei: cs_and_i`": {"nuclei": "cs_and_i"},
        "`form_factor: helm`": {"form_factor": "helm"},
        "`form_factor: helm_rms`": {"form_factor": "helm_rms"},
        "`couplings: radiative`": {"couplings": "radiative"},
        "`couplings: flavor_blind`": {"couplings": "flavor_blind"},
        "`kinematics: full`": {"kinematics": "full"},
        "`sin2_theta_w: 0.2312` (at the Z pole)": {"sin2_theta_w": 0.2312},
        "`normalization_uncertainty: 0.14`": {"normalization_uncertainty": 0.14},
        "`exposure: {light_yield_pe_per_kev: 1.3}`": {"exposure": {"light_yield_pe_per_kev": 1.3}},
    }
    head = "| change | SM counts, 6-30 PE | eps_ee from | to | eps_mumu from | to |\n|---|---|---|---|---|---|"
    paper = config["analyses"]["paper"]
    return "\n".join([head, *(_row(name, paper | change, config, results) for name, change in changes.items())]) + "\n"


def matches(results: Path) -> str:
    """The bound at which each end of Eq. 12 is the published one, in a sentence for each threshold."""
    table = read_table(results / "paper" / "domain_matches.csv", DOMAIN_MATCHES)
    said = []
    for level in sorted(set(table["delta_chi2"])):
        found = []
        for i in np.flatnonzero(table["delta_chi2"] == level):
            reach = ", where the end is only the reach 6 D and no limit" if table["kind"][i] == "reach" else ""
            found.append(f"{float(table['bound'][i]):.3g} ({table['published'][i]:g}{reach})")
        said.append(f"at delta chi2 {level:.2f} to bounds of {', '.join(found[:-1])} and {found[-1]}")
    return f"The published ends correspond, one by one, {'; '.join(said)}.\n"


def hole(results: Path, analyses: Sequence[str]) -> str:
    """The hole of Fig. 4 by analysis, in a sentence each."""
    lines = []
    for name in analyses:
        table = read_table(results / name / "domain_hole.csv", DOMAIN_HOLE)
        levels = zip(table["bound"], table["delta_chi2"], strict=True)
        closes = [f"{float(bound):.4g} (at {level:.2f})" for bound, level in levels]
        lines.append(
            f"In `{name}` delta chi2 is {table['excess'][0]:.3g} where both are {table['at'][0]:.3g} in the domain of "
            f"`config.yaml`; the hole is gone from |eps^uV|, |eps^dV| <= {' or '.join(closes)} on."
        )
    return "\n".join(lines) + "\n"


def _best(results: Path, analysis: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of domain_best.csv by kind and delta chi2."""
    table = read_table(results / analysis / "domain_best.csv", DOMAIN_BEST)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    return {(row["kind"], f"{row['delta_chi2']:.2f}"): row for row in rows}


def _interval(row: Mapping[str, Any]) -> str:
    return f"[{row['lower_bound']:g}, {row['upper_bound']:g}]"


def closest(results: Path) -> str:
    """The common domain that comes closest to Eq. 12 at each threshold, in a sentence."""
    low, high = (_best(results, "paper")["any", level] for level in ("2.71", "4.61"))
    return (
        "Of all domains that are one interval, with bounds up to 2 either side of zero, "
        f"{_interval(low)} comes closest at delta chi2 2.71, with all four ends "
        f"of `paper` within {low['miss']:.3f} of the published ones, and {_interval(high)} at 4.61, within "
        f"{high['miss']:.3f}: see [Eq. 12](docs/results.md#eq-12).\n"
    )


def domains(results: Path, analyses: Sequence[str]) -> str:
    """The domains of each kind that come closest to Eq. 12, as a Markdown table."""
    said = {
        "any": "one interval",
        "limits": "one interval, all four ends limits",
        "symmetric": "one symmetric interval",
    }
    lines = ["| domains | delta chi2 | " + " | ".join(f"`{name}` | miss" for name in analyses) + " |"]
    lines.append("|---" * (2 + 2 * len(analyses)) + "|")
    found = {name: _best(results, name) for name in analyses}
    for level in ("2.71", "4.61"):
        for kind, text in said.items():
            cells = [f"{_interval(rows[kind, level])} | {rows[kind, level]['miss']:.4f}" for rows in found.values()]
            lines.append(f"| {text} | {level} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _ranges(results: Path, analysis: str, scan: str, parameter: str, below: str = "") -> str:
    """Allowed intervals of one parameter at 90 % CL; nothing of an analysis without the scan."""
    path = results / analysis / f"{below}ranges.csv"
    table = read_table(path, COVERED_RANGES if below else RANGES) if path.exists() else {"scan": []}
    if scan not in table["scan"]:
        return ""
    others = table["other_parameters"][table["scan"].index(scan)]
    found = interval_ends(table, scan, parameter, 1, others)
    low_at_grid = any("lower" in table["ends_at_grid"][i] for i, name in enumerate(table["scan"]) if name == scan)
    if low_at_grid and len(found) == 1:  # no less is looked for
        return f"up to {found[0][1]:.3f}"
    return " and ".join(f"{low:.3f} to {high:.3f}" for low, high in found.tolist())


OF_COHERENT = {"csi_2017": "CsI 2017", "csi_2021": "CsI 2021", "lar_2020": "LAr 2020", "joint": "CsI 2021 + LAr 2020"}
# The limits that the study asks for, in words; that of a radius is of an analysis in which it is fitted.
RANGES_OF_COHERENT = dict(
    zip(
        (
            "sin2_theta_w",
            "eps_ee_uV = eps_ee_dV",
            "eps_mumu_uV = eps_mumu_dV",
            "R_n of Cs and I, fm",
            "R_n of Ar, fm",
            "magnetic moment of nu_e, 1e-10 mu_B",
            "magnetic moment of nu_mu, 1e-10 mu_B",
            "charge radius of nu_e, 1e-32 cm2",
            "charge radius of nu_mu, 1e-32 cm2",
        ),
        STUDIES["coherent"].asked,
        strict=True,
    )
)


def coherent_headline(results: Path) -> str:
    """The numbers of the study of COHERENT's data that a reader looks for first, one column per data set."""
    folder = results / "studies" / "coherent"
    card = read_table(folder / "scorecard.csv", COHERENT_SCORECARD)
    stated = {(d, k): v for d, k, v in zip(card["dataset"], card["key"], card["published"], strict=True)}
    rows: list[list[str]] = []
    fits = {
        name: json.loads((results / name / "best_fit.json").read_text(encoding="utf-8"))["together"]
        for name in OF_COHERENT
    }

    def published(name: str, key: str) -> str:
        return f" ({stated[name, key]:g})" if (name, key) in stated else ""

    rows.append(
        ["CEvNS events that are seen (published)"]
        + [
            f"{seen['value']:.0f} +{seen['error_high']:.0f} -{seen['error_low']:.0f}{published(name, 'cevns_counts')}"
            for name, seen in ((name, fit["cevns_counts"]) for name, fit in fits.items())
        ]
    )
    rows.append(
        ["their significance (published)"]
        + [f"{fit['significance']:.1f}{published(name, 'significance')}" for name, fit in fits.items()]
    )
    for quantity, (scan, parameter) in RANGES_OF_COHERENT.items():
        of = "_radius" if scan.startswith("radius_") else ""
        rows.append([quantity, *(_ranges(results, f"{name}{of}", scan, parameter) for name in OF_COHERENT)])
        covered = [_ranges(results, f"{name}{of}", scan, parameter, "coverage/") for name in OF_COHERENT]
        rows += [["the same by pseudo-data", *covered]] if any(covered) else []
    for pair in ("ee", "mumu"):
        ends = [_without_a_domain(results / name / "domain_ends.csv", pair) for name in OF_COHERENT]
        rows.append([f"eps_{pair} of Eq. 11, without a domain", *ends])
    limits = [f"{light_mediator_limit(results, name, 'mediator'):.3g}" for name in OF_COHERENT]
    rows.append(["greatest g of a 1 MeV mediator, 2 sigma", *limits])
    scalar = ("scalar", ("scalar_mass_mev", "scalar_coupling"))
    limits = [f"{light_mediator_limit(results, name, *scalar):.3g}" for name in OF_COHERENT]
    rows.append(["greatest g_phi of a 1 MeV scalar, 2 sigma", *limits])
    return _table(["90 % CL, one parameter", *OF_COHERENT.values()], rows)


def _without_a_domain(path: Path, pair: str) -> str:
    """Both ends of one matter parameter at 90 % CL, one parameter; of one nucleus there are none."""
    return _reach_or_range(_domain_rows(path), pair, "inf", threshold(0.90, 1)) if path.exists() else "none"


def _domain_rows(path: Path) -> list[tuple[Any, ...]]:
    """Those of domain_ends.csv."""
    table = read_table(path, DOMAIN_ENDS)
    return list(zip(*(table[key] for key in DOMAIN_ENDS.columns), strict=True))


def domain_ends(results: Path) -> str:
    """Ranges of the matter parameters in domains of several widths, and without one, of the analyses that have them."""
    lines = ["| analysis | bound on each coupling | delta chi2 | eps_ee | eps_mumu |", "|---|---|---|---|---|"]
    for name in OF_COHERENT:
        path = results / name / "domain_ends.csv"
        if not path.exists():
            continue
        rows = _domain_rows(path)
        for bound, level in dict.fromkeys((row[1], row[4]) for row in rows):
            cells = [_reach_or_range(rows, pair, bound, level) for pair in ("ee", "mumu")]
            said = "none" if bound == "inf" else f"{float(bound):.3g}"
            lines.append(f"| `{name}` | {said} | {level:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def general_fit(results: Path) -> str:
    """Ranges with all other couplings free, in brackets those that nothing ends as far as was looked."""
    found: dict[str, dict[str, str]] = {}
    for name in OF_COHERENT:
        path = results / name / "general_fit.csv"
        if not path.exists():
            continue
        table = read_table(path, GENERAL_FIT)
        for row in zip(*(table[key] for key in GENERAL_FIT.columns), strict=True):
            parameter, _, up, down, *_, lower, upper, flat_from, flat_to, endless = row
            exact = parameter.endswith(("V", "matter"))
            said = f"`{parameter}`" if exact else f"{parameter.split('_')[1]}: {up:.3f} u {down:+.3f} d"
            cell = "(any)" if endless == "yes" else f"{lower:.2f} to {upper:.2f}, flat {flat_from:.2f} to {flat_to:.2f}"
            found.setdefault(said, {})[name] = cell
    rows = ([said, *(cells.get(name, "") for name in OF_COHERENT)] for said, cells in found.items())
    return _table(["number", *(f"`{name}`" for name in OF_COHERENT)], rows)


def _reach_or_range(rows: Sequence[Sequence[Any]], pair: str, bound: str, level: float) -> str:
    """Both ends of one matter parameter, in brackets those that only the domain, or what was looked at, sets."""
    found = {}
    for name, at, _, _, delta, side, end, reach in rows:
        if (name, at) == (f"eps_{pair}_matter", bound) and abs(delta - level) < 1e-9:
            found[side] = f"({end:.2f})" if reach == "yes" else f"{end:.2f}"
    return f"{found['lower']} to {found['upper']}"


def coherent_scorecard(card: Mapping[str, Any]) -> str:
    """Every data set's published numbers against ours; what explains them is on its own page."""
    lines = ["| data set | quantity | published | ours | pull |", "|---|---|---|---|---|"]
    for name in EXPLANATIONS:
        rows = (row.strip("|").split("|")[:4] for row in coherent_markdown(card, name).splitlines()[2:])
        lines += [f"| [{name}]({name}.md) |{'|'.join(row)}|" for row in rows]
    return "\n".join(lines) + "\n"


# Keys of scorecard.csv that are of more than events and cross sections begin so.
BEYOND = ("eps_", "free_eps_", "neutron_radius", "suppression", "sin2_theta_w")


def published_beyond(card: Mapping[str, Any]) -> str:
    """Published numbers of more than events against ours, with their sources."""
    stated = read_published(ROOT / COHERENT_FILE)
    places = {pair: i for i, pair in enumerate(zip(stated["dataset"], stated["key"], strict=True))}
    rows = []
    for name in EXPLANATIONS:
        for key, (quantity, published, ours, *_) in rows_as_text(card, name).items():
            if key.startswith(BEYOND):
                rows.append([f"[{name}]({name}.md)", quantity, published, stated["source"][places[name, key]], ours])
    return _table(["data set", "quantity", "published", "source", "ours"], rows)


def of_data_sets(results: Path) -> dict[str, str]:
    """Of each data set what is published against ours and what choices are worth, from the study that has these.

    Nothing of a run without it.
    """
    folder, blocks = results / "studies" / "coherent", {}
    if (folder / "scorecard.csv").exists():
        card = read_table(folder / "scorecard.csv", COHERENT_SCORECARD)
        choices = read_table(folder / "choices.csv", COHERENT_CHOICES)
        for name in EXPLANATIONS:
            blocks[f"scorecard {name}"] = coherent_markdown(card, name)
            blocks[f"choices {name}"] = choices_markdown(choices, name)
        blocks["scorecard coherent"] = coherent_scorecard(card)
        blocks["published beyond"] = published_beyond(card)
        blocks["headline coherent"] = coherent_headline(results)
        blocks["domain ends"] = domain_ends(results)
        blocks["general fit"] = general_fit(results)
    return blocks


def of_coverage(results: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """What regions with critical values by pseudo-data are, and how often either kind holds the truth.

    Nothing of a run without it.
    """
    made = [name for name in config["analyses"] if (results / name / "coverage" / "ranges.csv").exists()]
    if not {*analyses_of(config, DEFAULT), *OF_COHERENT} <= set(made):
        return {}
    return {
        "coverage measured": coverage_measured(results, [name for name in made if name in (*OF_COHERENT, "paper")]),
        "coverage goodness": coverage_goodness(results, made),
        "coverage ranges": coverage_ranges(results, made),
        "coverage scorecard": "\n".join(
            f"Analysis `{name}`:\n\n{by_method_markdown(_by_method(results, name))}"
            for name in analyses_of(config, DEFAULT)
        ),
    }


def _by_method(results: Path, analysis: str) -> Mapping[str, Any]:
    return read_table(results / analysis / "coverage" / "scorecard.csv", BY_METHOD)


def coverage_measured(results: Path, names: Sequence[str]) -> str:
    """Coverage by truth and nuisances, both methods of each analysis, in percent."""

    def cell(found: Mapping[str, Any] | None) -> str:
        if found is None:
            return ""
        wilks, toys = (100 * found[method]["coverage"] for method in (WILKS, FELDMAN_COUSINS))
        part = abs(found[WILKS]["moved_by"])
        return f"{wilks:.1f} / {toys:.1f}{f' ({part:.1f})' if 0 < part < 1 else ''}"

    rows = coverage_page.measured_rows(results, names)
    cells = ([row["truth"], row["nuisances"], *(cell(row["found"].get(name)) for name in names)] for row in rows)
    return _table(["truth", "nuisances", *(f"`{name}`" for name in names)], cells)


def coverage_goodness(results: Path, names: Sequence[str]) -> str:
    """Probabilities by pseudo-data, in standard deviations where they are small."""

    def cell(found: Mapping[str, Any] | None) -> str:
        if found is None:
            return ""
        if not found["beyond"]:
            return f"none of {found['toys']:.0f}"
        return f"{found['sigmas']:.2f} sigma" if found["sigmas"] > 2 else f"{found['probability']:.3f}"

    rows = coverage_page.goodness_rows(results, names)
    shown = coverage_page.having(rows, names)
    cells = ([row["quantity"], *(cell(row["found"].get(name)) for name in shown)] for row in rows)
    return _table(["probability of", *(f"`{name}`" for name in shown)], cells)


def coverage_ranges(results: Path, names: Sequence[str]) -> str:
    """Ranges of one parameter of the study of COHERENT's data by both methods."""

    def text(found: Sequence[tuple[float, float, str]]) -> str:
        return " and ".join(f"{low:.3f} to {high:.3f}" for low, high, _ in found)

    rows = []
    for row in coverage_page.range_rows(results, names):
        if row["scan"] not in {scan for scan, *_ in RANGES_OF_COHERENT.values()}:
            continue
        for name, found in row["found"].items():
            low, high = found["critical"]
            ends = f"{low:.2f} to {high:.2f} ± {found['error']:.2f}"
            rows.append([row["parameter"], f"`{name}`", text(found[WILKS]), text(found[FELDMAN_COUSINS]), ends])
    return _table(["parameter", "analysis", "chi2 distribution", "Feldman-Cousins", "delta chi2 at its ends"], rows)


def fill(texts: Mapping[Path, str], blocks: Mapping[str, str]) -> dict[Path, str]:
    """The texts with every block between its marks, which must stand in one place of one of them."""
    filled = dict(texts)
    for name, content in blocks.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        places = [path for path, text in filled.items() for _ in marks.finditer(text)]
        if len(places) != 1:
            found = ", ".join(path.name for path in places) or "none"
            raise SystemExit(f"marks for {name}: expected in one place of README.md or docs/*.md; found {found}")
        filled[places[0]] = marks.sub(lambda m, content=content: f"{m[1]}\n{content}\n{m[2]}", filled[places[0]])
    return filled


def main() -> None:
    """Replace the marked parts of the pages and copy the pictures they show."""
    config, results = read_config(ROOT / "config.yaml"), ROOT / "results"
    analyses = analyses_of(config, DEFAULT)
    blocks = {
        "headline": headline(results, analyses),
        "scorecard": scorecards(results, analyses),
        "assumptions": assumptions(results, config),
        "matches": matches(results),
        "closest": closest(results),
        "hole": hole(results, analyses),
        "domains": domains(results, analyses),
        **of_data_sets(results),
        **of_coverage(results, config),
    }
    pictures = {f"{name}.png": results / "paper" / "figures" for name in PICTURES}
    if (results / "studies" / "coherent" / "scorecard.csv").exists():
        together = results / "studies" / "coherent" / "figures"
        pictures |= {f"coherent_{figure.name}.png": together for figure in STUDIES["coherent"].together}
    measured = results / "benchmark.json"
    if measured.exists():
        blocks["benchmark"] = "\n".join(json.loads(measured.read_text(encoding="utf-8"))["table"]) + "\n"
        pictures["benchmark_growth.png"] = measured.parent
    for path, text in fill({path: path.read_text(encoding="utf-8") for path in PAGES}, blocks).items():
        path.write_text(text, encoding="utf-8")
    for picture, folder in pictures.items():
        shutil.copy(folder / picture.removeprefix("coherent_"), ROOT / "docs" / "figures" / picture)


if __name__ == "__main__":
    main()
