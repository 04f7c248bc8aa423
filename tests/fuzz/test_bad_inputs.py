"""Input files changed at random: each is refused by name, or read as an independent reader reads it.

The list of checksums is made anew for every changed file, so that what is tested lies below it; with the true list
every change is refused.
"""

import csv
import hashlib
import io
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cevnsi.config import check as config
from cevnsi.experiments import inputs, lar_2020
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.csi_2021 import CSI_2021
from cevnsi.files import strict_yaml, tables
from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import ConfigError
from project import ROOT

Record = Callable[[str, str], None]
REPEATABLE = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
Columns = Mapping[str, Mapping[str, Any]]

SUMS = Path("data/SHA256SUMS")
DATASETS = strict_yaml.read(ROOT / "config.yaml")["datasets"]
DATASETS["table"] = {"reader": "table", "files": {"counts": "data/counts.csv", "acceptance": "data/acceptance.csv"}}
CSI_2017_FILES, CSI_2021_FILES = (DATASETS[name]["files"] for name in ("csi_2017", "csi_2021"))
# The release in few bins, lest every change read 2400 rows, and the same as tables of one's own.
for _name in ("release", "csi_2017"):
    _files = DATASETS[_name]["files"].items()
    DATASETS[_name]["files"] = {role: f"data/few/{role}{Path(file).suffix}" for role, file in _files}
DATASETS["csi_2021"]["files"] = {role: f"data/few_2021/{role}.txt" for role in CSI_2021_FILES}
OWN = ("counts", "acceptance", "backgrounds", "arrival")
ARGON_FILES = DATASETS["lar_2020"]["files"]
DATASETS["lar_2020"]["files"] = {role: f"data/argon/{role}{Path(file).suffix}" for role, file in ARGON_FILES.items()}
DATASETS["counts"] = {"reader": "counts", "files": {role: f"data/own/{role}.csv" for role in OWN}}
DATASETS["gaussian"] = {"reader": "counts", "files": {role: f"data/own/{role}_in_energy.csv" for role in OWN[:3]}}
FILES: dict[str, dict[str, str]] = {name: section["files"] for name, section in DATASETS.items()}
FILES["published"] = {"published": inputs.PUBLISHED_FILE.as_posix()}
PLACES = [(name, role) for name, files in FILES.items() for role in files]
TWINS = {
    "coincidence": "anticoincidence",
    "reading_a": "reading_b",
    "arrival_prompt_neutrinos": "arrival_delayed_neutrinos",
    "beam_related_neutrons_photoelectrons": "neutrino_induced_neutrons_photoelectrons",
    "beam_related_neutrons_times": "neutrino_induced_neutrons_times",
}
_SECTION = {"nuclei": "mean", "form_factor": "helm", "sin2_theta_w": 0.23, "scans": [], "exposure": vars(CSI_2017)}
_FLUX = {"flux": {"sigma": 0.28, "scales": ["signal"]}}
# What an analysis asks of these, in whose bins the Poisson likelihood must be defined.
ASKED: dict[str, dict[str, Any]] = {
    "csi_2017": _SECTION
    | {"measurement": {"photoelectron_edges": [6, 8, 10, 12, 14], "time_edges_us": [0, 3, 6, 9, 12]}},
    "csi_2021": _SECTION
    | {"exposure": {name: value for name, value in vars(CSI_2021).items() if value is not None}}
    | {"measurement": {"photoelectron_edges": [8, 60], "time_edges_us": [0, 1, 6]}},
    "counts": _SECTION | {"nuisances": _FLUX},
    "gaussian": _SECTION | {"nuisances": _FLUX, "statistic": "gaussian"},
    "lar_2020": _SECTION
    | {
        "nuclei": "argon",
        "exposure": {name: value for name, value in vars(lar_2020.LAR_2020).items() if value is not None},
        "measurement": {"shape_systematics": True},
    },
}
FEW_ARGON = {name: edges[:3] for name, edges in lar_2020.AXES.items()}

# What a cell may become: not a number, a number only to some readers, or a number that no measurement has.
CELLS = [
    "nan", "NaN", "inf", "-inf", "infinity", "1e400", "-1e400", "1e-400", "1_000", "１２", "٣", "0x10", "0b1", "010",
    "1:30", "1.5.2", "+7", "7.", ".7", "-0", "1e3", "1E+3", "1d3", "--1", "1-", "yes", "null", "~", '"7"', "'7'", "#7",
    "=1+1", "1e30", "1e31", "-1e31", "1e-31", "1e308", "-1e308", "9007199254740993", "1e15", "0.5", "-3", "½", "−7",
    "7;", "7%", "true", "2.0", "é", "60.5", "1e5", "", " ", " 7 ", "\t7", "7\t", "7\u00a0", '"7\n"', '"7,8"', '"7',
    "7\x0c", "7\x00", "\ufeff7", "7\r", "9" * 400, "9" * 5000, "0" * 200_000 + "7", "3.14516" + "0" * 30,
]  # fmt: skip


