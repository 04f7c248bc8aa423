"""What the report says of the paper: its scorecard, Eq. 12 and the domain that it depends on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.files.tables import DOMAIN_BEST, DOMAIN_MATCHES, SENSITIVITY, read_table
from cevnsi.output import captions
from cevnsi.output.report import AnalysisResults, Row, shown
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.scorecard import spread, tolerance_of_ends
from cevnsi.studies.liao_marfatia_2017.sensitivity import CL_PAPER


def listed_choices(text: str) -> list[tuple[str, float]]:
    """What a cell of the scorecard's column `choices` lists: what is chosen, and our value under it.

    >>> listed_choices("every eps_uV, eps_dV in [-2, 2]: -1.27; every bin: nan")
    [('every eps_uV, eps_dV in [-2, 2]', -1.27), ('every bin', nan)]
    """
    parts = [item.rpartition(": ") for item in text.split("; ") if item]
    return [(name, float(value)) for name, _, value in parts]


def score(analysis: AnalysisResults) -> dict[str, int]:
    """How many of a scorecard's rows are within tolerance, and how many have each verdict over the open choices."""
    table = analysis.scorecard
    verdicts = {verdict: table["verdict"].count(verdict) for verdict in ("yes", "depends", "no")}
    return {"within": table["within"].count("true"), "all": len(table["within"]), **verdicts}


def scorecard_rows(made: Sequence[AnalysisResults]) -> list[Row]:
    """One row for every quantity, with what each analysis finds."""
    rows: dict[str, Row] = {}
    for analysis in made:
        table = analysis.scorecard
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
            row["ours"][analysis.name] = {
                "value": float(table["reproduced"][i]),
                "difference": float(table["difference"][i]),
                "within": table["within"][i] == "true",
                "digitization": spread(table["digitization"][i]),
                "verdict": table["verdict"][i],
                "ends": (float(table["least"][i]), float(table["greatest"][i])),
                "choices": listed_choices(table["choices"][i]),
            }
    return list(rows.values())


def reproduced_equation(analysis: AnalysisResults, published: Mapping[str, Any]) -> Row | None:
    """At which thresholds all ends of Eq. 12 are within tolerance: as configured, and under which open choices.

    None for an analysis that has no such ends. `published` has the columns of published.csv.
    """
    place = {quantity: i for i, quantity in enumerate(analysis.scorecard["quantity"])}
    found: dict[str, dict[str, list[bool]]] = {}  # by n_dof in the key, then by choice
    for i, key in enumerate(published["key"]):
        row = place.get(f"{published['quantity'][i]} ({published['where'][i]})")
        if row is None or "_matter_" not in key:
            continue
        by_choice = found.setdefault(key.rpartition("_n")[2], {})
        values = [
            ("", float(analysis.scorecard["reproduced"][row])),
            *listed_choices(analysis.scorecard["choices"][row]),
        ]
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
        "analysis": analysis.name,
        "configured": sorted(level for name, level in holds if not name),
        "chosen": [(name, level) for name, level in holds if name],
    }


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


def match_rows(made: Sequence[AnalysisResults]) -> list[Row]:
    """Every published end of a matter parameter at each threshold, with the bound that gives it, by analysis.

    TableError of a table that is not sound.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for analysis in made:
        path = analysis.folder / "domain_matches.csv"
        table = read_table(path, DOMAIN_MATCHES) if path.exists() else {"parameter": []}
        for i in range(len(table["parameter"])):
            named: Row = {name: table[name][i] for name in ("parameter", "side", "delta_chi2", "published")}
            row = rows.setdefault(tuple(named.values()), {**named, "bounds": {}})
            row["bounds"][analysis.name] = (float(table["bound"][i]), table["kind"][i])
    return sorted(rows.values(), key=lambda row: float(row["delta_chi2"]))


def _widest(table: Mapping[str, Any]) -> Iterator[str]:
    """The first level's range of every parameter at the largest bound, in words."""
    last = table["bound"] == table["bound"].max()
    last &= table["delta_chi2"] == table["delta_chi2"].max()
    for name in dict.fromkeys(table["parameter"]):
        ends = table["end"][last & (np.array(table["parameter"]) == name)]
        yield f"{captions.spoken_name(name)} from {captions.spoken(ends.min())} to {captions.spoken(ends.max())}"


