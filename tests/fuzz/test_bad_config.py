"""The configuration changed at random: each is refused by key, or means what plain YAML says and a person reads."""

import copy
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cevnsi.config import check as config
from cevnsi.config.overlays import resolve
from cevnsi.domains import spelled_out
from cevnsi.experiments import inputs
from cevnsi.experiments.csi_2017_time import choices_of
from cevnsi.experiments.inputs import complete
from cevnsi.files import strict_yaml
from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import Model, assemble, joined, model_of
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.studies import known
from project import ROOT

Record = Callable[[str, str], None]
REPEATABLE = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))

# Tables of counts of one's own, in energy and time, and what configures them.
OWN = {
    "counts": "bin_low_pe,bin_high_pe,bin_low_us,bin_high_us,observed_counts\n"
    "6,8,0,1,3\n6,8,1,3,2\n8,12,0,1,5\n8,12,1,3,1\n",
    "acceptance": "photoelectrons,acceptance\n0,0\n6,0.1\n12,0.5\n",
    "backgrounds": "bin_low_pe,bin_high_pe,bin_low_us,bin_high_us,neutrons,leak\n"
    "6,8,0,1,0.5,1\n6,8,1,3,0.1,2\n8,12,0,1,0.5,2\n8,12,1,3,0,4\n",
    "arrival": "bin_low_us,bin_high_us,nu_e,nu_mu,nu_mu_bar\n0,1,0.25,0.875,0.25\n1,3,0.5,0.125,0.5\n",
}
OWN_DATASET = """
  mine:
    reader: counts
    files:
""" + "".join(f"      {role}: data/mine/{role}.csv\n" for role in OWN)
ANALYSES = """
  smeared:
    like: csi_2017
    statistic: poisson
    measurement:
      photoelectron_edges: {min: 6, max: 30, step: 4}
      time_edges_us: [0, 0.5, 1, 6]
      smearing: poisson
      acceptance_at: count
      steady_state_data: all
      steady_state_shape: exponential
      flux_uncertainty: 0.05
    nuisances:
      steady_state: {sigma: 0.171}
      prompt_neutrons: {fixed: 0}
      signal_normalization: {sigma: free}
  mine:
    dataset: mine
    nuclei: cs_and_i
    form_factor: helm
    sin2_theta_w: 0.23857
    photoelectron_range: [6, 12]
    statistic: poisson
    measurement: {smearing: poisson, acceptance_at: bin_centre}
    nuisances:
      flux: {sigma: 0.1, scales: [signal]}
      beam: {sigma: 0.05, scales: [leak, neutrons]}
      shape: {fixed: 0.1, scales: [neutrons]}
    exposure:
      detector_mass_kg: 14.6
      protons_on_target: 2.0e+23
      neutrinos_per_proton: 0.08
      baseline_m: 19.3
      light_yield_pe_per_kev: 1.17
    scans: [ee_d_u]
  both:
    joins: [csi_2017, mine]
    scans: [ee_d_u, mumu_d_u]
"""
TEXT = (ROOT / "config.yaml").read_text(encoding="utf-8")
TEXT = TEXT.replace("\nanalyses:\n", f"{OWN_DATASET}\nanalyses:\n").replace("\nscans:\n", f"{ANALYSES}\nscans:\n")
MERGED = TEXT.replace("  paper:\n", "  paper: &paper\n").replace("    like: paper #", "    <<: *paper #")
CONFIG = yaml.safe_load(TEXT)
PLACES = ("analyses", "datasets", "scans")

# What a value may become in the text: another type, a number that not all read alike, or more YAML than was asked for.
TOKENS = [
    "no", "yes", "on", "off", "True", "y", "null", "~", "", "010", "0o10", "0x10", "0b11", "1:30", "1:30.5", "1_000",
    "1_0.5", "1e3", "1e-4", "1.0e3", "1.0e+3", "1.0e+400", "-1.0e+400", ".inf", "-.inf", ".nan", ".NaN", "+5", "-5",
    "5.", ".5", "5.0", "401.0", "0.5", "0", "-0.0", "1.0e-320", "1.0e+308", "1.0e+30", "1.0e+31", "9" * 30, "9" * 400,
    "9" * 5000, "2024-01-01", "2024-13-45", "12:30:45", "１２", "٣", "½", "−5", "'5'", '"0.5"', "5 # five", "#5", "5 5",
    "[5]", "[5, 5]", "{a: 5}", "[", "]", "{", "}", ",", ": 5", "- 5", "? 5", "! 5", "!!str 5", "!!int '5'", "!!int abc",
    "!!float '5'", "!!float x", "!!bool 5", "!!binary aGk=", "!!binary é", "!!timestamp x", "!!set {5}",
    "!!omap [a: 5]", "!!pairs [a]", "!!python/name:os.system", "!!python/object/apply:os.system [exit]", "!!map [5]",
    "!!seq {a: b}", "!!null x", "!thing 5", "&a 5", "*paper", "*nothing", "&a [*a]", "&a {b: *a}", "<<", "|", ">", "'",
    '"', "\t5", "5\t", "@5", "`5`", "%5", "\u00a05", "\ufeff5", "\x00", "\x07", "\x85", "\u2028", "5\n\nx: 5",
    "5\n---\n5", "5\n...\n", '"a\\nb"', '"a\\0b"', '"\\ud800"', "paper", "Paper", "figure3", "light_mediator",
    "contact", "mean", "linear", "log",
]  # fmt: skip

