"""Expected events per unit of weak charge squared: the integrals of Eq. 1, done once.

A template is kept as quadrature nodes, so that a charge that depends on the momentum transfer (Eq. 6) costs a weighted
sum and no new integral. Counts are sum over flavor, nuclide and node of events * charge_squared(Q^2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.experiments.response import Acceptance, Exposure
from cevnsi.physics.cross_section import coherent_factor, momentum_transfer_squared
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV, recoil_factor
from cevnsi.physics.form_factors import FormFactor
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, Epsilon, weak_charge_squared

NODES_PER_SEGMENT = 6  # Gauss-Legendre; with segments of at most half a photoelectron the error is below 1e-10
LONGEST_SEGMENT_PE = 0.5


@dataclass(frozen=True)
class Templates:
    """Quadrature nodes of the rate, ordered by photoelectrons, and the bins that they fall in."""

    nuclides: tuple[Nuclide, ...]
    bin_edges_pe: FloatArray  # (bins + 1,)
    node_bin: NDArray[np.int64]  # (nodes,), not decreasing
    photoelectrons: FloatArray  # (nodes,)
    momentum_transfer_squared: FloatArray  # (nuclides, nodes), MeV^2
    events: FloatArray  # (flavors, nuclides, nodes), per unit of charge squared

    def per_bin(self, weight: FloatArray | float = 1.0) -> FloatArray:
        """Sum of weighted events in each bin, (flavors, nuclides, bins); weight broadcasts to `events`."""
        starts = np.searchsorted(self.node_bin, np.arange(self.bin_edges_pe.size - 1))
        summed: FloatArray = np.add.reduceat(self.events * weight, starts, axis=-1)
        return summed

    def to_columns(self) -> dict[str, Any]:
        """One row per flavor, nuclide and node, ready to be written; `from_columns` reads it back exactly."""
        flavors, nuclides, nodes = self.events.shape
        by_node = {"bin_low_pe": self.bin_edges_pe[self.node_bin], "bin_high_pe": self.bin_edges_pe[self.node_bin + 1]}
        by_node["photoelectrons"] = self.photoelectrons
        return {
            "flavor": [flavor for flavor in FLAVORS for _ in range(nuclides * nodes)],
            "nuclide": [n.name for _ in FLAVORS for n in self.nuclides for _ in range(nodes)],
            **{name: np.tile(values, flavors * nuclides) for name, values in by_node.items()},
            "momentum_transfer_squared_mev2": np.tile(self.momentum_transfer_squared.ravel(), flavors),
            "events_per_charge_squared": self.events.ravel(),
        }

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any], nuclides: tuple[Nuclide, ...]) -> "Templates":
        """Templates written by `to_columns` for these nuclides; ValueError if it was for others."""
        named, expected = list(dict.fromkeys(columns["nuclide"])), [n.name for n in nuclides]
        if named != expected:
            raise ValueError(f"templates of {', '.join(named)}; expected those of {', '.join(expected)}")
        events = columns["events_per_charge_squared"].reshape(len(FLAVORS), len(nuclides), -1)
        nodes = events.shape[-1]
        low, high = columns["bin_low_pe"][:nodes], columns["bin_high_pe"][:nodes]
        edges = np.append(np.unique(low), high[-1])
        transfer = columns["momentum_transfer_squared_mev2"][: len(nuclides) * nodes].reshape(len(nuclides), nodes)
        return cls(nuclides, edges, np.searchsorted(edges, low), columns["photoelectrons"][:nodes], transfer, events)

    def sums_table(self) -> dict[str, Any]:
        """Events per unit of charge squared by flavor, nuclide and bin."""
        sums = self.per_bin()
        flavors, nuclides, bins = sums.shape
        return {
            "flavor": [flavor for flavor in FLAVORS for _ in range(nuclides * bins)],
            "nuclide": [n.name for _ in FLAVORS for n in self.nuclides for _ in range(bins)],
            "bin_low_pe": np.tile(self.bin_edges_pe[:-1], flavors * nuclides),
            "bin_high_pe": np.tile(self.bin_edges_pe[1:], flavors * nuclides),
            "events_per_charge_squared": sums.ravel(),
        }

    def select(self, low_pe: float, high_pe: float) -> "Templates":
        """Only the bins inside [low_pe, high_pe]; both must be bin edges, and low_pe the smaller one."""
        edges = self.bin_edges_pe
        if low_pe >= high_pe or not {low_pe, high_pe} <= set(edges):
            raise ValueError(
                f"photoelectron_range: [{low_pe:g}, {high_pe:g}]; expected two bin edges, the smaller first, of "
                + ", ".join(f"{e:g}" for e in edges)
            )
        first, last = np.searchsorted(edges, [low_pe, high_pe])
        keep = (self.node_bin >= first) & (self.node_bin < last)
        return replace(
            self,
            bin_edges_pe=edges[first : last + 1],
            node_bin=self.node_bin[keep] - first,
            photoelectrons=self.photoelectrons[keep],
            momentum_transfer_squared=self.momentum_transfer_squared[:, keep],
            events=self.events[:, :, keep],
        )


def _segment_edges(bin_edges_pe: FloatArray, kinks_pe: FloatArray) -> FloatArray:
    """Bin edges, kinks of the integrand between them, and enough further points for short segments."""
    low, high = bin_edges_pe[0], bin_edges_pe[-1]
    points = np.concatenate([np.arange(low, high, LONGEST_SEGMENT_PE), kinks_pe])  # rounding may exceed high
    return np.unique(np.concatenate([bin_edges_pe, points[(points > low) & (points < high)]]))


def build_templates(
    bin_edges_pe: FloatArray,
    *,
    nuclides: tuple[Nuclide, ...],
    form_factor: FormFactor,
    exposure: Exposure,
    acceptance: Acceptance,
) -> Templates:
    """Nodes for contiguous bins with these edges; the integral over neutrino energy is exact (`flux.recoil_factor`).

    Segments end where the integrand has a kink: bin edges, points of the acceptance, and the largest recoils of the
    prompt line and of the muon-decay end point for each nuclide.
    """
    low, high, covered = bin_edges_pe[0], bin_edges_pe[-1], acceptance.photoelectrons
    if not (covered[0] <= low and high <= covered[-1]):
        raise ValueError(f"acceptance covers [{covered[0]:g}, {covered[-1]:g}]; the bins need [{low:g}, {high:g}]")
    pe_per_mev = exposure.light_yield_pe_per_kev * 1e3
    largest = [2 * e**2 / n.nuclear_mass_mev * pe_per_mev for e in (PROMPT_ENERGY_MEV, END_POINT_MEV) for n in nuclides]
    edges = _segment_edges(bin_edges_pe, np.concatenate([acceptance.photoelectrons, largest]))
    abscissa, gauss_weight = np.polynomial.legendre.leggauss(NODES_PER_SEGMENT)
    half = np.diff(edges)[:, None] / 2  # (segments, 1)
    pe = (edges[:-1, None] + half * (1 + abscissa)).ravel()  # (nodes,)
    recoil = exposure.recoil_energy_mev(pe)
    step_mev = (half * gauss_weight).ravel() / pe_per_mev
    accepted = step_mev * acceptance(pe)
    events = np.stack(
        [
            [
                exposure.luminosity_per_cm2(n)
                * coherent_factor(recoil, n, form_factor)
                * recoil_factor(flavor, recoil, n.nuclear_mass_mev)
                * accepted
                for n in nuclides
            ]
            for flavor in FLAVORS
        ]
    )
    return Templates(
        nuclides,
        bin_edges_pe,
        # by segment, as a node of a segment that rounding made may round onto the edge above it
        np.repeat(np.searchsorted(bin_edges_pe, edges[:-1], side="right") - 1, NODES_PER_SEGMENT),
        pe,
        np.stack([momentum_transfer_squared(recoil, n) for n in nuclides]),
        events,
    )


def predicted_counts(templates: Templates, epsilon_by_nuclide: Sequence[Epsilon], sin2_theta_w: float) -> FloatArray:
    """Expected counts by flavor and bin, (flavors, bins), for epsilon at each nuclide's nodes (Eq. 1 with Eq. 10)."""
    n_nodes = templates.photoelectrons.size
    charge: Any = np.stack(
        [
            [
                np.broadcast_to(weak_charge_squared(nuclide, ROW_OF_FLAVOR[flavor], epsilon, sin2_theta_w), n_nodes)
                for nuclide, epsilon in zip(templates.nuclides, epsilon_by_nuclide, strict=True)
            ]
            for flavor in FLAVORS
        ]
    )
    counts: FloatArray = templates.per_bin(charge).sum(axis=1)
    return counts
