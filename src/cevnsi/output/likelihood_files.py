"""Likelihoods as files that are read without this library: workspaces of HistFactory, and Eq. 7 in plain numbers.

Contact couplings enter counts by charges squared alone, one of each row and nuclide (Eq. 10): a file has the counts
that each gives, and whoever reads it says what the charges are.

A workspace is one of pyhf's schema 1.0.0 (L. Heinrich, M. Feickert, G. Stark, K. Cranmer, J. Open Source Softw. 6
(2021) 2823). Our nuisances add to a sample what is linear in them, or of one slope on each side of zero: that is
`histosys` with its interpolation `code0`, which whoever reads it has to ask for, as pyhf's own choice is another.
Charges are factors of their samples (`normfactor`), in units of the standard model's: of the charges themselves, which
are a thousand, pyhf's own minimizer stops early. Variations of one sample add up, as scales of ours do. A scale that
multiplies a sample whose shape varies is a factor of its own: there is one with a prior, `lumi`, and only one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import (
    Model,
    charge_derivatives,
    charge_samples,
    farthest_charges,
    held_at,
    is_of_charges,
    profiled,
    samples_of,
)
from cevnsi.physics.weak_charge import ROWS, standard_model_charge
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, Sample, limits, unfitted

SCHEMA = "1.0.0"  # of pyhf's workspaces
LUMI = "lumi"  # the only name that this modifier may have
FARTHEST_PULL = 20.0  # sigma; a file has to name an end
MOST_SCALE = 100.0  # of a background that is free
HISTOSYS, NORMFACTOR = "histosys", "normfactor"
SIDES = (("hi", 1.0), ("lo", -1.0))
SETTINGS = {HISTOSYS: {"interpcode": "code0"}}  # that a workspace is read with
DIGITS_OF_OFFSET = 3  # of microseconds
COMPARED = np.linspace(0.0, 2.0, 21)  # times the standard model's charge, where likelihoods are compared
COMPARED_BELOW = 9.0  # chi2 above the standard model's


class NoLikelihood(ValueError):
    """A likelihood that such a file cannot say."""


def charges_of(model: Model) -> list[str]:
    """Row and nuclide of each charge, in the order of `charge_samples`: mu_Ar40 and so on."""
    return [f"{row}_{nuclide.name}" for row in ROWS for nuclide in model.nuclides]


def standard_model_charges(model: Model) -> FloatArray:
    """Charges squared of the standard model, (charges,) in the same order."""
    couplings = model.couplings_at({})
    charges = [standard_model_charge(nuclide, couplings, row) for row in ROWS for nuclide in model.nuclides]
    return np.asarray(np.square(np.array(charges, float)))


def couplings_of(model: Model) -> dict[str, Any]:
    """What Eq. 10 takes: protons and neutrons by nuclide, and the standard model's couplings of nucleons."""
    couplings = model.couplings_at({})
    return {
        "nuclides": {n.name: {"protons": n.protons, "neutrons": n.neutrons} for n in model.nuclides},
        "proton_coupling": {row: float(value) for row, value in couplings.proton.items()},
        "neutron_coupling": float(couplings.neutron),
    }


def _counts(sample: Sample, theta: FloatArray) -> FloatArray:
    return np.asarray(sample.counts(theta[None], np.zeros(1, np.intp))[0][0])


