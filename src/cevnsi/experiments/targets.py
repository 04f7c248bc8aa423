"""What detectors are made of."""

from dataclasses import dataclass

from cevnsi.constants import ATOMIC_MASS_UNIT_MEV, AVOGADRO
from cevnsi.physics.nuclei import ARGON, CESIUM, IODINE, Nuclide

CSI_MOLAR_MASS_G = 132.90545196 + 126.90447  # g/mol, IUPAC 2018 standard atomic weights of Cs and I
ARGON_MOLAR_MASS_G = 39.948  # g/mol, abridged standard atomic weight of Ar, IUPAC 2018


@dataclass(frozen=True, kw_only=True)
class Target:
    """A material: its nuclides, and how many of each a formula unit has."""

    title: str  # for a reader
    nuclides: tuple[Nuclide, ...]
    per_formula_unit: tuple[int, ...]
    molar_mass_g: float  # of a mole of formula units

    def n_nuclei(self, mass_kg: float) -> tuple[float, ...]:
        """Nuclei of each kind in a mass, k m_det N_A / M with k per formula unit (below Eq. 1)."""
        return tuple(k * mass_kg * 1e3 / self.molar_mass_g * AVOGADRO for k in self.per_formula_unit)


def _mean(cesium: float | None, iodine: float | None) -> float | None:
    return None if cesium is None or iodine is None else (cesium + iodine) / 2


# ASSUME: "we do not distinguish between Cs and I" means Z = 54, N = 76 and half the molar mass of CsI.
# ASSUME: its rms radii are the means of those of Cs and I.
MEAN_OF_CSI = Nuclide(
    name="mean",
    protons=54,
    neutrons=76,
    nuclear_mass_mev=CSI_MOLAR_MASS_G / 2 * ATOMIC_MASS_UNIT_MEV,
    proton_radius_fm=_mean(CESIUM.proton_radius_fm, IODINE.proton_radius_fm),
    neutron_radius_fm=_mean(CESIUM.neutron_radius_fm, IODINE.neutron_radius_fm),
    references=tuple(dict.fromkeys((*CESIUM.references, *IODINE.references))),
)

TARGETS: dict[str, Target] = {
    "mean": Target(
        title="one mean nucleus of CsI",
        nuclides=(MEAN_OF_CSI,),
        per_formula_unit=(2,),
        molar_mass_g=CSI_MOLAR_MASS_G,
    ),
    "cs_and_i": Target(
        title="cesium and iodine separately",
        nuclides=(CESIUM, IODINE),
        per_formula_unit=(1, 1),
        molar_mass_g=CSI_MOLAR_MASS_G,
    ),
    # ASSUME: all of it is argon 40, which 99.6 % of atoms are.
    "argon": Target(
        title="argon 40",
        nuclides=(ARGON,),
        per_formula_unit=(1,),
        molar_mass_g=ARGON_MOLAR_MASS_G,
    ),
}
