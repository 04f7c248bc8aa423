"""Detector response: exposure, light yield (Eq. 5) and acceptance (Fig. S9 of arXiv:1708.01294)."""

import math
from dataclasses import dataclass

import numpy as np

from cevnsi import constants
from cevnsi.arrays import FloatArray
from cevnsi.physics.flux import flux_normalization
from cevnsi.physics.nuclei import Nuclide


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Beam, target and light yield of one data set; every number is positive and finite, and none has a default."""

    detector_mass_kg: float
    protons_on_target: float
    neutrinos_per_proton: float  # per flavor
    baseline_m: float
    light_yield_pe_per_kev: float

    def __post_init__(self) -> None:
        """Refuse what is no exposure."""
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise ValueError(f"exposure.{name}: {value:g}; expected a positive, finite number")

    def luminosity_per_cm2(self, nuclide: Nuclide) -> float:
        """Target nuclei times neutrinos per flavor and cm^2, n_N N of Eqs. 1 and 2."""
        flux = flux_normalization(self.protons_on_target, self.neutrinos_per_proton, self.baseline_m)
        return flux * nuclide.n_target_nuclei(self.detector_mass_kg)

    def recoil_energy_mev(self, photoelectrons: FloatArray) -> FloatArray:
        """Recoil energy that gives this number of photoelectrons (Eq. 5 inverted)."""
        return photoelectrons / self.light_yield_pe_per_kev * 1e-3


# COHERENT's CsI detector in 2017 (Sec. 2 of the paper)
CSI_2017 = Exposure(
    detector_mass_kg=constants.DETECTOR_MASS_KG,
    protons_on_target=constants.PROTONS_ON_TARGET,
    neutrinos_per_proton=constants.NEUTRINOS_PER_PROTON,
    baseline_m=constants.BASELINE_M,
    light_yield_pe_per_kev=constants.LIGHT_YIELD_PE_PER_KEV,
)


@dataclass(frozen=True)
class Acceptance:
    """Surviving fraction against photoelectrons: straight lines between points, a repeated abscissa is a step."""

    photoelectrons: FloatArray  # (points,), not decreasing
    fraction: FloatArray  # (points,), in [0, 1]

    def __post_init__(self) -> None:
        """Refuse what is no acceptance."""
        x, y = self.photoelectrons, self.fraction
        if not (np.shape(x) == np.shape(y) and np.size(x) >= 2):
            raise ValueError(
                f"acceptance: shapes {np.shape(x)} and {np.shape(y)}; expected one shape, of 2 points or more"
            )
        if not (np.diff(x) >= 0).all():
            raise ValueError(f"acceptance: photoelectrons {x}; expected numbers that do not decrease")
        if not ((y >= 0) & (y <= 1)).all():
            raise ValueError(f"acceptance: fractions {y}; expected numbers in [0, 1]")

    def __call__(self, photoelectrons: FloatArray) -> FloatArray:
        """Fraction at each value; at a step the value of its upper side."""
        x, y = self.photoelectrons, self.fraction
        right = np.clip(np.searchsorted(x, photoelectrons, side="right"), 1, x.size - 1)
        left = right - 1
        width = np.where(x[right] > x[left], x[right] - x[left], 1.0)
        weight = np.clip((photoelectrons - x[left]) / width, 0.0, 1.0)
        return y[left] * (1 - weight) + y[right] * weight
