"""Argon 2020: its likelihood written out again from the release's files, and what is known of it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from iminuit import Minuit
from scipy.integrate import quad
from scipy.stats import exponnorm, norm, poisson

import argon
from argon import PATHS, RELEASE
from cevnsi import constants
from cevnsi.arrays import FloatArray
from cevnsi.experiments.arrival import arrival_of_flavors
from cevnsi.experiments.lar_2020 import (
    BACKGROUNDS,
    HIGHEST_RECOIL_MEV,
    LAR_2020,
    VARIED,
    Choices,
    read_lar_2020,
    response,
)
from cevnsi.experiments.measurement import ARRIVAL_TIME, ENERGY_KEVEE, F90
from cevnsi.experiments.release import FLUX_UNCERTAINTY
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import read_csv
from cevnsi.fits import best_fit
from cevnsi.model import Model, chi2_at, cut, profiled
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.nuisances import SIGNAL

SIN2 = 0.23857
SHAPE = (12, 8, 10)
ENERGIES, TIMES = np.arange(0, 121, 10.0), np.arange(-0.1, 5, 0.5)


@cache
def model(**keys: Any) -> Model:
    return argon.made(**keys)


def contents(name: str) -> FloatArray:
    """The last column of a file of the release, by energy, F90 and time."""
    return np.loadtxt(RELEASE / f"{name}.txt")[:, 3].reshape(SHAPE)


@cache
def forward() -> FloatArray:
    """The signal by flavor, energy and time, (3, 12, 10), of constants and the release's numbers."""
    mass = constants.ARGON_40_MASS_U * constants.ATOMIC_MASS_UNIT_MEV - 18 * constants.ELECTRON_MASS_MEV
    luminosity = 24.4e3 / 39.948 * constants.AVOGADRO * 13.8e22 * 0.09 / (4 * np.pi * 2750.0**2)
    muon, pion = constants.MUON_MASS_MEV, constants.PION_MASS_MEV
    line, charge = (pion**2 - muon**2) / (2 * pion), 18 * (0.5 - 2 * SIN2) - 22 / 2
    visible, _, efficiency = np.loadtxt(RELEASE / "CENNS10AnlAEfficiency.txt").T

    def cross_section(recoil: float, energy: float) -> float:
        q = np.sqrt(2 * mass * recoil) / constants.HBARC_MEV_FM
        x = q * 1.2 * 40 ** (1 / 3)
        factor = 3 * (np.sin(x) - x * np.cos(x)) / x**3 / (1 + (0.7 * q) ** 2)
        rate = constants.G_FERMI**2 / (2 * np.pi) * mass * (2 - mass * recoil / energy**2) * (charge * factor) ** 2
        return float(rate * (constants.HBARC_MEV_FM * 1e-13) ** 2)

    def spectrum(flavor: str, energy: float) -> float:
        x = energy / muon
        return float((192 * (0.5 - x) if flavor == "nu_e" else 64 * (0.75 - x)) * x**2 / muon)

    def rate(flavor: str, recoil: float) -> float:
        if flavor == "nu_mu":
            return cross_section(recoil, line)
        least = np.sqrt(mass * recoil / 2)
        return float(
            quad(lambda e: spectrum(flavor, e) * cross_section(recoil, e), least, muon / 2, epsabs=0, epsrel=1e-11)[0]
        )

    # kinks of the efficiency, in MeV: 0.246 T + 0.00078 T^2 keVee of T keV
    kinks = (np.sqrt(0.246**2 + 4 * 0.00078 * visible) - 0.246) / (2 * 0.00078) / 1e3
    abscissa, weight = np.polynomial.legendre.leggauss(8)
    late = {"pion": constants.PION_LIFETIME_US, "muon": constants.MUON_LIFETIME_US}
    decayed = {name: exponnorm.cdf(TIMES, late[name] / 0.15, 0.44, 0.15) for name in late}
    both = (late["muon"] * decayed["muon"] - late["pion"] * decayed["pion"]) / (late["muon"] - late["pion"])
    found = []
    for flavor in ("nu_e", "nu_mu", "nu_mu_bar"):
        end = 2 * (line if flavor == "nu_mu" else muon / 2) ** 2 / mass
        beyond = np.linspace(min(kinks[-1], end), end, 30)  # where the efficiency is that of its last point
        pieces = np.unique([*kinks[kinks < end], *beyond])
        half = np.diff(pieces)[:, None] / 2
        recoils, weights = (pieces[:-1, None] + half * (1 + abscissa)).ravel(), (half * weight).ravel()
        energy = 0.246 * 1e3 * recoils + 0.00078 * (1e3 * recoils) ** 2
        seen = np.diff(norm.cdf((ENERGIES[:, None] - energy) / (0.58 * np.sqrt(energy))), axis=0)
        rates = np.array([rate(flavor, recoil) for recoil in recoils]) * weights
        by_energy = (seen * np.interp(energy, visible, efficiency, left=0) * rates).sum(axis=1)
        found.append(luminosity * np.outer(by_energy, np.diff(decayed["pion"] if flavor == "nu_mu" else both)))
    return np.array(found)


