"""The best fit of a model to its data, by iminuit: how much signal, how sure, and where the nuisances are.

Of the standard model's spectrum an amplitude is free, and nuisances of the signal alone are zero, so that the amplitude
times its counts is the number of events that is seen. With the amplitude at one every nuisance is free.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from iminuit import Minuit

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import COUNTS_LIKELIHOOD, TOGETHER, as_columns
from cevnsi.model import DataSet, Model, alone, each_of, samples_of
from cevnsi.physics.flux import FLAVORS
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, centres, limits, precisions

AMPLITUDE = "amplitude"  # of the signal, less one
TOLERANCE = 1e-4  # of iminuit, in units of 2e-3: the distance to the minimum in chi2


def is_of_signal_alone(nuisance: Nuisance, dataset: DataSet) -> bool:
    """Whether a nuisance of a data set moves the signal, and no background."""
    moved = {*nuisance.scales, *nuisance.shifts, *([SIGNAL] if nuisance.name in dataset.varied else [])}
    return moved == {SIGNAL}


def with_amplitude(model: Model) -> Model:
    """A model with a free amplitude of the signal in the place of the nuisances that move it alone."""
    free = Nuisance(name=AMPLITUDE, sigma=None, scales=(SIGNAL,), least=-1.0)
    datasets = []
    for dataset in model.datasets:
        kept = [nuisance for nuisance in dataset.nuisances if not is_of_signal_alone(nuisance, dataset)]
        names = {nuisance.name for nuisance in kept}
        varied = {name: templates for name, templates in dataset.varied.items() if name in names}
        datasets.append(replace(dataset, nuisances=(free, *kept), varied=varied))
    return replace(model, datasets=tuple(datasets))


NOTHING = Nuisance(name="nothing", sigma=None, fixed=0.0)  # as iminuit takes no function of no parameters


def minimum(model: Model, fixed: Mapping[str, float] | None = None) -> Minuit:
    """Chi2 of the standard model's signal, least over the nuisances but those that are fixed, with their errors.

    ArithmeticError if iminuit finds no minimum.
    """
    if not model.nuisances:
        first, *others = model.datasets
        model = replace(model, datasets=(replace(first, nuisances=(NOTHING,)), *others))
    signals, one = model.standard_model_signals, np.array([0])
    precision, centre = precisions(model.nuisances), centres(model.nuisances)
    expected, names = model.expected(signals), [nuisance.name for nuisance in model.nuisances]

    def chi2(theta: FloatArray) -> float:
        value = model.likelihood(expected(theta[None], one)[0])[0][0]
        return float(value + precision @ (theta - centre) ** 2)

    def gradient(theta: FloatArray) -> FloatArray:
        counts, directions = expected(theta[None], one)
        slope = model.likelihood(counts)[1]
        return np.asarray(directions[0] @ slope[0] + 2 * precision * (theta - centre))

    fit = Minuit(chi2, model.profiled(signals).nuisances[0], grad=gradient, name=names)
    fit.limits = list(zip(*limits(model.nuisances), strict=True))
    fit.strategy, fit.tol = 2, TOLERANCE
    held = {nuisance.name: nuisance.fixed for nuisance in model.nuisances if nuisance.fixed is not None}
    for name, value in {**held, **(fixed or {})}.items():
        fit.values[name], fit.fixed[name] = value, True
    if all(fit.fixed):
        return fit  # there is nothing to minimise over, and no error
    fit.migrad()
    if not fit.valid:
        raise ArithmeticError(f"iminuit found no minimum of chi2: {fit.fmin}")
    fit.hesse()
    return fit


def _chi2(fit: Minuit) -> float:
    """At its minimum, or where it is if nothing of it is free."""
    return float(fit.fcn(np.array(fit.values)) if fit.fval is None else fit.fval)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedCounts:
    """Counts of one data set at a fit, (bins,) each: by sample, `SIGNAL` first, and those of the signal by flavor.

    Every nuisance that is fitted is where the fit has it, an offset of times and what changes shapes, too.
    """

    samples: Mapping[str, FloatArray]
    flavors: Mapping[str, FloatArray]


def _counts(model: Model, fit: Minuit) -> dict[str, FittedCounts]:
    """Counts where a fit is, by data set."""
    theta, found = np.array(fit.values)[None, : len(model.nuisances)], {}
    for dataset, signal in zip(model.datasets, model.standard_model_signals, strict=True):
        samples = samples_of(dataset, signal, model.nuisances)
        named = zip([SIGNAL, *dataset.measurement.backgrounds], samples, strict=True)
        of_flavors = samples_of(dataset, dataset.flavors("contact", {}), model.nuisances)[0]
        every = np.arange(len(FLAVORS))
        by_flavor = of_flavors.counts(np.tile(theta, (every.size, 1)), every)[0]
        found[dataset.name] = FittedCounts(
            samples={name: sample.counts(theta, np.array([0]))[0][0] for name, sample in named},
            flavors=dict(zip(FLAVORS, by_flavor, strict=True)),
        )
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Fits:
    """The two fits of all data sets of a model: with a free amplitude, its best, and the standard model's."""

    model: Model
    free: Model  # the same `with_amplitude`, which the best fit is of
    best: Minuit
    standard: Minuit

    @cached_property
    def counts_at_one(self) -> float:
        """The signal's counts for an amplitude of one, at the best offset of times if there is one."""
        nuisances = self.best.values.to_dict()
        return float(sum(each.in_time(each.signal("contact", {})[0], nuisances).sum() for each in self.model.datasets))


