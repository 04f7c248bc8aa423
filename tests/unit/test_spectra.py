"""The spectra of Fig. 1 as a table."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.experiments.measurement import PHOTOELECTRONS, Control
from cevnsi.files.tables import SPECTRA, SPECTRA_IN_F90, SPECTRA_IN_TIME, write_csv
from cevnsi.fits import FittedCounts, fits_of, fitted_counts
from cevnsi.model import DataSet, Model, cut
from cevnsi.output.spectra import fitted_table, read_fitted, read_spectra, spectra_table, templates_table
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, Epsilon, weak_charge_squared
from cevnsi.statistics.likelihoods import best_background
from cevnsi.studies.liao_marfatia_2017.spectra import mean_momentum_transfer_mev

EXAMPLE = {"mediator_mass_mev": 10.0, "coupling": 1e-4}


def counts_of(dataset: DataSet, epsilon: list[Epsilon]) -> FloatArray:
    """Counts by flavor and bin, (flavors, bins), of epsilon at each nuclide's nodes (Eq. 1 with Eq. 10)."""
    made, couplings = dataset.templates, dataset.recoils.couplings_at({})
    seen = made.events[:, :, None, :] * made.detected  # (flavors, nuclides, bins, nodes)
    return np.stack(
        [
            sum(
                (weak_charge_squared(nuclide, ROW_OF_FLAVOR[flavor], epsilon[j], couplings) * seen[i, j]).sum(axis=-1)
                for j, nuclide in enumerate(made.nuclides)
            )
            for i, flavor in enumerate(FLAVORS)
        ]
    )


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_rows_are_cases_by_flavor_by_bin(nuclei: str, dataset: Callable[..., DataSet]) -> None:
    used = dataset("paper", nuclei=nuclei)
    table = spectra_table(used, EXAMPLE)
    assert tuple(table) == SPECTRA.columns
    assert {len(column) for column in table.values()} == {2 * 3 * 25}
    mediator: list[Epsilon] = [LIGHT_MEDIATOR.epsilon(q2, **EXAMPLE) for q2 in used.templates.momentum_transfer_squared]
    plain: list[Epsilon] = [{} for _ in used.templates.nuclides]
    for case, interaction, point, epsilon in (
        ("sm", "contact", {}, plain),
        ("light_mediator", "light_mediator", EXAMPLE, mediator),
    ):
        expected = used.by_flavor(interaction, point)
        np.testing.assert_allclose(expected, counts_of(used, epsilon), rtol=1e-13, atol=1e-13)
        for flavor, counts in zip(FLAVORS, expected, strict=True):
            rows = (np.array(table["case"]) == case) & (np.array(table["component"]) == flavor)
            np.testing.assert_array_equal(table["predicted_counts"][rows], counts)
            np.testing.assert_array_equal(table["bin_low_pe"][rows], np.arange(0, 50, 2))
            np.testing.assert_array_equal(table["bin_high_pe"][rows], np.arange(2, 51, 2))


def test_counts_of_poisson_bring_backgrounds_observations_and_times(dataset: Callable[..., DataSet]) -> None:
    used = dataset("csi_2017")
    table, measured = spectra_table(used, EXAMPLE), used.measurement
    assert tuple(table) == SPECTRA_IN_TIME.columns
    cases = dict.fromkeys(zip(table["case"], table["component"], strict=True))
    signal = [(case, flavor) for case in ("sm", "light_mediator") for flavor in FLAVORS]
    assert list(cases) == [*signal, *(("background", name) for name in measured.backgrounds), ("observed", "all")]
    found = table["predicted_counts"].reshape(-1, 144)
    np.testing.assert_array_equal(found[:3], used.by_flavor("contact", {}))
    np.testing.assert_array_equal(found[6:], [*measured.backgrounds.values(), measured.observed])
    np.testing.assert_array_equal(table["bin_low_pe"][:144], np.repeat(np.arange(6, 30, 2), 12))
    np.testing.assert_array_equal(table["bin_high_us"][-144:], np.tile(np.arange(0.5, 6.5, 0.5), 12))


def test_counts_of_three_axes_have_edges_of_each(dataset: Callable[..., DataSet]) -> None:
    table = spectra_table(dataset("lar_2020"), EXAMPLE)
    assert tuple(table) == SPECTRA_IN_F90.columns
    assert [table[name][-1] for name in ("bin_high_kevee", "bin_high_f90", "bin_high_us")] == [120, 0.9, 4.9]


def test_a_control_region_is_shown_as_what_it_tells_of_the_background(dataset: Callable[..., DataSet]) -> None:
    used = dataset("csi_2017")
    control = Control(counts=np.arange(144.0), windows=2.0)
    table = spectra_table(replace(used, measurement=replace(used.measurement, control=control)))
    rows = np.array(table["component"]) == "control_region"
    np.testing.assert_array_equal(table["predicted_counts"][rows], np.arange(144) / 2)


