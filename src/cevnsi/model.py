"""A model: what an analysis assumes, and its data sets; expected counts and chi2 of it at parameters, the plain way.

    coefficients (terms, ...)            of an interaction at parameters
    expected (..., bins)                 = coefficients . templates + sum of backgrounds
    directions (..., nuisances, bins)    one a nuisance, taken at the current nuisances and iterated
    chi2 (...)                           = profile(statistic, observed, expected, directions, sigma)

Eq. 7 has the terms Q_e^2 and Q_mu^2, one nuisance, and a Gaussian statistic.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from itertools import pairwise, product
from operator import itemgetter
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.experiments.clock import Clock
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import ARRIVAL_TIME, PHOTOELECTRONS, Measurement, Sideband, bins_between
from cevnsi.experiments.release import Experiment, Variation, in_energy_alone
from cevnsi.experiments.response import Acceptance, Response
from cevnsi.experiments.targets import TARGETS
from cevnsi.parameters import CEVNS_NORMALIZATION, NEUTRON_RADII
from cevnsi.physics.cross_section import Spectrum, largest_recoil_mev, recoil_spectrum
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import form_factor_named
from cevnsi.physics.interaction import Recoils, Values, without_standard_model
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROWS, NucleonCouplings
from cevnsi.statistics.likelihoods import STATISTICS, Terms, poisson_with_control
from cevnsi.statistics.nuisances import (
    COMMON,
    SIGNAL,
    Nuisance,
    Sample,
    Sides,
    centres_by,
    held,
    limits,
    precisions,
    spread,
    unfitted,
)
from cevnsi.statistics.profile import Crossed, Expected, Profiled, profile
from cevnsi.templates import Templates, build_templates, luminosities_per_cm2

WALL = 1e-3  # counts that are expected of an empty bin, next to nothing beside any background
BARRIERS = tuple(10.0**-k for k in range(10))  # counts; the last leaves 2e-9 of chi2 a bin
MOST_DOUBLINGS = 60  # of a charge squared, which is 1e3 in the standard model; of one that is not seen at all
MARGIN = 16.0  # on a charge squared that alone is too much
VALUES_AT_ONCE = 200_000  # of arrays of which a few dozen are needed: points minimised at, or nodes times masses


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One set of assumptions about target, detector and data."""

    dataset: str
    nuclei: str
    form_factor: str
    sin2_theta_w: float
    exposure: Exposure
    photoelectron_range: tuple[float, float] | None  # None: the release's own choice of bins
    normalization_uncertainty: float | None  # None: the nuisances are the release's
    scans: tuple[str, ...]
    couplings: str | NucleonCouplings = "tree"  # a name of `COUPLINGS`, or given at the SM's sin2_theta_w
    kinematics: str = "as_written"  # of Eq. 3, one of `KINEMATICS`

    @property
    def sigma_alpha(self) -> float:
        """Of Eq. 7; ValueError for data of another likelihood."""
        if self.normalization_uncertainty is None:
            raise ValueError("normalization_uncertainty: is none; Eq. 7 needs one")
        return self.normalization_uncertainty


