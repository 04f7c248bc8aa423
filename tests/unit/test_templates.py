"""Templates as tables, bins and sums; their values are held by tests/paper/test_quadrature.py."""

from collections.abc import Callable

import numpy as np
import pytest

from cevnsi.experiments.response import CSI_2017, Acceptance, Exposure
from cevnsi.files.tables import read_parquet, write_parquet
from cevnsi.model import Model
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import helm
from cevnsi.physics.interactions.light_mediator import light_mediator
from cevnsi.physics.nuclei import MEAN, NUCLEI
from cevnsi.physics.weak_charge import contact, standard_model_charge
from cevnsi.templates import Templates, build_templates, predicted_counts

FULL = Acceptance(np.array([0.0, 200.0]), np.array([1.0, 1.0]))


def build(edges: list[float], exposure: Exposure = CSI_2017, nuclei: str = "mean") -> Templates:
    return build_templates(
        np.array(edges),
        nuclides=NUCLEI[nuclei],
        form_factor=helm,
        exposure=exposure,
        acceptance=FULL,
    )


@pytest.mark.parametrize("nuclei", NUCLEI)
def test_columns_read_back_exactly(nuclei: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    built = build([0, 2, 5, 7.25], nuclei=nuclei)
    path = tmp_path_factory.mktemp("templates") / "templates.parquet"
    write_parquet(path, built.to_columns())
    again = Templates.from_columns(read_parquet(path), NUCLEI[nuclei])
    for name in ("bin_edges_pe", "node_bin", "photoelectrons", "momentum_transfer_squared", "events"):
        np.testing.assert_array_equal(getattr(again, name), getattr(built, name))
    assert again.nuclides == NUCLEI[nuclei]


def test_nodes_lie_in_their_bins() -> None:
    built = build([0, 2, 5, 7.25])
    low, high = built.bin_edges_pe[built.node_bin], built.bin_edges_pe[built.node_bin + 1]
    assert ((low < built.photoelectrons) & (built.photoelectrons < high)).all()
    assert set(built.node_bin) == {0, 1, 2}


@pytest.mark.parametrize("edges", [[1.99, 3.49], [1.99, 3.49, 5.0], [0.1, 0.3, 0.7, 1.1]])
def test_edges_that_rounding_almost_repeats(edges: list[float]) -> None:
    # 1.99 + 3 * 0.5 is one rounding step below 3.49: a segment of no length, whose nodes round onto the edge
    built = build(edges)
    assert built.node_bin.max() == len(edges) - 2
    columns = built.to_columns()
    assert set(columns["bin_high_pe"]) == set(edges[1:])
    whole = build([edges[0], edges[-1]]).per_bin().sum()
    assert built.per_bin().sum() == pytest.approx(whole, rel=1e-9)  # other segments: another quadrature error


def test_bins_add_up() -> None:
    fine, coarse = build([3, 4, 5.5, 9, 20, 60]), build([3, 5.5, 60])
    sums = fine.per_bin()
    merged = np.stack([sums[..., :2].sum(axis=-1), sums[..., 2:].sum(axis=-1)], axis=-1)
    np.testing.assert_allclose(merged, coarse.per_bin(), rtol=1e-11)  # other segments: quadrature error below 1e-11


def test_nothing_beyond_the_largest_recoil() -> None:
    sums = build([16, 18, 50, 54.5, 60]).per_bin()[:, 0]  # (flavors, bins)
    prompt, nu_e, nu_mu_bar = (sums[FLAVORS.index(name)] for name in ("nu_mu", "nu_e", "nu_mu_bar"))
    assert (prompt > 0).tolist() == [True, False, False, False]  # 2 E^2 / M of the line is 17.2 photoelectrons
    for delayed in (nu_e, nu_mu_bar):
        assert (delayed > 0).tolist() == [True, True, True, False]  # and of the end point 53.97


def test_selected_bins_are_the_same_bins() -> None:
    built = build([0, 2, 4, 6, 8, 10], nuclei="cs_and_i")
    part = built.select(4, 8)
    np.testing.assert_array_equal(part.bin_edges_pe, [4, 6, 8])
    np.testing.assert_array_equal(part.per_bin(), built.per_bin()[..., 2:4])
    assert part.node_bin[0] == 0
    assert part.momentum_transfer_squared.shape == (2, part.photoelectrons.size)


@pytest.mark.parametrize(("low", "high"), [(8, 4), (6, 6), (5, 8), (4, 7), (4, np.nan), (-np.inf, np.inf)])
def test_bins_are_selected_by_two_edges(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"photoelectron_range: \[.*\]; expected two bin edges, .* 0, 2, 4, 6, 8, 10"):
        build([0, 2, 4, 6, 8, 10]).select(low, high)


@pytest.mark.parametrize("nuclei", NUCLEI)
def test_templates_of_other_nuclei_are_refused(nuclei: str) -> None:
    """Two nuclei's nodes would be one nucleus' twice as many."""
    columns = build([6, 8, 10], nuclei=nuclei).to_columns()
    for other in set(NUCLEI) - {nuclei}:
        with pytest.raises(ValueError, match=f"templates of {columns['nuclide'][0]}.*; expected those of "):
            Templates.from_columns(columns, NUCLEI[other])


@pytest.mark.parametrize("covered", [(7.0, 20.0), (0.0, 9.0)])
def test_bins_beyond_the_acceptance_are_refused(covered: tuple[float, float]) -> None:
    acceptance = Acceptance(np.array(covered), np.array([0.5, 0.5]))
    edges = np.array([6.0, 8.0, 10.0])
    with pytest.raises(ValueError, match=r"acceptance covers .* the bins need \[6, 10\]"):
        build_templates(edges, nuclides=NUCLEI["mean"], form_factor=helm, exposure=CSI_2017, acceptance=acceptance)


def test_sums_table_is_per_bin() -> None:
    built = build([0, 2, 4], nuclei="cs_and_i")
    table = built.sums_table()
    assert {len(column) for column in table.values()} == {3 * 2 * 2}
    sums = built.per_bin()
    for flavor, nuclide, low, value in zip(
        table["flavor"], table["nuclide"], table["bin_low_pe"], table["events_per_charge_squared"], strict=True
    ):
        i, j = FLAVORS.index(flavor), [n.name for n in built.nuclides].index(nuclide)
        assert value == sums[i, j, [0, 2].index(low)]
    assert set(table["bin_high_pe"]) == {2, 4}


def test_momentum_transfer_is_that_of_the_nodes() -> None:
    built = build([6, 8], nuclei="cs_and_i")
    for row, nuclide in zip(built.momentum_transfer_squared, built.nuclides, strict=True):
        expected = 2 * nuclide.nuclear_mass_mev * built.photoelectrons / 1.17e3
        np.testing.assert_allclose(row, expected, rtol=1e-14)


def test_a_constant_charge_multiplies_the_sums(model: Callable[..., Model]) -> None:
    used = model("paper", nuclei="cs_and_i").templates
    counts = predicted_counts(used, [{}, {}], 0.23857)
    charges = [standard_model_charge(n, 0.23857) ** 2 for n in used.nuclides]
    np.testing.assert_allclose(counts, np.einsum("fnb,n->fb", used.per_bin(), charges), rtol=1e-13)


def test_a_charge_may_depend_on_the_momentum_transfer() -> None:
    built = build([6, 8, 10])
    epsilon = light_mediator(built.momentum_transfer_squared[0], mediator_mass_mev=20.0, coupling=1e-4)
    counts = predicted_counts(built, [epsilon], 0.2)
    charge = standard_model_charge(MEAN, 0.2) + 3 * MEAN.mass_number * epsilon["u", "ee"]
    events = built.events[:, 0] * charge**2
    for b in (0, 1):
        np.testing.assert_allclose(counts[:, b], events[:, built.node_bin == b].sum(axis=1), rtol=1e-13)


def test_one_epsilon_per_nuclide_is_needed() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        predicted_counts(build([6, 8], nuclei="cs_and_i"), [contact({})], 0.2)
