"""Exposure, light yield (Eq. 5) and acceptance."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from cevnsi.experiments.response import CSI_2017, Acceptance, Exposure
from cevnsi.physics.nuclei import CESIUM, IODINE, MEAN


def test_recoil_energy_inverts_eq_5() -> None:
    recoil_mev = CSI_2017.recoil_energy_mev(np.array([1.17, 11.7]))
    np.testing.assert_allclose(recoil_mev, [1e-3, 1e-2], rtol=1e-15)


def test_luminosity_is_nuclei_times_fluence() -> None:
    # 6.768275e25 nuclei times 0.08 * 1.76e23 / (4 pi (1930 cm)^2) = 3.008002e14 per cm^2
    assert CSI_2017.luminosity_per_cm2(MEAN) == pytest.approx(6.768275e25 * 3.008002e14, rel=1e-6)
    both = CSI_2017.luminosity_per_cm2(CESIUM) + CSI_2017.luminosity_per_cm2(IODINE)
    assert both == pytest.approx(CSI_2017.luminosity_per_cm2(MEAN), rel=1e-14)


def test_an_exposure_has_no_number_of_its_own() -> None:
    with pytest.raises(TypeError, match="missing 5 required keyword-only arguments"):
        Exposure()  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", [field.name for field in fields(Exposure)])
def test_an_exposure_is_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"exposure\.{name}: {value:g}; expected a positive, finite number"):
        replace(CSI_2017, **{name: value})


def test_acceptance_draws_straight_lines() -> None:
    acceptance = Acceptance(np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.3, 0.6]))
    found = acceptance(np.array([0.0, 0.5, 1.0, 2.0, 4.0]))
    np.testing.assert_allclose(found, [0.0, 0.15, 0.3, 0.4, 0.6], rtol=1e-15)


def test_a_repeated_abscissa_is_a_step() -> None:
    acceptance = Acceptance(np.array([0.0, 5.0, 5.0, 6.0]), np.array([0.0, 0.0, 0.4, 0.5]))
    found = acceptance(np.array([np.nextafter(5.0, 0), 5.0, 5.5]))
    np.testing.assert_allclose(found, [0.0, 0.4, 0.45], atol=1e-15)  # at the step, its upper side


def test_acceptance_is_constant_beyond_its_points() -> None:
    acceptance = Acceptance(np.array([1.0, 2.0]), np.array([0.2, 0.7]))
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
        Acceptance(np.array(photoelectrons), np.array(fraction))
