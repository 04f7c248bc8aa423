"""Contact couplings of neutrinos to u and d quarks (Eqs. 9 and 10), and sums of two of them (Eq. 11)."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, NEUTRON_RADII
from cevnsi.physics.interaction import (
    Expansion,
    Interaction,
    Quadratic,
    Recoils,
    Values,
    charged,
    charges_alone,
    without_standard_model,
)
from cevnsi.physics.weak_charge import (
    ROWS,
    charge_along,
    contact,
    quark_numbers,
    standard_model_charge,
    weak_charge_squared,
)


def _charges_squared(recoils: Recoils, values: Values) -> Sequence[Real]:
    epsilon, couplings = contact(without_standard_model(values)), recoils.couplings_at(values)
    return [weak_charge_squared(part, row, epsilon, couplings) for row, part in charged(recoils)]


def _charges_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    along, couplings = without_standard_model({**values, name: about}), recoils.couplings_at(values)
    return list(zip(*(charge_along(part, row, along, name, couplings) for row, part in charged(recoils)), strict=True))


def _reach(recoils: Recoils) -> float:
    """How far a coupling moves while its amplitude moves by about the SM charge."""
    couplings = recoils.couplings_at({})
    return min(
        float(3 * np.abs(standard_model_charge(n, couplings, row)) / max(quark_numbers(n).values()))
        for row in ROWS
        for n in recoils.nuclides
    )


ALONG = Quadratic(variable=lambda values: values, reach=_reach, coefficients=_charges_along)

CONTACT = Interaction(
    name="contact",
    own={**CONTACT_PARAMETERS, **MATTER_PARAMETERS},
    references=("liao_marfatia_2017",),
    epsilon=lambda momentum_transfer_squared, **parameters: contact(parameters),
    zero_if_missing=True,
    expansion=Expansion(
        shaping=tuple(NEUTRON_RADII),
        weights=charges_alone,
        coefficients=_charges_squared,
        quadratic=dict.fromkeys(CONTACT_PARAMETERS, ALONG),
        smooth=True,
        by_row=True,
    ),
    has_domains=True,
)
