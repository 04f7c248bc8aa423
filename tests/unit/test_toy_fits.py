"""Compiled fits of toys find what the plain way and other minimisers find, only faster."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from operator import itemgetter
from typing import Any

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds, minimize

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model, read_config
from cevnsi.fast import toy_kernel
from cevnsi.fast import toys as toys_module
from cevnsi.fast.toys import (
    Packed,
    Quadratics,
    charge_quadratics,
    fitter,
    packed,
    quadratics_of,
    reflections_of,
)
from cevnsi.model import Model, chi2_at, profiled
from cevnsi.physics.interaction import Recoils
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans.critical import pool_statistics
from cevnsi.scans.hypotheses import Fits, Hypotheses, packed_data
from cevnsi.statistics.nuisances import Nuisance, centres, limits, precisions, unfitted
from cevnsi.toys import Toys, draw, toy_model
from light_nucleus import argon as light
from project import ROOT
from pseudo import NAMES, compile_once, hypotheses, named

FEW = 15  # toys of each data set, which the plain way fits in a second or so
POINT = {"eps_ee_dV": 0.1, "eps_mumu_dV": 0.03}
# Of chi2 of up to a thousand at fixed parameters: both ways end where their decrement is some 1e-8.
FIXED_WITHIN = 1e-6
FREE_WITHIN = 1e-5  # where another minimiser has to end, too, by difference quotients

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture(scope="module")
def compiled() -> None:
    """Before the first of them."""
    compile_once()


def argon_with_shapes(config: dict[str, Any]) -> Model:
    config["analyses"]["lar_2020"]["measurement"] = {"shape_systematics": True}
    del config["analyses"]["joint"]  # whose couplings would be others
    return build_model(config, "lar_2020", ROOT)


def own_counts(statistic: str) -> Model:
    """Counts whose background has a shift with a kink, and one without, and is scaled, too."""
    model = light(named("csi_2017").analysis, statistic=statistic)
    (dataset,) = model.datasets
    slope = np.array([1.0, 0.5, 0.0, -0.5, -1.0])
    shapes = (
        Nuisance(name="tilt", sigma=1.0, shifts={"leak": (2 * slope, -0.5 * slope)}),
        Nuisance(name="bend", sigma=1.0, shifts={"leak": (slope[::-1] ** 2, None)}),
    )
    return replace(model, datasets=(replace(dataset, nuisances=(*dataset.nuisances, *shapes)),))


@pytest.fixture
def models(config: dict[str, Any]) -> Callable[[str], Model]:
    """Those of the project, and others."""

    def made(name: str) -> Model:
        if name == "argon with shapes":
            return argon_with_shapes(config)
        return own_counts(name.removeprefix("own, ")) if name.startswith("own") else named(name)

    return made


ALL = (*NAMES, "argon with shapes", "own, poisson", "own, gaussian")


def some_toys(tests: Hypotheses, at: Fits, toys: int, seed: int = 1) -> tuple[Toys, Packed]:
    drawn = draw(tests.model, at.truth, toys, np.random.default_rng(seed))
    return drawn, packed(tests.model, drawn)


def at_point(tests: Hypotheses, at: Fits, toys: Packed) -> FloatArray:
    """Least chi2 of toys at a point."""
    begin = at.fitter.hessian(toys, at.place)
    return at.fitter.least(toys, at.low[None], at.high[None], at.place[None], begin[None])[0]


def anywhere(tests: Hypotheses, at: Fits, toys: Packed) -> tuple[FloatArray, FloatArray]:
    """Least chi2 of toys, as critical values have it, and where it is."""
    begin = at.fitter.hessian(toys, at.place)
    null, place, hessians = at.fitter.least(toys, at.low[None], at.high[None], at.place[None], begin[None])
    low, high = (end[None] for end in tests.free)
    value, place, _ = at.fitter.least(toys, low, high, place, hessians, tests.mirrors(at.fitter))
    return np.minimum(value, null), place


@pytest.mark.parametrize("name", ALL)
def test_fits_at_a_point_are_those_of_the_plain_way(name: str, models: Callable[[str], Model]) -> None:
    model = models(name)
    tests = hypotheses(model, *POINT)
    at = tests.at(POINT)
    assert at.chi2 == pytest.approx(float(chi2_at(model, "contact", POINT)), abs=FIXED_WITHIN)
    np.testing.assert_allclose(at.place[at.fitter.dims :], profiled(model, "contact", POINT).nuisances[0], atol=1e-4)
    drawn, toys = some_toys(tests, at, FEW)
    plain = [float(chi2_at(toy_model(model, drawn, i), "contact", POINT)) for i in range(FEW)]
    np.testing.assert_allclose(at_point(tests, at, toys), plain, rtol=0, atol=FIXED_WITHIN)


OTHERS: dict[str, tuple[dict[str, float], dict[str, float], FloatArray]] = {  # tested, fixed, and a grid of the first
    "light_mediator": ({"coupling": 3e-5}, {"mediator_mass_mev": 10.0}, np.geomspace(1e-6, 1e-3, 300)),
    "light_scalar": ({"scalar_coupling": 1e-5}, {"scalar_mass_mev": 10.0}, np.geomspace(1e-7, 1e-3, 300)),
    "magnetic_moment": ({"magnetic_moment_mu_1e_10_mub": 20.0}, {}, np.linspace(0, 100, 200)),
    "charge_radius": ({"charge_radius_mumu_1e_32_cm2": 5.0}, {}, np.linspace(-90, 30, 200)),
}


@pytest.mark.parametrize("name", ["paper", "csi_2017"])
@pytest.mark.parametrize("interaction", OTHERS)
def test_fits_of_other_interactions_are_those_of_the_plain_way(interaction: str, name: str) -> None:
    """At a point, with what shapes the signal fixed, and anywhere: no less than the plain way has on a grid."""
    model, (point, fixed, grid) = named(name), OTHERS[interaction]
    tests = hypotheses(model, *point, interaction=interaction, fixed=fixed)
    at = tests.at(point)
    assert at.chi2 == pytest.approx(float(chi2_at(model, interaction, {**point, **fixed})), abs=FIXED_WITHIN)
    drawn, toys = some_toys(tests, at, 3)
    found, _ = anywhere(tests, at, toys)
    for i, here in enumerate(at_point(tests, at, toys)):
        toy = toy_model(model, drawn, i)
        assert here == pytest.approx(float(chi2_at(toy, interaction, {**point, **fixed})), abs=FIXED_WITHIN)
        sampled = chi2_at(toy, interaction, {**dict.fromkeys(point, grid), **fixed}).min()
        assert sampled - 0.01 < found[i] < sampled + FIXED_WITHIN  # of a parabola, a hundredth of its width apart


def test_charge_radii_of_both_flavors_do_what_their_couplings_do() -> None:
    """Of one nucleus either gives a flavor any charge, and the opposite one of each alone is as good."""
    model, radii = named("csi_2017"), {"charge_radius_ee_1e_32_cm2": 0.0, "charge_radius_mumu_1e_32_cm2": -3.0}
    tests, others = hypotheses(model, *radii, interaction="charge_radius"), hypotheses(model, *POINT)
    at, other = tests.at(radii), others.at(POINT)
    assert len(tests.mirrors(at.fitter)) == 3
    _, toys = some_toys(tests, at, 100)
    expected, _ = anywhere(others, other, toys)
    np.testing.assert_allclose(anywhere(tests, at, toys)[0], expected, rtol=0, atol=FREE_WITHIN)


MIDDLE = 0.18  # of a coupling, where a charge of any of these nuclei about vanishes
STEP = 1e-5  # of difference quotients in couplings
BEYOND = 1e10  # for chi2 that is infinite, which no minimiser of scipy knows


class Written:
    """Chi2 of a model against couplings and nuisances together, on one side of every kink."""

    def __init__(self, model: Model, names: tuple[str, ...], side: FloatArray) -> None:
        self.model, self.names, self.side = model, names, side
        least, most = limits(model.nuisances)
        self.low = np.where(model.kinked & (side > 0), 0.0, least)
        self.high = np.where(model.kinked & (side < 0), 0.0, most)

    def __call__(self, z: FloatArray) -> tuple[float, FloatArray]:
        """Value and slope at (couplings and nuisances,)."""
        dims, model = len(self.names), self.model
        x, theta = z[:dims] + STEP * np.concatenate([np.zeros((1, dims)), np.eye(dims), -np.eye(dims)]), z[dims:]
        point = dict(zip(self.names, x.T, strict=True))
        signals = [dataset.signal("contact", point) for dataset in model.datasets]
        counts, directions = model.expected(signals, self.side)(np.tile(theta, (len(x), 1)), np.arange(len(x)))
        values, slope, _ = model.likelihood(counts)
        if not np.isfinite(values).all():
            return BEYOND, np.zeros(z.size)
        pulls = precisions(model.nuisances) * (theta - centres(model.nuisances))
        along = (values[1 : 1 + dims] - values[1 + dims :]) / (2 * STEP)
        by_nuisance = directions[0] @ slope[0] + 2 * pulls
        return float(values[0] + pulls @ (theta - centres(model.nuisances))), np.concatenate([along, by_nuisance])

    def least(self, start: FloatArray) -> tuple[float, FloatArray]:
        """That by scipy from a start, and where."""
        dims = len(self.names)
        ends = [np.concatenate([np.full(dims, far), each]) for far, each in ((-9.0, self.low), (9.0, self.high))]
        start = np.clip(start, *ends)
        settings: Any = {"method": "SLSQP", "options": {"ftol": 1e-12, "maxiter": 300}, "jac": True}
        run = minimize(self, start, bounds=Bounds(*ends), **settings)
        place = np.clip(run.x, *ends)
        return self(place)[0], place


def least_anywhere(model: Model, names: tuple[str, ...], starts: FloatArray) -> float:
    """Least chi2 over couplings from several starts (n, couplings), and over nuisances on all sides of kinks."""
    signs = [(-1.0, 1.0) if kinked else (1.0,) for kinked in model.kinked]
    sides = [Written(model, names, np.array(side)) for side in product(*signs)]
    nuisances = unfitted(model.nuisances)  # where nothing is expected to be negative
    rough = sorted((sides[0].least(np.concatenate([x, nuisances])) for x in starts), key=itemgetter(0))
    return min(side.least(place)[0] for _, place in rough[:2] for side in sides)


def starts_of(place: Mapping[str, float]) -> FloatArray:
    """The truth, zero, and about where charges of each and of both are the opposite."""
    mine = np.array(list(place.values()))
    opposite = 2 * MIDDLE - mine
    images = [np.where(flip, opposite, mine) for flip in product((False, True), repeat=mine.size)]
    return np.array([*images, np.zeros(mine.size)])


MANY = [pytest.param(name, marks=pytest.mark.slow) if name == "joint" else name for name in ALL]


@pytest.mark.parametrize("names", [("eps_ee_dV", "eps_mumu_dV"), ("eps_ee_dV", "eps_ee_uV")])
@pytest.mark.parametrize("name", MANY)
def test_fits_anywhere_are_those_of_another_minimiser(
    name: str, names: tuple[str, ...], models: Callable[[str], Model]
) -> None:
    """No minimiser finds less, and chi2 is what they say where they say; others may stop in the middle of a valley."""
    model, toys = models(name), 2
    tests = hypotheses(model, *names)
    point = dict(zip(names, (0.1, 0.03), strict=True))
    at = tests.at(point)
    drawn, them = some_toys(tests, at, toys, seed=5)
    found, places = anywhere(tests, at, them)
    for i, place in enumerate(places):
        used = toy_model(model, drawn, i)
        least = least_anywhere(used, names, starts_of(point))
        assert found[i] <= least + FREE_WITHIN
        if tests.variables == names:
            nuisances = place[len(names) :]
            least, _ = Written(used, names, np.where(nuisances < 0, -1.0, 1.0))(place)
        assert found[i] == pytest.approx(least, abs=FREE_WITHIN)


def test_charges_squared_do_for_couplings() -> None:
    """Of one nucleus: fits by couplings end at the same chi2, from several starts, as one end of charges is zero."""
    tests = hypotheses(named("csi_2017"), *POINT)
    assert tests.variables == ("charge_squared_e", "charge_squared_mu")
    terms = INTERACTIONS["contact"].terms

    def coefficients(p: FloatArray) -> FloatArray:
        found = terms.coefficients(tests.model.dataset.recoils, dict(zip(POINT, p.T, strict=True)))
        return np.stack([np.broadcast_to(c, (len(p),)) for c in found], axis=1)

    quadratics = quadratics_of(coefficients, np.array([0.25, 0.25]))
    by_couplings = fitter(tests.model, "contact", {}, quadratics)
    at = tests.at(POINT)
    _, toys = some_toys(tests, at, 100)
    expected, _ = anywhere(tests, at, toys)
    far, found = np.full((1, 2), np.inf), np.full(100, np.inf)
    for x in starts_of(POINT):
        start = np.concatenate([x, at.place[2:]])
        begin = by_couplings.hessian(toys, start)[None]
        found = np.minimum(found, by_couplings.least(toys, -far, far, start[None], begin)[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=FIXED_WITHIN)


def test_a_plane_of_one_flavor_is_a_line() -> None:
    """Both couplings of one flavor are one charge, so that either alone finds what both do."""
    one, both = (hypotheses(named("csi_2017"), *names) for names in (["eps_ee_dV"], ["eps_ee_dV", "eps_ee_uV"]))
    at = one.at({"eps_ee_dV": 0.1}), both.at({"eps_ee_dV": 0.1, "eps_ee_uV": 0.0})
    _, toys = some_toys(one, at[0], 50)
    first, second = (anywhere(tests, each, toys)[0] for tests, each in zip((one, both), at, strict=True))
    np.testing.assert_allclose(first, second, rtol=0, atol=FIXED_WITHIN)


@pytest.mark.parametrize("name", ["csi_2021", pytest.param("joint", marks=pytest.mark.slow)])
def test_no_toy_is_lost_at_a_wall_of_empty_bins(name: str) -> None:
    """Far from what has been seen, where charges about vanish, bins are empty that shapes may take below zero."""
    tests = hypotheses(named(name), *POINT)
    for point in ({"eps_ee_dV": 0.18, "eps_mumu_dV": 0.18}, {"eps_ee_dV": 0.6, "eps_mumu_dV": -0.3}, POINT):
        (found,) = pool_statistics(tests, [tests.at(point)], 700, 3, 0)
        assert np.isfinite(found.statistic).all()
        assert found.statistic.min() >= 0
        assert found.statistic.max() < 60  # one in 1e12 of two degrees of freedom


def plain_numbers(model: Model, names: tuple[str, ...], toys: int) -> dict[str, Any]:
    """Least chi2 of toys at a point and anywhere, with where that is."""
    tests = hypotheses(model, *names)
    at = tests.at(dict.fromkeys(names, 0.05))
    _, them = some_toys(tests, at, toys)
    value, place = anywhere(tests, at, them)
    return {"at": at_point(tests, at, them), "value": value, "place": place, "chi2": at.chi2}


@numba.njit(error_model="numpy")
def dot(one: FloatArray, first: np.uintp, other: FloatArray, second: np.uintp, size: np.uintp) -> float:
    return toy_kernel._dot(one, first, other, second, size)


@pytest.mark.parametrize("size", [0, 1, 3, 11, 27, 64, 99, 960])
def test_a_sum_is_the_same_wherever_its_numbers_lie(size: int) -> None:
    """Threads have arrays of their own: next to one another, or between the words that a processor takes at once."""
    one, other = np.random.default_rng(1).standard_normal((2, size))
    found = set()
    for first, second in product(range(9), repeat=2):
        here, there = np.zeros(size + 9), np.zeros(size + 9)
        here[first : first + size], there[second : second + size] = one, other
        found.add(dot(here, np.uintp(first), there, np.uintp(second), np.uintp(size)))
    assert len(found) == 1
    assert found.pop() == pytest.approx(math.fsum(one * other), abs=1e-12)


@pytest.mark.parametrize("name", ["paper", "own, poisson", "csi_2021"])
def test_compiled_or_not_numbers_are_the_same(
    name: str, models: Callable[[str], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the order of sums; each function of the kernel stands for what is compiled of it."""
    model = models(name)
    if name == "csi_2021":  # a few of its bins
        model = build_model(_coarse(), "csi_2021", ROOT)
    names, toys = tuple(POINT), 2
    compiled = plain_numbers(model, names, toys)
    for each, function in list(vars(toy_kernel).items()):
        if hasattr(function, "py_func"):
            monkeypatch.setattr(toy_kernel, each, function.py_func)
    monkeypatch.setattr(toys_module, "fit", toy_kernel.fit)
    found = plain_numbers(model, names, toys)
    for key in ("at", "value", "chi2"):
        np.testing.assert_allclose(found[key], compiled[key], rtol=0, atol=FIXED_WITHIN)


