"""The paper's figures as tables of a submission to HEPData, and what the submission says of itself."""

from collections.abc import Iterator, Sequence

import numpy as np

from cevnsi.files.tables import PUBLISHED_ENDS
from cevnsi.output.hepdata import (
    COUNTS,
    LIMITS,
    MISSING,
    REACTIONS,
    Column,
    Finished,
    Qualifier,
    Table,
    assumptions,
    column,
    curve_of,
    label,
    level_qualifiers,
    picture_name,
)

AT_REACH = "Is only the end of the reach"
CASES = {"sm": "standard model", "light_mediator": "light mediator"}
COMMENT = (
    "Constraints on nonstandard neutrino interactions from coherent elastic neutrino-nucleus scattering on CsI, "
    "made by the software cevnsi, which reproduces J. Liao and D. Marfatia, Phys. Lett. B 775 (2017) 54, "
    "arXiv:1708.04255, from the data sets that its tables name. The numbers are of this reproduction, not of the "
    "paper's authors. Equations and figures are those of the paper. Delta chi2 counts from the least chi2 between "
    "the ends of a scan's axes, along a line from the least on its grid; every chi2 is minimised over the "
    "normalization pull of Eq. 7. Parameters that a table does not name are zero unless it says otherwise. No "
    "centre-of-mass energy is given: neutrinos below 53 MeV from stopped pions and muons meet nuclei at rest."
)
SOURCES = {
    "https://arxiv.org/abs/1708.04255": "The paper that these tables reproduce",
    "https://arxiv.org/abs/1708.01294": "The measurement by the COHERENT Collaboration",
    "https://doi.org/10.5281/zenodo.1228631": "The official data release of April 2018",
}


def _spectrum_qualifiers(finished: Finished, case: str, flavors: Sequence[str]) -> list[Qualifier]:
    mediator: list[Qualifier] = []
    if case == "light_mediator":
        mediator = [
            ("Mediator mass", finished.settings["spectrum_example"]["mediator_mass_mev"], "MeV"),
            ("Coupling", finished.settings["spectrum_example"]["coupling"]),
        ]
    reactions: list[Qualifier] = [("RE", REACTIONS[flavor]) for flavor in flavors]
    return [*assumptions(finished), ("Model", CASES[case]), *mediator, *reactions]


def spectrum_tables(finished: Finished) -> Iterator[Table]:
    """Fig. 1: the cumulative curves on it, and the flavors one by one."""
    spectra, curves = finished.data["spectra"], finished.curves["fig1"]
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
            curve_of(curves, "fig1", f"{case}:{flavor}")[1],
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


