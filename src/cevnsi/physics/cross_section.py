"""The CEvNS cross section (Eq. 3), as written or with full kinematics, and what other couplings have for its bracket.

Its bracket is 2 - k E_r / E_nu - M E_r / E_nu^2: k = 0 as written, k = 2 without approximation for a vector coupling to
a nucleus of spin zero (Lindner, Rodejohann and Xu, JHEP 03 (2017) 097, arXiv:1612.04150). That of any coupling is
c_0 + c_1 / E_nu + c_2 / E_nu^2, so that three moments of the flux carry every recoil spectrum.
"""

from collections.abc import Callable
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
# Keys of their papers, of cevnsi.references.
REFERENCES: dict[str, tuple[str, ...]] = {
    "as_written": ("liao_marfatia_2017",),
    "full": ("liao_marfatia_2017", "lindner_rodejohann_xu_2017"),
}


# c_0, c_1 and c_2 of a bracket, each a number or of the shape of the recoil energies.
Bracket = tuple[Real, Real, Real]


def vector_bracket(recoil_energy_mev: FloatArray, nuclide: Nuclide, kinematics: str) -> Bracket:
    """2 - k E_r / E_nu - M E_r / E_nu^2, without a dimension (Eq. 3), c_p in MeV^p; recoil energies of any shape."""
    return 2.0, -(KINEMATICS[kinematics] * recoil_energy_mev), -(nuclide.nuclear_mass_mev * recoil_energy_mev)


def scalar_bracket(recoil_energy_mev: FloatArray, nuclide: Nuclide, kinematics: str) -> Bracket:
    """M E_r / E_nu^2, without a dimension: helicity flips, so that it vanishes forward (arXiv:1604.01025).

    In full that of spin zero; spin 1/2 multiplies it by 1 + E_r / (2 M), which is one to 1e-5 and less. c_2 in MeV^2,
    in the shape of the recoil energies.
    """
    return 0.0, 0.0, nuclide.nuclear_mass_mev * recoil_energy_mev


def magnetic_bracket(recoil_energy_mev: FloatArray, nuclide: Nuclide, kinematics: str) -> Bracket:
    """1 / E_r - 1 / E_nu + E_r / (4 E_nu^2) in MeV^-1, in full that of spin zero.

    P. Vogel and J. Engel, Phys. Rev. D 39 (1989) 3378. The last term, which many leave out, is (E_r / 2 E_nu)^2 of the
    first: 1e-5 and less. c_p in MeV^(p - 1), c_0 and c_2 in the shape of the recoil energies, which are above zero.
    """
    return 1 / recoil_energy_mev, -1.0, recoil_energy_mev / 4


VECTOR = "vector"
BRACKETS: dict[str, Callable[[FloatArray, Nuclide, str], Bracket]] = {
    VECTOR: vector_bracket,
    "scalar": scalar_bracket,
    "magnetic": magnetic_bracket,
}
UNBOUNDED = ("magnetic",)  # those that grow without end where recoils vanish, of which a detector may see none


def momentum_transfer_squared(recoil_energy_mev: FloatArray, nuclide: Nuclide) -> FloatArray:
    """Q^2 = 2 M E_r in MeV^2 (below Eq. 6), in the shape of the recoil energies."""
    return 2 * nuclide.nuclear_mass_mev * recoil_energy_mev


def coherent_factor(recoil_energy_mev: FloatArray, nuclide: Nuclide, form_factor: FormFactor) -> FloatArray:
    """Eq. 3 without the charge and without the bracket: G_F^2 / (2 pi) F^2 M in cm^2 / MeV, (...) of energies (...)."""
    f = form_factor(momentum_transfer_squared(recoil_energy_mev, nuclide), nuclide)
    return G_FERMI**2 / (2 * np.pi) * f**2 * nuclide.nuclear_mass_mev * MEV_MINUS_2_IN_CM2


