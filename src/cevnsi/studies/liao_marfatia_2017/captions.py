"""What a reader is told about the figures of the paper that are drawn from no grid."""

from collections.abc import Mapping
from typing import Any

from cevnsi.config.check import complete, parse_analysis
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
