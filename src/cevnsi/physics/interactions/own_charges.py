"""A vector mediator whose charges are parameters, of either sign."""

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import Parameter
from cevnsi.physics.interaction import named
from cevnsi.physics.vector_mediator import VectorMediator, coupling_parameter, products, vector_interaction

COUPLING = coupling_parameter(name="vector_coupling", tex="g_V", html="g<sub>V</sub>", spoken="vector coupling g")


def _charge(name: str, tex: str, html: str, spoken: str) -> Parameter:
    return Parameter(name=f"charge_{name}", tex=f"Q'_{{{tex}}}", html=f"Q′<sub>{html}</sub>", spoken=spoken)


CHARGES = named(
    _charge("u", "u", "u", "charge of u"),
    _charge("d", "d", "d", "charge of d"),
    _charge("nu_e", r"\nu_e", "ν<sub>e</sub>", "charge of nu e"),
    _charge("nu_mu", r"\nu_\mu", "ν<sub>μ</sub>", "charge of nu mu"),
)


def own_charges(
    momentum_transfer_squared: FloatArray, *, charge_u: Real, charge_d: Real, charge_nu_e: Real, charge_nu_mu: Real
) -> dict[tuple[str, str], Real]:
    """Those that are given, which broadcast; that of nu_tau enters no rate, as the source makes none."""
    return products({"u": charge_u, "d": charge_d}, {"ee": charge_nu_e, "mumu": charge_nu_mu})


OWN_CHARGES = vector_interaction(
    "own_charges",
    VectorMediator(
        coupling=COUPLING,
        charges=own_charges,
        chosen=CHARGES,
        # ASSUME: a muon has the charge of its neutrino, as its partner in a doublet, and a vector coupling
        muon_charge=lambda values: values.get("charge_nu_mu", 0.0),
    ),
)
