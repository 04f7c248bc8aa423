"""Counts of what became of every mutation: shown at the end, and appended to the file that CEVNSI_FAULTS names."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

OUTCOMES = ("refused", "accepted unchanged", "accepted with a changed meaning")
_COUNTS: dict[str, Counter[str]] = {}


@pytest.fixture(scope="session")
def record() -> Callable[[str, str], None]:
    """Count one mutation of a part (inputs, configuration, runs) under its outcome."""

    def count(part: str, outcome: str) -> None:
        assert outcome in OUTCOMES
        _COUNTS.setdefault(part, Counter())[outcome] += 1

    return count


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each part, and their sum."""
    if _COUNTS:
        terminalreporter.section("mutated inputs and configurations")
        for part, counts in {**_COUNTS, "all": sum(_COUNTS.values(), Counter())}.items():
            terminalreporter.write_line(f"{part}: {_said(counts)}")


def pytest_sessionfinish() -> None:
    """The sum as one row of the table of faults: fault, what happens, outcome."""
    path = os.environ.get("CEVNSI_FAULTS")
    if _COUNTS and path:
        total: Counter[str] = sum(_COUNTS.values(), Counter())
        fault = f"bad data, {total.total()} mutations of input files and configurations"
        row = (fault, "refused by name before any job, or read as an independent reader reads it", _said(total))
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write("\t".join(row) + "\n")