PATHS = [
    "../data/SHA256SUMS", "/etc/passwd", "//etc/passwd", "data/../../x", "data/./SHA256SUMS", "./data/SHA256SUMS",
    "~/x", "data//SHA256SUMS", "data/SHA256SUMS\n", "data/SHA256SUMS\0", "data\\SHA256SUMS", "", " ", ".", "..", "data",
    "data/", "data/SHA256SUMS ", "file:///etc/passwd", "https://example.org/x", "s3://bucket/x", "$HOME/x",
    "{analysis}", "*", "a?", "data/{dataset}.csv", "data/\ud800", "dåta/x", "x" * 5000, "data/" + "x/" * 2000 + "x",
    "-rf", ".hidden", "data/.x", "DATA/SHA256SUMS", "data/sha256sums", "C:\\x", "\u202edata/x", "data/\u0000", "CON",
    "config.yaml",
]  # fmt: skip

NAMES = [
    "inputs", "Inputs", "INPUTS", "provenance", "../x", "..", ".", "/x", "a/b", "a.b", "a b", " a", "a ", "a\n", "\na",
    "a\0", "", "Paper", "PAPER", "Figure3", "Light_mediator", "fig1", "Fig2", "domain_sensitivity", "Digitization",
    "domain_map",    "a|b", ".*",
    "{scan}", "a-b", "é", "ａ", "a\u200b", "1", "1a", "_a", "a" * 61, "a" * 5000, "CON", "none", "all", "null", "true",
    "*", "$x", "~", "-n", "paper\n", "\ud800", "a\\", "'", '"', "light_mediator.coupling", "results", "logs", "chunk",
    "x",
]  # fmt: skip

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 3, 0.5, 401.0, 2.0, 1.5, -0.0, 1e-320, 1e31, 1e308, 10**400, 10**5000, -(10**400),
    float("nan"), float("inf"), "", "5", "x", "\ud800", "a\nb", [], {}, [1], [1, 2], [2, 1], [0, 1e31], [6, 30],
    [7, 30], [6.0, 30.0], [30, 6], ["x"], [["x"]], [True], {"x": 1}, {1: 2, "1": 3}, {None: 1}, {True: 1}, {(1, 2): 3},
    {1.5: 1}, [2, 2.0], [1, True], ["light_mediator", "light_mediator"], ["ee_d_u"], [0.9, 0.9], [10**30], b"x",
    {"min": 2, "max": 1}, {"min": 0.1, "max": 0.10000000000000002, "points": 9}, {"min": 1, "max": 2, "points": 3.0},
    {"a": {"b": {"c": [[[]]]}}}, ["eps_ee_dV", "eps_ee_uV"], [["eps_ee_uV", "eps_ee_dV"]], [["eps_ee_dV", "eps_ee_uV"]],
    {"eps_ee_dV": [-1, 1]}, [6, 8, 30], [6, 12], [0, 1], [0, 1, 3], {"min": 6, "max": 30, "step": 2.0},
    {"min": 0, "max": 6, "step": 6}, {"min": 0, "max": 0.5, "step": 1e-30}, "free", "poisson", "gaussian", "none",
    "count", "all", "bins", "marginals", ["signal"], ["leak"], ["leak", "signal"], {"sigma": 2}, {"sigma": "free"},
    {"fixed": -1}, {"fixed": 0.5, "scales": ["leak"]}, {"sigma": 1e-30, "scales": ["signal"]},
]  # fmt: skip


def _laughs() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    return "\n".join(lines)


