"""CsI 2017 in energy and time: its likelihood written out again from the release's files, and what is known of it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from iminuit import Minuit
from scipy.integrate import quad
from scipy.stats import poisson

from cevnsi.arrays import FloatArray
from cevnsi.constants import (
    ATOMIC_MASS_UNIT_MEV,
    AVOGADRO,
    G_FERMI,
    HBARC_MEV_FM,
    MUON_MASS_MEV,
    PION_MASS_MEV,
)
from cevnsi.experiments.checks import Tables
from cevnsi.experiments.csi_2017_time import (
    NEUTRONS,
    STEADY_STATE,
    Choices,
    acceptance_of,
    exponential_shares,
    measured,
    read_energy_time,
    response,
)
from cevnsi.experiments.measurement import ARRIVAL_TIME, PHOTOELECTRONS, Measurement
from cevnsi.files.atomic import TableError
from cevnsi.fits import best_fit
from cevnsi.model import Analysis, Model, chi2_at, cut, profiled
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.nuisances import SIGNAL, Nuisance
from cevnsi.statistics.thresholds import threshold
from energy_time import PATHS, RELEASE, SIN2, made


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read_energy_time(PATHS)


@pytest.fixture(scope="module")
def analysis(model: Callable[..., Model]) -> Analysis:
    return model("release").analysis


@cache
def written_out() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Observed, signal of flavors per charge squared (3, bins), neutrons and steady state: from files and constants."""
    cells = {
        name: np.loadtxt(RELEASE / f"data_{name}_beamOn.txt", delimiter=",")
        for name in ("coincidence", "anticoincidence")
    }
    rows = [(pe, us) for pe in np.arange(7, 30, 2.0) for us in np.arange(0.25, 6, 0.5)]
    observed, steady = (
        np.array([next(n for x, t, n in cells[name] if (x, t) == row) for row in rows])
        for name in ("coincidence", "anticoincidence")
    )
    steady = steady.reshape(12, 12)
    steady = np.outer(steady.sum(1), steady.sum(0)).ravel() / steady.sum()

    def accepted(pe: float) -> float:
        return float(0.6655 / (1 + np.exp(-0.4942 * (pe - 10.8507))))

    arrival = {
        name: np.loadtxt(RELEASE / f"arrivalTimePDF_{name}.txt", delimiter=",")[:12, 1]
        for name in ("promptNeutrinos", "delayedNeutrinos", "promptNeutrons")
    }
    pdf = np.loadtxt(RELEASE / "promptPDF.txt", delimiter=",")
    by_pe = [7.47594 * sum(n * accepted(x) for x, n in pdf if low < x < low + 2) for low in range(6, 30, 2)]
    neutrons = np.outer(by_pe, arrival["promptNeutrons"]).ravel()

    molar = 132.90545196 + 126.90447
    mass = molar / 2 * ATOMIC_MASS_UNIT_MEV
    luminosity = 2 * 14.6e3 / molar * AVOGADRO * 1.76e23 * 0.08 / (4 * np.pi * 1930.0**2)
    line = (PION_MASS_MEV**2 - MUON_MASS_MEV**2) / (2 * PION_MASS_MEV)

    def cross_section(recoil: float, energy: float) -> float:
        q = np.sqrt(2 * mass * recoil) / HBARC_MEV_FM
        x = q * 1.2 * 130 ** (1 / 3)
        factor = 3 * (np.sin(x) - x * np.cos(x)) / x**3 / (1 + (0.7 * q) ** 2)
        kinematic = 2 - mass * recoil / energy**2
        return float(G_FERMI**2 / (2 * np.pi) * factor**2 * mass * kinematic * (HBARC_MEV_FM * 1e-13) ** 2)

    def spectrum(flavor: str, energy: float) -> float:
        x = energy / MUON_MASS_MEV
        if flavor == "nu_e":
            return float(192 / MUON_MASS_MEV * x**2 * (0.5 - x))
        return float(64 / MUON_MASS_MEV * x**2 * (0.75 - x))

    def rate(flavor: str, pe: float) -> float:
        recoil = pe / 1170  # 1.17 photoelectrons a keV
        least = np.sqrt(mass * recoil / 2)
        if flavor == "nu_mu":
            value = cross_section(recoil, line) if least < line else 0.0
        elif least < MUON_MASS_MEV / 2:
            value = quad(
                lambda e: spectrum(flavor, e) * cross_section(recoil, e), least, MUON_MASS_MEV / 2, epsrel=1e-11
            )[0]
        else:
            value = 0.0
        return value * accepted(pe) / 1170

    signal = []
    for flavor, times in (("nu_e", "delayed"), ("nu_mu", "prompt"), ("nu_mu_bar", "delayed")):
        end = 2 * (line if flavor == "nu_mu" else MUON_MASS_MEV / 2) ** 2 / mass * 1170
        by_pe = [
            quad(lambda pe, f=flavor: rate(f, pe), low, min(low + 2, end), epsrel=1e-10)[0] if low < end else 0.0
            for low in range(6, 30, 2)
        ]
        signal.append(luminosity * np.outer(by_pe, arrival[f"{times}Neutrinos"]).ravel())
    return observed, np.array(signal), neutrons, steady


