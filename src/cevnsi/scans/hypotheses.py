"""What toys are fitted with for a plane of parameters, or one of them: at values of what is tested, and anywhere.

Parameters p are what counts are quadratic in. Of contact couplings of one nucleus these are its two charges squared,
which fill intervals, so that chi2 has one minimum and how many couplings there are does not matter; else the couplings
themselves, and of a mediator its coupling squared, at each of several masses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.contraction import has_contraction
from cevnsi.fast.coupling_domain import charge_intervals, handles
from cevnsi.fast.toys import (
    Fitter,
    Packed,
    Quadratics,
    charge_quadratics,
    fitter,
    from_variable,
    is_squared,
    packed,
    quadratics_of,
    reflections_of,
    to_variable,
)
from cevnsi.model import Model, Signal, each_side, is_of_charges, sum_of_terms
from cevnsi.parameters import (
    CEVNS_NORMALIZATION,
    CONTACT_PARAMETERS,
    MATTER_PARAMETERS,
    NEUTRON_RADII,
    expanded,
    quarks_of,
)
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import ROWS
from cevnsi.scans.axes import Scan
from cevnsi.statistics.nuisances import unfitted
from cevnsi.toys import Truth, as_measured

NODES = 25  # of a parameter that shapes templates, such as a mass, between which fits that leave it free do not look


@dataclass(frozen=True, kw_only=True, eq=False)
class Fits:
    """A point of what is tested: its fitter, between what parameters may be, and the fit of the data there."""

    fitter: Fitter
    low: FloatArray  # (dims,)
    high: FloatArray  # (dims,)
    place: FloatArray  # (dims + nuisances,)
    chi2: float

    @cached_property
    def truth(self) -> Truth:
        """Of which toys are drawn, with nuisances as the data want them there."""
        return truth_of(self.fitter, self.place)


def truth_of(of: Fitter, place: FloatArray) -> Truth:
    """That of parameters and nuisances (dims + nuisances,) of a fitter."""
    coefficients, first, signals = of.quadratics.at(place[None, : of.dims])[0], 0, list[Signal]()
    for templates, sides in of.templates:
        mine = coefficients[first : first + len(templates)]
        first += len(templates)

        def counts(values: FloatArray, mine: FloatArray = mine) -> FloatArray:
            return sum_of_terms(list(mine), values)[None]

        signals.append((counts(templates), {name: each_side(counts, two) for name, two in sides.items()}))
    return Truth(signals=signals, nuisances=place[of.dims :])


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypotheses:
    """Tests of some parameters of a scan of one axis or two, whose other parameters are fixed or minimised over."""

    model: Model
    scan: Scan
    tested: tuple[str, ...]
    minimised: tuple[str, ...]  # axes that are not tested, without bounds

    def __post_init__(self) -> None:
        """Refuse what toys cannot be fitted with: ValueError."""
        names = [*self.tested, *self.minimised, *self.scan.domain]
        nuisances = {nuisance.name for nuisance in self.model.nuisances}
        for name in names:
            if name in nuisances or name == CEVNS_NORMALIZATION:
                raise ValueError(f"coverage: {name} is an axis; expected couplings, masses, sin2_theta_w or radii")
        if len(self._shaping_names) > 1:
            listed = ", ".join(self._shaping_names)
            raise ValueError(f"coverage: {listed} change the shape of the signal; expected one such axis at most")
        parts = [name for name in names if name in INTERACTIONS[self._interaction].parts_of_one]
        if len(parts) > 1:
            raise ValueError(
                f"coverage: {', '.join(parts)} are axes, which are at most one together, and toys know only ends of "
                "each; expected one of them, others fixed"
            )
        bounded = [name for name, ends in self.scan.domain.items() if np.isfinite(ends).any()]
        if self._matter and bounded and not self._is_of_charges:
            raise ValueError(
                f"coverage: a domain of {', '.join(bounded)} with bounds, and several nuclei; expected one nucleus, or "
                "domains that are free"
            )
        for row, names in self._free_by_row.items():
            if len(names) > 1 and not self._is_of_charges:
                raise ValueError(
                    f"coverage: {', '.join(names)} have no bounds, and all enter the charge of {row}, of "
                    "which toys do not tell them apart; expected one of them"
                )

    @cached_property
    def _free_by_row(self) -> dict[str, list[str]]:
        """What a domain leaves without bounds, by row; of both quarks of a matter parameter, one."""
        tied = {quarks_of(name)[1] for name in self._matter}
        free = [name for name, ends in self.scan.domain.items() if np.isinf(ends).all() and name not in tied]
        pairs = {
            name: {made.pair for part in expanded({name: 0.0}, self.scan.combinations)
                   if (made := CONTACT_PARAMETERS.get(part))}
            for name in free
        }  # fmt: skip
        return {row: [name for name in free if pairs[name] & set(of)] for row, of in ROWS.items()}

    @property
    def _interaction(self) -> str:
        return self.scan.interaction

    @property
    def _names(self) -> list[str]:
        return [*self.tested, *self.minimised, *self.scan.domain]

    @cached_property
    def _shaping_names(self) -> tuple[str, ...]:
        combinations, terms = self.scan.combinations, INTERACTIONS[self._interaction].terms
        return tuple(name for name in self._names if terms.shaped_by(expanded({name: 0.0}, combinations)))

    @cached_property
    def _matter(self) -> tuple[str, ...]:
        return tuple(name for name in self._names if name in MATTER_PARAMETERS)

    @cached_property
    def _is_of_charges(self) -> bool:
        """Whether the two charges squared of one nucleus are all that there is to fit."""
        made, combinations = INTERACTIONS[self._interaction], self.scan.combinations
        named = [*self._names, *self.scan.fixed]
        own = all(made.has_domain(name, combinations) for name in named)
        if not own or any("emu" in name for name in expanded(dict.fromkeys(named, 0.0), combinations)):
            return False
        everything = dict.fromkeys(self._names, (-np.inf, np.inf))
        return handles(self.model.nuclides, everything, combinations) and is_of_charges(self.model, named)

    @property
    def is_of_eq_7(self) -> bool:
        """Whether toys are those of Eq. 7 in two charges squared."""
        measured = self.model.datasets[0].measurement
        return self._is_of_charges and measured.is_difference and has_contraction(self.model)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of p; of matter parameters and their quarks but two of three."""
        if self._is_of_charges:
            return tuple(f"charge_squared_{row}" for row in ROWS)
        left = {quarks_of(name)[1] for name in self._matter}
        return tuple(name for name in self._names if name not in self._shaping_names and name not in left)

    def _values(self, p: FloatArray) -> dict[str, Real]:
        """Parameters by name at p (n, dims)."""
        values: dict[str, Real] = dict(self.scan.fixed)
        for name, variable in zip(self.variables, p.T, strict=True):
            values[name] = from_variable(self._interaction, name, variable)
        for name in self._matter:
            up, down = quarks_of(name)
            values[down] = np.asarray(values.pop(name)) / 3 - values[up]  # Eq. 11
        return expanded(values, self.scan.combinations)

    @cached_property
    def quadratics(self) -> Quadratics:
        """Coefficients of all terms; ValueError where counts are of higher degree."""
        if self._is_of_charges:
            return charge_quadratics(self.unit)
        terms = INTERACTIONS[self._interaction].terms

        def coefficients(p: FloatArray) -> FloatArray:
            values = self._values(p)
            values = {name: value for name, value in values.items() if name not in NEUTRON_RADII}
            found = [c for dataset in self.model.datasets for c in terms.coefficients(dataset.recoils, values)]
            return np.stack([np.broadcast_to(np.asarray(c, float), (len(p),)) for c in found], axis=1)

        steps = [1e-8 if is_squared(self._interaction, name) else 0.25 for name in self.variables]
        return quadratics_of(coefficients, np.array(steps, float))

    @cached_property
    def _fitters(self) -> dict[tuple[float, ...], Fitter]:
        return {}

    def fitter_at(self, values: Mapping[str, float]) -> Fitter:
        """That of what shapes templates at values; ValueError of data that compiled fits do not take."""
        shaping, terms = {name: values[name] for name in self._shaping_names}, INTERACTIONS[self._interaction].terms
        key = tuple(shaping.values())
        if key not in self._fitters:
            everything = expanded({**self.scan.fixed, **shaping}, self.scan.combinations)
            shapes = {name: value for name, value in everything.items() if terms.shaped_by([name])}
            self._fitters[key] = fitter(self.model, self._interaction, shapes, self.quadratics)
        return self._fitters[key]

    def _ends(self, values: Mapping[str, float]) -> tuple[FloatArray, FloatArray]:
        """Between which p may be at values of some names, all others being free, (dims,) twice."""
        if self._is_of_charges:
            names = [name for name in self._names if name not in values]
            free = {name: self.scan.domain.get(name, (-np.inf, np.inf)) for name in names}
            found = charge_intervals(
                self.model.nuclides[0],
                {**self.scan.fixed, **values},
                free,
                self.model.couplings_at({}),
                self.scan.combinations,
                np.inf,
            )
            low, high = zip(*(found[row] for row in ROWS), strict=True)
            return np.array(low, float) / self.unit, np.array(high, float) / self.unit
        ends, made = np.empty((2, len(self.variables))), INTERACTIONS[self._interaction]
        for k, name in enumerate(self.variables):
            ends[:, k] = self.scan.domain.get(name, (-np.inf, np.inf))
            if name in made.parts_of_one:
                ends[:, k] = 0.0, made.most_of(name, self.scan.fixed)
            if is_squared(self._interaction, name):
                ends[0, k] = 0.0
            if name in values:
                ends[:, k] = to_variable(self._interaction, name, values[name])
        return ends[0], ends[1]

    @cached_property
    def free(self) -> tuple[FloatArray, FloatArray]:
        """Between which p may be where nothing is tested, (dims,) twice."""
        return self._ends({})

    @cached_property
    def free_fitters(self) -> tuple[Fitter, ...]:
        """Those of what shapes templates, at `NODES` of its axis; none where nothing does."""
        return tuple(
            self.fitter_at({name: float(value)})
            for name in self._shaping_names
            for value in replace(self.scan.axis(name), points=NODES).values()
        )

    def mirrors(self, of: Fitter) -> FloatArray:
        """Where else a fitter looks for minima, as `toy_kernel.fit` has it: where charges of a row are the opposite.

        Maps (reflections, dims, dims + 1); none where p are charges squared, of which that is the same.
        """
        if self._is_of_charges or not self.variables:
            return np.zeros((0, len(self.variables), len(self.variables) + 1))
        rows, first, weights = {row: list[int]() for row in ROWS}, 0, []
        for templates, _ in of.templates:
            half = len(templates) // 2
            for i, row in enumerate(ROWS):
                rows[row] += range(first + i * half, first + (i + 1) * half)
            first += len(templates)
            weights.append(templates.sum(axis=1))
        listed = list(rows.values()) if INTERACTIONS[self._interaction].terms.by_row else [list(range(first))]
        return reflections_of(self.quadratics, listed, np.concatenate(weights))

    @cached_property
    def data(self) -> Packed:
        """What has been measured, as a toy."""
        return packed_data(self.model)

    def at(self, values: Mapping[str, float]) -> Fits:
        """The fit of the data at values of what is tested."""
        of, (low, high) = self.fitter_at(values), self._ends(values)
        return fit_of_data(of, self.data, low, high, np.clip(self.standard_model, low, high), self.mirrors(of))

    @cached_property
    def unit(self) -> FloatArray:
        """Charges squared of p = 1, (dims,), those of the standard model, lest p be thousands and nuisances not."""
        terms = INTERACTIONS[self._interaction].terms
        return np.array([float(c) for c in terms.coefficients(self.model.dataset.recoils, {})])

    @cached_property
    def standard_model(self) -> FloatArray:
        """The standard model's p, (dims,), as far as it is in there."""
        if self._is_of_charges:
            return np.ones(len(self.variables))
        analysis = self.model.analyses[0]
        return np.array([analysis.sin2_theta_w if name == "sin2_theta_w" else 0.0 for name in self.variables])