# Whole texts that must not be taken for a configuration.
DOCUMENTS = {
    "empty": "",
    "only a comment": "# nothing\n",
    "a number": "5",
    "a list": "[1, 2]",
    "a list that holds itself": "&a [*a]",
    "a mapping that holds itself": TEXT + "\nloop: &a {b: *a}\n",
    "a key that is a mapping that holds itself": "&a {? *a : 1}",
    "a merge of itself": TEXT + "\nloop: &a {<<: *a}\n",
    "a billion laughs": TEXT + "\n" + _laughs() + "\n",
    "a billion laughs for a path": TEXT.replace("checksums: data/SHA256SUMS", _laughs() + "\nchecksums: *a8"),
    "deep lists": TEXT + "\ndeep: " + "[" * 2000 + "]" * 2000,
    "deep mappings": TEXT + "\ndeep: " + "{a: " * 2000 + "}" * 2000,
    "rather deep lists": TEXT + "\ndeep: " + "[" * 50 + "]" * 50,
    "two documents": TEXT + "\n---\n" + TEXT,
    "a key twice": TEXT + "\nchecksums: data/SHA256SUMS\n",
    "a key twice, quoted": TEXT + "\n'checksums': data/SHA256SUMS\n",
    "a key twice, on one line": TEXT.replace("{min: -1, max: 1, ", "{min: -1, max: 1, min: -1, "),
    "a key twice, deep": TEXT.replace("    chunks: 1", "    chunks: 1\n    chunks: 1"),
    "two merges": MERGED.replace("<<: *paper", "<<: *paper\n    <<: *paper"),
    "a merge of text": MERGED.replace("<<: *paper", "<<: paper"),
    "a merge of nothing": MERGED.replace("<<: *paper", "<<: *missing"),
    "like nothing": TEXT.replace("like: paper #", "like: papr #"),
    "like itself": TEXT.replace("like: paper #", "like: release #"),
    "like one another": TEXT.replace("  paper:\n", "  paper:\n    like: release\n"),
    "like a list": TEXT.replace("like: paper #", "like: [paper] #"),
    "like a mapping that holds itself": TEXT.replace("like: paper", "like: paper\n    exposure: &a {b: *a} # ").replace(
        "  paper:\n", "  paper:\n    exposure: &b {b: *b}\n"
    ),
    "tabs": TEXT.replace("  ", "\t"),
    "a list as key": TEXT + "\n? [a, b]\n: 1\n",
    "a number as key": TEXT + "\n1: 1\n",
    "a switch as key": TEXT + "\nno: 1\n",
    "nothing as key": TEXT + "\n~: 1\n",
    "a date as key": TEXT + "\n2024-01-01: 1\n",
    "a template": TEXT + "\n__use_yte__: true\n",
    "a template not used": TEXT + "\n__use_yte__: false\n",
    "definitions of a template": TEXT + "\n__definitions__: [import os]\n",
    "paths of the workflow": TEXT + "\npathvars: {results: ../elsewhere}\n",
    "another version": "%YAML 9.9\n---\n" + TEXT,
    "an unknown tag": "!thing\n" + TEXT,
    "an object": "!!python/object/apply:os.getcwd []",
    "cut short": TEXT[: len(TEXT) // 2],
    "nothing as scan": TEXT + "\n  empty:\n",
}

HARMLESS = {
    "carriage returns": TEXT.replace("\n", "\r\n"),
    "carriage returns alone": TEXT.replace("\n", "\r"),
    "a byte order mark": "\ufeff" + TEXT,
    "a document mark": "---\n" + TEXT,
    "no comments": yaml.safe_dump(CONFIG, sort_keys=False),
    "one line": yaml.safe_dump(CONFIG, sort_keys=False, default_flow_style=True, width=1_000_000),
    "whole numbers with a point": TEXT.replace("points: 401", "points: 401.0").replace("chunks: 4", "chunks: 4.0"),
    "numbers with a point in a list": TEXT.replace("n_dof: [2, 1]", "n_dof: [2.0, 1.0]"),
    "every list and mapping closed by hand": re.sub(r"(?<![\d.])(\d+)e([-+])", r"\1.0e\2", json.dumps(CONFIG)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's data and tables of one's own, all of them listed."""
    root = tmp_path_factory.mktemp("config")
    shutil.copytree(ROOT / "data", root / "data")
    (root / "data" / "mine").mkdir()
    with (root / "data" / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        for role, text in OWN.items():
            (root / "data" / "mine" / f"{role}.csv").write_text(text, encoding="utf-8")
            sums.write(f"{hashlib.sha256(text.encode()).hexdigest()}  data/mine/{role}.csv\n")
    return root


@pytest.fixture(scope="module")
def path(folder: Path) -> Path:
    """Where a changed configuration is written, beside the data."""
    return folder / "changed.yaml"


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    """No file changes here: what a dataset has is read once."""
    true, known = inputs.read_dataset, {}

    def read(section: Any, root: Path, sums: Path) -> Any:
        key = json.dumps([section, str(root), str(sums)], sort_keys=True)
        if key not in known:
            known[key] = true(section, root, sums)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "read_dataset", read)
        yield


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner:
        yield place, value
    for key, each in inner:
        yield from _leaves(each, (*place, key))


def _identical(first: Any, second: Any) -> bool:
    """Equal, and numbers of the same type: True is not 1 and 1 not 1.0."""
    flat = [[(place, type(value), value) for place, value in _leaves(each)] for each in (first, second)]
    return flat[0] == flat[1]


WHOLE = ("members", "seed", "points", "chunks")  # numbers of the ensemble of readings


@cache
def _model(said: str, root: Path) -> Model:
    """The model of an analysis: its complete section, its dataset's, and the list of checksums."""
    section, dataset, sums = json.loads(said)
    tables = inputs.read_dataset(dataset, root, Path(sums))
    choices = config.parse_analysis(section)
    return model_of(choices, assemble(choices, *inputs.experiment_of(section, tables)))


def _edges_said(said: Any) -> list[float]:
    """Bin edges as a list, or min, max and step, spell them."""
    if isinstance(said, list):
        return [float(edge) for edge in said]
    low, high, step = (float(said[key]) for key in ("min", "max", "step"))
    return [low + i * step for i in range(round((high - low) / step) + 1)]


# By reader, what an analysis has that says nothing of it: nuisances and widths, and the statistic.
WIDTHS: dict[str, dict[str, float]] = {
    "csi_2017": {"signal_normalization": 0.28, "prompt_neutrons": 0.25},
    "lar_2020": {"flux": 0.1},
}
IN_ENERGY = ("figure3", "release2018", "table")


def _model_as_written(section: dict[str, Any], model: Model) -> bool:
    """Whether a model has the bins, nuisances and statistic that its complete section asks for."""
    (dataset,) = model.datasets
    reader, edges = section["reader"], list(dataset.measurement.axes.values())
    good = dataset.statistic == section.get("statistic", "gaussian" if reader in IN_ENERGY else "poisson")
    asked = section.get("measurement", {})
    if reader == "csi_2017":
        wanted = [asked.get("photoelectron_edges", {"min": 6, "max": 30, "step": 2})]
        wanted += [asked.get("time_edges_us", {"min": 0, "max": 6, "step": 0.5})]
        for edge, spelled in zip(edges, map(_edges_said, wanted), strict=True):
            good &= len(edge) == len(spelled) and np.allclose(edge, spelled, rtol=1e-6, atol=0)
        chosen = vars(choices_of(section))
        good &= all(chosen[key] == value for key, value in asked.items() if not key.endswith(("_edges", "_us")))
    elif reader == "lar_2020":
        good &= ("f90" in dataset.varied) == asked.get("shape_systematics", False)
    elif "photoelectron_range" in section:
        good &= bool(np.allclose(edges[0][[0, -1]], section["photoelectron_range"], rtol=1e-6, atol=0))
    nuisances = {nuisance.name: nuisance for nuisance in dataset.nuisances}
    said = section.get("nuisances", {})
    for name, width in WIDTHS.get(reader, {}).items():
        flux = asked.get("flux_uncertainty", 0) if name == "signal_normalization" else 0
        good &= name in said or nuisances[name].sigma == pytest.approx((width**2 - flux**2) ** 0.5, rel=1e-12)
    if reader in IN_ENERGY and "normalization" not in said:
        good &= nuisances["normalization"].sigma == float(section["normalization_uncertainty"])
    for name, change in said.items():
        found = nuisances[name]
        good &= found.fixed == (float(change["fixed"]) if "fixed" in change else None)
        if "sigma" in change:
            good &= found.sigma == (None if change["sigma"] == "free" else float(change["sigma"]))
        good &= list(found.scales) == change.get("scales", list(found.scales))
    return bool(good) and (reader != "counts" or set(nuisances) == set(said))


def _joint_as_written(section: dict[str, Any], written: dict[str, Any], root: Path) -> bool:
    """Whether a joint analysis is of the data sets of those that it names, in their order, as they are."""
    parts, models = complete(section, written)["joins"], []
    for name, whole in parts.items():
        own, dataset = complete(written["analyses"][name], written), written["datasets"][whole["dataset"]]
        apart = {"flux_uncertainty": 0.1} if dataset["reader"] == "csi_2017" else {}
        asked = {**apart, **own.get("measurement", {})}
        expected = {**own, "scans": [], **({"measurement": asked} if asked else {})}
        for own_key in ("study", "coverage"):
            expected.pop(own_key, None)
        if whole != expected:
            return False
        models.append(_model(json.dumps([whole, dataset, written["checksums"]]), root))
        if not _model_as_written(whole, models[-1]):
            return False
    names = {nuisance.name for model in models for nuisance in model.nuisances}
    return list(parts) == section["joins"] and {n.name for n in joined(models).nuisances} == names


def _as_written(written: dict[str, Any], root: Path) -> bool:
    """Whether the dataclasses hold what the keys say, whole numbers as such, and no name leaves its folder."""
    written = resolve(written)
    good = all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for place in PLACES for name in written[place])
    good &= all(len({name.lower() for name in written[place]}) == len(written[place]) for place in PLACES)
    for section in written["datasets"].values():
        good &= all((root / file).resolve().is_relative_to(root.resolve()) for file in section["files"].values())
    for name, section in written["scans"].items():
        scan = config.parse_scan(name, section)
        good &= len(scan.axes) == len(section["axes"])
        for key, said in section["axes"].items():
            axis = scan.axis(key)
            good &= (axis.name, axis.points, axis.scale) == (key, said["points"], said.get("scale", "linear"))
            good &= (axis.minimum, axis.maximum) == (float(said["min"]), float(said["max"]))
        known = INTERACTIONS[section["interaction"]].parameters
        ordered = [name for name in known if name in section["axes"]]
        ordered += sorted(name for name in section["axes"] if name not in known)  # combinations
        good &= [axis.name for axis in scan.axes] == ordered
        good &= [list(names) for names in scan.projections] == section.get("projections", [ordered])
        good &= all(len(set(axis.values())) == axis.points for axis in scan.axes)
        ends: dict[str, tuple[float, float]] = {
            key: config.UNBOUNDED if two == "free" else (float(two[0]), float(two[1]))
            for key, two in section.get("domain", {}).items()
        }
        good &= scan.domain == spelled_out(ends, [*scan.named], scan.combinations)
        good &= scan.fixed == {key: float(value) for key, value in section.get("fixed", {}).items()}
        good &= scan.interaction == section["interaction"]
        good &= (*scan.confidence_levels, *scan.n_dof) == (*section["confidence_levels"], *section["n_dof"])
        good &= all(type(whole) is int for whole in (*scan.n_dof, *scan.shape, scan.chunks))
        good &= scan.chunks == section["chunks"]
        for plane in map(scan.onto, scan.projections):
            rows = [plane.rows(k) for k in range(1, plane.chunks + 1)]
            good &= rows[0][0] == 0 and rows[-1][1] == plane.axes[0].points
            good &= all(low < high for low, high in rows)
    for section in written["analyses"].values():
        if "joins" in section:
            good &= _joint_as_written(section, written, root)
            continue
        analysis = config.parse_analysis(complete(section, written))
        good &= all(getattr(analysis, key) == section[key] for key in ("dataset", "nuclei", "form_factor"))
        numbers = {key: section[key] for key in ("sin2_theta_w", "normalization_uncertainty") if key in section}
        good &= all(getattr(analysis, key) == float(value) for key, value in numbers.items())
        exposure = section.get("exposure", {})
        good &= all(getattr(analysis.exposure, key) == float(value) for key, value in exposure.items())
        good &= list(analysis.photoelectron_range or ()) == list(section.get("photoelectron_range", ()))
        good &= list(analysis.scans) == section["scans"]
        whole = complete(section, written)
        said = json.dumps([whole, written["datasets"][section["dataset"]], written["checksums"]])
        good &= _model_as_written(whole, _model(said, root))
    if "digitization" in written:
        section = written["digitization"]
        ensemble = config.parse_digitization(section)
        good &= vars(ensemble) == section and all(type(vars(ensemble)[key]) is int for key in WHOLE)
        shares = [ensemble.rows(k) for k in range(1, ensemble.chunks + 1)]
        good &= shares[0][0] == 0 and shares[-1][1] == ensemble.members + 1 and all(low < high for low, high in shares)
    return good


def _refusal(loaded: dict[str, Any], root: Path) -> str:
    """What the checks before a run say about a configuration, empty if they accept it; every complaint names a key."""
    try:
        resolved = resolve(loaded)
        known.check(resolved)
        inputs.check_inputs(resolved, root)
    except (ConfigError, TableError) as error:
        said = str(error)
    else:
        return ""
    complaints = said.splitlines()[1:] if said.startswith("the configuration cannot be used:") else [said]
    assert complaints
    assert all(re.match(r"\s*[^\s:].*?: \S", line) for line in complaints), said
    return said


def _refusal_of_file(path: Path, content: bytes) -> str:
    """The same of a file with this content; what is wrong with the file itself is said with its name."""
    path.write_bytes(content)
    try:
        loaded = strict_yaml.read(path)
    except ConfigError as error:
        said = str(error)
    else:
        return _refusal(loaded, path.parent)
    assert said.startswith(f"{path}: ")
    return said


def _first_number(token: str) -> float:
    """The number that a person reads at the start of a text."""
    found = re.search(r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]+)?", token, re.ASCII)
    return float(found[0]) if found else float("nan")


def _outcome(path: Path, content: bytes, token: str | None = None) -> str:
    """What becomes of a file with this content; token is the value that was put in, where it was one."""
    if _refusal_of_file(path, content):
        return "refused"
    written = yaml.safe_load(content.decode("utf-8-sig"))
    same = _identical(strict_yaml.read(path), written) and _as_written(written, path.parent)
    if token is not None:
        before = dict(_leaves(CONFIG))
        new = [value for leaf, value in _leaves(written) if leaf in before and value != before[leaf]]
        same &= all(float(value) == _first_number(token) for value in new if type(value) in (int, float))
    return "accepted unchanged" if same else "accepted with a changed meaning"


def _scalars(node: yaml.Node | None) -> Iterator[tuple[int, int]]:
    """Where every key and value of a composed text starts and ends."""
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark.index, node.end_mark.index
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for each in pair:
                yield from _scalars(each)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)


