"""The workflow as a module of another one, which has a rule of its own behind it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cevnsi.files.strict_yaml import read
from cevnsi.studies.known import DEFAULT
from project import ROOT, Project, copy_project, made_once
from warm import warm

# The example of docs/module.md, with a rule that is named as one of ours, and with a handler.
PAGE = (ROOT / "docs" / "module.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```\n(configfile: .*?)```", PAGE, re.DOTALL)
OUTER = (
    EXAMPLE.replace("rule summary:", "rule inputs:")
    + """
onsuccess:
    print("the outer workflow is done; local rules:", *workflow._localrules)
"""
)
RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
ALONE = """
module cevnsi:
    snakefile:
        "{snakefile}"


use rule * from cevnsi
"""


def _outer(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "Snakefile").write_text(text, encoding="utf-8")
    return folder


def _run(folder: Path, library: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return warm().run(command, folder, {**os.environ, "PYTHONPATH": str(library)})


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another workflow that has this project in its folder, and has run."""

    def make(folder: Path) -> None:
        _outer(folder, OUTER)
        copy_project(folder / "cevnsi")
        (folder / "changes.yaml").write_bytes((ROOT / "tests" / "config" / "reduced.yaml").read_bytes())
        done = _run(folder, folder / "cevnsi" / "src")
        assert done.returncode == 0, done.stdout
        (folder / "run.log").write_text(done.stdout, encoding="utf-8")

    return made_once(tmp_path_factory, "module", make)


def test_another_workflow_computes_with_our_ranges(outer: Path, finished: Project) -> None:
    ours = (finished.folder / "results" / "paper" / "ranges.csv").read_bytes()
    assert (outer / "nsi" / "results" / "paper" / "ranges.csv").read_bytes() == ours
    lines = [line for line in ours.decode().splitlines() if "eps_ee_matter" in line]
    assert (outer / "summary.csv").read_text(encoding="utf-8").splitlines() == lines != []


def test_a_module_makes_nothing_outside_its_prefix(outer: Path) -> None:
    made = {path.name for path in outer.iterdir()}
    assert made == {"Snakefile", "changes.yaml", "run.log", "cevnsi", "nsi", "summary.csv", ".snakemake"}
    for name in ("results", "logs", ".snakemake"):
        assert not (outer / "cevnsi" / name).exists()


def test_a_module_leaves_names_and_handlers_to_the_other_workflow(outer: Path) -> None:
    said = (outer / "run.log").read_text(encoding="utf-8")
    assert "scorecard:" not in said  # what our own runs end with
    (line,) = [line for line in said.splitlines() if line.startswith("the outer workflow is done")]
    local = set(line.split()[7:])  # what a cluster profile does not submit
    ours = re.findall("^rule ([a-z0-9_]+):", "".join(path.read_text(encoding="utf-8") for path in RULES), re.MULTILINE)
    loops = {
        "scans",
        "tables",
        "figures",
        "coverage_tables",
        "coverage_figures",
    }
    made = {f"{name}{suffix}" for name in loops for suffix in ("", *(f"_{i}" for i in range(2, 9)))}
    made |= {"inputs", "inputs_2", "inputs_3", "inputs_4"}  # the same for datasets
    submitted = {name for name in made if name.startswith("scans")}  # what computes chi2
    submitted |= {"chunk", "domain_sensitivity", "domain_ends", "general_fit", "digitization_chunk"}
    submitted |= {"coverage_points", "coverage_lines", "coverage_tests"}
    analyses = read(ROOT / "config.yaml")["analyses"]
    made |= {DEFAULT, "coherent", "coherent_figures", "coherent_coverage_figures", *analyses}
    made |= {f"coverage_{name}" for name in analyses}
    assert local == {f"cevnsi_{name}" for name in {*ours, *made, "all", "analyses"} - submitted}


def test_nothing_is_left_to_do_and_locks_are_not_ours(outer: Path) -> None:
    lock = outer / ".snakemake" / "locks" / "0.input.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("", encoding="utf-8")
    try:
        done = _run(outer, outer / "cevnsi" / "src", "--dry-run", "--nolock")
        assert lock.exists()
    finally:
        lock.unlink()
    assert "Nothing to be done" in done.stdout


def test_an_edit_of_our_code_reaches_the_other_workflow(outer: Path) -> None:
    path = outer / "cevnsi" / "src" / "cevnsi" / "scans" / "limits.py"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(before + "# edited\n", encoding="utf-8")
        done = _run(outer, outer / "cevnsi" / "src", "--dry-run", "--quiet", "rules")
    finally:
        path.write_text(before, encoding="utf-8")
    assert "cevnsi_tables" in done.stdout
    assert "cevnsi_chunk" not in done.stdout


def test_a_bad_configuration_stops_the_other_workflow(outer: Path) -> None:
    overlay = outer / "bad.yaml"
    overlay.write_text("analyses: {paper: {form_factr: helm}}", encoding="utf-8")
    try:
        done = _run(outer, outer / "cevnsi" / "src", "--dry-run", "--configfile", str(overlay))
    finally:
        overlay.unlink()
    assert done.returncode != 0
    assert "analyses.paper.form_factr: unknown key; did you mean 'form_factor'?" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_a_configuration_it_is_our_own(finished: Project, tmp_path: Path) -> None:
    """From a folder beside it, unnamed and without prefix; `all` is the default target where there is no other."""
    folder = _outer(tmp_path / "beside", ALONE.format(snakefile=finished.folder / "Snakefile"))
    done = _run(folder, finished.folder / "src", "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout
    counts = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    assert (counts["all"], counts["scans"], counts["figures"]) == ("1", "2", "2")
    assert not (folder / "results").exists()
