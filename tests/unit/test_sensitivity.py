"""Ends of allowed ranges against the bound on what is minimised over, and bounds that give an end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from cevnsi.config.check import parse_scan
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.fast.contraction import contract, profiled_chi2
from cevnsi.files.tables import DOMAIN_HOLE, DOMAIN_MATCHES, SENSITIVITY, as_columns
from cevnsi.model import Model
from cevnsi.parameters import Axis
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import scan_ranges
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017 import sensitivity
from cevnsi.studies.liao_marfatia_2017.sensitivity import (
    bounded,
    common,
    domain_matches,
    domain_sensitivity,
    ends_of,
    hole,
    narrowest_limits,
)
from points import contact_chi2

BOUNDS = Axis(name="bound", minimum=0.25, maximum=2.0, points=8).values()
ANALYSES = ("paper", "release")
PAIRS = ("ee", "mumu")


def scan_of(n_dof: tuple[int, ...] = (2, 1), points: int = 11) -> Scan:
    section = {
        "interaction": "contact",
        "axes": {f"eps_{pair}_matter": {"min": -2, "max": 3, "points": points} for pair in PAIRS},
        "domain": {f"eps_{pair}_{q}V": [-1, 1] for pair in PAIRS for q in "ud"},
        "confidence_levels": [0.9],
        "n_dof": list(n_dof),
        "chunks": 2,
    }
    return parse_scan("matter_ee_mumu", section)


@pytest.fixture(scope="module")
def table(model: Callable[..., Model]) -> dict[str, Any]:
    rows = domain_sensitivity(model("paper"), scan_of(), BOUNDS)
    return {name: np.array(column) for name, column in as_columns(rows, SENSITIVITY).items()}


def ends(table: dict[str, Any], parameter: str, n_dof: int, side: str) -> Any:
    rows = (table["parameter"] == parameter) & (table["n_dof"] == n_dof) & (table["side"] == side)
    np.testing.assert_allclose(table["bound"][rows], BOUNDS, rtol=1e-12)
    return table["end"][rows]


CASES = [(f"eps_{pair}_matter", n_dof) for pair in PAIRS for n_dof in (1, 2)]
WIDE = BOUNDS >= 0.5  # from which on chi2, and not the reach of the domain, makes every end
EXCESS = MEAN_OF_CSI.neutrons - MEAN_OF_CSI.protons
PER_UNIT = MEAN_OF_CSI.mass_number / 2 + EXCESS / 6  # by how much the least charge moves per unit of the parameter


@pytest.mark.parametrize(("parameter", "n_dof"), CASES)
@pytest.mark.parametrize(("side", "sign"), [("lower", -1), ("upper", 1)])
def test_each_end_moves_by_a_third_per_unit(
    parameter: str, n_dof: int, side: str, sign: int, table: dict[str, Any]
) -> None:
    # 22 / (65 + 11 / 3): the charge moves by N - Z per unit of the bound, A / 2 + (N - Z) / 6 per unit of the parameter
    slopes = np.diff(ends(table, parameter, n_dof, side)[WIDE]) / np.diff(BOUNDS[WIDE])
    np.testing.assert_allclose(slopes, sign * EXCESS / PER_UNIT, rtol=1e-9)
    assert pytest.approx(0.32, abs=5e-4) == EXCESS / PER_UNIT


@pytest.mark.parametrize(("parameter", "n_dof"), CASES)
def test_the_center_stays(parameter: str, n_dof: int, table: dict[str, Any]) -> None:
    middle = (ends(table, parameter, n_dof, "lower") + ends(table, parameter, n_dof, "upper"))[WIDE] / 2
    # chi2 sees the charge squared, so the interval is symmetric about where the charge can change sign
    center = -standard_model_charge(MEAN_OF_CSI, tree_couplings(0.23857)) / PER_UNIT
    assert center == pytest.approx(0.535, abs=5e-4)
    np.testing.assert_allclose(middle, center, atol=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_higher_threshold_allows_more(pair: str, table: dict[str, Any]) -> None:
    parameter = f"eps_{pair}_matter"
    assert (ends(table, parameter, 2, "upper") > ends(table, parameter, 1, "upper"))[WIDE].all()
    assert (ends(table, parameter, 2, "lower") < ends(table, parameter, 1, "lower"))[WIDE].all()


def test_ends_that_are_only_the_reach_say_so(table: dict[str, Any]) -> None:
    at_reach = table["ends_at_grid"] == "yes"
    reach = 6 * table["bound"]  # 3 (eps_u + eps_d) with both at the bound
    np.testing.assert_array_equal(at_reach, np.isclose(np.abs(table["end"]), reach, rtol=1e-9))
    assert set(table["ends_at_grid"]) == {"yes", "no"}
    assert (np.abs(table["end"]) <= reach * (1 + 1e-12)).all()


def test_a_narrow_bound_ends_at_its_reach(model: Callable[..., Model]) -> None:
    rows = list(domain_sensitivity(model("paper"), scan_of((2,)), np.array([0.01])))
    assert {row[-1] for row in rows} == {"yes"}
    assert sorted({row[-2] for row in rows}) == [-0.06, 0.06]


def test_rows_are_complete(table: dict[str, Any]) -> None:
    assert len(table["end"]) == len(BOUNDS) * 2 * 2 * 2
    assert set(np.round(table["delta_chi2"], 2)) == {2.71, 4.61}


@pytest.mark.slow
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_ends_do_not_depend_on_the_points_of_the_scan(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    bounds = np.array([0.3, 1.0] if nuclei == "mean" else [1.0])
    found = [list(domain_sensitivity(used, scan_of(points=points), bounds)) for points in (2, 11, 401)]
    for rows in found[1:]:
        for row, first in zip(rows, found[0], strict=True):
            assert row[:6] + row[7:] == first[:6] + first[7:]
            assert row[6] == pytest.approx(first[6], abs=1e-8)


# What a domain lets the charge be decides every end. With u + d = x / 3 (Eq. 11) and one nucleus, Eq. 10 is
# Q = Q_SM + U u + D d; chi2 is a function of the two charges squared, which is minimised here by scipy.

U, D = 2 * MEAN_OF_CSI.protons + MEAN_OF_CSI.neutrons, MEAN_OF_CSI.protons + 2 * MEAN_OF_CSI.neutrons


def chi2_of_squares(model: Model) -> Callable[[float, float], float]:
    """In plain numbers, as millions of values are asked for one by one."""
    inner = contract(model, model.dataset.contact_templates)
    (nn, penalty), (ne, nm) = map(float, (inner.data_data, inner.penalty)), inner.data_template.tolist()
    (ee, em), (_, mm) = inner.template_template.tolist()

    def chi2(electron: float, muon: float) -> float:
        e, m = float(electron), float(muon)
        return float(profiled_chi2(nn, ne * e + nm * m, ee * e * e + 2 * em * e * m + mm * m * m, penalty))

    return chi2


def test_chi2_of_squares_is_that_of_the_model(model: Callable[..., Model]) -> None:
    for analysis in ANALYSES:
        used = model(analysis)
        inner = contract(used, used.dataset.contact_templates)
        for charges in ([0.0, 0.0], [30.0, 50.0], [70.0, 2.0]):
            assert chi2_of_squares(used)(*charges) == pytest.approx(float(inner.chi2(charges)), rel=1e-13)


def squares(model: Model, low: float, high: float, matter: float | None = None) -> tuple[float, float]:
    """Least and greatest charge squared with both quarks in [low, high], for a value of the matter parameter."""
    rest = float(standard_model_charge(MEAN_OF_CSI, model.couplings_at({})))
    if matter is None:
        charges = [rest + (U + D) * low, rest + (U + D) * high]
    else:
        u = [max(low, matter / 3 - high), min(high, matter / 3 - low)]
        charges = [rest + U * value + D * (matter / 3 - value) for value in u]
    least = 0.0 if min(charges) <= 0 <= max(charges) else min(np.square(charges))
    return float(least), float(max(np.square(charges)))


def least_chi2(model: Model, electron: tuple[float, float], muon: tuple[float, float]) -> float:
    chi2 = chi2_of_squares(model)

    def over_muon(x: float) -> float:
        found = minimize_scalar(lambda y: chi2(x, y), bounds=muon, method="bounded", options={"xatol": 1e-9}).fun
        return float(min(found, chi2(x, muon[0]), chi2(x, muon[1])))

    if electron[0] == electron[1]:
        return over_muon(electron[0])
    found = minimize_scalar(over_muon, bounds=electron, method="bounded", options={"xatol": 1e-9}).fun
    return float(min(found, over_muon(electron[0]), over_muon(electron[1])))


def excess(model: Model, pair: str, low: float, high: float) -> Callable[[float], float]:
    """Delta chi2 against the value of one matter parameter."""
    free = squares(model, low, high)
    least = least_chi2(model, free, free)
    return lambda matter: least_chi2(model, *by_flavor(pair, squares(model, low, high, matter), free)) - least


def by_flavor(pair: str, held: Any, free: Any) -> tuple[Any, Any]:
    return (held, free) if pair == "ee" else (free, held)


def end_by_hand(model: Model, pair: str, side: str, n_dof: int, low: float, high: float) -> float:
    reach, center = 6 * (low if side == "lower" else high), 0.535
    level, rise = threshold(0.9, n_dof), excess(model, pair, low, high)
    if rise(reach) < level:
        return reach
    return float(brentq(lambda x: rise(x) - level, center, reach, xtol=1e-11))


@pytest.mark.slow
@pytest.mark.parametrize("bound", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("analysis", ANALYSES)
def test_ends_are_those_of_the_charges_themselves(analysis: str, bound: float, model: Callable[..., Model]) -> None:
    used = model(analysis)
    for name, _, _, n_dof, _, side, end, _ in domain_sensitivity(used, scan_of(), np.array([bound])):
        assert end == pytest.approx(end_by_hand(used, name.split("_")[1], side, n_dof, -bound, bound), abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.73), (-2.0, 2.0), (-0.6, 1.3)])
def test_a_domain_of_its_own(low: float, high: float, analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    within = bounded(scan_of(), low, high)
    assert set(within.domain.values()) == {(low, high)}
    assert [(axis.minimum, axis.maximum) for axis in within.axes] == [(6 * low, 6 * high)] * 2
    rows = [row for row in scan_ranges(used, within) if row.other_parameters == "profiled"]
    assert len(rows) == 4
    for row in rows:
        pair = row.parameter.split("_")[1]
        expected = [end_by_hand(used, pair, side, row.n_dof, low, high) for side in ("lower", "upper")]
        assert [row.lower, row.upper] == pytest.approx(expected, abs=1e-7)


def test_a_domain_with_which_all_four_ends_are_near_the_published_ones(model: Callable[..., Model]) -> None:
    rows = scan_ranges(model("paper"), bounded(scan_of((1,)), -1.0, 0.73))
    found = [end for row in rows if row.other_parameters == "profiled" for end in (row.lower, row.upper)]
    assert found == pytest.approx([-0.9509, 1.9352, -0.6124, 1.6179], abs=5e-5)
    assert found == pytest.approx([-0.95, 1.95, -0.66, 1.57], abs=0.05)  # Eq. 12


EQ_12 = {"eps_ee_matter": (-0.95, 1.95), "eps_mumu_matter": (-0.66, 1.57)}
MATCHES = {  # at delta chi2 4.61 and 2.71; a sixth of the published end where it is only the reach
    ("eps_ee_matter", "lower"): ((0.4075, "limit"), (0.9973, "limit")),
    ("eps_ee_matter", "upper"): ((1.95 / 6, "reach"), (0.7762, "limit")),
    ("eps_mumu_matter", "lower"): ((0.6538, "limit"), (1.0826, "limit")),
    ("eps_mumu_matter", "upper"): ((1.57 / 6, "reach"), (0.5806, "limit")),
}


def matches(model: Model, published: dict[str, tuple[float, float]], **changes: Any) -> list[dict[str, Any]]:
    rows = as_columns(domain_matches(model, scan_of(**changes), published), DOMAIN_MATCHES)
    return [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]


def test_bounds_that_give_the_published_ends(model: Callable[..., Model]) -> None:
    found = matches(model("paper"), EQ_12)
    assert [(row["parameter"], row["n_dof"], row["side"]) for row in found] == [
        (name, n_dof, side) for name in EQ_12 for n_dof in (2, 1) for side in ("lower", "upper")
    ]
    for row in found:
        bound, kind = MATCHES[row["parameter"], row["side"]][0 if row["n_dof"] == 2 else 1]
        assert row["bound"] == pytest.approx(bound, abs=1e-12 if kind == "reach" else 5e-5)
        assert row["kind"] == kind
        assert row["published"] == EQ_12[row["parameter"]][0 if row["side"] == "lower" else 1]
        assert row["delta_chi2"] == threshold(0.9, row["n_dof"])


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
def test_with_the_matching_bound_the_end_is_the_published_one(analysis: str, model: Callable[..., Model]) -> None:
    """And with a little less it is not yet reached: the bound is the least."""
    used = model(analysis)
    for row in matches(used, EQ_12):
        found: list[float] = []
        for bound in (row["bound"], row["bound"] - 1e-4):
            ends = domain_sensitivity(used, scan_of((row["n_dof"],)), np.array([bound]))
            (end,) = [e[6] for e in ends if (e[0], e[5]) == (row["parameter"], row["side"])]
            found.append(end)
            at_reach = abs(end) == pytest.approx(6 * bound, abs=1e-8)
            assert at_reach == (row["kind"] == "reach")
        assert found[0] == pytest.approx(row["published"], abs=1e-7)
        assert abs(found[1]) < abs(row["published"]) - 1e-5
        pair = row["parameter"].split("_")[1]
        if row["kind"] == "limit":
            at = excess(used, pair, -row["bound"], row["bound"])(row["published"])
            assert at == pytest.approx(row["delta_chi2"], abs=1e-6)


@pytest.mark.slow
def test_matches_do_not_depend_on_the_points_of_the_scan(model: Callable[..., Model]) -> None:
    first, *others = (matches(model("paper"), EQ_12, points=points) for points in (11, 41, 401))
    for rows in others:
        for row, expected in zip(rows, first, strict=True):
            assert row | {"bound": 0.0} == expected | {"bound": 0.0}
            assert row["bound"] == pytest.approx(expected["bound"], abs=1e-8)


def test_ends_that_no_bound_gives(model: Callable[..., Model]) -> None:
    """An end further out than the widest bound lets chi2 rise to is matched by none; one not published has no row."""
    rows = matches(model("paper"), {"eps_ee_matter": (-30.0, 50.0)})
    assert {row["parameter"] for row in rows} == {"eps_ee_matter"}
    assert {row["kind"] for row in rows} == {"none"}
    assert all(np.isnan(row["bound"]) for row in rows)
    assert matches(model("paper"), {}) == []


def test_an_end_next_to_zero_is_the_reach_of_a_narrow_bound(model: Callable[..., Model]) -> None:
    rows = matches(model("paper"), {"eps_mumu_matter": (-0.003, 0.006)})
    assert [(row["side"], row["kind"]) for row in rows] == [("lower", "reach"), ("upper", "reach")] * 2
    np.testing.assert_allclose([row["bound"] for row in rows], [0.0005, 0.001] * 2, rtol=1e-12)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize(("side", "sign"), [("lower", -1), ("upper", 1)])
@pytest.mark.parametrize(("name", "n_dof"), CASES)
def test_the_narrowest_limit_is_where_the_reach_becomes_one(
    name: str, n_dof: int, side: str, sign: int, analysis: str, model: Callable[..., Model]
) -> None:
    used = model(analysis)
    found = narrowest_limits(used, scan_of())[name, side, n_dof]
    assert np.sign(found) == sign
    bound = abs(found) / 6
    at = excess(used, name.split("_")[1], -bound, bound)(found)
    assert at == pytest.approx(threshold(0.9, n_dof), abs=1e-6)
    for change, at_reach in ((-1e-4, "yes"), (1e-4, "no")):
        rows = domain_sensitivity(used, scan_of((n_dof,)), np.array([bound + change]))
        (said,) = [row[7] for row in rows if (row[0], row[5]) == (name, side)]
        assert said == at_reach


def test_a_scan_of_other_levels(model: Callable[..., Model]) -> None:
    scan = replace(scan_of(), confidence_levels=(0.68, 0.95), n_dof=(1,))
    rows = list(domain_sensitivity(model("paper"), scan, np.array([1.0])))
    assert [row[2:5] for row in rows[::2]] == [(level, 1, threshold(level, 1)) for level in (0.68, 0.95)] * 2
    for row in rows:
        assert excess(model("paper"), row[0].split("_")[1], -1.0, 1.0)(row[6]) == pytest.approx(row[4], abs=1e-6)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_the_hole_of_the_region_closes_as_its_domain_grows(nuclei: str, model: Callable[..., Model]) -> None:
    """Against numbers found apart from this code, and against every coupling on a grid."""
    used = model("paper", nuclei=nuclei)
    rows = as_columns(hole(used, scan_of()), DOMAIN_HOLE)
    assert rows["n_dof"] == [2, 1]
    assert rows["at"][0] == pytest.approx(0.566, abs=5e-4)
    assert rows["excess"] == pytest.approx([7.66] * 2, abs=0.01)
    assert rows["bound"][0] == pytest.approx(1.139, abs=1e-3)
    place = rows["at"][0]
    for bound, level in ((1.0, rows["excess"][0]), *zip(rows["bound"], rows["delta_chi2"], strict=True)):
        side = np.linspace(-bound, bound, 1001)
        u_e, u_mu = np.meshgrid(side[np.abs(place / 3 - side) <= bound], side[np.abs(place / 3 - side) <= bound])
        couplings = {"eps_ee_uV": u_e, "eps_mumu_uV": u_mu}
        couplings |= {"eps_ee_dV": place / 3 - u_e, "eps_mumu_dV": place / 3 - u_mu}
        least = contact_chi2(used, {}, dict.fromkeys(scan_of().domain, (-bound, bound)))
        assert float(contact_chi2(used, couplings, {}).min() - least) == pytest.approx(level, abs=0.02)


def test_a_hole_that_no_domain_fills_has_no_bound(model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity, "LARGEST_BOUND", 1.0)
    assert all(np.isnan(row[-1]) for row in hole(model("paper"), scan_of()))


@pytest.mark.parametrize("domain", [(-0.05, 0.05), (-1.0, 0.09), (0.2, 0.5)])
def test_a_domain_that_does_not_reach_the_middle_has_no_hole(
    domain: tuple[float, float], model: Callable[..., Model]
) -> None:
    scan = replace(scan_of(), domain=dict.fromkeys(scan_of().domain, domain))
    assert list(hole(model("paper"), scan)) == []


@pytest.mark.parametrize("level", [0.1, 0.5])
def test_narrow_parts_of_a_wide_reach_are_seen(level: float, model: Callable[..., Model]) -> None:
    """Against ranges, which bracket every turn of chi2, in domains with little room on one side too."""
    used, scan = model("paper"), replace(scan_of(), confidence_levels=(level,), n_dof=(1,))
    domains = [(-0.3, 0.3), (-1.0, 1.0), (-3.0, 3.0), (-1.5, 0.2), (-1.5, 0.25), (-0.05, 1.5)]
    low, high = np.array(domains).T
    found = ends_of(used, scan, common(scan, low, high), [threshold(level, 1)]).values[0]
    for i, domain in enumerate(domains):
        rows = [row for row in scan_ranges(used, bounded(scan, *domain)) if row.other_parameters == "profiled"]
        for a, name in enumerate(EQ_12):
            mine = [row for row in rows if row.parameter == name]
            expected = min(row.lower for row in mine), max(row.upper for row in mine)
            np.testing.assert_allclose(found[2 * a : 2 * a + 2, i], expected, atol=1e-8)


def test_samples_of_which_none_is_allowed_are_no_answer(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivity, "_samples_of", lambda *_: 2)
    with pytest.raises(ArithmeticError, match="eps_ee_matter: none of 2 samples of its reach is allowed"):
        list(domain_sensitivity(model("paper"), scan_of(), np.array([1.0])))
