"""Toys: pseudo-data of a model, as its experiments would count and calibrate once more (the plain way).

Every Poisson count is drawn, those that a background is made of, too, and what auxiliary measurements say of nuisances:
the centres of their priors. In data the centres are zero.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import DataSet, Model, Signal, of_one_point, profiled
from cevnsi.physics.interaction import Values
from cevnsi.statistics.likelihoods import best_background
from cevnsi.statistics.nuisances import centres, widths

FEWEST_COUNTS = 1.0  # that the uncertainty of a difference is made of: none would leave a bin without an uncertainty


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """What toys are drawn of: the signal of each data set, (1, bins) or (1, cells), and nuisances, (nuisances,)."""

    signals: Sequence[Signal]
    nuisances: FloatArray


def truth_at(model: Model, interaction: str, parameters: Values, nuisances: FloatArray | None = None) -> Truth:
    """That of one point, with nuisances (nuisances,), or those that the data want there."""
    if nuisances is None:
        nuisances = profiled(model, interaction, parameters).nuisances[0]
    values = {name: value for name, value in parameters.items() if name not in {n.name for n in model.nuisances}}
    signals = [of_one_point(dataset.signal(interaction, values)) for dataset in model.datasets]
    return Truth(signals=signals, nuisances=nuisances)


@dataclass(frozen=True, kw_only=True, eq=False)
class Means:
    """What is expected of each Poisson count of a data set: in its bins, without a signal, and of sidebands."""

    counts: FloatArray  # (bins,); of a difference those of the window of the signal
    without: FloatArray | None  # (bins,), of a difference or a control region; None: no such counts
    sidebands: Mapping[str, FloatArray]  # by background, (counts,)


class NoSuchCounts(ValueError):
    """Fewer counts than none are expected, as shapes leave them far from where they were varied."""


def means_of(model: Model, truth: Truth) -> list[Means]:
    """Those of every data set; NoSuchCounts, a ValueError, where fewer than none are expected."""
    expected = model.expected(truth.signals)(truth.nuisances[None], np.zeros(1, np.intp))[0][0]
    # at a held value a background is so much more than its sideband says, which is then as it is
    scales = {n.name: 1 + v for n, v in zip(model.nuisances, truth.nuisances, strict=True) if n.fixed is None}
    found = []
    for part, dataset in zip(model.parts, model.datasets, strict=True):
        measured, counts, without = dataset.measurement, expected[part], None
        if measured.is_difference:
            # ASSUME: counts without a signal are expected as they were observed: Eq. 7 has no parameter of them
            without = (measured.errors**2 - measured.observed) / 2
            counts = counts + without
        elif measured.control is not None:
            control = measured.control
            background = best_background(counts, measured.observed, control.counts, control.windows)
            counts, without = counts + background, control.windows * background
        poisson = measured.uncertainty is None or measured.is_difference
        for name, mean in (("counts", counts), ("counts without a signal", without)):
            if poisson and mean is not None and not (mean >= 0).all():
                i = int(np.argmin(mean))
                where = f"{dataset.name}, bin {measured.bin_text(i)}"
                raise NoSuchCounts(f"{where}: {mean[i]:g} {name} are expected; toys need zero or more")
        sidebands = {}
        for sample, sideband in dataset.sidebands.items():
            sidebands[sample] = sideband.mean * scales.get(sideband.measures or "", 1.0)
        found.append(Means(counts=counts, without=without, sidebands=sidebands))
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """What one data set has in each toy, (toys, bins) where nothing else is said."""

    observed: FloatArray  # counts
    uncertainty: FloatArray | None = None  # of these; None of Poisson counts
    without: FloatArray | None = None  # counts without a signal, of a difference or a control region
    sidebands: Mapping[str, FloatArray] = field(default_factory=dict)  # by background, (toys, counts)
    backgrounds: Mapping[str, FloatArray] = field(default_factory=dict)  # those that sidebands make

    def first(self, count: int) -> "Drawn":
        """What it has in the first few toys."""
        return Drawn(
            observed=self.observed[:count],
            uncertainty=None if self.uncertainty is None else self.uncertainty[:count],
            without=None if self.without is None else self.without[:count],
            sidebands={name: values[:count] for name, values in self.sidebands.items()},
            backgrounds={name: values[:count] for name, values in self.backgrounds.items()},
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Toys:
    """Pseudo-data, and centres of priors, (toys, nuisances), zero where none is drawn."""

    datasets: Sequence[Drawn]
    centres: FloatArray

    def first(self, count: int) -> "Toys":
        """The first few."""
        return Toys(datasets=[drawn.first(count) for drawn in self.datasets], centres=self.centres[:count])


def drawn_centres(model: Model) -> FloatArray:
    """Widths of the centres that toys draw, (nuisances,); zero where none is.

    None is of a nuisance that is free or held, nor of one that a sideband measures: that is drawn by itself.
    """
    measured = {sideband.measures for dataset in model.datasets for sideband in dataset.sidebands.values()}
    return np.where([nuisance.name in measured for nuisance in model.nuisances], 0.0, widths(model.nuisances))


def poisson(rng: np.random.Generator, means: FloatArray, toys: int) -> FloatArray:
    """Counts (toys, n) with means (n,)."""
    return rng.poisson(means, (toys, means.size)).astype(float)


def draw(
    model: Model,
    truth: Truth,
    toys: int,
    rng: np.random.Generator,
    *,
    auxiliary: bool = True,
    counts: Callable[[np.random.Generator, FloatArray, int], FloatArray] = poisson,
) -> Toys:
    """So many toys of a truth, with counts by numpy, or by what draws them faster: (toys, n) of means (n,).

    Without what is auxiliary, centres stay zero: what comes of that is wrong. NoSuchCounts as that of `means_of`.
    """

    def drawn(means: FloatArray) -> FloatArray:
        return counts(rng, means, toys)

    pairs = zip(model.datasets, means_of(model, truth), strict=True)
    datasets = [_drawn(dataset, means, drawn, toys, rng) for dataset, means in pairs]
    width = drawn_centres(model)
    found = np.where(width > 0, truth.nuisances, 0.0) + width * rng.standard_normal((toys, width.size))
    return Toys(datasets=datasets, centres=found if auxiliary else np.zeros_like(found))


def _drawn(
    dataset: DataSet,
    means: Means,
    counts: Callable[[FloatArray], FloatArray],
    toys: int,
    rng: np.random.Generator,
) -> Drawn:
    measured = dataset.measurement
    sidebands = {sample: counts(mean) for sample, mean in means.sidebands.items()}
    backgrounds = {sample: dataset.sidebands[sample].made(values) for sample, values in sidebands.items()}
    if measured.uncertainty is not None and not measured.is_difference:
        observed = rng.normal(means.counts, measured.uncertainty, (toys, means.counts.size))
        return Drawn(observed=observed, uncertainty=np.tile(measured.uncertainty, (toys, 1)))
    observed = counts(means.counts)
    without = None if means.without is None else counts(means.without)
    if measured.is_difference:
        assert without is not None
        total = np.maximum(observed + without, FEWEST_COUNTS)
        return Drawn(observed=observed - without, uncertainty=np.sqrt(total), without=without)
    return Drawn(observed=observed, without=without, sidebands=sidebands, backgrounds=backgrounds)


def as_measured(model: Model) -> Toys:
    """What has been measured, as one toy."""
    datasets = []
    for dataset in model.datasets:
        measured = dataset.measurement
        datasets.append(
            Drawn(
                observed=measured.observed[None],
                uncertainty=None if measured.uncertainty is None else measured.uncertainty[None],
                backgrounds={sample: measured.backgrounds[sample][None] for sample in dataset.sidebands},
            )
        )
    return Toys(datasets=datasets, centres=centres(model.nuisances)[None])


def as_expected(model: Model, truth: Truth) -> Toys:
    """The one toy in which everything is as a truth expects it, but for uncertainties, which are those measured.

    NoSuchCounts as that of `means_of`.
    """
    datasets = []
    for dataset, means in zip(model.datasets, means_of(model, truth), strict=True):
        uncertainty, observed = dataset.measurement.uncertainty, means.counts
        if dataset.measurement.is_difference:
            assert means.without is not None
            observed = means.counts - means.without
        datasets.append(
            Drawn(
                observed=observed[None],
                uncertainty=None if uncertainty is None else uncertainty[None],
                backgrounds={
                    sample: dataset.sidebands[sample].made(counts[None]) for sample, counts in means.sidebands.items()
                },
            )
        )
    return Toys(datasets=datasets, centres=np.where(drawn_centres(model) > 0, truth.nuisances, 0.0)[None])


def toy_model(model: Model, toys: Toys, i: int) -> Model:
    """The model of one toy, as that of any data."""
    nuisances = dict(zip((n.name for n in model.nuisances), toys.centres[i].tolist(), strict=True))
    datasets = []
    for dataset, drawn in zip(model.datasets, toys.datasets, strict=True):
        measured = replace(
            dataset.measurement,
            observed=drawn.observed[i],
            uncertainty=None if drawn.uncertainty is None else drawn.uncertainty[i],
            backgrounds={
                **dataset.measurement.backgrounds,
                **{sample: values[i] for sample, values in drawn.backgrounds.items()},
            },
        )
        if measured.control is not None:
            assert drawn.without is not None
            measured = replace(measured, control=replace(measured.control, counts=drawn.without[i]))
        moved = tuple(replace(n, centre=nuisances[n.name]) for n in dataset.nuisances)
        datasets.append(replace(dataset, measurement=measured, nuisances=moved))
    return replace(model, datasets=tuple(datasets))


def log_ratio(model: Model, toys: Toys, truth: Truth, other: Truth) -> FloatArray:
    """Logarithm of how much likelier each toy of a truth is under another, (toys,); NoSuchCounts as of `means_of`."""
    total = np.zeros(len(toys.centres))
    pairs = zip(means_of(model, truth), means_of(model, other), strict=True)
    for dataset, drawn, (old, new) in zip(model.datasets, toys.datasets, pairs, strict=True):
        if drawn.uncertainty is not None and drawn.without is None:
            sigma = dataset.measurement.errors
            total += (((drawn.observed - old.counts) ** 2 - (drawn.observed - new.counts) ** 2) / sigma**2).sum(1) / 2
            continue
        signal_window = drawn.observed
        if dataset.measurement.is_difference:
            assert drawn.without is not None
            signal_window = drawn.observed + drawn.without
        total += _poisson_log_ratio(signal_window, old.counts, new.counts)
        if drawn.without is not None and old.without is not None and new.without is not None:
            total += _poisson_log_ratio(drawn.without, old.without, new.without)
        for sample, counts in drawn.sidebands.items():
            total += _poisson_log_ratio(counts, old.sidebands[sample], new.sidebands[sample])
    width = drawn_centres(model)
    is_drawn = width > 0
    pulls = (toys.centres[:, is_drawn] - truth.nuisances[is_drawn]) / width[is_drawn]
    others = (toys.centres[:, is_drawn] - other.nuisances[is_drawn]) / width[is_drawn]
    return np.asarray(total + (pulls**2 - others**2).sum(axis=1) / 2)


def _poisson_log_ratio(counts: FloatArray, old: FloatArray, new: FloatArray) -> FloatArray:
    """Of counts (toys, bins) about means (bins,); minus infinity where what has been counted cannot be."""
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(counts > 0, counts * np.log(new / old), 0.0)
    return np.asarray(each.sum(axis=1) - (new - old).sum())


def distance_squared(model: Model, truth: Truth, other: Truth) -> float:
    """D^2 between two truths, by which toys of one say something of the other: the part exp(-D^2) of them counts.

    arXiv:2303.11290: the sum of squared differences of counts over their means, and of centres over their widths.
    Infinite where the first expects nothing of what the second counts; NoSuchCounts as that of `means_of`.
    """
    total = 0.0
    for dataset, old, new in zip(model.datasets, means_of(model, truth), means_of(model, other), strict=True):
        pairs = [(old.counts, new.counts)]
        if old.without is not None and new.without is not None:
            pairs.append((old.without, new.without))
        pairs += [(old.sidebands[sample], new.sidebands[sample]) for sample in old.sidebands]
        measured = dataset.measurement
        if measured.uncertainty is not None and not measured.is_difference:
            total += float((((new.counts - old.counts) / measured.uncertainty) ** 2).sum())
            continue
        for one, two in pairs:
            moved = (two - one) ** 2
            if ((moved > 0) & (one <= 0)).any():
                return np.inf
            total += float((moved / np.where(one > 0, one, 1.0)).sum())
    width = drawn_centres(model)
    some = width > 0
    return total + float((((other.nuisances - truth.nuisances)[some] / width[some]) ** 2).sum())
