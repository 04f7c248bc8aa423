"""Every complaint about a configuration names the key, the value and what was expected."""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from cevnsi.config.check import (
    SCALES,
    check_scan,
    covered_section,
    parse_analysis,
    parse_domain_map,
    parse_scan,
    parse_sensitivity,
    schema,
)
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.inputs import RELEASES, complete
from cevnsi.experiments.targets import TARGETS
from cevnsi.files.strict_yaml import ConfigError, in_order, load_yaml, read
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.nuclei import CESIUM, IODINE
from cevnsi.scans.axes import Coverage, Scan
from cevnsi.studies.known import STUDIES, check, remarks

Change = Callable[[dict[str, Any]], None]


def put(*place: Any) -> Change:
    """Set config[place[0]]...[place[-2]] to place[-1]."""
    *keys, value = place

    def change(config: dict[str, Any]) -> None:
        inner = config
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


def drop(*keys: str) -> Change:
    def change(config: dict[str, Any]) -> None:
        inner = config
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


def both(*changes: Change) -> Change:
    def change(config: dict[str, Any]) -> None:
        for one in changes:
            one(config)

    return change


LINEAR = {"min": -1, "max": 1, "points": 5}


def new_scan(**changes: Any) -> Change:
    """A further scan `mine`, used by no analysis, of two contact parameters unless changed."""
    section = {
        "interaction": "contact",
        "axes": {"eps_ee_uV": dict(LINEAR), "eps_mumu_uV": dict(LINEAR)},
        "confidence_levels": [0.9],
        "n_dof": [2],
        "chunks": 1,
    }
    return put("scans", "mine", section | changes)


def used_by(analysis: str, **changes: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        config["analyses"][analysis] = config["analyses"][analysis] | changes
        config["analyses"][analysis]["scans"] = ["mine"]

    return change


MATTER_AXES = {"eps_ee_matter": dict(LINEAR), "eps_mumu_matter": dict(LINEAR)}
QUARKS: dict[str, list[float]] = {f"eps_{pair}_{q}V": [-1, 1] for pair in ("ee", "mumu") for q in "ud"}
THREE = {name: dict(LINEAR) for name in ("eps_ee_uV", "eps_ee_dV", "eps_mumu_uV")}
FOUR = THREE | {"eps_mumu_dV": dict(LINEAR)}

MISSPELT = [
    (put("analysis", {}), "analysis: unknown key; did you mean 'analyses'?"),
    (put("zzz", 1), "zzz: unknown key; known keys: checksums, datasets, analyses, scans, "),
    (put("datasets", "figure3", "file", {}), "datasets.figure3.file: unknown key; did you mean 'files'?"),
    (put("analyses", "paper", "nucleus", 1), "analyses.paper.nucleus: unknown key; did you mean 'nuclei'?"),
    (
        put("analyses", "paper", "exposure", {"baseline": 1}),
        "analyses.paper.exposure.baseline: unknown key; did you mean 'baseline_m'?",
    ),
    (put("scans", "ee_d_u", "chunk", 1), "scans.ee_d_u.chunk: unknown key; did you mean 'chunks'?"),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "point", 1),
        "scans.ee_d_u.axes.eps_ee_dV.point: unknown key; did you mean 'points'?",
    ),
    (put("spectrum_example", "mass", 1), "spectrum_example.mass: unknown key; "),
    (put("domain_sensitivity", "bound", 1), "domain_sensitivity.bound: unknown key; did you mean 'bounds'?"),
    (
        put("domain_sensitivity", "bounds", "minimum", 1),
        "domain_sensitivity.bounds.minimum: unknown key; ",
    ),
]

VALUES = [
    (
        put("datasets", "figure3", "reader", "fig3"),
        "datasets.figure3.reader: 'fig3' is unknown; expected one of figure3, ",
    ),
    (
        put("analyses", "paper", "nuclei", "xenon"),
        "analyses.paper.nuclei: 'xenon' is unknown; expected one of mean, cs_and_i",
    ),
    (
        put("analyses", "paper", "form_factor", "hlem"),
        "analyses.paper.form_factor: 'hlem' is unknown; expected one of klein_nystrand, helm",
    ),
    (
        put("analyses", "paper", "dataset", "figure4"),
        "analyses.paper.dataset: 'figure4' is unknown; expected one of figure3, release",
    ),
    (
        put("analyses", "paper", "scans", ["ee_u_d"]),
        "analyses.paper.scans: 'ee_u_d' is unknown; expected some of light_mediator, ",
    ),
    (
        put("analyses", "paper", "sin2_theta_w", 1),
        "analyses.paper.sin2_theta_w: 1 is greater than or equal to the maximum of 1 (Weak",
    ),
    (
        put("analyses", "paper", "normalization_uncertainty", 0),
        "analyses.paper.normalization_uncertainty: 0 is less than or equal to",
    ),
    (
        put("analyses", "paper", "photoelectron_range", [30, 6]),
        "analyses.paper.photoelectron_range: [30, 6]; the first must be smaller",
    ),
    (put("analyses", "paper", "photoelectron_range", [6]), "analyses.paper.photoelectron_range: [6] is too short"),
    (
        put("analyses", "paper", "exposure", {"baseline_m": 0}),
        "analyses.paper.exposure.baseline_m: 0 is less than or equal to",
    ),
    (
        put("scans", "ee_d_u", "interaction", "scalar"),
        "scans.ee_d_u.interaction: 'scalar' is unknown; expected one of contact, light_",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "min", 1),
        "scans.ee_d_u.axes.eps_ee_dV: min 1 >= max 1; min must be smaller",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "min", 2),
        "scans.ee_d_u.axes.eps_ee_dV: min 2 >= max 1; min must be smaller",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "points", 1),
        "scans.ee_d_u.axes.eps_ee_dV.points: 1 is less than the minimum of 2",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "points", 2.5),
        "scans.ee_d_u.axes.eps_ee_dV.points: 2.5 is not of type 'integer'",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "min", True),
        "scans.ee_d_u.axes.eps_ee_dV.min: True is not of type 'number'",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "min", "0"),
        "scans.ee_d_u.axes.eps_ee_dV.min: '0' is not of type 'number'",
    ),
    (drop("scans", "ee_d_u", "axes", "eps_ee_dV", "max"), "scans.ee_d_u.axes.eps_ee_dV: 'max' is a required property"),
    (
        put("scans", "light_mediator", "axes", "coupling", "min", 0),
        "scans.light_mediator.axes.coupling: a log axis starts at min 0; expected a positive number",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", {"min": 1.0, "max": 1.0 + 1e-15, "points": 41}),
        "scans.ee_d_u.axes.eps_ee_dV: 41 points do not all differ between 1.0 and 1.000000000000001",
    ),
    (
        put("scans", "ee_d_u", "axes", "eps_ee_dV", "scale", "sqrt"),
        "scans.ee_d_u.axes.eps_ee_dV.scale: 'sqrt' is unknown; expected one of linear, log",
    ),
    *(
        (
            put("scans", "ee_d_u", "confidence_levels", [level]),
            f"scans.ee_d_u.confidence_levels.0: {level} is {than} than or equal",
        )
        for level, than in ((0, "less"), (1, "greater"), (1.5, "greater"))
    ),
    (put("scans", "ee_d_u", "confidence_levels", []), "scans.ee_d_u.confidence_levels: [] should be non-empty"),
    (put("scans", "ee_d_u", "n_dof", [0]), "scans.ee_d_u.n_dof.0: 0 is less than the minimum of 1"),
    (
        put("scans", "ee_d_u", "chunks", 402),
        "scans.ee_d_u.chunks: 402 chunks, but axis eps_ee_dV has 401 rows; expected at most",
    ),
    (put("scans", "ee_d_u", "chunks", 0), "scans.ee_d_u.chunks: 0 is less than the minimum of 1"),
    (put("spectrum_example", "coupling", 0), "spectrum_example.coupling: 0 is less than or equal to the minimum of 0"),
    (drop("spectrum_example"), "the whole: 'spectrum_example' is a required property"),
    (put("datasets", {}), "datasets: {} should be non-empty"),
    (
        put("datasets", "figure3", "files", "reading_c", "x.csv"),
        "datasets.figure3.files: 'reading_c' is unknown; expected one of reading_a, acceptance, reading_b",
    ),
]

