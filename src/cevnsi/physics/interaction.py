"""What an interaction is to everything else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import CEVNS_NORMALIZATION, NEUTRON_RADII, STANDARD_MODEL_PARAMETERS, Combination, Parameter
from cevnsi.physics.cross_section import Flight
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import RADIUS_FORM_FACTORS, RadiusFormFactor
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import (
    ROW_OF_FLAVOR,
    ROWS,
    Epsilon,
    NucleonCouplings,
    nucleon_couplings,
    nucleons_apart,
    weak_charge_squared,
)

Values = Mapping[str, Real]  # parameters by name, which broadcast


OF_ROW: FloatArray = np.array([[row == ROW_OF_FLAVOR[flavor] for flavor in FLAVORS] for row in ROWS], dtype=float)


def by_flavor(rows: Mapping[str, FloatArray]) -> FloatArray:
    """What each row has, (..., nuclides, nodes or 1), by flavor, (..., flavors or 1, nuclides, nodes or 1).

    One flavor stands for all where they have the same.
    """
    first, *others = rows.values()
    if all(np.array_equal(first, other) for other in others):
        return first[..., None, :, :]
    return np.stack(np.broadcast_arrays(*(rows[ROW_OF_FLAVOR[flavor]] for flavor in FLAVORS)), axis=-3)


@dataclass(frozen=True, kw_only=True)
class Recoils:
    """Nuclei, the momentum transfers at which they recoil, and what the standard model has for them."""

    nuclides: tuple[Nuclide, ...]
    momentum_transfer_squared: FloatArray  # (nuclides, nodes), MeV^2
    # By coupling of `cross_section.BRACKETS`, recoils over those of the vector, what a weight of that coupling has as a
    # factor, (flavors, nuclides, nodes).
    spectra: Mapping[str, FloatArray] = field(default_factory=dict)
    sin2_theta_w: float
    couplings: str | NucleonCouplings = "tree"  # a name, or given at the SM's sin2_theta_w
    form_factor: RadiusFormFactor | None = None  # None: that of the whole nucleus, which is part of the templates
    flight: Flight | None = None  # of the neutrinos that make them

    def couplings_at(self, values: Values) -> NucleonCouplings:
        """Those of nucleons at parameters of the standard model; one that is left out is the analysis' own.

        ValueError if they have a name that is unknown.
        """
        return nucleon_couplings(self.couplings, self.sin2_theta_w, values)

    def form_factors_at(self, values: Values) -> tuple[FloatArray, ...]:
        """Form factors that are no part of the templates, each (..., nuclides, nodes) at neutron radii (...).

        None, one of both nucleons, or the protons' and the neutrons'. ValueError if there is a radius of one of these
        nuclides that the form factor does not have, or none that it needs; one of another data set's changes nothing.
        """
        mine = {nuclide.name for nuclide in self.nuclides}
        moved = {
            radius.nuclide: values[name]
            for name, radius in NEUTRON_RADII.items()
            if name in values and radius.nuclide in mine
        }
        if self.form_factor is not None:
            return self.form_factor.at_nodes(self.nuclides, self.momentum_transfer_squared, moved)
        if moved:
            raise ValueError(
                f"neutron radius of {', '.join(moved)}: the form factor has none; expected one of "
                f"{', '.join(RADIUS_FORM_FACTORS)}"
            )
        return ()

    def spectrum(self, coupling: str) -> FloatArray:
        """One of the `spectra`, (flavors, nuclides, nodes); ValueError where a bin would have infinitely many of it."""
        found = self.spectra[coupling]
        if not np.isfinite(found).all():
            raise ValueError(
                f"a bin accepts recoils of no energy, of which there are infinitely many with a {coupling} coupling; "
                "expected an acceptance of zero there, or bins above"
            )
        return found

    def nucleons(self, values: Values) -> tuple[FloatArray, FloatArray]:
        """Protons and neutrons of each nuclide times their form factors, each (..., nuclides, nodes or 1).

        ValueError as that of `form_factors_at`.
        """
        factors = self.form_factors_at(values) or (np.array(1.0),)
        protons, neutrons = (
            np.array([[float(number)] for number in numbers]) * factor
            for numbers, factor in (
                ([n.protons for n in self.nuclides], factors[0]),
                ([n.neutrons for n in self.nuclides], factors[-1]),
            )
        )
        return protons, neutrons

    def charges_by_row(self, values: Values) -> dict[str, FloatArray]:
        """The standard model's charges times form factors, each (..., nuclides, nodes or 1), at parameters (...).

        ValueError as those of `couplings_at` and `form_factors_at`.
        """
        at_nodes = {name: np.asarray(value)[..., None, None] for name, value in values.items()}
        (protons, neutrons), couplings = self.nucleons(values), self.couplings_at(at_nodes)
        return {row: protons * proton + neutrons * couplings.neutron for row, proton in couplings.proton.items()}

    def charges(self, values: Values) -> FloatArray:
        """The same by flavor, (..., flavors or 1, nuclides, nodes or 1), of one where all see the same charge."""
        return by_flavor(self.charges_by_row(values))

    def parts(self, nuclide: Nuclide) -> tuple[Nuclide, ...]:
        """What of a nucleus has a charge that is asked for: all of it, and with nucleons apart each kind alone."""
        return (nuclide, *nucleons_apart(nuclide)) if self.form_factor and self.form_factor.apart else (nuclide,)

    def part_weights(self, values: Values) -> list[FloatArray]:
        """What the charge squared of each of the `parts` counts for, (parts), each (..., nuclides, nodes or 1).

        With charges p of the protons and n of the neutrons, and their form factors P and N,

            (p P + n N)^2 = (p + n)^2 P N + p^2 P (P - N) + n^2 N (N - P).

        ValueError as that of `form_factors_at`.
        """
        factors = self.form_factors_at(values)
        if not factors:
            return [np.ones((len(self.nuclides), 1))]
        first, last = factors[0], factors[-1]
        whole = first * last
        return [whole, first * (first - last), last * (last - first)] if len(factors) > 1 else [whole]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One nuclide as neutrinos of one row see it at momentum transfers."""

    nuclide: Nuclide
    row: str
    momentum_transfer_squared: FloatArray  # (nodes,), MeV^2
    protons: FloatArray  # (..., nodes or 1), how many there are times their form factor
    neutrons: FloatArray  # (..., nodes or 1), the same