@cache
def written_out() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed, signal of the standard model's flavors (3, bins), and backgrounds (3, bins)."""
    expected = contents("cevnspdf")
    total = np.where(expected > 0, forward().sum(axis=0)[:, None], 1.0)
    signal = forward()[:, :, None] * expected / total
    backgrounds = [contents(name).ravel() for name in ("bkgpdf", "brnpdf", "delbrnpdf")]
    return contents("datanobkgsub").ravel(), signal.reshape(3, -1), np.array(backgrounds)


def charges(parameters: dict[str, float]) -> FloatArray:
    """Charges squared (e, mu, mu) over the standard model's, of couplings on the diagonal; Z 18 and N 22."""
    bare = 18 * (0.5 - 2 * SIN2) - 22 / 2
    shifts = [
        sum(n * parameters.get(f"eps_{pair}_{q}V", 0.0) for q, n in (("u", 58), ("d", 62)))
        for pair in ("ee", "mumu", "mumu")
    ]
    return (1 + np.array(shifts) / bare) ** 2


WIDTHS = np.array([0.1, np.sqrt((17 / 128) ** 2 - 0.1**2), 25 / 3152, 160 / 497, 33 / 33])


def deviance(theta: FloatArray, factors: FloatArray) -> float:
    """-2 ln L over that of a perfect prediction; theta are flux, other, steady state, prompt and delayed neutrons."""
    observed, signal, backgrounds = written_out()
    mean = (1 + theta[0] + theta[1]) * (factors @ signal) + (1 + theta[2:]) @ backgrounds
    counts = 2 * (poisson.logpmf(observed, observed) - poisson.logpmf(observed, mean)).sum()
    return float(counts + ((theta / WIDTHS) ** 2).sum())


def least(factors: FloatArray, *, amplitude: float | None = None) -> Minuit:
    """Minimised over all of them, or at an amplitude of the signal over those of backgrounds."""
    fixed = np.zeros(2) if amplitude is not None else np.zeros(0)
    scaled = factors * (1.0 if amplitude is None else amplitude)
    minuit = Minuit(lambda theta: deviance(np.concatenate([fixed, theta]), scaled), np.zeros(5 - fixed.size))
    minuit.limits = [(-1, None)] * (5 - fixed.size)
    minuit.strategy, minuit.tol = 2, 1e-6
    for _ in range(3):
        minuit.migrad()
    assert minuit.valid
    return minuit


POINTS = [
    {},
    {"eps_ee_dV": 0.31, "eps_ee_uV": -0.12},
    {"eps_mumu_uV": 0.2, "eps_ee_dV": -0.4},
    {"eps_mumu_dV": 0.19},
    {"eps_ee_uV": 0.7, "eps_mumu_uV": -0.6, "eps_mumu_dV": 0.25},
]


