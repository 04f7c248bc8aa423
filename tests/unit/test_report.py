import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cevnsi import report
from cevnsi.interactions import light_mediator
from cevnsi.likelihood import Measurement
from cevnsi.templates import Templates, predicted_counts


@pytest.mark.parametrize(("points", "kept"), [(2, 2), (201, 201), (202, 201), (401, 201), (801, 201), (100_000, 201)])
def test_a_thinned_axis_keeps_its_ends(points: int, kept: int) -> None:
    found = report.thinned(points)
    assert found.size == kept
    assert (found[0], found[-1]) == (0, points - 1)
    steps = np.diff(found)
    assert steps.max() - steps.min() <= 1


def test_numbers_survive_the_way_into_the_page() -> None:
    values = np.array([[1.0, -0.1], [np.pi, 1e-300]])
    back = np.frombuffer(base64.b64decode(report.encoded(values)), "<f8")
    np.testing.assert_array_equal(back, values.ravel())


def test_nothing_in_a_script_element_can_end_it() -> None:
    text = report.in_script({"b": "</script><!--", "a": [1, 2.5]})
    assert "<" not in text
    assert text.index('"a"') < text.index('"b"')


def sensitivity(ends: Callable[[float], float]) -> dict[str, object]:
    bounds = np.array([0.5, 1.0, 1.5, 2.0])
    n = bounds.size
    return {
        "parameter": ["eps_ee_matter"] * 2 * n,
        "bound": np.tile(bounds, 2),
        "confidence_level": np.full(2 * n, 0.9),
        "n_dof": np.full(2 * n, 2.0),
        "delta_chi2": np.full(2 * n, 4.6),
        "side": ["lower"] * n + ["upper"] * n,
        "end": np.concatenate([[-ends(b) for b in bounds], [ends(b) for b in bounds]]),
        "ends_at_grid": ["yes", *["no"] * (n - 1)] * 2,
    }


def test_what_the_domain_does_is_computed() -> None:
    facts = report.domain_facts(sensitivity(lambda b: 1 + 0.3 * b), {"eps_ee_matter": (-1.45, 9.0)})
    assert facts["slope"] == pytest.approx(0.3)
    ((lower, upper),) = facts["matches"].values()
    assert lower == ("eps_ee_matter", "lower", -1.45, pytest.approx(1.5))
    assert upper[:3] == ("eps_ee_matter", "upper", 9.0)
    assert np.isnan(upper[3])


def test_a_page_without_published_ends_states_no_match() -> None:
    assert report.domain_facts(sensitivity(lambda b: b), {})["matches"] == {4.6: []}


def test_a_data_uri_is_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ε\n", encoding="utf-8")
    kind, content = report.data_uri(path, "text/csv").split(";base64,")
    assert kind == "data:text/csv"
    assert base64.b64decode(content).decode() == "ε\n"


def test_stored_nodes_give_the_counts(templates: Callable[..., Templates], tmp_path: Path) -> None:
    """The page's sum in numpy, from what the page carries: independent of the library's own."""
    made = templates("release", nuclei="cs_and_i")
    study = report.Study("x", _section(), tmp_path, (), tmp_path)
    study.__dict__.update(templates=made, measurement=_measurement(made))  # in place of files
    stored = report.spectrum_payload(study, {"mediator_mass_mev": 10, "coupling": 1e-4})
    decode = [np.frombuffer(base64.b64decode(text), "<f8") for text in stored["q2"]]
    bins = np.frombuffer(base64.b64decode(stored["bin"]), "<i4")
    epsilon = [light_mediator(q2, mediator_mass_mev=37.0, coupling=2e-4) for q2 in made.momentum_transfer_squared]
    expected = predicted_counts(made, epsilon, study.choices.sin2_theta_w)
    for flavor, events in enumerate(stored["events"]):
        counts = np.zeros(expected.shape[1])
        for n, text in enumerate(events):
            factor = stored["scale"] * 2e-4**2 / (decode[n] + 37.0**2)
            charge = stored["charge"][n] + stored["number"][n] * factor
            np.add.at(counts, bins, np.frombuffer(base64.b64decode(text), "<f8") * charge**2)
        np.testing.assert_allclose(counts, expected[flavor], rtol=1e-12, atol=1e-12)


def _section() -> dict[str, object]:
    return {
        "dataset": "release",
        "nuclei": "cs_and_i",
        "form_factor": "klein_nystrand",
        "sin2_theta_w": 0.23857,
        "photoelectron_range": [6, 30],
        "normalization_uncertainty": 0.28,
        "scans": [],
    }


def _measurement(made: Templates) -> Measurement:
    bins = made.bin_edges_pe.size - 1
    return Measurement(made.bin_edges_pe, np.zeros(bins), np.ones(bins))
