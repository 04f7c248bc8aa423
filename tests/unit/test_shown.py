"""Results as tables and pictures: the numbers that they hold, all of them, and nothing else."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import cevnsi
from cevnsi import fits
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import Model
from cevnsi.questions import (
    allowed_range,
    best_fit,
    chi2_and_nuisances,
    critical_value,
    make_line,
    make_plane,
    scan_grid,
)
from cevnsi.scans.regions import contour_lines
from cevnsi.statistics.thresholds import threshold

LEVELS = (0.6827, 0.9)


def new_axes() -> Axes:
    return Figure().subplots()


def test_ranges(model: Callable[..., Model]) -> None:
    used = model("csi_2017")
    found = allowed_range(used, make_line(used, "eps_ee_dV", confidence_levels=LEVELS))
    frame = found.to_frame()
    assert len(found) == len(frame) == 3
    for row, record in zip(found, frame.to_dict("records"), strict=True):
        assert {"scan": "range", **record} == asdict(row)
    seen = repr(found).split("\n")
    assert seen[0].split() == ["parameter", "confidence_level", "n_dof", "lower", "upper", "other_parameters"]
    assert [float(line.split()[3]) for line in seen[1:]] == pytest.approx([row.lower for row in found], abs=1e-6)
    assert found._repr_html_().count("<tr") == 4
    ax = new_axes()
    assert found.draw(ax) is ax
    drawn = [(*np.asarray(line.get_xdata()), *np.asarray(line.get_ydata())) for line in ax.lines]
    assert drawn == [(r.lower, r.upper, y, y) for r, y in zip(found, (0, 0, 1), strict=True)]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["68.27 % CL, 1 dof", "90 % CL, 1 dof"]
    assert ax.get_xlabel() == r"$\epsilon_{ee}^{dV}$"


def test_no_ranges_are_an_empty_table(model: Callable[..., Model]) -> None:
    used = model("csi_2017")
    found = allowed_range(used, make_line(used, "eps_ee_dV", (-3.0, -2.0)))[:0]
    assert found == []
    empty = type(allowed_range(used, make_line(used, "eps_ee_dV")))()
    assert empty.to_frame().empty
    assert "Empty" in repr(empty)


@pytest.mark.parametrize("analysis", ["paper", "csi_2017"])
def test_a_plane(analysis: str, model: Callable[..., Model]) -> None:
    used, ends = model(analysis), {"eps_mumu_dV": (-0.5, 0.75)}
    plane = make_plane(used, ("eps_ee_dV", "eps_mumu_dV"), ends, points=(21, 26), confidence_levels=LEVELS)
    assert [(axis.minimum, axis.maximum) for axis in plane.axes] == [(-1.0, 1.0), (-0.5, 0.75)]
    grid = scan_grid(used, plane)
    frame = grid.to_frame()
    assert list(frame.columns) == ["eps_ee_dV", "eps_mumu_dV", "delta_chi2"]
    assert len(frame) == 21 * 26
    least = frame.loc[frame["delta_chi2"].idxmin()]
    zero, there = (chi2_and_nuisances(used, dict(frame.iloc[i][:2]))[0] for i in (frame["delta_chi2"].idxmin(), 77))
    assert there - zero == pytest.approx(frame["delta_chi2"][77], abs=1e-6)
    assert grid.lowest_point() == tuple(least[:2])
    assert "delta chi2 on 21 x 26 points" in repr(grid)
    for level in LEVELS:
        expected = contour_lines(grid, threshold(level, 2))
        assert all(
            np.array_equal(a, b)
            for pair in zip(grid.contours(level), expected, strict=True)
            for a, b in zip(*pair, strict=True)
        )
    ax = new_axes()
    assert grid.draw(ax) is ax
    outlines = [line for line in ax.lines if len(np.asarray(line.get_xdata())) > 1]
    assert len(outlines) == sum(len(grid.contours(level)) for level in LEVELS)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1.0, 1.0), (-0.5, 0.75))
    assert ax.get_legend_handles_labels()[1] == ["68.27 % CL", "90 % CL", "SM"]


def test_a_line(model: Callable[..., Model]) -> None:
    used = model("csi_2017")
    grid = scan_grid(used, make_line(used, "eps_ee_dV", points=51))
    frame = grid.to_frame()
    assert list(frame.columns) == ["eps_ee_dV", "delta_chi2"]
    values = [chi2_and_nuisances(used, {"eps_ee_dV": value})[0] for value in frame["eps_ee_dV"]]
    # from the least of the points
    assert frame["delta_chi2"].to_numpy() == pytest.approx(np.array(values) - min(values), abs=1e-6)
    ax = new_axes()
    assert grid.draw(ax) is ax
    x, y = ax.lines[0].get_data()
    assert np.array_equal(x, grid.axes[0])
    assert np.array_equal(y, grid.delta_chi2)


def test_two_ways_to_say_which_plane_are_refused(model: Callable[..., Model]) -> None:
    used = model("csi_2017")
    with pytest.raises(ConfigError, match="eps_ee_uV: has ends, but is no axis; expected eps_ee_dV or eps_mumu_dV"):
        make_plane(used, ("eps_ee_dV", "eps_mumu_dV"), {"eps_ee_uV": (-1.0, 1.0)})
    with pytest.raises(ConfigError, match="eps_ee_dV: is named twice; expected two axes"):
        make_plane(used, ("eps_ee_dV", "eps_ee_dV"))


@pytest.mark.parametrize("analysis", ["csi_2017", "csi_2021"])
def test_a_fit(analysis: str, model: Callable[..., Model]) -> None:
    used = model(analysis)
    found = best_fit(used)
    assert found == fits.best_fit(used)
    frame = found.to_frame().set_index("nuisance")
    assert set(frame.index) == {nuisance.name for nuisance in used.nuisances if nuisance.fixed is None}
    for name, record in found["standard_model"]["nuisances"].items():
        assert frame.loc[name, ["standard_model_value", "standard_model_error"]].tolist() == [
            record["value"],
            record["error"],
        ]
    seen = found["cevns_counts"]["value"]
    assert repr(found).startswith(f"{seen:.1f} +")
    assert f"{seen:.1f} +" in found._repr_html_()
    ax = new_axes()
    assert found.draw(ax) is ax
    assert len(ax.get_yticklabels()) == len(frame)
    assert len(ax.containers) == 2  # of points with errors, one of each fit


def test_critical_values(model: Callable[..., Model]) -> None:
    found = critical_value(model("release"), {"eps_ee_dV": 0.0}, toys=200)
    frame = found.to_frame()
    assert frame["critical_delta_chi2"].tolist() == [row.critical_delta_chi2 for row in found]
    assert len(repr(found).split("\n")) == 1 + len(found)


def test_without_axes_they_are_those_of_pyplot() -> None:
    """In a process of its own, as no other test has pyplot."""
    code = (
        "import matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt, numpy as np\n"
        "from cevnsi.shown import ShownGrid\n"
        "x = np.linspace(-1, 1, 5)\n"
        "grid = ShownGrid(names=('eps_ee_dV',), axes=(x,), log=(False,), delta_chi2=x**2, levels=((0.9, 1),))\n"
        "fig, (first, second) = plt.subplots(2)\n"
        "print(grid.draw() is second, grid.draw(first) is first)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_the_package_shows_what_matters() -> None:
    assert dir(cevnsi) == sorted([*cevnsi.__all__, "__version__"])
    assert len(cevnsi.__all__) < 16
    for name in cevnsi.__all__:
        shown: Any = getattr(cevnsi, name)
        assert getattr(shown, "__name__", name) == name
    with pytest.raises(AttributeError, match="'cevnsi' has no attribute 'nothing'"):
        _ = cevnsi.nothing


def test_importing_it_loads_nothing() -> None:
    """Each name is loaded when it is asked for: the import takes as long as Python's own."""
    code = "import sys; before = {*sys.modules}; import cevnsi; print(*sorted({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"numpy", "scipy", "pandas", "pyarrow", "matplotlib", "yaml"} == set()
    assert "cevnsi.questions" not in done.stdout.split()
