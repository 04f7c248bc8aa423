"""What grids say of themselves, and that the programs which docs/results.md shows read it and them."""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.config.check import parse_scan
from cevnsi.experiments.inputs import complete
from cevnsi.files.tables import read_note, read_parquet, write_parquet
from cevnsi.model import Model
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import chunk_note, write_chunk, write_grid
from cevnsi.scans.coverage import coverage_text, covered_columns, covered_grid_note, critical_columns, how_found
from cevnsi.scans.notes import grid_note

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8").split("\n## Grids in other programs\n")[1]
PAGE = PAGE.split("\n## ")[0]
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
INPUTS = ["ab" * 32, "cd" * 32]


def asked(config: dict[str, Any], name: str, points: int = 9, **changes: Any) -> tuple[Scan, dict[str, Any]]:
    """A scan of the configuration on few points, and its section."""
    axes = {axis: {**ends, "points": points} for axis, ends in config["scans"][name]["axes"].items()}
    section = {**config["scans"][name], "axes": axes, **changes}
    return parse_scan(name, section), section


def note_of(config: dict[str, Any], name: str, grid: str = "", analysis: str = "paper", **changes: Any) -> Any:
    scan, section = asked(config, name, **changes)
    return grid_note(scan, grid or name, analysis, complete(config["analyses"][analysis], config), section, INPUTS)


def names_in(note: dict[str, Any]) -> list[str]:
    """Of the columns that it describes, in their order."""
    return [each["name"] for each in note["columns"]]


def test_fixed_domain_and_units(config: dict[str, Any]) -> None:
    said = note_of(config, "matter_ee_mumu")
    assert (said["analysis"], said["scan"], said["grid"]) == ("paper", "matter_ee_mumu", "matter_ee_mumu")
    assert said["domain"] == {f"eps_{pair}_{quark}V": [-1.0, 1.0] for pair in ("ee", "mumu") for quark in "ud"}
    axis = {"min": -2.0, "max": 3.0, "points": 9, "scale": "linear"}
    assert said["axes"] == [{"name": name, **axis} for name in ("eps_ee_matter", "eps_mumu_matter")]
    assert said["choices"]["form_factor"] == "klein_nystrand"
    assert said["fixed"] == said["left_out"] == said["combinations"] == {}
    said = note_of(config, "light_mediator")
    mass, coupling, *_ = said["columns"]
    assert mass == {"name": "mediator_mass_mev", "description": "mediator mass", "unit": "MeV"}
    assert (coupling["name"], coupling["unit"]) == ("coupling", "")
    free = note_of(config, "matter_free")
    assert set(free["domain"].values()) == {"free"}
    assert note_of(config, "b_minus_l")["fixed"] == {"times_eq_6": 2.0}  # what is taken for what is not named
    held = note_of(config, "ee_d_u", fixed={"eps_mumu_uV": 0.1})
    assert held["fixed"] == {"eps_mumu_uV": 0.1}


def test_what_is_left_out_and_what_a_combination_is(config: dict[str, Any]) -> None:
    said = note_of(config, "ee_d_u", "ee_d_u.eps_ee_dV", projections=[["eps_ee_dV"], ["eps_ee_dV", "eps_ee_uV"]])
    assert [axis["name"] for axis in said["axes"]] == ["eps_ee_dV"]
    assert said["left_out"] == {"eps_ee_uV": [-1.0, 1.0]}
    said = note_of(config, "radius_csi", analysis="csi_2017_radius")
    assert said["combinations"] == {
        "neutron_radius_csi_fm": {"neutron_radius_Cs133_fm": 1.0, "neutron_radius_I127_fm": 1.0}
    }
    assert said["columns"][0]["unit"] == "fm"


@pytest.mark.parametrize("reference", ["minimum", "standard_model", "zero"])
def test_delta_chi2_is_described_by_its_reference(reference: str, config: dict[str, Any]) -> None:
    said = note_of(config, "ee_d_u", reference=reference)
    words = {"minimum": "least value on this grid", "standard_model": "the standard model", "zero": "same as chi2"}
    assert said["reference"] == reference
    assert words[reference] in said["columns"][-1]["description"]


def test_every_column_of_every_scan_is_described(config: dict[str, Any]) -> None:
    for analysis, section in config["analyses"].items():
        for name in section["scans"]:
            scan, _ = asked(config, name)
            for grid, axes in scan.grids().items():
                said = note_of(config, name, grid, analysis)
                assert names_in(said) == [*axes, "chi2", "delta_chi2"]
                assert all(each["description"] for each in said["columns"])
                assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_the_digest_is_of_choices_and_not_of_chunks(config: dict[str, Any]) -> None:
    said = note_of(config, "ee_d_u")
    assert note_of(config, "ee_d_u", chunks=7) == said
    assert note_of(config, "ee_d_u", points=11)["configuration_sha256"] != said["configuration_sha256"]
    config["analyses"]["paper"]["sin2_theta_w"] = 0.23
    assert note_of(config, "ee_d_u")["configuration_sha256"] != said["configuration_sha256"]