NAMES = [
    (put("scans", "fig1", {}), "scans.fig1: 'interaction' is a required property"),
    (put("scans", "a b", {}), "scans: 'a b' does not match"),
    (both(new_scan(), put("scans", "fig4", None)), "scans.fig4: None is not of type 'object'"),
    (
        lambda config: config["scans"].update(fig3=dict(config["scans"]["ee_d_u"])),
        "scans.fig3: 'fig3' is taken; choose another name",
    ),
    (
        lambda config: config["scans"].update(Digitization=dict(config["scans"]["ee_d_u"])),
        "scans.Digitization: 'digitization' is taken; choose another name",
    ),
    (
        lambda config: config["analyses"].update(inputs=config["analyses"]["paper"]),
        "analyses.inputs: 'inputs' is taken; choose another name",
    ),
    (
        lambda config: config["analyses"].update(HEPData=config["analyses"]["paper"]),
        "analyses.HEPData: 'hepdata' is taken; choose another name",
    ),
    (
        lambda config: config["analyses"].update(PAPER=config["analyses"]["paper"]),
        "analyses.PAPER: 'paper' is there too; choose another name",
    ),
    (
        lambda config: config["analyses"].update(liao_marfatia_2017=config["analyses"]["paper"]),
        "analyses.liao_marfatia_2017: 'liao_marfatia_2017' is taken; choose another name",
    ),
    (put("scans", 7, {}), "scans.7: the key 7 is no text but int"),
]

PARAMETERS = [
    (
        new_scan(axes={"eps_ee_uV": LINEAR, "eps_mumu_uv": LINEAR}),
        "scans.mine.axes.eps_mumu_uv: unknown parameter of interaction contact; did you mean 'eps_mumu_uV'?",
    ),
    (
        new_scan(axes={"eps_ee_uV": LINEAR, "x": LINEAR}),
        "scans.mine.axes.x: unknown parameter of interaction contact; expected one of eps_ee_dV, ",
    ),
    (
        new_scan(domain={"eps_tau_uV": [-1, 1]}),
        "scans.mine.domain.eps_tau_uV: unknown parameter of interaction contact; did you mean 'eps_",
    ),
    (
        new_scan(fixed={"eps_ee_matter": 0.1}),
        "scans.mine.fixed.eps_ee_matter: a matter parameter is an axis, not fixed; fix its eps_uV and eps_dV",
    ),
    (
        new_scan(interaction="light_mediator"),
        "scans.mine: coupling of interaction light_mediator is neither an axis nor fixed",
    ),
    (
        new_scan(interaction="light_mediator", axes={"mediator_mass_mev": LINEAR, "g": LINEAR}),
        "scans.mine.axes.g: unknown parameter of interaction light_mediator",
    ),
    (
        new_scan(interaction="light_mediator", axes={"mediator_mass_mev": LINEAR}),
        "scans.mine: coupling of interaction light_mediator is neither an axis nor fixed",
    ),
    (new_scan(axes={}), "scans.mine.axes: {} should be non-empty"),
    (
        new_scan(projections=[["eps_ee_uV"]]),
        "scans.mine.projections.0: ['eps_ee_uV'] is too short",
    ),
    (
        new_scan(domain={"eps_ee_uV": [-1, 1]}),
        "scans.mine.domain.eps_ee_uV: is also an axis; a parameter is one or the other",
    ),
    (
        new_scan(fixed={"eps_mumu_uV": 0.1}),
        "scans.mine.fixed.eps_mumu_uV: is also an axis or minimised over; a parameter is one of the three",
    ),
    (
        new_scan(fixed={"eps_emu_uV": 0.1}, domain={"eps_emu_uV": [-1, 1]}),
        "scans.mine.fixed.eps_emu_uV: is also an axis or minimised over; a parameter is one of the three",
    ),
    (
        new_scan(domain={"eps_emu_uV": [1, 1]}),
        "scans.mine.domain.eps_emu_uV: [1, 1] is not a domain; expected low < high",
    ),
    (
        new_scan(domain={"eps_emu_uV": [1, -1]}),
        "scans.mine.domain.eps_emu_uV: [1, -1] is not a domain; expected low < high",
    ),
    (new_scan(domain={"eps_emu_uV": [1]}), "scans.mine.domain.eps_emu_uV: [1] is too short"),
    (new_scan(domain={"eps_emu_uV": "fre"}), "scans.mine.domain.eps_emu_uV: 'fre' does not match '^free$'"),
    (
        new_scan(
            combinations={"both": {"eps_emu_uV": 1, "eps_etau_uV": 1}}, domain={"both": "free", "eps_emu_dV": "free"}
        ),
        "scans.mine.domain.both: is free, as eps_emu_dV is, which moves the same; expected bounds of one",
    ),
    (
        put("scans", "light_mediator", "domain", {"all_others": "free"}),
        "scans.light_mediator.domain.all_others: unknown parameter of interaction light_mediator",
    ),
    (
        put("general_fit", "analyses", ["paper"]),
        "general_fit.analyses: 'paper' is no analysis of study coherent; expected some of csi_2017, csi_2021",
    ),
    (
        put("general_fit", "analyses", ["csi_2017_radius"]),
        "general_fit.analyses: csi_2017_radius has form_factor 'helm_rms_apart'; expected one of both",
    ),
    (
        put("scans", "matter_ee_mumu", "domain", "eps_ee_uV", "free"),
        "domain_sensitivity.scan: matter_ee_mumu has eps_ee_uV free; expected bounds, which are then moved",
    ),
    (
        new_scan(domain={"eps_emu_matter": [-1, 1]}),
        "scans.mine.domain.eps_emu_matter: a matter parameter is an axis; its eps_uV and eps_dV have domains",
    ),
    (
        put("scans", "light_mediator", "domain", {"coupling": [0, 1]}),
        "scans.light_mediator.domain: only contact parameters can be minimised over",
    ),
    (
        new_scan(axes=MATTER_AXES),
        "scans.mine.domain: axis eps_ee_matter needs a domain for eps_ee_uV and eps_ee_dV (Eq. 11 fixes their sum)",
    ),
    (
        new_scan(axes=MATTER_AXES, domain={k: v for k, v in QUARKS.items() if k != "eps_mumu_dV"}),
        "scans.mine.domain: axis eps_mumu_matter needs a domain for eps_mumu_dV (Eq. 11 fixes their sum)",
    ),
    (
        new_scan(axes=MATTER_AXES | {"eps_ee_matter": {"min": -7, "max": 1, "points": 5}}, domain=QUARKS),
        "scans.mine.axes.eps_ee_matter: [-7, 1] leaves [-6, 6], which is what the domains of eps_ee_uV and eps_ee",
    ),
    (
        new_scan(axes=MATTER_AXES, domain=QUARKS | {"eps_mumu_uV": [-1, -0.8]}),
        "scans.mine.axes.eps_mumu_matter: [-1, 1] leaves [-6, 0.6], which is what the domains of eps_mumu_uV and",
    ),
]