def differential_cross_section(
    recoil_energy_mev: FloatArray,
    neutrino_energy_mev: FloatArray,
    charge_squared: FloatArray | float,
    nuclide: Nuclide,
    form_factor: FormFactor,
    kinematics: str = "as_written",
    coupling: str = VECTOR,
) -> FloatArray:
    """Cross section per recoil energy in cm^2 / MeV (Eq. 3), zero above the largest recoil.

    Of another coupling its bracket takes the place of Eq. 3's, up to the same recoil; one in MeV^-1 gives cm^2 / MeV^2.
    Energies and the charge squared broadcast.
    """

    def bracket(of: str) -> FloatArray:
        c_0, c_1, c_2 = BRACKETS[of](recoil_energy_mev, nuclide, kinematics)
        return np.asarray(c_0 + c_2 / neutrino_energy_mev**2 + c_1 / neutrino_energy_mev)

    vector = bracket(VECTOR)
    own = vector if coupling == VECTOR else bracket(coupling)
    factor = charge_squared * coherent_factor(recoil_energy_mev, nuclide, form_factor)
    return factor * np.where(vector > 0, own, 0.0)


def least_neutrino_energy_mev(
    recoil_energy_mev: FloatArray, nuclide: Nuclide, kinematics: str = "as_written"
) -> FloatArray:
    """Energy below which a neutrino gives no recoil of this energy, where the bracket of Eq. 3 vanishes.

    sqrt(M E_r / 2) as written, (E_r + sqrt(E_r^2 + 2 M E_r)) / 2 in full; in MeV, in the shape of the recoil energies.
    """
    linear = KINEMATICS[kinematics] * recoil_energy_mev / 4
    return linear + np.sqrt(linear**2 + nuclide.nuclear_mass_mev * recoil_energy_mev / 2)


def largest_recoil_mev(neutrino_energy_mev: Real, nuclide: Nuclide, kinematics: str = "as_written") -> Real:
    """Recoil energy in MeV, of any shape, above which the bracket of Eq. 3 is negative for a neutrino of this energy.

    2 E_nu^2 / M as written, 2 E_nu^2 / (M + 2 E_nu) in full.
    """
    return 2 * neutrino_energy_mev**2 / (nuclide.nuclear_mass_mev + KINEMATICS[kinematics] * neutrino_energy_mev)


def recoil_spectrum(
    flavor: str,
    recoil_energy_mev: FloatArray,
    nuclide: Nuclide,
    form_factor: FormFactor,
    kinematics: str = "as_written",
    coupling: str = VECTOR,
    phase_mev: Real | None = None,
) -> FloatArray:
    """Eq. 3 folded with a flavor's unit flux (Eq. 2), in cm^2 / MeV per unit of charge squared.

    recoil_energy_mev of any shape; with the moments I_p of the flux it is 2 I_0 - k E_r I_1 - M E_r I_2 times the
    coherent factor, of another coupling c_0 I_0 + c_1 I_1 + c_2 I_2 (`BRACKETS`). With a phase, which broadcasts, of
    the flux times sin^2(phase / E_nu).
    """
    least = least_neutrino_energy_mev(recoil_energy_mev, nuclide, kinematics)
    if phase_mev is None:
        i_0, i_1, i_2 = (flux_moment(flavor, power, least) for power in (0, 1, 2))
    else:
        i_0, i_1, i_2 = oscillating_moments(flavor, least, phase_mev)
    c_0, c_1, c_2 = BRACKETS[coupling](recoil_energy_mev, nuclide, kinematics)
    return coherent_factor(recoil_energy_mev, nuclide, form_factor) * (c_0 * i_0 + c_2 * i_2 + c_1 * i_1)


class Spectrum(Protocol):
    """What `recoil_spectrum` is of some flux."""

    def __call__(
        self,
        flavor: str,
        recoil_energy_mev: FloatArray,
        nuclide: Nuclide,
        form_factor: FormFactor,
        kinematics: str,
        coupling: str = VECTOR,
        phase_mev: Real | None = None,
    ) -> FloatArray:
        """Of a flavor, recoil energies, a nuclide, a form factor, kinematics and a coupling; in the same shapes."""


@dataclass(frozen=True, kw_only=True)
class Flight:
    """How neutrinos come to a detector, for what changes them on their way."""

    baseline_m: float
    kinematics: str  # one of `KINEMATICS`
    spectrum: Spectrum  # of their flux at the source