# What takes the place of the charge squared, form factors in it, where recoils are another coupling's: of what is seen
# and own parameters, (..., nodes).
Strength = Callable[..., Real]


def charges_alone(recoils: Recoils, values: Values) -> list[FloatArray]:
    """One term a row, nuclide and part of it, each (..., flavors, nuclides, nodes or 1): what its charge counts for."""
    of_nuclide = np.eye(len(recoils.nuclides))
    parts = [weight[..., None, :, :] for weight in recoils.part_weights(values)]
    return [row[:, None, None] * nuclide[:, None] * part for row in OF_ROW for nuclide in of_nuclide for part in parts]


def charged(recoils: Recoils) -> list[tuple[str, Nuclide]]:
    """Row and part of a nucleus of each of these terms."""
    return [(row, part) for row in ROWS for nuclide in recoils.nuclides for part in recoils.parts(nuclide)]


def without_standard_model(values: Values) -> dict[str, Real]:
    """Parameters of the interaction itself, without those of the standard model; shapes are left as they are."""
    return {name: value for name, value in values.items() if name not in STANDARD_MODEL_PARAMETERS}


@dataclass(frozen=True, kw_only=True)
class Quadratic:
    """How counts move along one parameter: the coefficient of every term is of second degree in a variable."""

    variable: Callable[[FloatArray], FloatArray]  # of the parameter, of any shape, growing with it
    reach: Callable[[Recoils], float]  # of the parameter, over which an expansion about its middle loses no digits
    # Recoils, other parameters, its name, places (pieces,) of the variable to expand about: by power 0, 1, 2 the
    # coefficients (terms), each (pieces,) or a number.
    coefficients: Callable[[Recoils, Values, str, FloatArray], Sequence[Sequence[Real]]]


