"""The scorecard of the study `coherent`: tables of small numbers made by hand, and published ones that are none."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cevnsi.files.atomic import TableError
from cevnsi.files.tables import COHERENT_SCORECARD, read_table, write_csv
from cevnsi.physics.cross_section import recoil_spectrum
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV, delayed_spectrum
from cevnsi.physics.form_factors import klein_nystrand
from cevnsi.physics.nuclei import CESIUM
from cevnsi.studies.coherent import choices as of_choices
from cevnsi.studies.coherent.choices import AS_IT_IS, FORWARD, HELD, SHAPES, SIGNAL_ALONE, changed
from cevnsi.studies.coherent.readings import TabulatedFlux, flux_by_labels
from cevnsi.studies.coherent.scorecard import (
    PUBLISHED_FILE,
    choices_markdown,
    choices_table,
    markdown,
    read_published,
    scorecard,
    values_of,
)

HEAD = "key,dataset,quantity,unit,published,error_low,error_high,source\n"
GOOD = "cevns_counts,lar_2020,events,events,159,43,40,arXiv:2003.10630\n"
OTHER = "cross_section,lar_2020,cross section,1e-39 cm2,2.2,,,arXiv:2003.10630\n"


def published(folder: Path, *rows: str) -> Path:
    path = folder / "published.csv"
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return path


def numbers() -> dict[str, dict[str, float]]:
    """Of argon under each choice that an explanation names."""
    plain = {"sm_counts": 100.0, "cevns_counts": 150.0, "cevns_low": 10.0, "cevns_high": 20.0, "amplitude": 1.5}
    plain |= {"significance": 4.0, "sm_cross_section": 1e-39, "cross_section": 1.5e-39}
    forward = plain | {"cevns_counts": 130.0, "amplitude": 1.25}
    alone = {"cevns_low": 12.0, "cevns_high": 12.0}
    return {AS_IT_IS: plain, FORWARD: forward, SHAPES: dict(plain), HELD: dict(plain), SIGNAL_ALONE: alone}


def test_differences_and_pulls(tmp_path: Path) -> None:
    choices = {"lar_2020": numbers()}
    stated = read_published(published(tmp_path, GOOD, OTHER))
    table = scorecard(stated, values_of(choices), choices)
    assert table["ours"] == pytest.approx([150.0, 1.5])
    assert table["difference"] == pytest.approx([-9.0, -0.7])
    assert table["pull"] == [pytest.approx(-9 / 43), ""]
    ends = [[table[f"{which}_{side}"][0] for side in ("low", "high")] for which in ("published", "ours")]
    assert ends == [[116.0, 199.0], [140.0, 170.0]]
    assert [table[f"ours_{side}"][1] for side in ("low", "high")] == pytest.approx([1.4, 1.7])
    assert [table[f"published_{side}"][1] for side in ("low", "high")] == ["", ""]


def test_a_number_above_the_published_one_is_measured_by_the_upper_error(tmp_path: Path) -> None:
    choices = {"lar_2020": numbers()}
    choices["lar_2020"][AS_IT_IS]["cevns_counts"] = 199.0
    table = scorecard(read_published(published(tmp_path, GOOD)), values_of(choices), choices)
    assert table["pull"] == [pytest.approx(1.0)]


def test_explanations_say_what_was_found(tmp_path: Path) -> None:
    stated, first = read_published(published(tmp_path, GOOD)), {"lar_2020": numbers()}
    second = copy.deepcopy(first)
    second["lar_2020"][FORWARD]["cevns_counts"] = 111.1
    said = [scorecard(stated, values_of(each), each)["explanation"][0] for each in (first, second)]
    assert f"130.0 with {FORWARD}" in said[0]
    assert said[1] == said[0].replace("130.0", "111.1")
    assert "its error is 15.0" in said[0]
    assert said[0].endswith(f"and 12.0 is the {SIGNAL_ALONE}")


def test_a_dataset_that_a_run_has_not_has_no_rows(root: Path) -> None:
    stated = read_published(root / PUBLISHED_FILE)
    assert set(stated["dataset"]) == {"csi_2017", "csi_2021", "lar_2020"}
    assert scorecard(stated, {}, {})["key"] == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GOOD, "row 3: the key 'cevns_counts' of lar_2020 is given twice"),
        (OTHER.replace("lar_2020", "lar_2021"), "row 3: dataset 'lar_2021'; expected one of csi_2017, csi_2021, lar"),
        (OTHER.replace("cross_section", "crossection"), "row 3: key 'crossection' of lar_2020; expected one of cevns_"),
        (OTHER.replace("1e-39 cm2", "barn"), "row 3: unit 'barn'; expected one of events, standard deviations, 1"),
        (OTHER.replace(",,,", ",,0.7,"), "row 3: an error on one side alone; expected both or none"),
        (OTHER.replace(",,,", ",-0.7,0.7,"), "row 3, error_low: '-0.7'; expected a number above zero, or nothing"),
        (OTHER.replace(",,,", ",0.7,much,"), "row 3, error_high: 'much'; expected a number above zero, or nothing"),
        (OTHER.replace("arXiv:2003.10630", " "), "row 3: no source; expected a paper or a file"),
        (OTHER.replace("2.2", "nan"), "row 3, published: 'nan' is not a finite number"),
        (OTHER.replace("2.2,", ""), "row 3 has 7 cells; expected 8"),
    ],
)
def test_published_numbers_that_are_none_are_refused(row: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        read_published(published(tmp_path, GOOD, row))
    assert f"{tmp_path / 'published.csv'}: {said}" in str(caught.value)


def test_tables_for_a_page(tmp_path: Path) -> None:
    choices = {"lar_2020": numbers()}
    table = scorecard(read_published(published(tmp_path, GOOD, OTHER)), values_of(choices), choices)
    write_csv(tmp_path / "scorecard.csv", table)
    read = read_table(tmp_path / "scorecard.csv", COHERENT_SCORECARD)
    assert markdown(read, "lar_2020") == markdown(table, "lar_2020")
    rows = [[cell.strip() for cell in line.split("|")[1:5]] for line in markdown(read, "lar_2020").splitlines()[2:]]
    assert rows[0] == ["events", "159 +40 -43", "150.0 +20.0 -10.0", "-0.21"]
    assert rows[1] == ["cross section, 1e-39 cm2", "2.2", "1.50 +0.20 -0.10", ""]
    assert markdown(read, "csi_2017").count("\n") == 2
    shown = choices_markdown(choices_table(choices), "lar_2020")
    assert f"| {FORWARD} | `measurement: {{signal: forward}}` | 100.0 | 130.0 +20.0 -10.0 | 4.00 |" in shown
    assert "`measurement: {shape_systematics: true}`" in shown
    assert SIGNAL_ALONE not in shown


def test_keys_are_laid_over_a_section() -> None:
    section = {"form_factor": "helm", "measurement": {"smearing": "none", "steady_state_data": "all"}}
    found = changed(section, {"form_factor": "point", "measurement": {"smearing": "poisson"}, "nuisances": {}})
    assert found == {
        "form_factor": "point",
        "measurement": {"smearing": "poisson", "steady_state_data": "all"},
        "nuisances": {},
    }
    assert section["measurement"] == {"smearing": "none", "steady_state_data": "all"}


def test_no_choice_is_called_like_another() -> None:
    for changes in of_choices.CHANGES.values():
        assert len({str(keys) for keys in changes.values()}) == len(changes)
        assert {AS_IT_IS, HELD, SIGNAL_ALONE}.isdisjoint(changes)


FLUX = "# a comment\n10,1,2,3,9\n20,3,2,1,9\n"


def test_labels_are_energies(tmp_path: Path) -> None:
    path = tmp_path / "flux.csv"
    path.write_text(FLUX, encoding="utf-8")
    flux = flux_by_labels(path)
    assert flux.energies_mev.tolist() == [10, 20]
    assert {name: values.sum() for name, values in flux.shares.items()} == pytest.approx(dict.fromkeys(flux.shares, 1))
    assert [flux.shares[name][0] for name in ("nu_mu", "nu_mu_bar", "nu_e")] == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", "has no rows; expected neutrinos by energy"),
        (lambda text: text.replace("10,", "-10,"), "expected energies above zero, and some neutrinos of each flavor"),
        (lambda text: text.replace("10,1", "10,-1"), "expected energies above zero, and some neutrinos of each flavor"),
        (lambda text: text.replace("10,1,2,", "10,1,"), "row 2: '10,1,3,9' is not 'energy in MeV, nu_mu"),
    ],
)
def test_a_flux_that_is_none_is_refused(change: Callable[[str], str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "flux.csv"
    path.write_text(change(FLUX), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        flux_by_labels(path)
    assert said in str(caught.value)


def test_a_flux_in_fine_bins_is_that_of_decays_at_rest() -> None:
    edges = np.linspace(0, END_POINT_MEV, 2001)
    centres = (edges[1:] + edges[:-1]) / 2
    energies, line = np.append(centres, PROMPT_ENERGY_MEV), np.append(np.zeros(centres.size), 1.0)
    delayed = {name: np.append(delayed_spectrum(name, centres) * np.diff(edges), 0.0) for name in ("nu_e", "nu_mu_bar")}
    flux = TabulatedFlux(energies_mev=energies, shares={"nu_mu": line, **delayed})
    recoils = np.linspace(1e-4, 0.04, 41)
    for flavor in FLAVORS:
        found = flux.recoil_spectrum(flavor, recoils, CESIUM, klein_nystrand, "as_written")
        expected = recoil_spectrum(flavor, recoils, CESIUM, klein_nystrand)
        # the middles of 2000 bins stand for them
        np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())
