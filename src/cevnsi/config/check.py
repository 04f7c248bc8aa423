"""The configuration: checked against its schema and against itself, then frozen dataclasses.

Every complaint names the key, the value and what was expected; nothing is corrected silently.
"""

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, partial
from importlib import resources
from itertools import combinations
from typing import Any

import numpy as np

from cevnsi.domains import reach, spelled_out
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.inputs import RELEASES, exposure_of
from cevnsi.experiments.targets import TARGETS
from cevnsi.files.strict_yaml import LARGEST, ConfigError, load_yaml, near_miss
from cevnsi.model import Analysis
from cevnsi.parameters import (
    CEVNS_NORMALIZATION,
    CONTACT_PARAMETERS,
    MATTER_PARAMETERS,
    NEUTRON_RADII,
    Axis,
    combination,
    expanded,
    quarks_of,
)
from cevnsi.physics.cross_section import KINEMATICS
from cevnsi.physics.form_factors import FORM_FACTORS, LEAST_RMS_RADIUS_FM, RADIUS_FORM_FACTORS
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.muon_g2 import OF_FIG_2, Discrepancy
from cevnsi.physics.weak_charge import COUPLINGS, NucleonCouplings
from cevnsi.scans.axes import FELDMAN_COUSINS, FREE, REFERENCES, Coverage, Scan, share
from cevnsi.statistics.likelihoods import STATISTICS
from cevnsi.statistics.thresholds import threshold

DEEPEST, MOST_VALUES = 10, 100_000  # of a configuration, aliases written out
MOST_STORED = 10**9  # of one grid that is kept: 8 GB of chi2
MOST_IN_CHUNK = 20 * 10**6  # of all grids, the part that one chunk keeps, in memory until it is written

MOST_DOMAINS = 10**6  # of a map, each 0.5 kB of csv and some 0.3 ms, in two nuclei 30

REACH_ROUNDING = 1e-12  # of a sum of decimals, over its range
PART_ROUNDING = 1e-12  # of a sum of decimals that is one

UNBOUNDED = (-math.inf, math.inf)  # the domain that is called `FREE`

SCALES = ("linear", "log")  # of an axis

LEAST_BEYOND = 10  # toys that must be expected above a critical value for it to be known to a third

OF_JOINT = ("joins", "scans", "study", "coverage")  # keys of an analysis that joins others, whose choices they make

# Names under results/ that are made whatever the configuration says.
TAKEN = {
    "analyses": ("inputs", "hepdata"),
    "datasets": (),
    "scans": ("digitization",),
}


