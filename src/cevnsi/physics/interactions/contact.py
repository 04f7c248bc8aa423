"""Contact couplings of neutrinos to u and d quarks (Eqs. 9 and 10), and sums of two of them (Eq. 11)."""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, NEUTRON_RADII
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interaction import Expansion, Interaction, Quadratic, Recoils, Values, without_standard_model
from cevnsi.physics.nuclei import Nuclide
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
    """One term a row, nuclide and part of it, each (..., flavors, nuclides, nodes or 1): what its charge counts for."""
    of_row = np.array([[row == ROW_OF_FLAVOR[flavor] for flavor in FLAVORS] for row in ROWS], dtype=float)
    of_nuclide = np.eye(len(recoils.nuclides))
    parts = [weight[..., None, :, :] for weight in recoils.part_weights(values)]
    return [row[:, None, None] * nuclide[:, None] * part for row in of_row for nuclide in of_nuclide for part in parts]


def _charged(recoils: Recoils) -> list[tuple[str, Nuclide]]:
    """Row and part of a nucleus of each term."""
    return [(row, part) for row in ROWS for nuclide in recoils.nuclides for part in recoils.parts(nuclide)]


def _charges_squared(recoils: Recoils, values: Values) -> Sequence[Real]:
    epsilon, couplings = contact(without_standard_model(values)), recoils.couplings_at(values)
    return [weak_charge_squared(part, row, epsilon, couplings) for row, part in _charged(recoils)]


def _charges_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    along, couplings = without_standard_model({**values, name: about}), recoils.couplings_at(values)
    return list(zip(*(charge_along(part, row, along, name, couplings) for row, part in _charged(recoils)), strict=True))


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
    epsilon=lambda momentum_transfer_squared, **parameters: contact(parameters),
    zero_if_missing=True,
    expansion=Expansion(
        shaping=tuple(NEUTRON_RADII),
        weights=_weights,
        coefficients=_charges_squared,
        quadratic=dict.fromkeys(CONTACT_PARAMETERS, ALONG),
        smooth=True,
    ),
    has_domains=True,
)
