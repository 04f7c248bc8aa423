"""The environment and the library that a folder is run with are its own, or the same code: else it is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT, copy_project

VARIABLES = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def _make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=VARIABLES, capture_output=True, text=True)


def _would_run(folder: Path, target: str) -> str:
    """What `make env` or `make checks` would run."""
    done = _make(folder, "--dry-run", target)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


NEW = "-m venv --clear .venv"
RUN, CHECKS, DOCS = (f"sh envs/install.sh envs/{name}.lock" for name in ("requirements", "checks", "docs"))


def _project(folder: Path) -> Path:
    """What of a project `make env` looks at."""
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "envs", folder / "envs")
    return folder


@pytest.fixture(params=["plain", "with-é,+#~"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project with a whole environment, as far as make looks at it."""
    folder = _project(tmp_path / str(request.param))
    (folder / ".venv").mkdir()
    said = _would_run(folder, "checks")
    assert said.index(NEW) < said.index(RUN) < said.index(CHECKS)
    for stamp in (".complete", ".checks"):
        recipe = said[: said.index(stamp)].splitlines()[-1] + stamp  # the step that comes last
        subprocess.run(["sh", "-c", recipe], cwd=folder, check=True)
    return folder


def test_an_environment_is_made_once(folder: Path) -> None:
    for target in ("env", "checks"):
        assert _would_run(folder, target) == f"make: Nothing to be done for '{target}'.\n"


def test_a_run_leaves_out_what_checks_need(folder: Path) -> None:
    (folder / ".venv" / ".checks").unlink()
    for target in ("env", "figures", "report", "hepdata", "verify", "bench", "bench-smoke", "readme", "docs"):
        assert CHECKS not in _would_run(folder, target)
    for target in ("checks", "test", "test-fast", "lint", "mutants", "test-cluster", "test-browser"):
        said = _would_run(folder, target)
        assert NEW not in said
        assert CHECKS in said


def test_the_site_alone_needs_what_makes_it(folder: Path) -> None:
    assert DOCS in _would_run(folder, "docs")
    for target in ("figures", "report", "checks", "test", "lint", "readme"):
        assert DOCS not in _would_run(folder, target)
    (folder / ".venv" / ".docs").touch()
    said = _would_run(folder, "docs")
    assert DOCS not in said
    assert "-m sphinx" in said
    os.utime(folder / ".venv" / ".docs", (1e9, 1e9))
    assert DOCS in _would_run(folder, "docs")


@pytest.mark.parametrize("edited", ["requirements.lock", "checks.lock"])
def test_an_edited_lock_is_installed(folder: Path, edited: str) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    os.utime(folder / "envs" / edited)
    assert (NEW in _would_run(folder, "env")) == (edited == "requirements.lock")
    assert (NEW in _would_run(folder, "checks")) == (edited == "requirements.lock")
    assert CHECKS in _would_run(folder, "checks")


@pytest.mark.parametrize(
    "name", ["a space", "a\ttab", "'", '"', "$sign", "a&b", "a;b", "(a)", "a*", "a<b", "a\\b", "a:b"]
)
@pytest.mark.parametrize("target", ["env", "figures"])
def test_a_path_that_snakemake_cannot_run_in_is_refused_before_anything_is_set_up(
    tmp_path: Path, name: str, target: str
) -> None:
    folder = _project(tmp_path / name)
    done = _make(folder, target)
    assert done.returncode != 0
    (line,) = done.stdout.splitlines()
    assert line.startswith("Snakemake cannot run in ")
    assert "move this folder" in line
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (None, "is not found"),
        ("exit 127", "is not found, or does not start"),
        ("case $2 in *version*) exit 1;; esac", "is too old: Python 3.11 or newer is needed"),
        ("case $2 in *ensurepip*) exit 1;; esac", "install its venv package"),
    ],
)
def test_what_is_wrong_with_python_is_said(tmp_path: Path, code: str | None, says: str) -> None:
    folder, python = _project(tmp_path / "project"), tmp_path / "python"
    if code is not None:
        python.write_text(f"#!/bin/sh\n{code}\n", encoding="utf-8")
        python.chmod(0o755)
    done = _make(folder, f"PYTHON={python}", "figures")
    assert done.returncode != 0
    (line,) = done.stdout.splitlines()
    assert says in line
    assert not (folder / ".venv").exists()