def _few_bins() -> dict[str, str]:
    """The release of CsI 2017 from 6 to 14 photoelectrons, in bins of 3 microseconds, by role."""
    texts = {}
    for role, file in CSI_2017_FILES.items():
        if role == "parameters":
            text = (ROOT / file).read_text(encoding="utf-8")
            texts[role] = text[text.index("acceptanceEfficiency:") :]
            continue
        in_time = role != "neutrons"
        names = ["us", "n"] if role.startswith("arrival") else ["pe", "us", "n"] if in_time else ["pe", "n"]
        table = pd.read_csv(ROOT / file, comment="#", names=names)
        if "pe" in names:
            table = table.query("6 < pe < 14")
        if in_time:
            table = table.assign(us=table.us // 3 * 3 + 1.5).groupby(names[:-1], as_index=False).sum()
        texts[role] = "# centers, contents\n" + table.to_csv(index=False, header=False).replace(",", ", ")
    return texts


def _few_of_2021() -> dict[str, str]:
    """The release of all CsI data with fewer events and wider bins, by role."""
    texts = {}
    for role, file in CSI_2021_FILES.items():
        path = ROOT / file
        if role in ("efficiency", "scintillation"):
            texts[role] = path.read_text(encoding="utf-8")
        elif role in ("coincidence", "anticoincidence"):
            texts[role] = "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:42])
        elif role == "neutrino_times":
            table = pd.read_csv(path, comment="#", names=["low", "high", *"abcd"])
            wide = table.groupby(table.low // 1000)[[*"abcd"]].sum()
            rows = [f"{1000 * i:.0f},{1000 * (i + 1):.0f},{','.join(map(repr, n))}\n" for i, *n in wide.itertuples()]
            texts[role] = "# low, high, shares\n" + "".join(rows)
        else:
            width = 0.5 if role.endswith("times") else 5
            table = pd.read_csv(path, sep=r"\s+", names=["centre", "n"])
            low = np.floor((table.centre + width / 2 * role.endswith("times")) / width)
            sums = table.groupby(low).n.sum()[: 14 if width < 1 else 20]
            sums /= 1.0 if width < 1 else sums[:12].sum() * width
            half = 0.0 if width < 1 else 0.5
            texts[role] = "".join(f"{(i + half) * width!r} {n!r}\n" for i, n in sums.items())
    return texts


def _own_texts(few: dict[str, Path]) -> dict[str, dict[str, str]]:
    """Those bins as tables of one's own, in energy and time and in energy alone, by dataset and role."""
    section = {**ASKED["csi_2017"], "reader": "csi_2017"}
    experiment, _ = inputs.experiment_of(section, inputs.RELEASES["csi_2017"].read(few))
    measured = experiment.measurement
    counts = pd.DataFrame({**measured.bins(), "observed_counts": measured.observed})
    backgrounds = pd.DataFrame({**measured.bins(), **measured.backgrounds})
    arrival = counts[["bin_low_us", "bin_high_us"]][:4].assign(**dict(experiment.response.arrival or {}))
    x = np.arange(15.0)
    acceptance = pd.DataFrame({"photoelectrons": x, "acceptance": (0.6655 / (1 + np.exp(-0.4942 * (x - 10.8507))))})
    in_energy = [
        table.groupby(["bin_low_pe", "bin_high_pe"], as_index=False).sum().drop(columns=["bin_low_us", "bin_high_us"])
        for table in (counts, backgrounds)
    ]
    in_energy[0]["stat_uncertainty"] = np.sqrt(in_energy[0].observed_counts)
    made = {
        "counts": (counts, acceptance, backgrounds, arrival),
        "gaussian": (in_energy[0], acceptance, in_energy[1]),
    }
    return {
        name: {role: table.to_csv(index=False) for role, table in zip(OWN, each, strict=False)}
        for name, each in made.items()
    }


def _few_argon() -> dict[str, str]:
    """Two bins along each axis of the release of argon, scaled to what its parameters say; of these what is used."""
    texts = {}
    for role, file in ARGON_FILES.items():
        if role in ("efficiency", "parameters"):
            continue
        table = pd.read_csv(ROOT / file, sep=" ", names=["energy", "f90", "us", "n"])
        few = table.query("energy < 20 and f90 < 0.6 and us < 0.9")
        few = few if role == "observed" else few.assign(n=few.n * table.n.sum() / max(few.n.sum(), 1e-9))
        if not few.n.sum():
            few = few.assign(n=table.n.sum() / len(few))
        texts[role] = few.to_csv(sep=" ", index=False, header=False)
    lines = (ROOT / ARGON_FILES["efficiency"]).read_text(encoding="utf-8").splitlines(keepends=True)
    texts["efficiency"] = "".join(lines[:12])
    read, kept = yaml.safe_load((ROOT / ARGON_FILES["parameters"]).read_text(encoding="utf-8")), {}
    for section, _ in lar_2020.PARAMETERS.values():
        listed = [{name: p[name] for name in ("name", "value")} for p in read[section].get("parameters", ())]
        kept[section] = {"parameters": listed} if listed else {n: read[section][n] for n in ("value", "uncertainty")}
    texts["parameters"] = yaml.safe_dump(kept)
    return texts


def _true_texts() -> dict[str, str]:
    """Every input file, the release in few bins, and tables of one's own of the first dataset and of that release."""
    texts: dict[str, str] = {}
    for name in ("figure3", "published"):
        texts |= {path: (ROOT / path).read_text(encoding="utf-8") for path in FILES[name].values()}
    for kind, table in inputs.read_dataset(DATASETS["figure3"], ROOT, SUMS).items():
        if kind in FILES["table"]:
            texts[FILES["table"][kind]] = (
                pd.DataFrame(table).drop(columns="rounding_shift", errors="ignore").to_csv(index=False)
            )
    few = _few_bins()
    with tempfile.TemporaryDirectory() as folder:
        paths = {role: Path(folder) / role for role in few}
        for role, path in paths.items():
            path.write_text(few[role], encoding="utf-8")
        own = _own_texts(paths)
    for name, by_role in {"csi_2017": few, "csi_2021": _few_of_2021(), "lar_2020": _few_argon(), **own}.items():
        texts |= {FILES[name][role]: text for role, text in by_role.items()}
    return texts


TEXTS = _true_texts()


def _sums(contents: dict[str, bytes]) -> bytes:
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items()]
    return "".join(lines).encode()


TRUE = {name: text.encode() for name, text in TEXTS.items()}


@pytest.fixture(scope="module", autouse=True)
def few_bins_of_argon() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lar_2020, "AXES", FEW_ARGON)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the true input files and their checksums."""
    root = tmp_path_factory.mktemp("inputs")
    for name, content in (TRUE | {str(SUMS): _sums(TRUE)}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def _read(root: Path, name: str) -> Columns:
    if name == "published":
        inputs.verify_checksum(root, SUMS, inputs.PUBLISHED_FILE)
        inputs.check_published(root / inputs.PUBLISHED_FILE)
        return {name: tables.read_table(root / inputs.PUBLISHED_FILE, tables.PUBLISHED)}
    return inputs.read_dataset(DATASETS[name], root, SUMS)


@cache
def _numbers(content: bytes) -> Any:
    """A table of numbers, in which blank lines, those that start with #, and blanks about a name count for nothing."""
    lines = content.decode("utf-8-sig").splitlines(keepends=True)
    text = "".join(line for line in lines if line.strip('", \t\r\n') and line.lstrip()[0] != "#")
    return pd.read_csv(io.StringIO(text), float_precision="round_trip").rename(columns=str.strip).astype(float)


