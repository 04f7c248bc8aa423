"""Target nuclei of a CsI detector."""

from dataclasses import dataclass

from cevnsi.constants import (
    ATOMIC_MASS_UNIT_MEV,
    AVOGADRO,
    CESIUM_133_MASS_U,
    CSI_MOLAR_MASS_G,
    ELECTRON_MASS_MEV,
    IODINE_127_MASS_U,
)


@dataclass(frozen=True)
class Nuclide:
    """A target nucleus and how often it occurs in one CsI formula unit."""

    name: str
    protons: int
    neutrons: int
    nuclear_mass_mev: float
    nuclei_per_csi: int

    @property
    def mass_number(self) -> int:
        """Z + N."""
        return self.protons + self.neutrons

    def n_target_nuclei(self, detector_mass_kg: float) -> float:
        """Nuclei of this kind in the detector, k m_det N_A / M_CsI with k per formula unit (below Eq. 1)."""
        return self.nuclei_per_csi * detector_mass_kg * 1e3 / CSI_MOLAR_MASS_G * AVOGADRO


def _nuclear_mass_mev(atomic_mass_u: float, protons: int) -> float:
    """Atomic mass less the electrons' rest mass; their binding (< 0.4 MeV) is below 4e-6 of it."""
    return atomic_mass_u * ATOMIC_MASS_UNIT_MEV - protons * ELECTRON_MASS_MEV


# ASSUME: "we do not distinguish between Cs and I" means Z = 54, N = 76 and half the molar mass of CsI.
MEAN = Nuclide("mean", 54, 76, CSI_MOLAR_MASS_G / 2 * ATOMIC_MASS_UNIT_MEV, 2)
CESIUM = Nuclide("Cs133", 55, 78, _nuclear_mass_mev(CESIUM_133_MASS_U, 55), 1)
IODINE = Nuclide("I127", 53, 74, _nuclear_mass_mev(IODINE_127_MASS_U, 53), 1)

NUCLEI: dict[str, tuple[Nuclide, ...]] = {"mean": (MEAN,), "cs_and_i": (CESIUM, IODINE)}