def charges(parameters: dict[str, float]) -> FloatArray:
    """Charges squared (e, mu, mu) of the mean nucleus, Z 54 and N 76, of couplings on the diagonal."""
    bare = 54 * (0.5 - 2 * SIN2) - 76 / 2
    found = []
    for pair in ("ee", "mumu", "mumu"):
        shift = sum(n * parameters.get(f"eps_{pair}_{q}V", 0.0) for q, n in (("u", 184), ("d", 206)))
        found.append((bare + shift) ** 2)
    return np.array(found)


def deviance(theta: FloatArray, charge: FloatArray, sigma: float | None = 0.28) -> float:
    """-2 ln L over that of a perfect prediction; sigma is of the signal, None leaves it free."""
    observed, signal, neutrons, steady = written_out()
    mean = (1 + theta[0]) * (charge @ signal) + (1 + theta[1]) * neutrons + (1 + theta[2]) * steady
    pulls = (theta[1] / 0.25) ** 2 + theta[2] ** 2 * 405 + (0.0 if sigma is None else (theta[0] / sigma) ** 2)
    return float(2 * (poisson.logpmf(observed, observed) - poisson.logpmf(observed, mean)).sum() + pulls)


def least(charge: FloatArray, sigma: float | None = 0.28) -> Minuit:
    minuit = Minuit(lambda theta: deviance(theta, charge, sigma), np.zeros(3))
    minuit.limits = [(-1, None)] * 3
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
def test_chi2_is_that_of_a_page(parameters: dict[str, float], tables: Tables, analysis: Analysis) -> None:
    found = profiled(made(tables, analysis), "contact", parameters)
    minuit = least(charges(parameters))
    assert found.chi2[0] == pytest.approx(minuit.fval, abs=1e-6)
    np.testing.assert_allclose(found.nuisances[0], minuit.values, atol=2e-5)
    at_zero = deviance(np.zeros(3), charges(parameters))
    fixed = made(tables, analysis).dataset
    counts = fixed.signal("contact", parameters)[0] + sum(fixed.measurement.backgrounds.values())
    assert made(tables, analysis).likelihood(counts[None])[0][0] == pytest.approx(at_zero, abs=1e-6)


def test_standard_model_counts_are_those_of_adaptive_quadrature(tables: Tables, analysis: Analysis) -> None:
    _, signal, neutrons, steady = written_out()
    dataset = made(tables, analysis).dataset
    np.testing.assert_allclose(dataset.by_flavor("contact", {}), charges({})[:, None] * signal, rtol=1e-9)
    np.testing.assert_allclose(dataset.measurement.backgrounds[NEUTRONS], neutrons, rtol=1e-12)
    np.testing.assert_allclose(dataset.measurement.backgrounds[STEADY_STATE], steady, rtol=1e-12)


def test_what_is_known_of_the_release(tables: Tables, analysis: Analysis) -> None:
    dataset = made(tables, analysis).dataset
    backgrounds = dataset.measurement.backgrounds
    assert dataset.measurement.observed.sum() == 547
    assert backgrounds[STEADY_STATE].sum() == pytest.approx(405, abs=1e-9)
    assert backgrounds[NEUTRONS].sum() == pytest.approx(5.4, abs=0.05)
    assert dataset.templates.arrival is not None
    assert dataset.templates.arrival.sum(axis=1)[[0, 2]] == pytest.approx([0.91479] * 2, abs=5e-6)
    assert [n.sigma for n in dataset.nuisances] == pytest.approx([0.28, 0.25, 0.0497], abs=5e-5)


