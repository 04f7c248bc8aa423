"""The CEvNS cross section (Eq. 3), as written or with full kinematics.

Its bracket is 2 - k E_r / E_nu - M E_r / E_nu^2: k = 0 as written, k = 2 without approximation for a vector coupling to
a nucleus of spin zero (Lindner, Rodejohann and Xu, JHEP 03 (2017) 097, arXiv:1612.04150).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import G_FERMI, HBARC_MEV_FM
from cevnsi.physics.flux import flux_moment, oscillating_moments
from cevnsi.physics.form_factors import FormFactor
from cevnsi.physics.nuclei import Nuclide

MEV_MINUS_2_IN_CM2 = (HBARC_MEV_FM * 1e-13) ** 2  # (hbar c)^2 in MeV^2 cm^2


# ASSUME: full kinematics are those of spin zero for any nucleus; spin 1/2 adds E_r^2 / E_nu^2, below 1e-5 of argon.
KINEMATICS = {"as_written": 0.0, "full": 2.0}  # k


def momentum_transfer_squared(recoil_energy_mev: FloatArray, nuclide: Nuclide) -> FloatArray:
    """Q^2 = 2 M E_r in MeV^2 (below Eq. 6)."""
    return 2 * nuclide.nuclear_mass_mev * recoil_energy_mev


def coherent_factor(recoil_energy_mev: FloatArray, nuclide: Nuclide, form_factor: FormFactor) -> FloatArray:
    """Eq. 3 without the charge and without the bracket: G_F^2 / (2 pi) F^2 M in cm^2 / MeV."""
    f = form_factor(momentum_transfer_squared(recoil_energy_mev, nuclide), nuclide)
    return G_FERMI**2 / (2 * np.pi) * f**2 * nuclide.nuclear_mass_mev * MEV_MINUS_2_IN_CM2


def differential_cross_section(
    recoil_energy_mev: FloatArray,
    neutrino_energy_mev: FloatArray,
    charge_squared: FloatArray | float,
    nuclide: Nuclide,
    form_factor: FormFactor,
    kinematics: str = "as_written",
) -> FloatArray:
    """Cross section per recoil energy in cm^2 / MeV (Eq. 3), zero above the largest recoil."""
    kinematic = 2 - nuclide.nuclear_mass_mev * recoil_energy_mev / neutrino_energy_mev**2
    kinematic = kinematic - KINEMATICS[kinematics] * recoil_energy_mev / neutrino_energy_mev
    return charge_squared * coherent_factor(recoil_energy_mev, nuclide, form_factor) * np.clip(kinematic, 0.0, None)


def least_neutrino_energy_mev(
    recoil_energy_mev: FloatArray, nuclide: Nuclide, kinematics: str = "as_written"
) -> FloatArray:
    """Energy below which a neutrino gives no recoil of this energy, where the bracket of Eq. 3 vanishes.

    sqrt(M E_r / 2) as written, (E_r + sqrt(E_r^2 + 2 M E_r)) / 2 in full.
    """
    linear = KINEMATICS[kinematics] * recoil_energy_mev / 4
    return linear + np.sqrt(linear**2 + nuclide.nuclear_mass_mev * recoil_energy_mev / 2)


def largest_recoil_mev(neutrino_energy_mev: Real, nuclide: Nuclide, kinematics: str = "as_written") -> Real:
    """Recoil energy up to which a neutrino of this energy is seen: 2 E_nu^2 / M as written, 2 E_nu^2 / (M + 2 E_nu)."""
    return 2 * neutrino_energy_mev**2 / (nuclide.nuclear_mass_mev + KINEMATICS[kinematics] * neutrino_energy_mev)


def recoil_spectrum(
    flavor: str,
    recoil_energy_mev: FloatArray,
    nuclide: Nuclide,
    form_factor: FormFactor,
    kinematics: str = "as_written",
    phase_mev: Real | None = None,
) -> FloatArray:
    """Eq. 3 folded with a flavor's unit flux (Eq. 2), in cm^2 / MeV per unit of charge squared.

    recoil_energy_mev of any shape; with the moments I_p of the flux it is 2 I_0 - k E_r I_1 - M E_r I_2 times the
    coherent factor. With a phase, which broadcasts, of the flux times sin^2(phase / E_nu).
    """
    least = least_neutrino_energy_mev(recoil_energy_mev, nuclide, kinematics)
    if phase_mev is None:
        i_0, i_1, i_2 = (flux_moment(flavor, power, least) for power in (0, 1, 2))
    else:
        i_0, i_1, i_2 = oscillating_moments(flavor, least, phase_mev)
    kinematic = 2 * i_0 - nuclide.nuclear_mass_mev * recoil_energy_mev * i_2
    kinematic = kinematic - KINEMATICS[kinematics] * recoil_energy_mev * i_1
    return coherent_factor(recoil_energy_mev, nuclide, form_factor) * kinematic


class Spectrum(Protocol):
    """What `recoil_spectrum` is of some flux."""

    def __call__(
        self,
        flavor: str,
        recoil_energy_mev: FloatArray,
        nuclide: Nuclide,
        form_factor: FormFactor,
        kinematics: str,
        phase_mev: Real | None = None,
    ) -> FloatArray:
        """Of a flavor, recoil energies, a nuclide, a form factor and kinematics."""


@dataclass(frozen=True, kw_only=True)
class Flight:
    """How neutrinos come to a detector, for what changes them on their way."""

    baseline_m: float
    kinematics: str  # one of `KINEMATICS`
    spectrum: Spectrum  # of their flux at the source