INSTALLER = """#!/bin/sh
echo "$(basename "$0") $*" >> called
case "$*" in
    *--target*) mkdir -p .venv/uv/bin && cp uv .venv/uv/bin/uv;;
    *get_path*) echo site;;
esac
exit STATUS
"""


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("works", [True, False])
def test_uv_installs_and_pip_where_it_cannot_both_held_to_the_hashes(tmp_path: Path, there: bool, works: bool) -> None:
    folder = _project(tmp_path / "project")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "path").mkdir()
    for name in ("uv", ".venv/bin/pip", ".venv/bin/python", *(["path/uv"] if there else [])):
        status = "0" if works or not name.endswith("uv") else "1"
        (folder / name).write_text(INSTALLER.replace("STATUS", status), encoding="utf-8")
        (folder / name).chmod(0o755)
    for name in ("sh", "basename", "mkdir", "cp"):
        (folder / "path" / name).symlink_to(str(shutil.which(name)))
    variables = {**VARIABLES, "PATH": str(folder / "path")}  # and nothing of this machine's
    subprocess.run(["sh", "envs/install.sh", "envs/checks.lock"], cwd=folder, env=variables, check=True)
    called = (folder / "called").read_text(encoding="utf-8").splitlines()
    installs = [line for line in called if " install " in f" {line} "]
    assert all("--require-hashes" in line for line in installs)
    locked = ["pip envs/uv.lock"] * (not there) + ["uv envs/checks.lock"] + ["pip envs/checks.lock"] * (not works)
    assert [f"{line.split()[0]} {line.split()[-1]}" for line in installs] == locked
    assert called[-1].startswith("python -m compileall")


@pytest.mark.parametrize("how", ["copied", "moved", "linked to"])
def test_an_environment_that_came_along_is_made_anew(folder: Path, how: str) -> None:
    other = folder.with_name(f"{folder.name}-elsewhere")
    if how == "copied":
        shutil.copytree(folder, other)
    elif how == "moved":
        folder.rename(other)
    else:  # a link is the same folder
        other.symlink_to(folder)
    for target, steps in (("env", [NEW, RUN]), ("checks", [NEW, RUN, CHECKS])):
        assert [step in _would_run(other, target) for step in steps] == [how != "linked to"] * len(steps)


def test_an_environment_that_names_no_folder_is_made_anew(folder: Path) -> None:
    (folder / ".venv" / ".complete").write_text("", encoding="utf-8")
    assert NEW in _would_run(folder, "env")
    assert CHECKS in _would_run(folder, "checks")


@pytest.mark.parametrize("edited", ["constants.py", "config/schema.yaml"])
def test_the_library_of_another_project_is_refused(tmp_path: Path, edited: str) -> None:
    project, other = (copy_project(tmp_path / name) for name in ("project", "other"))
    path = project.folder / "src" / "cevnsi" / edited
    path.write_text(path.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    done = project.snakemake(check=False, variables={"PYTHONPATH": str(other.folder / "src")})
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    for library in (project, other):
        assert str(library.folder / "src" / "cevnsi") in said
    assert "`make env`" in said
    assert "Traceback" not in said
    assert not (project.folder / "results").exists()


def test_the_same_code_from_elsewhere_is_as_good(tmp_path: Path) -> None:
    """Such as that of a wheel among other packages."""
    project = copy_project(tmp_path / "project")
    site = tmp_path / "site"
    shutil.copytree(project.folder / "src" / "cevnsi", site / "cevnsi")
    counts = "results/inputs/release/counts.csv"
    variables = {"PYTHONPATH": str(site)}
    project.snakemake("--", counts, variables=variables)
    where = project.run([sys.executable, "-c", "import cevnsi; print(cevnsi.__file__)"], variables=variables).stdout
    assert where.startswith(str(site))
    assert (project.folder / counts).is_file()