PROJECTIONS = [
    (new_scan(axes=THREE), "scans.mine.projections: a scan of 3 axes needs at least one pair of axes to project onto"),
    (
        new_scan(axes=THREE, projections=[list(THREE)]),
        "scans.mine.projections: a scan of 3 axes needs at least one pair of axes to project onto",
    ),
    (
        new_scan(axes=THREE, projections=[["eps_ee_dV", "eps_ee_uV"], ["eps_ee_uV", "eps_ee_dV"]]),
        "scans.mine.projections: ['eps_ee_uV', 'eps_ee_dV'] is there twice",
    ),
    (
        new_scan(axes=FOUR, projections=[["eps_ee_uV", "eps_ee_matter"]]),
        "scans.mine.projections: ['eps_ee_uV', 'eps_ee_matter'] names an axis and a sum that it is in (Eq. 11)",
    ),
    (
        new_scan(axes=THREE, projections=[["eps_mumu_matter", "eps_ee_uV"]]),
        "scans.mine.projections: ['eps_mumu_matter', 'eps_ee_uV'] must name axes: eps_ee_dV, eps_ee_uV, eps_mumu_uV, "
        "eps_ee_matter",
    ),
    (
        new_scan(axes=FOUR | {"eps_ee_dV": LINEAR | {"points": 7}}, projections=[["eps_ee_matter", "eps_mumu_uV"]]),
        "scans.mine.projections: eps_ee_matter needs eps_ee_uV and eps_ee_dV to be linear with the same step (Eq. 11)",
    ),
    (
        new_scan(axes=THREE, projections=[["eps_ee_uV", "eps_emu_uV"]]),
        "scans.mine.projections: ['eps_ee_uV', 'eps_emu_uV'] must name axes: eps_ee_dV, eps_ee_uV, eps_mumu_uV",
    ),
    (
        new_scan(axes=FOUR, projections=[["eps_ee_uV", "eps_ee_dV"], ["eps_ee_uV", "eps_ee_dV", "eps_mumu_uV"]]),
        "scans.mine.projections: ['eps_ee_uV', 'eps_ee_dV', 'eps_mumu_uV'] is neither a pair nor all axes",
    ),
    (
        new_scan(axes={name: LINEAR | {"points": 40000} for name in THREE}, projections=[["eps_ee_uV", "eps_ee_dV"]]),
        "scans.mine.axes: 1600000000 grid points to be stored; expected at most 1000000000",
    ),
    (
        new_scan(
            axes={name: LINEAR | {"points": 2000} for name in THREE},
            projections=[["eps_ee_uV", "eps_ee_dV"], list(THREE)],
        ),
        "scans.mine.axes: 8000000000 grid points to be stored; expected at most 1000000000",
    ),
    (
        new_scan(axes={name: LINEAR | {"points": 6000} for name in ("eps_ee_uV", "eps_ee_dV")}),
        "scans.mine.chunks: a chunk keeps up to 36000000 grid points; expected at most 20000000: more chunks",
    ),
    (  # of all grids together
        new_scan(
            axes={name: LINEAR | {"points": 4000} for name in THREE},
            projections=[["eps_ee_uV", "eps_ee_dV"], ["eps_mumu_uV", "eps_ee_dV"]],
        ),
        "scans.mine.chunks: a chunk keeps up to 32000000 grid points; expected at most 20000000: more chunks",
    ),
    (  # whichever axis comes first in a grid is cut
        new_scan(
            axes=THREE | {"eps_ee_uV": LINEAR | {"points": 9}},
            projections=[["eps_ee_uV", "eps_ee_dV"], ["eps_mumu_uV", "eps_ee_uV"]],
            chunks=6,
        ),
        "scans.mine.chunks: 6 chunks, but axis eps_mumu_uV has 5 rows; expected at most that",
    ),
]

TWO = {"nuclei": "cs_and_i"}

SENSITIVITY = [
    (
        put("domain_sensitivity", "scan", "nothing"),
        "domain_sensitivity.scan: 'nothing' is unknown; expected one of light_mediator",
    ),
    (
        put("domain_sensitivity", "scan", "ee_d_u"),
        "domain_sensitivity.scan: ee_d_u must scan matter parameters only, two of them; it scans eps_ee_dV, eps_ee_uV",
    ),
    (
        both(
            new_scan(
                axes={f"eps_{pair}_matter": dict(LINEAR) for pair in ("ee", "mumu", "emu")},
                domain={f"eps_{pair}_{q}V": [-1, 1] for pair in ("ee", "mumu", "emu") for q in "ud"},
                projections=[["eps_ee_matter", "eps_mumu_matter"]],
            ),
            put("domain_sensitivity", "scan", "mine"),
        ),
        "domain_sensitivity.scan: mine must scan matter parameters only, two of them; it scans eps_ee_matter, ",
    ),
    (put("domain_sensitivity", "bounds", "min", 0), "domain_sensitivity.bounds: min 0; expected a positive number"),
    (
        put("domain_sensitivity", "bounds", "max", 0.05),
        "domain_sensitivity.bounds: min 0.1 >= max 0.05; min must be smaller",
    ),
    (
        put("domain_sensitivity", "bounds", "points", 1),
        "domain_sensitivity.bounds.points: 1 is less than the minimum of 2",
    ),
    (put("domain_sensitivity", "points", 201), "domain_sensitivity.points: unknown key; known keys: scan, bounds, map"),
    (drop("domain_sensitivity", "map"), "domain_sensitivity: 'map' is a required property"),
    (
        put("domain_sensitivity", "map", "lower", "max", 0),
        "domain_sensitivity.map.lower: max 0; expected a negative number",
    ),
    (
        put("domain_sensitivity", "map", "upper", "min", 0),
        "domain_sensitivity.map.upper: min 0; expected a positive number",
    ),
    (
        put("domain_sensitivity", "map", "lower", "min", -0.05),
        "domain_sensitivity.map.lower: min -0.05 >= max -0.1; min must be smaller",
    ),
    (
        put("domain_sensitivity", "map", "upper", "points", 100_000),
        "domain_sensitivity.map: 2900000 domains; expected at most 1000000",
    ),
]

