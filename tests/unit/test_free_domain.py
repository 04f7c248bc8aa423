"""Couplings without bounds: against wide bounds, brute force and symmetry, and quick ways against the plain one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.config.check import parse_scan
from cevnsi.domains import Domain, least_over_domain
from cevnsi.experiments.csi_2017_time import read_energy_time
from cevnsi.fast.free_rows import AlongCurve
from cevnsi.fast.poisson import Following, derivatives_over_nuisances
from cevnsi.model import Model, charge_derivatives, farthest_charges, joined
from cevnsi.parameters import combination
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.limits import scan_limits
from cevnsi.statistics.thresholds import threshold
from energy_time import PATHS, made
from light_nucleus import argon
from moving import moving_model

FREE = (-np.inf, np.inf)
QUARKS = [f"eps_{pair}_{quark}V" for pair in ("ee", "mumu") for quark in "ud"]
EVERYTHING: Domain = dict.fromkeys(QUARKS, FREE)
PLANE = {"eps_ee_matter": np.array([[-3.0], [0.4]]), "eps_mumu_matter": np.linspace(-6, 7, 27)}
WITHIN = 1e-8  # of chi2 of some hundred


@pytest.fixture(scope="module")
def two(model: Callable[..., Model]) -> Model:
    """Cesium and iodine with shapes that move, and a light nucleus."""
    first = moving_model(model("release").analysis)
    return joined([first, argon(first.analysis, flux="flux")])


def plainly(model: Model, parameters: dict[str, Any], domain: Domain) -> FloatArray:
    """Every point by itself, from all starts, and all nuisances anew at every step."""
    derivatives = partial(derivatives_over_nuisances, model, "contact")
    far = farthest_charges(model)
    return least_over_domain(derivatives, model.nuclides, parameters, domain, model.couplings_at({}), farthest=far)


def test_rows_are_the_plain_way(two: Model) -> None:
    found = chi2(two, "contact", PLANE, EVERYTHING)
    np.testing.assert_allclose(found, plainly(two, PLANE, EVERYTHING), rtol=1e-11, atol=WITHIN)
    assert np.ptp(found) > 10


def test_points_of_a_curve_are_the_plain_way(two: Model) -> None:
    """Those that start from a row before them, with another sum minimised over between bounds."""
    domain, in_rows = {**EVERYTHING, "eps_mumu_matter": (-2.0, 3.0)}, AlongCurve()
    row = {"eps_ee_matter": np.linspace(-6, 7, 41)[None]}
    least = partial(least_over_domain, nuclides=two.nuclides, couplings=two.couplings_at({}), domain=domain)
    quick = partial(
        least,
        partial(derivatives_over_nuisances, two, "contact"),
        following=partial(Following, model=two, interaction="contact"),
        farthest=farthest_charges(two),
        in_rows=in_rows,
    )
    quick(parameters=row)
    assert in_rows.found is not None
    points = {"eps_ee_matter": np.random.default_rng(1).uniform(-6, 7, 12)}
    np.testing.assert_allclose(quick(parameters=points), plainly(two, points, domain), rtol=1e-11, atol=WITHIN)


@pytest.mark.parametrize("statistic", ["poisson", "gaussian"])
def test_without_bounds_is_within_wide_ones(statistic: str, two: Model, model: Callable[..., Model]) -> None:
    """Of several nuclei; bounds that are wider than any minimum is far."""
    used = two if statistic == "poisson" else model("release", nuclei="cs_and_i")
    points = {"eps_ee_matter": np.array([-2.0, 0.0, 1.3]), "eps_mumu_matter": np.array([0.7, -1.0, 2.0])}
    free = chi2(used, "contact", points, EVERYTHING)
    wide = chi2(used, "contact", points, dict.fromkeys(QUARKS, (-40.0, 40.0)))
    np.testing.assert_allclose(free, wide, rtol=1e-11, atol=WITHIN)
    narrow = chi2(used, "contact", points, dict.fromkeys(QUARKS, (-1.0, 1.0)))
    assert (narrow >= free - WITHIN).all()


@pytest.mark.parametrize("name", ["eps_ee_uV", "eps_emu_dV"])
def test_one_coupling_without_bounds(name: str, two: Model) -> None:
    points = {"eps_ee_dV": np.linspace(-0.8, 0.9, 5)}
    wide = chi2(two, "contact", points, {name: (-50.0, 50.0)})
    np.testing.assert_allclose(chi2(two, "contact", points, {name: FREE}), wide, rtol=1e-11, atol=WITHIN)


@pytest.mark.parametrize("free", [("eps_etau_uV",), ("eps_emu_uV", "eps_etau_dV")], ids=["one", "more"])
@pytest.mark.parametrize("sums", [(-9.0, 9.0), (1.5, 2.0), (2.5, 3.0)])
def test_a_sum_keeps_its_bounds_beside_couplings_without(
    free: tuple[str, ...], sums: tuple[float, float], two: Model
) -> None:
    """Among sums that are far from the least chi2, and between all that its quarks reach."""
    quarks = {"eps_ee_uV": (-1.0, 1.0), "eps_ee_dV": (-1.0, 1.0), "eps_ee_matter": sums}
    points = {"eps_mumu_dV": np.linspace(-0.8, 0.9, 4)}
    without, wide = (
        chi2(two, "contact", points, {**quarks, **dict.fromkeys(free, ends)}) for ends in (FREE, (-15.0, 15.0))
    )
    np.testing.assert_allclose(without, wide, rtol=1e-11, atol=WITHIN)
    some = {name: value for name, value in quarks.items() if name != "eps_ee_matter"}
    anywhere = chi2(two, "contact", points, {**some, **dict.fromkeys(free, FREE)})
    assert ((without - anywhere > 1e-3).any()) == (sums[0] > 0)


def test_a_sum_with_bounds_of_a_quark_without(two: Model) -> None:
    """Its other quark ends what the one without bounds can do."""
    quarks = {"eps_ee_uV": FREE, "eps_ee_dV": (-0.5, 1.0), "eps_ee_matter": (3.0, 4.5)}
    points = {"eps_mumu_dV": np.linspace(-0.8, 0.9, 4)}
    free = chi2(two, "contact", points, quarks)
    for name, ends in (("eps_ee_uV", (0.0, 2.0)), ("eps_ee_uV", (-20.0, 20.0))):  # 3 - 3 * 1 to 4.5 + 3 * 0.5, thirds
        wide = chi2(two, "contact", points, {**quarks, name: ends})
        np.testing.assert_allclose(free, wide, rtol=1e-11, atol=WITHIN)


def test_an_amplitude_that_is_zero_in_the_standard_model_has_no_sign(two: Model) -> None:
    sums = np.array([0.3, 1.1, 4.0])
    domain = {"eps_emu_uV": FREE, "eps_emu_dV": FREE}
    up, down = (chi2(two, "contact", {"eps_emu_matter": sign * sums}, domain) for sign in (1, -1))
    np.testing.assert_allclose(up, down, rtol=1e-11, atol=WITHIN)


def free_scan(config: dict[str, Any], points: int, reach: float = 3.0) -> Scan:
    section = config["scans"]["matter_ee_mumu"]
    section["domain"] = dict.fromkeys(QUARKS, "free")
    for axis in section["axes"].values():
        axis.update(min=-reach, max=reach + 1, points=points)
    return parse_scan("matter", section)


@pytest.mark.parametrize("name", ["paper", "csi_2017"])
def test_of_one_nucleus_the_sum_does_not_matter(name: str, config: dict[str, Any], model: Callable[..., Model]) -> None:
    """As the difference of the quarks takes its charges anywhere: chi2 is flat to the last digit, and said to be so."""
    used = model("paper") if name == "paper" else made(read_energy_time(PATHS), model("csi_2017").analysis, "mean")
    scan = free_scan(config, 5)
    found = chi2(used, "contact", {a.name: a.values() for a in scan.axes}, scan.domain)
    assert np.ptp(found) == 0
    wide = chi2(used, "contact", {"eps_ee_matter": 0.5, "eps_mumu_matter": 0.2}, dict.fromkeys(QUARKS, (-30.0, 30.0)))
    assert found[0] == pytest.approx(float(wide), abs=WITHIN)
    limits = scan_limits(used, scan)
    assert {row.ends_at_grid for row in limits.ranges} == {"lower+upper"}
    assert all(row.warning.startswith("no sensitivity") for row in limits.ranges)
    assert [fit.chi2 for fit in limits.best_fits] == pytest.approx([float(wide)] * 2, abs=WITHIN)


@pytest.mark.slow
def test_ends_of_a_range_are_the_threshold_above_the_least(config: dict[str, Any], two: Model) -> None:
    """By the plain way."""
    config["scans"]["matter_ee_mumu"] |= {"confidence_levels": [0.9], "n_dof": [1]}  # the plain way is slow
    scan = free_scan(config, 21, reach=6.0)
    limits = scan_limits(two, scan)
    least = min(fit.chi2 for fit in limits.best_fits)
    checked = 0
    for row in limits.ranges:
        (other,) = (axis for axis in scan.axes if axis.name != row.parameter)
        profiled = row.other_parameters == "profiled"
        domain = {**scan.domain, **({other.name: (other.minimum, other.maximum)} if profiled else {})}
        at_zero = {} if profiled else {other.name: 0.0}
        for end, text in ((row.lower, row.lower_set_by), (row.upper, row.upper_set_by)):
            assert "_uV" not in text
            if not text:
                above = float(plainly(two, {row.parameter: np.array(end), **at_zero}, domain)) - least
                assert above == pytest.approx(threshold(row.confidence_level, row.n_dof), abs=2e-6)
                checked += 1
    assert checked >= 4


def test_what_cannot_be_without_bounds(two: Model) -> None:
    both = {"eps_ee_uV": FREE, "eps_ee_dV": FREE}
    of_two = {"both": combination("both", {"eps_ee_uV": 1.0, "eps_etau_uV": 1.0})}
    with pytest.raises(ValueError, match="two couplings without bounds move one amplitude"):
        chi2(two, "contact", {"eps_mumu_dV": np.array([0.1])}, {"both": FREE, "eps_ee_dV": FREE}, of_two)
    derivatives = partial(charge_derivatives, two)
    with pytest.raises(ValueError, match="expected how far charges squared go"):
        least_over_domain(derivatives, two.nuclides, {"eps_ee_matter": 0.1}, both, two.couplings_at({}))


@pytest.mark.slow
@pytest.mark.parametrize("point", [(0.6, -1.5), (-2.0, 1.2), (5.0, 3.0)])
def test_brute_force_finds_nothing_lower(point: tuple[float, float], config: dict[str, Any]) -> None:
    """Of the joint analysis: simplices over the two differences, from both signs of every nucleus' amplitudes."""
    used = build_model(config, "joint")
    sums = np.array(point) / 3

    def at(u: FloatArray) -> float:
        values = dict(zip(QUARKS, [u[0], sums[0] - u[0], u[1], sums[1] - u[1]], strict=True))
        return float(chi2(used, "contact", {name: np.array([value]) for name, value in values.items()}, {})[0])

    def sides(total: float) -> list[float]:
        numbers = {"cs": (188, 211, -37.7), "ar": (58, 62, -10.6)}
        return [(sign * q - q - d * total) / (u - d) for u, d, q in numbers.values() for sign in (-1, 1)]

    starts = [np.array([one, other]) for one in sides(sums[0]) for other in sides(sums[1])]
    lowest = sorted(starts, key=at)[:6]
    ends = [minimize(at, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).fun for start in lowest]
    found = chi2(used, "contact", dict(zip(("eps_ee_matter", "eps_mumu_matter"), point, strict=True)), EVERYTHING)
    assert float(found) <= min(ends) + 1e-8
    assert float(found) == pytest.approx(min(ends), abs=1e-5)


@pytest.mark.slow
def test_rows_of_the_joint_analysis_are_the_plain_way(config: dict[str, Any]) -> None:
    used, random = build_model(config, "joint"), np.random.default_rng(3)
    axis = np.linspace(-8, 10, 101)
    rows = random.choice(101, 2, replace=False)
    plane = {"eps_ee_matter": axis[rows][:, None], "eps_mumu_matter": axis}
    found, plain = chi2(used, "contact", plane, EVERYTHING), plainly(used, plane, EVERYTHING)
    np.testing.assert_allclose(found, plain, rtol=1e-12, atol=WITHIN)