def packed_data(model: Model) -> Packed:
    """What a model has measured, as one toy."""
    return packed(model, as_measured(model))


def fit_of_data(
    of: Fitter, data: Packed, low: FloatArray, high: FloatArray, start: FloatArray, mirrors: FloatArray | None = None
) -> Fits:
    """The fit of some data between ends of p, (dims,), from a start there, (dims,), and nuisances that are not fitted.

    Mirrors are as of `Hypotheses.mirrors`, (reflections, dims, dims + 1).
    """
    begin = np.concatenate([start, unfitted(of.model.nuisances)])
    value, place, _ = of.least(data, low[None], high[None], begin[None], of.hessian(data, begin)[None], mirrors)
    return Fits(fitter=of, low=low, high=high, place=place[0], chi2=float(value[0]))


def hypotheses_of(model: Model, scan: Scan, tested: Sequence[str]) -> Hypotheses:
    """Tests of some axes of a scan of one or two; what other it has is minimised over.

    ValueError of a projection of more axes, and of what `Hypotheses` refuse.
    """
    if scan.over:
        raise ValueError(f"coverage: {', '.join(a.name for a in scan.over)} are minimised over; expected a full grid")
    left = tuple(axis.name for axis in scan.axes if axis.name not in tested)
    return Hypotheses(model=model, scan=scan, tested=tuple(tested), minimised=left)
