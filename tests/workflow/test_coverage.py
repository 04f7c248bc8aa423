"""The target coverage on reduced grids: what it makes, that nothing else makes it, and that the bytes are the same."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cevnsi.config.check import covered_section, parse_scan
from cevnsi.files import tables
from cevnsi.files.strict_yaml import read
from cevnsi.scans.coverage import critical_columns
from project import ROOT, Project, copy_project, edited

SCANS = ("ee_d_u", "mumu_d_u", "ee_mumu_d", "ee_etau_d", "matter_ee_mumu")
CHUNKS = {"mumu_d_u": 2, "matter_ee_mumu": 3}
MAKES = {"coverage_points": 8, "coverage_lines": 5}
MAKES |= {f"coverage_{name}": 1 for name in ("tables", "figures", "tests", "scorecard")}


def of_coverage(jobs: dict[str, int]) -> dict[str, int]:
    """Jobs of these rules, whichever kind of analysis they are of, and of no target."""
    found: dict[str, int] = {}
    for name, count in jobs.items():
        if (rule := re.sub(r"_\d+$", "", name)) in MAKES:
            found[rule] = found.get(rule, 0) + count
    return found


def of_paper(project: Project, name: str) -> Path:
    return project.folder / "results" / "paper" / name


def test_a_plain_run_makes_none_of_it(finished: Project) -> None:
    assert finished.jobs("--", "coverage_paper") == MAKES | {"coverage_paper": 1}
    assert not list((finished.folder / "results").glob("*/coverage"))
    assert finished.jobs() == {}


def test_a_run_with_coverage_changes_no_file_of_a_plain_one(finished: Project, covered: Project) -> None:
    before, after = finished.digests(), covered.digests()
    assert {name for name, digest in after.items() if before.get(name) != digest} == {
        name for name in after if name.startswith("results/paper/coverage/")
    }
    assert before.keys() < after.keys()


def test_every_promised_file_is_there(covered: Project) -> None:
    base = of_paper(covered, "coverage")
    expected = {"ranges.csv", "measured.csv", "goodness.csv", "scorecard.csv"}
    expected |= {
        f"{place}/{scan}.{ext}" for scan in SCANS for place, ext in (("grids", "parquet"), ("contours", "csv"))
    }
    expected |= {f"lines/{scan}.parquet" for scan in SCANS}
    expected |= {f"figures/{name}.{ext}" for name in ("fig3", "fig4") for ext in ("pdf", "png", "svg", "csv")}
    sizes = {scan: CHUNKS.get(scan, 1) for scan in SCANS}
    expected |= {f"points/{scan}/{k}-of-{n}.parquet" for scan, n in sizes.items() for k in range(1, n + 1)}
    found = {path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()}
    assert found == expected
    assert covered.jobs("--", "coverage_paper") == {}


def test_tables_have_the_columns_of_the_contract(covered: Project) -> None:
    scan = parse_scan("ee_d_u", read(ROOT / "config.yaml")["scans"]["ee_d_u"])
    axes = tuple(axis.name for axis in scan.axes)
    plain = tables.read_parquet(of_paper(covered, "grids/ee_d_u.parquet"))
    grid = tables.read_parquet(of_paper(covered, "coverage/grids/ee_d_u.parquet"))
    assert list(grid) == [*plain, *critical_columns(scan)]
    for name, values in plain.items():
        np.testing.assert_array_equal(grid[name], values)
    lines = tables.read_parquet(of_paper(covered, "coverage/lines/ee_d_u.parquet"))
    assert list(lines) == ["grid", "parameter", "other_parameters", "value", *critical_columns(scan)]
    assert set(zip(lines["parameter"], lines["other_parameters"], strict=True)) == {
        (name, others) for name in axes for others in ("profiled", "zero")
    }
    contours = tables.read_table(of_paper(covered, "coverage/contours/ee_d_u.csv"), tables.covered_contour_layout(axes))
    assert set(contours["method"]) == {"feldman_cousins"}
    assert set(contours["n_dof"]) == {2}
    ranges = tables.read_table(of_paper(covered, "coverage/ranges.csv"), tables.COVERED_RANGES)
    assert set(ranges["method"]) == {"feldman_cousins"}
    assert tuple(dict.fromkeys(ranges["scan"])) == SCANS
    assert set(ranges["other_parameters"]) == {"profiled", "zero", "profiled on grid"}
    assert set(tables.read_table(of_paper(covered, "ranges.csv"), tables.RANGES)["method"]) == {"wilks"}


def test_the_scorecard_has_both_methods(covered: Project) -> None:
    plain, card = (
        pd.read_csv(of_paper(covered, "scorecard.csv")),
        pd.read_csv(of_paper(covered, "coverage/scorecard.csv")),
    )
    assert tuple(card.columns) == tables.BY_METHOD.columns
    of_wilks = dict(zip(card["quantity"], card["wilks"], strict=True))
    shown = plain["quantity"].str.replace(r", delta chi2 [\d.]+", "", regex=True)
    both = {name: value for name, value in zip(shown, plain["reproduced"], strict=True) if name in of_wilks}
    assert {name: of_wilks[name] for name in both} == both
    assert len(both) == 12  # ends of Eq. 12, and regions and holes of Fig. 3
    area = card.set_index("key").loc[[f"area_{scan}" for scan in SCANS]]
    assert (area["feldman_cousins"] < area["wilks"]).all()  # walls lower critical values of two parameters


def test_figures_have_both_lines(covered: Project) -> None:
    drawn = pd.read_csv(of_paper(covered, "coverage/figures/fig4.csv"))
    assert {"0.9 CL, 2 dof", "Feldman-Cousins, 0.9 CL, 2 dof"} <= set(drawn["curve"])


@pytest.mark.parametrize(
    ("old", "new", "rerun"),
    [
        ("toys: 200", "toys: 250", MAKES),
        ("points: 5", "points: 4", MAKES),
    ],
)
def test_other_toys_run_again_what_depends_on_them(
    covered: Project, tmp_path: Path, old: str, new: str, rerun: dict[str, int]
) -> None:
    overlay = tmp_path / "overlay.yaml"
    text = (ROOT / "tests" / "config" / "reduced.yaml").read_text(encoding="utf-8")
    assert old in text
    overlay.write_text(text.replace(old, new), encoding="utf-8")
    project = Project(covered.folder, str(overlay))
    assert of_coverage(project.jobs("--", "coverage_paper")) == rerun
    assert project.jobs() == {"provenance": 1}  # which has the whole configuration


def test_another_seed_of_an_analysis_alone(covered: Project) -> None:
    """Of one scan: its points, its lines, and what is made of them."""
    config = covered.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    section = text[text.index("\n  ee_d_u:") :].split("\n  mumu_d_u:")[0]
    with edited(config, section, section.replace("seed: 1", "seed: 2")):
        found = of_coverage(covered.jobs("--", "coverage_paper"))
    assert found == dict.fromkeys(MAKES.keys() - {"coverage_tests"}, 1)  # these are of another scan


def test_coverage_of_an_analysis_is_its_own(covered: Project) -> None:
    config = covered.folder / "config.yaml"
    with edited(config, "  release:\n    like: paper", "  release:\n    like: paper\n    coverage: {toys: 300}"):
        assert of_coverage(covered.jobs("--", "coverage_paper")) == {}
    section = read(config)["scans"]["ee_d_u"]
    assert parse_scan("ee_d_u", covered_section(section, {"coverage": {"toys": 300}})).coverage is not None


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def _of_another(path: Path) -> None:
    tables.write_parquet(path, tables.read_parquet(path), tables.read_note(path) | {"made_from": "another"})


@pytest.mark.parametrize("fault", [_damage, _of_another], ids=["truncated", "of another configuration"])
@pytest.mark.parametrize("name", ["points/mumu_d_u/2-of-2.parquet", "lines/ee_d_u.parquet"])
def test_a_bad_chunk_is_named_and_a_run_goes_on_once_it_is_gone(
    covered: Project, tmp_path: Path, name: str, fault: Callable[[Path], None]
) -> None:
    project = covered.copy(tmp_path / "project")
    path = f"results/paper/coverage/{name}"
    fault(project.folder / path)
    done = project.snakemake("--rerun-triggers", "mtime", "--", "coverage_paper", check=False)
    assert done.returncode != 0
    assert f"rm -f {path}" in done.stdout
    (project.folder / path).unlink()
    left = of_coverage(project.jobs("--", "coverage_paper"))
    assert left[f"coverage_{name.split('/')[0]}"] == 1
    assert sum(left.values()) == 4  # that, tables, figures and scorecard
    project.snakemake("--", "coverage_paper")
    assert project.digests() == covered.digests()


@pytest.mark.parametrize(("cores", "chunks"), [(1, 1), (2, 7)])
def test_same_bytes(covered: Project, tmp_path: Path, cores: int, chunks: int) -> None:
    """From any number of chunks and cores, also from the start."""
    overlay = tmp_path / "chunks.yaml"
    overlay.write_text(yaml.safe_dump({"scans": {name: {"chunks": chunks} for name in SCANS}}), encoding="utf-8")
    project = copy_project(tmp_path / "elsewhere")
    project.snakemake(str(overlay), "--", "coverage_paper", cores=cores, variables={"PYTHONHASHSEED": str(cores)})

    def made(of: Project) -> dict[str, str]:
        return {
            name: digest
            for name, digest in of.digests(below="results/paper/coverage").items()
            if "/points/" not in name
        }

    assert made(project) == made(covered)


def test_the_analyses_of_both_studies_are_covered(finished: Project) -> None:
    """Of paper and release five scans each; of each of the study coherent those that it has here."""
    found = of_coverage(finished.jobs("--", "coverage"))
    analyses = read(ROOT / "config.yaml")["analyses"]
    scans = {name: set(section.get("scans", SCANS)) for name, section in analyses.items()}
    scans |= {
        name: set(parts["scans"])
        for name, parts in read(ROOT / "tests" / "config" / finished.overlay)["analyses"].items()
        if parts
    }
    sections = read(ROOT / "config.yaml")["scans"]
    tested = {name for name, names in scans.items() if "ee_mumu_d" in names}
    covered = sum("coverage" in sections[scan] for names in scans.values() for scan in names)
    chunks = sum(CHUNKS.get(scan, 1) for names in scans.values() for scan in names if "coverage" in sections[scan])
    assert found == {
        "coverage_points": chunks,
        "coverage_lines": covered,
        "coverage_tables": len(analyses),
        "coverage_figures": len(analyses),
        "coverage_tests": len(tested),
        "coverage_scorecard": 2,
    }
