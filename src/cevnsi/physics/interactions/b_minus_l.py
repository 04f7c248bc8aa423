"""The mediator of gauged B - L: a third of a quark's charge, -1 of every neutrino's."""

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import QUARKS
from cevnsi.physics.vector_mediator import VectorMediator, coupling_parameter, products, vector_interaction

COUPLING = coupling_parameter(
    name="b_minus_l_coupling", tex="g_{B-L}", html="g<sub>B−L</sub>", spoken="coupling g of B - L"
)


def b_minus_l_charges(momentum_transfer_squared: FloatArray) -> dict[tuple[str, str], Real]:
    """Baryon number less lepton number, of quarks times neutrinos: numbers, for momentum transfers of any shape."""
    # ASSUME: no kinetic mixing with the photon, which loops leave open as these charges times electric ones do not sum
    # up to zero
    return products(dict.fromkeys(QUARKS, 1 / 3), dict.fromkeys(("ee", "mumu", "tautau"), -1.0))


B_MINUS_L = vector_interaction(
    "b_minus_l", VectorMediator(coupling=COUPLING, charges=b_minus_l_charges, muon_charge=lambda _: -1.0)
)
