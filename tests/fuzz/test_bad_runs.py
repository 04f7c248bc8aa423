"""The workflow started on bad inputs and configurations: it stops at once, says what is wrong, and leaves no trace."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from project import ROOT, Project, copy_project
from warm import warm

Record = Callable[[str, str], None]

READING = "data/coherent_csi_2017/digitized/figure3_residuals_a.csv"
RELEASE = "data/coherent_csi_2017/release/data_coincidence_beamOn.txt"
ARRIVAL = "data/coherent_csi_2017/release/arrivalTimePDF_promptNeutrinos.txt"
SUMS = "data/SHA256SUMS"


def _edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_bytes().decode()
    assert old in text
    (folder / name).write_bytes(text.replace(old, new).encode())


def _edit_and_list(folder: Path, name: str, old: str, new: str) -> None:
    """An edit that the list of checksums agrees with."""
    before = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    _edit(folder, name, old, new)
    _edit(folder, SUMS, before, hashlib.sha256((folder / name).read_bytes()).hexdigest())


def _replace(folder: Path, name: str, make: Callable[[Path], None]) -> None:
    (folder / name).unlink()
    make(folder / name)


@dataclass(frozen=True)
class Bad:
    """What is done to a project, what is laid over its configuration, and what must be said."""

    said: str
    overlay: str = ""
    change: Callable[[Path], None] = field(default=lambda folder: None)


BAD = {
    "a cell": Bad(
        f"{READING}: row 5, residual_counts: 'nan'", change=lambda p: _edit_and_list(p, READING, "8.04435", "nan")
    ),
    "a count": Bad(f"{RELEASE}: row 3", change=lambda p: _edit_and_list(p, RELEASE, "1.0, 0.25, 2", "1.0, 0.25, 2_0")),
    "a share": Bad(
        f"{ARRIVAL}: its shares sum to 0.9", change=lambda p: _edit_and_list(p, ARRIVAL, "0.75, 0.90", "0.75, 0.80")
    ),
    "a checksum": Bad(f"{READING}: sha256 is", change=lambda p: _edit(p, READING, "8.04435", "8.04436")),
    "a folder for a file": Bad(f"{READING}: cannot be read", change=lambda p: _replace(p, READING, Path.mkdir)),
    "a number in octal": Bad("config.yaml: line", change=lambda p: _edit(p, "config.yaml", "chunks: 1", "chunks: 01")),
    "a key twice": Bad("overlay.yaml: line 2: the key 'paper'", "analyses:\n  {paper: {nuclei: mean}, paper: {}}"),
    "a number as key": Bad("scans.ee_d_u.fixed.1: the key 1", "scans: {ee_d_u: {fixed: {1: 2}}}"),
    "a path": Bad("checksums: '../outside'", "checksums: ../outside"),
    "a taken name": Bad(
        "analyses.Inputs: 'inputs' is taken",
        "analyses: {Inputs: {dataset: figure3, nuclei: mean, form_factor: helm, sin2_theta_w: 0.2, "
        "photoelectron_range: [6, 30], normalization_uncertainty: 0.3, scans: []}}",
    ),
    "a name with a line end": Bad("datasets: 'a\\n' does not match", 'datasets: {"a\\n": {reader: table, files: {}}}'),
    "a nuisance": Bad("csi_2017: nuisances.flux: is none", "analyses: {csi_2017: {nuisances: {flux: {sigma: 0.1}}}}"),
    "no bin edge": Bad("analyses.paper.photoelectron_range: 7", "analyses: {paper: {photoelectron_range: [7, 30]}}"),
}


def _snapshot(*folders: Path) -> dict[Path, tuple[int, int]]:
    """When every file was changed and how long it is, but for the workflow manager's own."""
    files = [path for folder in folders for path in folder.rglob("*") if ".snakemake" not in path.parts]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files if path.is_file()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in a folder of its own, with a home that nothing else uses."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return copy_project(tmp_path / "project")


def _dry_run(project: Project, run: Path, overlay: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "--cores", "1"]
    command += ["--snakefile", str(project.folder / "Snakefile"), "--directory", str(run)]
    if overlay:
        path = run.parent / "overlay.yaml"
        path.write_text(overlay, encoding="utf-8")
        command += ["--configfile", str(path)]
    done = warm().run(command, project.folder, project.environment())
    return done.returncode, done.stdout


@pytest.mark.parametrize("what", BAD)
def test_a_bad_start_says_why_and_leaves_no_trace(project: Project, tmp_path: Path, record: Record, what: str) -> None:
    bad = BAD[what]
    bad.change(project.folder)
    earlier = tmp_path / "run" / "results" / "paper" / "spectra.csv"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("of an earlier run\n", encoding="utf-8")
    watched = (project.folder, tmp_path / "run", ROOT / "results", ROOT / "data")
    before = _snapshot(*watched)
    status, said = _dry_run(project, tmp_path / "run", bad.overlay)
    assert status != 0
    assert bad.said in said
    assert "Traceback" not in said
    assert _snapshot(*watched) == before
    record("runs", "refused")


def test_another_form_of_the_same_project_starts(project: Project, tmp_path: Path, record: Record) -> None:
    """Line ends, a byte order mark and 401.0 for 401 change nothing, and an analysis may be called as a file."""
    for name in ("config.yaml", SUMS):
        _edit(project.folder, name, "\n", "\r\n")
    _edit(project.folder, "config.yaml", "points: 401", "points: 401.0")
    _edit(project.folder, "config.yaml", "  release:\r\n    like", "  scorecard_csv:\r\n    like")
    _edit_and_list(project.folder, READING, "bin_low_pe", "\ufeffbin_low_pe")
    status, said = _dry_run(project, tmp_path / "run", "")
    assert (status, "Error" in said) == (0, False), said
    assert not (tmp_path / "run" / "results").exists()
    record("runs", "accepted unchanged")