def test_notes_have_no_paths_and_no_times(config: dict[str, Any]) -> None:
    for analysis in ("paper", "joint"):
        text = json.dumps(note_of(config, "ee_d_u", analysis=analysis))
        assert not re.search(r"/|\.csv|\.txt|\d\d:\d\d", text), text


@pytest.fixture
def finished(config: dict[str, Any], model: Callable[..., Model], tmp_path: Path) -> Path:
    """A folder in which a run has made the grid that the page names."""
    scan, section = asked(config, "ee_d_u", 21)
    folder = tmp_path / "results" / "paper" / "grids"
    folder.mkdir(parents=True)
    made = write(model("paper"), scan, section, config, tmp_path)
    (folder / "ee_d_u.parquet").write_bytes(made.read_bytes())
    return tmp_path


def write(used: Model, scan: Scan, section: dict[str, Any], config: dict[str, Any], folder: Path) -> Path:
    """The file of a grid from the files of its chunks, as the workflow makes it."""
    analysis = complete(config["analyses"]["paper"], config)
    notes = [chunk_note(scan, k, analysis, section, INPUTS) for k in range(1, scan.chunks + 1)]
    chunks = [str(folder / f"{k}-of-{scan.chunks}.parquet") for k in range(1, scan.chunks + 1)]
    for k, (path, note) in enumerate(zip(chunks, notes, strict=True), start=1):
        write_chunk(path, used, scan, k, note)
    grid = folder / f"of-{scan.chunks}.parquet"
    said = grid_note(scan, scan.name, "paper", analysis, section, INPUTS)
    write_grid(str(grid), scan, scan.name, chunks, notes, said)
    return grid


def test_there_is_an_example_of_each_program() -> None:
    assert [re.findall(r"pandas|polars|duckdb", example)[0] for example in EXAMPLES] == ["pandas", "polars", "duckdb"]
    assert all(len(ast.parse(example).body) == 3 for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=["pandas", "polars", "duckdb"])
def test_another_program_reads_a_grid_and_its_note(
    example: str, finished: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished)
    found: dict[str, Any] = {}
    exec(compile(example, "results.md", "exec"), found)
    ours = read_parquet("results/paper/grids/ee_d_u.parquet")
    note, theirs = found["note"], found["grid"]
    assert note == read_note("results/paper/grids/ee_d_u.parquet")
    assert list(theirs.columns) == list(ours) == names_in(note)
    if "duckdb" in example:
        rows = np.array(sorted(theirs.fetchall()))
        inside = ours["delta_chi2"] < 4.61
        assert 0 < inside.sum() < inside.size
        np.testing.assert_array_equal(rows, np.array(sorted(zip(*(ours[c][inside] for c in ours), strict=True))))
    else:
        for name, values in ours.items():
            np.testing.assert_array_equal(theirs[name].to_numpy(), values)
    assert [axis["points"] for axis in note["axes"]] == [21, 21]


def test_the_page_names_every_key(config: dict[str, Any]) -> None:
    scan, section = asked(config, "ee_d_u")
    said = covered_grid_note(scan, "ee_d_u", "paper", config["analyses"]["paper"], section, INPUTS)
    named = {key for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert named == set(said)


def test_the_same_bytes_however_it_was_cut(config: dict[str, Any], model: Callable[..., Model], tmp_path: Path) -> None:
    made = [write(model("paper"), *asked(config, "ee_d_u", chunks=n), config, tmp_path) for n in (1, 3)]
    assert made[0].read_bytes() == made[1].read_bytes()


def test_a_grid_with_critical_values_describes_them(config: dict[str, Any], tmp_path: Path) -> None:
    scan, section = asked(config, "ee_d_u", 5)
    assert scan.coverage is not None
    scan = replace(scan, coverage=replace(scan.coverage, points=dict.fromkeys(scan.coverage.points, 5)))
    points = {name: np.full(25, 3.0) for name in critical_columns(scan)}
    said = covered_grid_note(scan, "ee_d_u", "paper", config["analyses"]["paper"], section, INPUTS)
    columns = covered_columns(scan, "ee_d_u", points)
    assert names_in(said) == ["eps_ee_dV", "eps_ee_uV", "chi2", "delta_chi2", *columns]
    assert "level 0.9," in said["columns"][4]["description"]
    write_parquet(tmp_path / "c.parquet", columns, said)
    assert coverage_text(read_note(tmp_path / "c.parquet")) == coverage_text(how_found(scan, "ee_d_u"))