@cache
def schema() -> dict[str, Any]:
    """The schema that a configuration must follow, a description on every key; names are those of the records."""
    text = resources.files("cevnsi").joinpath("config/schema.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = load_yaml(text)
    dataset, analysis, scan = (
        loaded["properties"][place]["additionalProperties"] for place in ("datasets", "analyses", "scans")
    )
    dataset["properties"]["reader"]["enum"] = list(RELEASES)
    analysis["properties"]["nuclei"]["enum"] = list(TARGETS)
    analysis["properties"]["form_factor"]["enum"] = [*FORM_FACTORS, *RADIUS_FORM_FACTORS]
    analysis["properties"]["kinematics"]["enum"] = list(KINEMATICS)
    analysis["properties"]["couplings"]["anyOf"][0]["enum"] = list(COUPLINGS)
    analysis["properties"]["statistic"]["enum"] = list(STATISTICS)
    choices = analysis["properties"]["measurement"]["properties"]
    for name in choices:
        if values := dict.fromkeys(value for each in RELEASES.values() for value in each.choices.get(name, ())):
            choices[name]["enum"] = list(values)
    scan["properties"]["interaction"]["enum"] = list(INTERACTIONS)
    scan["properties"]["reference"]["enum"] = list(REFERENCES)
    scan["properties"]["coverage"]["properties"]["method"]["enum"] = [FELDMAN_COUSINS]
    dataset["allOf"] = [
        {
            "if": {"required": ["reader"], "properties": {"reader": {"const": name}}},
            "then": {"properties": {"files": {"required": roles, "propertyNames": {"enum": [*roles, *may]}}}},
        }
        for name, release in RELEASES.items()
        for roles, may in [(list(release.roles), release.optional)]
    ]
    return loaded


@dataclass(frozen=True, kw_only=True)
class Digitization:
    """How many readings of the figures to draw, from what, and on how fine a grid to repeat the analysis for each."""

    members: int
    seed: int
    acceptance_error: float
    points: int
    chunks: int

    def rows(self, chunk: int) -> tuple[int, int]:
        """Half-open range of members in chunk 1 .. chunks; member 0, before the drawn ones, is the inputs as used."""
        return share(self.members + 1, chunk, self.chunks)


def _axis(name: str, section: Mapping[str, Any]) -> Axis:
    scale = section.get("scale", "linear")
    return Axis(
        name=name,
        minimum=float(section["min"]),
        maximum=float(section["max"]),
        points=int(section["points"]),
        scale=scale,
    )


def _domain(ends: str | Sequence[float]) -> tuple[float, float]:
    return UNBOUNDED if ends == FREE else (float(ends[0]), float(ends[1]))


def covered_section(section: Mapping[str, Any], analysis: Mapping[str, Any]) -> dict[str, Any]:
    """The section of a scan as an analysis has it: with what that says of coverage laid over, if there is any.

    >>> scan = {"chunks": 1, "coverage": {"toys": 4000, "points": 41, "seed": 1}}
    >>> covered_section(scan, {"coverage": {"toys": 1000}})["coverage"]
    {'toys': 1000, 'points': 41, 'seed': 1}
    >>> covered_section({"chunks": 1}, {"coverage": {"toys": 1000}})
    {'chunks': 1}
    """
    if "coverage" not in section:
        return dict(section)
    own, other = section["coverage"], analysis.get("coverage", {})
    laid = {**own, **other}
    if isinstance(other.get("points"), Mapping):  # of some axes, not all of which are this scan's
        names = _kept(section)
        points = own["points"] if isinstance(own["points"], Mapping) else dict.fromkeys(names, own["points"])
        laid["points"] = {**points, **{name: count for name, count in other["points"].items() if name in names}}
    return {**section, "coverage": laid}


def _kept(section: Mapping[str, Any]) -> list[str]:
    """Axes of the grids of a scan that have one axis or two, each once."""
    grids = section.get("projections", [list(section["axes"])])
    return list(dict.fromkeys(name for axes in grids if len(axes) <= 2 for name in axes))


def _coverage(section: Mapping[str, Any], names: Sequence[str]) -> Coverage:
    """Of a section `coverage` of a scan that has grids of these axes."""
    points = section["points"]
    by_axis = points if isinstance(points, Mapping) else dict.fromkeys(names, points)
    return Coverage(
        toys=int(section["toys"]),
        points={name: int(count) for name, count in by_axis.items()},
        seed=int(section["seed"]),
    )


def parse_scan(name: str, section: Mapping[str, Any]) -> Scan:
    """The dataclass of a section that `check` has accepted.

    Axes are in the order of the interaction's parameters, then by name, whatever the order of the mapping: merging a
    file of changes reorders it. A projection, which is a list, chooses another order.
    """
    place = {name: i for i, name in enumerate(INTERACTIONS[section["interaction"]].parameters)}
    listed = sorted(section["axes"].items(), key=lambda item: (place.get(item[0], len(place)), item[0]))
    axes = tuple(_axis(*item) for item in listed)
    names = tuple(axis.name for axis in axes)
    projections = section.get("projections", [names])
    fixed = {key: float(value) for key, value in section.get("fixed", {}).items()}
    combinations = {key: combination(key, of) for key, of in section.get("combinations", {}).items()}
    domain = {key: _domain(ends) for key, ends in section.get("domain", {}).items()}
    if INTERACTIONS[section["interaction"]].has_domains:
        domain = spelled_out(domain, [*names, *fixed], combinations)
    return Scan(
        name=name,
        interaction=section["interaction"],
        axes=axes,
        domain=domain,
        fixed=fixed,
        combinations=combinations,
        nuisances=tuple(section.get("nuisances", ())),
        reference=section.get("reference", "minimum"),
        projections=tuple(tuple(projection) for projection in projections),
        confidence_levels=tuple(section.get("confidence_levels", ())),
        n_dof=tuple(map(int, section.get("n_dof", ()))),
        ranges=section.get("ranges", True),
        chunks=int(section["chunks"]),
        coverage=_coverage(section["coverage"], _kept(section)) if "coverage" in section else None,
    )


def parse_analysis(section: Mapping[str, Any]) -> Analysis:
    """The dataclass of a section that `experiments.inputs.complete` has given."""
    low_high, sigma = section.get("photoelectron_range"), section.get("normalization_uncertainty")
    return Analysis(
        dataset=section["dataset"],
        nuclei=section["nuclei"],
        form_factor=section["form_factor"],
        sin2_theta_w=section["sin2_theta_w"],
        exposure=exposure_of(section),
        photoelectron_range=(float(low_high[0]), float(low_high[1])) if low_high else None,
        normalization_uncertainty=float(sigma) if sigma else None,
        scans=tuple(section["scans"]),
        couplings=_couplings(section.get("couplings", "tree")),
        kinematics=section.get("kinematics", "as_written"),
    )


def _couplings(chosen: str | Mapping[str, float]) -> str | NucleonCouplings:
    """A name, or the couplings that are given, of protons by the flavor of the neutrino."""
    if isinstance(chosen, str):
        return chosen
    proton = {"e": float(chosen["proton_nu_e"]), "mu": float(chosen["proton_nu_mu"])}
    return NucleonCouplings(proton=proton, neutron=float(chosen["neutron"]))


def parse_sensitivity(section: Mapping[str, Any]) -> Axis:
    """Bounds to try, of a section that `check` has accepted."""
    return _axis("bound", section["bounds"])


def parse_domain_ends(section: Mapping[str, Any]) -> tuple[Axis, float]:
    """Bounds to try and how far an end is looked for, of a section that `check` has accepted."""
    return parse_sensitivity(section), float(section["widest"])


def parse_general_fit(section: Mapping[str, Any]) -> tuple[dict[tuple[float, int], float], float]:
    """Delta chi2 by confidence level and n_dof, and how far an end is looked for, of a section that `check` accepts."""
    level = float(section["confidence_level"]), 1
    return {level: threshold(*level)}, float(section["widest"])


def parse_domain_map(section: Mapping[str, Any]) -> tuple[Axis, Axis]:
    """Lower and upper bounds to try, of a section that `check` has accepted."""
    return _axis("lower", section["map"]["lower"]), _axis("upper", section["map"]["upper"])


def parse_muon_g2(section: Mapping[str, Any] | None) -> Discrepancy:
    """The dataclass of a section that `check` has accepted; that of Fig. 2 where there is none."""
    return (
        Discrepancy(value=float(section["discrepancy"]), uncertainty=float(section["uncertainty"]))
        if section
        else OF_FIG_2
    )


def parse_digitization(section: Mapping[str, Any]) -> Digitization:
    """The dataclass of a section that `check` has accepted."""
    whole = {name: int(section[name]) for name in ("members", "seed", "points", "chunks")}
    return Digitization(acceptance_error=float(section["acceptance_error"]), **whole)


def _schema_complaints(config: Mapping[str, Any]) -> Iterator[str]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema()).iter_errors(config):
        key = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for extra in sorted(set(map(str, error.instance)) - set(known)):
                close = difflib.get_close_matches(extra, known, 1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; known keys: {', '.join(known)}"
                yield f"{key + '.' if key else ''}{extra}: unknown key{hint}"
        elif error.validator == "enum":
            yield f"{key}: {error.instance!r} is unknown; expected one of {', '.join(map(str, error.validator_value))}"
        else:
            meant = f" ({error.schema['description']})" if "description" in error.schema else ""
            meant += _number_hint(error.instance) if error.validator == "type" else ""
            yield f"{key or 'the whole'}: {error.message}{meant}"


def _number_hint(value: Any) -> str:
    """What to write for a text that is a number to everyone but YAML.

    >>> print(_number_hint("1.76e23") + _number_hint("-1e-4") + _number_hint("helm"))
    ; as a number, write 1.76e+23; as a number, write -1.0e-4
    """
    found = re.fullmatch(r"([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)", value) if isinstance(value, str) else None
    if not found:
        return ""
    whole, fraction, sign, power = found.groups()
    return f"; as a number, write {whole}{fraction if fraction and fraction != '.' else '.0'}e{sign or '+'}{power}"


def _value_complaints(key: str, scan: Scan) -> Iterator[str]:
    """Of a scan that came from no file, whose values nothing has checked."""
    values = [(f"axes.{axis.name}.min", axis.minimum) for axis in scan.axes]
    values += [(f"axes.{axis.name}.max", axis.maximum) for axis in scan.axes]
    bounded = {name: ends for name, ends in scan.domain.items() if ends != UNBOUNDED}
    values += [(f"domain.{name}", end) for name, ends in bounded.items() for end in ends]
    values += [(f"fixed.{name}", value) for name, value in scan.fixed.items()]
    for place, value in values:
        if not abs(value) <= LARGEST:  # which is false of nan
            yield f"{key}.{place}: {value:g}; expected a finite number, at most {LARGEST:g} in magnitude"
    for axis in scan.axes:
        if axis.scale not in SCALES:
            yield f"{key}.axes.{axis.name}.scale: {axis.scale!r} is unknown; expected one of {', '.join(SCALES)}"


def _axis_complaints(key: str, axis: Axis) -> Iterator[str]:
    if axis.minimum >= axis.maximum:
        yield f"{key}: min {axis.minimum:g} >= max {axis.maximum:g}; min must be smaller"
    if axis.scale == "log" and axis.minimum <= 0:
        yield f"{key}: a log axis starts at min {axis.minimum:g}; expected a positive number"
    elif axis.minimum < axis.maximum and not (np.diff(axis.values()) > 0).all():
        yield f"{key}: {axis.points} points do not all differ between {axis.minimum!r} and {axis.maximum!r}"


def _free_complaints(key: str, scan: Scan) -> Iterator[str]:
    """Combinations without bounds of several pairs, where another coupling without bounds moves one of these, too."""
    moved = {
        name: {
            (made.pair, made.imaginary)
            for part in expanded({name: 1.0}, scan.combinations)
            if (made := CONTACT_PARAMETERS.get(part))
        }
        for name, ends in scan.domain.items()
        if any(map(math.isinf, ends))
    }
    for name, pairs in moved.items():
        others = [other for other in moved if other != name and moved[other] & pairs]
        if len(pairs) > 1 and others:
            yield f"{key}.domain.{name}: is free, as {others[0]} is, which moves the same; expected bounds of one"


def _domain_complaints(key: str, scan: Scan) -> Iterator[str]:
    """What can be minimised over, and matter axes that need both quarks."""
    for name, (low, high) in scan.domain.items():
        if low >= high:
            yield f"{key}.domain.{name}: [{low:g}, {high:g}] is not a domain; expected low < high"
        if name in MATTER_PARAMETERS:
            yield f"{key}.domain.{name}: a matter parameter is an axis; its eps_uV and eps_dV have domains"
    yield from _free_complaints(key, scan)
    named = sorted(scan.named)
    has_domain = INTERACTIONS[scan.interaction].has_domain
    if not all(has_domain(name, scan.combinations) for name in scan.domain):
        said = "only contact parameters can be minimised over, of interaction contact"
        yield f"{key}.domain: {said}; scan one more axis and name a projection"
    for axis in scan.axes:
        if axis.name not in MATTER_PARAMETERS:
            continue
        quarks = quarks_of(axis.name)
        for name in (*named, *scan.domain):
            if name in scan.combinations and set(scan.combinations[name].of) & set(quarks):
                yield f"{key}.combinations.{name}: moves couplings whose sum is axis {axis.name} (Eq. 11); expected one"
        missing = [quark for quark in quarks if quark not in scan.domain]
        if missing:
            yield f"{key}.domain: axis {axis.name} needs a domain for {' and '.join(missing)} (Eq. 11 fixes their sum)"
            continue
        least, most = reach(axis.name, scan.domain)
        missed = REACH_ROUNDING * (most - least)
        if axis.minimum < least - missed or axis.maximum > most + missed:
            ends = f"[{axis.minimum:.10g}, {axis.maximum:.10g}] leaves [{least:.10g}, {most:.10g}]"
            yield (
                f"{key}.axes.{axis.name}: {ends}, which is what the domains of {' and '.join(quarks)} allow (Eq. 11)"
            )


def _projection_complaints(key: str, scan: Scan) -> Iterator[str]:
    names, summed = _names(scan), scan.summed()
    if len(names) > 2 and all(len(projection) > 2 for projection in scan.projections):
        yield f"{key}.projections: a scan of {len(names)} axes needs at least one pair of axes to project onto"
    kept = 0
    for i, projection in enumerate(scan.projections):
        if any(set(projection) == set(other) for other in scan.projections[:i]):
            yield f"{key}.projections: {list(projection)} is there twice"
        if any(name not in (*names, *summed) for name in projection):
            yield f"{key}.projections: {list(projection)} must name axes: {', '.join([*names, *summed])}"
            continue
        behind = [axis for name in projection for axis in summed.get(name, (name,))]
        if len(set(behind)) < len(behind):
            yield f"{key}.projections: {list(projection)} names an axis and a sum that it is in (Eq. 11)"
        elif len(projection) > 2 and set(projection) != set(names):
            yield f"{key}.projections: {list(projection)} is neither a pair nor all axes"
        for name in set(projection) & set(summed):
            u, d = (scan.axis(quark) for quark in summed[name])
            steps = [(axis.maximum - axis.minimum) / (axis.points - 1) for axis in (u, d)]
            if {u.scale, d.scale} != {"linear"} or not math.isclose(*steps, rel_tol=1e-9):
                yield f"{key}.projections: {name} needs {u.name} and {d.name} to be linear with the same step (Eq. 11)"
        plane = scan.onto(projection)
        if math.prod(plane.shape) > MOST_STORED:
            yield f"{key}.axes: {math.prod(plane.shape)} grid points to be stored; expected at most {MOST_STORED}"
        if scan.chunks > plane.shape[0]:
            yield (
                f"{key}.chunks: {scan.chunks} chunks, but axis {plane.axes[0].name} has {plane.shape[0]} rows; "
                "expected at most that"
            )
        first, last = plane.rows(scan.chunks)  # the last chunk is the largest
        kept += (last - first) * math.prod(plane.shape[1:])
    if kept > MOST_IN_CHUNK:
        yield f"{key}.chunks: a chunk keeps up to {kept} grid points; expected at most {MOST_IN_CHUNK}: more chunks"


def _names(scan: Scan) -> list[str]:
    return [axis.name for axis in scan.axes]


def _radii_of(scan: Scan, name: str) -> list[float]:
    """What one unit of a parameter of a scan adds to each neutron radius that it moves."""
    if name in scan.combinations:
        return [unit for part, unit in scan.combinations[name].of.items() if part in NEUTRON_RADII]
    return [1.0] if name in NEUTRON_RADII else []


def _combination_complaints(key: str, section: Mapping[str, Any]) -> Iterator[str]:
    """Before a scan is parsed."""
    for name, of in section.get("combinations", {}).items():
        try:
            combination(name, of)
        except ValueError as error:
            yield f"{key}.combinations.{name}: {error}"


def _part_complaints(key: str, scan: Scan) -> Iterator[str]:
    """Parts of one that may be negative, or more than one together."""
    known = INTERACTIONS[scan.interaction].parts_of_one
    ends = {axis.name: (f"axes.{axis.name}", axis.minimum, axis.maximum) for axis in scan.axes}
    ends |= {name: (f"fixed.{name}", value, value) for name, value in scan.fixed.items()}
    parts = {name: ends[name] for name in known if name in ends}
    for place, least, _ in parts.values():
        if least < 0:
            yield f"{key}.{place}: {least:g}; expected 0 or more, as it is a part of one"
    if (most := sum(greatest for *_, greatest in parts.values())) > 1 + PART_ROUNDING:
        places = " and ".join(f"{key}.{place}" for place, *_ in parts.values())
        yield f"{places}: up to {most:g}; expected at most 1{' together' * (len(parts) > 1)}, as parts of one"


def _scan_complaints(key: str, scan: Scan) -> Iterator[str]:
    interaction = INTERACTIONS[scan.interaction]
    known = {**interaction.parameters, **scan.combinations, **dict.fromkeys(scan.nuisances)}
    for place, names in (("axes", _names(scan)), ("domain", scan.domain), ("fixed", scan.fixed)):
        for name in names:
            if place == "fixed" and name in MATTER_PARAMETERS:
                yield f"{key}.fixed.{name}: a matter parameter is an axis, not fixed; fix its eps_uV and eps_dV"
            elif name not in known:
                hint = near_miss(name, known)
                yield f"{key}.{place}.{name}: unknown parameter of interaction {scan.interaction}; {hint}"
    for place, name in [*(("combinations", n) for n in scan.combinations), *(("nuisances", n) for n in scan.nuisances)]:
        if name in interaction.parameters or (name in scan.nuisances and name in scan.combinations):
            yield f"{key}.{place}.{name}: is the name of another parameter; choose one of its own"
        elif name not in (*_names(scan), *scan.domain, *scan.fixed):
            yield f"{key}.{place}.{name}: neither axes, domain nor fixed name it"
    for name, made in scan.combinations.items():
        for part in made.of:
            if part not in interaction.parameters:
                yield f"{key}.combinations.{name}: {part} is no parameter of interaction {scan.interaction}"
    if any(name not in known for name in [*_names(scan), *scan.domain, *scan.fixed]):
        return
    for name in interaction.needed:
        if name not in _names(scan) and name not in scan.fixed:
            yield f"{key}: {name} of interaction {scan.interaction} is neither an axis nor fixed"
    lows = [(f"axes.{axis.name}.min", axis.name, axis.minimum) for axis in scan.axes]
    lows += [(f"fixed.{name}", name, value) for name, value in scan.fixed.items()]
    for place, name, value in lows:
        if name == CEVNS_NORMALIZATION and value < 0:
            yield f"{key}.{place}: {value:g}; expected 0 or more, as no counts are negative"
        least_radius = min((value * unit for unit in _radii_of(scan, name)), default=np.inf)
        if least_radius <= LEAST_RMS_RADIUS_FM:
            yield f"{key}.{place}: {value:g} fm; expected more than the skin's alone, {LEAST_RMS_RADIUS_FM:.4g} fm"
    yield from _part_complaints(key, scan)
    for axis in scan.axes:
        yield from _axis_complaints(f"{key}.axes.{axis.name}", axis)
        if axis.name in scan.domain:
            yield f"{key}.domain.{axis.name}: is also an axis; a parameter is one or the other"
    for name in scan.fixed:
        if name in scan.domain or name in _names(scan):
            yield f"{key}.fixed.{name}: is also an axis or minimised over; a parameter is one of the three"
    yield from _projection_complaints(key, scan)
    yield from _domain_complaints(key, scan)


def _coverage_complaints(key: str, scan: Scan) -> Iterator[str]:
    """What has no critical values, and what so many toys cannot tell."""
    if scan.coverage is None:
        return
    axes = list(dict.fromkeys(name for projection in scan.drawn().values() for name in projection))
    if not axes:
        yield f"{key}.coverage: no grid of scan {scan.name} has one axis or two; expected some"
    if scan.reference != "minimum":
        said = "expected minimum, from which the critical values of Feldman and Cousins count"
        yield f"{key}.coverage: reference of scan {scan.name} is {scan.reference}; {said}"
    for name in scan.coverage.points:
        if name not in axes:
            yield f"{key}.coverage.points.{name}: is no axis of a grid of scan {scan.name}; {near_miss(name, axes)}"
    for name in axes:
        if name not in scan.coverage.points:
            yield f"{key}.coverage.points: has no {name}; expected every axis, {', '.join(axes)}, or one number for all"
    for level in scan.confidence_levels:
        needed = math.ceil(round(LEAST_BEYOND / (1 - level), 6))
        if scan.coverage.toys < needed:
            most = f"at {level:g} CL, of which {LEAST_BEYOND} are beyond the critical value"
            yield f"{key}.coverage.toys: {scan.coverage.toys}; expected {needed} or more {most}"
    if len({f"{level:g}" for level in scan.confidence_levels}) < len(scan.confidence_levels):
        yield f"{key}.confidence_levels: {list(scan.confidence_levels)}; with coverage expected six digits to differ"


def _tests_complaints(section: Mapping[str, Any], scan: Scan) -> Iterator[str]:
    """Of a section that tries a scan's critical values on other toys."""
    if scan.coverage is None:
        yield f"coverage_tests.scan: {scan.name} has no section coverage; expected a scan that has one"
    elif scan.coverage.seed == section["seed"]:
        yield f"coverage_tests.seed: {section['seed']} is the seed of {scan.name}; expected another, as for other toys"
    for grid, axes in scan.grids().items():
        if len(axes) > 2:
            yield f"coverage_tests.scan: {scan.name} has a grid {grid} of {len(axes)} axes; expected one axis or two"


def _laid_complaints(key: str, section: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[str]:
    """Of the coverage that an analysis lays over that of its scans."""
    covered = {name: sections[name] for name in section["scans"] if "coverage" in sections.get(name, {})}
    for name, scan in covered.items():
        laid = covered_section(scan, section)
        if laid != scan:
            yield from _coverage_complaints(key, parse_scan(name, laid))
    points = section.get("coverage", {}).get("points")
    known = [name for scan in covered.values() for name in _kept(scan)]
    for name in points if isinstance(points, Mapping) and covered else ():
        if name not in known:
            yield f"{key}.coverage.points.{name}: is no axis of a scan with coverage; {near_miss(name, known)}"


def name_complaints(config: Mapping[str, Any], reserved: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Names by section that are taken, or there twice: they are file names, which not every system tells by case."""
    for place, taken in reserved.items():
        seen = {name.lower(): name for name in taken}
        for name in config[place]:
            other = seen.setdefault(name.lower(), name)
            if other in taken or other != name:
                yield f"{place}.{name}: {other!r} is {'taken' if other in taken else 'there too'}; choose another name"


def _bounds_complaints(key: str, section: Mapping[str, Any], scan: Scan) -> Iterator[str]:
    """Of a section that tries bounds on what a scan of matter parameters minimises over."""
    if len(scan.axes) != 2 or any(axis.name not in MATTER_PARAMETERS for axis in scan.axes):
        found = ", ".join(_names(scan))
        yield f"{key}.scan: {scan.name} must scan matter parameters only, two of them; it scans {found}"
    bounds = parse_sensitivity(section)
    if bounds.minimum <= 0:
        yield f"{key}.bounds: min {bounds.minimum:g}; expected a positive number"
    yield from _axis_complaints(f"{key}.bounds", bounds)


def _general_fit_complaints(config: Mapping[str, Any]) -> Iterator[str]:
    """Analyses of another study, or whose charges squared do not say everything; one that is dropped is left out."""
    analyses = config["analyses"]
    for name in (name for name in config["general_fit"]["analyses"] if name in analyses):
        if analyses[name].get("study") != "coherent":
            known = ", ".join(other for other, made in analyses.items() if made.get("study") == "coherent") or "none"
            yield f"general_fit.analyses: {name!r} is no analysis of study coherent; expected some of {known}"
            continue
        forms = [analyses.get(part, {}).get("form_factor") for part in analyses[name].get("joins", [name])]
        for form in forms:
            if form in RADIUS_FORM_FACTORS and RADIUS_FORM_FACTORS[form].apart:
                yield f"general_fit.analyses: {name} has form_factor {form!r}; expected one of both nucleons"


def _sensitivity_complaints(section: Mapping[str, Any], scan: Scan) -> Iterator[str]:
    yield from _bounds_complaints("domain_sensitivity", section, scan)
    for name, ends in scan.domain.items():
        if any(map(math.isinf, ends)):
            yield f"domain_sensitivity.scan: {scan.name} has {name} {FREE}; expected bounds, which are then moved"
    lower, upper = parse_domain_map(section)
    if lower.maximum >= 0:
        yield f"domain_sensitivity.map.lower: max {lower.maximum:g}; expected a negative number"
    if upper.minimum <= 0:
        yield f"domain_sensitivity.map.upper: min {upper.minimum:g}; expected a positive number"
    for axis in (lower, upper):
        yield from _axis_complaints(f"domain_sensitivity.map.{axis.name}", axis)
    if lower.points * upper.points > MOST_DOMAINS:
        tried = lower.points * upper.points
        yield f"domain_sensitivity.map: {tried} domains; expected at most {MOST_DOMAINS}"


def _digitization_complaints(section: Mapping[str, Any]) -> Iterator[str]:
    choices = parse_digitization(section)
    if choices.chunks > choices.members:
        yield f"digitization.chunks: {choices.chunks} chunks for {choices.members} members; expected at most that"


def _muon_complaints(section: Mapping[str, Any]) -> Iterator[str]:
    """What no coupling explains."""
    try:
        parse_muon_g2(section).ends(2.0)
    except ValueError as error:
        yield f"muon_g2.discrepancy: {section['discrepancy']:g} +- {section['uncertainty']:g}: {error}"


def _exposure_complaints(key: str, section: Mapping[str, Any], reader: str) -> Iterator[str]:
    given, known = section.get("exposure", {}), RELEASES[reader].exposure
    missing = [field.name for field in fields(Exposure) if field.name not in given]
    dataset = f"dataset {section['dataset']!r} (reader {reader})"
    if missing and known is None:
        yield f"{key}.exposure: needs {', '.join(missing)}, as {dataset} is of no detector that is known"
    for name in given:
        if known is not None and getattr(known, name) is None:
            yield f"{key}.exposure.{name}: {dataset} has none; expected nothing"


def _release_complaints(key: str, section: Mapping[str, Any], reader: str) -> Iterator[str]:
    """What an analysis must say of its data, and what would do nothing."""
    release, of = RELEASES[reader], f"dataset {section['dataset']!r} (reader {reader})"
    for name in sorted({name for each in RELEASES.values() for name in each.needs}):
        if name in release.needs and name not in section:
            yield f"{key}: {name!r} is a required key for {of}"
        elif name not in (*release.needs, *release.takes) and name in section:
            yield f"{key}.{name}: {of} does not take it; {_TAKEN_BY}"
    if release.targets and section["nuclei"] not in release.targets:
        yield f"{key}.nuclei: {of} is not of {section['nuclei']!r}; expected {' or '.join(release.targets)}"
    for name, value in section.get("measurement", {}).items():
        if name not in release.choices:
            yield f"{key}.measurement.{name}: {of} does not leave it open; {_choices_text(list(release.choices))}"
        elif (known := release.choices[name]) and value not in known:
            yield f"{key}.measurement.{name}: {value!r} is none of {of}; expected one of {', '.join(known)}"


_TAKEN_BY = "its bins are chosen in `measurement`, widths in `nuisances`"


def _choices_text(choices: Sequence[str]) -> str:
    return f"expected some of {', '.join(choices)}" if choices else "expected no section `measurement`"


def _radius_complaints(key: str, parts: Mapping[str, Mapping[str, Any]], scan: Scan) -> Iterator[str]:
    """Neutron radii that a scan of an analysis names, and domains where charges squared do not say everything.

    The sections are those of its data sets, by their own key: of an analysis that joins none, its own.
    """
    nuclides = {place: [n.name for n in TARGETS[part["nuclei"]].nuclides] for place, part in parts.items()}
    moved = expanded(dict.fromkeys((*_names(scan), *scan.fixed), 0.0), scan.combinations)
    named = [name for name in moved if name in NEUTRON_RADII]
    for name in named:
        having = [place for place in parts if NEUTRON_RADII[name].nuclide in nuclides[place]]
        wrong = [place for place in having or parts if parts[place]["form_factor"] not in RADIUS_FORM_FACTORS]
        for place in wrong:
            known, found = ", ".join(RADIUS_FORM_FACTORS), parts[place]["form_factor"]
            yield f"{place}.form_factor: {found!r} has no radius; scan {scan.name} needs one of {known}"
        if not having and not wrong:
            there = {nuclide for listed in nuclides.values() for nuclide in listed}
            known = ", ".join(made.name for made in NEUTRON_RADII.values() if made.nuclide in there)
            place = " and ".join(f"{place}.nuclei" for place in parts)
            yield f"{place}: has not the nuclide of {name} of scan {scan.name}; expected {known} in it"
    forms = [part["form_factor"] for part in parts.values()]
    apart = [form for form in forms if form in RADIUS_FORM_FACTORS and RADIUS_FORM_FACTORS[form].apart]
    if scan.domain and (named or apart):
        what = f"{named[0]} besides" if named else f"form_factor {apart[0]!r}"
        yield f"{key}: scan {scan.name} has a domain, and {what}; expected one form factor of both, and no radius"


def _joint_complaints(key: str, section: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """What an analysis joins that is none, or counts something twice, and what it says that is its parts' to say."""
    analyses, names = config["analyses"], section["joins"]
    for name in section:
        if name not in OF_JOINT:
            yield f"{key}.{name}: is a choice of the analyses that it joins; expected {', '.join(OF_JOINT)} alone"
    for name in names:
        if name not in analyses:
            yield f"{key}.joins: {name!r} is unknown; {near_miss(name, analyses)}"
        elif "joins" in analyses[name]:
            yield f"{key}.joins: {name} joins others itself; expected analyses of one dataset each"
    parts = [name for name in names if name in analyses and analyses[name].get("dataset") in config["datasets"]]
    for one, other in combinations(parts, 2):
        yield from _pair_complaints(f"{key}.joins", one, other, config)


def _pair_complaints(key: str, one: str, other: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Why two analyses, of datasets that there are, cannot be joined."""
    sections = [config["analyses"][name] for name in (one, other)]
    if len({section["dataset"] for section in sections}) == 1:
        yield f"{key}: {one} and {other} are of one dataset, {sections[0]['dataset']}, which would count twice"
        return
    periods = [set(RELEASES[config["datasets"][section["dataset"]]["reader"]].periods) for section in sections]
    if common := periods[0] & periods[1]:
        what = f"{other} contains the exposure of {one}" if periods[0] < periods[1] else (
            f"{one} contains the exposure of {other}" if periods[1] < periods[0] else f"{one} and {other} overlap"
        )  # fmt: skip
        yield f"{key}: {what}: {' and '.join(sorted(common))} would count twice; expected one of them"
    for name, default in (("sin2_theta_w", None), ("couplings", "tree")):
        first, second = (section.get(name, default) for section in sections)
        if first != second:
            said = f"analyses.{one}.{name} is {first} and analyses.{other}.{name} is {second}"
            yield f"{key}: {said}; expected the same, as nucleons have one coupling in all data sets"


def _cross_complaints(config: Mapping[str, Any]) -> Iterator[str]:
    yield from name_complaints(config, TAKEN)
    refused = {name: list(_combination_complaints(f"scans.{name}", each)) for name, each in config["scans"].items()}
    if any(refused.values()):
        yield from (line for lines in refused.values() for line in lines)
        return
    scans = {name: parse_scan(name, section) for name, section in config["scans"].items()}
    for name, section in config["analyses"].items():
        key = f"analyses.{name}"
        if "joins" in section:
            yield from _joint_complaints(key, section, config)
        elif section["dataset"] not in config["datasets"]:
            yield f"{key}.dataset: {section['dataset']!r} is unknown; expected one of {', '.join(config['datasets'])}"
        else:
            reader = config["datasets"][section["dataset"]]["reader"]
            yield from _exposure_complaints(key, section, reader)
            yield from _release_complaints(key, section, reader)
        low, high = section.get("photoelectron_range", (0, 1))
        if low >= high:
            yield f"{key}.photoelectron_range: [{low:g}, {high:g}]; the first must be smaller"
        for scan in section["scans"]:
            if scan not in config["scans"]:
                yield f"{key}.scans: {scan!r} is unknown; expected some of {', '.join(config['scans'])}"
            else:
                parts = {f"analyses.{part}": config["analyses"].get(part, {}) for part in section.get("joins", [name])}
                if all("form_factor" in part for part in parts.values()):
                    yield from _radius_complaints(key, parts, scans[scan])
        yield from _laid_complaints(key, section, config["scans"])
    for name, scan in scans.items():
        yield from _scan_complaints(f"scans.{name}", scan)
        yield from _coverage_complaints(f"scans.{name}", scan)
    for place, complaints in (
        ("domain_sensitivity", _sensitivity_complaints),
        ("domain_ends", partial(_bounds_complaints, "domain_ends")),
        ("coverage_tests", _tests_complaints),
    ):
        section = config.get(place)
        if section and section["scan"] not in config["scans"]:
            known = ", ".join(config["scans"])
            yield f"{place}.scan: {section['scan']!r} is unknown; expected one of {known}"
        elif section:
            yield from complaints(section, scans[section["scan"]])
    if "general_fit" in config:
        yield from _general_fit_complaints(config)
    if "digitization" in config:
        yield from _digitization_complaints(config["digitization"])
    if "muon_g2" in config:
        yield from _muon_complaints(config["muon_g2"])


def _spelling_complaints(config: Mapping[str, Any]) -> Iterator[str]:
    """What YAML can spell and the schema's types admit, but no choice can be."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), config)]
    for place, value in todo:
        key = ".".join(place)
        if len(place) > DEEPEST or len(todo) > MOST_VALUES:
            yield f"{key}: deeper than {DEEPEST} levels or more than {MOST_VALUES} values; does an alias repeat itself?"
            return
        if isinstance(value, Mapping):
            todo += [((*place, str(name)), inner) for name, inner in value.items()]
            for name in value:
                if not isinstance(name, str):
                    yield f"{'.'.join((*place, str(name)))}: the key {name!r} is no text but {type(name).__name__}"
        elif isinstance(value, list):
            todo += [((*place, str(i)), inner) for i, inner in enumerate(value)]
        elif isinstance(value, (int, float)) and value != 0 and not 1 / LARGEST <= abs(value) <= LARGEST:
            shown = f"an integer of {value.bit_length()} bits" if isinstance(value, int) else value
            yield f"{key}: {shown} is not a finite number from {1 / LARGEST:g} to {LARGEST:g} in magnitude, or 0"


def _printable(text: str) -> str:
    """The text with line ends, control characters and the like spelled out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def refuse(what: str, complaints: Iterator[str]) -> None:
    """Raise ConfigError with every complaint, if there is any."""
    lines = [f"  {_printable(line)}" for line in complaints]
    if lines:
        raise ConfigError(f"{what} cannot be used:\n" + "\n".join(lines))


def check(config: Mapping[str, Any]) -> None:
    """Raise ConfigError with every complaint about a configuration; return if there is none."""
    for complaints in (_spelling_complaints, _schema_complaints, _cross_complaints):
        refuse("the configuration", complaints(config))


def remarks(config: Mapping[str, Any]) -> list[str]:
    """What a configuration that `check` has accepted says and no result will show, one line a key."""
    analyses = config["analyses"].values()
    scans = {name for section in analyses for name in section["scans"]}
    datasets = {section["dataset"] for section in analyses if "dataset" in section}
    said = [f"scans.{name}: no analysis names it, so it is not run" for name in config["scans"] if name not in scans]
    said += [
        f"analyses.{name}.coverage: no scan of it has a section coverage, so there is nothing to cover"
        for name, section in config["analyses"].items()
        if "coverage" in section and not any("coverage" in config["scans"][scan] for scan in section["scans"])
    ]
    said += [
        f"datasets.{name}: no analysis names it, so it is read and checked, but not used"
        for name in config["datasets"]
        if name not in datasets
    ]
    return said


def check_scan(scan: Scan) -> None:
    """Raise ConfigError with every complaint about a scan of no configuration, of one axis or more."""
    refuse(f"the {scan.name}", _value_complaints(scan.name, scan))
    refuse(f"the {scan.name}", _scan_complaints(scan.name, scan))
