"""The study coherent, reduced: each of its figures and tables, from the inputs to the last line of the run."""

import pandas as pd
import pytest

from cevnsi.files.tables import COHERENT_CHOICES, COHERENT_SCORECARD, CURVES, read_table
from cevnsi.studies.known import STUDIES
from project import Project

STUDY = STUDIES["coherent"]
FORMATS = ("pdf", "png", "svg", "csv")


def test_every_figure_of_several_data_sets_is_made(reported: Project) -> None:
    folder = reported.folder / "results" / "studies" / "coherent"
    assert {path.name for path in (folder / "figures").iterdir()} == {
        f"{figure.name}.{ext}" for figure in STUDY.together for ext in FORMATS
    }
    assert {path.name for path in folder.iterdir()} == {"figures", "scorecard.csv", "choices.csv"}


@pytest.mark.parametrize(
    ("figure", "panel", "drawn"),
    [
        ("contact_planes", "ee_mumu_d", {"csi_2017", "csi_2021", "lar_2020", "joint"}),
        ("light_mediator", "light_mediator", {"csi_2017", "lar_2020", "joint"}),
        ("b_minus_l", "b_minus_l", {"csi_2017", "lar_2020"}),
        ("l_mu_minus_l_tau", "l_mu_minus_l_tau", {"csi_2021"}),
        ("standard_model", "mixing_angle", {"csi_2017", "lar_2020"}),
        ("standard_model", "radius_csi", {"csi_2017_radius", "csi_2021_radius"}),
        ("standard_model", "radius_ar", {"lar_2020_radius"}),
        ("tied_couplings", "mumu_tied", {"joint"}),
        ("light_scalar", "light_scalar", {"csi_2017"}),
        ("electromagnetic", "moments", {"lar_2020"}),
        ("electromagnetic", "charge_radii", {"lar_2020"}),
        ("magnetic_moments", "moment_mu", {"lar_2020"}),
        ("charge_radii", "charge_mu", {"lar_2020"}),
        ("sterile", "sterile_mu", {"joint"}),
        ("matter", "matter", set()),  # it is allowed everywhere
        ("domain_ends", "eps_ee_matter", {"csi_2021"}),
    ],
)
def test_a_panel_shows_the_analyses_that_have_it(figure: str, panel: str, drawn: set[str], reported: Project) -> None:
    path = reported.folder / "results" / "studies" / "coherent" / "figures" / f"{figure}.csv"
    curves = read_table(path, CURVES)
    found = {curve.split(",")[0] for name, curve in zip(curves["panel"], curves["curve"], strict=True) if name == panel}
    assert found - {"SM", "muon g-2", "Eq. 12 of arXiv:1708.04255"} == drawn


def test_the_likelihood_has_every_data_set_and_what_is_published(reported: Project) -> None:
    path = reported.folder / "results" / "studies" / "coherent" / "figures" / "counts_likelihood.csv"
    found = set(read_table(path, CURVES)["curve"])
    assert found == {
        *("csi_2017", "csi_2021", "lar_2020", "together", "LAr 2020, published curve"),
        *(f"{name}, published" for name in ("csi_2017", "csi_2021", "lar_2020")),
    }


def test_the_scorecard_is_of_the_fits_of_the_run(reported: Project) -> None:
    results = reported.folder / "results"
    card = read_table(results / "studies" / "coherent" / "scorecard.csv", COHERENT_SCORECARD)
    ours = dict(zip(zip(card["dataset"], card["key"], strict=True), card["ours"], strict=True))
    for name in ("csi_2017", "csi_2021", "lar_2020"):
        fit = pd.read_json(results / name / "best_fit.json")["together"]
        assert ours[name, "cevns_counts"] == pytest.approx(fit["cevns_counts"]["value"], rel=1e-12)
        assert ours[name, "significance"] == pytest.approx(fit["significance"], rel=1e-12)
    choices = read_table(results / "studies" / "coherent" / "choices.csv", COHERENT_CHOICES)
    assert set(choices["dataset"]) == {"csi_2017", "csi_2021", "lar_2020"}


def test_the_run_says_where_its_figures_are_and_has_nothing_left_to_do(reported: Project) -> None:
    said = (reported.folder / "coherent.log").read_text(encoding="utf-8")
    assert "coherent: figures of its analyses together in results/studies/coherent/figures" in said
    assert reported.jobs("--", "coherent") == {}


def test_an_edit_of_a_figure_of_several_redraws_that_alone(reported: Project) -> None:
    """And those of one parameter, which the same module draws."""
    path = reported.folder / "src" / "cevnsi" / "studies" / "coherent" / "published.py"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text.replace("What is published", "What was published"), encoding="utf-8")
        again = {"coherent_figures": 1, "own_provenance": 7, "coherent": 1}  # which holds the digest of all code
        assert reported.jobs("--", "coherent") == again
    finally:
        path.write_text(text, encoding="utf-8")
