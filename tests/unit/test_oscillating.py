"""Templates between a few values of what turns their weights against those of every value."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.arrays import FloatArray
from cevnsi.fast.contraction import contract, contraction_of
from cevnsi.fast.oscillating import HALF_WIDTH, MOST_INTERVALS, between_values
from cevnsi.model import Model
from cevnsi.physics.interactions import INTERACTIONS

TURNING = {name: made.terms.turning.name for name, made in INTERACTIONS.items() if made.terms.turning is not None}
SPLITTING = "delta_m2_41_ev2"


def farthest(used: Model, name: str) -> float:
    """A value of what turns, beyond which there are no intervals."""
    turning = INTERACTIONS[name].terms.turning
    assert turning is not None
    return 2 * HALF_WIDTH * MOST_INTERVALS / turning.fastest(used.dataset.recoils)


def test_what_turns() -> None:
    assert TURNING == {"sterile": SPLITTING}


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("analysis", ["paper", "release"])
@pytest.mark.parametrize("name", TURNING)
def test_values_in_every_interval(name: str, analysis: str, nuclei: str, model: Callable[..., Model]) -> None:
    used = model(analysis, nuclei=nuclei)
    most = farthest(used, name)
    values = np.concatenate([[0.0], np.geomspace(1e-6, 0.999, 30) * most, (np.arange(25) + 0.5) / 25 * most])
    found = between_values(used.dataset, name, {TURNING[name]: values[:, None]})
    assert found is not None
    plain = used.dataset.term_templates(name, {TURNING[name]: values[:, None]})
    assert found.shape == plain.shape == (3, len(values), 1, used.dataset.templates.detected.shape[0])
    np.testing.assert_allclose(found, plain, rtol=0, atol=1e-12 * plain.max())


@given(first=st.integers(0, 299), n=st.integers(1, 300))
def test_templates_of_a_value_do_not_depend_on_the_others(first: int, n: int, model: Callable[..., Model]) -> None:
    used, values, some = model("paper"), np.geomspace(0.1, 90, 300)[:, None], slice(first, first + n)
    whole = contraction_of(used, "sterile", {SPLITTING: values})
    part = contraction_of(used, "sterile", {SPLITTING: values[some]})
    assert part.data_template.tobytes() == whole.data_template[:, some].tobytes()
    assert part.template_template.tobytes() == whole.template_template[:, :, some].tobytes()


def is_plain(used: Model, **parameters: FloatArray) -> None:
    assert between_values(used.dataset, "sterile", parameters) is None
    found = contraction_of(used, "sterile", parameters)
    plain = contract(used, used.dataset.term_templates("sterile", parameters))
    np.testing.assert_array_equal(found.template_template, plain.template_template)


def test_beyond_the_last_interval(model: Callable[..., Model]) -> None:
    used = model("paper")
    is_plain(used, delta_m2_41_ev2=np.array([0.1, 1.0, 1.001 * farthest(used, "sterile")]))


def test_any_neutrino_makes_recoils_of_no_energy(model: Callable[..., Model]) -> None:
    is_plain(model("paper", photoelectron_range=(0.0, 30.0)), delta_m2_41_ev2=np.array([0.1, 1.0, 10.0]))


def test_another_parameter_shapes_them_too(model: Callable[..., Model]) -> None:
    is_plain(model("paper"), delta_m2_41_ev2=np.array([0.1, 1.0]), sin2_theta_w=np.array([0.22, 0.24]))
