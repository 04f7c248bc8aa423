"""What an analysis rests on: the papers, data and programs that the records name of which it makes use."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.config.check import parse_analysis, parse_muon_g2, parse_scan
from cevnsi.experiments.inputs import RELEASES, complete, parts_of
from cevnsi.experiments.targets import TARGETS
from cevnsi.output.muon_band import muon_band
from cevnsi.physics import cross_section, flux, form_factors, muon_g2, weak_charge
from cevnsi.physics.form_factors import RADIUS_FORM_FACTORS
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.muon_g2 import OF_FIG_2, Discrepancy
from cevnsi.references import bibtex
from cevnsi.scans.axes import FELDMAN_COUSINS, REFERENCES_OF_METHODS, WILKS, Scan
from cevnsi.studies.known import study_of

Row = dict[str, Any]


def _of_data(part: Mapping[str, Any]) -> Iterator[str]:
    """Of one data set: what was measured, and how a choice that the release leaves open is made."""
    release = RELEASES[part["reader"]]
    yield from release.references
    for choice in part.get("measurement", {}).items():
        if isinstance(choice[1], str):
            yield from release.references_of_choices.get(choice, ())


def _of_prediction(part: Mapping[str, Any]) -> Iterator[str]:
    """Of what is expected in it by the standard model."""
    chosen = parse_analysis(part)
    yield from flux.REFERENCES
    yield from cross_section.REFERENCES[chosen.kinematics]
    if isinstance(chosen.couplings, str):
        yield from weak_charge.REFERENCES[chosen.couplings]
    yield from form_factors.REFERENCES.get(chosen.form_factor, ())
    if chosen.form_factor in RADIUS_FORM_FACTORS:
        for nuclide in TARGETS[chosen.nuclei].nuclides:
            yield from nuclide.references


def _of_scan(scan: Scan, discrepancy: Discrepancy) -> Iterator[str]:
    """Of an interaction, of what is drawn beside its regions, and of the thresholds that end them."""
    yield from INTERACTIONS[scan.interaction].references
    if any(muon_band(scan, pair, np.ones(1), discrepancy) for pair in scan.pairs().values()):
        yield from muon_g2.REFERENCES
        yield from muon_g2.REFERENCES_OF_FIG_2 if discrepancy == OF_FIG_2 else ()
    yield from REFERENCES_OF_METHODS[FELDMAN_COUSINS if scan.coverage else WILKS]


def cited(config: Mapping[str, Any], analysis: str) -> list[str]:
    """Keys of `cevnsi.references` for an analysis of a configuration that `check` has accepted, each once.

    Its study comes first, then its data, the prediction, what its scans ask, and this program. A joint one has what
    its parts have. Data of one's own have none.
    """
    section = complete(config["analyses"][analysis], config)
    study, discrepancy = study_of(config, analysis), parse_muon_g2(config.get("muon_g2"))
    parts = parts_of(section)
    found = [*(study.references if study else ())]
    for of in (_of_data, _of_prediction):
        found += [key for part in parts for key in of(part)]
    for name in section["scans"]:
        found += _of_scan(parse_scan(name, config["scans"][name]), discrepancy)
    return list(dict.fromkeys([*found, "cevnsi"]))


def citing_rows(config: Mapping[str, Any], analyses: Sequence[str]) -> Row:
    """What a page says of it: keys by analysis, and the entries of all of them."""
    keys = {name: cited(config, name) for name in analyses}
    every = list(dict.fromkeys(key for found in keys.values() for key in found))
    return {"keys": keys, "bibtex": bibtex(every)}
