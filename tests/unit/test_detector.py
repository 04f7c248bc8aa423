"""Exposure, acceptance and response."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.response import Acceptance, unsmeared_response
from cevnsi.experiments.targets import TARGETS
from cevnsi.templates import luminosities_per_cm2


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
    with pytest.raises(TypeError, match="missing 5 required keyword-only arguments"):
        Exposure()  # type: ignore[call-arg]


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