def domain_row(analysis: AnalysisResults) -> Row | None:
    """The figure of domain sensitivity with what it means; None where it was not asked for.

    TableError of a table that is not sound.
    """
    if "domain_sensitivity" not in [figure.name for figure in analysis.figures]:
        return None
    table = read_table(analysis.folder / "domain_sensitivity.csv", SENSITIVITY)
    bounds = table["bound"]
    alt = (
        f"Ends of the allowed ranges against the bound on what is minimised over, from {bounds.min():g} to "
        f"{bounds.max():g}: every end that is a limit moves outwards in proportion to the bound; one that is only the "
        f"reach of the domain is six times it. At the largest bound {', '.join(_widest(table))}."
    )
    levels = sorted(set(table["delta_chi2"]), reverse=True)
    return shown(analysis, "domain_sensitivity", "", alt) | {"slope": slope_of_limits(table), "levels": levels}


def best_domain_rows(made: Sequence[AnalysisResults]) -> list[Row]:
    """Every kind of domain at each threshold, with the one that comes closest to Eq. 12 by analysis.

    TableError of a table that is not sound.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for analysis in made:
        path = analysis.folder / "domain_best.csv"
        table = read_table(path, DOMAIN_BEST) if path.exists() else {"kind": []}
        for i, kind in enumerate(table["kind"]):
            row = rows.setdefault(
                (table["delta_chi2"][i], kind), {"delta_chi2": table["delta_chi2"][i], "kind": kind, "best": {}}
            )
            names = ("lower_bound", "upper_bound", "miss", "lower_from", "lower_to")
            found: Row = {name: float(table[name][i]) for name in names}
            row["best"][analysis.name] = found | {"at_reach": table["at_reach"][i]}
    return sorted(rows.values(), key=lambda row: float(row["delta_chi2"]))


def map_row(analysis: AnalysisResults) -> Row | None:
    """The map of domains in words; None where it was not asked for, or is of no published end.

    TableError of a table that is not sound.
    """
    path = analysis.folder / "domain_best.csv"
    if "domain_map" not in [figure.name for figure in analysis.figures]:
        return None
    best = read_table(path, DOMAIN_BEST)
    least = [i for i, kind in enumerate(best["kind"]) if kind == "any"]
    if not least:
        return None
    said = [
        f"at delta chi2 {best['delta_chi2'][i]:.2f} it is least, {best['miss'][i]:.3f}, from "
        f"{best['lower_bound'][i]:g} to {best['upper_bound'][i]:g}"
        for i in sorted(least, key=lambda i: float(best["delta_chi2"][i]))
    ]
    alt = f"Maps of the largest miss of the ends of Eq. 12 over the lower and the upper bound: {'; '.join(said)}."
    return shown(analysis, "domain_map", "", alt) | {"levels": sorted({float(best["delta_chi2"][i]) for i in least})}


def page_rows(config: Mapping[str, Any], made: Sequence[AnalysisResults], published: Mapping[str, Any]) -> Row:
    """All of it; `published` has the columns of published.csv."""
    judged = [analysis for analysis in made if analysis.is_judged]
    return {
        "scorecard": scorecard_rows(judged),
        "score": {analysis.name: score(analysis) for analysis in judged},
        "equation": [row for row in (reproduced_equation(analysis, published) for analysis in judged) if row],
        "domains": [row for row in map(domain_row, judged) if row],
        "matches": match_rows(judged),
        "best": best_domain_rows(judged),
        "maps": [row for row in map(map_row, judged) if row],
        "tolerance": tolerance_of_ends(published),
        "bound": config.get("domain_sensitivity", {}).get("scan"),
    }
