"""The spectra of Fig. 1 as a table."""

from collections.abc import Callable

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.experiments.measurement import PHOTOELECTRONS
from cevnsi.files.tables import SPECTRA
from cevnsi.model import DataSet, cut
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions.light_mediator import light_mediator
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, Epsilon, weak_charge_squared
from cevnsi.studies.liao_marfatia_2017.spectra import mean_momentum_transfer_mev, spectra_table

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
    mediator: list[Epsilon] = [light_mediator(q2, **EXAMPLE) for q2 in used.templates.momentum_transfer_squared]
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