def _coarse() -> dict[str, Any]:
    config = read_config(ROOT / "config.yaml")
    del config["analyses"]["joint"]  # whose part would be another
    edges = {"photoelectron_edges": [0, 12, 24, 60], "time_edges_us": [0, 0.5, 1, 6]}
    config["analyses"]["csi_2021"]["measurement"] = edges
    return config


def test_a_control_region_is_refused(config: dict[str, Any]) -> None:
    config["analyses"]["csi_2017"]["measurement"] = {"steady_state_shape": "bins"}
    tests = hypotheses(build_model(config, "csi_2017", ROOT), *POINT)
    with pytest.raises(ValueError, match="csi_2017: a control region bin by bin; expected a steady state with a shape"):
        tests.at(POINT)


def some_quadratics(rng: np.random.Generator, terms: int, dims: int) -> Quadratics:
    second = rng.normal(size=(terms, dims, dims))
    return Quadratics(
        constant=rng.normal(size=terms),
        linear=rng.normal(size=(terms, dims)),
        second=second + second.swapaxes(1, 2),
    )


@pytest.mark.parametrize("dims", [0, 1, 2, 4])
def test_quadratics_are_found_exactly(dims: int) -> None:
    rng = np.random.default_rng(dims)
    for terms in (1, 5):
        wanted = some_quadratics(rng, terms, dims)
        found = quadratics_of(wanted.at, rng.uniform(0.1, 2, dims))
        p = rng.normal(size=(20, dims))
        np.testing.assert_allclose(found.at(p), wanted.at(p), rtol=0, atol=1e-10)  # of numbers of some ten
        for one, other in ((found.linear, wanted.linear), (found.second, wanted.second)):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_what_is_not_quadratic_is_refused(dims: int) -> None:
    rng = np.random.default_rng(dims)
    quadratics = some_quadratics(rng, 2, dims)

    def cubic(p: FloatArray, k: int) -> FloatArray:
        return np.asarray(quadratics.at(p) + 1e-3 * p[:, k, None] ** 3)

    for k in range(dims):
        with pytest.raises(ValueError, match="counts are not quadratic in the parameters"):
            quadratics_of(partial(cubic, k=k), np.full(dims, 0.25))


