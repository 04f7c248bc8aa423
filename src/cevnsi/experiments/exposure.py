"""How much of a beam a detector has seen: numbers alone, so that what is read depends on no physics."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Beam, target mass and light yield of one detector; numbers are positive and finite, and none has a default."""

    detector_mass_kg: float
    protons_on_target: float
    neutrinos_per_proton: float  # per flavor
    baseline_m: float
    light_yield_pe_per_kev: float  # photoelectrons per keV of nuclear recoil, Eq. 5

    def __post_init__(self) -> None:
        """Refuse what is no exposure."""
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise ValueError(f"exposure.{name}: {value:g}; expected a positive, finite number")
