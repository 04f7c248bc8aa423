"""One finished run of the reduced workflow, shared by the tests of this folder."""

from pathlib import Path

import pytest

from project import Project, copy_project, made_once


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a finished reduced run. Tests leave it as they found it."""

    def make(folder: Path) -> None:
        project = copy_project(folder)
        done = project.run(project.command())  # as a user does
        (project.folder / "run.log").write_text(done.stdout, encoding="utf-8")

    return Project(made_once(tmp_path_factory, "finished", make))


@pytest.fixture(scope="session")
def covered(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished run with the critical values of the analysis paper. Tests leave it as they found it."""

    def make(folder: Path) -> None:
        project = finished.copy(folder)
        project.snakemake("--", "coverage_paper")

    return Project(made_once(tmp_path_factory, "covered", make))


# What the seven analyses of the study coherent need, of which those of a radius have one kind each, too.
OF_COHERENT = {f"{name}_{i}": 1 for name in ("scans", "tables", "figures") for i in range(2, 9)}
OF_COHERENT |= {f"inputs_{i}": 1 for i in range(2, 5)} | {"domain_ends": 1, "general_fit": 1}
OF_COHERENT |= {"coherent_figures": 1, "own_provenance": 7}


@pytest.fixture(scope="session")
def reported(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished run, with the study coherent and a report of both."""

    def make(folder: Path) -> None:
        project = finished.copy(folder)
        assert project.jobs("--", "report") == OF_COHERENT | {"report": 1}
        done = project.snakemake("--", "coherent", "report")
        (project.folder / "coherent.log").write_text(done.stdout, encoding="utf-8")

    return Project(made_once(tmp_path_factory, "reported", make))
