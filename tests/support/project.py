"""A copy of the project as a checkout would be, to run the workflow in; `make bench` has it too, without pytest."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cevnsi.config.build import read_config
from cevnsi.studies.known import DEFAULT, analyses_of
from warm import warm

ROOT = Path(__file__).parents[2]
NOT_NEEDED = (
    ".git",
    ".venv",
    "results",
    "logs",
    ".snakemake",
    "tests",
    "docs",
    "*.egg-info",
    ".*_cache",
)


@dataclass(frozen=True)
class Project:
    """A folder with its own copy of the code; `snakemake` there imports that copy and no other."""

    folder: Path
    overlay: str = "reduced.yaml"

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """What runs snakemake with this project's overlay."""
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores)]
        return [*command, "--configfile", str(ROOT / "tests" / "config" / self.overlay), *arguments]

    def snakemake(
        self, *arguments: str, cores: int = 2, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run snakemake with further environment variables; stdout and stderr come together in `stdout`.

        From an interpreter that is warm, and so are its jobs; one that has started with these variables.
        """
        command = self.command(*arguments, cores=cores)
        return self._checked(warm(variables).run(command, self.folder, self.environment(variables)), check)

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """In which its library is first on the path."""
        return {**os.environ, "PYTHONPATH": str(self.folder / "src"), **(variables or {})}

    def run(
        self, command: list[str], *, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder, its library first on the path."""
        environment = self.environment(variables)
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self._checked(done, check)

    def _checked(self, done: subprocess.CompletedProcess[str], check: bool) -> subprocess.CompletedProcess[str]:
        if check and done.returncode:
            raise AssertionError(f"{done.args} failed:\n{done.stdout}")
        return done

    def digests(self, *, below: str = "results") -> dict[str, str]:
        """sha256 of every file of the results, hidden ones included."""
        files = sorted(path for path in (self.folder / below).rglob("*") if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }

    def copy(self, folder: Path) -> "Project":
        """The same project, results and all, in a new folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return replace(self, folder=folder)

    def jobs(self, *arguments: str) -> dict[str, int]:
        """How many jobs of each rule a dry run would run; empty if nothing is to be done."""
        counts: dict[str, int] = {}
        table = self.snakemake("--dry-run", "--quiet", "rules", *arguments).stdout
        for line in table.splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] not in ("total", "all"):
                counts[words[0]] = int(words[1])
        return counts


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """A file with one text replaced, for as long as this lasts; then it is as old as it was, too."""
    before, status = path.read_text(encoding="utf-8"), path.stat()
    assert old in before
    path.write_text(before.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_project(folder: Path, overlay: str = "reduced.yaml") -> Project:
    """The project's files in a new folder."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    return Project(folder, overlay)


def made_once(factory: Any, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` makes, once for all processes that share the tests (pytest -n); each has its own copy."""
    folder: Path = factory.mktemp(name) / "project"
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make(folder)
        return folder
    shared = factory.getbasetemp().parent / name
    with Path(f"{shared}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "complete").exists():
            shutil.rmtree(shared, ignore_errors=True)  # what a failure has left
            shared.mkdir()
            make(shared / "project")
            (shared / "complete").touch()
    shutil.copytree(shared / "project", folder, symlinks=True)
    return folder


def of_the_paper_alone(overlay: str) -> str:
    """An overlay that also leaves out the analyses of other studies, which a report would else make, too."""
    config, found = read_config(ROOT / "config.yaml"), yaml.safe_load(overlay)
    others = config["analyses"].keys() - {*analyses_of(config, DEFAULT)}
    found["analyses"] |= dict.fromkeys(sorted(others))
    return yaml.safe_dump(found)
