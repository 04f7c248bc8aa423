"""A made-up detector of argon beside that of cesium and iodine: another nucleus, of another ratio of its nucleons."""

from dataclasses import replace

import numpy as np

from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement
from cevnsi.experiments.release import Experiment
from cevnsi.experiments.response import Acceptance, unsmeared_response
from cevnsi.experiments.targets import Target
from cevnsi.model import Analysis, DataSet, Model
from cevnsi.physics.form_factors import klein_nystrand
from cevnsi.physics.nuclei import Nuclide
from cevnsi.statistics.nuisances import SIGNAL, Nuisance
from cevnsi.templates import build_templates

ARGON = Nuclide(name="Ar40", protons=18, neutrons=22, nuclear_mass_mev=37215.5)
TARGET = Target(title="argon", nuclides=(ARGON,), per_formula_unit=(1,), molar_mass_g=39.948)
EDGES = np.array([10.0, 20.0, 30.0, 40.0, 60.0, 80.0])
FLUX, OWN = 0.10, 0.0874  # sigma of two nuisances of the signal


def argon(analysis: Analysis, flux: str = "flux", scale: float = 1.0, statistic: str = "poisson") -> Model:
    """Counts of the standard model times `scale`, rounded, over a flat background; one nuisance bears this name."""
    acceptance = Acceptance(photoelectrons=np.array([0.0, 100.0]), fraction=np.array([0.5, 0.5]))
    response = unsmeared_response(EDGES, acceptance, 1.0)
    exposure = replace(CSI_2017, detector_mass_kg=60.0, light_yield_pe_per_kev=1.0)
    templates = build_templates(target=TARGET, form_factor=klein_nystrand, exposure=exposure, response=response)
    background = np.full(EDGES.size - 1, 12.0)
    nuisances = (
        Nuisance(name=flux, sigma=FLUX, scales=(SIGNAL,), least=-1.0),
        Nuisance(name="argon_signal", sigma=OWN, scales=(SIGNAL,), least=-1.0),
        Nuisance(name="argon_leak", sigma=0.2, scales=("leak",), least=-1.0),
    )
    measured = Measurement(
        axes={PHOTOELECTRONS: EDGES}, observed=np.zeros(EDGES.size - 1), backgrounds={"leak": background}
    )
    experiment = Experiment(measurement=measured, response=response, nuisances=nuisances)
    dataset = DataSet(
        measurement=experiment.measurement,
        templates=templates,
        nuisances=nuisances,
        statistic="poisson",
        sin2_theta_w=analysis.sin2_theta_w,
        name="argon",
    )
    counts = np.round(scale * dataset.signal("contact", {})[0] + background)
    observed = replace(measured, observed=counts, uncertainty=np.sqrt(counts) if statistic == "gaussian" else None)
    used = replace(dataset, measurement=observed, statistic=statistic)
    return Model(analyses=(replace(analysis, dataset="argon"),), datasets=(used,))
