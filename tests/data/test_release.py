"""The official release, arXiv:1804.09459, as the dataset reads it."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.response import Acceptance

Tables = Callable[[str], dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def parameters(root: Path) -> dict[str, float]:
    """Values by name, from the text of the file."""
    text = (root / "data/coherent_csi_2017/release/coherent_parameters.yaml").read_text(encoding="utf-8")
    found = re.findall(r"^ *(?:- )?name: (.+)\n +value: ([\d.]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def formula(parameters: dict[str, float], x: float) -> float:
    step = 0.0 if x < 5 else 0.5 if x < 6 else 1.0
    return step * parameters["a"] / (1 + math.exp(-parameters["k"] * (x - parameters["x_0"])))


def test_acceptance_is_the_formula(tables: Tables, parameters: dict[str, float]) -> None:
    table = tables("release")["acceptance"]
    acceptance = Acceptance(photoelectrons=table["photoelectrons"], fraction=table["acceptance"])
    x = np.random.default_rng(5).uniform(0, 50, 20_000)
    expected = np.array([formula(parameters, value) for value in x])
    # straight lines over steps h = 0.05: h^2 / 8 times the largest curvature, 0.0962 k^2 a, is 4.9e-6
    assert np.abs(acceptance(x) - expected).max() < 5e-6


@pytest.mark.parametrize(("x", "step"), [(4.999999, 0.0), (5.0, 0.5), (5.999999, 0.5), (6.0, 1.0)])
def test_acceptance_steps_at_five_and_six(x: float, step: float, tables: Tables, parameters: dict[str, float]) -> None:
    table = tables("release")["acceptance"]
    found = float(Acceptance(photoelectrons=table["photoelectrons"], fraction=table["acceptance"])(np.array(x)))
    logistic = parameters["a"] / (1 + math.exp(-parameters["k"] * (x - parameters["x_0"])))
    assert found == pytest.approx(step * logistic, abs=1e-8)  # 1e-6 photoelectrons beside an edge


def test_counts_are_differences_and_errors_are_roots_of_sums(root: Path, tables: Tables) -> None:
    counts = tables("release")["counts"]
    totals = []
    for kind in ("coincidence", "anticoincidence"):
        lines = (
            (root / f"data/coherent_csi_2017/release/data_{kind}_beamOn.txt").read_text(encoding="utf-8").splitlines()
        )
        rows = [[float(cell) for cell in line.split(",")] for line in lines if not line.startswith("#")]
        assert len(rows) == 25 * 24
        by_bin = dict.fromkeys(np.arange(0, 50, 2.0), 0.0)
        for pe, time, number in rows:
            by_bin[pe - 1] += number if time < 6 else 0
        totals.append(np.array(list(by_bin.values())))
    np.testing.assert_array_equal(counts["observed_counts"], totals[0] - totals[1])
    np.testing.assert_allclose(counts["stat_uncertainty"] ** 2, totals[0] + totals[1], rtol=1e-14)
    np.testing.assert_array_equal(counts["bin_low_pe"], np.arange(0, 50, 2))
    np.testing.assert_array_equal(counts["bin_high_pe"], np.arange(2, 51, 2))


def test_constants_are_those_of_the_release(parameters: dict[str, float]) -> None:
    assert parameters["Distance to target"] == CSI_2017.baseline_m
    assert parameters["Neutrinos produced per SNS proton"] == CSI_2017.neutrinos_per_proton
    # Eq. 5 rounds the product of quenching factor and light yield
    product = parameters["CsI-Na quenching factor"] * parameters["Light yield for CsI-Na"]
    assert product == pytest.approx(CSI_2017.light_yield_pe_per_kev, abs=0.005)
