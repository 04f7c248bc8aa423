"""Likelihoods as files that are read without this library: workspaces of HistFactory, and Eq. 7 in plain numbers.

Contact couplings enter counts by charges squared alone, one of each row and nuclide (Eq. 10). A file has the counts
that a charge squared of one gives; whoever reads it says what the charges are.

A workspace is one of pyhf's schema 1.0.0 (L. Heinrich, M. Feickert, G. Stark, K. Cranmer, J. Open Source Softw. 6
(2021) 2823). Our nuisances add to a sample what is linear in them, or of one slope on each side of zero: that is
`histosys` with its interpolation `code0`, which whoever reads it has to ask for, as pyhf's own choice is another.
Charges are factors of their samples (`normfactor`). Variations of one sample add up, as scales of ours do. A scale that
multiplies a sample whose shape varies is a factor of its own: there is one with a prior, `lumi`, and only one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import Model, charge_samples, farthest_charges, is_of_charges, samples_of
from cevnsi.physics.weak_charge import ROWS, standard_model_charge
from cevnsi.statistics.nuisances import Nuisance, Sample, limits, unfitted

SCHEMA = "1.0.0"  # of pyhf's workspaces
LUMI = "lumi"  # the only name that this modifier may have
FARTHEST_PULL = 20.0  # sigma; a file has to name an end
MOST_SCALE = 100.0  # of a background that is free
HISTOSYS, NORMFACTOR = "histosys", "normfactor"


def charge_name(row: str, nuclide: str) -> str:
    """What a file calls a charge squared.

    >>> charge_name("mu", "Ar40")
    'charge_squared_mu_Ar40'
    """
    return f"charge_squared_{row}_{nuclide}"


def charge_names(model: Model) -> list[str]:
    """Of rows and nuclides, in the order of `charge_samples`."""
    return [charge_name(row, nuclide.name) for row in ROWS for nuclide in model.nuclides]


def standard_model_charges(model: Model) -> FloatArray:
    """Charges squared of the standard model, (charges,) in the same order."""
    couplings = model.couplings_at({})
    charges = [standard_model_charge(nuclide, couplings, row) for row in ROWS for nuclide in model.nuclides]
    return np.square(np.array(charges, float))


def couplings_of(model: Model) -> dict[str, Any]:
    """What Eq. 10 takes: protons and neutrons by nuclide, and the standard model's couplings of nucleons."""
    couplings = model.couplings_at({})
    return {
        "nuclides": {n.name: {"protons": n.protons, "neutrons": n.neutrons} for n in model.nuclides},
        "proton_coupling": {row: float(value) for row, value in couplings.proton.items()},
        "neutron_coupling": float(couplings.neutron),
    }


def _counts(sample: Sample, theta: FloatArray) -> FloatArray:
    return sample.counts(theta[None], np.zeros(1, np.intp))[0][0]


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
                raise ValueError(f"nuisance {self._nuisances[sample.arrival[0]].name}: moves {name}; expected it fixed")
            scales = self._scales(sample)
            factors = {j for j in scales if self._shapes(sample) or self._nuisances[j].sigma is None}
            if factors and (len(scales) > 1 or (sample.scaled_by * self._unfitted).any()):
                said = ", ".join(nuisance.name for j, nuisance in enumerate(self._nuisances) if sample.scaled_by[j])
                raise ValueError(f"sample {name}: scaled by {said}, and one is a factor; expected no other")
            found |= factors
        for sample in self._samples.values():
            found_too = found & set(self._scales(sample))
            if found_too and len(self._scales(sample)) > 1:
                raise ValueError(f"nuisance {self._nuisances[found_too.pop()].name}: no factor of all that it scales")
        if len(with_prior := [j for j in found if self._nuisances[j].sigma is not None]) > 1:
            said = ", ".join(self._nuisances[j].name for j in with_prior)
            raise ValueError(f"nuisances {said}: scale samples whose shapes vary; a workspace has room for one such")
        for j in self._fitted:
            if self._nuisances[j].sigma is None and j not in found:
                raise ValueError(f"nuisance {self._nuisances[j].name}: a shape without a prior; expected a sigma")
        return found

    def _name(self, j: int) -> str:
        is_lumi = j in self._factors and self._nuisances[j].sigma is not None
        return LUMI if is_lumi else self._nuisances[j].name

    def of(self, sample: Sample) -> tuple[FloatArray, list[dict[str, Any]]]:
        """Counts (bins,) of a sample where nothing is fitted, and its modifiers."""
        nominal, made = _counts(sample, self._unfitted), []
        for j in sorted({*self._scales(sample), *self._shapes(sample)}):
            sigma = self._nuisances[j].sigma
            if j in self._factors:
                made.append({"name": self._name(j), "type": NORMFACTOR if sigma is None else LUMI, "data": None})
                continue
            step = np.zeros(self._unfitted.size)
            step[j] = sigma
            sides = {f"{side}_data": _counts(sample, self._unfitted + sign * step).tolist() for side, sign in SIDES}
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


