"""The CEvNS cross section (Eq. 3)."""

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import G_FERMI, HBARC_MEV_FM
from cevnsi.physics.flux import flux_moment
from cevnsi.physics.form_factors import FormFactor
from cevnsi.physics.nuclei import Nuclide

MEV_MINUS_2_IN_CM2 = (HBARC_MEV_FM * 1e-13) ** 2  # (hbar c)^2 in MeV^2 cm^2


def momentum_transfer_squared(recoil_energy_mev: FloatArray, nuclide: Nuclide) -> FloatArray:
    """Q^2 = 2 M E_r in MeV^2 (below Eq. 6)."""
    return 2 * nuclide.nuclear_mass_mev * recoil_energy_mev


def coherent_factor(recoil_energy_mev: FloatArray, nuclide: Nuclide, form_factor: FormFactor) -> FloatArray:
    """Eq. 3 without the charge and without 2 - M E_r / E_nu^2: G_F^2 / (2 pi) F^2 M in cm^2 / MeV."""
    f = form_factor(momentum_transfer_squared(recoil_energy_mev, nuclide), nuclide)
    return G_FERMI**2 / (2 * np.pi) * f**2 * nuclide.nuclear_mass_mev * MEV_MINUS_2_IN_CM2


def differential_cross_section(
    recoil_energy_mev: FloatArray,
    neutrino_energy_mev: FloatArray,
    charge_squared: FloatArray | float,
    nuclide: Nuclide,
    form_factor: FormFactor,
) -> FloatArray:
    """Cross section per recoil energy in cm^2 / MeV (Eq. 3 as written), zero above the largest recoil."""
    kinematic = 2 - nuclide.nuclear_mass_mev * recoil_energy_mev / neutrino_energy_mev**2
    return charge_squared * coherent_factor(recoil_energy_mev, nuclide, form_factor) * np.clip(kinematic, 0.0, None)


def least_neutrino_energy_mev(recoil_energy_mev: FloatArray, nuclide: Nuclide) -> FloatArray:
    """Energy below which a neutrino gives no recoil of this energy, sqrt(M E_r / 2), where Eq. 3 vanishes."""
    return np.sqrt(nuclide.nuclear_mass_mev * recoil_energy_mev / 2)


def recoil_spectrum(
    flavor: str, recoil_energy_mev: FloatArray, nuclide: Nuclide, form_factor: FormFactor
) -> FloatArray:
    """Eq. 3 folded with a flavor's unit flux (Eq. 2), in cm^2 / MeV per unit of charge squared.

    recoil_energy_mev of any shape; with the moments I_p of the flux it is 2 I_0 - M E_r I_2 times the coherent factor.
    """
    least = least_neutrino_energy_mev(recoil_energy_mev, nuclide)
    i_0, i_2 = (flux_moment(flavor, power, least) for power in (0, 2))
    kinematic = 2 * i_0 - nuclide.nuclear_mass_mev * recoil_energy_mev * i_2
    return coherent_factor(recoil_energy_mev, nuclide, form_factor) * kinematic
