"""Interactions: a file with formula and parameters, and one line here for each."""

from cevnsi.parameters import Parameter, by_name
from cevnsi.physics.interaction import Interaction
from cevnsi.physics.interactions.b_minus_l import B_MINUS_L
from cevnsi.physics.interactions.charge_radius import CHARGE_RADIUS
from cevnsi.physics.interactions.contact import CONTACT
from cevnsi.physics.interactions.lepton_differences import L_E_MINUS_L_MU, L_E_MINUS_L_TAU, L_MU_MINUS_L_TAU
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR
from cevnsi.physics.interactions.light_scalar import LIGHT_SCALAR
from cevnsi.physics.interactions.magnetic_moment import MAGNETIC_MOMENT
from cevnsi.physics.interactions.own_charges import OWN_CHARGES
from cevnsi.physics.interactions.sterile import STERILE

INTERACTIONS: dict[str, Interaction] = {
    "contact": CONTACT,
    "light_mediator": LIGHT_MEDIATOR,
    "b_minus_l": B_MINUS_L,
    "l_mu_minus_l_tau": L_MU_MINUS_L_TAU,
    "l_e_minus_l_mu": L_E_MINUS_L_MU,
    "l_e_minus_l_tau": L_E_MINUS_L_TAU,
    "own_charges": OWN_CHARGES,
    "light_scalar": LIGHT_SCALAR,
    "magnetic_moment": MAGNETIC_MOMENT,
    "charge_radius": CHARGE_RADIUS,
    "sterile": STERILE,
}


def parameter(name: str) -> Parameter:
    """The record of a parameter of any interaction; of any other, a nuisance or a combination, one by its name."""
    for interaction in INTERACTIONS.values():
        if name in interaction.parameters:
            return interaction.parameters[name]
    return by_name(name)
