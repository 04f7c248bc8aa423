"""A data set whose signal has shapes with a kink and whose arrival times have an offset: Poisson counts of CsI."""

from dataclasses import replace

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.clock import Clock, Shares
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.measurement import ARRIVAL_TIME, PHOTOELECTRONS, Measurement
from cevnsi.experiments.release import Experiment, Variation
from cevnsi.experiments.response import Logistic, Response, poisson_response
from cevnsi.model import Analysis, Model, assemble
from cevnsi.statistics.nuisances import SIGNAL, Nuisance, spread

EDGES_PE, EDGES_US = np.arange(6.0, 33.0, 3.0), np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.2, 2.0, 4.0, 6.0])
OFFSETS = np.linspace(-0.25, 0.25, 51)


def _arrived(lifetime_us: float) -> FloatArray:
    """Shares (offsets, times) of what decays after a pulse about 0.45 us of 0.2 us."""
    from scipy.stats import exponnorm

    law = exponnorm(lifetime_us / 0.2, loc=0.45, scale=0.2)
    return np.array([np.diff(law.cdf(EDGES_US - offset)) for offset in OFFSETS])


def _response(plateau: float, midpoint: float) -> Response:
    seen = Logistic(plateau=plateau, steepness=0.5, midpoint=midpoint)
    made = poisson_response(EDGES_PE, seen, np.array([5.0, 6.0]), 1.2, read_at="count")
    flavors = {"nu_e": (0.0, 1.0, 0.0), "nu_mu": (1.0, 0.0, 0.0), "nu_mu_bar": (0.0, 0.0, 1.0)}
    return replace(made, arrival={flavor: np.array(group) for flavor, group in flavors.items()})


def moving_experiment(seed: int = 1, signal: float = 4.0) -> Experiment:
    """Counts drawn about a signal, neutrons that move with the offset, and a background that does not."""
    random = np.random.default_rng(seed)
    prompt, delayed, late = _arrived(0.03), _arrived(2.2), _arrived(2.0)
    arrival = Shares(offsets=OFFSETS, values=np.stack([prompt, delayed, late], axis=1))
    neutron_shares = _arrived(0.1)
    neutrons = Shares(offsets=OFFSETS, values=(neutron_shares / neutron_shares.sum(axis=1)[:, None])[:, None])
    energies = EDGES_PE.size - 1
    by_energy = np.linspace(6.0, 1.0, energies)
    steady = np.outer(np.linspace(12.0, 4.0, energies), np.diff(EDGES_US)).ravel()
    moved = spread(by_energy, neutrons.at(0.0))
    early = spread(by_energy, neutrons.at(0.07))
    flat = np.outer(np.linspace(signal, 0.2, energies), arrival.at(0.07)[:2].mean(axis=0)).ravel() * 8
    observed = random.poisson(early + steady + flat).astype(float)
    return Experiment(
        measurement=Measurement(
            axes={PHOTOELECTRONS: EDGES_PE, ARRIVAL_TIME: EDGES_US},
            observed=observed,
            backgrounds={"neutrons": moved, "steady_state": steady},
        ),
        response=_response(0.66, 11.0),
        nuisances=(
            Nuisance(name="flux", sigma=0.1, scales=(SIGNAL,), least=-1.0),
            Nuisance(name="efficiency", sigma=1.0),
            Nuisance(name="quenching", sigma=1.0),
            Nuisance(name="radius", sigma=1.0),
            Nuisance(name="neutrons_norm", sigma=0.25, scales=("neutrons",), least=-1.0),
            Nuisance(name="steady", sigma=0.03, scales=("steady_state",), least=-1.0),
            Nuisance(name="offset", sigma=None, least=-0.25, most=0.25, starts=(-0.15, 0.0, 0.15)),
        ),
        variations={
            "efficiency": (Variation(response=_response(0.7, 10.0)), Variation(response=_response(0.6, 13.0))),
            "quenching": (Variation(response=_response(0.66, 10.0)), None),
            "radius": (Variation(radius=1.022), Variation(radius=1 / 1.022)),
        },
        clock=Clock(nuisance="offset", shares={SIGNAL: arrival, "neutrons": neutrons}, shapes={"neutrons": by_energy}),
    )


def moving_model(analysis: Analysis, seed: int = 1, nuclei: str = "cs_and_i") -> Model:
    """That data set with cesium and iodine apart."""
    used = replace(analysis, nuclei=nuclei, exposure=CSI_2017)
    return Model(analyses=(used,), datasets=(assemble(used, moving_experiment(seed), "poisson"),))
