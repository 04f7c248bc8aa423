"""Chi2 as one would write it by hand, to compare the library's speed with.

Two ways are kept, each as fast as plain code of its kind is:

* `quad_chi2` integrates the counts of every bin anew at each point of parameters, by nested `scipy.integrate.quad`.
* `bins_chi2` and `bins_mediator_chi2` do the integrals of Eq. 1 once, by `rate_nodes`, and then work on whole grids of
  parameters, one bin after another. What they lack is the contraction of the bins beforehand, so the cost of a point
  grows with the number of bins, and for a light mediator with the number of quadrature nodes.

Chi2 is a parabola in the pull of Eq. 7, so all of them profile it in closed form. Constants, nuclei, form factors,
choices and data are the library's; charges, integrals and chi2 are the baselines' own. Equation numbers are those of
arXiv:1708.04255.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.integrate import quad

from cevnsi.arrays import FloatArray
from cevnsi.constants import G_FERMI, HBARC_MEV_FM, MUON_MASS_MEV
from cevnsi.experiments.measurement import Measurement
from cevnsi.experiments.response import Acceptance
from cevnsi.experiments.targets import TARGETS
from cevnsi.model import Analysis
from cevnsi.parameters import OFF_DIAGONAL
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV, delayed_spectrum
from cevnsi.physics.form_factors import FORM_FACTORS
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import NEUTRON_COUPLING, ROW_OF_FLAVOR, ROWS, proton_coupling
from cevnsi.templates import luminosities_per_cm2

LARGEST_ENERGY_MEV = {"nu_e": END_POINT_MEV, "nu_mu": PROMPT_ENERGY_MEV, "nu_mu_bar": END_POINT_MEV}
CM2_PER_MEV_MINUS_2 = (HBARC_MEV_FM * 1e-13) ** 2


@dataclass(frozen=True)
class Experiment:
    """Choices, the bins that enter chi2, and the acceptance."""

    analysis: Analysis
    measurement: Measurement
    acceptance: Acceptance

    @property
    def nuclides(self) -> tuple[Nuclide, ...]:
        """Nuclei of the target."""
        return TARGETS[self.analysis.nuclei].nuclides

    @property
    def pe_per_mev(self) -> float:
        """Photoelectrons per MeV of recoil energy (Eq. 5)."""
        return self.analysis.exposure.pe_per_kev * 1e3

    def accepted(self, photoelectrons: Any) -> Any:
        """Fraction that survives at any photoelectrons but a step: straight lines between points."""
        return np.interp(photoelectrons, self.acceptance.photoelectrons, self.acceptance.fraction)

    def kinks_pe(self, flavor: str, nuclide: Nuclide) -> list[float]:
        """Photoelectrons where the rate has a kink: the acceptance's points and the largest recoil."""
        largest_recoil_mev = 2 * LARGEST_ENERGY_MEV[flavor] ** 2 / nuclide.nuclear_mass_mev
        return [*self.acceptance.photoelectrons.tolist(), largest_recoil_mev * self.pe_per_mev]

    def events_per_cross_section(self, nuclide: Nuclide) -> float:
        """Events of each flavor per MeV^-2 of cross section and unit flux, before acceptance (Eq. 1)."""
        luminosities = luminosities_per_cm2(self.analysis.exposure, TARGETS[self.analysis.nuclei])
        return luminosities[self.nuclides.index(nuclide)] * CM2_PER_MEV_MINUS_2

    def coherent_factor(self, recoil_energy_mev: Any, nuclide: Nuclide) -> Any:
        """Eq. 3 without the charge and without 2 - M E_r / E_nu^2: G_F^2 / (2 pi) F^2 M in MeV^-1, any shape."""
        mass = nuclide.nuclear_mass_mev
        f = FORM_FACTORS[self.analysis.form_factor](2 * mass * recoil_energy_mev, nuclide)
        return G_FERMI**2 / (2 * np.pi) * f**2 * mass