class _Modifiers:
    """How the nuisances of one data set become modifiers, and the parameters that these have."""

    def __init__(self, nuisances: Sequence[Nuisance], samples: Mapping[str, Sample]) -> None:
        self._nuisances, self._samples = nuisances, samples
        self._unfitted = unfitted(nuisances)
        self._fitted = [j for j, nuisance in enumerate(nuisances) if nuisance.fixed is None]
        self._factors = self._found_factors()
        self._least, self._most = limits(nuisances)

    def _scales(self, sample: Sample) -> list[int]:
        return [j for j in self._fitted if sample.scaled_by[j]]

    def _shapes(self, sample: Sample) -> list[int]:
        return [j for j in self._fitted if j in sample.shifts]

    def _found_factors(self) -> set[int]:
        """Scales that are factors: those without a prior, and one that multiplies a shape which varies."""
        found: set[int] = set()
        for name, sample in self._samples.items():
            if sample.arrival is not None and sample.arrival[0] in self._fitted:
                moving = self._nuisances[sample.arrival[0]].name
                raise NoLikelihood(f"nuisance {moving}: is fitted, and moves {name} in time; expected a fixed one")
            shaped = bool(self._shapes(sample))
            found |= {j for j in self._scales(sample) if shaped or self._nuisances[j].sigma is None}
        for name, sample in self._samples.items():
            scales = [nuisance.name for j, nuisance in enumerate(self._nuisances) if sample.scaled_by[j]]
            if found & set(self._scales(sample)) and len(scales) > 1:
                raise NoLikelihood(f"{name}: scaled by {', '.join(scales)}; expected one, where it is a factor")
        if len(with_prior := [self._nuisances[j].name for j in found if self._nuisances[j].sigma is not None]) > 1:
            said = ", ".join(sorted(with_prior))
            raise NoLikelihood(f"nuisances {said}: scale what others shape; expected one such, {LUMI}")
        for j in self._fitted:
            if self._nuisances[j].sigma is None and j not in found:
                raise NoLikelihood(f"nuisance {self._nuisances[j].name}: a shape without a prior; expected a sigma")
        return found

    def _name(self, j: int) -> str:
        is_lumi = j in self._factors and self._nuisances[j].sigma is not None
        return LUMI if is_lumi else self._nuisances[j].name

    def of(self, sample: Sample, unit: float = 1.0) -> tuple[FloatArray, list[dict[str, Any]]]:
        """Counts (bins,) of so many of a sample where nothing is fitted, and its modifiers."""
        nominal, made = unit * _counts(sample, self._unfitted), list[dict[str, Any]]()
        for j in sorted({*self._scales(sample), *self._shapes(sample)}):
            sigma = self._nuisances[j].sigma
            if j in self._factors:
                made.append({"name": self._name(j), "type": NORMFACTOR if sigma is None else LUMI, "data": None})
                continue
            step = np.zeros(self._unfitted.size)
            step[j] = sigma
            sides = {
                f"{side}_data": (unit * _counts(sample, self._unfitted + sign * step)).tolist() for side, sign in SIDES
            }
            made.append({"name": self._name(j), "type": HISTOSYS, "data": sides})
        return nominal, made

    def parameters(self) -> list[dict[str, Any]]:
        """Where each starts, and between which ends it may be."""
        made: list[dict[str, Any]] = []
        for j in self._fitted:
            sigma, least, most = self._nuisances[j].sigma, float(self._least[j]), float(self._most[j])
            scale = 1.0 if sigma is None else sigma
            farthest = (MOST_SCALE if sigma is None else FARTHEST_PULL) * scale
            ends = [max(least, -farthest), min(most, farthest)]
            if j not in self._factors:
                made.append({"name": self._name(j), "inits": [0.0], "bounds": [[end / scale for end in ends]]})
                continue
            made.append({"name": self._name(j), "inits": [1.0], "bounds": [[1 + end for end in ends]]})
            if sigma is not None:
                made[-1] |= {"auxdata": [1.0], "sigmas": [sigma]}
        return made


def workspace(model: Model, note: str = "") -> dict[str, Any]:
    """The likelihood of a model of one data set of Poisson counts, for contact couplings.

    -2 ln L of it, read with `SETTINGS`, is chi2 of ours and a constant, at all charges and nuisances. NoLikelihood
    where none says the same: an offset of times that is fitted, products of nuisances but the one of `LUMI`, Gaussian
    counts, a control region.
    """
    dataset = model.dataset
    if dataset.statistic != "poisson" or dataset.measurement.control is not None:
        raise NoLikelihood(f"{dataset.name}: {dataset.statistic} counts; expected Poisson's, without a control region")
    if not is_of_charges(model):
        raise NoLikelihood(f"{dataset.name}: counts depend on more than charges squared; expected one form factor")
    units = standard_model_charges(model)
    signals = {
        f"{SIGNAL}_{charge}": sample
        for charge, (_, sample) in zip(charges_of(model), charge_samples(model), strict=True)
    }
    others = samples_of(dataset, model.standard_model_signals[0], model.nuisances)[1:]
    backgrounds = dict(zip(dataset.measurement.backgrounds, others, strict=True))
    modifiers = _Modifiers(model.nuisances, signals | backgrounds)
    factors = factors_of(model)
    samples = [
        _sample(name, *modifiers.of(sample, unit), factor)
        for (name, sample), unit, factor in zip(signals.items(), units.tolist(), factors, strict=True)
    ]
    samples += [_sample(name, *modifiers.of(sample)) for name, sample in backgrounds.items()]
    charges = [
        {"name": factor, "inits": [1.0], "bounds": [[0.0, most]]}
        for factor, most in zip(factors, (farthest_charges(model) / units).tolist(), strict=True)
    ]
    return {
        "channels": [{"name": dataset.name, "samples": samples}],
        "observations": [{"name": dataset.name, "data": dataset.measurement.observed.tolist()}],
        "measurements": [
            {
                "name": ", ".join([dataset.name, *filter(None, [note])]),
                "config": {"poi": factors[0], "parameters": [*charges, *modifiers.parameters()]},
            }
        ],
        "version": SCHEMA,
    }


def factors_of(model: Model) -> list[str]:
    """What a workspace calls its charges squared over the standard model's."""
    return [f"relative_charge_squared_{charge}" for charge in charges_of(model)]


def _sample(name: str, counts: FloatArray, modifiers: list[dict[str, Any]], factor: str = "") -> dict[str, Any]:
    first = [{"name": factor, "type": NORMFACTOR, "data": None}] if factor else []
    return {"name": name, "data": counts.tolist(), "modifiers": first + modifiers}