@pytest.mark.parametrize("parameters", POINTS, ids=str)
def test_chi2_is_that_of_a_page(parameters: dict[str, float]) -> None:
    """To 2e-6: contents sum to the rounded norms, of which widths are, to 2e-8 only; the nuisances follow."""
    found, minuit = profiled(model(), "contact", parameters), least(charges(parameters))
    assert found.chi2[0] == pytest.approx(minuit.fval, abs=2e-6)
    np.testing.assert_allclose(found.nuisances[0], minuit.values, atol=2e-4)
    dataset = model().dataset
    counts = dataset.signal("contact", parameters)[0] + sum(dataset.measurement.backgrounds.values())
    at_zero = deviance(np.zeros(5), charges(parameters))
    assert model().likelihood(counts[None])[0][0] == pytest.approx(at_zero, abs=2e-6)


@pytest.mark.parametrize("theta", [(0.05, -0.1, 0.01, 0.2, -0.4), (-0.2, 0.15, -0.02, -0.3, 0.9)])
def test_chi2_at_nuisances_is_that_of_the_page(theta: tuple[float, ...]) -> None:
    names = [nuisance.name for nuisance in model().nuisances]
    assert names == ["flux", *(f"argon_{name}" for name in ("signal", *BACKGROUNDS))]
    parameters = {"eps_ee_dV": 0.1, "eps_mumu_uV": -0.05}
    found = chi2_at(model(), "contact", {**parameters, **dict(zip(names, theta, strict=True))})
    assert found == pytest.approx(deviance(np.array(theta), charges(parameters)), abs=2e-6)


def test_the_best_fit_is_that_of_the_page() -> None:
    found, signal = best_fit(model()), written_out()[1]

    def chi2(theta: FloatArray) -> float:
        return deviance(np.array([0, 0, *theta[1:]]), np.full(3, theta[0]))

    free = Minuit(chi2, np.array([1.0, 0, 0, 0]))
    free.limits, free.strategy, free.tol = [(0, None), *[(-1, None)] * 3], 2, 1e-6
    free.migrad().migrad()
    assert found["chi2"] == pytest.approx(free.fval, abs=2e-6)
    assert found["standard_model"]["chi2"] == pytest.approx(least(np.ones(3)).fval, abs=2e-6)
    assert found["cevns_counts"]["value"] == pytest.approx(free.values[0] * signal.sum(), abs=0.01)
    none = least(np.ones(3), amplitude=0.0)
    assert found["significance"] ** 2 == pytest.approx((none.fval or 0.0) - (free.fval or 0.0), abs=1e-5)
    free.minos(0)
    sides = [found["cevns_counts"][side] / signal.sum() for side in ("error_low", "error_high")]
    assert sides == pytest.approx([-free.merrors[0].lower, free.merrors[0].upper], rel=1e-3)
    assert list(found["backgrounds"]) == list(BACKGROUNDS)


def test_the_published_curve() -> None:
    """-2 Delta ln L of Fig. 8 against events, with priors on normalisations alone: within 0.2 from 0 to 296 events."""
    published = read_csv(RELEASE / "published" / "fig8_analysis_a.csv", ("cevns_counts", "minus2_dlnL"))
    events = np.array([0.0, *published["cevns_counts"]])
    assert events.max() == pytest.approx(296, abs=0.5)
    counts = events / model().standard_model_counts.sum()
    held = {"flux": np.zeros_like(counts), "argon_signal": np.zeros_like(counts)}
    curve = chi2_at(model(), "contact", {"cevns_normalization": counts, **held}) - best_fit(model())["chi2"]
    difference = curve[1:] - published["minus2_dlnL"]
    assert np.abs(difference).max() < 0.1  # ours; 0.2 is what reading the figure and rounding leave
    assert curve[0] == pytest.approx(15.1, abs=0.2)


