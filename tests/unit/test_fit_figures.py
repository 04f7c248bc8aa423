"""Figures of fitted counts, of pulls and of the likelihood: what is on their axes."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch, StepPatch

from cevnsi.arrays import FloatArray
from cevnsi.output.figures import drawing
from cevnsi.output.fit_figures import draw_counts, draw_counts_likelihood, draw_pulls

SIGNALS = [r"CEvNS, $\nu_e$ (delayed)", r"CEvNS, $\bar\nu_\mu$ (delayed)", r"CEvNS, $\nu_\mu$ (prompt)"]


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with drawing():
        yield


def fitted_of(edges: Any, unit: str, counts: dict[str, Any], standard: float = 1.0) -> dict[str, Any]:
    """A table of counts by component on one axis; the standard model's fit has `standard` times as many, of all."""
    bins, blocks = len(edges) - 1, len(counts)
    ends = {f"bin_low_{unit}": np.tile(edges[:-1], blocks), f"bin_high_{unit}": np.tile(edges[1:], blocks)}
    component = [name for name in counts for _ in range(bins)]
    values = np.concatenate(list(counts.values()))
    return {"component": component, **ends, "counts": values, "standard_model_counts": standard * values}


def flavors(signal: FloatArray) -> dict[str, FloatArray]:
    """A signal, a half of it of nu_e."""
    return {"signal": signal, "nu_e": signal / 2, "nu_mu": 3 * signal / 8, "nu_mu_bar": signal / 8}


def curve(columns: dict[str, list[Any]], panel: str, name: str) -> tuple[list[float], list[float]]:
    rows = [i for i, pair in enumerate(zip(columns["panel"], columns["curve"], strict=True)) if pair == (panel, name)]
    return [columns["x"][i] for i in rows], [columns["y"][i] for i in rows]


def steps(ax: Any) -> list[Any]:
    return [patch for patch in ax.patches if isinstance(patch, StepPatch)]


def legend_of(figure: Any) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_counts_of_unequal_bins_are_per_unit() -> None:
    edges, width = np.array([0.0, 8.0, 12.0, 14.0]), np.array([8.0, 4.0, 2.0])
    counts = {
        "leak": 2 * width, "steady_state": 3 * width, "observed": np.array([64.0, 16.0, 9.0]), **flavors(8 * width)
    }  # fmt: skip
    figure, columns = draw_counts({"mine": fitted_of(edges, "pe", counts, standard=2.0)})
    (row,) = figure.subfigs
    upper, lower = row.axes
    assert (lower.get_xlabel(), upper.get_ylabel(), upper.get_xlim()) == ("Photoelectrons", "Counts / PE", (0, 14))
    stack = steps(upper)
    assert [patch.get_data().values.tolist() for patch in stack] == [
        [top] * 3 for top in (3.0, 5.0, 8.0, 9.0, 13.0, 13.0, 26.0)
    ]
    for patch in stack:
        np.testing.assert_array_equal(patch.get_data().edges, edges)
    said = [r"observed, $\pm\sqrt{n}$", "best fit", "standard model fit", *SIGNALS, "leak", "steady state"]
    assert legend_of(row) == said
    for name, expected in {
        "cevns": [8.0] * 3, "nu_e": [4.0] * 3, "nu_mu": [3.0] * 3, "nu_mu_bar": [1.0] * 3, "leak": [2.0] * 3,
        "steady_state": [3.0] * 3, "standard_model": [26.0] * 3, "observed": [8.0, 4.0, 4.5],
        "observed_error": [1.0, 1.0, 1.5], "half_width": [4.0, 2.0, 1.0],
    }.items():  # fmt: skip
        assert curve(columns, "pe", name) == ([4.0, 10.0, 13.0], expected)
    best = 13 * width  # residuals are of counts by bin
    for name, values in {"residual": counts["observed"], "standard_model_residual": 2 * best}.items():
        np.testing.assert_allclose(curve(columns, "pe", name)[1], (values - best) / np.sqrt(best), rtol=1e-12)
    (points,) = (line for line in lower.get_lines() if line.get_marker() == "o")
    np.testing.assert_array_equal(points.get_ydata(), curve(columns, "pe", "residual")[1])
    (other,) = (patch for patch in steps(lower))
    np.testing.assert_array_equal(other.get_data().values, curve(columns, "pe", "standard_model_residual")[1])
    assert upper.get_shared_x_axes().joined(upper, lower)
    least, most = lower.get_ylim()
    assert least == -most
    assert most > np.abs(other.get_data().values).max()


def test_counts_of_equal_bins_are_per_bin() -> None:
    counts = {**flavors(np.ones(2)), "observed": np.ones(2)}
    figure, columns = draw_counts({"mine": fitted_of(np.array([0.1, 0.6, 1.1]), "us", counts)})
    assert figure.subfigs[0].axes[0].get_ylabel() == r"Counts / 0.5 $\mu$s"
    assert curve(columns, "us", "observed")[1] == [1.0, 1.0]
    figure, _ = draw_counts({"mine": fitted_of(np.array([0.1, 0.6, 0.9]), "f90", counts)})
    assert figure.subfigs[0].axes[0].get_ylabel() == "Counts / unit of $F_{90}$"


def test_where_nothing_is_expected_there_is_no_residual() -> None:
    counts = {**flavors(np.array([1.0, 0.0])), "observed": np.array([3.0, 0.0])}
    figure, columns = draw_counts({"mine": fitted_of(np.array([0.0, 1.0, 2.0]), "us", counts)})
    assert curve(columns, "us", "residual") == ([0.5], [2.0])
    figure.draw_without_rendering()


