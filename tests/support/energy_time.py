"""CsI 2017 in energy and time, as a model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cevnsi.experiments.checks import Tables
from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.csi_2017_time import Choices, measured, response
from cevnsi.experiments.release import Experiment
from cevnsi.model import Analysis, Model, assemble

RELEASE = Path(__file__).parents[2] / "data" / "coherent_csi_2017" / "release"
PATHS = {
    "coincidence": RELEASE / "data_coincidence_beamOn.txt",
    "anticoincidence": RELEASE / "data_anticoincidence_beamOn.txt",
    "coincidence_off": RELEASE / "data_coincidence_beamOff.txt",
    "anticoincidence_off": RELEASE / "data_anticoincidence_beamOff.txt",
    "neutrons": RELEASE / "promptPDF.txt",
    "arrival_prompt_neutrinos": RELEASE / "arrivalTimePDF_promptNeutrinos.txt",
    "arrival_delayed_neutrinos": RELEASE / "arrivalTimePDF_delayedNeutrinos.txt",
    "arrival_prompt_neutrons": RELEASE / "arrivalTimePDF_promptNeutrons.txt",
    "parameters": RELEASE / "coherent_parameters.yaml",
}
SIN2 = 0.23857


def made(tables: Tables, analysis: Analysis, nuclei: str = "mean", **changes: Any) -> Model:
    """The model under choices."""
    choices = Choices(**changes)
    measurement, nuisances, sidebands = measured(tables, choices)
    seen = response(tables, choices, CSI_2017.pe_per_kev)
    experiment = Experiment(measurement=measurement, response=seen, nuisances=nuisances, sidebands=sidebands)
    return Model(analyses=(analysis,), datasets=(assemble(replace(analysis, nuclei=nuclei), experiment, "poisson"),))