def test_the_fit_of_all_background_data(tables: Tables, analysis: Analysis) -> None:
    """130.6 +- 21.5 events at 6.9 sigma, found apart from this code."""
    found = best_fit(made(tables, analysis, steady_state_data="all"))
    counts = found["cevns_counts"]
    assert counts["value"] == pytest.approx(130.6, abs=0.05)
    assert (counts["error_low"] + counts["error_high"]) / 2 == pytest.approx(21.5, abs=0.05)
    assert found["significance"] == pytest.approx(6.9, abs=0.05)
    assert found["bins"] == 144
    assert list(found["backgrounds"]) == list(found["nuisances"]) == [NEUTRONS, STEADY_STATE]


def test_the_best_fit_is_that_of_the_page(tables: Tables, analysis: Analysis) -> None:
    found = best_fit(made(tables, analysis))
    free, standard = (least(charges({}), sigma) for sigma in (None, 0.28))
    assert found["chi2"] == pytest.approx(free.fval, abs=1e-6)
    assert found["standard_model"]["chi2"] == pytest.approx(standard.fval, abs=1e-6)
    counts = charges({}) @ written_out()[1]
    assert found["cevns_counts"]["value"] == pytest.approx((1 + free.values[0]) * counts.sum(), abs=0.01)
    none = Minuit(lambda theta: deviance(np.array([-1.0, *theta]), charges({}), None), np.zeros(2))
    none.strategy, none.tol = 2, 1e-6
    none.migrad().migrad()
    assert found["significance"] ** 2 == pytest.approx((none.fval or 0.0) - free.fval, abs=1e-5)
    free.minos(0)
    sides = [found["cevns_counts"][side] / counts.sum() for side in ("error_low", "error_high")]
    assert sides == pytest.approx([-free.merrors[0].lower, free.merrors[0].upper], rel=1e-3)


def test_the_half_photoelectron_at_which_the_acceptance_is_read(tables: Tables, analysis: Analysis) -> None:
    counts = {
        at: made(tables, analysis, smearing="poisson", acceptance_at=at).dataset.signal("contact", {})[0].sum()
        for at in ("count", "bin_centre")
    }
    assert counts["bin_centre"] / counts["count"] - 1 == pytest.approx(0.067, abs=1e-3)


@pytest.mark.parametrize("at", ["true", "count", "bin_centre"])
def test_smearing_is_that_of_samples(at: str, tables: Tables, analysis: Analysis) -> None:
    """Recoils of one energy drawn, given a Poisson number of photoelectrons, and accepted one by one."""
    random = np.random.default_rng(20261126)
    used = response(tables, Choices(smearing="poisson", acceptance_at=at), 1.17)
    fraction, n = acceptance_of(tables["efficiency"]), 400_000
    for mean in (4.0, 11.3, 24.0):
        seen = random.poisson(mean, n)
        read = {"true": np.full(n, mean), "count": seen.astype(float), "bin_centre": seen + 0.5}[at]
        kept = seen[random.random(n) < fraction(read)]
        expected = used.detected(np.array([mean / 1170]))[:, 0]
        found = np.histogram(kept, bins=np.arange(5.5, 30, 2))[0] / n
        assert (np.abs(found - expected) < 5 * np.sqrt(expected / n) + 1e-6).all()


def test_zero_coupling_is_the_standard_model_and_a_heavy_mediator_the_contact_limit(
    tables: Tables, analysis: Analysis
) -> None:
    used = made(tables, analysis)
    bare = chi2_at(used, "contact", {"eps_ee_dV": 0.0})
    assert chi2_at(used, "light_mediator", {"mediator_mass_mev": 10.0, "coupling": 0.0}) == pytest.approx(
        bare, abs=1e-9
    )
    mass, coupling = 1e6, 3.0
    epsilon = coupling**2 / (np.sqrt(2) * G_FERMI * mass**2) / 2  # Eq. 6 at Q^2 far below M^2 is half of Eq. 9's
    names = [f"eps_{pair}_{quark}V" for pair in ("ee", "mumu") for quark in "ud"]
    heavy = chi2_at(used, "light_mediator", {"mediator_mass_mev": mass, "coupling": coupling})
    assert heavy == pytest.approx(chi2_at(used, "contact", dict.fromkeys(names, epsilon)), rel=1e-6)


def test_counts_of_one_weight_are_those_of_flavors_and_nuclei(tables: Tables, analysis: Analysis) -> None:
    templates = made(tables, analysis).dataset.templates
    random = np.random.default_rng(1)
    for shape in ((1, 1), (3, 1), (1, templates.events.shape[1]), (3, templates.events.shape[1])):
        weight = random.uniform(0.5, 2, (4, *shape, templates.recoil_energy_mev.size))
        np.testing.assert_allclose(templates.counts(weight), templates.per_bin(weight).sum(axis=(-3, -2)), rtol=1e-12)


