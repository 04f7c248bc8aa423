"""Figures of one parameter, and of several analyses together: what is on their axes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import BEST_FITS, DOMAIN_ENDS, as_columns
from cevnsi.output.figures import Covered, Panel, drawing
from cevnsi.output.looks import FURTHER, LOOKS, looks_of
from cevnsi.output.together import (
    WITHOUT_A_BOUND,
    Along,
    along,
    draw_domain_ends,
    draw_line,
    draw_lines,
    draw_matter,
    draw_mediator,
    draw_planes,
)
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Scan
from cevnsi.scans.regions import Grid, contour_table
from cevnsi.statistics.thresholds import threshold

LEVEL = (0.9, 2)
DATASETS = {"csi_2021": ["csi_2021"], "lar_2020": ["lar_2020"], "joint": ["csi_2021", "lar_2020"]}


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with drawing():
        yield


def parabola(width: float = 0.1) -> Along:
    x = np.linspace(-0.3, 0.5, 81)
    grid = Grid(names=("eps_ee_V",), axes=(x,), log=(False,), delta_chi2=((x - 0.1) / width) ** 2)
    return Along(grid=grid, levels=[(0.9, 1)], best_fit=0.1)


def disk(radius: float, names: tuple[str, str] = ("eps_ee_dV", "eps_mumu_dV"), *, log: bool = False) -> Panel:
    """Allowed within a radius of the middle of the plane."""
    x = np.linspace(-1.0, 1.0, 41)
    axes = (10**x, 10**x) if log else (x, x)
    chi2 = threshold(*LEVEL) * np.hypot.outer(x, x) ** 2 / radius**2
    grid = Grid(names=names, axes=axes, log=(log, log), delta_chi2=chi2)
    contours = {name: np.array(values) for name, values in contour_table(grid, [LEVEL]).items()}
    return Panel(grid=grid, contours=contours, levels=[LEVEL])


def test_a_line_of_critical_values_stands_beside_delta_chi2() -> None:
    line = parabola()
    x = line.grid.axes[0]
    covered = Covered(critical={0.9: 2.5 + x}, contours={}, text="Feldman-Cousins: 500 toys at each of 5 points")
    figure, columns = draw_line("s", replace(line, covered=covered))
    (ax,) = figure.axes
    np.testing.assert_array_equal(curve(columns, "s, Feldman-Cousins, 0.9 CL"), np.column_stack([x, 2.5 + x]))
    (flat,) = [each for each in ax.lines if set(np.asarray(each.get_ydata()).tolist()) == {threshold(0.9, 1)}]
    assert flat.get_linestyle() == "--"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Feldman-Cousins", r"$\chi^2$ distribution"]
    assert [text.get_text() for text in figure.texts] == ["Feldman-Cousins: 500 toys at each of 5 points"]
    plain, _ = draw_line("s", line)
    assert plain.legends == []
    assert plain.texts == []


def curve(columns: dict[str, list[Any]], name: str) -> FloatArray:
    """Points of a curve, (points, 2)."""
    rows = [i for i, found in enumerate(columns["curve"]) if found == name]
    return np.array([[columns["x"][i], columns["y"][i]] for i in rows])


def points(line: Any) -> FloatArray:
    """Of a line on the axes, (points, 2)."""
    return np.array(line.get_xydata(), dtype=float)


def legend(figure: Any) -> list[str]:
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def test_an_analysis_looks_the_same_in_every_figure_and_no_two_the_same() -> None:
    looks = looks_of({**DATASETS, "mine": ["mine"], "other": ["other"]})
    assert looks["joint"] == LOOKS["csi_2021", "lar_2020"] == looks_of({"joint": DATASETS["joint"]})["joint"]
    assert [looks["mine"], looks["other"]] == list(FURTHER[:2])
    assert len({str(look) for look in looks.values()}) == len(looks)


def test_a_line_is_that_of_its_grid_with_its_level_and_best_fit() -> None:
    line = parabola()
    figure, columns = draw_line("ee_tied", line)
    (ax,) = figure.axes
    drawn = points(ax.lines[0])
    assert np.array_equal(drawn, np.column_stack([*line.grid.axes, line.grid.delta_chi2]))
    levels = [points(each)[0, 1] for each in ax.lines if each.get_linestyle() == ":"]
    assert levels == [pytest.approx(threshold(0.9, 1))]
    assert np.array_equal(curve(columns, "ee_tied, delta chi2"), drawn)
    assert curve(columns, "ee_tied, best fit").tolist() == [[0.1, 0.0]]
    assert ax.get_ylim()[1] >= 9  # three standard deviations


@pytest.mark.parametrize(("reference", "least"), [("minimum", 0.3), ("standard_model", 0.0)])
def test_a_line_is_from_the_best_fit_and_not_from_its_points(reference: str, least: float) -> None:
    axis = Axis(name="eps_ee_dV", minimum=-1, maximum=1, points=3)
    scan = Scan(name="s", interaction="contact", axes=(axis,), projections=(("eps_ee_dV",),), reference=reference,
                confidence_levels=(0.9,), n_dof=(1,))  # fmt: skip
    grid = Grid(names=("eps_ee_dV",), axes=(axis.values(),), log=(False,), delta_chi2=np.array([4.0, 0.0, 4.0]))
    fits = as_columns([("s", "eps_ee_dV", 0.2, 5.0, 0.19, 0.21, 0.3)], BEST_FITS)
    found = along(scan, grid, "s", fits)
    assert found.grid.delta_chi2.tolist() == [4 + least, least, 4 + least]
    assert found.best_fit == 0.2
    wide = as_columns([("s", "eps_ee_dV", 0.2, 5.0, -0.5, 0.5, 0.3)], BEST_FITS)
    assert along(scan, grid, "s", wide).best_fit is None


@pytest.mark.parametrize(("number", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2)])
def test_lines_of_several_analyses_share_panels(number: int, columns: int) -> None:
    panels = {f"scan{i}": {"csi_2021": parabola(0.1), "joint": parabola(0.05)} for i in range(number)}
    figure, found = draw_lines(panels, DATASETS)
    assert len(figure.axes) == number
    assert len({round(ax.get_position().x0, 3) for ax in figure.axes}) == columns
    assert legend(figure) == ["CsI 2021", "CsI 2021 + LAr 2020"]  # one each, however many panels
    assert {*found["curve"]} >= {"csi_2021, delta chi2", "joint, delta chi2", "joint, best fit"}


def test_planes_fill_one_analysis_and_outline_all() -> None:
    panels = {"lar_2020": disk(0.8), "csi_2021": disk(0.5), "joint": disk(0.3)}
    figure, columns = draw_planes({"plane": panels, "other": panels}, DATASETS, "joint")
    for ax in figure.axes:
        (patch,) = [each for each in ax.patches if isinstance(each, PathPatch)]
        assert np.hypot(*np.array(patch.get_path().vertices).T).max() == pytest.approx(0.3, abs=0.01)
    looks = looks_of(DATASETS)
    for name, radius in (("lar_2020", 0.8), ("csi_2021", 0.5), ("joint", 0.3)):
        assert np.hypot(*curve(columns, f"{name}, 0.9 CL, 2 dof").T) == pytest.approx(radius, abs=0.01)
        drawn = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == to_hex(looks[name][0])]
        assert drawn
    assert legend(figure) == ["LAr 2020", "CsI 2021", "CsI 2021 + LAr 2020", "standard model"]


def test_an_analysis_without_a_limit_is_said_to_have_none() -> None:
    figure, _ = draw_planes({"plane": {"csi_2021": disk(99.0), "joint": disk(0.3)}}, DATASETS, "joint")
    assert "CsI 2021: no limit here" in legend(figure)


def test_a_plane_without_the_standard_model_does_not_mark_it() -> None:
    planes = {"plane": {"joint": disk(0.3, ("u_mu4_squared", "delta_m2_41_ev2"), log=True)}}
    figure, columns = draw_planes(planes, DATASETS, "joint")
    assert legend(figure) == ["CsI 2021 + LAr 2020"]
    assert "SM" not in columns["curve"]


def test_a_mediator_is_excluded_beyond_the_line() -> None:
    plane = {"joint": disk(0.5, ("mediator_mass_mev", "coupling"), log=True)}
    mass, _ = plane["joint"].grid.axes
    figure, columns = draw_mediator("l_mu_minus_l_tau", plane, DATASETS, "joint", (mass * 0.1, mass * 0.2))
    (ax,) = figure.axes
    (filled,) = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    assert np.log10(filled.get_path().vertices).max() == pytest.approx(1.0)  # up to the ends of the axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert np.array_equal(curve(columns, "muon g-2, upper")[:, 1], mass * 0.2)
    assert set(columns["panel"]) == {"l_mu_minus_l_tau"}
    assert legend(figure)[-1] == r"$(g-2)_\mu$ favoured ($2\sigma$)"
    without, columns = draw_mediator("l_e_minus_l_tau", plane, DATASETS, "joint", None)
    assert "muon" not in " ".join(columns["curve"])
    assert legend(without) == legend(figure)[:-1]
    open_below, _ = draw_mediator("b_minus_l", plane, DATASETS, "joint", (np.zeros_like(mass), mass * 0.2))
    (band,) = (c for c in open_below.axes[0].collections if isinstance(c, PolyCollection))
    assert np.asarray(band.get_paths()[0].vertices)[:, 1].min() == plane["joint"].grid.axes[1][0]  # of a log axis


def test_a_mediator_that_the_muon_does_not_want_has_no_band() -> None:
    plane = {"joint": disk(0.5, ("scalar_mass_mev", "scalar_coupling"), log=True)}
    figure, columns = draw_mediator("light_scalar", plane, DATASETS, "joint")
    assert set(columns["panel"]) == {"light_scalar"}
    assert legend(figure) == ["CsI 2021 + LAr 2020"]


def test_matter_has_the_published_box() -> None:
    published = {"eps_ee_matter": (-0.5, 0.7), "eps_mumu_matter": (-0.2, 0.4)}
    figure, columns = draw_matter({"joint": disk(0.5, tuple(published))}, DATASETS, "joint", published)  # type: ignore[arg-type]
    box = curve(columns, "Eq. 12 of arXiv:1708.04255")
    assert (box.min(axis=0).tolist(), box.max(axis=0).tolist()) == ([-0.5, -0.2], [0.7, 0.4])
    assert "Eq. (12) of arXiv:1708.04255" in legend(figure)


def test_ends_by_domain_tell_limits_from_what_is_only_reached() -> None:
    rows = []
    for bound, end, reach in ((0.5, 3.0, "yes"), (1.0, 4.0, "no"), (2.0, 5.0, "no"), (np.inf, 9.0, "no")):
        rows += [("eps_ee_matter", bound, 0.9, 2, 4.61, "lower", -end, reach)]
        rows += [("eps_ee_matter", bound, 0.9, 2, 4.61, "upper", end, "yes" if np.isinf(bound) else reach)]
    tables = {"joint": as_columns(rows, DOMAIN_ENDS)}
    figure, columns = draw_domain_ends(tables, DATASETS, {"eps_ee_matter": (-0.95, 1.95)})
    what = "joint, delta chi2 4.61, "
    assert curve(columns, f"{what}lower").tolist() == [[1.0, -4.0], [2.0, -5.0]]
    assert curve(columns, f"{what}lower, only the reach").tolist() == [[0.5, -3.0]]
    assert curve(columns, f"{what}lower, no bound").tolist() == [[4.0, -9.0]]
    assert curve(columns, f"{what}upper, no bound, none found").tolist() == [[4.0, 9.0]]
    (ax,) = figure.axes
    drawn = [points(line) for line in ax.lines]
    marked = [found.tolist() for found in drawn if len(found) == 1 and found[0, 0] > 3]
    assert marked == [[[2.0 * WITHOUT_A_BOUND, -9.0]], [[2.0 * WITHOUT_A_BOUND, 9.0]]]
    assert [text.get_text() for text in ax.get_xticklabels()][-1] == "none"
