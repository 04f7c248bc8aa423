"""The inputs of a configuration: every file verified, read by its release, and checked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.experiments.checks import Tables
from cevnsi.experiments.csi_2017 import RELEASE_2018
from cevnsi.experiments.csi_2017_figures import FIGURE_3
from cevnsi.experiments.csi_2017_time import RELEASE_2018_TIME
from cevnsi.experiments.csi_2021 import RELEASE_CSI_2021
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.lar_2020 import RELEASE_LAR_2020
from cevnsi.experiments.measurement import PHOTOELECTRONS, ROUNDING, Measurement, bins_between
from cevnsi.experiments.own_counts import OWN_COUNTS
from cevnsi.experiments.own_tables import OWN_TABLES
from cevnsi.experiments.release import Experiment, Release
from cevnsi.files import tables
from cevnsi.files.atomic import TableError, file_digest, read_lines
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.files.tables import Table
from cevnsi.statistics.nuisances import COMMON, SIGNAL, Nuisance, adjusted

RELEASES: dict[str, Release] = {
    "figure3": FIGURE_3,
    "release2018": RELEASE_2018,
    "csi_2017": RELEASE_2018_TIME,
    "csi_2021": RELEASE_CSI_2021,
    "lar_2020": RELEASE_LAR_2020,
    "table": OWN_TABLES,
    "counts": OWN_COUNTS,
}

READ_TWICE = tuple(name for name, release in RELEASES.items() if release.read_twice)

PUBLISHED_FILE = Path("data/liao_marfatia_2017/published.csv")
COMPARISONS = ("near", "at_least")


_CHECKSUM = re.compile("(?P<digest>[0-9a-fA-F]{64}) [ *](?P<name>.+)")  # * where sha256sum read it as binary


def verify_checksum(root: Path, sums: Path, path: Path) -> None:
    """Refuse a file that the list of checksums does not know or that differs from it: TableError; relative to root.

    The list is read as `sha256sum` writes it and `sha256sum --check` takes it. Of two lines on a file the last counts,
    which is how a corrected one is added.
    """
    listed: dict[str, str] = {}
    for i, line in enumerate(read_lines(root / sums), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not (entry := _CHECKSUM.fullmatch(line)):
            raise TableError(f"{sums}: row {i}: {line!r} is not '<sha256>  <path>'")
        listed[entry["name"]] = entry["digest"].lower()
    name = Path(path).as_posix()
    if name not in listed:
        raise TableError(f"{name}: has no checksum in {sums}; add the line that `sha256sum {name}` prints")
    found = file_digest(root / path)
    if found != listed[name]:
        raise TableError(f"{name}: sha256 is {found}, expected {listed[name]} ({sums}); the file has changed")


def read_dataset(section: Mapping[str, Any], root: Path, sums: Path) -> Tables:
    """The tables of one dataset of the configuration, its files verified and its contents checked.

    TableError of files for other roles than its reader's, and of what is not sound in one.
    """
    release, files = RELEASES[section["reader"]], section["files"]
    if not set(release.roles) <= set(files) <= {*release.roles, *release.optional}:
        may = f", and may have {', '.join(release.optional)}" if release.optional else ""
        raise TableError(
            f"datasets: reader {section['reader']} needs files for {', '.join(release.roles)}{may}; "
            f"found {', '.join(files) or 'none'}"
        )
    roles = [role for role in (*release.roles, *release.optional) if role in files]
    for role in roles:
        verify_checksum(root, sums, Path(files[role]))
    tables = release.read({role: root / files[role] for role in roles})
    release.check([root / files[role] for role in roles], tables)
    return tables


def complete(section: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """An analysis' section with its reader, and an exposure that is the data's own detector's where it is silent.

    Of a joint one `joins` has the complete sections of the analyses that it names, with what joining them sets.
    """
    if "joins" in section:
        return {**section, "joins": {name: _part(config["analyses"][name], config) for name in section["joins"]}}
    reader = config["datasets"][section["dataset"]]["reader"]
    detector = RELEASES[reader].exposure
    known = {name: value for name, value in asdict(detector).items() if value is not None} if detector else {}
    return {**section, "reader": reader, "exposure": known | section.get("exposure", {})}


def _part(section: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The complete section of an analysis as a part of a joint one, whose scans, study and coverage are its own."""
    whole = {key: value for key, value in complete(section, config).items() if key not in ("study", "coverage")}
    measurement = {**RELEASES[whole["reader"]].when_joined, **section.get("measurement", {})}
    return {**whole, "scans": [], **({"measurement": measurement} if measurement else {})}