SITES = sorted(set(_scalars(yaml.compose(TEXT))))


def _put(token: str, start: int, end: int) -> bytes:
    return (TEXT[:start] + token + TEXT[end:]).encode("utf-8", "surrogatepass")


@st.composite
def _changed_token(draw: st.DrawFn) -> tuple[bytes, str | None]:
    """One key or value replaced, or written twice."""
    start, end = draw(st.sampled_from(SITES))
    drawn = st.text(max_size=8) | st.floats().map(repr) | st.integers().map(str)
    token = draw(st.sampled_from([*TOKENS, *NAMES]) | drawn)
    return _put(token, start, end), token


@st.composite
def _changed_lines(draw: st.DrawFn) -> tuple[bytes, str | None]:
    """Lines lost, repeated, swapped, indented, or with something after them."""
    lines = TEXT.split("\n")
    i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    swapped = lines.copy()
    swapped[i], swapped[j] = lines[j], lines[i]
    old = lines[i]
    ends = [f"{old} x", f"{old}:", f"{old}]", f"{old},", f"{old}&a"]
    inside = [old.upper(), old.replace(":", ""), old.replace(": ", ":"), old.replace(",", ""), old.replace(" ", "\t")]
    line = draw(st.sampled_from([f"  {old}", f"\t{old}", f"- {old}", old[1:], old[2:], *ends, *inside]))
    choices = [
        lines[:i] + lines[i + 1 :],
        [*lines[: i + 1], *lines[i:]],
        swapped,
        [*lines[:i], line, *lines[i + 1 :]],
        lines[:i],
        [*lines[:i], *lines[j:]],
    ]
    return "\n".join(draw(st.sampled_from(choices))).encode(), None


