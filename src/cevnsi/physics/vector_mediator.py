"""Vector mediators: epsilon is g^2 times charges over Q^2 + M^2, so that counts are quadratic in g^2 (Eq. 6).

A mediator is its coupling, and the charges of quarks times those of neutrinos. Contact couplings may be added to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import G_FERMI
from cevnsi.parameters import CONTACT_PARAMETERS, QUARKS, STANDARD_MODEL_PARAMETERS, Parameter
from cevnsi.physics.interaction import Expansion, Interaction, Quadratic, Recoils, Values, by_flavor, named
from cevnsi.physics.weak_charge import ROWS, Epsilon, contact, squared_modulus

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
TIMES_EQ_6 = Parameter(
    name="times_eq_6",
    tex=r"\epsilon/\epsilon_{\mathrm{Eq.\,6}}",
    html="ε/ε<sub>Eq. 6</sub>",
    spoken="epsilon over that of Eq. 6",
    usual=(1.0, 2.0),
    positive=True,
)
# As the paper prints Eq. 6, and what Eq. 9 gives for L = g Z' (nu_L-bar gamma nu_L + q-bar gamma q): twice that.
AS_PRINTED, OF_LAGRANGIAN = 1.0, 2.0

# Charges of a quark and a neutrino multiplied, by (quark, pair), of Q^2 in MeV^2 (...) and of further parameters.
Charges = Callable[..., Mapping[tuple[str, str], Real]]


def coupling_parameter(name: str, tex: str, html: str, spoken: str) -> Parameter:
    """The g of a mediator."""
    return Parameter(name=name, tex=tex, html=html, spoken=spoken, usual=(1e-6, 1e-1), scale="log")


def mediator_coupling_scale(momentum_transfer_squared: FloatArray, mediator_mass_mev: Real) -> FloatArray:
    """Epsilon per squared coupling, 1 / (2 sqrt2 G_F (Q^2 + M^2)) (Eq. 6), without a dimension.

    Q^2 in MeV^2 and M in MeV broadcast.
    """
    scale: FloatArray = 1 / (2 * np.sqrt(2) * G_FERMI * (momentum_transfer_squared + np.square(mediator_mass_mev)))
    return scale


def products(quarks: Mapping[str, Real], neutrinos: Mapping[str, Real]) -> dict[tuple[str, str], Real]:
    """Every charge of a quark times every one of a neutrino, which are called by their diagonal pairs; they broadcast.

    >>> products({"u": 1.0, "d": 2.0}, {"ee": 3.0})
    {('u', 'ee'): 3.0, ('d', 'ee'): 6.0}
    """
    return {(quark, pair): one * other for quark, one in quarks.items() for pair, other in neutrinos.items()}


def _contact(values: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Epsilon of the contact couplings among parameters."""
    return contact({name: value for name, value in values.items() if name in CONTACT_PARAMETERS})


@dataclass(frozen=True, kw_only=True)
class VectorMediator:
    """What a vector mediator couples to, and how its coupling is counted."""

    coupling: Parameter
    charges: Charges
    chosen: Mapping[str, Parameter] = field(default_factory=dict)  # parameters of the charges
    times_eq_6: float = OF_LAGRANGIAN  # where it is not named
    muon_charge: Callable[[Values], Real] | None = None  # of parameters (...); None: it does not couple to muons
    references: tuple[str, ...] = ()  # of its charges, beside those of Eq. 6

    def _products(self, momentum_transfer_squared: FloatArray, values: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
        """Charges multiplied, times what epsilon is over that of Eq. 6."""
        times = values.get(TIMES_EQ_6.name, self.times_eq_6)
        found = self.charges(momentum_transfer_squared, **{name: values[name] for name in self.chosen})
        return {key: times * product for key, product in found.items()}

    def epsilon(self, momentum_transfer_squared: FloatArray, **values: Any) -> Epsilon:
        """That of the mediator (Eq. 6), and of the contact couplings that are named, by (quark, pair).

        Momentum transfers (nodes,) in MeV^2 and values broadcast, to the shape of each entry.
        """
        scale = mediator_coupling_scale(momentum_transfer_squared, values[MASS.name])
        value, epsilon = np.square(values[self.coupling.name]) * scale, _contact(values)
        for key, product in self._products(momentum_transfer_squared, values).items():
            epsilon[key] = epsilon.get(key, 0.0) + product * value
        return epsilon

    def weights(self, recoils: Recoils, values: Values) -> Sequence[FloatArray]:
        """What 1, g^2 and g^4 multiply in Eq. 10, each (..., flavors, nuclides, nodes or 1) at parameters (...).

        There is one flavor where all see the same.
        """
        at_nodes = {name: np.asarray(value)[..., None, None] for name, value in values.items()}
        (protons, neutrons), rows = recoils.nucleons(values), recoils.charges_by_row(values)

        def of_pair(charges: Mapping[tuple[str, str], Any], pair: str) -> Any:
            u, d = (charges.get((quark, pair), 0.0) for quark in QUARKS)
            return protons * (2 * u + d) + neutrons * (u + 2 * d)

        others: dict[str, FloatArray] = {}
        if fixed := _contact(at_nodes):
            for row, (diagonal, *pairs) in ROWS.items():
                rows[row] = rows[row] + of_pair(fixed, diagonal)
                others[row] = sum((np.asarray(squared_modulus(of_pair(fixed, pair))) for pair in pairs), np.zeros(1))
        moving = self._products(recoils.momentum_transfer_squared, at_nodes)
        couples = by_flavor({row: of_pair(moving, diagonal) for row, (diagonal, *_) in ROWS.items()})
        scale = mediator_coupling_scale(recoils.momentum_transfer_squared, at_nodes[MASS.name])
        charge, slope = by_flavor(rows), couples * scale[..., None, :, :]
        square = charge**2 + by_flavor(others) if others else charge**2
        return [square, 2 * charge * slope, slope * slope]

    def powers(self, recoils: Recoils, values: Values) -> Sequence[Real]:
        """1, g^2 and g^4, of any shape of g."""
        square = np.square(values[self.coupling.name])
        return [1.0, square, square * square]


def _powers_along(recoils: Recoils, values: Values, name: str, about: FloatArray) -> Sequence[Sequence[Real]]:
    """1, x and x^2 with x = about + t, by power of t."""
    one, zero = np.ones_like(about), np.zeros_like(about)
    return [[one, about, about * about], [zero, one, 2 * about], [zero, zero, one]]


def vector_interaction(name: str, mediator: VectorMediator) -> Interaction:
    """A vector mediator as an interaction, whose terms are powers of g^2."""
    own, further = named(MASS, mediator.coupling, *mediator.chosen.values()), {TIMES_EQ_6.name: TIMES_EQ_6}
    further |= CONTACT_PARAMETERS
    shaping = (MASS.name, *mediator.chosen, *further, *STANDARD_MODEL_PARAMETERS)
    along = Quadratic(variable=np.square, reach=lambda recoils: np.inf, coefficients=_powers_along)
    return Interaction(
        name=name,
        own=own,
        references=("liao_marfatia_2017", *mediator.references),
        further=further,
        epsilon=mediator.epsilon,
        zero_if_missing=False,
        expansion=Expansion(
            shaping=shaping,
            weights=mediator.weights,
            coefficients=mediator.powers,
            quadratic={mediator.coupling.name: along},
            smooth=True,
        ),
        defaults={} if mediator.times_eq_6 == AS_PRINTED else {TIMES_EQ_6.name: mediator.times_eq_6},
        muon_charge=mediator.muon_charge,
    )
