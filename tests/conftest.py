"""Shared fixtures: the real configuration and inputs, and models built from them once."""

import copy
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import tally
from cevnsi.config.build import read_config
from cevnsi.config.check import parse_analysis
from cevnsi.experiments.checks import Tables
from cevnsi.experiments.inputs import complete, experiment_of, read_dataset
from cevnsi.experiments.measurement import Measurement
from cevnsi.experiments.release import as_measurement
from cevnsi.model import DataSet, Model, assemble, model_of

# The same examples on every run, and no database beside the sources; a slow machine is no failure.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]


@cache
def _config() -> dict[str, Any]:
    return read_config(ROOT / "config.yaml")


@cache
def _tables(dataset: str) -> Tables:
    return read_dataset(_config()["datasets"][dataset], ROOT, Path(_config()["checksums"]))


def _measurement(dataset: str) -> Measurement:
    return as_measurement(_tables(dataset)["counts"])


def _section(analysis: str, overrides: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    section: dict[str, Any] = _config()["analyses"][analysis]
    return section | {name: list(value) if isinstance(value, tuple) else value for name, value in overrides}


@cache
def _dataset(analysis: str, overrides: tuple[tuple[str, Any], ...]) -> DataSet:
    section = complete(_section(analysis, overrides), _config())
    return assemble(parse_analysis(section), *experiment_of(section, _tables(section["dataset"])))


@cache
def _model(analysis: str, overrides: tuple[tuple[str, Any], ...]) -> Model:
    choices = parse_analysis(complete(_section(analysis, overrides), _config()))
    return model_of(choices, _dataset(analysis, overrides))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture
def config() -> dict[str, Any]:
    """The project's configuration, free to be changed."""
    return copy.deepcopy(_config())


@pytest.fixture(scope="session")
def tables() -> Callable[[str], Tables]:
    """Tables of a dataset by its name."""
    return _tables


@pytest.fixture(scope="session")
def measurement() -> Callable[[str], Measurement]:
    """All bins of a dataset by its name."""
    return _measurement


@pytest.fixture(scope="session")
def dataset() -> Callable[..., DataSet]:
    """Data sets of all bins: dataset("release", nuclei="cs_and_i") is the analysis with one choice changed."""
    return lambda analysis, **overrides: _dataset(analysis, tuple(overrides.items()))


@pytest.fixture(scope="session")
def model() -> Callable[..., Model]:
    """Models of the analysed bins, called like `dataset`."""
    return lambda analysis, **overrides: _model(analysis, tuple(overrides.items()))


# Where most of the time goes, the longest first: processes that share the tests then end together.
LONGEST = ("same_bytes", "recipes", "faults", "module", "hepdata", "report", "run", "bad_runs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs of the workflow first, then what is slow by itself, and the quick tests last."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        name = item.path.stem.removeprefix("test_")
        runs = item.path.parent.name in ("workflow", "fuzz") and name in LONGEST
        return LONGEST.index(name) if runs else len(LONGEST), item.get_closest_marker("slow") is None

    items.sort(key=place)


# Processes that share the tests (pytest -n) each hand over what they have to tell; the one that started them tells it.


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over, or write down what is only known at the end."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tally"] = tally.hand_over()
    else:
        tally.append_mutations()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of the processes is through; one that crashed has nothing to tell."""
    tally.take_over(getattr(node, "workeroutput", {}).get("tally", {"faults": [], "mutations": {}}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Mutations and faults; those on a cluster are shown by what starts it."""
    if "CEVNSI_SLURM" not in os.environ:
        tally.show(terminalreporter)
