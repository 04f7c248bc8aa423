"""What a reader is told about the figures of the paper that are drawn from no grid."""

from collections.abc import Mapping
from typing import Any

from cevnsi.config.check import parse_analysis
from cevnsi.experiments.inputs import complete
from cevnsi.files.tables import DOMAIN_HOLE, read_table
from cevnsi.output import captions
from cevnsi.output.captions import assumption_text, number, reader_text
from cevnsi.output.report import AnalysisResults, spectra_of


def spectrum_caption(config: Mapping[str, Any], analysis: str) -> str:
    """Under Fig. 1."""
    section, example = config["analyses"][analysis], config["spectrum_example"]
    exposure = parse_analysis(complete(section, config)).exposure
    return " ".join(
        [
            "Expected events in bins of photoelectrons, summed up by flavor: standard model dashed, "
            f"a mediator of {number(example['mediator_mass_mev'])} MeV with g = {number(example['coupling'])} solid.",
            f"<b>Data:</b> acceptance and bins of {reader_text(config, section)}; "
            f"{exposure.detector_mass_kg:g} kg of CsI at {exposure.baseline_m:g} m, "
            f"{number(exposure.protons_on_target)} protons on target, "
            f"{exposure.light_yield_pe_per_kev:g} PE per keV.",
            assumption_text(section),
            "<b>Statistic, threshold:</b> none enters. <b>Domain:</b> every bin is drawn; "
            f"χ<sup>2</sup> uses those from {section['photoelectron_range'][0]:g} to "
            f"{section['photoelectron_range'][1]:g} PE.",
        ]
    )


def spectrum_alt(analysis: AnalysisResults) -> str:
    """Fig. 1 in words."""
    edges, counts = analysis.measurement.bin_edges_pe, spectra_of(analysis)
    highest = int(counts["sm"].argmax())
    return (
        f"Stacked step histogram: the standard model peaks at {captions.spoken(counts['sm'][highest])} events between "
        f"{edges[highest]:g} and {edges[highest + 1]:g} photoelectrons and has {captions.spoken(counts['sm'].sum())} "
        f"in all, the light mediator {captions.spoken(counts['light_mediator'].sum())}."
    )


def hole_remark(analysis: AnalysisResults) -> str:
    """Why the region of Fig. 4 has a hole; empty where it has none, or was not asked about.

    TableError of a table that is not sound.
    """
    path = analysis.folder / "domain_hole.csv"
    table = read_table(path, DOMAIN_HOLE) if path.exists() else {"at": []}
    shown = [scan for scan in analysis.scans if scan.name == "matter_ee_mumu"]
    drawn = [(scan.name, *level) for scan in shown for level in scan.drawn_levels()]
    said = [
        f"Δχ<sup>2</sup> = {number(table['delta_chi2'][i], 3)} from |ε| ≤ {number(float(table['bound'][i]))} on"
        for i in range(len(table["at"]))
        if (table["scan"][i], table["confidence_level"][i], table["n_dof"][i]) in drawn
        and table["excess"][i] > table["delta_chi2"][i]
    ]
    if not said:
        return ""
    place = number(table["at"][0], 3)
    return (
        f"<b>Hole:</b> at ({place}, {place}) equal ε<sup>uV</sup> and ε<sup>dV</sup> cancel the weak charge of both "
        "flavors, and within the domain their difference restores too little of it: "
        f"Δχ<sup>2</sup> = {number(table['excess'][0], 3)}. A wider domain fills it, at {' and '.join(said)}."
    )