def fits_of(model: Model) -> Fits:
    """Both fits of a model, with the errors of the amplitude where chi2 has risen by one.

    ArithmeticError as that of `minimum`.
    """
    free = with_amplitude(model)
    best = minimum(free)
    best.minos(AMPLITUDE)
    return Fits(model=model, free=free, best=best, standard=minimum(model))


def fits_of_each(together: Fits) -> dict[str, Fits]:
    """Those of each data set by itself; of a single one they are those of all. ArithmeticError as that of `minimum`."""
    if len(together.model.datasets) == 1:
        return {together.model.dataset.name: together}
    return {part.dataset.name: fits_of(part) for part in alone(together.model)}


def fitted_counts(fits: Fits) -> dict[str, tuple[FittedCounts, FittedCounts]]:
    """Counts of each data set, by its name, at the best fit of all together and at the standard model's."""
    best, standard = _counts(fits.free, fits.best), _counts(fits.model, fits.standard)
    return {name: (best[name], standard[name]) for name in best}


def _record(model: Model, fit: Minuit) -> dict[str, Any]:
    """What a fit says: chi2, counts of backgrounds, of several data sets in each, too, and nuisances with errors."""
    backgrounds: dict[str, float] = {}
    by_dataset: dict[str, Any] = {}
    for dataset, counts in _counts(model, fit).items():
        own = {name: float(values.sum()) for name, values in counts.samples.items() if name != SIGNAL}
        backgrounds |= {name: backgrounds.get(name, 0.0) + value for name, value in own.items()}
        by_dataset[dataset] = {"backgrounds": own}
    sigmas = {n.name: n.sigma for n in model.nuisances if n.fixed is None and n.name != AMPLITUDE}
    found = {name: (value, error) for name, value, error in zip(fit.parameters, fit.values, fit.errors, strict=True)}
    return {
        "chi2": _chi2(fit),
        "backgrounds": backgrounds,
        "nuisances": {
            name: {"value": found[name][0], "error": found[name][1], "sigma": sigma} for name, sigma in sigmas.items()
        },
        **({"by_dataset": by_dataset} if len(by_dataset) > 1 else {}),
    }


def best_fits_of(together: Fits, each: Mapping[str, Fits]) -> dict[str, Any]:
    """How each data set of a model is fitted by itself, and all of them together: best_fit.json."""
    whole = record_of(together)
    if len(each) == 1:
        return {"datasets": dict.fromkeys(each, whole), TOGETHER: whole}
    return {"datasets": {name: record_of(fits) for name, fits in each.items()}, TOGETHER: whole}


def best_fit(model: Model) -> dict[str, Any]:
    """How the data of a model are fitted, a record of best_fit.json; ArithmeticError as that of `minimum`."""
    return record_of(fits_of(model))


def record_of(fits: Fits) -> dict[str, Any]:
    """What the two fits of a model say, a record of best_fit.json.

    ArithmeticError if none is found without a signal.
    """
    model, best, none = fits.model, fits.best, minimum(fits.free, {AMPLITUDE: -1.0})
    error, total = best.merrors[AMPLITUDE], fits.counts_at_one
    by_flavor = sum(each.by_flavor("contact", {}).sum(axis=1) for each in model.datasets)
    counts = dict(zip(FLAVORS, np.asarray(by_flavor).tolist(), strict=True))
    return {
        "sm_counts": {**counts, "all": sum(counts.values())},
        "cevns_counts": {
            "value": (1 + best.values[AMPLITUDE]) * total,
            "error_low": -error.lower * total,
            "error_high": error.upper * total,
        },
        "significance": math.sqrt(max(_chi2(none) - _chi2(best), 0.0)),
        "bins": sum(np.size(dataset.measurement.observed) for dataset in model.datasets),
        **_record(fits.free, best),
        "standard_model": _record(model, fits.standard),
    }


SHOWN = 16.0  # of -2 Delta ln L, that of four sigma: as far up as the table of it goes
POINTS = 81  # of the amplitude, from zero


def counts_likelihood(together: Fits, each: Mapping[str, Fits]) -> dict[str, list[Any]]:
    """The columns of counts_likelihood.csv: of each data set alone, and of several also together."""
    found = {**each, **({TOGETHER: together} if len(each) > 1 else {})}
    rows = [(name, *point) for name, fits in found.items() for point in zip(*_likelihood(fits), strict=True)]
    return as_columns(rows, COUNTS_LIKELIHOOD)


def _likelihood(fits: Fits) -> tuple[FloatArray, FloatArray]:
    """Numbers of events (points,), among them none and the best, and -2 Delta ln L there: `cevns_counts` against it.

    Up to where it is `SHOWN`, at most a hundred errors above the best: at none an error may say little.
    """
    best = 1 + fits.best.values[AMPLITUDE]
    above = best + fits.best.merrors[AMPLITUDE].upper * np.geomspace(3, 100, 60)
    enough = _chi2_at(fits, above) - _chi2(fits.best) >= SHOWN
    top = above[int(enough.argmax())] if enough.any() else above[-1]
    amplitudes = np.unique([*np.linspace(0.0, top, POINTS), best])
    chi2 = _chi2_at(fits, amplitudes)
    return amplitudes * fits.counts_at_one, chi2 - chi2.min()


def _chi2_at(fits: Fits, amplitudes: FloatArray) -> FloatArray:
    """Chi2 at amplitudes of the signal (points,), least over backgrounds and an offset of times."""
    repeated = partial(np.repeat, repeats=amplitudes.size, axis=0)
    signals = [each_of(repeated, signal) for signal in fits.free.standard_model_signals]
    return fits.free.profiled(signals, {AMPLITUDE: amplitudes - 1}).chi2