@cache
def _cells(content: bytes, names: tuple[str, ...]) -> Any:
    """Numbers without a header in so many columns, between comments."""
    return pd.read_csv(
        io.BytesIO(content), encoding="utf-8-sig", float_precision="round_trip", comment="#", names=names, dtype=float
    )


@cache
def _acceptance(content: bytes) -> dict[str, float]:
    """The three numbers of the logistic, by name."""
    read = yaml.load(content.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
    listed = read["acceptanceEfficiency"]["parameters"]
    assert sorted(entry["name"] for entry in listed) == ["a", "k", "x_0"]
    return {entry["name"]: float(str(entry["value"])) for entry in listed}


def _figure3(paths: dict[str, Path]) -> Columns:
    a, b, acceptance = (_numbers(paths[role].read_bytes()) for role in ("reading_a", "reading_b", "acceptance"))
    if 0 < acceptance.photoelectrons[0] < 0.1:
        acceptance = pd.concat([acceptance[:1].assign(photoelectrons=0.0), acceptance])
    columns: dict[str, Any] = {}
    for letter, reading in (("a", a), ("b", b)):
        rounded = reading.residual_counts.round()
        columns[f"counts_{letter}"], columns[f"rounding_shift_{letter}"] = rounded, rounded - reading.residual_counts
        columns[f"stat_uncertainty_{letter}"] = (reading.upper_error_bar_end - reading.lower_error_bar_end) / 2
    bins = {name: a[name] for name in ("bin_low_pe", "bin_high_pe")}
    counts = {"observed_counts": columns["counts_a"], "stat_uncertainty": columns["stat_uncertainty_a"]}
    return {"counts": bins | counts, "acceptance": dict(acceptance), "cross_check": bins | columns}


def _early(path: Path) -> Any:
    table = _cells(path.read_bytes(), ("pe", "time", "n"))
    assert len(table) == table.pe.nunique() * table.time.nunique()
    assert (table.n == table.n.round()).all()
    return table.query("time < 6").groupby("pe").n.sum()


def _release(paths: dict[str, Path]) -> Columns:
    c, ac = (_early(paths[role]) for role in ("coincidence", "anticoincidence"))
    half = (c.index[1] - c.index[0]) / 2
    high = float(c.index[-1] + half)
    value = _acceptance(paths["parameters"].read_bytes())
    x = [np.array([0.0, 5.0]), np.linspace(5, 6, 21), np.linspace(6, high, round((high - 6) * 20) + 1)]
    y = [value["a"] / (1 + np.exp(-value["k"] * (piece - value["x_0"]))) for piece in x]
    return {
        "counts": {
            "bin_low_pe": c.index - half,
            "bin_high_pe": c.index + half,
            "observed_counts": c - ac,
            "stat_uncertainty": np.sqrt(c + ac),
        },
        "acceptance": {
            "photoelectrons": np.concatenate(x),
            "acceptance": np.concatenate([y[0] * 0, y[1] / 2, y[2]]),
        },
    }


def _even(centers: Any) -> Any:
    """Edges of evenly spaced bins."""
    steps = np.diff(centers)
    assert (steps > 0).all()
    assert np.allclose(steps, steps[0], rtol=1e-5, atol=0)
    return np.round([*(centers - steps[0] / 2), centers[-1] + steps[0] / 2], 9)


def _histogram(path: Path) -> Any:
    """Counts (photoelectrons, times), whole and in every bin."""
    table = _cells(path.read_bytes(), ("pe", "time", "n")).pivot(index="pe", columns="time", values="n")
    assert ((table == table.round()) & (table >= 0)).all(axis=None)
    return table


def _csi_2017(paths: dict[str, Path]) -> Columns:
    windows = ("coincidence", "anticoincidence", "coincidence_off", "anticoincidence_off")
    c, ac, *off = (_histogram(paths[role]) for role in windows)
    assert all(c.index.equals(each.index) and c.columns.equals(each.columns) for each in (ac, *off))
    pe, us = (_even(axis.to_numpy()) for axis in (c.index, c.columns))
    assert pe[0] >= 0
    cells = [(*pe[i : i + 2], *us[j : j + 2]) for i in range(len(pe) - 1) for j in range(len(us) - 1)]
    edges = dict(zip(("bin_low_pe", "bin_high_pe", "bin_low_us", "bin_high_us"), np.transpose(cells), strict=True))
    arrival = {"bin_low_us": us[:-1], "bin_high_us": us[1:]}
    for name in ("prompt_neutrinos", "delayed_neutrinos", "prompt_neutrons"):
        table = _cells(paths[f"arrival_{name}"].read_bytes(), ("time", "share"))
        assert np.allclose(_even(table.time.to_numpy()), us, rtol=1e-5, atol=1e-6)
        assert (table.share >= 0).all()
        assert abs(table.share.sum() - 1) < 2e-6
        arrival[name] = table.share
    neutrons = _cells(paths["neutrons"].read_bytes(), ("pe", "n"))
    assert (neutrons.n >= 0).all()
    covered = _even(neutrons.pe.to_numpy())
    assert covered[0] <= pe[0]
    assert covered[-1] >= pe[-1]
    curve = _acceptance(paths["parameters"].read_bytes())
    assert 0 <= curve["a"] <= 1
    counts = {"observed_counts": c, "beam_on_counts": ac, "all_counts": ac + off[0] + off[1]}
    return {
        "counts": edges | {name: table.to_numpy().ravel() for name, table in counts.items()},
        "arrival": arrival,
        "neutrons": {"photoelectrons": neutrons.pe, "counts": neutrons.n * 7.47594},
        "efficiency": {"plateau": [curve["a"]], "steepness": [curve["k"]], "midpoint": [curve["x_0"]]},
    }


def _rows(path: Path, separator: str | None, count: int) -> Any:
    """Rows of so many numbers between comments, (rows, count)."""
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip() and line[0] != "#"]
    rows = np.array([[float(cell) for cell in line.split(separator)] for line in lines])
    assert rows.shape == (len(lines), count)
    assert np.isfinite(rows).all()
    return rows


