"""Contact couplings of neutrinos to u and d quarks (Eqs. 9 and 10), and sums of two of them (Eq. 11)."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interaction import Expansion, Interaction, Quadratic, Recoils, Values
from cevnsi.physics.weak_charge import (
    ROW_OF_FLAVOR,
    ROWS,
    charge_along,
    contact,
    quark_numbers,
    standard_model_charge,
    weak_charge_squared,
)


def _weights(recoils: Recoils, values: Values) -> Sequence[FloatArray]:
    """One term a row and nuclide, each (flavors, nuclides, 1): one where it is its own charge."""
    of_row = np.array([[row == ROW_OF_FLAVOR[flavor] for flavor in FLAVORS] for row in ROWS], dtype=float)
    of_nuclide = np.eye(len(recoils.nuclides))
    weights = of_row[:, None, :, None] * of_nuclide[None, :, None, :]  # (rows, nuclides, flavors, nuclides)
    return list(weights.reshape(-1, len(FLAVORS), len(recoils.nuclides), 1))


def _charges_squared(recoils: Recoils, values: Values) -> Sequence[Real]:
    epsilon = contact(values)
    return [weak_charge_squared(n, row, epsilon, recoils.sin2_theta_w) for row in ROWS for n in recoils.nuclides]


def _charges_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    along = {**values, name: about}
    return list(
        zip(*(charge_along(n, row, along, name, recoils.sin2_theta_w) for row in ROWS for n in recoils.nuclides),
            strict=True)
    )  # fmt: skip


def _reach(recoils: Recoils) -> float:
    """How far a coupling moves while its amplitude moves by about the SM charge."""
    return min(
        3 * abs(standard_model_charge(n, recoils.sin2_theta_w)) / max(quark_numbers(n).values())
        for n in recoils.nuclides
    )


ALONG = Quadratic(variable=lambda values: values, reach=_reach, coefficients=_charges_along)

CONTACT = Interaction(
    name="contact",
    parameters={**CONTACT_PARAMETERS, **MATTER_PARAMETERS},
    epsilon=lambda momentum_transfer_squared, **parameters: contact(parameters),
    zero_if_missing=True,
    expansion=Expansion(
        shaping=(),
        weights=_weights,
        coefficients=_charges_squared,
        quadratic=dict.fromkeys(CONTACT_PARAMETERS, ALONG),
    ),
    has_domains=True,
)