def parts_of(section: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sections of each data set of an analysis, a joint one or not; its section is complete."""
    return list(section["joins"].values()) if "joins" in section else [dict(section)]


def exposure_of(section: Mapping[str, Any]) -> Exposure:
    """That of a section which is complete."""
    return Exposure(**{name: float(value) for name, value in section["exposure"].items()})


def statistic_of(section: Mapping[str, Any]) -> str:
    """The statistic of an analysis, or that of its release; its section is complete."""
    name: str = section.get("statistic", RELEASES[section["reader"]].statistic)
    return name


def is_counted(config: Mapping[str, Any], analysis: str) -> bool:
    """Whether an analysis is of counts as they are, which are Poisson's; of a joint one those of some data set."""
    return any(statistic_of(part) == "poisson" for part in parts_of(complete(config["analyses"][analysis], config)))


def experiment_of(section: Mapping[str, Any], tables: Tables) -> tuple[Experiment, str]:
    """What an analysis takes from the tables of its dataset, and its statistic; its section is complete.

    ValueError where it asks for bins or nuisances that the data have not, or for a statistic that is not for counts of
    theirs.
    """
    statistic = statistic_of(section)
    found = RELEASES[section["reader"]].experiment(tables, section, exposure_of(section))
    release, changes = RELEASES[section["reader"]], section.get("nuisances", {})
    for name, change in changes.items():
        if "scales" in change and not release.own_nuisances:
            raise ValueError(f"nuisances.{name}.scales: what it scales is the release's; expected sigma or fixed alone")
    nuisances = adjusted(found.nuisances, changes)
    _check_told_apart(nuisances, found.measurement)
    return replace(found, measurement=_counted(found.measurement, statistic), nuisances=nuisances), statistic


def _check_told_apart(nuisances: Sequence[Nuisance], measurement: Measurement) -> None:
    """Refuse free nuisances of which others make up for any value, or of samples without counts."""
    free = [n for n in nuisances if n.sigma is None and n.fixed is None and n.scales and not n.shifts]
    samples = [SIGNAL, *(name for name, counts in measurement.backgrounds.items() if counts.any())]
    scaled = np.array([[sample in n.scales for n in free] for sample in samples], float)
    if free and np.linalg.matrix_rank(scaled) < len(free):
        names = ", ".join(n.name for n in free)
        raise ValueError(f"nuisances: {names}: free, but counts cannot tell what each is; expected one to have a width")


def _counted(measurement: Measurement, statistic: str) -> Measurement:
    """With what a statistic needs: Gaussian counts have an uncertainty, by default the root of what is observed."""
    if statistic == "poisson" and measurement.uncertainty is not None:
        raise ValueError("statistic: poisson of counts with uncertainties of their own; expected gaussian")
    if statistic != "gaussian" or measurement.uncertainty is not None:
        return measurement
    if (empty := np.flatnonzero(measurement.observed == 0)).size:
        where = measurement.bin_text(int(empty[0]))
        raise ValueError(f"statistic: gaussian, but nothing is observed in bin {where}; expected poisson or wider bins")
    return replace(measurement, uncertainty=np.sqrt(measurement.observed))


def load_experiment(section: Mapping[str, Any], paths: Iterable[str | Path]) -> tuple[Experiment, str]:
    """The same from files of results/inputs/; TableError names them."""
    listed = list(paths)
    tables = RELEASES[section["reader"]].loaded(listed)
    try:
        return experiment_of(section, tables)
    except ValueError as error:
        raise TableError(f"{', '.join(map(str, listed))}: {error}") from None


def check_published(path: Path) -> None:
    """Refuse published values that a scorecard would take for something else; raises TableError with file and row."""
    table = tables.read_table(path, tables.PUBLISHED)
    for i, (key, comparison) in enumerate(zip(table["key"], table["comparison"], strict=True)):
        if key in table["key"][:i]:
            raise TableError(f"{path}: row {table.line(i)}: the key {key!r} is given twice")
        if comparison not in COMPARISONS:
            expected = " or ".join(COMPARISONS)
            raise TableError(f"{path}: row {table.line(i)}: comparison is {comparison!r}; expected {expected}")
        if table["tolerance"][i] < 0:
            raise TableError(f"{path}: row {table.line(i)}: tolerance {table['tolerance'][i]:g} is negative")


def check_range(name: str, analysis: Mapping[str, Any], counts: Table) -> None:
    """Refuse a photoelectron_range that is not between bin edges of the counts of an analysis' dataset: ConfigError."""
    edges = np.unique([*counts["bin_low_pe"], counts["bin_high_pe"][-1]])
    for edge in analysis["photoelectron_range"]:
        if not np.isclose(edge, edges, rtol=ROUNDING, atol=0).any():
            raise ConfigError(
                f"analyses.{name}.photoelectron_range: {edge} is not a bin edge of dataset {analysis['dataset']}; "
                f"edges are {', '.join(f'{e:g}' for e in edges)}"
            )
    try:
        bins_between(PHOTOELECTRONS, edges, *analysis["photoelectron_range"])
    except ValueError as error:
        raise ConfigError(f"analyses.{name}.photoelectron_range: {error}") from None


def check_analysis(name: str, section: Mapping[str, Any], tables: Tables) -> dict[str, Nuisance]:
    """The nuisances of an analysis by name.

    ConfigError where it asks of its dataset what that has not: bins, nuisances, or a statistic for its counts.
    """
    if "photoelectron_range" in section:
        check_range(name, section, tables["counts"])
    try:
        return {nuisance.name: nuisance for nuisance in experiment_of(section, tables)[0].nuisances}
    except ValueError as error:
        raise ConfigError(f"analyses.{name}: {error}") from None


def check_inputs(config: Mapping[str, Any], root: Path) -> None:
    """Read every input of a configuration that was checked; TableError or ConfigError if bad."""
    sums = Path(config["checksums"])
    verify_checksum(root, sums, PUBLISHED_FILE)
    check_published(root / PUBLISHED_FILE)
    read = {name: read_dataset(section, root, sums) for name, section in config["datasets"].items()}
    for name, analysis in config["analyses"].items():
        known = nuisances_of(name, complete(analysis, config), read)
        for scan in analysis["scans"]:
            _check_nuisances(f"scans.{scan}", config["scans"][scan], name, known)


def nuisances_of(name: str, section: Mapping[str, Any], read: Mapping[str, Tables]) -> dict[str, Nuisance]:
    """The nuisances of an analysis by name, from the tables of its datasets by theirs; its section is complete.

    ConfigError where it asks of a dataset what that has not, or where two data sets have one name for two nuisances.
    """
    found: dict[str, tuple[str, Nuisance]] = {}
    for part, whole in section.get("joins", {name: section}).items():
        for nuisance in check_analysis(part, whole, read[whole["dataset"]]).values():
            first, other = found.setdefault(nuisance.name, (part, nuisance))
            for what in COMMON:
                if getattr(other, what) != getattr(nuisance, what):
                    said = f"{what} {getattr(other, what)} in {first} and {getattr(nuisance, what)} in {part}"
                    raise ConfigError(
                        f"analyses.{name}.joins: nuisance {nuisance.name} has {said}; expected the same, as one name "
                        f"is one parameter: set nuisances.{nuisance.name} of both alike"
                    )
    return {name: nuisance for name, (_, nuisance) in found.items()}


def _check_nuisances(key: str, scan: Mapping[str, Any], analysis: str, known: Mapping[str, Nuisance]) -> None:
    """Refuse nuisances of a scan that an analysis has not, or values that are none of theirs."""
    for asked in scan.get("nuisances", ()):
        if asked not in known:
            said = f"{asked!r} is none of analysis {analysis}; expected some of {', '.join(known)}"
            raise ConfigError(f"{key}.nuisances: {said}")
        place = f"axes.{asked}.min" if asked in scan["axes"] else f"fixed.{asked}"
        lowest = scan["axes"][asked]["min"] if asked in scan["axes"] else scan["fixed"][asked]
        if lowest < known[asked].least:
            raise ConfigError(f"{key}.{place}: {lowest:g}; expected {known[asked].least:g} or more, as of a scale")