DIGITIZATION = [
    (put("digitization", "member", 5), "digitization.member: unknown key; did you mean 'members'?"),
    (drop("digitization", "seed"), "digitization: 'seed' is a required property"),
    (put("digitization", "members", 1), "digitization.members: 1 is less than the minimum of 2"),
    (put("digitization", "members", 2.5), "digitization.members: 2.5 is not of type 'integer'"),
    (put("digitization", "seed", -1), "digitization.seed: -1 is less than the minimum of 0"),
    (
        put("digitization", "acceptance_error", -0.1),
        "digitization.acceptance_error: -0.1 is less than the minimum of 0",
    ),
    (put("digitization", "points", 10), "digitization.points: 10 is less than the minimum of 11"),
    (put("digitization", "chunks", 0), "digitization.chunks: 0 is less than the minimum of 1"),
    (
        put("digitization", "chunks", 33),
        "digitization.chunks: 33 chunks for 32 members; expected at most that",
    ),
]

NUMBERS = [
    *(
        (
            put("scans", "ee_d_u", "axes", "eps_ee_dV", "min", value),
            f"scans.ee_d_u.axes.eps_ee_dV.min: {value} is not a finite",
        )
        for value in (float("nan"), float("inf"), float("-inf"), 1e300, 1e-300)
    ),
    (
        put("analyses", "paper", "photoelectron_range", [6, float("nan")]),
        "analyses.paper.photoelectron_range.1: nan is not a finite number",
    ),
    (put("scans", "ee_d_u", "chunks", 10**400), "scans.ee_d_u.chunks: an integer of 1329 bits is not a finite number"),
    (put("scans", "ee_d_u", "n_dof", [[[[[[[[[[[2]]]]]]]]]]]), "deeper than 10 levels or more than 100000 values"),
    (put("scans", "ee_d_u", "n_dof", [0] * 200_000), "deeper than 10 levels or more than 100000 values"),
]

PAPER = [
    (
        put("analyses", "release", "study", "liao_marfatia_2018"),
        "analyses.release.study: 'liao_marfatia_2018' is unknown; did you mean 'liao_marfatia_2017'?",
    ),
    (
        put("analyses", "release", "study", "mine"),
        "analyses.release.study: 'mine' is unknown; expected one of liao_marfatia_2017, coherent, or no such key",
    ),
    (put("analyses", "release", "study", None), "analyses.release.study: None is not of type 'string'"),
    (
        put("scans", "light_mediator", "axes", "coupling", "scale", "linear"),
        "scans.light_mediator.axes: the study liao_marfatia_2017 needs mediator_mass_mev and coupling, in log scale; ",
    ),
    (
        put("scans", "ee_d_u", "projections", [["eps_ee_uV", "eps_ee_dV"]]),
        "scans.ee_d_u.axes: the study liao_marfatia_2017 needs eps_ee_dV and eps_ee_uV; name another scan otherwise",
    ),
    (
        put("scans", "ee_d_u", "axes", {"eps_ee_dV": LINEAR, "eps_mumu_dV": LINEAR}),
        "scans.ee_d_u.axes: the study liao_marfatia_2017 needs eps_ee_dV and eps_ee_uV; name another scan otherwise",
    ),
    (
        put("scans", "light_mediator", "reference", "zero"),
        "scans.light_mediator.reference: zero; the study liao_marfatia_2017 needs minimum",
    ),
]

ALL = [*MISSPELT, *VALUES, *NAMES, *PARAMETERS, *PROJECTIONS, *SENSITIVITY, *DIGITIZATION, *NUMBERS, *PAPER]


COVERED = {"method": "feldman_cousins", "toys": 4000, "points": 41, "seed": 1}


def covered(**changes: Any) -> Change:
    """Coverage of a scan of two axes with some keys otherwise."""
    return put("scans", "ee_d_u", "coverage", {**COVERED, **changes})


COVERAGE = [
    (covered(toy=5), "scans.ee_d_u.coverage.toy: unknown key; did you mean 'toys'?"),
    (drop("scans", "ee_d_u", "coverage", "seed"), "scans.ee_d_u.coverage: 'seed' is a required property"),
    (covered(method="feldman"), "scans.ee_d_u.coverage.method: 'feldman' is unknown; expected one of"),
    (covered(toys=99), "scans.ee_d_u.coverage.toys: 99 is less than the minimum of 100"),
    (covered(toys=1000.5), "scans.ee_d_u.coverage.toys: 1000.5 is not of type 'integer'"),
    (covered(points=2), "scans.ee_d_u.coverage.points: 2 is not valid under any of the given schemas (Points along"),
    (
        covered(points={"eps_ee_dV": 2, "eps_ee_uV": 5}),
        "scans.ee_d_u.coverage.points: {'eps_ee_dV': 2, ",
    ),
    (covered(seed=-1), "scans.ee_d_u.coverage.seed: -1 is less than the minimum of 0"),
    (
        covered(points={"eps_ee_dV": 5}),
        "scans.ee_d_u.coverage.points: has no eps_ee_uV; expected every axis, eps_ee_dV, eps_ee_uV, or one number",
    ),
    (
        covered(points={"eps_ee_dV": 5, "eps_ee_uV": 5, "eps_ee_u": 5}),
        "scans.ee_d_u.coverage.points.eps_ee_u: is no axis of a grid of scan ee_d_u; did you mean 'eps_ee_uV'?",
    ),
    (
        put("scans", "ee_d_u", "confidence_levels", [0.9, 0.999]),
        "scans.ee_d_u.coverage.toys: 4000; expected 10000 or more at 0.999 CL, of which 10 are beyond the critical",
    ),
    (
        put("scans", "ee_d_u", "confidence_levels", [0.9, 0.90000001]),
        "scans.ee_d_u.confidence_levels: [0.9, 0.90000001]; with coverage expected six digits to differ",
    ),
    (
        put("scans", "ee_d_u", "reference", "standard_model"),
        "scans.ee_d_u.coverage: reference of scan ee_d_u is standard_model; expected minimum, from which",
    ),
    (
        put("scans", "matter_ee_mumu", "projections", [["eps_ee_matter"]]),
        "matter_ee_mumu.projections.0: ['eps_ee_matter'] is too short",
    ),
    (put("analyses", "paper", "coverage", {}), "analyses.paper.coverage: {} should be non-empty"),
    (put("analyses", "paper", "coverage", {"seed": 5}), "analyses.paper.coverage.seed: unknown key; known keys: toys"),
    (put("analyses", "paper", "coverage", {"toys": 5}), "analyses.paper.coverage.toys: 5 is less than the minimum"),
    (
        put("analyses", "paper", "coverage", {"points": {"eps_ee_dX": 9}}),
        "analyses.paper.coverage.points.eps_ee_dX: is no axis of a scan with coverage; did you mean 'eps_ee_dV'?",
    ),
]