def with_offset_held(model: Model, offset: float | None = None) -> tuple[Model, str]:
    """A model without an offset that is fitted, and what is said of that.

    Left out it is the standard model's best one, to a nanosecond.
    """
    clock = model.dataset.clock
    number = [nuisance.name for nuisance in model.nuisances]
    if clock is None or model.nuisances[j := number.index(clock.nuisance)].fixed is not None:
        return model, ""
    if offset is None:
        offset = round(float(profiled(model, "contact", {}).nuisances[0, j]), DIGITS_OF_OFFSET)
    held, _ = held_at(model, {clock.nuisance: offset})
    return held, f"{clock.nuisance} held at {offset:g}"


def largest_difference(model: Model, other: Model) -> float:
    """Between chi2 of two models above their standard model's, where that of the first is below `COMPARED_BELOW`.

    Along the charges squared of each row, those of its nuclides together, the other row's as in the standard model.
    """
    units, nuclides = standard_model_charges(model), len(model.nuclides)
    factors = np.ones((len(ROWS) * COMPARED.size + 1, units.size))  # last the standard model
    for i in range(len(ROWS)):
        factors[i * COMPARED.size : (i + 1) * COMPARED.size, i * nuclides : (i + 1) * nuclides] = COMPARED[:, None]
    found = [charge_derivatives(each, factors * units)[0] for each in (model, other)]
    ours, theirs = (chi2 - chi2[-1] for chi2 in found)
    return float(np.abs(theirs - ours)[ours < COMPARED_BELOW].max())


def about_workspace(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """The workspace of a model, and what there is no place for in it: how it is read, and what its factors are.

    NoLikelihood as that of `workspace`.
    """
    held, note = with_offset_held(model)
    made = workspace(held, note)
    said = (
        "-2 ln L for contact couplings, to be read with the settings given here. It is chi2 of data set "
        f"{model.dataset.name} and a constant, at all values of its parameters"
    )
    if note:
        said += (
            f", {note}, which analyses here fit: chi2 above the standard model's is another by up to "
            f"{largest_difference(model, held):.2f} where it is below {COMPARED_BELOW:g} and charges squared of one "
            "row go from zero to twice the standard model's"
        )
    charges = zip(factors_of(model), standard_model_charges(model).tolist(), strict=True)
    return made, {
        "description": f"{said}. Its factors are charges squared ({CHARGE}) over those of the standard model.",
        "modifier_settings": SETTINGS,
        "standard_model": dict(charges),
        **couplings_of(model),
    }


CHARGE = (
    "Eq. 10 of arXiv:1708.04255: the sum over pairs of |Z (g_p + 2 eps_u + eps_d) + N (g_n + eps_u + 2 eps_d)|^2, with "
    "g_p and g_n in diagonal pairs alone"
)


def plain_likelihood(model: Model) -> dict[str, Any]:
    """Eq. 7 of an analysis in numbers: templates by row and nuclide, data, errors, and sigma of the pull.

    NoLikelihood of another chi2, and where counts depend on more than charges squared.
    """
    dataset = model.dataset
    if dataset.statistic != "gaussian" or model.analysis.normalization_uncertainty is None:
        raise NoLikelihood(f"{dataset.name}: {dataset.statistic} counts; expected those of Eq. 7")
    if not is_of_charges(model):
        raise NoLikelihood(f"{dataset.name}: counts depend on more than charges squared; expected one form factor")
    return {
        "description": "Eq. 7 of arXiv:1708.04255: chi2 is the sum over bins of "
        "((observed_counts - (1 + alpha) signal) / stat_uncertainty)^2, and (alpha / normalization_uncertainty)^2, at "
        "the alpha where it is least; signal is the sum of charges squared times templates. A charge squared is "
        f"{CHARGE}.",
        "charges": charges_of(model),
        "standard_model": standard_model_charges(model).tolist(),
        "templates": dataset.contact_templates.tolist(),
        "observed_counts": dataset.measurement.observed.tolist(),
        "stat_uncertainty": dataset.measurement.errors.tolist(),
        "normalization_uncertainty": model.analysis.normalization_uncertainty,
        "bin_edges": {name: np.asarray(edges).tolist() for name, edges in dataset.measurement.axes.items()},
        **couplings_of(model),
    }


def likelihood_files(name: str, model: Model) -> dict[str, tuple[dict[str, Any], str]]:
    """Files of an analysis of one data set by their names: what they hold, and a sentence on it.

    NoLikelihood of what no file of these can say.
    """
    if model.dataset.statistic == "gaussian":
        return {f"{name}-likelihood.json": (plain_likelihood(model), f"Chi2 of Eq. 7 in numbers, analysis {name}")}
    made, about = about_workspace(model)
    return {
        f"{name}-workspace.json": (made, f"Likelihood as a workspace of HistFactory (pyhf), analysis {name}"),
        f"{name}-about_workspace.json": (
            about,
            f"How that workspace of analysis {name} is read: {about['description']}",
        ),
    }
