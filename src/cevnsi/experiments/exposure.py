"""How much of a beam a detector has seen: numbers alone, so that what is read depends on no physics."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Beam, target mass and light yield of one detector; numbers are positive and finite.

    None has a default; but a detector that gives energies has no light yield.
    """

    detector_mass_kg: float
    protons_on_target: float
    neutrinos_per_proton: float  # per flavor
    baseline_m: float
    light_yield_pe_per_kev: float | None = None  # photoelectrons per keV of nuclear recoil, Eq. 5

    def __post_init__(self) -> None:
        """Refuse what is no exposure: ValueError."""
        for name, value in vars(self).items():
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"exposure.{name}: {value:g}; expected a positive, finite number")

    @property
    def pe_per_kev(self) -> float:
        """The light yield, photoelectrons per keV; ValueError of a detector that has none."""
        if self.light_yield_pe_per_kev is None:
            raise ValueError("exposure.light_yield_pe_per_kev: is none; expected one for counts of photoelectrons")
        return self.light_yield_pe_per_kev