@pytest.mark.parametrize(("change", "said"), COVERAGE, ids=[f"{i}-{said[:40]}" for i, (_, said) in enumerate(COVERAGE)])
def test_coverage_that_cannot_be(change: Change, said: str, config: dict[str, Any]) -> None:
    test_complaint(change, said, config)


def test_toys_of_an_analysis_must_be_enough_for_the_levels_of_its_scans(config: dict[str, Any]) -> None:
    config["scans"]["ee_d_u"]["confidence_levels"] = [0.99]
    check(config)
    config["analyses"]["joint"]["coverage"] = {"toys": 500, "points": 9}
    with pytest.raises(ConfigError, match=r"analyses.joint.coverage.toys: 500; expected 1000 or more at 0.99 CL"):
        check(config)


def test_an_analysis_lays_its_coverage_over_that_of_its_scans(config: dict[str, Any]) -> None:
    section = config["scans"]["ee_d_u"]
    for said, toys, points in (
        ({}, 4000, {"eps_ee_dV": 41, "eps_ee_uV": 41}),
        ({"toys": 500}, 500, {"eps_ee_dV": 41, "eps_ee_uV": 41}),
        ({"points": 7}, 4000, {"eps_ee_dV": 7, "eps_ee_uV": 7}),
        ({"points": {"eps_ee_uV": 7, "eps_mumu_dV": 9}}, 4000, {"eps_ee_dV": 41, "eps_ee_uV": 7}),
    ):
        config["analyses"]["joint"]["coverage"] = said
        if said:
            check(config)
        scan = parse_scan("ee_d_u", covered_section(section, config["analyses"]["joint"]))
        assert scan.coverage == Coverage(toys=toys, points=points, seed=1)
    assert parse_scan("mediator", covered_section(config["scans"]["mediator"], {"coverage": said})).coverage is None


def test_coarse_points_are_no_more_than_an_axis_has(config: dict[str, Any]) -> None:
    scan = parse_scan("ee_d_u", config["scans"]["ee_d_u"])
    assert scan.coverage is not None
    assert scan.coverage.coarse(scan.axes[0]).points == 41
    assert scan.coverage.coarse(replace(scan.axes[0], points=7)).points == 7


def test_coverage_is_of_the_grids_that_have_contours_or_a_line(config: dict[str, Any]) -> None:
    axes = {name: {"min": -1, "max": 1, "points": 9} for name in ("eps_ee_dV", "eps_ee_uV", "eps_mumu_dV")}
    three = {"axes": axes, "projections": [list(axes), ["eps_mumu_dV", "eps_ee_matter"]], "coverage": COVERED}
    config["scans"]["three"] = {**config["scans"]["ee_d_u"], **three}
    check(config)
    coverage = parse_scan("three", config["scans"]["three"]).coverage
    assert coverage == Coverage(toys=4000, points={"eps_mumu_dV": 41, "eps_ee_matter": 41}, seed=1)


def test_coverage_of_an_analysis_without_any_is_remarked(config: dict[str, Any]) -> None:
    config["analyses"]["csi_2021_radius"]["coverage"] = {"toys": 500}
    del config["scans"]["radius_csi"]["coverage"]
    assert "analyses.csi_2021_radius.coverage: no scan of it has a section coverage" in " ".join(remarks(config))


@pytest.mark.parametrize(("change", "said"), ALL, ids=[f"{i}-{said[:40]}" for i, (_, said) in enumerate(ALL)])
def test_complaint(change: Change, said: str, config: dict[str, Any]) -> None:
    change(config)
    with pytest.raises(ConfigError) as caught:
        check(config)
    first, *lines = str(caught.value).splitlines()
    assert first == "the configuration cannot be used:"
    assert any(line.startswith("  ") and said in line for line in lines), "\n".join(lines)


def test_the_projects_own_configuration_passes(config: dict[str, Any], root: Path) -> None:
    before = copy.deepcopy(config)
    check(config)
    assert config == before  # nothing is corrected silently


@pytest.mark.parametrize(
    "change",
    [
        new_scan(),
        new_scan(axes=MATTER_AXES, domain=QUARKS),
        new_scan(axes=FOUR, projections=[["eps_ee_uV", "eps_mumu_uV"], list(FOUR)]),
        both(new_scan(domain={"eps_ee_dV": [-1, 1], "eps_mumu_dV": [-1, 1]}), used_by("paper", **TWO)),
        both(new_scan(axes=MATTER_AXES, domain=QUARKS), used_by("paper", **TWO)),
        both(new_scan(domain={"eps_ee_dV": [-1, 1], "eps_emu_uV": [-1, 1]}), used_by("paper", **TWO)),
        both(
            new_scan(
                axes={"eps_emu_uV": LINEAR, "eps_etau_uV": LINEAR}, domain={"eps_ee_dV": [-1, 1], "eps_ee_uV": [-1, 1]}
            ),
            used_by("paper", **TWO),
        ),
        both(
            new_scan(
                axes={"eps_ee_matter": LINEAR, "eps_emu_matter": LINEAR},
                domain={f"eps_{pair}_{q}V": [-1, 1] for pair in ("ee", "emu") for q in "ud"},
            ),
            used_by("paper", **TWO),
        ),
        both(new_scan(domain={"eps_ee_dV": [-1, 1], "eps_emu_uV": [-1, 1]}), used_by("paper")),
        new_scan(projections=[["eps_mumu_uV", "eps_ee_uV"]]),
        new_scan(axes=FOUR, projections=[["eps_mumu_matter", "eps_ee_uV"], ["eps_ee_dV", "eps_ee_uV"]]),
        # what is minimised over is no grid: 8e12 points of three axes, of which 4e8 are kept, in chunks
        new_scan(
            axes={name: LINEAR | {"points": 20_000} for name in THREE},
            projections=[["eps_ee_uV", "eps_ee_dV"]],
            chunks=20,
        ),
        new_scan(
            interaction="light_mediator",
            axes={
                "coupling": {"min": 0, "max": 1, "points": 3},
                "mediator_mass_mev": {"min": 0, "max": 9, "points": 3},
            },
        ),
        new_scan(fixed={"eps_etau_dV_imag": 0.2}),
        put("analyses", "paper", "exposure", {"baseline_m": 20, "detector_mass_kg": 1}),
        drop("analyses", "release", "study"),
        # what a study knows by name is anyone else's to scan as they like
        both(
            drop("analyses", "paper", "study"),
            drop("analyses", "release", "study"),
            put("scans", "light_mediator", "axes", "coupling", "scale", "linear"),
        ),
        drop("domain_sensitivity"),
        drop("digitization"),
        put("digitization", "chunks", 32),
        put("digitization", "acceptance_error", 0),
    ],
)
def test_sound_configurations_pass(change: Change, config: dict[str, Any]) -> None:
    change(config)
    check(config)


