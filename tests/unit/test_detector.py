"""Exposure, acceptance and response."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi.arrays import FloatArray
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.response import Acceptance, GammaLaw, gamma_response, polynomial, unsmeared_response
from cevnsi.experiments.targets import TARGETS
from cevnsi.templates import luminosities_per_cm2

QUENCHING = (0.0554628, 4.30681, -111.707, 840.384)  # of CsI, arXiv:2110.07730
LAW = GammaLaw(kevee_per_pe=0.0749, shape_per_kevee=9.56)  # the same


def test_a_recoil_is_seen_at_its_photoelectrons_with_the_fraction_there() -> None:
    """1.17 PE per keV (Eq. 5): 1 keV is 1.17 PE, in the first bin, and so on; what no bin has is not seen."""
    acceptance = Acceptance(photoelectrons=np.array([0.0, 10.0]), fraction=np.array([0.0, 1.0]))
    response = unsmeared_response(np.array([1.0, 3.0, 8.0]), acceptance, 1.17)
    detected = response.detected(np.array([0.5, 1.0, 3.0, 7.0]) * 1e-3)
    np.testing.assert_allclose(detected, [[0, 0.117, 0, 0], [0, 0, 0.351, 0]], rtol=1e-15)
    np.testing.assert_allclose(response.recoil_energies_mev, np.array([1.0, 3.0, 8.0]) / 1170, rtol=1e-15)


def test_a_recoil_at_an_edge_belongs_to_the_bin_above() -> None:
    acceptance = Acceptance(photoelectrons=np.array([0.0, 8.0]), fraction=np.ones(2))
    detected = unsmeared_response(np.array([2.0, 4.0, 8.0]), acceptance, 1.0).detected(np.array([2.0, 4.0, 8.0]) * 1e-3)
    assert detected.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_steps_and_kinks_of_the_acceptance_are_those_of_the_response() -> None:
    acceptance = Acceptance(photoelectrons=np.array([0.0, 5.0, 5.0, 7.0, 9.0]), fraction=np.linspace(0, 1, 5))
    response = unsmeared_response(np.array([4.0, 8.0]), acceptance, 1.0)
    np.testing.assert_allclose(response.recoil_energies_mev, np.array([4.0, 5.0, 7.0, 8.0]) * 1e-3, rtol=1e-15)


@pytest.mark.parametrize("covered", [(7.0, 20.0), (0.0, 9.0)])
def test_bins_beyond_the_acceptance_are_refused(covered: tuple[float, float]) -> None:
    acceptance = Acceptance(photoelectrons=np.array(covered), fraction=np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match=r"acceptance covers .* the bins need \[6, 10\]"):
        unsmeared_response(np.array([6.0, 8.0, 10.0]), acceptance, 1.17)


def test_luminosity_is_nuclei_times_fluence() -> None:
    # 6.768275e25 nuclei times 0.08 * 1.76e23 / (4 pi (1930 cm)^2) = 3.008002e14 per cm^2
    (mean,) = luminosities_per_cm2(CSI_2017, TARGETS["mean"])
    assert mean == pytest.approx(6.768275e25 * 3.008002e14, rel=1e-6)
    cesium, iodine = luminosities_per_cm2(CSI_2017, TARGETS["cs_and_i"])
    assert cesium == iodine == pytest.approx(mean / 2, rel=1e-14)


def test_an_exposure_has_no_number_of_its_own() -> None:
    with pytest.raises(TypeError, match="missing 4 required keyword-only arguments"):
        Exposure()  # type: ignore[call-arg]


def test_a_detector_of_energies_has_no_light_yield() -> None:
    with pytest.raises(ValueError, match="light_yield_pe_per_kev: is none; expected one for counts of photoelectrons"):
        _ = replace(CSI_2017, light_yield_pe_per_kev=None).pe_per_kev
    assert CSI_2017.pe_per_kev == 1.17


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", [field.name for field in fields(Exposure)])
def test_an_exposure_is_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"exposure\.{name}: {value:g}; expected a positive, finite number"):
        replace(CSI_2017, **{name: value})


def test_acceptance_draws_straight_lines() -> None:
    acceptance = Acceptance(photoelectrons=np.array([0.0, 1.0, 4.0]), fraction=np.array([0.0, 0.3, 0.6]))
    found = acceptance(np.array([0.0, 0.5, 1.0, 2.0, 4.0]))
    np.testing.assert_allclose(found, [0.0, 0.15, 0.3, 0.4, 0.6], rtol=1e-15)


def test_a_repeated_abscissa_is_a_step() -> None:
    acceptance = Acceptance(photoelectrons=np.array([0.0, 5.0, 5.0, 6.0]), fraction=np.array([0.0, 0.0, 0.4, 0.5]))
    found = acceptance(np.array([np.nextafter(5.0, 0), 5.0, 5.5]))
    np.testing.assert_allclose(found, [0.0, 0.4, 0.45], atol=1e-15)  # at the step, its upper side


def test_acceptance_is_constant_beyond_its_points() -> None:
    acceptance = Acceptance(photoelectrons=np.array([1.0, 2.0]), fraction=np.array([0.2, 0.7]))
    np.testing.assert_array_equal(acceptance(np.array([0.0, 9.0])), [0.2, 0.7])


@pytest.mark.parametrize(
    ("photoelectrons", "fraction", "said"),
    [
        ([0.0, 1.0], [0.5], "expected one shape, of 2 points or more"),
        ([0.0], [0.5], "expected one shape, of 2 points or more"),
        ([1.0, 0.0], [0.5, 0.5], "expected numbers that do not decrease"),
        ([0.0, math.nan], [0.5, 0.5], "expected numbers that do not decrease"),
        ([0.0, 1.0], [0.5, 1.1], r"expected numbers in \[0, 1\]"),
        ([0.0, 1.0], [-0.1, 0.5], r"expected numbers in \[0, 1\]"),
        ([0.0, 1.0], [math.nan, 0.5], r"expected numbers in \[0, 1\]"),
    ],
)
def test_what_is_no_acceptance_is_refused(photoelectrons: list[float], fraction: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Acceptance(photoelectrons=np.array(photoelectrons), fraction=np.array(fraction))


def test_a_quenching_curve_is_its_polynomial() -> None:
    recoil = np.array([0.0, 1e-3, 0.03])
    expected = [1e3 * sum(c * t ** (i + 1) for i, c in enumerate(QUENCHING)) for t in recoil]
    np.testing.assert_allclose(polynomial(QUENCHING)(recoil), expected, rtol=1e-14)


@pytest.mark.parametrize("energy_kevee", [0.3, 1.0, 4.2])
def test_a_gamma_law_is_normalized_and_has_its_mean_and_width(energy_kevee: float) -> None:
    def moment(power: int) -> float:
        density = LAW.density
        return float(
            quad(lambda x: x**power * float(density(np.array(x), np.array(energy_kevee))), 0, 400, limit=400)[0]
        )

    mean, shape = energy_kevee / 0.0749, 1 + 9.56 * energy_kevee
    assert moment(0) == pytest.approx(1, abs=1e-8)
    assert moment(1) == pytest.approx(mean, rel=1e-8)
    assert moment(2) - mean**2 == pytest.approx(mean**2 / shape, rel=1e-7)


def test_an_efficiency_of_what_is_smeared_is_that_of_samples() -> None:
    """Recoils of one energy drawn, given photoelectrons by the law, and accepted one by one."""
    edges, random, n = np.array([0.0, 8.0, 12.0, 20.0, 40.0, 60.0]), np.random.default_rng(20261126), 400_000

    def efficiency(x: FloatArray) -> FloatArray:
        return np.clip(1.3 / (1 + np.exp(-0.3 * (x - 12.0))) - 0.3, 0.0, None)

    turns = 12 - math.log(1.3 / 0.3 - 1) / 0.3  # where it is clipped
    response = gamma_response(edges, efficiency, np.array([turns]), polynomial(QUENCHING), LAW, 0.06)
    for recoil in (3e-3, 0.012, 0.03):
        energy = float(polynomial(QUENCHING)(np.array(recoil)))
        shape = 1 + 9.56 * energy
        seen = random.gamma(shape, energy / 0.0749 / shape, n)
        kept = seen[random.random(n) < efficiency(seen)]
        expected = response.detected(np.array([recoil]))[:, 0]
        found = np.histogram(kept, edges)[0] / n
        assert (np.abs(found - expected) < 5 * np.sqrt(expected / n) + 1e-6).all()
        exact = quad(
            lambda x, e=energy: float(efficiency(np.array(x)) * LAW.density(np.array(x), np.array(e))), turns, 12
        )[0]
        assert expected[1] + expected[0] == pytest.approx(exact, rel=1e-8)


def test_nothing_is_seen_of_no_energy() -> None:
    response = gamma_response(np.array([1.0, 60.0]), np.ones_like, np.array([]), polynomial(QUENCHING), LAW, 0.06)
    assert response.detected(np.array([0.0])).tolist() == [[0.0]]
    assert response.recoil_energies_mev.tolist() == [0.0, 0.06]


def test_a_curve_too_steep_to_be_integrated_is_refused() -> None:
    """As memory goes with its pieces: one that is a thousand times steeper would take a thousand times as many."""

    def response(times: float) -> float:
        curve = polynomial([times * coefficient for coefficient in QUENCHING])
        edges = np.array([1.0, 60.0])
        return gamma_response(edges, np.ones_like, np.array([]), curve, LAW, 0.06).longest_segment_mev

    assert 0.06 / response(10) == pytest.approx(10 * 0.06 / response(1), rel=1e-12)
    with pytest.raises(ValueError, match=r"scintillation: up to .* PE for a MeV, .* expected at most 5000"):
        response(1000)
