"""Every study by name, the one that a plain run makes, and what a configuration may ask of them."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from cevnsi.config import check as settings
from cevnsi.config.check import parse_scan
from cevnsi.output.figure_spec import COUNTED
from cevnsi.scans.axes import Scan
from cevnsi.studies.coherent.study import STUDY as COHERENT
from cevnsi.studies.liao_marfatia_2017.study import STUDY as LIAO_MARFATIA_2017
from cevnsi.studies.study import Study

STUDIES: dict[str, Study] = {
    "liao_marfatia_2017": LIAO_MARFATIA_2017,
    "coherent": COHERENT,
}
DEFAULT = "liao_marfatia_2017"  # what a plain run makes


def study_of(config: Mapping[str, Any], analysis: str) -> Study | None:
    """The study that an analysis belongs to; None for one of a user's own."""
    name = config["analyses"][analysis].get("study")
    return STUDIES[name] if name is not None else None


def analyses_of(config: Mapping[str, Any], study: str | None) -> list[str]:
    """Names of the analyses of a study, or of none."""
    return [name for name, section in config["analyses"].items() if section.get("study") == study]


def _scan_complaints(study: Study, scan: Scan) -> Iterator[str]:
    expected = study.axes[scan.name]
    logs = scan.name not in study.logarithmic or {axis.scale for axis in scan.axes} == {"log"}
    if scan.reference != "minimum":
        yield f"scans.{scan.name}.reference: {scan.reference}; the study {study.name} needs minimum"
    if not scan.ranges:
        yield f"scans.{scan.name}.ranges: false; the study {study.name} needs them"
    if scan.projections != (expected,) or not logs:
        spaced = ", in log scale" if scan.name in study.logarithmic else ""
        needs = f"the study {study.name} needs {' and '.join(expected)}{spaced}"
        yield f"scans.{scan.name}.axes: {needs}; name another scan otherwise"


def _complaints(config: Mapping[str, Any]) -> Iterator[str]:
    of_studies = (figure for study in STUDIES.values() for figure in study.figures)
    taken = [figure.name for figure in (*COUNTED, *of_studies)]
    yield from settings.name_complaints(config, {"scans": taken, "analyses": ["studies", *STUDIES]})
    known: dict[str, Study] = {}  # by scan
    for name, section in config["analyses"].items():
        asked = section.get("study")
        if asked is not None and asked not in STUDIES:
            close = difflib.get_close_matches(asked, STUDIES, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(STUDIES)}, or no such key"
            yield f"analyses.{name}.study: {asked!r} is unknown; {hint}"
        elif asked is not None:
            missing = [key for key in STUDIES[asked].needs if key not in section]
            if missing:
                yield f"analyses.{name}.study: {asked} is of analyses with {' and '.join(missing)}, which it has not"
            known |= {scan: STUDIES[asked] for scan in section["scans"] if scan in STUDIES[asked].axes}
    for name, study in known.items():
        yield from _scan_complaints(study, parse_scan(name, config["scans"][name]))


def check(config: Mapping[str, Any]) -> None:
    """Raise ConfigError with every complaint about a configuration, those of its studies included."""
    settings.check(config)
    settings.refuse("the configuration", _complaints(config))


def remarks(config: Mapping[str, Any]) -> list[str]:
    """What a reader of a configuration that `check` has accepted may miss, one line a key."""
    said = settings.remarks(config)
    for key, study in (("domain_sensitivity", DEFAULT), ("domain_ends", "coherent")):
        scan, run = (
            config.get(key, {}).get("scan"),
            [config["analyses"][name]["scans"] for name in analyses_of(config, study)],
        )
        if scan and not any(scan in scans for scans in run):
            said.append(f"{key}: no analysis of the study {study} names its scan, {scan}, so it is not computed")
    others = {name: names for name in STUDIES if name != DEFAULT and (names := analyses_of(config, name))}
    others |= {name: [name] for name in analyses_of(config, None)}
    if others:
        how = ", ".join(f"`snakemake {name} ...` makes {' and '.join(names)}" for name, names in others.items())
        said.append(f"analyses: a plain run makes those of the study {DEFAULT}; {how}, `snakemake analyses ...` all")
    return said