def test_a_window_of_time_is_cut_out(tables: Tables, analysis: Analysis) -> None:
    whole = made(tables, analysis).dataset
    part = cut(cut(whole, ARRIVAL_TIME, 0.5, 2.0), PHOTOELECTRONS, 8, 20)
    expected = whole.signal("contact", {})[0].reshape(12, 12)[1:7, 1:4].ravel()
    np.testing.assert_allclose(part.signal("contact", {})[0], expected, rtol=1e-12)
    np.testing.assert_array_equal(
        part.measurement.observed, whole.measurement.observed.reshape(12, 12)[1:7, 1:4].ravel()
    )


def test_steady_states_have_the_marginals_of_their_counts(tables: Tables) -> None:
    counts = tables["counts"]["beam_on_counts"].reshape(25, 24)[3:15, :12]
    shapes = {
        shape: measured(tables, Choices(steady_state_shape=shape))[0].backgrounds[STEADY_STATE].reshape(12, 12)
        for shape in ("marginals", "exponential")
    }
    for shape in shapes.values():
        np.testing.assert_allclose(shape.sum(axis=1), counts.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(shapes["marginals"].sum(axis=0), counts.sum(axis=0), rtol=1e-12)
    by_time, edges = shapes["exponential"].sum(axis=0), np.linspace(0, 6, 13)
    np.testing.assert_allclose(by_time[1:] / by_time[:-1], by_time[1] / by_time[0], rtol=1e-9)
    rate = -np.log(by_time[1] / by_time[0]) / 0.5
    # of an exponential that is cut off the best has the mean bin of the counts
    means = [(counts.sum(axis=0) @ np.arange(12)) / counts.sum(), exponential_shares(edges, rate) @ np.arange(12)]
    assert means[0] == pytest.approx(means[1], abs=1e-6)
    assert exponential_shares(edges, 0.0) == pytest.approx(np.full(12, 1 / 12))


def test_merged_bins_have_the_sums_of_their_own(tables: Tables, analysis: Analysis) -> None:
    fine = made(tables, analysis).dataset
    coarse = made(tables, analysis, photoelectron_edges=(6, 12, 30), time_edges_us=(0, 1, 6)).dataset

    def summed(values: FloatArray) -> FloatArray:
        cells = values.reshape(12, 12)
        return np.array(
            [cells[rows, columns].sum() for rows in (slice(3), slice(3, 12)) for columns in (slice(2), slice(2, 12))]
        )

    np.testing.assert_array_equal(coarse.measurement.observed, summed(fine.measurement.observed))
    for name, values in fine.measurement.backgrounds.items():
        np.testing.assert_allclose(coarse.measurement.backgrounds[name], summed(values), rtol=1e-12)
    point = {"eps_ee_dV": 0.2, "eps_mumu_uV": -0.1}
    found, expected = (each.signal("contact", point)[0] for each in (coarse, fine))
    np.testing.assert_allclose(found, summed(expected), rtol=1e-10)


SHARES = ("arrival_prompt_neutrinos", "arrival_delayed_neutrinos", "arrival_prompt_neutrons")


def without_line(text: str, start: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))


