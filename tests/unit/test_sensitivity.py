"""Ends of allowed ranges against the bound on what is profiled over."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cevnsi.config import Axis, parse_scan
from cevnsi.interactions import standard_model_charge
from cevnsi.nuclei import MEAN
from cevnsi.scan import Model
from cevnsi.sensitivity import domain_sensitivity
from cevnsi.tables import SENSITIVITY, as_columns

BOUNDS = Axis("bound", 0.25, 2.0, 8).values()
POINTS = 161


@pytest.fixture(scope="module")
def table(model: Callable[..., Model]) -> dict[str, Any]:
    section = {
        "interaction": "contact",
        "axes": {f"eps_{pair}_matter": {"min": -2, "max": 3, "points": 11} for pair in ("ee", "mumu")},
        "profile": {f"eps_{pair}_{q}V": [-1, 1] for pair in ("ee", "mumu") for q in "ud"},
        "confidence_levels": [0.9],
        "n_dof": [2, 1],
        "chunks": 2,
    }
    rows = domain_sensitivity(model("paper"), parse_scan("matter_ee_mumu", section), BOUNDS, POINTS)
    return {name: np.array(column) for name, column in as_columns(rows, SENSITIVITY).items()}


def ends(table: dict[str, Any], parameter: str, n_dof: int, side: str) -> Any:
    rows = (table["parameter"] == parameter) & (table["n_dof"] == n_dof) & (table["side"] == side)
    np.testing.assert_allclose(table["bound"][rows], BOUNDS, rtol=1e-12)
    return table["end"][rows]


CASES = [(f"eps_{pair}_matter", n_dof) for pair in ("ee", "mumu") for n_dof in (1, 2)]
WIDE = BOUNDS >= 0.5


@pytest.mark.parametrize(("parameter", "n_dof"), CASES)
@pytest.mark.parametrize(("side", "sign"), [("lower", -1), ("upper", 1)])
def test_each_end_moves_by_a_third_per_unit(
    parameter: str, n_dof: int, side: str, sign: int, table: dict[str, Any]
) -> None:
    # 22 / (65 + 11 / 3): the charge moves by N - Z per unit of the bound, A / 2 + (N - Z) / 6 per unit of the parameter
    slopes = np.diff(ends(table, parameter, n_dof, side)[WIDE]) / np.diff(BOUNDS[WIDE])
    np.testing.assert_allclose(slopes, sign * 0.32, atol=0.01)


@pytest.mark.parametrize(("parameter", "n_dof"), CASES)
def test_the_center_stays(parameter: str, n_dof: int, table: dict[str, Any]) -> None:
    middle = (ends(table, parameter, n_dof, "lower") + ends(table, parameter, n_dof, "upper"))[WIDE] / 2
    # chi2 sees the charge squared, so the interval is symmetric about where the charge can change sign
    center = -standard_model_charge(MEAN, 0.23857) / (65 + 11 / 3)
    assert center == pytest.approx(0.535, abs=5e-4)
    np.testing.assert_allclose(middle, center, atol=2e-3)  # ends are interpolated on steps of up to 0.15


@pytest.mark.parametrize("pair", ["ee", "mumu"])
def test_a_higher_threshold_allows_more(pair: str, table: dict[str, Any]) -> None:
    parameter = f"eps_{pair}_matter"
    assert (ends(table, parameter, 2, "upper") > ends(table, parameter, 1, "upper"))[WIDE].all()
    assert (ends(table, parameter, 2, "lower") < ends(table, parameter, 1, "lower"))[WIDE].all()


def test_ends_that_are_only_the_reach_say_so(table: dict[str, Any]) -> None:
    at_reach = table["ends_at_grid"] == "yes"
    reach = 6 * table["bound"]  # 3 (eps_u + eps_d) with both at the bound
    np.testing.assert_array_equal(at_reach, np.isclose(np.abs(table["end"]), reach, rtol=1e-9))
    assert set(table["ends_at_grid"]) <= {"yes", "no"}


def test_a_narrow_bound_ends_at_its_reach(model: Callable[..., Model]) -> None:
    section = {
        "interaction": "contact",
        "axes": {f"eps_{pair}_matter": {"min": -2, "max": 3, "points": 11} for pair in ("ee", "mumu")},
        "profile": {f"eps_{pair}_{q}V": [-1, 1] for pair in ("ee", "mumu") for q in "ud"},
        "confidence_levels": [0.9],
        "n_dof": [2],
        "chunks": 1,
    }
    rows = list(domain_sensitivity(model("paper"), parse_scan("m", section), np.array([0.01]), 21))
    assert {row[-1] for row in rows} == {"yes"}
    assert sorted({float(np.round(row[-2], 12)) for row in rows}) == [-0.06, 0.06]


def test_rows_are_complete(table: dict[str, Any]) -> None:
    assert len(table["end"]) == len(BOUNDS) * 2 * 2 * 2
    assert set(np.round(table["delta_chi2"], 2)) == {2.71, 4.61}