def test_what_is_known_of_the_release() -> None:
    """Published: 159 +- 43 events, prompt neutrons 553 +- 34, delayed 10 +- 11, steady state 3131 +- 23; 3.9 sigma."""
    dataset, found = model().dataset, best_fit(model())
    assert dataset.measurement.observed.sum() == 3752
    assert [dataset.measurement.backgrounds[name].sum() for name in BACKGROUNDS] == pytest.approx([3152, 497, 33])
    assert model().standard_model_counts.sum() == pytest.approx(128, abs=1e-5)  # as cevnspdf is rounded
    assert found["cevns_counts"]["value"] == pytest.approx(160.2, abs=0.05)
    assert [found["cevns_counts"][f"error_{side}"] for side in ("low", "high")] == pytest.approx([42.2, 42.9], abs=0.05)
    assert found["significance"] == pytest.approx(3.88, abs=5e-3)
    assert list(found["backgrounds"].values()) == pytest.approx([3131.4, 552.1, 10.5], abs=0.05)
    total = found["cevns_counts"]["value"] + sum(found["backgrounds"].values())
    assert total - 3752 == pytest.approx(103, abs=1)
    widths = {nuisance.name: nuisance.sigma for nuisance in dataset.nuisances}
    assert list(widths.values()) == pytest.approx(WIDTHS.tolist(), rel=1e-6)
    assert widths["argon_signal"] == pytest.approx(0.0874, abs=5e-5)


def test_flavors_have_the_shares_of_the_prediction() -> None:
    _, signal, _ = written_out()
    np.testing.assert_allclose(model().dataset.by_flavor("contact", {}), signal, rtol=1e-7, atol=1e-12)


def test_without_the_reference_the_prediction_is_its_own() -> None:
    """About 120 expected; 132 are fitted."""
    used = model(signal="forward")
    by_cell = used.dataset.by_flavor("contact", {}).reshape(3, *SHAPE).sum(axis=2)
    expected = np.where(contents("cevnspdf").sum(axis=1) > 0, forward(), 0.0)
    np.testing.assert_allclose(by_cell, expected, rtol=1e-7, atol=1e-12)
    assert by_cell.sum() == pytest.approx(119.8, abs=0.05)
    assert forward().sum() - by_cell.sum() == pytest.approx(0, abs=2e-4)  # above 60 keVee
    shares = used.dataset.by_flavor("contact", {}).sum(axis=0).reshape(SHAPE) / by_cell.sum(axis=0)[:, None].clip(1e-99)
    reference = contents("cevnspdf")
    np.testing.assert_allclose(shares * reference.sum(axis=1, keepdims=True), reference, rtol=1e-12, atol=1e-12)
    found = best_fit(used)
    assert found["cevns_counts"]["value"] == pytest.approx(132.1, abs=0.05)
    assert found["significance"] == pytest.approx(3.41, abs=5e-3)


def test_another_assumption_moves_the_reference_by_the_ratio_of_predictions() -> None:
    for keys in ({"form_factor": "helm"}, {"couplings": "radiative"}, {"exposure": {"detector_mass_kg": 26.0}}):
        with_reference, without = (argon.made(signal=signal, **keys).dataset for signal in ("reference", "forward"))
        plain = model(signal="forward").dataset
        ratio = without.by_flavor("contact", {}).sum(axis=0) / plain.by_flavor("contact", {}).sum(axis=0).clip(1e-99)
        counts = with_reference.by_flavor("contact", {}).sum(axis=0)
        np.testing.assert_allclose(counts, ratio * contents("cevnspdf").ravel(), rtol=1e-9)
    heavier = argon.made(exposure={"detector_mass_kg": 26.0}).standard_model_counts.sum()
    assert heavier == pytest.approx(128 * 26 / 24.4, rel=1e-6)