@st.composite
def _changed_bytes(draw: st.DrawFn) -> tuple[bytes, str | None]:
    """Another encoding, or bytes that are no text."""
    content = TEXT.encode()
    i = draw(st.integers(0, len(content)))
    choices = [
        TEXT.encode("utf-16"),
        TEXT.encode("utf-32"),
        content[:i] + draw(st.binary(min_size=1, max_size=3)) + content[i:],
        content[:i] + bytes([draw(st.integers(0, 255))]) + content[i + 1 :],
        content[:i],
    ]
    return draw(st.sampled_from(choices)), None


@settings(REPEATABLE, max_examples=250)
@given(mutation=_changed_token() | _changed_token() | _changed_lines() | _changed_bytes())
def test_a_changed_text(path: Path, record: Record, mutation: tuple[bytes, str | None]) -> None:
    content, token = mutation
    assume(content != TEXT.encode())
    outcome = _outcome(path, content, token)
    record("configuration", outcome)
    assert outcome != "accepted with a changed meaning"


@pytest.mark.parametrize("key", ["points", "normalization_uncertainty", "sigma", "spectrum_example"])
def test_every_token_for_a_number(path: Path, record: Record, key: str) -> None:
    at = TEXT.index("coupling: 1.0e-4") if key == "spectrum_example" else TEXT.index(f"{key}: ")
    start, end = next(site for site in SITES if site[0] > at)
    changed = []
    for token in TOKENS:
        outcome = _outcome(path, _put(token, start, end), token)
        record("configuration", outcome)
        changed += [token] if outcome == "accepted with a changed meaning" else []
    assert changed == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_no_configuration(path: Path, record: Record, document: str) -> None:
    assert _refusal_of_file(path, DOCUMENTS[document].encode())
    record("configuration", "refused")


