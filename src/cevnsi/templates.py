"""Expected events per unit of weak charge squared: the integrals of Eq. 1, done once.

A template is kept as quadrature nodes in recoil energy, so that a charge that depends on the momentum transfer (Eq. 6)
costs a weighted sum and no new integral.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import SIN2_THETA_W
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.response import Response
from cevnsi.experiments.targets import Target
from cevnsi.physics.cross_section import (
    BRACKETS,
    UNBOUNDED,
    VECTOR,
    Flight,
    Spectrum,
    largest_recoil_mev,
    momentum_transfer_squared,
    recoil_spectrum,
)
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV, flux_normalization
from cevnsi.physics.form_factors import FormFactor, RadiusFormFactor, klein_nystrand, point
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings

# ASSUME: what a release expects itself is of these, whatever an analysis assumes.
REFERENCE_FORM_FACTOR, REFERENCE_KINEMATICS = klein_nystrand, "as_written"
REFERENCE_COUPLINGS = tree_couplings(SIN2_THETA_W)
NODES_PER_SEGMENT = 6  # Gauss-Legendre; with segments of at most half a photoelectron the error is below 1e-10


class OnceAsked(Mapping[str, FloatArray]):
    """Arrays by name, of any shape, each made when it is first asked for: most models never ask."""

    def __init__(self, names: Iterable[str], make: Callable[[str], FloatArray]) -> None:
        self._names, self._make, self._made = tuple(names), make, dict[str, FloatArray]()

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __reduce__(self) -> tuple[type, tuple[dict[str, FloatArray]]]:
        """As the arrays themselves: what makes them may be no thing that another process can be sent."""
        return dict, (dict(self),)


@dataclass(frozen=True, kw_only=True)
class Templates:
    """Quadrature nodes of the rate, and the part of each that is seen in each bin."""

    nuclides: tuple[Nuclide, ...]
    recoil_energy_mev: FloatArray  # (nodes,), increasing
    momentum_transfer_squared: FloatArray  # (nuclides, nodes), MeV^2
    events: FloatArray  # (flavors, nuclides, nodes), before detection, per unit of charge squared
    spectra: Mapping[str, FloatArray]  # by other coupling, recoils over these events, of the same shape
    detected: FloatArray  # (energy bins, nodes), the part of events seen in each bin of energy
    arrival: FloatArray | None = None  # (flavors, time bins), the part that arrives in each; None of energy alone
    factor: FloatArray | None = None  # (energy bins, further bins, time bins), on what is in a bin of energy and time
    form_factor: RadiusFormFactor | None = None  # one that `events` are without, as an interaction weighs them with it
    flight: Flight | None = None  # that `events` are made with

    @cached_property
    def _first(self) -> NDArray[np.intp] | None:
        """The first node of each bin, where bins are runs of nodes one after another; None of what is smeared."""
        seen = self.detected > 0
        first = seen.argmax(axis=1)
        in_runs = seen.any(axis=1).all() and (seen.sum(axis=0) <= 1).all() and (np.diff(first) > 0).all()
        return first if in_runs else None

    @cached_property
    def _events(self) -> FloatArray:
        """Events (flavors, nuclides, nodes); what is seen of them, where each node is seen in one bin."""
        return self.events if self._first is None else self.events * self.detected.sum(axis=0)

    @cached_property
    def _of_all_flavors(self) -> FloatArray:
        return np.asarray(self._events.sum(axis=0, keepdims=True))

    def _binned(self, at_nodes: FloatArray) -> FloatArray:
        """Weighted `_events` in each bin, (..., bins) of (..., nodes).

        Neither way of summing lets a digit depend on how many points there are.
        """
        if self._first is not None:
            return np.asarray(np.add.reduceat(at_nodes, self._first, axis=-1))
        return np.asarray(np.einsum("...k,bk->...b", at_nodes, self.detected))

    def per_bin(self, weight: FloatArray | float = 1.0) -> FloatArray:
        """Weighted events in each bin, (..., flavors, nuclides, bins); the bins of time are the fastest.

        The weight is of the shape (..., flavors, nuclides, nodes), or broadcasts to it.
        """
        binned = self._binned(self._events * weight)
        if self.arrival is None:
            return self.spread(binned)
        in_time = binned[..., None] * self.arrival[:, None, None]
        return self.spread(in_time.reshape(*binned.shape[:-1], -1))

    def spread(self, counts: FloatArray) -> FloatArray:
        """Counts by energy and time, (..., energy bins * time bins), in all bins, (..., bins)."""
        if self.factor is None:
            return counts
        energies, _, times = self.factor.shape
        whole = counts.reshape(*counts.shape[:-1], energies, 1, times) * self.factor
        return np.asarray(whole.reshape(*counts.shape[:-1], -1))

    def counts(self, weight: FloatArray | float) -> FloatArray:
        """Weighted events of all flavors and nuclides in each bin, (..., bins); weight as of `per_bin`."""
        shape = np.broadcast_shapes(np.shape(weight), (1, 1, 1))
        weight = np.broadcast_to(weight, shape)
        if self.arrival is None:
            events = self._of_all_flavors if shape[-3] == 1 else self._events  # the weight is the same for all flavors
            return self.spread(self._binned(_sum_of_events(weight, events)))
        total: Real = 0.0
        for i, share in enumerate(self.arrival):
            k = min(i, shape[-3] - 1)
            seen = self._binned(_sum_of_events(weight[..., k : k + 1, :, :], self._events[i : i + 1]))
            total = total + seen[..., None] * share
        return self.spread(np.asarray(total).reshape(*shape[:-3], -1))

    def during(self, bins: slice) -> "Templates":
        """Only some of the bins of time; ValueError of templates that have none."""
        if self.arrival is None:
            raise ValueError("templates of energy alone; expected some with bins of time")
        factor = None if self.factor is None else self.factor[..., bins]
        return replace(self, arrival=self.arrival[:, bins], factor=factor)

    def select(self, bins: slice) -> "Templates":
        """Only some of the bins of energy, and the nodes of which something is seen in them."""
        detected = self.detected[bins]
        keep = detected.any(axis=0)
        keep |= not keep.any()  # all, where an experiment sees nothing
        return replace(
            self,
            recoil_energy_mev=self.recoil_energy_mev[keep],
            momentum_transfer_squared=self.momentum_transfer_squared[:, keep],
            events=self.events[:, :, keep],
            spectra=OnceAsked(self.spectra, lambda name: self.spectra[name][:, :, keep]),
            detected=detected[:, keep],
            factor=None if self.factor is None else self.factor[bins],
        )


def _sum_of_events(weight: FloatArray, events: FloatArray) -> FloatArray:
    """Weighted events of all flavors and nuclides, (..., nodes): one by one, lest memory grow with them."""
    total: Real = 0.0
    for i, j in np.ndindex(events.shape[:2]):
        total = total + weight[..., min(i, weight.shape[-3] - 1), min(j, weight.shape[-2] - 1), :] * events[i, j]
    return np.asarray(total)


def _segment_edges(kinks: FloatArray, longest: float) -> FloatArray:
    """Kinks of the integrand from the first to the last, and enough further points for short segments."""
    points = np.arange(kinks[0], kinks[-1], longest)  # rounding may exceed the last
    return np.unique(np.concatenate([kinks, points[points < kinks[-1]]]))


def _nodes(
    response: Response, nuclides: tuple[Nuclide, ...], kinematics: str = "as_written"
) -> tuple[FloatArray, FloatArray]:
    """Recoil energies and weights in MeV, (nodes,): Gauss-Legendre between the kinks of the integrand.

    Those of the response, and the largest recoils of the prompt line and of the muon-decay end point for each nuclide.
    """
    ends = response.recoil_energies_mev
    energies = (PROMPT_ENERGY_MEV, END_POINT_MEV)
    largest = np.array([largest_recoil_mev(energy, n, kinematics) for energy in energies for n in nuclides])
    kinks = np.concatenate([ends, largest[(largest > ends[0]) & (largest < ends[-1])]])
    edges = _segment_edges(np.unique(kinks), response.longest_segment_mev)
    abscissa, weight = np.polynomial.legendre.leggauss(NODES_PER_SEGMENT)
    half = np.diff(edges)[:, None] / 2  # (segments, 1)
    return (edges[:-1, None] + half * (1 + abscissa)).ravel(), (half * weight).ravel()


def luminosities_per_cm2(exposure: Exposure, target: Target) -> tuple[float, ...]:
    """Nuclei of each kind times neutrinos per flavor and cm^2, n_N N of Eqs. 1 and 2."""
    flux = flux_normalization(exposure.protons_on_target, exposure.neutrinos_per_proton, exposure.baseline_m)
    return tuple(flux * n for n in target.n_nuclei(exposure.detector_mass_kg))


def build_templates(
    *,
    target: Target,
    form_factor: FormFactor | RadiusFormFactor,
    exposure: Exposure,
    response: Response,
    kinematics: str = "as_written",
    spectrum: Spectrum = recoil_spectrum,
) -> Templates:
    """Eq. 1 per unit of charge squared; the integral over neutrino energy is exact (`recoil_spectrum`).

    Kinematics are one of `KINEMATICS`. A form factor of radii is left to the interaction. Another spectrum is that of
    another flux. ValueError where a release's reference has counts in a bin of energy and time that none reaches.
    """
    of_radii = form_factor if isinstance(form_factor, RadiusFormFactor) else None
    whole = point if isinstance(form_factor, RadiusFormFactor) else form_factor
    recoil, weight = _nodes(response, target.nuclides, kinematics)
    luminosities = luminosities_per_cm2(exposure, target)

    def events_of(coupling: str) -> FloatArray:
        events = [
            [
                luminosity * weight * spectrum(flavor, recoil, nuclide, whole, kinematics, coupling)
                for nuclide, luminosity in zip(target.nuclides, luminosities, strict=True)
            ]
            for flavor in FLAVORS
        ]
        return np.array(events)

    events = events_of(VECTOR)
    sees_all = response.detected(np.zeros(1)).any()

    def over_events(coupling: str) -> FloatArray:
        ratio = np.divide(events_of(coupling), events, out=np.zeros_like(events), where=events > 0)
        if sees_all and coupling in UNBOUNDED:
            ratio[:, :, :NODES_PER_SEGMENT] = np.inf
        return ratio

    return Templates(
        nuclides=target.nuclides,
        recoil_energy_mev=recoil,
        momentum_transfer_squared=np.stack([momentum_transfer_squared(recoil, n) for n in target.nuclides]),
        events=events,
        spectra=OnceAsked((coupling for coupling in BRACKETS if coupling != VECTOR), over_events),
        detected=response.detected(recoil),
        arrival=None if response.arrival is None else np.stack([response.arrival[flavor] for flavor in FLAVORS]),
        factor=_factor(target, response),
        form_factor=of_radii,
        flight=Flight(baseline_m=exposure.baseline_m, kinematics=kinematics, spectrum=spectrum),
    )


def _factor(target: Target, response: Response) -> FloatArray | None:
    """What counts in energy and time are multiplied by, (energy bins, further bins, time bins); None for nothing.

    Of a reference its counts over what is predicted with `REFERENCE_FORM_FACTOR` and so on, zero where it has none.
    """
    reference = response.reference
    if reference is None:
        return response.shares
    alone = build_templates(
        target=target,
        form_factor=REFERENCE_FORM_FACTOR,
        exposure=reference.exposure,
        response=replace(response, shares=None, reference=None),
        kinematics=REFERENCE_KINEMATICS,
    )
    charges = np.array([standard_model_charge(nuclide, REFERENCE_COUPLINGS) for nuclide in target.nuclides])
    times = 1 if alone.arrival is None else alone.arrival.shape[1]
    predicted = alone.counts(charges[None, :, None] ** 2).reshape(-1, 1, times)
    counts = reference.counts.reshape(len(predicted), -1, times)
    if not (predicted > 0)[counts.any(axis=1, keepdims=True)].all():
        raise ValueError("reference: counts of the signal in a bin of energy and time that none is predicted in")
    return np.divide(counts, predicted, out=np.zeros_like(counts), where=counts > 0)
