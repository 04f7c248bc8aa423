"""The spectra of Fig. 1 as a table."""

from collections.abc import Callable

import numpy as np
import pytest

from cevnsi.files.tables import SPECTRA
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions.light_mediator import light_mediator
from cevnsi.physics.weak_charge import Epsilon
from cevnsi.studies.liao_marfatia_2017.spectra import mean_momentum_transfer_mev, spectra_table
from cevnsi.templates import Templates, predicted_counts

SIN2 = 0.23857
EXAMPLE = {"mediator_mass_mev": 10.0, "coupling": 1e-4}


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_rows_are_cases_by_flavor_by_bin(nuclei: str, templates: Callable[..., Templates]) -> None:
    used = templates("paper", nuclei=nuclei)
    table = spectra_table(used, SIN2, EXAMPLE)
    assert tuple(table) == SPECTRA.columns
    assert {len(column) for column in table.values()} == {2 * 3 * 25}
    mediator: list[Epsilon] = [light_mediator(q2, **EXAMPLE) for q2 in used.momentum_transfer_squared]
    plain: list[Epsilon] = [{} for _ in used.nuclides]
    for case, epsilon in (("sm", plain), ("light_mediator", mediator)):
        expected = predicted_counts(used, epsilon, SIN2)
        for flavor, counts in zip(FLAVORS, expected, strict=True):
            rows = (np.array(table["case"]) == case) & (np.array(table["component"]) == flavor)
            np.testing.assert_array_equal(table["predicted_counts"][rows], counts)
            np.testing.assert_array_equal(table["bin_low_pe"][rows], np.arange(0, 50, 2))
            np.testing.assert_array_equal(table["bin_high_pe"][rows], np.arange(2, 51, 2))


def test_a_mediator_of_no_coupling_is_the_standard_model(templates: Callable[..., Templates]) -> None:
    table = spectra_table(templates("paper"), SIN2, {"mediator_mass_mev": 10.0, "coupling": 0.0})
    first, second = np.split(table["predicted_counts"], 2)
    np.testing.assert_array_equal(first, second)


def test_without_a_mediator_there_is_the_standard_model_alone(templates: Callable[..., Templates]) -> None:
    both, alone = (spectra_table(templates("paper"), SIN2, mediator) for mediator in (EXAMPLE, None))
    assert alone.keys() == both.keys()
    for name, column in alone.items():
        np.testing.assert_array_equal(column, both[name][:75])


def test_mean_momentum_transfer_is_the_weighted_mean(templates: Callable[..., Templates]) -> None:
    used = templates("paper").select(6, 8)
    mean = mean_momentum_transfer_mev(used, SIN2)
    # a bin from 6 to 8 photoelectrons spans sqrt(2 M E_r) = 35.2 to 40.7 MeV
    low, high = (np.sqrt(2 * 121005.7 * pe / 1170) for pe in (6, 8))
    assert low < mean < high
    events = used.events.sum(axis=(0, 1))
    assert mean == pytest.approx(np.average(np.sqrt(used.momentum_transfer_squared[0]), weights=events), rel=1e-13)