def test_charges_are_their_own_quadratics() -> None:
    p = np.array([[3.0, 4.0]])
    np.testing.assert_array_equal(charge_quadratics(np.ones(2)).at(p), p)


@pytest.mark.parametrize("names", [("eps_ee_dV", "eps_mumu_dV"), ("eps_ee_dV", "eps_etau_dV"), ("eps_ee_uV",)])
def test_a_reflection_is_its_own_inverse_and_changes_no_count_of_one_nucleus(names: tuple[str, ...]) -> None:
    terms = INTERACTIONS["contact"].terms
    for name in ("lar_2020", "csi_2021"):
        recoils = named(name).dataset.recoils
        nuclides = len(recoils.nuclides)

        def coefficients(p: FloatArray, recoils: Recoils = recoils) -> FloatArray:
            found = terms.coefficients(recoils, dict(zip(names, p.T, strict=True)))
            return np.stack([np.broadcast_to(c, (len(p),)) for c in found], axis=1)

        quadratics = quadratics_of(coefficients, np.full(len(names), 0.25))
        rows = [range(nuclides), range(nuclides, 2 * nuclides)]
        found = reflections_of(quadratics, rows, np.ones(2 * nuclides))
        flavors = len({name.split("_")[1] for name in names} & {"ee", "mumu"})
        assert len(found) == 2**flavors - 1
        p = np.random.default_rng(1).normal(size=(5, len(names)))
        for mirror in found:
            image = p @ mirror[:, :-1].T + mirror[:, -1]
            np.testing.assert_allclose(image @ mirror[:, :-1].T + mirror[:, -1], p, rtol=0, atol=1e-9)
            assert np.abs(image - p).max() > 0.01
            # those of cesium and of iodine are but about the same
            within = 1e-9 if nuclides == 1 else 0.3
            np.testing.assert_allclose(coefficients(image), coefficients(p), rtol=within)


