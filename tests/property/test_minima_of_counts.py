"""Poisson chi2 of CsI 2017 in energy and time, least over domains, against local and global minimisers of scipy."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, differential_evolution

from cevnsi.arrays import FloatArray
from cevnsi.experiments.csi_2017_time import read_energy_time
from cevnsi.model import Model, joined
from cevnsi.parameters import combination
from cevnsi.scans.chi2 import chi2
from energy_time import PATHS, made
from light_nucleus import argon
from minima import SEEN, Box, least, some_fixed

Domain = dict[str, tuple[float, float]]
Problem = tuple[dict[str, float], Domain]

NUCLEI, SHAPES = ("mean", "cs_and_i"), ("marginals", "bins")
WITHIN = 1e-6  # of chi2: what is promised
SQUARE: Domain = {f"eps_{pair}_{quark}V": (-1.0, 1.0) for pair in ("ee", "mumu") for quark in "ud"}
PROBLEMS: dict[str, Problem] = {
    "several pairs": ({}, {"eps_ee_uV": (-0.3, 0.9), "eps_mumu_dV": (-0.05, 0.6), "eps_etau_uV": (-0.2, 0.1)}),
    "complex": (
        {"eps_ee_dV": 0.12, "eps_emu_uV": 0.05},
        {"eps_emu_dV": (-0.3, 0.2), "eps_emu_dV_imag": (0.05, 0.4), "eps_mutau_uV_imag": (-0.4, -0.1)},
    ),
    "matter": ({"eps_ee_matter": 0.535, "eps_mumu_matter": -1.1}, SQUARE),
    "matter, far out": ({"eps_ee_matter": 4.0, "eps_mumu_matter": 2.9}, SQUARE),
    "a sum with a domain": ({}, {**SQUARE, "eps_ee_matter": (0.3, 1.2), "eps_mumu_dV": (-0.1, 0.0)}),
    "a sum of complex ones": (
        {},
        {
            "eps_emu_uV": (-0.4, 0.5),
            "eps_emu_dV": (-0.1, 0.7),
            "eps_emu_matter": (0.3, 0.5),
            "eps_emu_uV_imag": (0.0, 0.2),
        },
    ),
    "without zero": ({}, {"eps_ee_uV": (0.4, 0.9), "eps_mumu_uV": (-0.6, -0.3), "eps_etau_dV": (0.1, 0.3)}),
    "lopsided": ({}, {"eps_ee_uV": (-0.01, 2.0), "eps_mumu_dV": (-3.0, 0.02), "eps_emu_uV": (-1e-4, 0.7)}),
    "narrow": ({}, {"eps_ee_uV": (0.05, 0.05 + 1e-9), "eps_mumu_dV": (0.3, 0.3 + 1e-6), "eps_emu_uV": (-1e-12, 1e-7)}),
    "wide": (
        {},
        {"eps_ee_uV": (-10.0, 9.0), "eps_mumu_dV": (-8.0, 10.0), "eps_emu_uV": (-7.0, 10.0), "eps_ee_dV": (-5.0, 5.0)},
    ),
    "far away": ({}, {"eps_ee_uV": (2.0, 10.0), "eps_mumu_dV": (-9.0, -3.0), "eps_mutau_dV": (0.5, 10.0)}),
    "others fixed": (
        {"eps_ee_uV": -0.2, "eps_emu_dV": 0.1, "eps_emu_uV_imag": -0.1, "eps_mutau_dV_imag": 0.1},
        {"eps_ee_dV": (-0.2, 0.6), "eps_emu_uV": (-0.3, 0.05), "eps_mumu_uV": (0.02, 0.4)},
    ),
}


@pytest.fixture(scope="module")
def counts(model: Callable[..., Model]) -> Callable[[str, str], Model]:
    """The model of nuclei and of a steady state of this shape."""
    tables, analysis = read_energy_time(PATHS), model("release").analysis
    return cache(lambda nuclei, shape: made(tables, analysis, nuclei, steady_state_shape=shape))


@pytest.mark.parametrize(("nuclei", "shape"), [("mean", "marginals"), ("cs_and_i", "bins")])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_minima_are_those_of_many_local_minimisers(
    problem: str, nuclei: str, shape: str, counts: Callable[[str, str], Model]
) -> None:
    used, (parameters, domain) = counts(nuclei, shape), PROBLEMS[problem]
    found = float(chi2(used, "contact", parameters, domain))
    assert found == pytest.approx(least(used, parameters, domain, 3, starts=3, points=400), abs=WITHIN)


def test_combinations_are_minimised_over(counts: Callable[[str, str], Model]) -> None:
    used = counts("cs_and_i", "marginals")
    parts = {"flavors": {"eps_ee_dV": 1.0, "eps_mumu_dV": 1.0}, "angle": {"eps_ee_uV": 0.6, "eps_ee_dV": 0.8}}
    domain = {"flavors": (-0.5, 0.6), "angle": (0.1, 0.4), "eps_mumu_dV": (-0.2, 0.1)}
    found = float(chi2(used, "contact", {}, domain, {name: combination(name, of) for name, of in parts.items()}))
    expected = least(used, {}, domain, 1, starts=2, points=400, combinations=parts)
    assert found == pytest.approx(expected, abs=WITHIN)


KINDS = ("free", "tied", "bounded")


def random_problem(kind: str, seed: int) -> Problem:
    """Two to six couplings to minimise over, from far too narrow to far too wide, any others fixed; of one pair both
    quarks, with a sum that is tied or has a domain of its own.
    """
    rng = np.random.default_rng([KINDS.index(kind), seed])
    names = [str(name) for name in rng.choice(SEEN, rng.integers(2, 5), replace=False)]
    pair = str(rng.choice(["ee", "mumu", "emu", "etau"]))
    quarks = [] if kind == "free" else [f"eps_{pair}_uV", f"eps_{pair}_dV"]
    domain: Domain = {}
    for name in dict.fromkeys([*quarks, *names]):
        width = float(10 ** rng.uniform(-5, 1))
        low, high = np.sort(rng.uniform(-0.7, 0.8) + width * rng.uniform(-1, 1, 2))
        domain[name] = (float(low), float(high) + 0.01 * width)
    parameters = {}
    if quarks:
        reach = [3 * sum(domain[quark][side] for quark in quarks) for side in (0, 1)]
        first, last = np.sort(rng.uniform(reach[0], reach[1], 2))
        if kind == "tied":
            parameters[f"eps_{pair}_matter"] = float(first)
        else:
            domain[f"eps_{pair}_matter"] = (float(first), float(last))
    return parameters | some_fixed(rng, domain), domain


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nuclei", NUCLEI)
def test_random_problems(nuclei: str, shape: str, kind: str, seed: int, counts: Callable[[str, str], Model]) -> None:
    used, (parameters, domain) = counts(nuclei, shape), random_problem(kind, seed)
    found = float(chi2(used, "contact", parameters, domain))
    assert found == pytest.approx(least(used, parameters, domain, seed, starts=4, points=2000), abs=WITHIN)


@pytest.fixture(scope="module")
def of_two_detectors(model: Callable[..., Model]) -> Callable[[float], Model]:
    """Cesium and iodine with argon, whose ratio of nucleons differs, and which has seen so many times its counts."""
    tables, analysis = read_energy_time(PATHS), model("release").analysis
    csi = made(tables, analysis, "cs_and_i", flux_uncertainty=0.1)
    return cache(lambda scale: joined([csi, argon(analysis, scale=scale)]))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_minima_of_two_detectors(problem: str, of_two_detectors: Callable[[float], Model]) -> None:
    used, (parameters, domain) = of_two_detectors(1.6), PROBLEMS[problem]
    found = float(chi2(used, "contact", parameters, domain))
    assert found == pytest.approx(least(used, parameters, domain, 3, starts=3, points=400), abs=WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.2, 1.6])
def test_random_problems_of_two_detectors(
    scale: float, kind: str, seed: int, of_two_detectors: Callable[[float], Model]
) -> None:
    used, (parameters, domain) = of_two_detectors(scale), random_problem(kind, seed)
    found = float(chi2(used, "contact", parameters, domain))
    assert found == pytest.approx(least(used, parameters, domain, seed, starts=4, points=2000), abs=WITHIN)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "nuclei", "shape"),
    [("matter", "mean", "marginals"), ("complex", "cs_and_i", "marginals"), ("others fixed", "cs_and_i", "bins")],
)
def test_differential_evolution(problem: str, nuclei: str, shape: str, counts: Callable[[str, str], Model]) -> None:
    """It converges to about 1e-5 here."""
    used, (parameters, domain) = counts(nuclei, shape), PROBLEMS[problem]
    box = Box(used, parameters, domain)

    def at(places: FloatArray, /) -> Any:
        return box.chi2(box.at(places.T))

    unit = Bounds([0.0] * len(box.names), [1.0] * len(box.names))
    found = differential_evolution(at, unit, rng=3, tol=1e-9, maxiter=300, vectorized=True, updating="deferred")
    exact = float(chi2(used, "contact", parameters, domain))
    assert exact == pytest.approx(found.fun, abs=1e-4)
    assert exact <= found.fun + 1e-9