# Expected signal at some points, (..., bins), and what each nuisance of its shape adds to it; bins are cells, of energy
# and group, where there is a clock.
Signal = tuple[FloatArray, Mapping[str, Sides]]


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSet:
    """What one experiment has measured, what it would count, and what is not known of that."""

    measurement: Measurement
    templates: Templates
    nuisances: tuple[Nuisance, ...]
    statistic: str
    sin2_theta_w: float
    name: str = "data"  # as best_fit.json calls it
    couplings: str | NucleonCouplings = "tree"
    # By nuisance: templates at +1 and at -1 of it; without the second they are mirror images.
    varied: Mapping[str, tuple[Templates, Templates | None]] = field(default_factory=dict)
    clock: Clock | None = None
    sidebands: Mapping[str, Sideband] = field(default_factory=dict)  # by background, what toys make it of

    def __post_init__(self) -> None:
        """Refuse nuisances of what is not there, and a statistic without what it needs: ValueError."""
        self.terms(self.measurement.observed)  # which refuses another's counts
        for nuisance in self.nuisances:
            for sample in {*nuisance.scales, *nuisance.shifts} - {SIGNAL, *self.measurement.backgrounds}:
                known = ", ".join([SIGNAL, *self.measurement.backgrounds])
                raise ValueError(f"nuisance {nuisance.name}: {sample!r} is no sample; expected one of {known}")
        names = {nuisance.name for nuisance in self.nuisances}
        for name in set(self.varied) - names:
            raise ValueError(f"varied templates of {name!r}, which is no nuisance of this data set")
        if self.clock is not None and self.clock.nuisance not in names:
            raise ValueError(f"a clock of {self.clock.nuisance!r}, which is no nuisance of this data set")
        for nuisance in self.nuisances:
            if self.clock is not None and nuisance.name == self.clock.nuisance:
                ends = (nuisance.least, nuisance.most) if nuisance.fixed is None else (nuisance.fixed, nuisance.fixed)
                self.clock.check(*ends)

    def terms(self, counts: FloatArray, empty: float = 0.0) -> Terms:
        """Chi2 of expected counts (..., bins) and its derivatives, before the nuisances' own terms.

        As if so much were observed in bins of Poisson counts that are `empty`. ValueError of counts with a control
        region under another statistic than Poisson's.
        """
        measured = self.measurement
        if measured.control is None:
            observed = np.maximum(measured.observed, empty) if self.statistic == "poisson" else measured.observed
            return STATISTICS[self.statistic](counts, observed, measured.uncertainty)
        if self.statistic != "poisson":
            raise ValueError(f"{self.statistic}: counts with a control region; expected poisson")
        return poisson_with_control(counts, measured.observed, measured.control.counts, measured.control.windows)

    @cached_property
    def recoils(self) -> Recoils:
        """Where an interaction is asked for."""
        return self.recoils_of(self.templates)

    def recoils_of(self, templates: Templates) -> Recoils:
        """The same, of templates of these recoils or others."""
        return Recoils(
            nuclides=templates.nuclides,
            momentum_transfer_squared=templates.momentum_transfer_squared,
            spectra=templates.spectra,
            sin2_theta_w=self.sin2_theta_w,
            couplings=self.couplings,
            form_factor=templates.form_factor,
            flight=templates.flight,
        )

    def in_time(self, cells: FloatArray, nuisances: Mapping[str, float] = MappingProxyType({})) -> FloatArray:
        """A signal by bin, (..., bins), of one that is by cell, (..., cells), if there is a clock.

        The offset is that among nuisances, else what it is held at, or zero.
        """
        if self.clock is None:
            return cells
        held_at = next(n.fixed or 0.0 for n in self.nuisances if n.name == self.clock.nuisance)
        return spread(cells, self.clock.shares[SIGNAL].at(nuisances.get(self.clock.nuisance, held_at)))

    @property
    def contact_templates(self) -> FloatArray:
        """Counts for a charge squared of one by row, nuclide and `parts`, (rows * nuclides * parts, bins or cells)."""
        return self.term_templates("contact", {})

    @cached_property
    def _unshaped(self) -> dict[tuple[str, str, bool], FloatArray]:
        """Counts of each term by interaction and variation, once asked for, where no parameter shapes them."""
        return {}

    def term_templates(self, interaction: str, parameters: Values, varied: str = "", up: bool = True) -> FloatArray:
        """Counts of each term for a coefficient of one, (terms, ..., bins) at what shapes them; of cells with a clock.

        With a nuisance's name those at +1 of it, or at -1; ValueError where these are but mirror images.
        """
        terms, key = INTERACTIONS[interaction].terms, (interaction, varied, up)
        shaped = terms.shaped_by(parameters)
        if key in self._unshaped and not shaped:
            return self._unshaped[key]
        templates = self.varied[varied][0 if up else 1] if varied else self.templates
        if templates is None:
            raise ValueError(f"templates at -1 of {varied}: mirror images; expected those at +1")
        counts = _counts(templates, terms.weights(self.recoils_of(templates), parameters))
        if not shaped:
            self._unshaped[key] = counts
        return counts

    def term_sides(self, interaction: str, parameters: Values) -> dict[str, Sides]:
        """What each nuisance of the signal's shape adds to counts of each term, (terms, ..., bins) by side."""
        nominal = self.term_templates(interaction, parameters)

        def side(name: str, up: bool) -> FloatArray:
            return np.asarray(self.term_templates(interaction, parameters, name, up) - nominal)

        return {
            name: (side(name, True), None if two[1] is None else side(name, False)) for name, two in self.varied.items()
        }

    def signal(self, interaction: str, parameters: Values) -> Signal:
        """Expected signal at parameters that broadcast to (...): counts (..., bins), (..., cells) if there is a clock.

        And what each nuisance of its shape adds to them.
        """
        coefficients = INTERACTIONS[interaction].terms.coefficients(self.recoils, parameters)
        counts = sum_of_terms(coefficients, self.term_templates(interaction, parameters))
        sides = self.term_sides(interaction, parameters)
        return counts, {name: each_side(partial(sum_of_terms, coefficients), two) for name, two in sides.items()}

    def by_flavor(self, interaction: str, parameters: Mapping[str, float]) -> FloatArray:
        """Expected counts of the signal at one point, (flavors, bins)."""
        return self.in_time(self._flavors_of(self.templates, interaction, parameters))

    def flavors(self, interaction: str, parameters: Mapping[str, float]) -> Signal:
        """The signal at one point by flavor, (flavors, bins): flavors stand where `signal` has points."""
        nominal = self._flavors_of(self.templates, interaction, parameters)

        def change(templates: Templates) -> FloatArray:
            return self._flavors_of(templates, interaction, parameters) - nominal

        sides = {name: (change(up), None if down is None else change(down)) for name, (up, down) in self.varied.items()}
        return nominal, sides

    def _flavors_of(self, templates: Templates, interaction: str, parameters: Mapping[str, float]) -> FloatArray:
        """Counts of each flavor by these templates, (flavors, bins)."""
        terms = INTERACTIONS[interaction].terms
        weights = terms.weights(self.recoils_of(templates), parameters)
        per_bin = [templates.per_bin(weight).sum(axis=-2) for weight in weights]
        return sum_of_terms(terms.coefficients(self.recoils, parameters), per_bin)