def test_all_complaints_are_given_at_once(config: dict[str, Any]) -> None:
    config["scans"]["ee_d_u"]["chunks"] = 1000
    config["scans"]["mumu_d_u"]["axes"]["eps_mumu_dV"]["min"] = 5
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert len(str(caught.value).splitlines()) == 3


def test_control_characters_do_not_reach_the_terminal(config: dict[str, Any]) -> None:
    config["a\x1b[2J\n"] = 1
    with pytest.raises(ConfigError, match=r"a\\x1b\[2J\\n: unknown key") as caught:
        check(config)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4: the key 'c' is given twice"),
        ("a: 1\na: 2\n", "line 2: the key 'a' is given twice"),
        ("- a\n- b\n", "expected a mapping of keys, found list"),
        ("just words\n", "expected a mapping of keys, found str"),
        ("", "expected a mapping of keys, found NoneType"),
        ("a: [1, 2\n", "expected ',' or ']'"),
        ("? [a, b]\n: 1\n", "line 1: a list or mapping cannot be a key"),
        ("a: 0x10\n", "line 1: '0x10' is no number in plain decimal digits"),
        ("a: 1_000\n", "line 1: '1_000' is no number in plain decimal digits"),
        ("a: 1:30\n", "line 1: '1:30' is no number in plain decimal digits"),
        ("a: 017\n", "line 1: '017' is no number in plain decimal digits"),
        ("a: &x [*x]\n", "found unconstructable recursive node"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: 2020-13-45\n", "not YAML that can be read (ValueError: month must be in 1..12)"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [("a: ä\n".encode("latin-1"), "can't decode byte 0xe4"), (b"\xff\xfea\x00:\x00", "can't decode")],
)
def test_another_encoding_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml"):
        read(tmp_path / "nothing.yaml")


def test_merge_keys_let_the_nearer_win() -> None:
    text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n"
    assert load_yaml(text) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}


def test_numbers_are_read_as_written() -> None:
    assert load_yaml("[1, -2, +3, 0, 1.5, 1.0e-6, .5]") == [1, -2, 3, 0, 1.5, 1e-6, 0.5]


TREES = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abcde"), inner, max_size=5), max_leaves=12
)
FILES = st.lists(st.dictionaries(st.sampled_from("abcde"), TREES, max_size=5), min_size=1, max_size=2)


@given(files=FILES)
def test_the_order_is_that_of_the_files(files: list[dict[str, Any]]) -> None:
    """Of keys merged as snakemake does, overlays before the file that they lie over: as if laid over it in turn."""
    merged: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for file in [*files[1:], *files]:
        update_config(merged, copy.deepcopy(file))
    for file in files:
        update_config(expected, copy.deepcopy(file))
    assert merged == expected
    assert repr(in_order(merged, files)) == repr(expected)  # which has an order


def test_keys_of_no_file_come_last() -> None:
    assert repr(in_order({"x": 1, "b": {"y": 2, "c": 3}}, [{"b": {"c": 0}}])) == "{'b': {'c': 3, 'y': 2}, 'x': 1}"


def test_readers_are_those_of_the_schema() -> None:
    dataset = schema()["properties"]["datasets"]["additionalProperties"]
    assert dataset["properties"]["reader"]["enum"] == list(RELEASES)
    for rule in dataset["allOf"]:
        name = rule["if"]["properties"]["reader"]["const"]
        assert set(rule["then"]["properties"]["files"]["required"]) == set(RELEASES[name].roles)
    assert len(dataset["allOf"]) == len(RELEASES)


def test_every_key_of_the_schema_is_described() -> None:
    undescribed = []

    def walk(place: str, node: Any) -> None:
        if isinstance(node, dict):
            for name, inner in node.get("properties", {}).items():
                if "description" not in inner and set(inner) - {"enum"}:
                    undescribed.append(f"{place}.{name}")
                walk(f"{place}.{name}", inner)
            for key in ("additionalProperties", "items"):
                walk(place, node.get(key))

    walk("", schema())
    assert undescribed == []


def test_axis_values_include_their_ends_exactly() -> None:
    linear, log = (
        Axis(name="a", minimum=-0.1, maximum=0.7, points=9).values(),
        Axis(name="b", minimum=1e-6, maximum=1e-1, points=801, scale="log").values(),
    )
    assert (linear[0], linear[-1], linear.size) == (-0.1, 0.7, 9)
    assert (log[0], log[-1], log.size) == (1e-6, 1e-1, 801)
    np.testing.assert_allclose(np.diff(np.log10(log)), 5 / 800, rtol=1e-9)


def test_parsed_scan(config: dict[str, Any]) -> None:
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    assert scan.shape == (401, 401)
    assert scan.projections == (("eps_ee_matter", "eps_mumu_matter"),)
    assert scan.grids() == {"matter_ee_mumu": ("eps_ee_matter", "eps_mumu_matter")} == scan.pairs()
    assert scan.domain["eps_ee_uV"] == (-1.0, 1.0)
    assert scan.levels() == [(0.9, 2), (0.9, 1)]
    assert scan.axis("eps_mumu_matter") == Axis(name="eps_mumu_matter", minimum=-2.0, maximum=3.0, points=401)
    assert scan.rows(1) == (0, 401)
    halves = replace(scan, chunks=2)
    assert (halves.rows(1), halves.rows(2)) == ((0, 200), (200, 401))
    assert scan.fixed == {}


@pytest.mark.parametrize("name", ["ee_d_u", "light_mediator", "matter_ee_mumu"])
def test_axes_have_one_order_whatever_the_mappings(name: str, config: dict[str, Any]) -> None:
    """Of the paper's scans: a file that names the second axis alone, laid over, would put it first."""
    section = config["scans"][name]
    expected = parse_scan(name, section)
    assert expected.projections == (tuple(section["axes"]),)
    for merged in permutations(section["axes"].items()):
        assert parse_scan(name, section | {"axes": dict(merged)}) == expected
    check(config | {"scans": config["scans"] | {name: section | {"axes": dict(reversed(section["axes"].items()))}}})