def test_shape_systematics() -> None:
    """At +1 and -1 sigma shapes are the release's files, which have as many counts as that without an error."""
    used = model(shape_systematics=True)
    names = [nuisance.name for nuisance in used.nuisances]
    shapes = ["f90", "signal_timing", "neutron_energy", "neutron_timing", "neutron_timing_width"]
    assert names == [*(nuisance.name for nuisance in model().nuisances), *shapes]
    assert all(nuisance.sigma == 1 for nuisance in used.nuisances[5:])
    signal, neutrons = contents("cevnspdf"), contents("brnpdf")
    files = {
        "f90": ("cevnspdf+1sigF90", "cevnspdf-1sigF90"),
        "signal_timing": ("cevnspdfCEvNSTimingMeanSyst", None),
        "neutron_energy": ("brnpdf+1sigEnergy", "brnpdf-1sigEnergy"),
        "neutron_timing": ("brnpdf+1sigBRNTimingMean", "brnpdf-1sigBRNTimingMean"),
        "neutron_timing_width": ("brnpdfBRNTimingWidthSyst", None),
    }
    dataset = used.dataset
    counts, changes = dataset.signal("contact", {})
    one = {name: (up[None], None if down is None else down[None]) for name, (up, down) in changes.items()}
    expected = used.expected([(counts[None], one)])
    plain = signal + np.sum([*dataset.measurement.backgrounds.values()], axis=0).reshape(SHAPE)
    for name, (up, down) in files.items():
        nominal = signal if name in ("f90", "signal_timing") else neutrons
        for side, file in ((1.0, up), (-1.0, down)):
            varied = contents(file or up)
            moved = varied * nominal.sum() / varied.sum() - nominal
            moved = moved if file else -moved
            theta = np.zeros((1, len(names)))
            theta[0, names.index(name)] = side
            found = expected(theta, np.array([0]))[0][0].reshape(SHAPE)
            np.testing.assert_allclose(found, plain + moved, atol=1e-9)
    assert contents("brnpdf+1sigBRNTimingMean").sum() == pytest.approx(523.7, abs=0.05)  # else there were 27 more
    found = best_fit(used)
    assert found["cevns_counts"]["value"] == pytest.approx(159.6, abs=0.05)
    assert found["significance"] == pytest.approx(3.80, abs=5e-3)
    assert found["chi2"] == pytest.approx(1027.64, abs=0.01)


def test_the_response_is_that_of_brute_force() -> None:
    """Accepted recoils over all bins, and of each bin, by adaptive quadrature over the reconstructed energy."""
    seen = response(argon.tables(), Choices())
    visible, _, efficiency = np.loadtxt(RELEASE / "CENNS10AnlAEfficiency.txt").T
    recoils = np.array([0.5, 1.02, 3.0, 12.3, 47.0, 109.0, 150.0])
    found = seen.detected(recoils * 1e-3)
    for recoil, by_bin in zip(recoils, found.T, strict=True):
        energy = recoil * (0.246 + 0.00078 * recoil)
        accepted = np.interp(energy, visible, efficiency) if energy >= visible[0] else 0.0
        law = norm(energy, 0.58 * np.sqrt(energy))
        parts = [accepted * quad(law.pdf, low, low + 10, epsabs=1e-12)[0] for low in ENERGIES[:-1]]
        np.testing.assert_allclose(by_bin, parts, atol=1e-10)
        assert by_bin.sum() == pytest.approx(accepted * (law.cdf(120) - law.cdf(0)), abs=1e-12)
    assert seen.recoil_energies_mev[[0, -1]] == pytest.approx([1.013e-3, HIGHEST_RECOIL_MEV], abs=1e-6)
    # kinks are where the efficiency's points are
    kinks = seen.recoil_energies_mev[:-1] * 1e3
    np.testing.assert_allclose(kinks * (0.246 + 0.00078 * kinks), visible, rtol=1e-12)


def test_rates_need_no_finer_segments() -> None:
    """Expected counts by energy against the page's finer quadrature."""
    by_energy = model(signal="forward").dataset.by_flavor("contact", {}).reshape(3, *SHAPE).sum(axis=(2, 3))
    np.testing.assert_allclose(by_energy[:, :5], forward().sum(axis=2)[:, :5], rtol=1e-7, atol=1e-12)


