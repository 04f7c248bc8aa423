"""Eq. 7 with its normalization pull profiled in closed form, from inner products of few templates.

With weights w = 1 / sigma_stat^2 only <N, N>, <N, P> and <P, P> of observed counts N and predicted counts P enter, and
P is a linear combination of templates, so the cost of a point does not depend on the number of bins.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.condensed import condensed
from cevnsi.fast.oscillating import between_values
from cevnsi.model import Model
from cevnsi.physics.interaction import Values
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.statistics.nuisances import SIGNAL, precisions


def profiled_chi2(data_data: Real, data_prediction: Real, prediction_prediction: Real, penalty: float) -> Real:
    """Eq. 7 at its minimum over the pull, from inner products that broadcast; penalty = 1 / sigma_alpha^2.

    With s = 1 + alpha, Eq. 7 is <N,N> - 2 s <N,P> + s^2 <P,P> + penalty (s - 1)^2; its minimum is at
    s = (<N,P> + penalty) / (<P,P> + penalty).
    """
    shifted = data_prediction + penalty
    return data_data + penalty - shifted * shifted / (prediction_prediction + penalty)


@dataclass(frozen=True, kw_only=True)
class Contraction:
    """Templates contracted with the data and with one another; k templates, each of one model or of many (...)."""

    data_data: float
    data_template: FloatArray  # (k, ...)
    template_template: FloatArray  # (k, k, ...)
    penalty: float

    @cached_property
    def stationary(self) -> FloatArray | None:
        """Coefficients (k,) that fit the data best, of single templates.

        None where templates are as good as proportional, as in one bin: what fits best is then no point.
        """
        if np.linalg.cond(self.template_template) > 1e12:
            return None
        return np.asarray(np.linalg.solve(self.template_template, self.data_template), np.float64)

    def chi2(self, coefficients: Sequence[Real] | FloatArray) -> Real:
        """Profiled chi2 of the prediction sum_k coefficients[k] * template[k]; coefficients broadcast together.

        Written as nested sums, so that a coefficient that varies along few axes costs a full grid only once.
        """
        b, g = self.data_template, self.template_template
        k = len(coefficients)
        data_prediction: Real = 0.0
        prediction_prediction: Real = 0.0
        for i in range(k):
            data_prediction = data_prediction + b[i] * coefficients[i]
            row: Real = g[i, i] * coefficients[i]
            for j in range(i + 1, k):
                row = row + 2 * g[i, j] * coefficients[j]
            prediction_prediction = prediction_prediction + coefficients[i] * row
        return profiled_chi2(self.data_data, data_prediction, prediction_prediction, self.penalty)

    def derivatives(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Profiled chi2 (n,) at coefficients (n, k) of k single templates, with gradient (n, k) and Hessian (n, k, k).

        With chi2 = constant - u^2 / v, u = b c + penalty and v = c g c + penalty, and s = u / v the best 1 + alpha:
        the gradient is 2 s (s g c - b), and with w = 2 s g c - b the Hessian 2 (s^2 g - w w / v).
        """
        b, g = self.data_template, self.template_template
        gc = (coefficients[:, None, :] @ g)[:, 0]  # point by point, so that no digit depends on how many there are
        u = (coefficients * b).sum(axis=1) + self.penalty
        v = (coefficients * gc).sum(axis=1) + self.penalty
        s = (u / v)[:, None]
        w = 2 * s * gc - b
        hessian = 2 * (s[:, :, None] ** 2 * g - w[:, :, None] * w[:, None, :] / v[:, None, None])
        return self.data_data + self.penalty - u * u / v, 2 * s * (s * gc - b), hessian

    def chi2_along(self, coefficients: Sequence[Sequence[Real]]) -> tuple[list[Real], list[Real]]:
        """Profiled chi2 where template k has the coefficient sum_p coefficients[p][k] t^p, p = 0, 1, 2.

        <N, P> is then quadratic and <P, P> quartic in t, and over one denominator chi2 is a quotient of quartics,

            [(<N,N> + penalty) (<P,P> + penalty) - (<N,P> + penalty)^2] / (<P,P> + penalty).

        Returns the five coefficients of the numerator and those of the denominator, constant first, each in the shape
        that coefficients and templates broadcast to.
        """
        b, g = self.data_template, self.template_template
        templates, powers = range(len(b)), range(3)
        data_prediction = [sum(b[k] * coefficients[p][k] for k in templates) for p in powers]
        denominator: list[Real] = [0.0] * 5
        for p in powers:
            row = [sum(g[k, m] * coefficients[p][m] for m in templates) for k in templates]
            for q in powers:
                denominator[p + q] = denominator[p + q] + sum(coefficients[q][k] * row[k] for k in templates)
        data_prediction[0] = data_prediction[0] + self.penalty
        denominator[0] = denominator[0] + self.penalty
        numerator = [(self.data_data + self.penalty) * term for term in denominator]
        for p in powers:
            for q in powers:
                numerator[p + q] = numerator[p + q] - data_prediction[p] * data_prediction[q]
        return numerator, denominator


def has_contraction(model: Model) -> bool:
    """Whether chi2 of a model is Eq. 7: one data set, Gaussian, with a scale of the signal and nothing else."""
    if len(model.datasets) != 1 or len(model.nuisances) != 1:
        return False
    (dataset,), (nuisance,) = model.datasets, model.nuisances
    scales_alone = nuisance.scales == (SIGNAL,) and not dataset.varied and not dataset.measurement.backgrounds
    has_prior = nuisance.sigma is not None and nuisance.fixed is None and nuisance.least == -math.inf
    has_prior &= nuisance.centre == 0
    return dataset.statistic == "gaussian" and scales_alone and has_prior


@lru_cache(maxsize=64)
def unshaped_contraction(model: Model, interaction: str) -> Contraction:
    """That of an interaction whose templates no parameter shapes, such as contact couplings' (e, mu) by nuclide.

    ValueError of a model of several data sets.
    """
    return contract(model, model.dataset.term_templates(interaction, {}))


def contraction_of(model: Model, interaction: str, parameters: Values) -> Contraction:
    """That of an interaction's terms at what shapes them; ValueError of a model of several data sets."""
    terms = INTERACTIONS[interaction].terms
    if not terms.shaped_by(parameters):
        return unshaped_contraction(model, interaction)
    few = condensed(model.dataset) if terms.smooth else None
    if few is not None:
        return contract(model, few.counts(terms.weights(few.recoils, parameters)))
    between = between_values(model.dataset, interaction, parameters)
    return contract(model, model.dataset.term_templates(interaction, parameters) if between is None else between)


def contract(model: Model, templates: FloatArray) -> Contraction:
    """Inner products of templates (k, ..., bins) under the weights of the model's measurement."""
    measured = model.dataset.measurement
    weight = measured.errors**-2  # (bins,)
    weighted = templates * weight  # (k, ..., bins)
    return Contraction(
        data_data=float((weight * measured.observed**2).sum()),
        data_template=(weighted * measured.observed).sum(axis=-1),
        template_template=(weighted[:, None] * templates[None, :]).sum(axis=-1),
        penalty=float(precisions(model.nuisances)[0]),
    )