@dataclass(frozen=True, kw_only=True)
class Turning:
    """A parameter in which weights are means of sines and cosines."""

    name: str
    fastest: Callable[[Recoils], float]  # of these, in radians a unit of the parameter


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Counts as a sum over terms: the coefficient of each, times its weight at every recoil.

    Terms are many for some interactions and one for others; what shapes them is best only a few parameters.
    """

    shaping: tuple[str, ...]  # parameters that the weights depend on
    weights: Callable[[Recoils, Values], Sequence[FloatArray]]  # (terms), each (..., flavors, nuclides, nodes) or so
    coefficients: Callable[[Recoils, Values], Sequence[Real]]  # (terms), each of the shape of the parameters
    quadratic: Mapping[str, Quadratic] = field(default_factory=dict)
    # Whether weights are rational in Q^2 with poles at Q^2 <= 0 alone, as those of propagators, times form factors.
    smooth: bool = False
    turning: Turning | None = None  # where it alone shapes them, all else as it is in the analysis
    by_row: bool = False  # whether terms are `charges_alone`, rows one after another

    def shaped_by(self, names: Iterable[str]) -> bool:
        """Whether any of these parameters shapes the weights."""
        return not set(self.shaping).isdisjoint(names)


def no_epsilon(momentum_transfer_squared: FloatArray, **parameters: Real) -> Epsilon:
    """Of what leaves the standard model's charges as they are: none, whatever the shapes."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """Couplings epsilon at momentum transfers (nodes,), from parameters by name that broadcast against the nodes.

    What does not interfere with them is added, by its coupling (`cross_section.BRACKETS`).
    """

    name: str
    own: Mapping[str, Parameter]  # its couplings and masses
    references: tuple[str, ...] = ()  # keys of the papers of its formulas, of cevnsi.references
    epsilon: Callable[..., Epsilon] = no_epsilon  # of its own parameters, and of those further ones that are named
    added: Mapping[str, Strength] = field(default_factory=dict)  # the same
    zero_if_missing: bool  # what is not named of its own is zero; otherwise what is not zero in the SM must be
    further: Mapping[str, Parameter] = field(default_factory=dict)  # what may be named besides
    defaults: Mapping[str, float] = field(default_factory=dict)  # of these, where a reader might take others
    expansion: Expansion | None = None  # none: from epsilon at every node, hundreds of times the work
    has_domains: bool = False  # its own parameters are contact couplings, which are minimised over exactly
    # Of neutrinos of each flavor that make each recoil the part that is left, (..., flavors, nuclides, nodes).
    left: Callable[[Recoils, Values], FloatArray] | None = None
    # Parts of a whole: none is negative, and together they are at most one.
    parts_of_one: tuple[str, ...] = ()
    zero_ones: str = "coupling"  # what those are called that are zero where they are not named
    # Of its parameters (...): what a mediator's coupling to muons is, over the one that its counts are quadratic in.
    muon_charge: Callable[[Values], Real] | None = None

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What a scan may name, in the order of its axes: its own, what is added to it, those of the standard model."""
        return {**self.own, **self.further, **STANDARD_MODEL_PARAMETERS}

    def most_of(self, name: str, others: Mapping[str, float]) -> float:
        """What a part of one may be at values of others: one less all that these take."""
        return 1.0 - sum(value for other, value in others.items() if other in self.parts_of_one and other != name)

    def has_domain(self, name: str, combinations: Mapping[str, Combination] = MappingProxyType({})) -> bool:
        """Whether a parameter, or a combination, can be minimised over in a domain, exactly; any other is sampled."""
        of_couplings = combinations[name].is_of_couplings if name in combinations else name in self.own
        return self.has_domains and of_couplings

    @property
    def needed(self) -> tuple[str, ...]:
        """Parameters that must be named; of the standard model none must be, as the analysis has them."""
        if self.zero_if_missing:
            return ()
        return tuple(name for name, parameter in self.own.items() if not parameter.zero_is_standard_model)

    @property
    def terms(self) -> Expansion:
        """Its expansion, or that of one term which is the charge squared at every node (Eq. 10)."""
        found = self.expansion or Expansion(
            shaping=tuple(self.parameters), weights=self._charges_squared, coefficients=lambda recoils, values: [1.0]
        )

        def coefficients(recoils: Recoils, values: Values) -> Sequence[Real]:
            made = found.coefficients(recoils, values)
            if CEVNS_NORMALIZATION not in values:
                return made
            return [values[CEVNS_NORMALIZATION] * coefficient for coefficient in made]

        return replace(found, coefficients=coefficients)

    def _charges_squared(self, recoils: Recoils, values: Values) -> Sequence[FloatArray]:
        total = charges_squared(recoils, values, self.epsilon)
        for coupling, strength in self.added.items():
            total = total + recoils.spectrum(coupling) * self._strengths(recoils, values, strength)
        return [total if self.left is None else total * self.left(recoils, values)]

    def _strengths(self, recoils: Recoils, values: Values, strength: Strength) -> FloatArray:
        """Of each flavor and nuclide, (..., flavors, nuclides, nodes)."""
        own = {name: np.asarray(value)[..., None] for name, value in without_standard_model(values).items()}
        protons, neutrons = recoils.nucleons(values)
        of_flavors = []
        for row in (ROW_OF_FLAVOR[flavor] for flavor in FLAVORS):
            of_nuclides = [
                strength(
                    Seen(
                        nuclide=nuclide,
                        row=row,
                        momentum_transfer_squared=recoils.momentum_transfer_squared[i],
                        protons=protons[..., i, :],
                        neutrons=neutrons[..., i, :],
                    ),
                    **own,
                )
                for i, nuclide in enumerate(recoils.nuclides)
            ]
            of_flavors.append(np.stack(np.broadcast_arrays(*of_nuclides), axis=-2))
        return np.stack(np.broadcast_arrays(*of_flavors), axis=-3)