def test_arrivals_are_those_of_a_pulse_folded_bin_by_bin() -> None:
    """The density of a Gaussian folded with one exponential, and with two, by quadrature over when pions are made."""
    found = arrival_of_flavors(TIMES, 0.44, 0.15)
    pion, muon = constants.PION_LIFETIME_US, constants.MUON_LIFETIME_US

    def of_one(t: float) -> float:
        return -float(np.expm1(-t / pion)) if t > 0 else 0.0

    def of_two(t: float) -> float:
        return 1 - float(muon * np.exp(-t / muon) - pion * np.exp(-t / pion)) / (muon - pion) if t > 0 else 0.0

    pulse = norm(0.44, 0.15)
    for flavor, decayed in (("nu_mu", of_one), ("nu_e", of_two), ("nu_mu_bar", of_two)):
        by_time = [
            quad(lambda s, t=t, f=decayed: pulse.pdf(s) * f(t - s), -1.5, min(t, 2.5), epsabs=1e-13, limit=400)[0]
            for t in TIMES
        ]
        np.testing.assert_allclose(found[flavor], np.diff(by_time), atol=1e-10)
    assert found["nu_mu"].sum() == pytest.approx(0.99990, abs=1e-5)
    assert found["nu_e"].sum() == pytest.approx(0.86678, abs=1e-5)
    assert found["nu_e"] is found["nu_mu_bar"]
    wide = arrival_of_flavors(np.array([-10.0, 1.0, 200.0]), 0.44, 0.15)
    assert [shares.sum() for shares in wide.values()] == pytest.approx([1, 1, 1], abs=1e-12)


@pytest.mark.parametrize("width", [1e-6, 1e-3, 0.026, 3.0, 1e4])
def test_an_arrival_of_any_pulse_is_finite_and_increases(width: float) -> None:
    shares = arrival_of_flavors(np.linspace(-5, 50, 200), 0.4, width)
    for values in shares.values():
        assert np.isfinite(values).all()
        assert (values > -1e-12).all()


def test_fast_ways_know_further_axes() -> None:
    random = np.random.default_rng(20261126)
    mediator = {"mediator_mass_mev": 10 ** random.uniform(0, 4, 12), "coupling": 10 ** random.uniform(-6, -3, 12)}
    epsilon = {"eps_ee_dV": random.uniform(-1, 1, 12), "eps_mumu_uV": random.uniform(-1, 1, 12)}
    for interaction, parameters in (("light_mediator", mediator), ("contact", epsilon)):
        expected = chi2_at(model(), interaction, parameters)
        np.testing.assert_allclose(chi2(model(), interaction, parameters, {}), expected, rtol=1e-9)


def test_counts_of_one_weight_are_those_of_flavors_and_nuclei() -> None:
    templates = model().dataset.templates
    random = np.random.default_rng(1)
    for flavors in (1, 3):
        weight = random.uniform(0.5, 2, (4, flavors, 1, templates.recoil_energy_mev.size))
        np.testing.assert_allclose(templates.counts(weight), templates.per_bin(weight).sum(axis=(-3, -2)), rtol=1e-12)


def test_a_window_is_cut_out() -> None:
    whole = model().dataset
    part = cut(cut(whole, ARRIVAL_TIME, 0.4, 1.9), ENERGY_KEVEE, 10, 30)
    point = {"eps_ee_dV": 0.2}
    expected = whole.signal("contact", point)[0].reshape(SHAPE)[1:3, :, 1:4].ravel()
    np.testing.assert_allclose(part.signal("contact", point)[0], expected, rtol=1e-12)
    with pytest.raises(ValueError, match="f90: bins of templates are those of energy and time"):
        cut(whole, F90, 0.5, 0.7)


def test_the_exposure_is_the_release_s() -> None:
    said = yaml.safe_load((RELEASE / "LArParametersAnlA.yaml").read_text(encoding="utf-8"))
    assert vars(LAR_2020) == {
        "detector_mass_kg": said["fiducialMass"]["value"],
        "protons_on_target": float(f"{said['beamExposure']['value']}e22"),
        "neutrinos_per_proton": said["neutrinosPerProton"]["value"],
        "baseline_m": said["distanceToTarget"]["value"],
        "light_yield_pe_per_kev": None,
    }
    flux = said["neutrinosPerProton"]
    assert flux["uncertainty"] / flux["value"] == pytest.approx(FLUX_UNCERTAINTY, rel=1e-12)


Change = Callable[[str], str]


def without_line(start: str) -> Change:
    return lambda text: "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))


def instead(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new, 1)


def each_line(change: Change) -> Change:
    return lambda text: "\n".join(map(change, text.splitlines()))