def standard_model_charge(nuclide: Nuclide, sin2_theta_w: float) -> float:
    """Z g_p + N g_n, whose square is Eq. 4."""
    return float(nuclide.protons * proton_coupling(sin2_theta_w) + nuclide.neutrons * NEUTRON_COUPLING)


def charge_squared(nuclide: Nuclide, row: str, parameters: Mapping[str, Any], sin2_theta_w: float) -> Any:
    """Q_alpha^2 of Eq. 10 for a neutrino of row "e" or "mu"; the shape is what the values broadcast to.

    parameters has real values by name of contact parameter; one that is missing is zero.
    """
    u, d = 2 * nuclide.protons + nuclide.neutrons, nuclide.protons + 2 * nuclide.neutrons
    total: Any = 0.0
    for pair in ROWS[row]:
        real = u * parameters.get(f"eps_{pair}_uV", 0.0) + d * parameters.get(f"eps_{pair}_dV", 0.0)
        if pair in OFF_DIAGONAL:
            imag = u * parameters.get(f"eps_{pair}_uV_imag", 0.0) + d * parameters.get(f"eps_{pair}_dV_imag", 0.0)
            total = total + real**2 + imag**2
        else:
            total = total + (standard_model_charge(nuclide, sin2_theta_w) + real) ** 2
    return total


def spectrum(flavor: str, neutrino_energy_mev: float) -> float:
    """Energy density of nu_e or nu_mu_bar per MeV up to the end point (Eq. 2), of one float.

    In plain arithmetic, as `quad` asks for one value at a time, where functions of arrays would take most of the time.
    """
    x = neutrino_energy_mev / MUON_MASS_MEV
    if flavor == "nu_mu_bar":
        return 64 * x**2 * (0.75 - x) / MUON_MASS_MEV
    return 192 * x**2 * (0.5 - x) / MUON_MASS_MEV


def quad_over_energy(flavor: str, recoil_energy_mev: float, nuclear_mass_mev: float) -> float:
    """Unit flux of Eq. 2 times 2 - M E_r / E_nu^2, integrated over the neutrino energy from its least value on."""
    product = nuclear_mass_mev * recoil_energy_mev
    least, greatest = math.sqrt(product / 2), LARGEST_ENERGY_MEV[flavor]
    if least >= greatest:
        return 0.0
    if flavor == "nu_mu":  # one energy
        return 2 - product / greatest**2
    return quad(lambda energy: spectrum(flavor, energy) * (2 - product / energy**2), least, greatest)[0]


def quad_events(experiment: Experiment, flavor: str, nuclide: Nuclide, low_pe: float, high_pe: float) -> float:
    """Events in a bin per unit of charge squared (Eqs. 1, 3 and 5).

    `quad` is told of the kinks. Its tolerances are its own, the absolute one too: so the integrand is in events.
    """
    mass, factor = nuclide.nuclear_mass_mev, experiment.events_per_cross_section(nuclide) / experiment.pe_per_mev

    def rate(pe: float) -> float:
        recoil = pe / experiment.pe_per_mev
        cross_section = float(experiment.coherent_factor(recoil, nuclide)) * quad_over_energy(flavor, recoil, mass)
        return factor * cross_section * float(experiment.accepted(pe))

    kinks = sorted({pe for pe in experiment.kinks_pe(flavor, nuclide) if low_pe < pe < high_pe})
    return quad(rate, low_pe, high_pe, points=kinks or None, limit=50 + len(kinks))[0]


def quad_counts(experiment: Experiment, parameters: Mapping[str, float]) -> FloatArray:
    """Expected counts at one point of contact parameters, (flavors, bins), every integral done anew."""
    edges, sin2 = experiment.measurement.bin_edges_pe.tolist(), experiment.analysis.sin2_theta_w
    counts = np.zeros((len(FLAVORS), len(edges) - 1))
    for i, flavor in enumerate(FLAVORS):
        for nuclide in experiment.nuclides:
            charge2 = charge_squared(nuclide, ROW_OF_FLAVOR[flavor], parameters, sin2)
            counts[i] += [charge2 * quad_events(experiment, flavor, nuclide, *ends) for ends in pairwise(edges)]
    return counts


