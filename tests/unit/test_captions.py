import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import RANGES, as_columns
from cevnsi.output import captions
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.captions import spectrum_caption
from cevnsi.studies.liao_marfatia_2017.study import FIGURES

NAMES = {name for interaction in INTERACTIONS.values() for name in interaction.parameters}
Config = dict[str, Any]
AXES = ("delta_m2_41_ev2", "u_mu4_squared")


def plain(html: str) -> str:
    return re.sub("<[^>]*>", "", html)


def test_names_are_all_different() -> None:
    for name in (captions.html_name, captions.spoken_name):
        assert len({name(parameter) for parameter in NAMES}) == len(NAMES)
    assert not any("<" in captions.spoken_name(parameter) for parameter in NAMES)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.95, "−0.95"), (1e-6, "10<sup>−6</sup>"), (1.76e23, "1.76 × 10<sup>23</sup>"), (163.94, "163.9")],
)
def test_numbers(value: float, text: str) -> None:
    assert captions.number(value) == text


@pytest.mark.parametrize("name", ["light_mediator", "ee_d_u", "matter_ee_mumu"])
def test_a_caption_states_data_statistic_threshold_and_domain(name: str, config: Config) -> None:
    scan = parse_scan(name, config["scans"][name])
    axes = tuple(axis.name for axis in scan.axes)
    text = plain(captions.region_caption(config, "release", [(scan, axes)]))
    level, n_dof = scan.levels()[0]
    assert "Data: the official COHERENT release" in text
    assert "Statistic: Gaussian χ2 of Eq. 7" in text
    assert "0.28" in text
    assert f"{100 * level:g} % CL, Δχ2 = {threshold(level, n_dof):.2f} (2 degrees of freedom)" in text
    assert " × ".join(str(axis.points) for axis in scan.axes) in text
    assert ("minimised over εeeuV from −1 to 1" in text) == bool(scan.domain)
    assert ("every other coupling zero" in text) == (scan.interaction == "contact")


def test_what_is_not_named_of_a_sterile_neutrino_is_a_mixing(config: Config) -> None:
    text = plain(captions.region_caption(config, "csi_2021", [(parse_scan("s", config["scans"]["sterile_mu"]), AXES)]))
    assert "every other mixing zero" in text
    assert "Δm241 from 0.1 to 30 eV²" in text


def test_a_caption_follows_the_configuration(config: Config) -> None:
    section = config["analyses"]["paper"]
    section |= {"normalization_uncertainty": 0.14, "photoelectron_range": [8, 20], "form_factor": "helm"}
    config["scans"]["ee_d_u"] |= {"confidence_levels": [0.99], "n_dof": [1], "fixed": {"eps_mumu_dV": 0.2}}
    scan = parse_scan("ee_d_u", config["scans"]["ee_d_u"])
    text = plain(captions.region_caption(config, "paper", [(scan, ("eps_ee_dV", "eps_ee_uV"))] * 2))
    for expected in ("0.14", "8 to 20 PE", "99 % CL, Δχ2 = 6.63 (1 degree of freedom)", "fixed εμμdV = 0.2", "(b)"):
        assert expected in text
    assert "Helm" in spectrum_caption(config, "paper")


def test_a_projection_is_minimised_over_the_other_axes(config: Config) -> None:
    section = config["scans"]["ee_d_u"]
    section["axes"]["eps_etau_dV"] = {"min": -0.3, "max": 0.3, "points": 5}
    section["projections"] = [["eps_ee_dV", "eps_ee_uV"]]
    scan = parse_scan("three", section)
    assert "minimised over εeτdV from −0.3 to 0.3" in plain(captions.domain_text(scan, scan.projections[0]))


def test_a_prediction_is_said_in_words(config: Config) -> None:
    section = config["analyses"]["paper"]
    assert "one mean nucleus of CsI, Klein-Nystrand form factor" in captions.assumption_text(section)
    other = captions.assumption_text(section | {"nuclei": "cs_and_i", "form_factor": "helm"})
    assert "cesium and iodine separately, Helm form factor" in other