def charges_squared(recoils: Recoils, values: Values, epsilon_of: Callable[..., Epsilon]) -> FloatArray:
    """Charges squared at every node (Eq. 10), (..., flavors, nuclides, nodes or 1), at parameters (...)."""
    at_nodes = {name: np.asarray(value)[..., None] for name, value in values.items()}
    couplings, weights = recoils.couplings_at(at_nodes), recoils.part_weights(values)
    rows: dict[str, list[FloatArray]] = {row: [] for row in ROWS}
    for i, nuclide in enumerate(recoils.nuclides):
        epsilon = epsilon_of(recoils.momentum_transfer_squared[i], **without_standard_model(at_nodes))
        for row, found in rows.items():
            charge: Real = 0.0
            for part, weight in zip(recoils.parts(nuclide), weights, strict=True):
                charge = charge + weak_charge_squared(part, row, epsilon, couplings) * weight[..., i, :]
            found.append(np.asarray(charge))
    shape = np.broadcast_shapes(*(np.shape(charge) for charges in rows.values() for charge in charges), (1,))
    by_row = {
        row: np.stack([np.broadcast_to(charge, shape) for charge in charges], axis=-2) for row, charges in rows.items()
    }
    return np.stack([by_row[ROW_OF_FLAVOR[flavor]] for flavor in FLAVORS], axis=-3)


def named(*parameters: Parameter) -> dict[str, Parameter]:
    """Parameters by their names."""
    return {parameter.name: parameter for parameter in parameters}
