"""Compiled fits of toys find what the plain way and other minimisers find, only faster."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement
from cevnsi.fast import toy_kernel
from cevnsi.fast.toys import (
    Packed,
    Quadratics,
    charge_quadratics,
    fitter,
    packed,
    quadratics_of,
    reflections_of,
)
from cevnsi.model import DataSet, Model, chi2_at, profiled
from cevnsi.parameters import Combination
from cevnsi.scans.critical import pool_statistics
from cevnsi.scans.hypotheses import Fits, Hypotheses, packed_data
from cevnsi.statistics.nuisances import SIGNAL, Nuisance
from cevnsi.toys import Toys, draw, toy_model
from light_nucleus import argon as light
from project import ROOT
from pseudo import NAMES, compile_once, named, plane, hypotheses

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


def least_anywhere(model: Model, names: tuple[str, ...], starts: FloatArray) -> float:
    """Least chi2 over couplings by scipy, from several starts (n, couplings), nuisances profiled the plain way."""

    def value(x: FloatArray) -> float:
        return float(chi2_at(model, "contact", dict(zip(names, x.tolist(), strict=True))))

    # a simplex knows neither slopes nor where kinks are
    rough = [minimize(value, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-2}) for start in starts]
    best = sorted(rough, key=lambda run: float(run.fun))[:2]
    fine = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 2000}
    return min(float(minimize(value, run.x, method="Nelder-Mead", options=fine).fun) for run in best)


def starts_of(tests: Hypotheses, at: Fits, place: Mapping[str, float]) -> FloatArray:
    """The truth, its mirror images, and zero."""
    names = list(place)
    mine = np.array([[place[name] for name in names]])
    # 0.11 below which and above which one charge is as large, by the neutrons and protons of cesium and iodine
    middles = {"eps_ee_dV": 0.18, "eps_mumu_dV": 0.18, "eps_ee_uV": 0.2, "eps_mumu_uV": 0.2, "eps_etau_dV": 0.0}
    found = [mine[0], np.zeros(len(names))]
    for flips in range(1, 2 ** len(names)):
        image = mine[0].copy()
        for k, name in enumerate(names):
            if flips >> k & 1:
                image[k] = 2 * middles[name] - image[k]
        found.append(image)
    return np.array(found)


@pytest.mark.parametrize("names", [("eps_ee_dV", "eps_mumu_dV"), ("eps_ee_dV", "eps_ee_uV")])
@pytest.mark.parametrize("name", ALL)
def test_fits_anywhere_are_those_of_another_minimiser(
    name: str, names: tuple[str, ...], models: Callable[[str], Model]
) -> None:
    model, toys = models(name), 3
    tests = hypotheses(model, *names)
    point = dict(zip(names, (0.1, 0.03), strict=True))
    at = tests.at(point)
    drawn, them = some_toys(tests, at, toys, seed=5)
    found, _ = anywhere(tests, at, them)
    for i in range(toys):
        used = toy_model(model, drawn, i)
        assert found[i] == pytest.approx(least_anywhere(used, names, starts_of(tests, at, point)), abs=FREE_WITHIN)