@given(data=st.data())
def test_a_section_means_the_same_in_any_order_of_its_axes(data: st.DataObject) -> None:
    """Axes have the order of the interaction's parameters, a projection its own; a table over it merges alike."""
    names = data.draw(
        st.lists(st.sampled_from(list(INTERACTIONS["contact"].parameters)), min_size=2, max_size=5, unique=True)
    )
    axes = {name: {"min": -1 - i, "max": 1 + i, "points": 5 + i} for i, name in enumerate(names)}
    section: dict[str, Any] = {"interaction": "contact", "axes": axes, "confidence_levels": [0.9], "n_dof": [2]}
    section["chunks"] = 1
    pairs = list(permutations(names, 2))
    if data.draw(st.booleans()):
        section["projections"] = [list(pair) for pair in data.draw(st.lists(st.sampled_from(pairs), min_size=1))]
    scan = parse_scan("mine", section)
    order = [name for name in INTERACTIONS["contact"].parameters if name in names]
    assert [axis.name for axis in scan.axes] == order
    assert scan.projections == tuple(map(tuple, section.get("projections", [order])))
    assert all(
        scan.axis(name) == Axis(name=name, minimum=said["min"], maximum=said["max"], points=said["points"])
        for name, said in axes.items()
    )
    merged: dict[str, Any] = {"scans": {"mine": {"axes": {name: {} for name in data.draw(st.permutations(names))}}}}
    update_config(merged, copy.deepcopy({"scans": {"mine": section}}))
    assert parse_scan("mine", merged["scans"]["mine"]) == scan


def test_a_plane_has_the_axes_of_its_projection_and_is_least_over_the_others() -> None:
    """In the projection's order, whichever comes first cut in chunks; a sum of two leaves both behind."""
    spans = {"eps_ee_dV": (-1.0, 1.0, 9), "eps_ee_uV": (-0.5, 1.0, 7), "eps_mumu_dV": (-0.3, 0.2, 5)}
    axes = {name: Axis(name=name, minimum=a, maximum=b, points=n) for name, (a, b, n) in spans.items()}
    scan = Scan(
        name="s",
        interaction="contact",
        axes=tuple(axes.values()),
        domain={},
        fixed={},
        projections=(tuple(axes),),
        confidence_levels=(0.9,),
        n_dof=(2,),
        chunks=2,
    )
    assert scan.onto(tuple(axes)) == scan
    turned = scan.onto(("eps_mumu_dV", "eps_ee_dV"))
    assert turned == replace(
        scan,
        axes=(axes["eps_mumu_dV"], axes["eps_ee_dV"]),
        over=(axes["eps_ee_uV"],),
        projections=(("eps_mumu_dV", "eps_ee_dV"),),
    )
    assert (turned.rows(1), turned.rows(2)) == ((0, 2), (2, 5))
    summed = scan.onto(("eps_mumu_dV", "eps_ee_matter"))
    assert summed.axes == (axes["eps_mumu_dV"], Axis(name="eps_ee_matter", minimum=-4.5, maximum=6.0, points=15))
    assert summed.over == (axes["eps_ee_dV"], axes["eps_ee_uV"])


def test_a_grid_is_called_the_same_in_any_order_of_all_axes() -> None:
    names = ("eps_ee_dV", "eps_ee_uV", "eps_mumu_dV")
    scan = Scan(
        name="s",
        interaction="contact",
        axes=tuple(Axis(name=n, minimum=-1.0, maximum=1.0, points=3) for n in names),
        domain={},
        fixed={},
        projections=(names[::-1],),
        confidence_levels=(0.9,),
        n_dof=(2,),
        chunks=1,
    )
    assert scan.grids() == {"s": names[::-1]}
    assert scan.grid_name(names[1::-1]) == "s.eps_ee_uV.eps_ee_dV"


def test_parsed_analysis(config: dict[str, Any]) -> None:
    section = config["analyses"]["release"] | {"exposure": {"baseline_m": 20}, "nuclei": "cs_and_i"}
    analysis = parse_analysis(complete(section, config))
    assert analysis.dataset == "release"
    assert TARGETS[analysis.nuclei].nuclides == (CESIUM, IODINE)
    assert analysis.exposure == replace(CSI_2017, baseline_m=20.0)
    assert analysis.photoelectron_range == (6.0, 30.0)
    assert analysis.sin2_theta_w == 0.23857
    assert parse_analysis(complete(config["analyses"]["paper"], config)).exposure == CSI_2017


COHERENT = (
    *("csi_2017", "csi_2021", "lar_2020", "joint"),
    *("csi_2017_radius", "csi_2021_radius", "lar_2020_radius"),
)
LEFT_OUT = "analyses: a plain run makes those of the study liao_marfatia_2017; {}, `snakemake analyses ...` all"


def left_out(**made: Sequence[str]) -> str:
    """By the target that makes them."""
    return LEFT_OUT.format(", ".join(f"`snakemake {name} ...` makes {' and '.join(of)}" for name, of in made.items()))


def without_poisson(config: dict[str, Any]) -> None:
    for name in COHERENT:
        del config["analyses"][name]
        config["datasets"].pop(name, None)
    run = {scan for section in config["analyses"].values() for scan in section["scans"]}
    config["scans"] = {name: section for name, section in config["scans"].items() if name in run}
    del config["domain_ends"]


def test_what_a_plain_run_leaves_out_is_all_that_is_remarked_on(config: dict[str, Any]) -> None:
    assert remarks(config) == [left_out(coherent=COHERENT)]
    without_poisson(config)
    assert remarks(config) == []


@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_what_no_analysis_uses_is_remarked_on(analysis: str, config: dict[str, Any]) -> None:
    """Whichever scan or dataset it is; one analysis that uses it is enough."""
    without_poisson(config)
    new_scan()(config)
    config["datasets"]["mine"] = config["datasets"]["release"]
    assert remarks(config) == [
        "scans.mine: no analysis names it, so it is not run",
        "datasets.mine: no analysis names it, so it is read and checked, but not used",
    ]
    used_by(analysis, dataset="mine")(config)
    (remark,) = remarks(config)
    assert remark.startswith(f"datasets.{'figure3' if analysis == 'paper' else 'release'}: no analysis names it")
    for section in config["analyses"].values():
        section["scans"] = ["mine"]
    said = remarks(config)
    assert [line.split(":")[0] for line in said if line.startswith("scans")] == [
        f"scans.{name}" for name in config["scans"] if name != "mine"
    ]
    unused = "domain_sensitivity: no analysis of the study liao_marfatia_2017 names its scan, matter_ee_mumu"
    assert said[-1] == f"{unused}, so it is not computed"


def test_how_to_make_an_analysis_that_a_plain_run_leaves_out_is_said(config: dict[str, Any]) -> None:
    config["analyses"]["mine"] = {**config["analyses"]["release"]}
    assert remarks(config) == [left_out(coherent=COHERENT)]  # the new one is of the default study
    del config["analyses"]["mine"]["study"]
    assert remarks(config) == [left_out(coherent=COHERENT, mine=["mine"])]
    without_poisson(config)
    del config["analyses"]["paper"]["study"]
    assert remarks(config)[-1] == left_out(paper=["paper"], mine=["mine"])