def quad_chi2(experiment: Experiment, parameters: Mapping[str, float]) -> float:
    """Chi2 at one point of contact parameters by name: Eq. 7 at the pull that minimises it."""
    measured, sigma = experiment.measurement, experiment.analysis.sigma_alpha
    predicted = quad_counts(experiment, parameters).sum(axis=0)
    weight = 1 / measured.errors**2
    slope = (weight * predicted * (measured.observed - predicted)).sum()
    pull = slope / ((weight * predicted**2).sum() + 1 / sigma**2)
    residual = measured.observed - predicted * (1 + pull)
    return float((weight * residual**2).sum() + (pull / sigma) ** 2)


@dataclass(frozen=True)
class RateNodes:
    """Quadrature nodes of the rate in one bin."""

    momentum_transfer_squared: FloatArray  # (nuclides, nodes), MeV^2
    events: FloatArray  # (flavors, nuclides, nodes), per unit of charge squared


def _gauss(low: Any, high: Any, nodes: int) -> tuple[FloatArray, FloatArray]:
    """Abscissas and weights between ends of any shape (...), (nodes, ...) each."""
    abscissa, weight = np.polynomial.legendre.leggauss(nodes)
    half = (np.asarray(high) - low) / 2
    return low + np.multiply.outer(abscissa + 1, half), np.multiply.outer(weight, half)


def over_energy(flavor: str, recoil_energy_mev: FloatArray, nuclear_mass_mev: float) -> FloatArray:
    """What `quad_over_energy` integrates, at recoils (nodes,): exact, as the integrand is a cubic in the energy."""
    product = nuclear_mass_mev * recoil_energy_mev
    if flavor == "nu_mu":
        return np.clip(2 - product / PROMPT_ENERGY_MEV**2, 0.0, None)
    energy, weight = _gauss(np.minimum(np.sqrt(product / 2), END_POINT_MEV), END_POINT_MEV, 2)
    inner: FloatArray = (weight * delayed_spectrum(flavor, energy) * (2 - product / energy**2)).sum(axis=0)
    return inner


def rate_nodes(experiment: Experiment, nodes_per_segment: int = 4) -> list[RateNodes]:
    """Nodes of every bin (Eqs. 1 to 3 and 5), to be made once.

    Segments end at bin edges and kinks of the rate. Four nodes give chi2 to 1e-12 where segments have up to two
    photoelectrons; an acceptance with many points needs fewer.
    """
    nuclides, made = experiment.nuclides, []
    kinks = np.concatenate([experiment.kinks_pe(flavor, nuclide) for flavor in FLAVORS for nuclide in nuclides])
    for low, high in pairwise(experiment.measurement.bin_edges_pe):
        edges = np.unique([low, *kinks[(kinks > low) & (kinks < high)], high])
        pe, step = (values.ravel() for values in _gauss(edges[:-1], edges[1:], nodes_per_segment))
        recoil, events = pe / experiment.pe_per_mev, np.empty((len(FLAVORS), len(nuclides), pe.size))
        for j, nuclide in enumerate(nuclides):
            factor = experiment.events_per_cross_section(nuclide) * experiment.coherent_factor(recoil, nuclide)
            factor = factor * experiment.accepted(pe) * step / experiment.pe_per_mev
            for i, flavor in enumerate(FLAVORS):
                events[i, j] = factor * over_energy(flavor, recoil, nuclide.nuclear_mass_mev)
        made.append(RateNodes(np.stack([2 * n.nuclear_mass_mev * recoil for n in nuclides]), events))
    return made