@pytest.mark.parametrize("shaded", ["allowed", "excluded"])
@pytest.mark.parametrize("name", ["light_mediator", "ee_d_u"])
def test_a_caption_names_the_side_that_is_shaded(name: str, shaded: str, config: Config) -> None:
    """Which a figure says of itself: a light mediator's scan is drawn as an allowed region, too, under another name."""
    scan = parse_scan(name, config["scans"][name])
    text = plain(captions.region_caption(config, "paper", [(scan, [axis.name for axis in scan.axes])], shaded))
    assert text.startswith(f"{shaded.capitalize()} region of")
    assert {figure.name: figure.shaded for figure in FIGURES if figure.grids} == {
        "fig2": "excluded", "fig3": "allowed", "fig4": "allowed"
    }  # fmt: skip


def test_a_caption_names_every_level_that_is_drawn(config: Config) -> None:
    config["scans"]["ee_d_u"] |= {"confidence_levels": [0.9, 0.99], "n_dof": [2, 1]}
    scan = parse_scan("ee_d_u", config["scans"]["ee_d_u"])
    text = plain(captions.threshold_text(scan))
    assert text.startswith("Thresholds: 90 % CL, Δχ2 = 4.61, 99 % CL, Δχ2 = 9.21 (2 degrees of freedom)")
    assert "the tables have 90 % with 1: 2.71, 99 % with 1: 6.63 too" in text


def test_a_degenerate_set_is_said_in_place_of_a_best_fit() -> None:
    fits: dict[str, Any] = {"grid": ["other", "lm", "lm"], "parameter": ["coupling", "mediator_mass_mev", "coupling"]}
    fits |= {"flat_from": [1.0, 1.0, 2e-5], "flat_to": [2.0, 300.0, 3e-4]}
    text = plain(captions.degenerate_text("(b)", fits, "lm", ("mediator_mass_mev", "coupling")))
    assert text.startswith("Best fit: none is marked in (b), as a set of points is as good: ")
    assert "Δχ2 is below 0.01 for MZ′ from 1 to 300 MeV and for g from 2 × 10−5 to 0.0003." in text


def test_alternative_text_has_the_ranges(config: Config) -> None:
    scan = parse_scan("ee_d_u", config["scans"]["ee_d_u"])
    ranges = {
        "scan": ["ee_d_u"] * 3,
        "parameter": ["eps_ee_dV", "eps_ee_dV", "eps_ee_uV"],
        "other_parameters": ["profiled", "profiled", "profiled"],
        "confidence_level": np.array([0.9, 0.9, 0.9]),
        "n_dof": np.array([2.0, 2.0, 1.0]),
        "lower": np.array([-0.5, 0.25, 0.0]),
        "upper": np.array([0.125, 0.75, 1.0]),
        "ends_at_grid": ["", "upper", ""],
    }
    alt = captions.region_alt(scan, ("eps_ee_dV", "eps_ee_uV"), ranges)
    assert "epsilon ee dV from −0.5 to 0.125 and 0.25 to 0.75" in alt
    assert "epsilon ee uV from nowhere" in alt


def test_a_line_is_told_by_its_ranges(config: dict[str, Any]) -> None:
    scan = parse_scan("ee_tied", config["scans"]["ee_tied"])
    intervals = enumerate([(-0.05, 0.05), (0.1, 0.2)])
    rows = [("ee_tied", "eps_ee_V", 0.9, 1, 2.71, i, *ends, "zero", "", "", "", "", "wilks") for i, ends in intervals]
    results = SimpleNamespace(name="mine", scans=(scan,), ranges=as_columns(rows, RANGES))
    assert captions.line_alt("ee_tied", results) == (
        "Analysis mine: delta chi squared against epsilon ee uV and dV. "
        "At 90 % CL it is allowed from −0.05 to 0.05 and 0.1 to 0.2."
    )
    assert "least over the nuisances" in captions.line_caption("ee_tied", config, "joint")