def test_no_reflection_where_nothing_bends() -> None:
    assert reflections_of(charge_quadratics(np.ones(2)), [[0], [1]], np.ones(2)).shape == (0, 2, 3)


def test_data_are_a_toy_whose_centres_are_zero() -> None:
    """Or those that they have, where data are a toy."""
    model = named("joint")
    tests = hypotheses(model, *POINT)
    assert not packed_data(model).centres.any()
    drawn, toys = some_toys(tests, tests.at(POINT), 2)
    again = packed_data(toy_model(model, drawn, 1))
    np.testing.assert_array_equal(again.centres[0], toys.centres[1])
    np.testing.assert_array_equal(again.observed[0], toys.observed[1])
    np.testing.assert_array_equal(again.own[0, : model.parts[0].stop], toys.own[1, : model.parts[0].stop])
    of_toy = hypotheses(toy_model(model, drawn, 1), *POINT).at(POINT)
    assert of_toy.chi2 == pytest.approx(at_point(tests, tests.at(POINT), toys)[1], abs=FIXED_WITHIN)


@pytest.mark.parametrize(
    ("name", "interaction", "point", "fixed"),
    [
        ("csi_2017", "light_mediator", {"coupling": 4e-5}, {"mediator_mass_mev": 10.0}),
        ("csi_2017_radius", "contact", {"eps_ee_dV": 0.1}, {"neutron_radius_Cs133_fm": 4.0}),
    ],
)
def test_what_is_fixed_shapes_templates_as_what_is_scanned_does(
    name: str, interaction: str, point: dict[str, float], fixed: dict[str, float]
) -> None:
    tests = hypotheses(named(name), *point, interaction=interaction, fixed=fixed)
    expected = float(chi2_at(tests.model, interaction, {**point, **fixed}))
    assert tests.at(point).chi2 == pytest.approx(expected, abs=FIXED_WITHIN)
    moved = {name: 1.2 * value for name, value in fixed.items()}
    assert abs(float(chi2_at(tests.model, interaction, {**point, **moved})) - expected) > 1e-3