def muon_table(finished: Finished) -> Iterator[Table]:
    """The band of Fig. 2 that explains the magnetic moment of the muon."""
    ends = {side: curve_of(finished.curves["fig2"], "fig2", f"muon g-2, {side}") for side in ("lower", "upper")}
    qualifiers: list[Qualifier] = [*assumptions(finished), ("Interaction", "light mediator")]
    yield Table(
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


def sensitivity_tables(finished: Finished) -> Iterator[Table]:
    """The domain-sensitivity figure, one table for each parameter."""
    table = finished.data["domain_sensitivity"]
    for name in dict.fromkeys(table["parameter"]):
        rows = [i for i, found in enumerate(table["parameter"]) if found == name]
        keys = [(float(table["confidence_level"][i]), int(table["n_dof"][i]), table["side"][i]) for i in rows]
        bounds = list(dict.fromkeys(table["bound"][i] for i in rows))
        columns = []
        for key in dict.fromkeys(keys):
            confidence_level, n_dof, side = key
            qualifiers = [*assumptions(finished), *level_qualifiers(confidence_level, n_dof), ("End", side)]
            for text, source in ((f"{side.capitalize()} end of {label(name)}", "end"), (AT_REACH, "ends_at_grid")):
                values = [table[source][i] for i, found in zip(rows, keys, strict=True) if found == key]
                columns.append(column(text, values, *qualifiers))
        yield Table(
            title=f"Domain sensitivity of {name} ({finished.name})",
            description=f"Least and greatest allowed {name} against the bound on the absolute value of each "
            "eps_uV and eps_dV that is minimised over. Where an end is marked as that of the reach, the bound itself "
            "ends the range (Eq. 11), not the data. Not in the paper: it states no domain for Eq. 12.",
            observable=LIMITS,
            independent=[column(r"Bound on $|\epsilon^{uV}|$ and $|\epsilon^{dV}|$", bounds)],
            dependent=columns,
            picture=picture_name(finished, "domain_sensitivity"),
        )


def matches_table(finished: Finished) -> Iterator[Table]:
    """The bound at which each end of Eq. 12 is the published one."""
    table = finished.data["domain_matches"]
    if not table["parameter"]:
        return
    rows = range(len(table["parameter"]))
    keys = list(dict.fromkeys((table["parameter"][i], table["side"][i], float(table["published"][i])) for i in rows))
    at = {
        (table["parameter"][i], table["side"][i], float(table["confidence_level"][i]), int(table["n_dof"][i])): i
        for i in rows
    }
    columns = []
    for level in dict.fromkeys(key[2:] for key in at):
        found = [at[name, side, *level] for name, side, _ in keys]
        qualifiers = [*assumptions(finished), *level_qualifiers(*level)]
        bounds = [MISSING if table["kind"][i] == "none" else float(table["bound"][i]) for i in found]
        columns.append(column("Least bound that gives the published end", bounds, *qualifiers))
        columns.append(column("What the end is there", [table["kind"][i] for i in found], *qualifiers))
    names, sides, ends = zip(*keys, strict=True)
    yield Table(
        title=f"Domain of Eq. 12 ({finished.name})",
        location="Eq. 12",
        description="The least bound on the absolute value of each eps_uV and eps_dV that is minimised over at which "
        "an end of the allowed range is the published one. There it is a limit, where delta chi2 rises to the "
        "threshold, or only the reach of the domain (Eq. 11), all of which is still allowed. Not in the paper: it "
        "states no domain.",
        observable=LIMITS,
        independent=[
            column("Parameter", [label(name) for name in names]),
            column("End", sides),
            column("Published", ends),
        ],
        dependent=columns,
        picture=picture_name(finished, "domain_sensitivity"),
    )


def hole_table(finished: Finished) -> Iterator[Table]:
    """The middle of the region of Fig. 4, and the bound from which on it is part of it."""
    table = finished.data["domain_hole"]
    if not len(table["at"]):
        return
    qualifiers = assumptions(finished)
    rows = range(len(table["at"]))
    yield Table(
        title=f"Middle of the region of Fig. 4 ({finished.name})",
        location="Figure 4",
        description="Delta chi2 where equal eps_uV and eps_dV cancel the weak charge of both flavors, and the least "
        "bound on the absolute value of each eps_uV and eps_dV that is minimised over with which it is the threshold. "
        "With a narrower domain the region has a hole there, which the domain makes, not the data alone.",
        observable=LIMITS,
        independent=[
            column("Confidence level", [float(table["confidence_level"][i]) for i in rows]),
            column("Degrees of freedom", [int(table["n_dof"][i]) for i in rows]),
        ],
        dependent=[
            column(
                f"{label('eps_ee_matter')} and {label('eps_mumu_matter')}", list(map(float, table["at"])), *qualifiers
            ),
            column(r"$\Delta\chi^2$ in the domain of Fig. 4", list(map(float, table["excess"])), *qualifiers),
            column(
                "Least bound without a hole",
                [float(v) if np.isfinite(float(v)) else MISSING for v in table["bound"]],
                *qualifiers,
            ),
        ],
        picture=picture_name(finished, "domain_sensitivity"),
    )


def map_tables(finished: Finished) -> Iterator[Table]:
    """By how much domains miss Eq. 12, a table for each level, and those that miss it least."""
    table, best = finished.data["domain_map"], finished.data["domain_best"]
    text = (
        "The largest distance of an end of an allowed range from the published one, if each eps_uV and eps_dV that is "
        "minimised over may go from the lower to the upper bound. An end is at the reach where the bounds themselves "
        "end the range (Eq. 11), not the data. Not in the paper: it states no domain."
    )
    shared = {"observable": LIMITS, "location": "Eq. 12", "picture": picture_name(finished, "domain_map")}
    levels = list(zip(map(float, table["confidence_level"]), map(int, table["n_dof"]), strict=True))
    for level in dict.fromkeys(levels):
        rows = [i for i, found in enumerate(levels) if found == level]
        qualifiers = [*assumptions(finished), *level_qualifiers(*level)]
        yield Table(
            title=f"Miss of Eq. 12, {level[1]} dof, {100 * level[0]:g} % CL ({finished.name})",
            description=text,
            independent=[
                column(f"{side.capitalize()} bound", [float(table[f"{side}_bound"][i]) for i in rows])
                for side in ("lower", "upper")
            ],
            dependent=[
                column("Largest miss", [float(table["miss"][i]) for i in rows], *qualifiers),
                column("Of the end", [table["miss_of"][i] for i in rows], *qualifiers),
                column("Ends at the reach", [table["at_reach"][i] or "none" for i in rows], *qualifiers),
            ],
            **shared,
        )
    if best["kind"]:
        cells = {"Lower bound": "lower_bound", "Upper bound": "upper_bound", "Largest miss": "miss"}
        cells |= {label_of_end(name): name for name in PUBLISHED_ENDS}
        texts = {"Of the end": "miss_of", "Ends at the reach": "at_reach"}
        columns = [column(head, [float(v) for v in best[name]], *assumptions(finished)) for head, name in cells.items()]
        columns += [
            column(head, [v or "none" for v in best[name]], *assumptions(finished)) for head, name in texts.items()
        ]
        yield Table(
            title=f"Domains closest to Eq. 12 ({finished.name})",
            description=f"{text} The domain that misses least, of all (any), of those in which chi2 makes all ends "
            "(limits), and of those symmetric about zero; of domains that miss by as little the narrowest.",
            independent=[
                column("Of which domains", best["kind"]),
                column("Confidence level", [float(v) for v in best["confidence_level"]]),
                column("Degrees of freedom", [int(v) for v in best["n_dof"]]),
            ],
            dependent=columns,
            **shared,
        )


def label_of_end(name: str) -> str:
    r"""An end of Eq. 12 by the name of its column.

    >>> print(label_of_end("eps_ee_matter_lower"))
    Lower end of $\epsilon_{ee}$
    """
    parameter_name, _, side = name.rpartition("_")
    return f"{side.capitalize()} end of {label(parameter_name)}"


def domain_tables(finished: Finished) -> Iterator[Table]:
    """All of the domain of Eq. 12."""
    yield from sensitivity_tables(finished)
    yield from matches_table(finished)
    yield from hole_table(finished)