SIDES = (("hi", 1.0), ("lo", -1.0))


def workspace(model: Model, note: str = "") -> dict[str, Any]:
    """The likelihood of a model of one data set of Poisson counts, for contact couplings.

    -2 ln L of it, with `code0` for `histosys`, is chi2 of ours and a constant, at all charges and nuisances. ValueError
    where none says the same: an offset of times that is fitted, products of nuisances but the one of `LUMI`, Gaussian
    counts, a control region.
    """
    dataset = model.dataset
    if dataset.statistic != "poisson" or dataset.measurement.control is not None:
        raise ValueError(f"{dataset.name}: {dataset.statistic} counts; expected Poisson counts without a control region")
    if not is_of_charges(model):
        raise ValueError(f"{dataset.name}: counts depend on more than charges squared; expected one form factor")
    names = charge_names(model)
    signals = {name: sample for name, (_, sample) in zip(names, charge_samples(model), strict=True)}
    others = samples_of(dataset, model.standard_model_signals[0], model.nuisances)[1:]
    samples = signals | dict(zip(dataset.measurement.backgrounds, others, strict=True))
    modifiers, made = _Modifiers(model.nuisances, samples), []
    for name, sample in samples.items():
        counts, varied = modifiers.of(sample)
        factor = [{"name": name, "type": NORMFACTOR, "data": None}] if name in signals else []
        made.append(
            {"name": name.replace("charge_squared", "signal"), "data": counts.tolist(), "modifiers": factor + varied}
        )
    charges = [
        {"name": name, "inits": [start], "bounds": [[0.0, most]]}
        for name, start, most in zip(
            names, standard_model_charges(model).tolist(), farthest_charges(model).tolist(), strict=True
        )
    ]
    return {
        "channels": [{"name": dataset.name, "samples": made}],
        "observations": [{"name": dataset.name, "data": dataset.measurement.observed.tolist()}],
        "measurements": [
            {
                "name": f"{dataset.name}{f', {note}' if note else ''}",
                "config": {"poi": names[0], "parameters": [*charges, *modifiers.parameters()]},
            }
        ],
        "version": SCHEMA,
    }


def plain_likelihood(model: Model) -> dict[str, Any]:
    """Eq. 7 of an analysis in numbers: templates by row and nuclide, data, errors, and sigma of the pull."""
    dataset = model.dataset
    if dataset.statistic != "gaussian" or not is_of_charges(model):
        raise ValueError(f"{dataset.name}: {dataset.statistic} counts; expected those of Eq. 7, and one form factor")
    return {
        "description": "Eq. 7 of arXiv:1708.04255: chi2 = sum over bins of ((observed_counts - (1 + alpha) signal) / "
        "stat_uncertainty)^2 + (alpha / normalization_uncertainty)^2, at the alpha where it is least; signal = sum over "
        "charges of charge squared times template. A charge squared is that of a row of Eq. 10, "
        "sum over pairs of |Z (g_p + 2 eps_u + eps_d) + N (g_n + eps_u + 2 eps_d)|^2, with g_p and g_n in diagonal "
        "pairs alone.",
        "charges": charge_names(model),
        "standard_model": standard_model_charges(model).tolist(),
        "templates": dataset.contact_templates.tolist(),
        "observed_counts": dataset.measurement.observed.tolist(),
        "stat_uncertainty": dataset.measurement.errors.tolist(),
        "normalization_uncertainty": model.analysis.sigma_alpha,
        "bin_edges": {name: np.asarray(edges).tolist() for name, edges in dataset.measurement.axes.items()},
        **couplings_of(model),
    }
