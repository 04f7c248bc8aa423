"""What a run of the tests tells at its end: faults that they injected, and what became of every mutation."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

FAULTS: list[tuple[str, str, str]] = []
OUTCOMES = ("refused", "accepted unchanged", "accepted with a changed meaning")
MUTATIONS: dict[str, Counter[str]] = {}  # by part (inputs, configuration, runs)


def append_fault(fault: str, what_happens: str, outcome: str) -> None:
    """One row of the table that CEVNSI_FAULTS names, if it does."""
    if table := os.environ.get("CEVNSI_FAULTS"):
        with Path(table).open("a", encoding="utf-8") as stream:
            stream.write("\t".join((fault, what_happens, outcome)) + "\n")


def record_fault(fault: str, what_happens: str, outcome: str) -> None:
    """Remember a fault that a test has injected, for the table at the end of a run."""
    FAULTS.append((fault, what_happens, outcome))
    append_fault(fault, what_happens, outcome)


def record_mutation(part: str, outcome: str) -> None:
    """Count one mutation of a part under its outcome."""
    assert outcome in OUTCOMES
    MUTATIONS.setdefault(part, Counter())[outcome] += 1


def hand_over() -> dict[str, Any]:
    """What one of several processes that share the tests has to tell, in plain types."""
    return {"faults": FAULTS, "mutations": {part: dict(counts) for part, counts in MUTATIONS.items()}}


def take_over(told: dict[str, Any]) -> None:
    """Add what another process has handed over."""
    FAULTS.extend((fault, what_happens, outcome) for fault, what_happens, outcome in told["faults"])
    for part, counts in told["mutations"].items():
        MUTATIONS.setdefault(part, Counter()).update(counts)


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)


def _all_mutations() -> Counter[str]:
    return sum(MUTATIONS.values(), Counter())


def show(terminal: pytest.TerminalReporter) -> None:
    """One line for each part of the mutations and their sum, and the table of faults and what came of them."""
    if MUTATIONS:
        terminal.section("mutated inputs and configurations")
        for part, counts in {**dict(sorted(MUTATIONS.items())), "all": _all_mutations()}.items():
            terminal.write_line(f"{part}: {_said(counts)}")
    if FAULTS:
        terminal.section("faults")
        widths = [max(len(row[i]) for row in FAULTS) for i in range(3)]
        for row in sorted(FAULTS):
            terminal.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def append_mutations() -> None:
    """The sum of all mutations as one row of the table of faults: fault, what happens, outcome."""
    if MUTATIONS:
        total = _all_mutations()
        fault = f"bad data, {total.total()} mutations of input files and configurations"
        append_fault(fault, "refused by name before any job, or read as an independent reader reads it", _said(total))