def each_side(change: Callable[[FloatArray], FloatArray], sides: Sides) -> Sides:
    """The same done to both sides, of any shape, where there are two."""
    up, down = sides
    return change(up), None if down is None else change(down)


def _counts(templates: Templates, weights: Sequence[FloatArray]) -> FloatArray:
    """Counts of each term, (terms, ..., bins)."""
    counts = [templates.counts(weight) for weight in weights]
    return np.stack(np.broadcast_arrays(*counts))


def sum_of_terms(coefficients: Sequence[Real], templates: FloatArray | Sequence[FloatArray]) -> FloatArray:
    """Coefficients (terms), each (...), times templates (terms, ..., bins), (..., bins).

    Term by term, so that no digit depends on how many points there are.
    """
    total = np.zeros(templates[0].shape[-1])
    for coefficient, template in zip(coefficients, templates, strict=True):
        total = total + np.asarray(coefficient)[..., None] * template
    return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Led:
    """A model in which one nuisance stands for all that scale a sample, so that no two have to cancel.

    Under a signal 1e10 times too large two that scale it would cancel to so many digits. What leads is their sum, the
    whole factor of the sample less one; with priors are the nuisances, `by` (nuisances, nuisances) times these.
    """

    model: "Model"
    by: FloatArray | None  # (nuisances, nuisances); None: none leads

    def nuisances(self, led: FloatArray) -> FloatArray:
        """Those with priors, (n, nuisances), of its own."""
        return led if self.by is None else led @ self.by.T

    def below(self, led: FloatArray) -> NDArray[np.bool_]:
        """Of which points (n,) a nuisance that leads is less than it may be, at its own (n, nuisances)."""
        if self.by is None:
            return np.zeros(len(led), bool)
        return np.asarray((self.nuisances(led) < limits(self.model.nuisances)[0] - 1e-12).any(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """Everything that chi2 at a point needs but the point."""

    analyses: tuple[Analysis, ...]  # one of each data set
    datasets: tuple[DataSet, ...]

    @property
    def analysis(self) -> Analysis:
        """The assumptions of a model of one data set; ValueError of a joint one."""
        if len(self.analyses) != 1:
            raise ValueError(f"a model of {len(self.analyses)} data sets; expected one")
        return self.analyses[0]

    @property
    def dataset(self) -> DataSet:
        """The data set of a model of one; ValueError of a joint one."""
        if len(self.datasets) != 1:
            raise ValueError(f"a model of {len(self.datasets)} data sets; expected one")
        return self.datasets[0]

    @cached_property
    def nuclides(self) -> tuple[Nuclide, ...]:
        """Of all data sets, in their order."""
        return tuple(nuclide for dataset in self.datasets for nuclide in dataset.templates.nuclides)

    def couplings_at(self, values: Values) -> NucleonCouplings:
        """Those of nucleons at parameters of the standard model; ValueError if data sets do not have the same."""
        first, *others = (dataset.recoils.couplings_at({}) for dataset in self.datasets)
        if any(other != first for other in others):
            raise ValueError("data sets with couplings of nucleons of their own; expected the same of all")
        return self.datasets[0].recoils.couplings_at(values)

    @cached_property
    def standard_model_counts(self) -> FloatArray:
        """Counts that the standard model predicts, (bins,) of all data sets."""
        return np.concatenate([dataset.in_time(dataset.signal("contact", {})[0]) for dataset in self.datasets])

    @cached_property
    def standard_model_signals(self) -> list[Signal]:
        """What the standard model predicts of each data set, one point."""
        return [of_one_point(dataset.signal("contact", {})) for dataset in self.datasets]

    @cached_property
    def nuisances(self) -> tuple[Nuisance, ...]:
        """Every nuisance once, in the order of the data sets; ValueError if two data sets have one name for two."""
        union: dict[str, Nuisance] = {}
        for nuisance in (nuisance for dataset in self.datasets for nuisance in dataset.nuisances):
            first = union.setdefault(nuisance.name, nuisance)
            for what in COMMON:
                one, other = getattr(first, what), getattr(nuisance, what)
                if one != other:
                    raise ValueError(
                        f"nuisance {nuisance.name}: {what} {one} and {other} in two data sets; expected one, as one "
                        "name is one parameter"
                    )
        return tuple(union.values())

    @cached_property
    def parts(self) -> list[slice]:
        """Where each data set is among the bins of all."""
        ends = np.cumsum([0, *(np.size(dataset.measurement.observed) for dataset in self.datasets)])
        return [slice(int(first), int(last)) for first, last in pairwise(ends)]

    def likelihood(self, counts: FloatArray, empty: float = 0.0) -> Terms:
        """Chi2 (n,) of expected counts (n, bins of all data sets) before the nuisances' own terms.

        And its first and second derivatives by bin, (n, bins); `empty` as of `terms`.
        """
        found = [dataset.terms(counts[:, part], empty) for part, dataset in zip(self.parts, self.datasets, strict=True)]
        slope, curvature = (np.concatenate([terms[i] for terms in found], axis=-1) for i in (1, 2))
        return np.sum([terms[0] for terms in found], axis=0), slope, curvature

    def expected(self, signals: Sequence[Signal], side: FloatArray | None = None) -> Expected:
        """Counts of all bins against the nuisances, for signals (points, bins) of each data set.

        Of a shape with a kink at zero, directions are those of a side (nuisances,), or that of the nuisances.
        """
        parts = [
            samples_of(dataset, signal, self.nuisances) for dataset, signal in zip(self.datasets, signals, strict=True)
        ]

        def counts(theta: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
            total, directions = [], []
            for part in parts:
                found = [sample.counts(theta, which, side) for sample in part]
                total.append(sum(f[0] for f in found))
                directions.append(sum(f[1] for f in found))
            return np.concatenate(total, axis=-1), np.concatenate(directions, axis=-1)

        return counts

    def crossed(self, signals: Sequence[Signal], side: FloatArray | None = None) -> Crossed:
        """What second derivatives of these counts add to those of chi2, (n, nuisances, nuisances).

        For signals (points, bins) of each data set; the side (nuisances,) is as of `expected`.
        """
        samples = [
            (part, sample)
            for part, dataset, signal in zip(self.parts, self.datasets, signals, strict=True)
            for sample in samples_of(dataset, signal, self.nuisances)
        ]

        def total(theta: FloatArray, slope: FloatArray, which: NDArray[np.intp]) -> FloatArray:
            found = [one.crossed(theta, slope[:, part], which, side) for part, one in samples]
            return np.asarray(np.sum(found, axis=0))

        return total

    @cached_property
    def shaping(self) -> NDArray[np.bool_]:
        """Which nuisances, (nuisances,), change shapes or times: with any, counts are not linear in them all."""
        names: set[str] = set()
        for dataset in self.datasets:
            names |= {*dataset.varied, *(n.name for n in dataset.nuisances if n.shifts)}
            names |= set() if dataset.clock is None else {dataset.clock.nuisance}
        return np.array([nuisance.name in names for nuisance in self.nuisances], dtype=bool)

    @cached_property
    def kinked(self) -> NDArray[np.bool_]:
        """Of which nuisances, (nuisances,), shapes have a kink at zero."""
        of_signal = {name for dataset in self.datasets for name, two in dataset.varied.items() if two[1] is not None}
        of_others = {
            nuisance.name
            for dataset in self.datasets
            for nuisance in dataset.nuisances
            if any(down is not None for _, down in nuisance.shifts.values())
        }
        return np.array([nuisance.name in of_signal | of_others for nuisance in self.nuisances], dtype=bool)

    @cached_property
    def led(self) -> "Led":
        """The same model by other parameters, where several free nuisances scale one sample."""
        number = {nuisance.name: j for j, nuisance in enumerate(self.nuisances)}
        lists = Counter(nuisance.name for dataset in self.datasets for nuisance in dataset.nuisances)
        by, datasets = np.eye(len(number)), []
        for dataset in self.datasets:
            scales = {nuisance.name: nuisance.scales for nuisance in dataset.nuisances}
            for sample in (SIGNAL, *dataset.measurement.backgrounds):
                scaling = [n for n in dataset.nuisances if sample in n.scales]
                alone = [
                    n for n in scaling if n.scales == (sample,) and lists[n.name] == 1 and n.least in (-1, -math.inf)
                ]
                apart = any(n.fixed is not None or self.shaping[number[n.name]] for n in scaling)
                if len(scaling) < 2 or not alone or apart:
                    continue
                lead = alone[-1].name
                for other in (n.name for n in scaling if n.name != lead):
                    by[number[lead], number[other]] = -1.0
                    scales[other] = tuple(name for name in scales[other] if name != sample)
            nuisances = tuple(replace(n, scales=scales[n.name]) for n in dataset.nuisances)
            datasets.append(replace(dataset, nuisances=nuisances))
        moved = bool((by != np.eye(len(number))).any())
        return Led(model=replace(self, datasets=tuple(datasets)) if moved else self, by=by if moved else None)

    def profiled(self, signals: Sequence[Signal], at: Mapping[str, FloatArray] = MappingProxyType({})) -> Profiled:
        """Chi2 of expected signals, (points, bins) of each data set, least over the nuisances but those `at` values.

        Chi2 is (points,), nuisances (points, nuisances), values `at` by name (points,) or one of all. On each side of
        every kink chi2 is smooth, so it is the least of those on all sides, and of all `starts`. Scales alone come
        first: under a signal that is far too large, shapes would be bent beyond any counts.
        """
        led = Led(model=self, by=None) if at else self.led
        found = led.model._profiled(signals, at, led.by)
        nuisances, below = led.nuisances(found.nuisances), np.flatnonzero(led.below(found.nuisances))
        if below.size:
            again = self._profiled([each_of(itemgetter(below), signal) for signal in signals], at, None)
            found.chi2[below], nuisances[below] = again.chi2, again.nuisances
        return Profiled(chi2=found.chi2, nuisances=nuisances)

    def _profiled(self, signals: Sequence[Signal], at: Mapping[str, FloatArray], by: FloatArray | None) -> Profiled:
        first, stay = np.tile(unfitted(self.nuisances), (len(signals[0][0]), 1)), held(self.nuisances)
        for j, nuisance in enumerate(self.nuisances):
            if nuisance.name in at:
                first[:, j], stay[j] = at[nuisance.name], True
        least, most = limits(self.nuisances)
        tries = [[(j, value) for value in n.starts] for j, n in enumerate(self.nuisances) if n.starts and not stay[j]]
        sides = [(1.0, -1.0) if kinked else (0.0,) for kinked in self.kinked & ~stay]
        centre = centres_by(self.nuisances, by)
        least_over = partial(profile, self.likelihood, precision=precisions(self.nuisances), centre=centre, by=by)
        found = []
        for chosen in product(*tries):
            for j, value in chosen:
                first[:, j] = value
            start = first
            if self.shaping.any():
                start = least_over(
                    self.expected(signals), start=first, least=least, most=most, held=stay | self.shaping
                ).nuisances
            for signs in product(*sides):
                side = np.array(signs)
                found.append(
                    least_over(
                        self.expected(signals, side),
                        start=start,
                        least=np.where(side > 0, 0.0, least),
                        most=np.where(side < 0, 0.0, most),
                        held=stay,
                        crossed=self.crossed(signals, side) if self.shaping.any() else None,
                    )
                )
        chi2, nuisances = np.stack([made.chi2 for made in found]), np.stack([made.nuisances for made in found])
        best, every = chi2.argmin(axis=0), np.arange(chi2.shape[1])
        result = Profiled(chi2=chi2[best, every], nuisances=nuisances[best, every])
        if self.shaping.any():
            self._along_walls(signals, result, start, stay, by)
        return result

    def _along_walls(
        self,
        signals: Sequence[Signal],
        found: Profiled,
        start: FloatArray,
        stay: NDArray[np.bool_],
        by: FloatArray | None,
    ) -> None:
        """Put right where a descent has ended at a bin that is empty, and where shapes let nothing be expected.

        Chi2 is finite at that wall and infinite beyond, which no Newton step sees. As if a little were observed there
        it is smooth; with less and less of that the minimum goes along the wall (a logarithmic barrier, Sec. 11.3 of
        S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge, 2004).
        """
        empty = np.concatenate([d.measurement.observed == 0 for d in self.datasets])
        counts = self.expected(signals)(found.nuisances, np.arange(found.chi2.size))[0]
        walled = np.flatnonzero((counts[:, empty] < WALL).any(axis=1))
        signs = np.where(self.kinked & ~stay, np.where(found.nuisances[walled] < 0, -1.0, 1.0), 0.0)
        least, most = limits(self.nuisances)
        root = np.sqrt(precisions(self.nuisances))[:, None]
        prior = root * (np.eye(len(self.nuisances)) if by is None else by)
        centre = centres_by(self.nuisances, by)
        for side in np.unique(signs, axis=0):
            some = walled[(signs == side).all(axis=1)]
            mine, at = [each_of(itemgetter(some), signal) for signal in signals], start[some]
            expected = self.expected(mine, side)
            for barrier in BARRIERS:
                at = profile(
                    partial(self.likelihood, empty=barrier),
                    expected,
                    precisions(self.nuisances),
                    at,
                    np.where(side > 0, 0.0, least),
                    centre=centre,
                    held=stay,
                    most=np.where(side < 0, 0.0, most),
                    crossed=self.crossed(mine, side),
                    by=by,
                ).nuisances
            pulls = (at - centre) @ prior.T
            chi2 = self.likelihood(expected(at, np.arange(some.size))[0])[0] + (pulls**2).sum(axis=1)
            lower = chi2 < found.chi2[some]
            found.chi2[some[lower]], found.nuisances[some[lower]] = chi2[lower], at[lower]


def each_of(change: Callable[[FloatArray], FloatArray], signal: Signal) -> Signal:
    """The same done to the counts of a signal, (..., bins), and to all that nuisances add to it."""
    counts, changes = signal
    return change(counts), {name: each_side(change, two) for name, two in changes.items()}


def of_one_point(signal: Signal) -> Signal:
    """A signal (bins,) as that of points, (1, bins)."""
    return each_of(lambda values: values[None], signal)


def samples_of(dataset: DataSet, signal: Signal, nuisances: Sequence[Nuisance]) -> list[Sample]:
    """The samples of a data set for a signal (points, bins), and how the nuisances of all data sets move them."""
    mine = {nuisance.name: nuisance for nuisance in dataset.nuisances}
    number, clock = {nuisance.name: j for j, nuisance in enumerate(nuisances)}, dataset.clock
    shapes = {SIGNAL: signal[0], **{name: values[None] for name, values in dataset.measurement.backgrounds.items()}}
    samples = []
    for name, shape in shapes.items():
        scaled = np.array([float(n.name in mine and name in mine[n.name].scales) for n in nuisances])
        shifts: dict[int, Sides] = {
            number[other]: each_side(lambda values: values[None], nuisance.shifts[name])
            for other, nuisance in mine.items()
            if name in nuisance.shifts
        }
        if name == SIGNAL:
            shifts |= {number[other]: sides for other, sides in signal[1].items()}
        arrival = None
        if clock is not None and name in clock.shares:
            arrival = number[clock.nuisance], clock.shares[name]
            shape = shape if name == SIGNAL else clock.shapes[name][None]
        samples.append(Sample(shape=shape, scaled_by=scaled, shifts=shifts, arrival=arrival))
    return samples


def profiled(model: Model, interaction: str, parameters: Values) -> Profiled:
    """Chi2 (points,) and nuisances (points, nuisances) at parameters of an interaction, which broadcast; flat.

    A nuisance among the parameters is held at its value, where its prior counts.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    named = {nuisance.name for nuisance in model.nuisances} & parameters.keys()
    at = {name: np.broadcast_to(parameters[name], shape).ravel() for name in named}
    parameters = {name: value for name, value in parameters.items() if name not in named}

    def flat(counts: FloatArray) -> FloatArray:
        return np.broadcast_to(counts, (*shape, counts.shape[-1])).reshape(-1, counts.shape[-1])

    return model.profiled([each_of(flat, dataset.signal(interaction, parameters)) for dataset in model.datasets], at)


def chi2_at(model: Model, interaction: str, parameters: Values) -> FloatArray:
    """Chi2 at parameters of any interaction, which broadcast, in their shape: the plain way, with no shortcut.

    Least over nuisances; one that is among the parameters is held at its value.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    shaped = INTERACTIONS[interaction].terms.shaped_by(parameters)
    most = max(VALUES_AT_ONCE // max(_cost(dataset, shaped) for dataset in model.datasets), 1)
    if math.prod(shape) <= most:
        return profiled(model, interaction, parameters).chi2.reshape(shape)
    flat = {name: np.broadcast_to(value, shape).ravel() for name, value in parameters.items()}
    parts = [
        profiled(model, interaction, {name: value[start : start + most] for name, value in flat.items()}).chi2
        for start in range(0, math.prod(shape), most)  # block by block, lest memory grow with the points
    ]
    return np.concatenate(parts).reshape(shape)


def standard_model_chi2(model: Model) -> float:
    """Chi2 with every coupling beyond the standard model zero."""
    return float(chi2_at(model, "contact", {}))


def _cost(dataset: DataSet, shaped: bool) -> int:
    """Values that one point needs at once: by bin and nuisance, or by node."""
    bins = np.size(dataset.measurement.observed) * (1 + len(dataset.nuisances))
    return max(bins, dataset.templates.recoil_energy_mev.size if shaped else 0)


def is_of_charges(model: Model, named: Iterable[str] = ()) -> bool:
    """Whether counts at named parameters depend on the charge squared of each row and nuclide alone."""
    apart = any(form.apart for dataset in model.datasets if (form := dataset.templates.form_factor))
    return not apart and NEUTRON_RADII.keys().isdisjoint(named)


def _refuse_other_than_charges(model: Model, named: Iterable[str] = ()) -> None:
    if not is_of_charges(model, named):
        raise ValueError(
            "a domain of couplings, and protons and neutrons apart or a neutron radius as a parameter; expected one "
            "form factor of both, and no radius"
        )


def at_standard_model(model: Model, parameters: Values) -> tuple[NucleonCouplings, dict[str, Real]]:
    """Couplings of nucleons at parameters, and these without the standard model's, to minimise over contact couplings.

    Their shapes are left as they are. ValueError where counts depend on more than charges squared by row and nuclide,
    or data sets have couplings of their own.
    """
    _refuse_other_than_charges(model, parameters)
    return model.couplings_at(parameters), without_standard_model(parameters)


@lru_cache(maxsize=16)  # it is asked for at every step of a descent
def charge_samples(model: Model) -> tuple[tuple[int, Sample], ...]:
    """What a charge squared of one gives, by row and nuclide of all data sets, and the number of the data set.

    ValueError where counts depend on more than these charges.
    """
    _refuse_other_than_charges(model)
    by_row: list[list[tuple[int, Sample]]] = [[] for _ in ROWS]
    for i, dataset in enumerate(model.datasets):
        sides = dataset.term_sides("contact", {})
        for k, template in enumerate(dataset.contact_templates):
            changes = {name: each_side(itemgetter(slice(k, k + 1)), two) for name, two in sides.items()}
            row = k // len(dataset.templates.nuclides)
            by_row[row].append((i, samples_of(dataset, (template[None], changes), model.nuisances)[0]))
    return tuple(found for row in by_row for found in row)


@lru_cache(maxsize=16)
def farthest_charges(model: Model) -> FloatArray:
    """A charge squared (k,) by row and nuclide of all data sets that no minimum of chi2 is beyond.

    `MARGIN` times what alone, with no nuisance moved, makes chi2 more than the standard model's, and rising. A nuisance
    that takes a signal back costs the more the larger it is. ValueError as that of `charge_samples`.
    """
    most, nuisances = standard_model_chi2(model), unfitted(model.nuisances)[None]
    found = np.empty(len(charge_samples(model)))
    signals = [each_of(np.zeros_like, signal) for signal in model.standard_model_signals]
    nothing = model.expected(signals)(nuisances, np.zeros(1, np.intp))[0]
    for k, (i, sample) in enumerate(charge_samples(model)):
        alone = np.zeros_like(nothing)
        alone[:, model.parts[i]] = sample.counts(nuisances, np.zeros(1, np.intp))[0]
        charge, before = 1.0, np.inf
        for _ in range(MOST_DOUBLINGS):
            now = float(model.likelihood(nothing + charge * alone)[0][0])
            if now > max(most, before):
                break
            charge, before = 2 * charge, now
        found[k] = MARGIN * charge
    return found


def charge_derivatives(model: Model, charges: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chi2 (n,) at charges squared (n, k) by row and nuclide of all data sets, gradient (n, k), Hessian (n, k, k).

    Nuisances are at their best and follow: by the implicit function theorem the gradient is that at fixed ones, and
    the Hessian is less by what they take up. ValueError as that of `charge_samples`.
    """
    samples = charge_samples(model)
    most = max(VALUES_AT_ONCE // (model.parts[-1].stop * (len(samples) + len(model.nuisances))), 1)
    blocks = [
        _charge_derivatives(model, samples, charges[first : first + most]) for first in range(0, len(charges), most)
    ]
    value, gradient, hessian = (np.concatenate(each) for each in zip(*blocks, strict=True))
    return value, gradient, hessian


def _charge_derivatives(
    model: Model, samples: Sequence[tuple[int, Sample]], charges: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same, of all charges at once."""
    every, number = np.arange(len(charges)), {nuisance.name: j for j, nuisance in enumerate(model.nuisances)}
    signals: list[Signal] = []
    for i, dataset in enumerate(model.datasets):
        mine = [(charge, sample) for charge, (where, sample) in zip(charges.T, samples, strict=True) if where == i]
        coefficients = [charge for charge, _ in mine]
        changes: dict[str, Sides] = {}
        for name in dataset.varied:
            ups, downs = zip(*(sample.shifts[number[name]] for _, sample in mine), strict=True)
            below = [down[0] for down in downs if down is not None]
            changes[name] = (
                sum_of_terms(coefficients, [up[0] for up in ups]),
                sum_of_terms(coefficients, below) if below else None,
            )
        signals.append((sum_of_terms(coefficients, np.stack([sample.shape[0] for _, sample in mine])), changes))
    fit = model.profiled(signals)
    counts, by_nuisance = model.expected(signals)(fit.nuisances, every)
    _, slope, curvature = model.likelihood(counts)
    by_charge = np.zeros((len(charges), len(samples), counts.shape[-1]))
    mixed = np.zeros((len(charges), len(samples), len(model.nuisances)))
    for k, (i, sample) in enumerate(samples):
        part = model.parts[i]
        by_charge[:, k, part], directions = sample.counts(fit.nuisances, every)
        mixed[:, k] = (directions * slope[:, None, part]).sum(axis=-1)
    weighted = by_charge * curvature[:, None]
    hessian = weighted @ by_charge.swapaxes(1, 2)
    mixed += weighted @ by_nuisance.swapaxes(1, 2)
    own = (by_nuisance * curvature[:, None]) @ by_nuisance.swapaxes(1, 2) + 2 * np.diag(precisions(model.nuisances))
    own += model.crossed(signals)(fit.nuisances, slope, every)
    least, most = limits(model.nuisances)
    resting = (fit.nuisances <= least) | (fit.nuisances >= most) | held(model.nuisances)  # these do not follow,
    resting |= model.kinked & (fit.nuisances == 0)  # nor do these
    mixed[np.broadcast_to(resting[:, None], mixed.shape)] = 0.0
    own[resting[:, :, None] | resting[:, None, :]] = 0.0
    own += resting[:, :, None] * np.eye(len(model.nuisances))
    gradient = (by_charge * slope[:, None]).sum(axis=-1)
    return fit.chi2, gradient, hessian - mixed @ np.linalg.solve(own, mixed.swapaxes(1, 2))


def assemble(
    analysis: Analysis, experiment: Experiment, statistic: str, spectrum: Spectrum = recoil_spectrum
) -> DataSet:
    """The data set of an experiment under the assumptions of an analysis, with every bin of its measurement.

    Another spectrum of recoils is that of another flux. ValueError of a form factor that is unknown.
    """

    def built(variation: Variation) -> Templates:
        return build_templates(
            target=TARGETS[analysis.nuclei],
            form_factor=form_factor_named(analysis.form_factor, variation.radius),
            exposure=analysis.exposure,
            response=variation.response or experiment.response,
            kinematics=analysis.kinematics,
            spectrum=spectrum,
        )

    return DataSet(
        measurement=experiment.measurement,
        templates=built(Variation()),
        varied={
            name: (built(up), None if down is None else built(down))
            for name, (up, down) in experiment.variations.items()
        },
        clock=experiment.clock,
        sidebands=experiment.sidebands,
        nuisances=experiment.nuisances,
        statistic=statistic,
        sin2_theta_w=analysis.sin2_theta_w,
        name=analysis.dataset,
        couplings=analysis.couplings,
    )


HIGHEST_ENERGY_MEV = 60.0  # of a neutrino, above any of pions and muons that decay at rest
RECOIL_SEGMENTS = 200  # of all recoils, over each of which a cross section is smooth


def flux_averaged_cross_section_cm2(analysis: Analysis, spectrum: Spectrum = recoil_spectrum) -> float:
    """The standard model's cross section of a nucleus, averaged over neutrinos and over the nuclei of the target, cm^2.

    Eq. 3 integrated over all recoils, seen or not, as arXiv:2110.07730 and arXiv:2003.10630 quote it: neutrinos are as
    many of each flavor, nuclei as many as the target has of each kind.
    """
    target = TARGETS[analysis.nuclei]
    highest = max(float(largest_recoil_mev(HIGHEST_ENERGY_MEV, nuclide)) for nuclide in target.nuclides)
    everything = Response(
        detected=lambda recoil: np.ones((1, recoil.size)),
        recoil_energies_mev=np.array([0.0, highest]),
        longest_segment_mev=highest / RECOIL_SEGMENTS,
    )
    whole = Experiment(
        measurement=Measurement(axes={PHOTOELECTRONS: np.array([0.0, 1.0])}, observed=np.zeros(1)),
        response=everything,
        nuisances=(),
    )
    recoils = assemble(analysis, whole, "poisson", spectrum).by_flavor("contact", {}).sum()
    return float(recoils / (len(FLAVORS) * sum(luminosities_per_cm2(analysis.exposure, target))))


def _each(
    change: Callable[[Templates], Templates], varied: Mapping[str, tuple[Templates, Templates | None]]
) -> dict[str, tuple[Templates, Templates | None]]:
    """The same done to all varied templates."""
    return {name: (change(up), None if down is None else change(down)) for name, (up, down) in varied.items()}


def held_at(model: Model, values: Mapping[str, float]) -> tuple[Model, float]:
    """A model with nuisances held at values by name, and with its signal `CEVNS_NORMALIZATION` times as large.

    Second the chi2 that the priors of these nuisances add, which are then none of the model's.
    """
    prior, scale = 0.0, values.get(CEVNS_NORMALIZATION, 1.0)
    for nuisance, precision in zip(model.nuisances, precisions(model.nuisances).tolist(), strict=True):
        if nuisance.name in values:
            prior += precision * (values[nuisance.name] - nuisance.centre) ** 2

    def scaled(templates: Templates) -> Templates:
        return replace(templates, events=templates.events * scale)

    datasets = tuple(
        replace(
            dataset,
            templates=scaled(dataset.templates),
            varied=_each(scaled, dataset.varied),
            nuisances=tuple(replace(n, fixed=values.get(n.name, n.fixed)) for n in dataset.nuisances),
        )
        for dataset in model.datasets
    )
    return replace(model, datasets=datasets), prior


def make_dataset(analysis: Analysis, measurement: Measurement, acceptance: Acceptance) -> DataSet:
    """The data set of Eq. 7; ValueError where the acceptance does not cover the bins."""
    found = in_energy_alone(measurement, acceptance, analysis.exposure, analysis.sigma_alpha)
    return assemble(analysis, found, "gaussian")


def cut(dataset: DataSet, name: str, low: float, high: float) -> DataSet:
    """Only the bins of a data set between two edges of an axis.

    ValueError of what is no edge, of an axis that is neither the first nor time, and of a data set with a clock.
    """
    if dataset.clock is not None:
        raise ValueError(f"{name}: bins of a data set with a clock are chosen where it is made")
    axes = dataset.measurement.axes
    part = bins_between(name, axes[name], low, high)
    if name not in (next(iter(axes)), ARRIVAL_TIME):
        raise ValueError(f"{name}: bins of templates are those of energy and time; expected one of these axes")
    select = Templates.during if name == ARRIVAL_TIME else Templates.select
    inside = partial(dataset.measurement.inside, name=name, low=low, high=high)
    return replace(
        dataset,
        measurement=dataset.measurement.select(name, low, high),
        templates=select(dataset.templates, part),
        varied=_each(lambda templates: select(templates, part), dataset.varied),
        nuisances=tuple(
            replace(n, shifts={sample: each_side(inside, two) for sample, two in n.shifts.items()})
            for n in dataset.nuisances
        ),
        sidebands={sample: _inside(sideband, inside) for sample, sideband in dataset.sidebands.items()},
    )


def _inside(sideband: Sideband, inside: Callable[[FloatArray], FloatArray]) -> Sideband:
    """The same counts, of a background in some of the bins."""

    def of_each(counts: FloatArray) -> FloatArray:
        return np.stack([inside(row) for row in sideband.made(counts)])

    return replace(sideband, made=of_each)


def model_of(analysis: Analysis, whole: DataSet) -> Model:
    """The model of an analysis from a data set of every bin: of a photoelectron range its bins alone enter chi2.

    ValueError of a range that does not end at bin edges.
    """
    asked = analysis.photoelectron_range
    return Model(analyses=(analysis,), datasets=(cut(whole, PHOTOELECTRONS, *asked) if asked else whole,))


def joined(models: Iterable[Model]) -> Model:
    """The joint model of several, each data set under its own assumptions; nuisances of one name are one."""
    listed = list(models)
    return Model(
        analyses=tuple(analysis for model in listed for analysis in model.analyses),
        datasets=tuple(dataset for model in listed for dataset in model.datasets),
    )


def alone(model: Model) -> list[Model]:
    """The model of each data set of a joint one."""
    pairs = zip(model.analyses, model.datasets, strict=True)
    return [Model(analyses=(analysis,), datasets=(dataset,)) for analysis, dataset in pairs]


def make_model(analysis: Analysis, measurement: Measurement, acceptance: Acceptance) -> Model:
    """The model of Eq. 7 of an analysis from what was measured; ValueError as those of `make_dataset`, `model_of`."""
    return model_of(analysis, make_dataset(analysis, measurement, acceptance))