@pytest.mark.parametrize("analysis", ["paper", "csi_2017", "lar_2020"])
def test_a_table_of_spectra_is_read_as_it_was_written(
    analysis: str, tmp_path: Path, dataset: Callable[..., DataSet]
) -> None:
    table = spectra_table(dataset(analysis), EXAMPLE)
    write_csv(tmp_path / "spectra.csv", table)
    found = read_spectra(tmp_path / "spectra.csv")
    assert set(found) == set(table)
    for name, values in found.items():
        assert list(values) == list(table[name])


@pytest.mark.parametrize("analysis", ["csi_2017", "csi_2021", "lar_2020"])
def test_a_table_of_fitted_counts_is_read_as_it_was_written(
    analysis: str, tmp_path: Path, model: Callable[..., Model]
) -> None:
    used = model(analysis)
    fitted = fitted_counts(fits_of(used))[used.dataset.name]
    table, measured = fitted_table(used.dataset, *fitted), used.dataset.measurement
    assert list(dict.fromkeys(table["component"])) == ["signal", *measured.backgrounds, "observed", *FLAVORS]
    assert list(table)[-1] == "standard_model_counts"
    for column, counts in zip(("counts", "standard_model_counts"), fitted, strict=True):
        of = {**counts.samples, "observed": measured.observed, **counts.flavors}
        np.testing.assert_array_equal(table[column], np.concatenate(list(of.values())))
    write_csv(tmp_path / "fitted.csv", table)
    found = read_fitted(tmp_path / "fitted.csv")
    assert set(found) == set(table)
    for name, values in found.items():
        assert list(values) == list(table[name])


def test_a_fitted_control_region_is_the_best_background_of_each_bin(dataset: Callable[..., DataSet]) -> None:
    used = dataset("csi_2017")
    bins = np.arange(144.0)
    measured = replace(used.measurement, backgrounds={}, observed=3 * bins, control=Control(counts=bins, windows=1.0))
    best, standard = (FittedCounts(samples={"signal": signal}, flavors={}) for signal in (2 * bins, 3 * bins))
    table = fitted_table(replace(used, measurement=measured, nuisances=()), best, standard)
    rows = np.array(table["component"]) == "control_region"
    np.testing.assert_allclose(table["counts"][rows], bins, rtol=1e-12)  # with which both regions are met
    other = best_background(3 * bins, 3 * bins, bins, 1.0)
    np.testing.assert_array_equal(table["standard_model_counts"][rows], other)
    assert (other[1:] < bins[1:]).all()


@pytest.mark.parametrize("analysis", ["paper", "csi_2017", "lar_2020"])
def test_templates_are_events_per_bin(analysis: str, dataset: Callable[..., DataSet]) -> None:
    used = dataset(analysis, nuclei="argon" if analysis == "lar_2020" else "cs_and_i")
    table, sums = templates_table(used), used.templates.per_bin()
    np.testing.assert_array_equal(table["events_per_charge_squared"].reshape(sums.shape), sums)
    assert table["flavor"][:: sums.shape[1] * sums.shape[2]] == list(FLAVORS)
    assert table["nuclide"][:: sums.shape[2]] == [nuclide.name for nuclide in used.templates.nuclides] * 3
    for name, edges in used.measurement.bins().items():
        np.testing.assert_array_equal(table[name].reshape(sums.shape), np.broadcast_to(edges, sums.shape))


def test_a_mediator_of_no_coupling_is_the_standard_model(dataset: Callable[..., DataSet]) -> None:
    table = spectra_table(dataset("paper"), {"mediator_mass_mev": 10.0, "coupling": 0.0})
    first, second = np.split(table["predicted_counts"], 2)
    np.testing.assert_allclose(first, second, rtol=1e-14, atol=0)  # terms of the two are summed otherwise


def test_without_a_mediator_there_is_the_standard_model_alone(dataset: Callable[..., DataSet]) -> None:
    both, alone = (spectra_table(dataset("paper"), mediator) for mediator in (EXAMPLE, None))
    assert alone.keys() == both.keys()
    for name, column in alone.items():
        np.testing.assert_array_equal(column, both[name][:75])


def test_mean_momentum_transfer_is_the_weighted_mean(dataset: Callable[..., DataSet]) -> None:
    used = cut(dataset("paper"), PHOTOELECTRONS, 6, 8)
    mean = mean_momentum_transfer_mev(used)
    # a bin from 6 to 8 photoelectrons spans sqrt(2 M E_r) = 35.2 to 40.7 MeV
    low, high = (np.sqrt(2 * 121005.7 * pe / 1170) for pe in (6, 8))
    assert low < mean < high
    made = used.templates
    events = made.events.sum(axis=(0, 1)) * made.detected[0]
    assert mean == pytest.approx(np.average(np.sqrt(made.momentum_transfer_squared[0]), weights=events), rel=1e-13)
