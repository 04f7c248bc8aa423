"""The CEvNS cross section (Eq. 3)."""

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import G_FERMI, HBARC_MEV_FM
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
