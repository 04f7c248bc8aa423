"""A light vector mediator with universal couplings (Eq. 6)."""

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import G_FERMI
from cevnsi.parameters import QUARKS
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.vector_mediator import AS_PRINTED, VectorMediator, coupling_parameter, products, vector_interaction
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings

COUPLING = coupling_parameter(name="coupling", tex="g", html="g", spoken="coupling g")


def universal_charges(momentum_transfer_squared: FloatArray) -> dict[tuple[str, str], Real]:
    """One of every quark and neutrino: numbers, for momentum transfers of any shape."""
    return products(dict.fromkeys(QUARKS, 1.0), dict.fromkeys(("ee", "mumu", "tautau"), 1.0))


LIGHT_MEDIATOR = vector_interaction(
    "light_mediator",
    # ASSUME: the factor of Eq. 6 as printed, half of what Eq. 9 gives for
    # L = g Z' (nu_L-bar gamma nu_L + q-bar gamma q)
    VectorMediator(coupling=COUPLING, charges=universal_charges, times_eq_6=AS_PRINTED, muon_charge=lambda _: 1.0),
)


def degenerate_coupling_per_mass(nuclide: Nuclide, sin2_theta_w: float) -> float:
    """g / M_Z' in MeV^-1 at which a heavy mediator flips the sign of the weak charge (Eq. 8, square root).

    With the couplings below Eq. 4, the same for every flavor.
    """
    charge = standard_model_charge(nuclide, tree_couplings(sin2_theta_w))
    return float(np.sqrt(-4 * np.sqrt(2) * charge / (3 * nuclide.mass_number) * G_FERMI))