def bin_events(nodes: Sequence[RateNodes]) -> FloatArray:
    """Events per unit of charge squared, (flavors, nuclides, bins)."""
    return np.stack([bin_nodes.events.sum(axis=-1) for bin_nodes in nodes], axis=-1)


def _chi2_bin_by_bin(experiment: Experiment, counts: Iterable[FloatArray], shape: tuple[int, ...]) -> FloatArray:
    """Eq. 7 at the pull that minimises it, from the predicted counts of one bin after another, each of this shape.

    Sums of N P and P P instead of squared residuals: one array less to update in each bin, and no large terms that
    cancel where the prediction exceeds the data by orders of magnitude.
    """
    measured, penalty = experiment.measurement, experiment.analysis.sigma_alpha**-2
    observed = measured.observed / measured.errors
    data_prediction, prediction_prediction = np.zeros(shape), np.zeros(shape)
    for n, error, of_bin in zip(observed, measured.errors, counts, strict=True):
        predicted = of_bin / error
        data_prediction += n * predicted
        prediction_prediction += predicted * predicted
    scale = (data_prediction + penalty) / (prediction_prediction + penalty)  # 1 + alpha
    at_scale = scale * (scale * prediction_prediction - 2 * data_prediction)
    chi2: FloatArray = (observed**2).sum() + at_scale + penalty * (scale - 1) ** 2
    return chi2


def bins_chi2(experiment: Experiment, events: FloatArray, parameters: Mapping[str, Any]) -> FloatArray:
    """Chi2 of contact parameters by name, of the shape that their values broadcast to.

    events (flavors, nuclides, bins) per unit of charge squared, as `bin_events` gives them.
    """
    nuclides, sin2 = experiment.nuclides, experiment.analysis.sin2_theta_w
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    events_of_row = [
        events[[i for i, flavor in enumerate(FLAVORS) if ROW_OF_FLAVOR[flavor] == row]].sum(axis=0) for row in ROWS
    ]  # rows times (nuclides, bins)
    charges = [[charge_squared(nuclide, row, parameters, sin2) for nuclide in nuclides] for row in ROWS]

    def counts(k: int) -> Any:
        total: Any = 0.0
        for of_row, charges_of_row in zip(events_of_row, charges, strict=True):
            for of_nuclide, charge2 in zip(of_row, charges_of_row, strict=True):
                total = total + of_nuclide[k] * charge2
        return total

    return _chi2_bin_by_bin(experiment, (counts(k) for k in range(events.shape[-1])), shape)


def bins_mediator_chi2(
    experiment: Experiment, nodes: Sequence[RateNodes], mediator_mass_mev: FloatArray, coupling: FloatArray
) -> FloatArray:
    """Chi2 of a universal light vector mediator (Eq. 6), of the shape that masses and couplings broadcast to.

    The charge depends on the momentum transfer, and is the same for all flavors: the sum over nodes is done anew at
    each point. nodes is one entry for each bin, as `rate_nodes` gives them.
    """
    nuclides, sin2 = experiment.nuclides, experiment.analysis.sin2_theta_w
    shape = np.broadcast_shapes(np.shape(mediator_mass_mev), np.shape(coupling))
    mass2, strength = np.square(mediator_mass_mev), np.square(coupling) / (2 * math.sqrt(2) * G_FERMI)

    def counts(of_bin: RateNodes) -> FloatArray:
        total, events = np.zeros(shape), of_bin.events.sum(axis=0)
        for nuclide, transfers, events_of_nuclide in zip(
            nuclides, of_bin.momentum_transfer_squared, events, strict=True
        ):
            charge = standard_model_charge(nuclide, sin2)
            couplings = 3 * nuclide.mass_number * strength  # of 3 A quarks, u and d alike
            for transfer2, n in zip(transfers, events_of_nuclide, strict=True):
                total += n * (charge + couplings * (1 / (transfer2 + mass2))) ** 2
        return total

    return _chi2_bin_by_bin(experiment, map(counts, nodes), shape)
