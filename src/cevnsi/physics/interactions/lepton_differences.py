"""Mediators of a difference of two lepton numbers, which nuclei feel by a loop of those leptons alone."""

from functools import partial

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import LETTERS
from cevnsi.physics.interaction import Interaction
from cevnsi.physics.kinetic_mixing import induced_proton_charge
from cevnsi.physics.vector_mediator import VectorMediator, coupling_parameter, products, vector_interaction


def difference_charges(
    momentum_transfer_squared: FloatArray, *, first: str, second: str
) -> dict[tuple[str, str], Real]:
    """Of L_first - L_second: a proton's charge (`induced_proton_charge`) is shared out among quarks as its electric.

    By (quark, pair), each in the shape of the momentum transfers, which are in MeV^2.
    """
    # ASSUME: no mixing but that of the loop, which is finite
    proton = induced_proton_charge(momentum_transfer_squared, first, second)
    return products({"u": 2 / 3 * proton, "d": -1 / 3 * proton}, {first * 2: 1.0, second * 2: -1.0})


def _difference(first: str, second: str) -> Interaction:
    (tex, plain), (other_tex, other_plain) = LETTERS[first], LETTERS[second]
    name = f"l_{first}_minus_l_{second}"
    coupling = coupling_parameter(
        name=f"{name}_coupling",
        tex=f"g_{{L_{tex}-L_{other_tex}}}",
        html=f"g<sub>L<sub>{plain}</sub>−L<sub>{other_plain}</sub></sub>",
        spoken=f"coupling g of L {first} - L {second}",
    )
    charges = partial(difference_charges, first=first, second=second)
    has_muons = "mu" in (first, second)
    mediator = VectorMediator(
        coupling=coupling,
        charges=charges,
        muon_charge=(lambda _: 1.0 if first == "mu" else -1.0) if has_muons else None,
        references=("amaral_2020", "peskin_schroeder_1995"),
    )
    return vector_interaction(name, mediator)


L_MU_MINUS_L_TAU = _difference("mu", "tau")
L_E_MINUS_L_MU = _difference("e", "mu")
L_E_MINUS_L_TAU = _difference("e", "tau")