def test_one_name_has_one_color_and_nothing_is_covered() -> None:
    edges, two = np.array([0.0, 1.0, 2.0]), np.ones(2)

    def with_backgrounds(*names: str) -> dict[str, FloatArray]:
        return flavors(two) | dict.fromkeys((*names, "observed"), two)

    tables = {
        "csi_2021": fitted_of(edges, "pe", with_backgrounds("beam_related_neutrons", "steady_state")),
        "mine": fitted_of(edges, "pe", with_backgrounds("steady_state", "leak")),
        "third": fitted_of(edges, "us", with_backgrounds("leak")),
    }
    figure, _ = draw_counts(tables)
    colors: dict[str, set[str]] = {}
    for row in figure.subfigs:
        (said,) = row.legends
        for handle, text in zip(said.legend_handles, said.get_texts(), strict=True):
            if isinstance(handle, Patch) and handle.get_fill():
                colors.setdefault(text.get_text(), set()).add(to_hex(handle.get_facecolor()))
    assert list(colors) == [*SIGNALS, "beam-related neutrons", "steady state", "leak"]
    assert all(len(found) == 1 for found in colors.values())
    assert len(set.union(*colors.values())) == len(colors)
    figure.draw_without_rendering()
    boxes = [box for ax in figure.axes if (box := ax.get_tightbbox())]  # with what is written on them
    for row in figure.subfigs:
        assert not any(row.legends[0].get_window_extent().overlaps(box) for box in boxes)
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    assert [row.legends[0].get_title().get_text() for row in figure.subfigs] == ["CsI 2021", "mine", "third"]


def nuisance(value: float, error: float, sigma: float | None) -> dict[str, float | None]:
    return {"value": value, "error": error, "sigma": sigma}


FREE = nuisance(0.07, 0.033, None)
RECORD: Any = {
    "nuisances": {"steady_state": nuisance(-0.01, 0.02, 0.04), "time_offset_us": FREE},
    "standard_model": {
        "nuisances": {
            "flux": nuisance(0.05, 0.09, 0.1),
            "steady_state": nuisance(0.02, 0.02, 0.04),
            "time_offset_us": nuisance(0.068, 0.034, None),
        }
    },
}


def test_pulls_are_values_over_widths() -> None:
    figure, columns = draw_pulls({"datasets": {"mine": RECORD}, "together": RECORD})
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["flux", "steady state", "time offset"]
    assert legend_of(figure) == ["best fit", "standard model fit"]
    best, standard = (container[0] for container in ax.containers)
    assert best.get_xdata().tolist() == [-0.25]
    assert standard.get_xdata().tolist() == pytest.approx([0.5, 0.5])
    assert [round(float(y)) for y in standard.get_ydata()] == [0, 1]
    for name, expected in {"best_fit": -0.25, "best_fit_error": 0.5, "standard_model": 0.5}.items():
        assert curve(columns, "steady_state", name)[0] == [pytest.approx(expected)]
    assert curve(columns, "time_offset_us", "best_fit_value")[0] == [0.07]
    assert [text.get_text() for text in ax.texts] == [
        r"0.070 $\pm$ 0.033 $\mu$s", r"0.068 $\pm$ 0.034 $\mu$s"
    ]  # fmt: skip
    assert ax.get_xlim()[1] > 1.4
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first is on top


def test_pulls_of_nothing_are_drawn() -> None:
    none: Any = {"nuisances": {}, "standard_model": {"nuisances": {}}}
    figure, columns = draw_pulls({"datasets": {"mine": none}, "together": none})
    figure.draw_without_rendering()
    assert columns["x"] == []


def likelihood(*names: str) -> dict[str, Any]:
    events = np.linspace(0, 100, 21)
    rows = [(name, n, ((n - 50) / 10) ** 2) for name in names for n in events]
    return {key: [row[i] for row in rows] for i, key in enumerate(("dataset", "cevns_counts", "minus2_delta_lnl"))}


def test_a_likelihood_is_drawn_up_to_four_sigma() -> None:
    table = likelihood("csi_2017")
    figure, columns = draw_counts_likelihood(table)
    (ax,) = figure.axes
    line = ax.get_lines()[0]
    np.testing.assert_array_equal(line.get_xdata(), table["cevns_counts"])
    np.testing.assert_array_equal(line.get_ydata(), table["minus2_delta_lnl"])
    assert curve(columns, "likelihood", "csi_2017") == (table["cevns_counts"], table["minus2_delta_lnl"])
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 100), (0, 16))
    assert [text.get_text() for text in ax.texts] == [rf"${n}\sigma$" for n in (1, 2, 3)]
    assert not figure.legends


def test_what_is_published_is_drawn_beside_it() -> None:
    markers = {"lar_2020": (52.0, 11.0, "published")}
    published = ([10.0, 50.0, 90.0], [15.5, 0.1, 15.7], "Fig. 8")
    figure, columns = draw_counts_likelihood(likelihood("csi_2017", "lar_2020", "together"), markers, published)
    assert legend_of(figure) == ["CsI 2017", "LAr 2020", "together", "Fig. 8", "LAr 2020, published"]
    assert curve(columns, "likelihood", "lar_2020, published") == ([41.0, 52.0, 63.0], [1.0, 1.0, 1.0])
    assert curve(columns, "likelihood", "Fig. 8") == (published[0], published[1])
    (ax,) = figure.axes
    ((mark, *_),) = ax.containers
    assert (mark.get_xdata().tolist(), mark.get_ydata().tolist()) == ([52.0], [1.0])
    colors = {line.get_label(): line.get_color() for line in ax.get_lines()}
    assert mark.get_color() == colors["LAr 2020"]
    assert isinstance(figure, Figure)
