"""Counts from a few recoils against those from every node of the templates."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.arrays import FloatArray
from cevnsi.fast.condensed import Condensed, condensed
from cevnsi.fast.contraction import contract, contraction_of
from cevnsi.model import DataSet, Model
from cevnsi.physics.interactions import INTERACTIONS

MASSES = np.concatenate([[0.0], np.geomspace(1e-3, 1e6, 40)])


def of(dataset: DataSet) -> Condensed:
    found = condensed(dataset)
    assert found is not None
    return found


def propagators(momentum_transfer_squared: FloatArray, masses: FloatArray) -> list[FloatArray]:
    """A constant, a propagator and its square, (..., 1, nuclides, nodes) at masses (...)."""
    one = 1 / (momentum_transfer_squared + masses[..., None, None, None] ** 2)
    return [np.ones((1, 1, 1)), one, one * one]


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("low", [2.0, 6.0, 20.0])
@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_propagators_of_any_mass(analysis: str, low: float, nuclei: str, model: Callable[..., Model]) -> None:
    used = model(analysis, nuclei=nuclei, photoelectron_range=(low, 30.0)).dataset
    few, nodes = of(used), used.templates.momentum_transfer_squared
    points = few.recoils.momentum_transfer_squared
    assert points.shape[1] < nodes.shape[1] / 3
    assert points.min() > nodes.min()
    assert points.max() < nodes.max()
    found = few.counts(propagators(points, MASSES))
    expected = [used.templates.counts(weight) for weight in propagators(nodes, MASSES)]
    for counts, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(counts, np.broadcast_to(plain, counts.shape), rtol=1e-14)


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", [name for name, interaction in INTERACTIONS.items() if interaction.terms.smooth])
def test_an_interaction_that_says_so_is_smooth(name: str, end: int, model: Callable[..., Model]) -> None:
    used, interaction = model("release", nuclei="cs_and_i", form_factor="helm_rms_apart").dataset, INTERACTIONS[name]
    point = {parameter.name: np.array([parameter.usual[end]]) for parameter in interaction.parameters.values()}
    few, plain = of(used), used.term_templates(name, point)
    found = few.counts(interaction.terms.weights(few.recoils, point))
    np.testing.assert_allclose(found, np.broadcast_to(plain, found.shape), rtol=1e-13)


def test_weights_by_flavor(model: Callable[..., Model]) -> None:
    used = model("paper", nuclei="cs_and_i").dataset
    few, by = of(used), np.array([1.0, -2.0, 3.0])[:, None, None]
    masses = np.array([1.0, 100.0])
    for power in (1, 2):
        found = few.counts([by * propagators(few.recoils.momentum_transfer_squared, masses)[power]])
        weight = by * propagators(used.templates.momentum_transfer_squared, masses)[power]
        np.testing.assert_allclose(found[0], used.templates.counts(weight), rtol=1e-13)


@given(rows=st.integers(1, 300), first=st.integers(0, 299))
def test_counts_of_a_mass_do_not_depend_on_the_others(rows: int, first: int, model: Callable[..., Model]) -> None:
    used, masses = model("paper", nuclei="cs_and_i"), np.geomspace(1, 1e4, 300)[:, None]
    some = slice(first, first + rows)
    whole = contraction_of(used, "light_mediator", {"mediator_mass_mev": masses})
    part = contraction_of(used, "light_mediator", {"mediator_mass_mev": masses[some]})
    assert part.data_template.tobytes() == whole.data_template[:, some].tobytes()
    assert part.template_template.tobytes() == whole.template_template[:, :, some].tobytes()


def test_a_node_may_be_one_of_the_points(model: Callable[..., Model]) -> None:
    used = model("paper").dataset
    points, nodes = of(used).recoils.momentum_transfer_squared, used.templates.momentum_transfer_squared.copy()
    nodes[:, 200] = points[:, 20]
    moved = replace(used, templates=replace(used.templates, momentum_transfer_squared=nodes))
    few = of(moved)
    np.testing.assert_array_equal(few.recoils.momentum_transfer_squared, points)
    found, plain = few.counts([1 / points[None]]), moved.templates.counts(1 / nodes[None])
    np.testing.assert_allclose(found[0], plain, rtol=1e-14)


def test_next_to_no_recoil_every_node_is_needed(model: Callable[..., Model]) -> None:
    used = model("paper", photoelectron_range=(0.0, 30.0))
    assert condensed(used.dataset) is None
    masses = {"mediator_mass_mev": np.geomspace(1e-3, 1e4, 7)}
    found = contraction_of(used, "light_mediator", masses)
    plain = contract(used, used.dataset.term_templates("light_mediator", masses))
    np.testing.assert_array_equal(found.template_template, plain.template_template)