@pytest.mark.parametrize("how", HARMLESS)
def test_another_form_of_the_same_configuration(path: Path, record: Record, how: str) -> None:
    assert _refusal_of_file(path, HARMLESS[how].encode()) == ""
    assert strict_yaml.read(path) == CONFIG
    assert _as_written(strict_yaml.read(path), path.parent)
    record("configuration", "accepted unchanged")


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*place, key)
        yield from _places(each, (*place, key))


@st.composite
def _changed_value(draw: st.DrawFn) -> dict[str, Any]:
    """One key with another value, lost, or beside one that is not known."""
    changed: Any = copy.deepcopy(CONFIG)
    *above, key = draw(st.sampled_from(list(_places(CONFIG))))
    inside = changed
    for step in above:
        inside = inside[step]
    value = draw(st.sampled_from(VALUES) | st.floats() | st.integers())
    how = draw(st.sampled_from(["set", "set", "set", "lose", "add"]))
    if how == "set":
        inside[key] = value
    elif how == "lose":
        del inside[key]
    elif isinstance(inside, list):
        inside.append(value)
    else:
        inside[draw(st.sampled_from([*NAMES, 1, None, True, 1.5, (1, 2), b"x"]))] = value
    return dict(changed)


@settings(REPEATABLE, max_examples=300)
@given(changed=_changed_value())
def test_a_changed_value(folder: Path, record: Record, changed: dict[str, Any]) -> None:
    outcome = "refused" if _refusal(changed, folder) else "accepted unchanged"
    if outcome != "refused" and not _as_written(changed, folder):
        outcome = "accepted with a changed meaning"
    record("configuration", outcome)
    assert outcome != "accepted with a changed meaning"


def _renamed(place: str, name: str) -> dict[str, Any]:
    """The configuration with one analysis, dataset or scan called otherwise wherever it is named."""
    old = {"analyses": "release", "datasets": "release", "scans": "ee_mumu_d"}[place]
    changed: dict[str, Any] = copy.deepcopy(CONFIG)
    changed[place] = {name if key == old else key: value for key, value in CONFIG[place].items()}
    for analysis in changed["analyses"].values():
        if place == "datasets" and analysis.get("dataset") == old:
            analysis["dataset"] = name
        if place == "scans" and "scans" in analysis:
            analysis["scans"] = [name if scan == old else scan for scan in analysis["scans"]]
    if place == "scans":
        changed["coverage_tests"]["scan"] = name
    return changed


@pytest.mark.parametrize("place", PLACES)
def test_names(folder: Path, record: Record, place: str) -> None:
    of_scans = ["fig1", "fig2", "domain_sensitivity", "domain_map", "digitization"]
    taken = {"analyses": ["inputs"], "datasets": [], "scans": of_scans}[place]
    for name in NAMES:
        free = name.lower() not in [each.lower() for each in (*CONFIG[place], *taken)]
        usable = free and len(name) <= 60 and re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) is not None
        changed = _renamed(place, name)
        said = _refusal(changed, folder) if len(changed[place]) == len(CONFIG[place]) else "it has become another one's"
        assert (said == "") == usable, (name, said)
        assert said or _as_written(changed, folder)
        record("configuration", "refused" if said else "accepted unchanged")


