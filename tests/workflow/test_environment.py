"""The environment and the library that a folder is run with are its own, or the same code: else it is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT, copy_project

VARIABLES = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def _make_env(folder: Path) -> str:
    """What `make env` would run."""
    command = ["make", "--dry-run", "--no-print-directory", "env"]
    done = subprocess.run(command, cwd=folder, env=VARIABLES, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(params=["plain", "with a space", "with 'quotes' and $signs"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What of a project `make env` looks at, its environment there as far as it looks."""
    folder = tmp_path / str(request.param)
    (folder / "envs").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "envs/requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    assert "-m venv --clear .venv" in _make_env(folder)
    (recipe,) = [line for line in _make_env(folder).splitlines() if ".complete" in line]  # the step that comes last
    subprocess.run(["sh", "-c", recipe], cwd=folder, check=True)
    return folder


def test_an_environment_is_made_once(folder: Path) -> None:
    assert _make_env(folder) == "make: Nothing to be done for 'env'.\n"


@pytest.mark.parametrize("how", ["copied", "moved", "linked to"])
def test_an_environment_that_came_along_is_made_anew(folder: Path, how: str) -> None:
    other = folder.with_name(f"{folder.name}, elsewhere")
    if how == "copied":
        shutil.copytree(folder, other)
    elif how == "moved":
        folder.rename(other)
    else:  # a link is the same folder
        other.symlink_to(folder)
    assert ("-m venv --clear .venv" in _make_env(other)) == (how != "linked to")


def test_an_environment_that_names_no_folder_is_made_anew(folder: Path) -> None:
    (folder / ".venv" / ".complete").write_text("", encoding="utf-8")
    assert "-m venv --clear .venv" in _make_env(folder)


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