def test_a_section_of_no_scan_that_its_study_runs_is_remarked_on(config: dict[str, Any]) -> None:
    for section in config["analyses"].values():
        section.pop("study", None)
    for said, (key, study) in zip(
        remarks(config), (("domain_sensitivity", "liao_marfatia_2017"), ("domain_ends", "coherent")), strict=False
    ):
        assert said.startswith(f"{key}: no analysis of the study {study} names its scan")


def test_a_study_knows_names_that_the_configuration_and_the_package_have(config: dict[str, Any], root: Path) -> None:
    for name, study in STUDIES.items():
        assert study.name == name
        assert (root / "src" / "cevnsi" / "studies" / name / "study.py").is_file()
        assert (root / study.published).is_file()
        drawn = {grid for figure in study.figures for grid in figure.grids}
        drawn |= {grid for figure in study.together for grid in figure.grids + figure.lines}
        assert drawn <= set(study.axes) | set(config["scans"])
        assert set(study.logarithmic) <= set(study.axes)
        assert {figure.section for figure in study.figures} <= {"", *schema()["properties"]}
        assert all((root / "workflow" / "scripts" / figure.script).is_file() for figure in study.figures)
    figures = [figure.name for study in STUDIES.values() for figure in study.figures]
    assert len(figures) == len(set(figures))  # each is a rule


EXPOSURE = {field.name: 2.5 for field in fields(Exposure)}


@pytest.mark.parametrize("given", [None, {}, *({name: EXPOSURE[name]} for name in EXPOSURE), EXPOSURE])
@pytest.mark.parametrize("reader", RELEASES)
def test_data_of_no_known_detector_need_their_whole_exposure(
    reader: str, given: dict[str, float] | None, config: dict[str, Any]
) -> None:
    files = {role: f"data/mine/{role}.csv" for role in RELEASES[reader].roles}
    config["datasets"]["mine"] = {"reader": reader, "files": files}
    config["analyses"]["release"]["dataset"] = "mine"
    for key in {"photoelectron_range", "normalization_uncertainty"} - set(RELEASES[reader].needs):
        del config["analyses"]["release"][key]
    del config["analyses"]["release"]["study"]
    config["analyses"]["release"]["nuclei"] = (RELEASES[reader].targets or ("mean",))[0]
    if given is not None:
        config["analyses"]["release"]["exposure"] = given
    missing = [name for name in EXPOSURE if name not in (given or {})]
    known = RELEASES[reader].exposure
    if known is not None and known.light_yield_pe_per_kev is None and "light_yield_pe_per_kev" in (given or {}):
        said = f"release.exposure.light_yield_pe_per_kev: dataset 'mine' (reader {reader}) has none; expected nothing"
        with pytest.raises(ConfigError, match=re.escape(said)):
            check(config)
    elif known or not missing:
        check(config)
        found = parse_analysis(complete(config["analyses"]["release"], config)).exposure
        assert found == replace(known or CSI_2017, **(given or {}))
    else:
        said = f"analyses.release.exposure: needs {', '.join(missing)}, as dataset 'mine' (reader {reader}) is of no "
        with pytest.raises(ConfigError, match=re.escape(said)) as caught:
            check(config)
        assert len(str(caught.value).splitlines()) == 2


def test_detectors_are_of_readers_and_exposures_of_the_schema() -> None:
    analysis = schema()["properties"]["analyses"]["additionalProperties"]["properties"]
    assert list(analysis["exposure"]["properties"]) == list(EXPOSURE)
    assert RELEASES["table"].exposure is None  # of no detector that is known
    for reader, release in RELEASES.items():
        assert release.exposure is None or reader in analysis["exposure"]["description"]


def test_parsed_sensitivity(config: dict[str, Any]) -> None:
    assert parse_sensitivity(config["domain_sensitivity"]) == Axis(name="bound", minimum=0.1, maximum=2.0, points=39)


def test_parsed_domain_map(config: dict[str, Any]) -> None:
    lower, upper = parse_domain_map(config["domain_sensitivity"])
    assert lower == Axis(name="lower", minimum=-1.5, maximum=-0.1, points=29)
    assert upper == Axis(name="upper", minimum=0.1, maximum=1.5, points=141)


def test_a_scan_of_one_axis_is_checked_by_itself() -> None:
    """As no section of a configuration can be; a mediator's two parameters are both needed."""
    axis = Axis(name="coupling", minimum=1e-6, maximum=0.1, points=5, scale="log")
    scan = Scan(
        name="line",
        interaction="light_mediator",
        axes=(axis,),
        domain={},
        fixed={"mediator_mass_mev": 10.0},
        projections=(("coupling",),),
        confidence_levels=(0.9,),
        n_dof=(1,),
        chunks=1,
    )
    check_scan(scan)
    with pytest.raises(ConfigError, match="line: mediator_mass_mev of interaction light_mediator is neither an axis"):
        check_scan(replace(scan, fixed={}))


BY_HAND = Scan(
    name="mine",
    interaction="contact",
    axes=(Axis(name="eps_ee_uV", minimum=-1.0, maximum=1.0, points=5),),
    domain={"eps_ee_dV": (-1.0, 1.0)},
    fixed={"eps_mumu_dV": 0.0},
    projections=(("eps_ee_uV",),),
    confidence_levels=(0.9,),
    n_dof=(2,),
    chunks=1,
)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e31])
@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("axes.eps_ee_uV.min", lambda x: {"axes": (Axis(name="eps_ee_uV", minimum=x, maximum=1.0, points=5),)}),
        ("axes.eps_ee_uV.max", lambda x: {"axes": (Axis(name="eps_ee_uV", minimum=-1.0, maximum=x, points=5),)}),
        ("domain.eps_ee_dV", lambda x: {"domain": {"eps_ee_dV": (x, 1.0)}}),
        ("domain.eps_ee_dV", lambda x: {"domain": {"eps_ee_dV": (-1.0, x)}}),
        ("fixed.eps_mumu_dV", lambda x: {"fixed": {"eps_mumu_dV": x}}),
    ],
)
def test_a_scan_of_no_file_has_finite_values(place: str, change: Callable[[float], Any], value: float) -> None:
    check_scan(BY_HAND)
    with pytest.raises(ConfigError, match=rf"mine\.{place}: {re.escape(f'{value:g}')}; expected a finite number"):
        check_scan(replace(BY_HAND, **change(value)))


def test_a_scan_of_no_file_has_known_scales() -> None:
    other = replace(BY_HAND, axes=(Axis(name="eps_ee_uV", minimum=0.1, maximum=1.0, points=5, scale="lgo"),))
    with pytest.raises(
        ConfigError, match=r"mine\.axes\.eps_ee_uV\.scale: 'lgo' is unknown; expected one of linear, log"
    ):
        check_scan(other)
    scan = schema()["properties"]["scans"]["additionalProperties"]["properties"]
    assert scan["axes"]["additionalProperties"]["properties"]["scale"]["enum"] == list(SCALES)