@pytest.mark.parametrize("of", ["checksums", "reading_a"])
def test_paths(folder: Path, record: Record, of: str) -> None:
    for name in PATHS:
        changed = copy.deepcopy(CONFIG)
        changed.update({of: name} if of == "checksums" else {})
        changed["datasets"]["figure3"]["files"].update({of: name} if of != "checksums" else {})
        said = _refusal(changed, folder)
        assert said, name
        inside = re.fullmatch("[A-Za-z0-9_.+-]+(/[A-Za-z0-9_.+-]+)*", name) and not {".", ".."} & set(name.split("/"))
        assert inside or said.startswith("the configuration cannot be used:"), (name, said)  # before any file is read
        record("configuration", "refused")


def test_an_input_outside_the_project_is_refused_even_if_it_is_listed(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.csv"
    path.write_bytes((ROOT / CONFIG["datasets"]["figure3"]["files"]["reading_a"]).read_bytes())
    for name in (str(path), "../elsewhere.csv", "data/../../elsewhere.csv"):
        changed = copy.deepcopy(CONFIG)
        changed["datasets"]["figure3"]["files"]["reading_a"] = name
        with pytest.raises(ConfigError, match=r"datasets\.figure3\.files\.reading_a"):
            config.check(changed)
        record("configuration", "refused")


# Choices that the schema admits one by one and that cannot go together, or that a job would trip over.
TOGETHER = {
    "scans.light_mediator.axes": ("scans", "light_mediator", "axes", "mediator_mass_mev", "scale", "linear"),
    "scans.light_mediator.axes.coupling": ("scans", "light_mediator", "axes", "coupling", "min", 0),
    "scans.ee_d_u.axes: the study": ("scans", "ee_d_u", "projections", [["eps_ee_uV", "eps_ee_dV"]]),
    "scans.mumu_d_u.projections: a scan of 3 axes": ("scans", "mumu_d_u", "axes", {
        name: {"min": -1, "max": 1, "points": 9} for name in ("eps_mumu_dV", "eps_mumu_uV", "eps_mutau_dV")
    }),
    "scans.ee_d_u.projections: ['eps_ee_dV', 'eps_ee_uV'] is there twice": ("scans", "ee_d_u", "projections", [
        ["eps_ee_uV", "eps_ee_dV"], ["eps_ee_dV", "eps_ee_uV"],
    ]),
    "scans.ee_d_u.projections: ['eps_ee_dV', 'eps_mumu_dV'] must name axes": ("scans", "ee_d_u", "projections", [
        ["eps_ee_dV", "eps_mumu_dV"],
    ]),
    "scans.mumu_d_u.axes: 1000000000000 grid points": ("scans", "mumu_d_u", "axes", {
        name: {"min": -1, "max": 1, "points": 1_000_000} for name in ("eps_mumu_dV", "eps_mumu_uV")
    }),
    "scans.ee_d_u.axes.eps_ee_uV: 9 points": ("scans", "ee_d_u", "axes", "eps_ee_uV", {
        "min": 0.1, "max": 0.10000000000000003, "points": 9,
    }),
    "domain_sensitivity.bounds: min -1": ("domain_sensitivity", "bounds", "min", -1),
    "domain_sensitivity.scan": ("domain_sensitivity", "scan", "ee_d_u"),
    "domain_sensitivity.points: unknown key": ("domain_sensitivity", "points", 201),
    "domain_sensitivity.map.lower: max 1": ("domain_sensitivity", "map", "lower", "max", 1),
    "domain_sensitivity.bounds.points": ("domain_sensitivity", "bounds", "points", 10**9),
    "muon_g2: 'uncertainty' is a required property": ("muon_g2", {"discrepancy": 3e-9}),
    "muon_g2.discrepancy: -2.9e-09 +- 9e-10: muon g-2: at most -1.1e-09": ("muon_g2", "discrepancy", -2.9e-9),
    "digitization.members": ("digitization", "members", 10**9),
    "digitization.chunks: 33 chunks": ("digitization", "chunks", 33),
    "analyses.paper.photoelectron_range: 7": ("analyses", "paper", "photoelectron_range", [7, 30]),
    "spectrum_example.coupling": ("spectrum_example", "coupling", 0),
    "spectrum_example.mediator_mass_mev": ("spectrum_example", "mediator_mass_mev", 10**10),
    "datasets.figure3.files": ("datasets", "figure3", "files", {}),
    "datasets.figure3.files: 'other' is unknown": ("datasets", "figure3", "files", "other", "data/x"),
    "datasets.figure3.files: 'reading_a' is unknown": ("datasets", "figure3", "reader", "table"),
    "analyses.smeared.nuisances.steady_state: {'sigma': 0.171, 'fixed': 0}": (
        "analyses", "smeared", "nuisances", "steady_state", "fixed", 0,
    ),
    "analyses.smeared.nuisances.steady_state.sigma: 'fre'": (
        "analyses", "smeared", "nuisances", "steady_state", {"sigma": "fre"},
    ),
    "analyses.smeared.nuisances: [{": ("analyses", "smeared", "nuisances", [{"name": "flux", "fixed": 0}]),
    "analyses.smeared.measurement.photoelectron_edges": (
        "analyses", "smeared", "measurement", "photoelectron_edges", [6],
    ),
    "analyses.smeared.measurement.time_edges_us": ("analyses", "smeared", "measurement", "time_edges_us", {"max": 6}),
    "analyses.smeared: photoelectron_edges: 6, 8, 8": (
        "analyses", "smeared", "measurement", "photoelectron_edges", [6, 8, 8],
    ),
    "analyses.smeared: photoelectrons: [8, 8.000001] holds no bin": (
        "analyses", "smeared", "measurement", "photoelectron_edges", [6, 8, 8.000001, 30],
    ),
    "analyses.smeared: control": ("analyses", "smeared", {
        "like": "csi_2017", "statistic": "gaussian", "measurement": {
            "steady_state_shape": "bins", "photoelectron_edges": [6, 30], "time_edges_us": [0, 6],
        },
    }),
    "analyses.mine.measurement.steady_state_data: dataset 'mine' (reader counts)": (
        "analyses", "mine", "measurement", {"steady_state_data": "all"},
    ),
    "analyses.mine.normalization_uncertainty: dataset 'mine'": ("analyses", "mine", "normalization_uncertainty", 0.3),
    "analyses.mine.exposure: needs": ("analyses", "mine", "exposure", {}),
    "analyses.mine.nuisances.flux.scales": ("analyses", "mine", "nuisances", "flux", "scales", []),
    "analyses.mine: nuisances.flux.scales: 'steady_state'": (
        "analyses", "mine", "nuisances", "flux", "scales", ["steady_state"],
    ),
    "analyses.mine: nuisance flux: fixed at -1.5": (
        "analyses", "mine", "nuisances", "flux", {"fixed": -1.5, "scales": ["signal"]},
    ),
    "analyses.mine.photoelectron_range: 9 is not a bin edge": ("analyses", "mine", "photoelectron_range", [6, 9]),
    "datasets.mine.files: 'backgrounds' is a required": (
        "datasets", "mine", "files", {"counts": "data/mine/counts.csv"},
    ),
    "data/mine/counts.csv: expected a file of arrival": ("datasets", "mine", "files", {
        role: f"data/mine/{role}.csv" for role in ("counts", "acceptance", "backgrounds")
    }),
    "analyses.smeared.measurement.flux_uncertainty: -0.1": (
        "analyses", "smeared", "measurement", "flux_uncertainty", -0.1,
    ),
    "analyses.smeared: flux_uncertainty: 0.28; expected 0 or more, below": (
        "analyses", "smeared", "measurement", "flux_uncertainty", 0.28,
    ),
    "analyses.mine.measurement.flux_uncertainty: dataset 'mine' (reader counts)": (
        "analyses", "mine", "measurement", {"flux_uncertainty": 0.1},
    ),
    "analyses.both.joins: 'min' is unknown": ("analyses", "both", "joins", ["csi_2017", "min"]),
    "analyses.both.joins: ['mine'] is too short": ("analyses", "both", "joins", ["mine"]),
    "analyses.both.joins: ['mine', 'mine'] has non-unique": ("analyses", "both", "joins", ["mine", "mine"]),
    "analyses.both.joins: 'mine' is not of type 'array'": ("analyses", "both", "joins", "mine"),
    "analyses.both.joins: both joins others itself": ("analyses", "both", "joins", ["both", "mine"]),
    "analyses.both.joins: csi_2017 and smeared are of one dataset": (
        "analyses", "both", "joins", ["csi_2017", "smeared", "mine"],
    ),
    "analyses.both.joins: csi_2017 and release overlap": ("analyses", "both", "joins", ["csi_2017", "release"]),
    "analyses.both.nuisances: is a choice of the analyses": ("analyses", "both", "nuisances", {"flux": {"fixed": 0}}),
    "analyses.both.joins: nuisance flux has sigma 0.1 in csi_2017 and 0.2 in mine": (
        "analyses", "mine", "nuisances", "flux", {"sigma": 0.2, "scales": ["signal"]},
    ),
    "analyses.both.study: liao_marfatia_2017 is of analyses with": ("analyses", "both", "study", "liao_marfatia_2017"),
    "analyses.paper.exposure.baseline_m": ("analyses", "paper", "exposure", {"baseline_m": 1e-200}),
}  # fmt: skip


@pytest.mark.parametrize("key", TOGETHER)
def test_choices_that_no_job_could_use(folder: Path, record: Record, key: str) -> None:
    *above, last, value = TOGETHER[key]
    changed: Any = copy.deepcopy(CONFIG)
    inside = changed
    for step in above:
        inside = inside[step]
    inside[last] = value
    assert key in _refusal(changed, folder)
    record("configuration", "refused")
