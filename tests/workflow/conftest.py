"""One finished run of the reduced workflow, shared by the tests of this folder."""

import pytest

from project import FAULTS, Project, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a finished reduced run. Tests leave it as they found it."""
    project = copy_project(tmp_path_factory.mktemp("finished") / "project")
    done = project.snakemake()
    (project.folder / "run.log").write_text(done.stdout, encoding="utf-8")
    return project


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of faults and what came of them."""
    if FAULTS:
        terminalreporter.section("faults")
        widths = [max(len(row[i]) for row in FAULTS) for i in range(3)]
        for row in FAULTS:
            terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
