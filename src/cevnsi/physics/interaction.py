"""What an interaction is to everything else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import Parameter
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, ROWS, Epsilon, weak_charge_squared

Values = Mapping[str, Real]  # parameters by name, which broadcast


@dataclass(frozen=True, kw_only=True)
class Recoils:
    """Nuclei, and the momentum transfers at which they recoil."""

    nuclides: tuple[Nuclide, ...]
    momentum_transfer_squared: FloatArray  # (nuclides, nodes), MeV^2
    sin2_theta_w: float


@dataclass(frozen=True, kw_only=True)
class Quadratic:
    """How counts move along one parameter: the coefficient of every term is of second degree in a variable."""

    variable: Callable[[FloatArray], FloatArray]  # of the parameter, growing with it
    reach: Callable[[Recoils], float]  # of the parameter, over which an expansion about its middle loses no digits
    # Recoils, other parameters, its name, places (pieces,) of the variable to expand about: by power, coefficients.
    coefficients: Callable[[Recoils, Values, str, FloatArray], Sequence[Sequence[Real]]]


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Counts as a sum over terms: the coefficient of each, times its weight at every recoil.

    Terms are many for some interactions and one for others; what shapes them is best only a few parameters.
    """

    shaping: tuple[str, ...]  # parameters that the weights depend on
    weights: Callable[[Recoils, Values], Sequence[FloatArray]]  # (terms), each (..., flavors, nuclides, nodes) or so
    coefficients: Callable[[Recoils, Values], Sequence[Real]]  # (terms), each of the shape of the parameters
    quadratic: Mapping[str, Quadratic] = field(default_factory=dict)
    smooth: bool = False  # whether weights are rational in Q^2 with poles at Q^2 <= 0 alone, as those of propagators


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Couplings epsilon at momentum transfers (nodes,), from parameters by name that broadcast against the nodes."""

    name: str
    parameters: Mapping[str, Parameter]  # what a scan may name, in the order of its axes
    epsilon: Callable[..., Epsilon]
    zero_if_missing: bool  # what is not named is zero; otherwise every parameter must be
    expansion: Expansion | None = None  # none: from epsilon at every node, hundreds of times the work
    has_domains: bool = False  # its parameters are contact couplings, which are minimised over exactly

    @property
    def terms(self) -> Expansion:
        """Its expansion, or that of one term which is the charge squared at every node (Eq. 10)."""
        return self.expansion or Expansion(
            shaping=tuple(self.parameters), weights=self._charges_squared, coefficients=lambda recoils, values: [1.0]
        )

    def _charges_squared(self, recoils: Recoils, values: Values) -> Sequence[FloatArray]:
        at_nodes = {name: np.asarray(value)[..., None] for name, value in values.items()}
        rows: dict[str, list[FloatArray]] = {row: [] for row in ROWS}
        for i, nuclide in enumerate(recoils.nuclides):
            epsilon = self.epsilon(recoils.momentum_transfer_squared[i], **at_nodes)
            for row, found in rows.items():
                found.append(np.asarray(weak_charge_squared(nuclide, row, epsilon, recoils.sin2_theta_w)))
        shape = np.broadcast_shapes(*(np.shape(charge) for charges in rows.values() for charge in charges), (1,))
        by_row = {
            row: np.stack([np.broadcast_to(charge, shape) for charge in charges], axis=-2)
            for row, charges in rows.items()
        }
        return [np.stack([by_row[ROW_OF_FLAVOR[flavor]] for flavor in FLAVORS], axis=-3)]


def named(*parameters: Parameter) -> dict[str, Parameter]:
    """Parameters by their names."""
    return {parameter.name: parameter for parameter in parameters}
