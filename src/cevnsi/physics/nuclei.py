"""Nuclei that neutrinos scatter off."""

from dataclasses import dataclass

from cevnsi.constants import (
    ARGON_40_MASS_U,
    ATOMIC_MASS_UNIT_MEV,
    CESIUM_133_MASS_U,
    ELECTRON_MASS_MEV,
    IODINE_127_MASS_U,
)


@dataclass(frozen=True, kw_only=True)
class Nuclide:
    """A nucleus."""

    name: str
    protons: int
    neutrons: int
    nuclear_mass_mev: float
    proton_radius_fm: float | None = None  # rms, of protons as points; None where none is known
    neutron_radius_fm: float | None = None
    references: tuple[str, ...] = ()  # of these radii, keys of cevnsi.references

    @property
    def mass_number(self) -> int:
        """Z + N."""
        return self.protons + self.neutrons


def nuclear_mass_mev(atomic_mass_u: float, protons: int) -> float:
    """Atomic mass less the electrons' rest mass, in MeV; their binding (< 0.4 MeV) is below 4e-6 of it."""
    return atomic_mass_u * ATOMIC_MASS_UNIT_MEV - protons * ELECTRON_MASS_MEV


# Radii as in M. Cadeddu et al. (Phys. Rev. Lett. 120 (2018) 072501, arXiv:1710.02730): of protons from muonic atoms, of
# neutrons as the relativistic mean field model NL-Z2 predicts them.
CESIUM = Nuclide(
    name="Cs133",
    protons=55,
    neutrons=78,
    nuclear_mass_mev=nuclear_mass_mev(CESIUM_133_MASS_U, 55),
    proton_radius_fm=4.804,  # arXiv:1710.02730
    neutron_radius_fm=5.01,  # arXiv:1710.02730, Table I, NL-Z2
    references=("cadeddu_2018_radius",),
)
IODINE = Nuclide(
    name="I127",
    protons=53,
    neutrons=74,
    nuclear_mass_mev=nuclear_mass_mev(IODINE_127_MASS_U, 53),
    proton_radius_fm=4.749,  # arXiv:1710.02730
    neutron_radius_fm=4.94,  # arXiv:1710.02730, Table I, NL-Z2
    references=("cadeddu_2018_radius",),
)
# ASSUME: of protons sqrt(R_ch^2 - N / Z <r_n^2>) as in M. Cadeddu et al. (arXiv:2005.01645), with the charge radius
# 3.4274 fm (I. Angeli and K. P. Marinova, At. Data Nucl. Data Tables 99 (2013) 69) and the neutron's -0.1161 fm^2; of
# neutrons one of two values that are in use, the other being 3.55 fm.
ARGON = Nuclide(
    name="Ar40",
    protons=18,
    neutrons=22,
    nuclear_mass_mev=nuclear_mass_mev(ARGON_40_MASS_U, 18),
    proton_radius_fm=3.448,
    neutron_radius_fm=3.36,
    references=("cadeddu_2020_argon", "angeli_marinova_2013"),
)