def _varied(path: Path, labels: list[str]) -> Any:
    """Rows of four coefficients, each after a comment that ends with its label."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    before = [lines[i - 1] for i, line in enumerate(lines) if line[0] != "#"]
    assert [line.strip("# ") for line in before] == labels
    return _rows(path, None, 4)


def _csi_2021(paths: dict[str, Path]) -> Columns:
    found: dict[str, Any] = {}
    for window in ("coincidence", "anticoincidence"):
        events = _rows(paths[window], None, 2)
        assert (events >= 0).all()
        assert (events[:, 1] <= 12).all()
        found[window] = {"photoelectrons": events[:, 0], "arrival_time_us": events[:, 1]}
    plus = "Syst model, +1 sigma"
    curve = _varied(paths["efficiency"], ["Nominal efficiency model", plus, plus])
    assert (curve[:, :2] > 0).all()
    assert ((curve[:, 0] + curve[:, 3] > 0) & (curve[:, 0] + curve[:, 3] <= 1)).all()
    found["efficiency"] = {"efficiency": [0, 1, -1], **dict(zip("abcd", curve.T, strict=True))}
    sides = [f"Syst model {model}, {side}1 sigma" for model in (0, 1) for side in "+-"]
    light = _varied(paths["scintillation"], ["Nominal scintillation model", *sides])
    recoil = np.linspace(0, 0.047, 100)[:, None]
    assert (np.diff(recoil ** [1, 2, 3, 4] @ light.T, axis=0) > 0).all()
    values = {"quenching_0": [0, 1, -1, 0, 0], "quenching_1": [0, 0, 0, 1, -1]}
    found["quenching"] = values | dict(zip("abcd", light.T, strict=True))
    times = _rows(paths["neutrino_times"], ",", 6)
    assert (times[:, 0] < times[:, 1]).all()
    assert np.allclose(times[1:, 0], times[:-1, 1], rtol=1e-6, atol=1e-6 * (times[0, 1] - times[0, 0]))
    assert times[-1, 1] >= 6250
    assert (times[:, 2:] >= 0).all()
    assert (abs(times[:, 2:5].sum(axis=0) - 1) < 2e-6).all()
    shares = {"nu_mu": times[:, 2], "nu_mu_bar": times[:, 3], "nu_e": times[:, 4]}
    found["neutrinos_in_time"] = {"bin_low_us": times[:, 0] / 1e3, "bin_high_us": times[:, 1] / 1e3, **shares}
    for of, kind, unit, ends in (
        ("photoelectrons", "by_photoelectrons", "pe", (0, 60)),
        ("times", "in_time", "us", (-0.25, 6.25)),
    ):
        table: dict[str, Any] = {}
        for name in ("beam_related_neutrons", "neutrino_induced_neutrons"):
            rows = _rows(paths[f"{name}_{of}"], None, 2)
            edges = _even(rows[:, 0])
            assert (rows[:, 1] >= 0).all()
            assert rows[:, 1].any()
            assert edges[0] <= ends[0] + 1e-5
            assert edges[-1] >= ends[1] - 1e-5
            if unit == "pe":
                assert abs((rows[:, 1] * np.diff(edges))[edges[1:] < 60.0001].sum() - 1) < 2e-6
            if table:
                assert np.allclose(table["bin_low_us" if unit == "us" else "bin_low_pe"], edges[:-1], rtol=1e-5)
            else:
                table = {f"bin_low_{unit}": edges[:-1], f"bin_high_{unit}": edges[1:]}
            table[name] = rows[:, 1]
        found[f"neutrons_{kind}"] = table
    return found


def _between_blanks(path: Path) -> Any:
    """Numbers without a header, between blanks."""
    return pd.read_csv(
        path, sep=r"\s+", encoding="utf-8-sig", float_precision="round_trip", comment="#", header=None, dtype=float
    )


def _argon(path: Path) -> Any:
    """Contents of the few bins, a row each in their order."""
    table = _between_blanks(path)
    assert table.shape == (8, 4)
    cells = list(product((5, 15), (0.525, 0.575), (0.15, 0.65)))
    assert np.allclose(table[[0, 1, 2]], cells, rtol=0, atol=1e-5)
    assert table[3].between(0, 1e12).all()
    return table[3]


def _lar_2020(paths: dict[str, Path]) -> Columns:
    read = yaml.load(paths["parameters"].read_bytes().decode("utf-8-sig"), Loader=yaml.CSafeLoader)
    parameters = {}
    for name, (section, key) in lar_2020.PARAMETERS.items():
        there = read[section]
        listed = [p["value"] for p in there["parameters"] if p["name"] == key] if len(key) == 1 else [there[key]]
        (value,) = listed
        assert type(value) in (int, float)
        assert 0 < value < 2e30
        parameters[name] = [float(value)]
    counts = {role: _argon(path) for role, path in paths.items() if role not in ("efficiency", "parameters")}
    assert (counts["observed"] == counts["observed"].round()).all()
    for role in ("signal", "steady_state", "prompt_neutrons", "delayed_neutrons"):
        assert abs(counts[role].sum() / parameters[f"{role}_counts"][0] - 1) < 2e-3
    assert all(n.sum() > 0 for role, n in counts.items() if role != "observed")
    efficiency = _between_blanks(paths["efficiency"])
    visible, recoil, fraction = (efficiency[i] for i in range(3))
    assert efficiency.shape[1] == 3
    assert len(visible) > 1
    assert visible[0] > 0
    assert visible.is_monotonic_increasing
    assert visible.is_unique
    assert fraction.between(0, 1).all()
    a, b = parameters["quenching"][0], parameters["quenching_per_kev"][0]
    assert (recoil > 0).all()
    assert np.allclose(recoil * (a + b * recoil), visible, rtol=2.1e-3, atol=0)
    cells = [np.array(cell) for cell in product(*(list(pairwise(edges)) for edges in FEW_ARGON.values()))]
    names = [f"bin_{end}_{unit}" for unit in ("kevee", "f90", "us") for end in ("low", "high")]
    edges = dict(zip(names, np.array(cells).reshape(8, 6).T, strict=True))
    backgrounds = ("steady_state", "prompt_neutrons", "delayed_neutrons")
    return {
        "counts": edges | {"observed_counts": counts["observed"]},
        "backgrounds": edges | {name: counts[name] for name in backgrounds},
        "signal": edges | {"standard_model": counts["signal"]},
        "variations": edges | {name: counts[name] for name in lar_2020.VARIED},
        "efficiency": {"energy_kevee": visible, "efficiency": fraction},
        "parameters": parameters,
    }


def _same_bins(found: Any, expected: Any) -> bool:
    """Whether edges (rows, lower and upper ones by turns) are the same but for what decimals leave of a bin."""
    there, here = np.asarray(found), np.asarray(expected)
    widths = np.repeat(here[:, 1::2] - here[:, ::2], 2, axis=1)
    return there.shape == here.shape and bool((abs(there - here) <= 2.5e-6 * widths).all())


def _counts(paths: dict[str, Path]) -> Columns:
    read = {role: _numbers(path.read_bytes()) for role, path in paths.items()}
    counts, backgrounds, acceptance = read["counts"], read["backgrounds"], read["acceptance"]
    edges = [name for name in ("bin_low_pe", "bin_high_pe", "bin_low_us", "bin_high_us") if name in counts]
    low, high = counts[edges[::2]], counts[edges[1::2]].set_axis(edges[::2], axis=1)
    assert (low < high).all(axis=None)
    assert low.equals(low.sort_values(edges[::2]))
    assert len(low.drop_duplicates()) == np.prod([low[name].nunique() for name in low])
    for name in low:
        starts, ends = np.unique(low[name]), np.unique(high[name])
        assert np.allclose(starts[1:], ends[:-1], rtol=1e-5, atol=1e-6)
    assert _same_bins(backgrounds[edges], counts[edges])
    assert (backgrounds >= 0).all(axis=None)
    assert low.bin_low_pe.min() >= 0
    assert acceptance.acceptance.between(0, 1).all()
    assert acceptance.photoelectrons.is_monotonic_increasing
    assert acceptance.photoelectrons.iloc[0] <= low.bin_low_pe.iloc[0] + 1e-5
    assert acceptance.photoelectrons.iloc[-1] >= high.bin_low_pe.iloc[-1] - 1e-5
    if "stat_uncertainty" in counts:
        assert (counts.stat_uncertainty > 0).all()
    else:
        assert ((counts.observed_counts >= 0) & (counts.observed_counts == counts.observed_counts.round())).all()
    if "arrival" in read:
        arrival, times = read["arrival"], counts[edges[2:]].drop_duplicates()
        assert _same_bins(arrival[edges[2:]], times)
        assert (arrival >= 0).all(axis=None)
        assert (arrival.drop(columns=edges[2:]).sum() < 1 + 2e-6).all()
        assert sorted(arrival) == sorted([*edges[2:], "nu_e", "nu_mu", "nu_mu_bar"])
    return {role: dict(table) for role, table in read.items()}


def _published(path: Path) -> Columns:
    table = pd.read_csv(path, encoding="utf-8-sig", float_precision="round_trip", dtype=str, keep_default_na=False)
    table = table.rename(columns=str.strip)
    assert table.key.is_unique
    assert set(table.comparison) <= {"near", "at_least"}
    return {"published": dict(table.astype({"published": float, "tolerance": float}))}


READERS: dict[str, Callable[[dict[str, Path]], Columns]] = {
    "figure3": _figure3,
    "release": _release,
    "csi_2017": _csi_2017,
    "csi_2021": _csi_2021,
    "lar_2020": _lar_2020,
    "table": lambda paths: {role: dict(_numbers(path.read_bytes())) for role, path in paths.items()},
    "counts": _counts,
    "gaussian": _counts,
    "published": lambda paths: _published(paths["published"]),
}


def _read_independently(root: Path, name: str) -> Columns:
    """What pandas and plain YAML make of the files, by the rules that the documentation states."""
    return READERS[name]({role: root / file for role, file in FILES[name].items()})


def _same(ours: Columns, theirs: Columns) -> bool:
    return all(
        np.array_equal(ours[kind][column], np.asarray(values))
        for kind, table in theirs.items()
        for column, values in table.items()
    )


def _same_as_independently(root: Path, name: str, ours: Columns) -> bool:
    with warnings.catch_warnings(action="ignore"):
        try:
            return _same(ours, _read_independently(root, name))
        except (AssertionError, ValueError, TypeError, LookupError):
            return False


def _outcome(root: Path, name: str) -> str:
    """Refused with the name of a file, or of an analysis that asks for what it has not; or read as independently."""
    try:
        ours: Any = _read(root, name)
        if name in ASKED:
            section = {**ASKED[name], "dataset": name, "reader": DATASETS[name]["reader"]}
            inputs.check_analysis(name, section, ours)
    except TableError as error:
        said, places = str(error), list(FILES[name].values())
    except ConfigError as error:
        said, places = str(error), [f"analyses.{name}: "]
    else:
        same = _same_as_independently(root, name, ours)
        return "accepted unchanged" if same else "accepted with a changed meaning"
    assert any(place in said for place in places), said
    return "refused"


@contextmanager
def _changed(root: Path, changes: dict[str, bytes]) -> Iterator[None]:
    """Files with other contents, for as long as this lasts."""
    before = {name: (root / name).read_bytes() for name in changes}
    for name, content in changes.items():
        (root / name).write_bytes(content)
    try:
        yield
    finally:
        for name, content in before.items():
            (root / name).write_bytes(content)


@st.composite
def _cell(draw: st.DrawFn, text: str) -> str:
    """One cell, or one value of a YAML key, replaced."""
    lines = text.split("\n")
    i = draw(st.integers(0, len(lines) - 1))
    separator = next((each for each in (",", ": ") if each in lines[i]), " ")
    cells = lines[i].split(separator)
    j = draw(st.integers(0, len(cells) - 1))
    new = draw(st.sampled_from(CELLS) | st.text(max_size=6) | st.floats().map(repr) | st.integers().map(str))
    cells[j] = draw(st.sampled_from([new, new, cells[j] + new[:20], f'"{cells[j]}"', f" {cells[j]} "]))
    return "\n".join([*lines[:i], separator.join(cells), *lines[i + 1 :]])


@st.composite
def _lines(draw: st.DrawFn, text: str) -> str:
    """Lines lost, repeated, swapped, added, commented out, or far too many."""
    lines = text.split("\n")
    i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    swapped = lines.copy()
    swapped[i], swapped[j] = lines[j], lines[i]
    added = draw(st.sampled_from(["", " ", ",", "# a remark", lines[j], "1,2,3,4,5", "---", "\t", "1,2\x0c1,2"]))
    choices = [
        lines[:i] + lines[i + 1 :],
        [*lines[: i + 1], *lines[i:]],
        swapped,
        [*lines[:i], added, *lines[i:]],
        [*lines[:i], f"# {lines[i]}", *lines[i + 1 :]],
        lines[:i],
        lines[i:],
        [*lines[: i + 1], *lines[1:] * 100],
    ]
    return "\n".join(draw(st.sampled_from(choices)))


@st.composite
def _columns(draw: st.DrawFn, text: str) -> str:
    """A column moved with or without its name, lost, repeated, or scaled."""
    separator = "," if "," in text else " "
    rows = [line.split(separator) for line in text.split("\n") if line]
    width = len(rows[-1])
    i, j = (draw(st.integers(0, width - 1)) for _ in range(2))
    how, power = draw(st.sampled_from(["swap", "lose", "repeat", "scale"])), draw(st.integers(-40, 320))
    for row in rows[draw(st.sampled_from([0, 1])) :]:
        if len(row) == width and how == "swap":
            row[i], row[j] = row[j], row[i]
        elif len(row) == width and how == "lose":
            del row[i]
        elif len(row) == width and how == "repeat":
            row.insert(i, row[i])
        elif len(row) == width and row[i].strip()[-1:].isdigit():
            row[i] += f"e{power}"
    return "\n".join(separator.join(row) for row in rows) + "\n"


@st.composite
def _bytes(draw: st.DrawFn, text: str) -> bytes:
    """Other line ends, another encoding, bytes that are no text, a file cut short or empty."""
    content, i = text.encode(), draw(st.integers(0, len(text)))
    choices = [
        content.replace(b"\n", b"\r\n"),
        content.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + content,
        b"\xef\xbb\xbf\xef\xbb\xbf" + content,
        text.encode("utf-16"),
        text.encode("utf-32"),
        content[:i],
        content[i:],
        b"",
        b"\n",
        content[:i] + draw(st.binary(min_size=1, max_size=4)) + content[i:],
        content[:i] + bytes([draw(st.integers(0, 255))]) + content[i + 1 :],
        content + b"\x00" * 100_000,
        content + b"\xff",
    ]
    return draw(st.sampled_from(choices))


@st.composite
def _mutation(draw: st.DrawFn) -> tuple[str, dict[str, bytes]]:
    """A dataset, and new contents of one of its files, or of two that are changed alike."""
    name, role = draw(st.sampled_from(PLACES))
    text = TEXTS[FILES[name][role]]
    kinds: list[Callable[[str], st.SearchStrategy[Any]]] = [_cell, _cell, _lines, _columns, _bytes]
    kind = draw(st.sampled_from(kinds))
    new = draw(kind(text))
    content = new if isinstance(new, bytes) else new.encode("utf-8", "surrogatepass")
    assume(content != text.encode())
    alike = role in TWINS and draw(st.booleans())  # what two files agree on is not found by comparing them
    return name, {FILES[name][each]: content for each in ([role, TWINS[role]] if alike else [role])}


def _every_cell(path: str) -> Iterator[tuple[str, str, str]]:
    """A line near the end of a file, or each value of the YAML file that is used: text before, cell, and after."""
    text = TEXTS[path]
    if path.endswith(".yaml"):
        used = max(text.find("acceptanceEfficiency:"), 0)
        for found in re.finditer("(?<= value: ).*|(?<= uncertainty: ).*", text[used:]):
            yield text[: used + found.start()], found[0], text[used + found.end() :]
        return
    *before, line, after = text.rstrip("\n").rsplit("\n", 2)
    separator = "," if "," in line else " "
    cells = next(csv.reader([line], delimiter=separator))
    for i, cell in enumerate(cells):
        start = "\n".join(before) + "\n" + "".join(f"{c}{separator}" for c in cells[:i])
        yield start, cell, "".join(f"{separator}{c}" for c in cells[i + 1 :]) + f"\n{after}\n"


# Read by the same lines as another place, so that a change at random is enough.
ALIKE = {
    "csi_2017": {*CSI_2017_FILES} - {"coincidence", "neutrons", "arrival_prompt_neutrinos"},
    "csi_2021": {"anticoincidence", "neutrino_induced_neutrons_photoelectrons", "neutrino_induced_neutrons_times"},
    "gaussian": {"acceptance", "backgrounds"},
    "lar_2020": {*ARGON_FILES} - {"observed", "signal", "signal_timing", "efficiency", "parameters"},
}


@pytest.mark.parametrize(("name", "role"), [(name, role) for name, role in PLACES if role not in ALIKE.get(name, ())])
def test_every_bad_cell_in_every_column(
    folder: Path, record: Record, monkeypatch: pytest.MonkeyPatch, name: str, role: str
) -> None:
    monkeypatch.setattr(inputs, "verify_checksum", lambda *_: None)  # it would refuse all, and takes half of the time
    path = FILES[name][role]
    changed = []
    with _changed(folder, {path: TRUE[path]}):
        for start, _, end in _every_cell(path):
            for cell in CELLS:
                (folder / path).write_bytes(f"{start}{cell}{end}".encode())
                outcome = _outcome(folder, name)
                record("inputs", outcome)
                changed += [cell] if outcome == "accepted with a changed meaning" else []
    assert changed == []


@settings(REPEATABLE, max_examples=600)
@given(mutation=_mutation())
def test_a_changed_file_is_refused_or_means_what_it_says(
    folder: Path, record: Record, mutation: tuple[str, dict[str, bytes]]
) -> None:
    name, changes = mutation
    with _changed(folder, changes):
        with pytest.raises(TableError, match="the file has changed"):
            _read(folder, name)
        with _changed(folder, {str(SUMS): _sums(TRUE | changes)}):
            outcome = _outcome(folder, name)
    record("inputs", outcome)
    assert outcome != "accepted with a changed meaning"


# Changes of a file's form that keep every number.
HARMLESS: dict[str, Callable[[str], str]] = {
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "carriage returns alone": lambda text: text.replace("\n", "\r"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "no last line end": lambda text: text.rstrip("\n"),
    "spaces around commas": lambda text: text.replace(",", " , "),
    "quoted cells": lambda text: "".join(",".join(f'"{c}"' for c in line.split(",")) + "\n" for line in text.split()),
}


FORMS = [
    (name, role, how)
    for name, role in PLACES
    for how in HARMLESS
    # a column's name would change, or what a row is said to be of
    if not (how == "spaces around commas" and name not in ("release", "csi_2017", "csi_2021", "lar_2020"))
    if not (how == "spaces around commas" and name == "csi_2021" and role in ("efficiency", "scintillation"))
    # not csv, or quoted already
    if not (how == "quoted cells" and name in ("release", "csi_2017", "csi_2021", "lar_2020", "published"))
]


@pytest.mark.parametrize(("name", "role", "how"), FORMS)
def test_another_form_of_the_same_numbers(folder: Path, record: Record, name: str, role: str, how: str) -> None:
    path = FILES[name][role]
    text = TEXTS[path]
    before = _read(folder, name)
    changes = {path: HARMLESS[how](text).encode()}
    with _changed(folder, changes | {str(SUMS): _sums(TRUE | changes)}):
        outcome = _outcome(folder, name)
        record("inputs", outcome)
        assert outcome == "accepted unchanged"
        assert _same(_read(folder, name), before)


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def _link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


def _endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NO_FILE = [Path.mkdir, os.mkfifo, _link_to_itself, _link_to_nothing, _endless_device, lambda path: None]


@pytest.mark.parametrize("make", NO_FILE)
@pytest.mark.parametrize(("name", "role"), PLACES)
def test_something_that_is_no_file(
    folder: Path, record: Record, name: str, role: str, make: Callable[[Path], None]
) -> None:
    path = folder / FILES[name][role]
    path.unlink()
    try:
        make(path)
        with pytest.raises(TableError, match=path.name):
            _read(folder, name)
        record("inputs", "refused")
    finally:
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(TRUE[FILES[name][role]])


def test_a_link_to_the_same_bytes_is_the_same_file(folder: Path, record: Record, tmp_path: Path) -> None:
    path = folder / FILES["figure3"]["acceptance"]
    before = _read(folder, "figure3")
    elsewhere = shutil.move(path, tmp_path / "elsewhere.csv")
    try:
        path.symlink_to(elsewhere)
        assert _same(_read(folder, "figure3"), before)
        record("inputs", "accepted unchanged")
    finally:
        path.unlink()
        shutil.move(elsewhere, path)


SUMS_LINE = _sums({name: TRUE[name] for name in list(TRUE)[:1]}).decode()
BAD_SUMS = {
    "empty": "",
    "no list": "these are no checksums\n",
    "another digest for the same name": _sums(TRUE).decode() + "0" * 64 + SUMS_LINE[64:],
    "one space": _sums(TRUE).decode().replace("  ", " "),
    "upper case": _sums(TRUE).decode().upper(),
    "short digest": _sums(TRUE).decode()[1:],
    "wide digits": SUMS_LINE.translate({ord(str(i)): chr(0xFF10 + i) for i in range(10)}),
    "name with a line end": SUMS_LINE.rstrip("\n") + "\x0b\n",
}


@pytest.mark.parametrize("bad", BAD_SUMS)
def test_a_bad_list_of_checksums(folder: Path, record: Record, bad: str) -> None:
    with _changed(folder, {str(SUMS): BAD_SUMS[bad].encode()}), pytest.raises(TableError, match="SHA256SUMS"):
        _read(folder, "figure3")
    record("inputs", "refused")


def test_roles_of_the_schema_are_those_of_the_readers() -> None:
    section = config.schema()["properties"]["datasets"]["additionalProperties"]
    roles = {
        rule["if"]["properties"]["reader"]["const"]: rule["then"]["properties"]["files"]["required"]
        for rule in section["allOf"]
    }
    read = {name: set(release.roles) for name, release in inputs.RELEASES.items()}
    assert {name: set(names) for name, names in roles.items()} == read
