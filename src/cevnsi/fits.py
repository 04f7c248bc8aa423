"""The best fit of a model to its data, by iminuit: how much signal, how sure, and where the nuisances are.

Of the standard model's spectrum an amplitude is free, and nuisances of the signal alone are zero, so that the amplitude
times its counts is the number of events that is seen. With the amplitude at one every nuisance is free.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from iminuit import Minuit

from cevnsi.arrays import FloatArray
from cevnsi.model import DataSet, Model, Signal, alone, of_one_point, samples_of
from cevnsi.physics.flux import FLAVORS
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, limits, precisions

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


def _signals(model: Model) -> list[Signal]:
    """Of the standard model, one point."""
    return [of_one_point(dataset.signal("contact", {})) for dataset in model.datasets]


NOTHING = Nuisance(name="nothing", sigma=None, fixed=0.0)  # as iminuit takes no function of no parameters


def minimum(model: Model, fixed: Mapping[str, float] | None = None) -> Minuit:
    """Chi2 of the standard model's signal, least over the nuisances but those that are fixed, with their errors."""
    if not model.nuisances:
        first, *others = model.datasets
        model = replace(model, datasets=(replace(first, nuisances=(NOTHING,)), *others))
    signals, precision, one = _signals(model), precisions(model.nuisances), np.array([0])
    expected, names = model.expected(signals), [nuisance.name for nuisance in model.nuisances]

    def chi2(theta: FloatArray) -> float:
        value = model.likelihood(expected(theta[None], one)[0])[0][0]
        return float(value + precision @ theta**2)

    def gradient(theta: FloatArray) -> FloatArray:
        counts, directions = expected(theta[None], one)
        slope = model.likelihood(counts)[1]
        return np.asarray(directions[0] @ slope[0] + 2 * precision * theta)

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


def _counts(model: Model, fit: Minuit) -> dict[str, dict[str, FloatArray]]:
    """Counts where a fit is, (bins,) each, by data set and sample: the signal first, then the backgrounds."""
    theta = np.array(fit.values)[None, : len(model.nuisances)]
    found = {}
    for dataset, signal in zip(model.datasets, _signals(model), strict=True):
        samples = samples_of(dataset, signal, model.nuisances)
        named = zip([SIGNAL, *dataset.measurement.backgrounds], samples, strict=True)
        found[dataset.name] = {name: sample.counts(theta, np.array([0]))[0][0] for name, sample in named}
    return found


def fitted_counts(model: Model) -> dict[str, dict[str, FloatArray]]:
    """Counts at the best fit of all data sets together, (bins,) each, by data set and sample, `SIGNAL` first.

    Every nuisance that is fitted is where the fit has it, an offset of times and what changes shapes, too.
    """
    free = with_amplitude(model)
    return _counts(free, minimum(free))


def _record(model: Model, fit: Minuit) -> dict[str, Any]:
    """What a fit says: chi2, counts of backgrounds, of several data sets in each, too, and nuisances with errors."""
    backgrounds: dict[str, float] = {}
    by_dataset: dict[str, Any] = {}
    for dataset, samples in _counts(model, fit).items():
        own = {name: float(counts.sum()) for name, counts in samples.items() if name != SIGNAL}
        backgrounds |= {name: backgrounds.get(name, 0.0) + counts for name, counts in own.items()}
        by_dataset[dataset] = {"backgrounds": own}
    fitted = {nuisance.name for nuisance in model.nuisances if nuisance.fixed is None} - {AMPLITUDE}
    found = zip(fit.parameters, fit.values, fit.errors, strict=True)
    return {
        "chi2": _chi2(fit),
        "backgrounds": backgrounds,
        "nuisances": {name: {"value": value, "error": error} for name, value, error in found if name in fitted},
        **({"by_dataset": by_dataset} if len(by_dataset) > 1 else {}),
    }


def best_fits_of(model: Model) -> dict[str, Any]:
    """How each data set of a model is fitted by itself, and all of them together: best_fit.json."""
    together = best_fit(model)
    if len(model.datasets) == 1:
        return {"datasets": {model.dataset.name: together}, "together": together}
    return {"datasets": {part.dataset.name: best_fit(part) for part in alone(model)}, "together": together}


def best_fit(model: Model) -> dict[str, Any]:
    """How the data of a model are fitted, a record of best_fit.json."""
    free = with_amplitude(model)
    fit, none = minimum(free), minimum(free, {AMPLITUDE: -1.0})
    fit.minos(AMPLITUDE)
    error, by_flavor = fit.merrors[AMPLITUDE], sum(each.by_flavor("contact", {}).sum(axis=1) for each in model.datasets)
    counts = dict(zip(FLAVORS, np.asarray(by_flavor).tolist(), strict=True))
    nuisances = fit.values.to_dict()
    signals = (each.in_time(each.signal("contact", {})[0], nuisances) for each in model.datasets)
    total = float(sum(signal.sum() for signal in signals))  # at the best offset, if there is one
    return {
        "sm_counts": {**counts, "all": sum(counts.values())},
        "cevns_counts": {
            "value": (1 + fit.values[AMPLITUDE]) * total,
            "error_low": -error.lower * total,
            "error_high": error.upper * total,
        },
        "significance": math.sqrt(max(_chi2(none) - _chi2(fit), 0.0)),
        "bins": sum(np.size(dataset.measurement.observed) for dataset in model.datasets),
        **_record(free, fit),
        "standard_model": _record(model, minimum(model)),
    }
