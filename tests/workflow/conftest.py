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
