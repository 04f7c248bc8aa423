"""A light vector mediator with universal couplings (Eq. 6)."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import G_FERMI
from cevnsi.parameters import QUARKS, STANDARD_MODEL_PARAMETERS, Parameter
from cevnsi.physics.interaction import Expansion, Interaction, Quadratic, Recoils, Values, named
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings

MASS = Parameter(
    name="mediator_mass_mev",
    tex="M_{Z'}",
    html="M<sub>Z′</sub>",
    spoken="mediator mass",
    unit="MeV",
    usual=(1.0, 1e4),
    scale="log",
    positive=True,
)
COUPLING = Parameter(name="coupling", tex="g", html="g", spoken="coupling g", usual=(1e-6, 1e-1), scale="log")


def mediator_coupling_scale(momentum_transfer_squared: FloatArray, mediator_mass_mev: Real) -> FloatArray:
    """Epsilon per squared coupling, 1 / (2 sqrt2 G_F (Q^2 + M^2)) (Eq. 6); MeV^2 in, dimensionless out."""
    scale: FloatArray = 1 / (2 * np.sqrt(2) * G_FERMI * (momentum_transfer_squared + np.square(mediator_mass_mev)))
    return scale


def light_mediator(
    momentum_transfer_squared: FloatArray, *, mediator_mass_mev: Real, coupling: Real
) -> dict[tuple[str, str], Real]:
    """Epsilon of a universal vector mediator at each momentum transfer, the same for u and d (Eq. 6)."""
    # ASSUME: the factor of Eq. 6 as printed, half of what Eq. 9 gives for
    # L = g Z' (nu_L-bar gamma nu_L + q-bar gamma q)
    value = np.square(coupling) * mediator_coupling_scale(momentum_transfer_squared, mediator_mass_mev)
    return {(quark, pair): value for quark in QUARKS for pair in ("ee", "mumu", "tautau")}


def _weights(recoils: Recoils, values: Values) -> Sequence[FloatArray]:
    """What 1, g^2 and g^4 multiply in Eq. 6 squared, each (..., flavors, nuclides, nodes or 1) at parameters (...).

    There is one flavor where all see the same charge.
    """
    (protons, neutrons), charge = recoils.nucleons(values), recoils.charges(values)
    mass = np.asarray(values[MASS.name])[..., None, None]
    scale = mediator_coupling_scale(recoils.momentum_transfer_squared, mass)
    slope = (3 * (protons + neutrons) * scale)[..., None, :, :]
    return [charge**2, 2 * charge * slope, slope * slope]


def _powers(recoils: Recoils, values: Values) -> Sequence[Real]:
    square = np.square(values["coupling"])
    return [1.0, square, square * square]


def _powers_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    """1, x and x^2 with x = about + t, by power of t."""
    one, zero = np.ones_like(about), np.zeros_like(about)
    return [[one, about, about * about], [zero, one, 2 * about], [zero, zero, one]]


LIGHT_MEDIATOR = Interaction(
    name="light_mediator",
    own=named(MASS, COUPLING),
    epsilon=light_mediator,
    zero_if_missing=False,
    expansion=Expansion(
        shaping=(MASS.name, *STANDARD_MODEL_PARAMETERS),
        weights=_weights,
        coefficients=_powers,
        quadratic={
            COUPLING.name: Quadratic(variable=np.square, reach=lambda recoils: np.inf, coefficients=_powers_along)
        },
        smooth=True,
    ),
)


def degenerate_coupling_per_mass(nuclide: Nuclide, sin2_theta_w: float) -> float:
    """g / M_Z' in MeV^-1 at which a heavy mediator flips the sign of the weak charge (Eq. 8, square root).

    With the couplings below Eq. 4, the same for every flavor.
    """
    charge = standard_model_charge(nuclide, tree_couplings(sin2_theta_w))
    return float(np.sqrt(-4 * np.sqrt(2) * charge / (3 * nuclide.mass_number) * G_FERMI))