# Of every file of counts, of those that are expected, and of those whose sum is known besides.
FIRST = "5 0.525 0.15 "
OF_COUNTS: list[tuple[Change, str]] = [
    (
        without_line("15 0.575 0.65"),
        "row 92: the bin at 15, 0.575, 1.15; expected that at 15, 0.575, 0.65, as energy in",
    ),
    (lambda text: text + text.splitlines()[-1], "row 961: one more than 960; expected a row a bin"),
    (lambda text: "\n".join(text.splitlines()[:-1]), "has 959 rows; expected 960, a row a bin"),
    (lambda text: FIRST + "-1\n" + text.split("\n", 1)[1], "row 1: -1; expected a content from 0 to 1e+12"),
    (instead(FIRST, FIRST + "nan "), "is not 'energy F90 time content'"),
    (instead(FIRST, "5 0.525 0.16 "), "row 1: the bin at 5, 0.525, 0.16; expected that at 5, 0.525, 0.15"),
]
TO_NOTHING = each_line(lambda line: f"{line.rsplit(maxsplit=1)[0]} 0"), "sums to 0; expected more"
TWICE = (
    each_line(lambda line: f"{line.rsplit(maxsplit=1)[0]} {2 * float(line.split()[3])}"),
    "PredictionNormalization of",
)
BAD: list[tuple[str, Change, str]] = [
    *((role, *each) for role in ("observed", SIGNAL, *BACKGROUNDS, *VARIED) for each in OF_COUNTS),
    *((role, *TO_NOTHING) for role in (SIGNAL, *BACKGROUNDS, *VARIED)),
    *((role, *TWICE) for role in (SIGNAL, *BACKGROUNDS)),
    ("observed", instead(FIRST + "32", FIRST + "31.5"), "row 1: 31.5 observed; expected a whole number"),
    ("efficiency", lambda text: text.splitlines()[0], "has 1 rows; expected 2 or more"),
    ("efficiency", lambda text: text + text, "row 82: 0.25 keVee after 39.75; expected energies that increase"),
    ("efficiency", instead("1.25 5.00158", "1.25 5.1"), "row 3: 5.1 keVnr is quenched to 1.27489 keVee; expected 1.25"),
    ("efficiency", instead("0.031002", "1.031002"), "row 3: efficiency 1.031; expected a number in [0, 1]"),
    ("efficiency", instead("0.031002", "0.03.1002"), "row 3: '1.25 5.00158 0.03.1002' is not 'energy in keVee"),
    ("parameters", instead("larQF", "larqf"), "larQF needs a number a"),
    ("parameters", instead("value: 0.246", "value: .nan"), "expected one positive number"),
    ("parameters", instead("value: 0.246", "value: [0.246]"), "larQF: a is [0.246]; expected one positive number"),
    (
        "parameters",
        instead("value: 0.00078", "value: 0.0078"),
        "larQF is 1.806 for recoils of 200 keV; expected at most",
    ),
    ("parameters", instead("value: 0.58", "value: 58"), "energyResolution is 58; expected 0.1 to 10"),
    ("parameters", instead("uncertainty: 17", "uncertainty: 12"), "the signal is 128 +- 12; expected more than 0.1 of"),
    ("parameters", instead("value: 128", "value: 100"), "cevnspdf.txt: sums to 128; expected 100, as cevnsPrediction"),
    ("parameters", lambda text: text[:-200] + "\n]", "LArParametersAnlA.yaml: "),
]


@pytest.mark.parametrize(("role", "change", "said"), BAD)
def test_a_bad_file_is_refused(role: str, change: Change, said: str, tmp_path: Path) -> None:
    text = PATHS[role].read_text(encoding="utf-8")
    path = tmp_path / PATHS[role].name
    path.write_text(change(text), encoding="utf-8")
    assert change(text) != text
    paths = {**PATHS, role: path}
    with pytest.raises(TableError) as caught:
        read_lar_2020(paths)
    assert said in str(caught.value)
    assert path.name in str(caught.value)


def test_a_choice_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="signal: 'counts'; expected one of reference, forward"):
        Choices(signal="counts")
