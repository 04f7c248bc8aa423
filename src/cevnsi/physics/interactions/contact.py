"""Contact couplings of neutrinos to u and d quarks (Eqs. 9 and 10), and sums of two of them (Eq. 11)."""

from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS
from cevnsi.physics.interaction import Interaction
from cevnsi.physics.weak_charge import contact

CONTACT = Interaction(
    name="contact",
    parameters={**CONTACT_PARAMETERS, **MATTER_PARAMETERS},
    epsilon=lambda momentum_transfer_squared, **parameters: contact(parameters),
    zero_if_missing=True,
)
