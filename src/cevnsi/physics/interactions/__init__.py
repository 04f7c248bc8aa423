"""Interactions: one file each, with its formula and its parameters, and one line here."""

from cevnsi.parameters import Parameter, by_name
from cevnsi.physics.interaction import Interaction
from cevnsi.physics.interactions.charge_radius import CHARGE_RADIUS
from cevnsi.physics.interactions.contact import CONTACT
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR
from cevnsi.physics.interactions.light_scalar import LIGHT_SCALAR
from cevnsi.physics.interactions.magnetic_moment import MAGNETIC_MOMENT
from cevnsi.physics.interactions.sterile import STERILE

INTERACTIONS: dict[str, Interaction] = {
    "contact": CONTACT,
    "light_mediator": LIGHT_MEDIATOR,
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
