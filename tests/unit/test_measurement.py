"""What is a measurement, and the choice of its bins."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cevnsi.experiments.measurement import Measurement


def test_selected_bins(measurement: Callable[[str], Measurement]) -> None:
    part = measurement("figure3").select("photoelectrons", 6, 30)
    assert part.observed.size == part.errors.size == 12
    np.testing.assert_array_equal(part.bin_edges_pe, np.arange(6, 31, 2))
    assert part.observed[0] == 8


@pytest.mark.parametrize(("low", "high", "named"), [(7, 30, "7"), (6, 31.5, "31.5")])
def test_a_range_must_end_at_bin_edges(
    low: float, high: float, named: str, measurement: Callable[[str], Measurement]
) -> None:
    with pytest.raises(ValueError, match=rf"photoelectrons: {named} is not a bin edge of the counts; .* 0, 2, 4"):
        measurement("figure3").select("photoelectrons", low, high)


@pytest.mark.parametrize(("low", "high"), [(30, 6), (8, 8)])
def test_a_range_has_bins(low: float, high: float, measurement: Callable[[str], Measurement]) -> None:
    with pytest.raises(ValueError, match=rf"photoelectrons: \[{low}, {high}\]; the first must be smaller"):
        measurement("figure3").select("photoelectrons", low, high)


def plane() -> Measurement:
    """Three bins of energy times two of time, the last axis fastest."""
    return Measurement(
        axes={"photoelectrons": np.array([0.0, 1.0, 3.0, 4.0]), "time": np.array([0.0, 1.0, 6.0])},
        observed=np.arange(6.0),
        backgrounds={"neutrons": np.arange(6.0) / 10},
    )


def test_bins_of_two_axes_are_selected_along_either() -> None:
    late = plane().select("time", 1.0, 6.0)
    assert late.observed.tolist() == [1, 3, 5]
    assert late.backgrounds["neutrons"].tolist() == [0.1, 0.3, 0.5]
    middle = plane().select("photoelectrons", 1.0, 3.0)
    assert middle.observed.tolist() == [2, 3]
    assert middle.shape == (1, 2)
    assert middle.select("time", 0.0, 1.0).observed.tolist() == [2]


def test_poisson_counts_have_no_uncertainty() -> None:
    with pytest.raises(ValueError, match="counts without uncertainties"):
        plane().errors  # noqa: B018


SOUND: dict[str, Any] = {
    "axes": {"e": [0.0, 1.0, 2.0]},
    "observed": [3.0, -1.0],
    "uncertainty": [1.0, 2.0],
    "backgrounds": {"b": [0.0, 0.5]},
}


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("axes", {"e": [0.0, 1.0]}, r"observed: counts of shape \(2,\); expected \(1,\) of the bin edges"),
        ("axes", {"e": [0.0, 2.0, 1.0]}, "e: bin edges .* expected increasing numbers"),
        ("axes", {"e": [0.0, 1.0, 1.0]}, "expected increasing numbers"),
        ("axes", {"e": [0.0, np.nan, 2.0]}, "expected increasing numbers"),
        ("axes", {"e": [0.0]}, "expected increasing numbers, 2 or more"),
        ("axes", {"e": [0.0, 1.0, 2.0], "t": [0.0, 1.0, 2.0]}, r"counts of shape \(2,\); expected \(4,\)"),
        ("observed", [3.0], r"observed: counts of shape \(1,\)"),
        ("observed", [3.0, np.nan], "observed: .* expected finite numbers"),
        ("observed", [np.inf, 1.0], "observed: .* expected finite numbers"),
        ("uncertainty", [1.0], r"uncertainty: counts of shape \(1,\)"),
        ("uncertainty", [1.0, 0.0], "uncertainty: .* expected positive numbers"),
        ("uncertainty", [1.0, -1.0], "uncertainty: .* expected positive numbers"),
        ("uncertainty", [np.nan, 1.0], "uncertainty: .* expected finite numbers"),
        ("uncertainty", [np.inf, 1.0], "uncertainty: .* expected finite numbers"),
        ("backgrounds", {"b": [0.0]}, r"b: counts of shape \(1,\)"),
        ("backgrounds", {"b": [0.0, np.nan]}, "b: .* expected finite numbers"),
    ],
)
def test_what_is_no_measurement_is_refused(name: str, values: Any, said: str) -> None:
    def made(value: Any) -> Any:
        return {key: np.array(v) for key, v in value.items()} if isinstance(value, dict) else np.array(value)

    arrays = {key: made(value) for key, value in SOUND.items()}
    Measurement(**arrays)
    with pytest.raises(ValueError, match=said):
        Measurement(**arrays | {name: made(values)})
