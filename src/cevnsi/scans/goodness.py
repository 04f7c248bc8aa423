"""How good a fit is, and how sure a signal, by toys of it: no chi2 distribution is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import NormalDist

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.fast.toys import packed, standard_model_fitter
from cevnsi.fits import AMPLITUDE, with_amplitude
from cevnsi.model import Model, held_at
from cevnsi.scans.critical import asimov, of_toys
from cevnsi.scans.hypotheses import Fits, fit_of_data, packed_data
from cevnsi.statistics.toys import error_of_part
from cevnsi.toys import Toys

FIT, NONE = 3_000_000, 4_000_000  # first of the numbers of seeds


@dataclass(frozen=True, kw_only=True)
class Goodness:
    """A probability by toys: that of a chi2 as large as the data's, or of a signal as strong where there is none."""

    quantity: str
    observed: float
    toys: int
    beyond: int  # toys at least as far out
    probability: float
    error: float  # statistical; of none beyond, what a single one would be
    sigmas: float  # of a normal distribution, one-sided; infinite if no toy is beyond, or all are


def _probability(quantity: str, observed: float, statistic: FloatArray) -> Goodness:
    beyond, toys = int((statistic >= observed).sum()), statistic.size
    part = beyond / toys
    return Goodness(
        quantity=quantity,
        observed=observed,
        toys=toys,
        beyond=beyond,
        probability=part,
        error=error_of_part(part, toys),
        sigmas=-NormalDist().inv_cdf(part) if 0 < part < 1 else inf if beyond == 0 else -inf,
    )


def _of_data(model: Model) -> Fits:
    """The fit of a model's data, in which nothing but nuisances is free."""
    nothing = np.zeros(0)
    return fit_of_data(standard_model_fitter(model), packed_data(model), nothing, nothing, nothing)


def _of_toys(
    fits: Sequence[Fits],
    toys: int,
    seed: int,
    number: int,
    threads: int,
    progress: Callable[[float], None] | None,
) -> FloatArray:
    """Least chi2 of each fitter, (fitters, toys), of toys of the first of these fits of the data."""
    model, truth, nothing = fits[0].fitter.model, fits[0].truth, np.zeros((1, 0))
    begin = [each.fitter.hessian(asimov(model, fits[0]), each.place)[None] for each in fits]
    done = 0

    def made(drawn: Toys) -> FloatArray:
        nonlocal done
        data = packed(model, drawn)
        found = [
            each.fitter.least(data, nothing, nothing, fits[0].place[None], hessian)[0]
            for each, hessian in zip(fits, begin, strict=True)
        ]
        if progress is not None and threads == 1:
            done += len(drawn.centres)
            progress(done / toys)
        return np.stack(found)

    return of_toys(model, truth, toys, seed, number, made=made, threads=threads)


def goodness_of_fit(
    model: Model, toys: int, seed: int, threads: int = 1, progress: Callable[[float], None] | None = None
) -> list[Goodness]:
    """Probabilities of chi2 as large as the data's, at the best amplitude of the signal and at the standard model."""
    rows = []
    for i, (quantity, tested) in enumerate({"best_fit": with_amplitude(model), "standard_model": model}.items()):
        fits = _of_data(tested)
        rows.append(_probability(quantity, fits.chi2, _of_toys([fits], toys, seed, FIT + i, threads, progress)[0]))
    return rows


def significance(
    model: Model, toys: int, seed: int, threads: int = 1, progress: Callable[[float], None] | None = None
) -> Goodness:
    """Probability that without a signal chi2 falls as much with one as it does in the data; the amplitude is >= 0.

    Toys are drawn of backgrounds alone, with their nuisances as the data want them then.
    """
    free = with_amplitude(model)
    without, _ = held_at(free, {AMPLITUDE: -1.0})
    none, best = _of_data(without), _of_data(free)
    chi2 = _of_toys([none, best], toys, seed, NONE, threads, progress)
    falls = chi2[0] - np.minimum(chi2[0], chi2[1])
    return _probability("significance", none.chi2 - best.chi2, falls)
