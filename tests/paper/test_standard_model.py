"""Totals of the standard model, and what the paper says about them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.response import Acceptance, unsmeared_response
from cevnsi.experiments.targets import MEAN_OF_CSI, TARGETS
from cevnsi.fast.contraction import contract
from cevnsi.model import DataSet, Model
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import klein_nystrand
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings
from cevnsi.studies.liao_marfatia_2017.spectra import mean_momentum_transfer_mev
from cevnsi.templates import build_templates

SIN2 = 0.23857
# What public CEvNS codes agree on once they are aligned (Klein-Nystrand, the release's acceptance, 6 to 30
# photoelectrons), rounded to 0.1: six of them, of which no name or commit is on record, so it is a check of size alone.
TOTAL, BY_FLAVOR = 162.6, {"nu_e": 54.4, "nu_mu": 26.7, "nu_mu_bar": 81.4}
# The same by flavor from `quad_counts` of benchmarks/baselines.py at 9e1cb91, 2026-11-26: nested quad, which shares no
# integral with the library.
BY_QUAD = {
    "mean": {"nu_e": 54.49355984, "nu_mu": 26.7944327, "nu_mu_bar": 81.49592145},
    "cs_and_i": {"nu_e": 54.45840888, "nu_mu": 26.78723306, "nu_mu_bar": 81.44077662},
}


def events(model: Model) -> dict[str, float]:
    assert model.dataset.sin2_theta_w == SIN2
    return dict(zip(FLAVORS, model.dataset.by_flavor("contact", {}).sum(axis=1), strict=True))


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_total_of_the_release(nuclei: str, model: Callable[..., Model]) -> None:
    found = events(model("release", nuclei=nuclei))
    # constants: 0.1 % for sin^2 theta_W to three digits, 0.1 % for masses, 0.06 % for one mean nucleus or two
    assert sum(found.values()) == pytest.approx(TOTAL, rel=3e-3)
    for flavor, expected in BY_FLAVOR.items():
        assert found[flavor] == pytest.approx(expected, rel=3e-3, abs=0.05 + 3e-3 * expected)  # and the rounding
    assert found == pytest.approx(BY_QUAD[nuclei], rel=2e-8)  # what quad promises


def test_acceptance_at_bin_centers_gives_a_little_more(root: Path, model: Callable[..., Model]) -> None:
    """The release applies its formula at the centers of 1-PE bins; the dataset at every x, which is 0.13 % less."""
    path = root / "data/coherent_csi_2017/release/coherent_parameters.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    a, k, x0 = (float(p["value"]) for p in content["acceptanceEfficiency"]["parameters"])
    x = np.repeat(np.arange(6.0, 31.0), 2)[1:-1]
    stairs = Acceptance(photoelectrons=x, fraction=np.repeat(a / (1 + np.exp(-k * (np.arange(6.5, 30) - x0))), 2))
    built = build_templates(
        target=TARGETS["mean"],
        form_factor=klein_nystrand,
        exposure=CSI_2017,
        response=unsmeared_response(np.arange(6.0, 31.0), stairs, CSI_2017.pe_per_kev),
    )
    at_centers = built.per_bin().sum() * standard_model_charge(MEAN_OF_CSI, tree_couplings(SIN2)) ** 2
    assert at_centers / sum(events(model("release")).values()) - 1 == pytest.approx(0.0013, abs=1e-4)


@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_muon_flavors_are_about_twice_the_electron_flavor(analysis: str, model: Callable[..., Model]) -> None:
    found = events(model(analysis))
    ratio = (found["nu_mu"] + found["nu_mu_bar"]) / found["nu_e"]
    # the fluxes are two to one, and a flavor's rate depends on its spectrum by a few per cent only
    assert ratio == pytest.approx(2, abs=0.03)


@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_data_agree_with_the_standard_model(analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    charge2 = (54 * (0.5 - 2 * SIN2) - 38) ** 2
    chi2 = float(contract(used, used.dataset.contact_templates).chi2([charge2, charge2]))
    assert 2 < chi2 < 14  # twelve bins and one pull; "consistent with the SM"


def test_typical_momentum_transfer(model: Callable[..., Model]) -> None:
    found = mean_momentum_transfer_mev(model("paper").dataset)
    assert found == pytest.approx(50, abs=6)  # "~ 50 MeV", Sec. 3.1


def test_two_nuclei_are_almost_one(model: Callable[..., Model]) -> None:
    """Sec. 2: "the responses of Cs and I to a given neutrino flavor are almost identical"."""
    one, two = events(model("paper")), events(model("paper", nuclei="cs_and_i"))
    for flavor in FLAVORS:
        assert two[flavor] == pytest.approx(one[flavor], rel=1e-3)


def test_fig_1_peaks_where_the_acceptance_has_risen(dataset: Callable[..., DataSet]) -> None:
    counts = dataset("paper").by_flavor("contact", {}).sum(axis=0)
    assert counts.argmax() in (5, 6)  # between 10 and 14 photoelectrons
    assert counts[0] < 0.01
    assert counts[-1] < 1