@pytest.mark.parametrize(
    ("role", "change", "said"),
    [
        ("coincidence", lambda text: without_line(text, "7.0, 0.75,"), "has 599 bins, expected 25"),
        ("coincidence", lambda text: without_line(text, "7.0,"), "photoelectrons have a gap after 5"),
        ("anticoincidence", lambda text: text.replace("1.0, 0.25, 0", "1.0, 0.25, -1"), "counts must be whole, from 0"),
        ("coincidence_off", lambda text: text.replace("1.0, 0.25, 0", "1.0, 0.25, 0.5"), "counts must be whole"),
        ("coincidence_off", lambda text: without_line(text, "49.0,"), "its bins are not those of"),
        *((role, lambda text: text.replace("0.75, 0.", "0.75, 1."), "expected 1") for role in SHARES),
        *((role, lambda text: without_line(text, "3.25,"), "expected steps of 0.5") for role in SHARES),
        *((role, lambda text: without_line(text, "11.75,"), "its bins of time are not those of") for role in SHARES),
        ("neutrons", lambda text: text.replace("6.5, 0.1", "6.5, -0.1"), "is negative"),
        ("neutrons", lambda text: text.replace("6.5, 0.1", "6.5; 0.1"), "is not 'photoelectrons, neutrons / GWhr'"),
        ("neutrons", lambda text: "\n".join(text.splitlines()[:7]), "expected 2 or more"),
        ("parameters", lambda text: text.replace("name: k", "name: K"), "needs numbers a, k and x_0"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused(role: str, change: Callable[[str], str], said: str, tmp_path: Path) -> None:
    text = PATHS[role].read_text(encoding="utf-8")
    path = tmp_path / PATHS[role].name
    path.write_text(change(text), encoding="utf-8")
    assert change(text) != text
    with pytest.raises(TableError, match=path.name) as caught:
        read_energy_time({**PATHS, role: path})
    assert said in str(caught.value)


def test_a_window_without_background_counts_is_refused(tables: Tables) -> None:
    with pytest.raises(ValueError, match="no counts of beam_on in the window"):
        measured(tables, Choices(photoelectron_edges=(0, 2), time_edges_us=(0, 0.5)))


SEVEN_STATS = {"ee": [-0.024, 0.215], "mumu": [-0.063, 0.033, 0.157, 0.254]}


@pytest.mark.parametrize("pair", SEVEN_STATS)
def test_ranges_of_another_code(pair: str, tables: Tables, analysis: Analysis) -> None:
    """Denton and Gehrlein (arXiv:2008.06062, result files of 7stats): eps_u = eps_d, one at a time, Wilks at 90 %."""
    used = made(tables, analysis, steady_state_data="all", photoelectron_edges=(6, 30), time_edges_us=(0, 1, 6))
    epsilon = np.linspace(-0.3, 0.5, 8001)
    chi2 = chi2_at(used, "contact", {f"eps_{pair}_{quark}V": epsilon for quark in "ud"})
    above = chi2 - chi2.min() > threshold(0.9, 1)
    ends = epsilon[np.flatnonzero(np.diff(above))]
    np.testing.assert_allclose(ends, SEVEN_STATS[pair], atol=0.01)


def test_readings_of_the_release_span_what_others_found(tables: Tables, analysis: Analysis) -> None:
    """Amplitudes of 116 to 140 events and 4.5 to 7.2 sigma, none of them the published 134 +- 22 at 6.7."""
    found = []
    readings = [("none", "true"), ("poisson", "count"), ("poisson", "bin_centre")]
    for (smearing, at), data, shape in product(readings, ("beam_on", "all"), ("marginals", "exponential", "bins")):
        changes = {"smearing": smearing, "acceptance_at": at, "steady_state_data": data, "steady_state_shape": shape}
        used = made(tables, analysis, **changes)
        fit = best_fit(used)
        found.append((fit["cevns_counts"]["value"], fit["significance"]))
    events, significance = np.array(found).T
    assert 115 < events.min() < events.max() < 140
    assert 4.5 < significance.min() < significance.max() < 7.3
    assert not ((abs(events - 134) < 0.5) & (abs(significance - 6.7) < 0.05)).any()


def test_fast_ways_know_bins_of_time(tables: Tables, analysis: Analysis) -> None:
    """Of Gaussian counts, for which there are some."""
    used = made(tables, analysis).dataset
    counts = used.measurement.observed
    scale = Nuisance(name="normalization", sigma=0.28, scales=(SIGNAL,))
    measurement = Measurement(axes=used.measurement.axes, observed=counts, uncertainty=np.sqrt(counts + 1))
    dataset = replace(used, measurement=measurement, nuisances=(scale,), statistic="gaussian")
    model = Model(analyses=(analysis,), datasets=(dataset,))
    random = np.random.default_rng(3)
    mediator = {"mediator_mass_mev": 10 ** random.uniform(0, 4, 20), "coupling": 10 ** random.uniform(-6, -2, 20)}
    epsilon = {"eps_ee_dV": random.uniform(-1, 1, 20), "eps_mumu_uV": random.uniform(-1, 1, 20)}
    for interaction, parameters in (("light_mediator", mediator), ("contact", epsilon)):
        expected = chi2_at(model, interaction, parameters)
        np.testing.assert_allclose(chi2(model, interaction, parameters, {}), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"smearing": "gamma"}, "smearing: 'gamma'; expected one of none, poisson"),
        ({"smearing": "poisson", "acceptance_at": "centre"}, "acceptance_at: 'centre'; expected one of true, count"),
        ({"acceptance_at": "count"}, "acceptance_at: 'count' of what is not smeared; expected true"),
        ({"steady_state_data": "off"}, "steady_state_data: 'off'; expected one of beam_on, all"),
        ({"steady_state_shape": "flat"}, "steady_state_shape: 'flat'; expected one of marginals, exponential, bins"),
    ],
)
def test_a_choice_that_is_none_or_does_nothing_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Choices(**changes)
