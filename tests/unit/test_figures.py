"""Figures: what is on their axes, and that their bytes repeat."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, StepPatch

from cevnsi.files.tables import (
    BEST_FITS,
    DOMAIN_BEST,
    DOMAIN_MAP,
    RANGES,
    SENSITIVITY,
    SPECTRA,
    as_columns,
    read_csv,
    write_csv,
    write_parquet,
)
from cevnsi.model import DataSet
from cevnsi.output import figures, looks
from cevnsi.output.figures import (
    MOST_OF_AXIS,
    Covered,
    Panel,
    draw_regions,
    drawing,
    label,
    panel_of,
    read_covered,
    save,
    save_all,
)
from cevnsi.output.spectra import spectra_table
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans import limits
from cevnsi.scans.axes import Coverage, Scan
from cevnsi.scans.coverage import how_found
from cevnsi.scans.regions import Grid, contour_table
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.figures import (
    draw_domain_map,
    draw_domain_sensitivity,
    draw_exclusion,
    draw_spectrum,
    mediator_caption,
)

LEVEL = (0.9, 2)


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with drawing():
        yield


def grid_of(
    names: tuple[str, str] = ("eps_ee_dV", "eps_ee_uV"), center: tuple[float, float] = (0.25, -0.5), width: float = 0.2
) -> Grid:
    x, y = np.linspace(-1, 1, 41), np.linspace(-2, 2, 33)
    delta = ((x[:, None] - center[0]) / width) ** 2 + ((y[None, :] - center[1]) / (2 * width)) ** 2
    return Grid(names=names, axes=(x, y), log=(False, False), delta_chi2=delta - delta.min())


def contours_of(grid: Grid) -> dict[str, Any]:
    return {name: np.array(column) for name, column in contour_table(grid, [LEVEL, (0.9, 1)]).items()}


BEST = (0.2345, -0.5678)  # no point of a grid


def panel(grid: Grid, best_fit: tuple[float, float] | None = BEST, warning: str = "") -> Panel:
    return Panel(grid=grid, contours=contours_of(grid), levels=[LEVEL], best_fit=best_fit, warning=warning)


def spectra_of(dataset: Callable[..., DataSet]) -> dict[str, Any]:
    return spectra_table(dataset("paper"), {"mediator_mass_mev": 10.0, "coupling": 1e-4})


def sensitivity_table(
    levels: tuple[tuple[float, int, float], ...] = ((0.9, 2, 4.605), (0.9, 1, 2.706)),
) -> dict[str, Any]:
    rows = [
        (name, bound, confidence_level, n_dof, delta, side, sign * (1 + bound / 3 + delta / 100), "no")
        for bound in (0.5, 1.0, 1.5)
        for name in ("eps_ee_matter", "eps_mumu_matter")
        for confidence_level, n_dof, delta in levels
        for side, sign in (("lower", -1), ("upper", 1))
    ]
    return as_columns(rows, SENSITIVITY)


def curve(columns: dict[str, list[Any]], panel: str, name: str) -> tuple[list[float], list[float]]:
    rows = [i for i, pair in enumerate(zip(columns["panel"], columns["curve"], strict=True)) if pair == (panel, name)]
    return [columns["x"][i] for i in rows], [columns["y"][i] for i in rows]


def points(line: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.column_stack([np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata())])


def legend_texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    "parameter", [name for interaction in INTERACTIONS.values() for name in interaction.parameters]
)
def test_every_parameter_has_a_label_that_renders(parameter: str) -> None:
    figure = Figure()
    text = figure.text(0.5, 0.5, label(parameter))
    figure.draw_without_rendering()  # raises where mathtext cannot parse it, and warns where a glyph is missing
    assert text.get_window_extent().width > 5
    assert label(parameter).count("$") in (2, 4)  # of its name, and of a unit with a power


def test_labels_are_all_different() -> None:
    names = {name for interaction in INTERACTIONS.values() for name in interaction.parameters}
    assert len({label(name) for name in names}) == len(names)
    assert label("eps_etau_dV_imag") == r"$\mathrm{Im}\,\epsilon_{e\tau}^{dV}$"
    assert label("eps_mumu_matter") == r"$\epsilon_{\mu\mu}$"


@pytest.mark.parametrize(
    ("coupling", "power"),
    [
        (1e-4, "10^{-4}"),
        (1e-3, "10^{-3}"),
        (3e-5, r"3\times 10^{-5}"),
        (2.5e-5, r"2.5\times 10^{-5}"),
        (9.9999e-5, "10^{-4}"),  # to three digits
        (1.0, "10^{0}"),
        (0.0, "0"),
    ],
)
def test_mediator_caption(coupling: float, power: str) -> None:
    assert mediator_caption(10.0, coupling) == rf"$M_{{Z'}}=10$ MeV, $g={power}$"


@pytest.mark.parametrize("exponent", range(-12, 3))
def test_powers_of_ten_are_captioned_as_such(exponent: int) -> None:
    assert mediator_caption(10.0, 10.0**exponent).endswith(f"$g=10^{{{exponent}}}$")


def test_spectrum_is_cumulative_by_flavor(dataset: Callable[..., DataSet]) -> None:
    spectra = spectra_of(dataset)
    figure, columns = draw_spectrum(spectra, "the mediator")
    (ax,) = figure.axes
    stairs = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    assert len(stairs) == 6
    case, component = np.array(spectra["case"]), np.array(spectra["component"])
    drawn = iter(stairs)
    for name, style in (("sm", "--"), ("light_mediator", "-")):
        total = np.zeros(25)
        for flavor in ("nu_mu", "nu_mu_bar", "nu_e"):
            total = total + spectra["predicted_counts"][(case == name) & (component == flavor)]
            step = next(drawn)
            values, edges, _ = step.get_data()
            np.testing.assert_array_equal(values, total)
            np.testing.assert_array_equal(edges, np.arange(0, 51, 2))
            assert step.get_linestyle() == style
            x, y = curve(columns, "fig1", f"{name}:{flavor}")
            np.testing.assert_array_equal(x, np.arange(1, 50, 2))
            np.testing.assert_array_equal(y, total)
    assert ax.get_xlim() == (0, 50)
    assert ax.get_ylim()[1] == pytest.approx(1.08 * max(step.get_data()[0].max() for step in stairs))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Photoelectrons", "Events / 2 PE")
    assert legend_texts(ax)[-2:] == ["SM", "the mediator"]
    assert len({to_hex(step.get_edgecolor()) for step in stairs}) == 3


def light_mediator() -> Grid:
    u, v = np.linspace(0, 4, 31), np.linspace(-6, -1, 41)
    delta = 6.18 * 10 ** (2 * np.clip(v[None, :] + 4.5 - np.maximum(u[:, None] - 1.7, 0), -5, 1))
    return Grid(
        names=("mediator_mass_mev", "coupling"), axes=(10**u, 10**v), log=(True, True), delta_chi2=delta - delta.min()
    )


BAND = (1e-4 * np.ones(31), 3e-4 * np.ones(31))


def test_exclusion_has_the_limit_the_band_and_the_best_fit() -> None:
    grid, band = light_mediator(), BAND
    contours = contours_of(grid)
    figure, columns = draw_exclusion(panel(grid, (20.5, 3.3e-5)), band)
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    np.testing.assert_allclose([*ax.get_xlim(), *ax.get_ylim()], [1, 1e4, 1e-6, 1e-1], rtol=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (label("mediator_mass_mev"), label("coupling"))
    limit, lower, upper, best = (points(line) for line in ax.get_lines()[:4])
    rows = (contours["n_dof"] == 2) & (contours["segment"] == 0)
    expected = np.column_stack([contours["mediator_mass_mev"][rows], contours["coupling"][rows]])
    np.testing.assert_array_equal(limit, expected)
    np.testing.assert_array_equal(lower, np.column_stack([grid.axes[0], band[0]]))
    np.testing.assert_array_equal(upper, np.column_stack([grid.axes[0], band[1]]))
    np.testing.assert_array_equal(best, [(20.5, 3.3e-5)])
    np.testing.assert_array_equal(curve(columns, "fig2", "0.9 CL, 2 dof"), expected.T)
    np.testing.assert_array_equal(curve(columns, "fig2", "muon g-2, upper"), [grid.axes[0], band[1]])
    assert curve(columns, "fig2", "best fit") == ([20.5], [3.3e-5])
    assert len(legend_texts(ax)) == 3


@pytest.mark.parametrize("coarse", [1, 4])
def test_a_fill_ends_at_its_outline(coarse: int) -> None:
    """Also on log axes with few points, where a straight line between them is one in log10 alone."""
    fine = light_mediator()
    axes = (fine.axes[0][:: coarse + 1], fine.axes[1][::coarse])
    grid = replace(fine, axes=axes, delta_chi2=fine.delta_chi2[:: coarse + 1, ::coarse])
    inside = {"excluded": 1.0, "allowed": -1.0}
    for shaded, (figure, _) in {
        "excluded": draw_exclusion(panel(grid), (BAND[0][:: coarse + 1], BAND[1][:: coarse + 1])),
        "allowed": draw_regions({"mine": panel(grid)}),
    }.items():
        (ax,) = figure.axes
        patches = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
        filled = np.log10(np.concatenate([np.asarray(patch.get_path().vertices) for patch in patches]))
        line = np.log10(points(ax.get_lines()[0]))
        nearest = np.abs(line[:, None] - filled).max(axis=2).min(axis=1)
        np.testing.assert_array_less(nearest, 1e-12)
        x, y = line.T  # a little to either side of the line's first segment
        for side in (-1.0, 1.0):
            at = ax.transData.transform((10 ** x[:2].mean(), 10 ** (y[:2].mean() + side * 1e-3)))
            covered = any(patch.get_path().contains_point((at[0], at[1]), patch.get_transform()) for patch in patches)
            assert covered == (side == inside[shaded])


def test_every_confidence_level_is_drawn() -> None:
    levels = [(0.9, 2), (0.99, 2)]
    for shaded, grid in (("allowed", grid_of()), ("excluded", light_mediator())):
        contours = {name: np.array(column) for name, column in contour_table(grid, levels).items()}
        both = Panel(grid=grid, contours=contours, levels=levels)
        figure, columns = draw_regions({"mine": both}) if shaded == "allowed" else draw_exclusion(both, BAND)
        assert {"0.9 CL, 2 dof", "0.99 CL, 2 dof"} <= set(columns["curve"])
        styles = {line.get_linestyle() for line in figure.axes[0].get_lines() if len(points(line)) > 2}
        assert {"-", "--"} <= styles
        said = " ".join(legend_texts(figure.axes[0]))
        assert "90 % CL" in said
        assert "99 % CL" in said


@pytest.mark.parametrize("inside", [True, False])
def test_the_standard_model_is_named_where_it_is(inside: bool) -> None:
    grid = grid_of()
    if not inside:
        grid = replace(grid, axes=(grid.axes[0] + 1.5, grid.axes[1]))
    for panels in ({"a": panel(grid, None)}, {name: panel(grid, None) for name in "abcd"}):
        figure, columns = draw_regions(panels)
        legends = [text for ax in figure.axes if ax.get_legend() for text in legend_texts(ax)]
        assert ("SM" in legends, "SM" in columns["curve"]) == (inside, inside)


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        (np.arange(0.0, 101, 5), "Events / 5 PE"),
        (np.linspace(0, 3, 31), "Events / 0.1 PE"),
        ([2.0, 4.0, 8.0], "Events / bin"),
    ],
)
def test_a_spectrum_has_the_bins_of_its_data(edges: Any, said: str) -> None:
    flavors, bins = ("nu_mu", "nu_mu_bar", "nu_e"), len(edges) - 1
    rows = [
        (case, flavor, low, high, 1.0)
        for case in ("sm", "light_mediator")
        for flavor in flavors
        for low, high in pairwise(edges)
    ]
    spectra = {name: np.array([row[i] for row in rows]) for i, name in enumerate(SPECTRA.columns)}
    (ax,) = draw_spectrum(spectra, "")[0].axes
    assert (ax.get_ylabel(), ax.get_xlim()) == (said, (edges[0], edges[-1]))
    assert len(spectra["case"]) == 6 * bins


def test_exclusion_marks_no_best_fit_that_there_is_not() -> None:
    figure, columns = draw_exclusion(panel(light_mediator(), None), BAND)
    (ax,) = figure.axes
    assert "best fit" not in {*columns["curve"], *legend_texts(ax)}
    assert len(legend_texts(ax)) == 2
    assert len(ax.get_lines()) == 3


def test_one_region_fills_one_panel() -> None:
    grid = grid_of()
    figure, columns = draw_regions({"ee_d_u": panel(grid)})
    (ax,) = figure.axes
    outline, sm, best = ax.get_lines()
    x, y = points(outline).T
    value = ((x - 0.25) / 0.2) ** 2 + ((y + 0.5) / 0.4) ** 2
    # straight lines between grid points: below the level by at most h^2 / 4 w^2
    assert (value <= threshold(*LEVEL) + 1e-9).all()
    assert (value >= threshold(*LEVEL) - (0.125 / 0.4) ** 2 / 4).all()
    np.testing.assert_array_equal(points(sm), [[0, 0]])
    np.testing.assert_array_equal(points(best), [BEST])
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-2, 2))
    assert (ax.get_xlabel(), ax.get_ylabel()) == (label("eps_ee_dV"), label("eps_ee_uV"))
    assert legend_texts(ax) == ["SM", "best fit"]
    assert len(ax.texts) == 0
    assert curve(columns, "ee_d_u", "SM") == ([0.0], [0.0])
    assert curve(columns, "ee_d_u", "best fit") == ([BEST[0]], [BEST[1]])
    np.testing.assert_array_equal(curve(columns, "ee_d_u", "0.9 CL, 2 dof"), points(outline).T)


def test_a_region_marks_no_best_fit_that_there_is_not() -> None:
    figure, columns = draw_regions({"ee_d_u": panel(grid_of(), None)})
    (ax,) = figure.axes
    assert len(ax.get_lines()) == 2  # the outline and the standard model
    assert legend_texts(ax) == ["SM"]
    assert "best fit" not in columns["curve"]


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1.0, 100.0)], ids=["all allowed", "none allowed"])
def test_a_plane_without_a_line_is_drawn(scale: float, offset: float) -> None:
    def moved(grid: Grid) -> Panel:
        return panel(replace(grid, delta_chi2=scale * grid.delta_chi2 + offset), None)

    for figure, columns in (draw_regions({"a": moved(grid_of())}), draw_exclusion(moved(light_mediator()), BAND)):
        figure.draw_without_rendering()
        assert not any("CL" in name for name in columns["curve"])


NO_SENSITIVITY = "no sensitivity: $\\chi^2$ is the same\nall over this plane"


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e-3, 1.0])
def test_a_plane_without_sensitivity_says_so_in_its_axes(scale: float) -> None:
    """Not one that is allowed everywhere although chi2 varies."""

    def flat(grid: Grid) -> Panel:
        return panel(replace(grid, delta_chi2=scale * grid.delta_chi2 / grid.delta_chi2.max()), None)

    for figure, _ in (draw_regions({"a": flat(grid_of())}), draw_exclusion(flat(light_mediator()), BAND)):
        said = [text.get_text() for text in figure.axes[0].texts]
        assert (NO_SENSITIVITY in said) == (scale < 1e-9)
        figure.draw_without_rendering()
    assert figures.FLAT == limits.FLAT


def covered(grid: Grid, height: float = 3.0) -> Covered:
    """Critical values that are the same all over a plane."""
    critical = np.full(grid.delta_chi2.shape, height)
    contours = contour_table(grid, [LEVEL], {LEVEL: critical})
    arrays = {name: np.array(column) for name, column in contours.items()}
    return Covered(critical={LEVEL[0]: critical}, contours=arrays, text="Feldman-Cousins: 500 toys at each of 5 points")


def test_a_region_of_critical_values_has_both_lines_and_is_filled_up_to_its_own() -> None:
    grid = grid_of()
    figure, columns = draw_regions({"s": replace(panel(grid), covered=covered(grid))})
    (ax,) = figure.axes
    drawn = {}
    for name, height in (("0.9 CL, 2 dof", threshold(*LEVEL)), ("Feldman-Cousins, 0.9 CL, 2 dof", 3.0)):
        x, y = curve(columns, "s", name)
        ((lower, upper),) = [(min(x), max(x))]
        # a straight line between grid points lies a little inside
        assert (lower, upper) == pytest.approx((0.25 - 0.2 * np.sqrt(height), 0.25 + 0.2 * np.sqrt(height)), abs=0.02)
        drawn[name] = np.column_stack([x, y])
    by_style = {line.get_linestyle(): line for line in ax.lines if len(points(line)) > 2}
    np.testing.assert_array_equal(points(by_style["-"]), drawn["Feldman-Cousins, 0.9 CL, 2 dof"])
    np.testing.assert_array_equal(points(by_style["--"]), drawn["0.9 CL, 2 dof"])
    assert by_style["--"].get_linewidth() < by_style["-"].get_linewidth()
    assert legend_texts(ax) == ["Feldman-Cousins", r"$\chi^2$ distribution", "SM", "best fit"]
    (patch,) = ax.patches
    filled = np.asarray(patch.get_path().vertices)
    assert filled[:, 0].max() == pytest.approx(drawn["Feldman-Cousins, 0.9 CL, 2 dof"][:, 0].max())
    assert [text.get_text() for text in figure.texts] == ["Feldman-Cousins: 500 toys at each of 5 points"]


def test_panels_of_critical_values_share_a_legend_and_say_once_how_they_were_found() -> None:
    grid = grid_of()
    figure, _ = draw_regions({name: replace(panel(grid), covered=covered(grid)) for name in "abcd"})
    assert [ax.get_legend() for ax in figure.axes] == [None] * 4
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == [
        "Feldman-Cousins",
        r"$\chi^2$ distribution",
    ]
    assert len(figure.texts) == 1


def test_what_is_known_of_critical_values_stands_above_a_warning() -> None:
    grid = grid_of()
    figure, _ = draw_regions({"s": replace(panel(grid, warning="too coarse"), covered=covered(grid))})
    assert figure.texts[0].get_text().splitlines() == ["Feldman-Cousins: 500 toys at each of 5 points", "too coarse"]


def test_critical_values_are_read_with_their_contours(tmp_path: Path) -> None:
    axes = tuple(Axis(name=name, minimum=-1, maximum=1, points=3) for name in ("eps_ee_dV", "eps_ee_uV"))
    names = tuple(axis.name for axis in axes)
    scan = Scan(
        name="s",
        interaction="contact",
        axes=axes,
        projections=(names,),
        confidence_levels=(0.9, 0.99),
        n_dof=(2,),
        coverage=Coverage(toys=1000, points=dict.fromkeys(names, 3), seed=1),
    )
    heights = {level: np.arange(9.0) + i for i, level in enumerate(scan.confidence_levels)}
    grid_file, contour_file = str(tmp_path / "s.parquet"), str(tmp_path / "s.csv")
    columns = {f"critical_delta_chi2_{level:g}": height for level, height in heights.items()}
    write_parquet(grid_file, columns, how_found(scan, "s"))
    rows: dict[str, list[Any]] = {
        "confidence_level": [0.9],
        "n_dof": [2],
        "segment": [0],
        names[0]: [0.5],
        names[1]: [0.25],
    }
    write_csv(contour_file, {**rows, "method": ["feldman_cousins"]})
    found = read_covered(scan, "s", (3, 3), grid_file, contour_file)
    for level, height in heights.items():
        np.testing.assert_array_equal(found.critical[level], height.reshape(3, 3))
    assert list(found.contours)[-2:] == list(names)
    assert found.text == "Feldman-Cousins: 1000 toys at each of 3 × 3 points"
    assert read_covered(scan, "s", (3, 3), grid_file).contours == {}


def test_four_regions_fill_four_panels() -> None:
    pairs = [("eps_ee_dV", "eps_ee_uV"), ("eps_mumu_dV", "eps_mumu_uV"), ("eps_ee_dV", "eps_mumu_dV")]
    pairs += [("eps_ee_dV", "eps_etau_dV")]
    panels = {}
    for i, names in enumerate(pairs):
        grid = grid_of(names, center=(0.1 * i, 0.0))
        panels[f"scan{i}"] = panel(grid, (0.1 * i + 0.01, 0.0))
    figure, columns = draw_regions(panels)
    assert len(figure.axes) == 4
    for i, (ax, names) in enumerate(zip(figure.axes, pairs, strict=True)):
        assert (ax.get_xlabel(), ax.get_ylabel()) == (label(names[0]), label(names[1]))
        assert [text.get_text() for text in ax.texts] == [f"({'abcd'[i]})"]
        assert points(ax.get_lines()[-1])[0, 0] == 0.1 * i + 0.01
        assert (ax.get_legend() is not None) == (i == 2)
    assert list(dict.fromkeys(columns["panel"])) == list(panels)


def test_an_odd_number_of_regions_leaves_no_empty_panel() -> None:
    grid = grid_of(("eps_ee_dV", "eps_ee_uV"))
    figure, columns = draw_regions({f"scan{i}": panel(grid) for i in range(3)})
    assert len(figure.axes) == 3
    assert set(columns["panel"]) == {"scan0", "scan1", "scan2"}


def test_two_separate_regions_are_two_lines() -> None:
    x = np.linspace(-2, 2, 81)
    wells = Grid(
        names=("eps_ee_dV", "eps_ee_uV"),
        axes=(x, x),
        log=(False, False),
        delta_chi2=30 * ((x**2 - 1) ** 2)[:, None] + (3 * x**2)[None, :],
    )
    figure, columns = draw_regions({"wells": panel(wells)})
    assert len(figure.axes[0].get_lines()) == 2 + 2
    assert set(columns["segment"]) == {0, 1}


def test_log_axes_are_drawn_as_such_and_without_a_standard_model_point() -> None:
    grid = light_mediator()
    figure, columns = draw_regions({"lm": panel(grid, (20.5, 3.3e-5))})
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "SM" not in columns["curve"]
    assert legend_texts(ax) == ["best fit"]


def shown(ax: Any) -> list[Any]:
    """Lines of a panel that have points."""
    return [line for line in ax.get_lines() if len(points(line))]


def test_domain_sensitivity_has_ends_and_published_values() -> None:
    table = sensitivity_table()
    figure, columns = draw_domain_sensitivity(table, {"eps_ee_matter": (-0.95, 1.95)})
    upper, lower = figure.axes
    assert len(shown(upper)) == 2 * 2 + 2
    assert len(shown(lower)) == 2 * 2
    for line, (delta, sign) in zip(shown(upper), [(4.605, -1), (4.605, 1), (2.706, -1), (2.706, 1)], strict=False):
        x, y = points(line).T
        np.testing.assert_array_equal(x, [0.5, 1.0, 1.5])
        np.testing.assert_allclose(y, [sign * (1 + b / 3 + delta / 100) for b in x], rtol=1e-12)
    heights = [float(np.unique(line.get_ydata())[0]) for line in shown(upper)[4:]]
    assert heights == [-0.95, 1.95]
    assert not any("reach" in name for name in columns["curve"])
    assert legend_texts(upper) == [r"$\Delta\chi^2=4.61$", r"$\Delta\chi^2=2.71$", "Eq. (12)"]
    assert (upper.get_ylabel(), lower.get_ylabel()) == (r"ends of $\epsilon_{ee}$", r"ends of $\epsilon_{\mu\mu}$")
    assert lower.get_xlabel() == r"bound on $|\epsilon^{uV}|$ and $|\epsilon^{dV}|$"
    assert lower.get_xlim()[0] == 0
    x, y = curve(columns, "eps_mumu_matter", "delta chi2 4.61, 2 dof, upper")
    assert x == [0.5, 1.0, 1.5]
    assert y == pytest.approx([1 + b / 3 + 0.04605 for b in x])


def test_ends_that_are_only_the_reach_are_no_limits() -> None:
    """Drawn apart, thin and grey, and named so in the csv: no point of one is in the other."""
    table = sensitivity_table()
    at_reach = [bound == 0.5 and side == "upper" for bound, side in zip(table["bound"], table["side"], strict=True)]
    table["ends_at_grid"] = ["yes" if reach else "no" for reach in at_reach]
    figure, columns = draw_domain_sensitivity(table, {})
    upper, _ = figure.axes
    assert legend_texts(upper) == [r"$\Delta\chi^2=4.61$", r"$\Delta\chi^2=2.71$", "reach, no limit"]
    for n_dof, delta in ((2, "4.61"), (1, "2.71")):
        for side, bounds, reach in (("upper", [1.0, 1.5], [0.5]), ("lower", [0.5, 1.0, 1.5], [])):
            name = f"delta chi2 {delta}, {n_dof} dof, {side}"
            assert curve(columns, "eps_ee_matter", name)[0] == bounds
            assert curve(columns, "eps_ee_matter", f"{name}, only the reach")[0] == reach
    thin = [line for line in shown(upper) if list(points(line)[:, 0]) == [0.5]]
    assert len(thin) == 2
    assert {to_hex(line.get_color()) for line in thin} == {to_hex(looks.GREY)}
    assert max(line.get_linewidth() for line in thin) < min(
        line.get_linewidth() for line in shown(upper) if line not in thin
    )


BEST_ROW = (-0.9, 0.7, 0.04, "eps_ee_matter_lower", "", -0.95, 1.95, -0.66, 1.57, -1.5, -0.9, 0.7, 0.7)


def map_tables() -> tuple[dict[str, Any], dict[str, Any]]:
    """A map that is least at (-1, 0.6), by 0.02 at one level and by 0.12 at the other, with a reach below 0.25."""
    rows = [
        (low, high, 0.9, n_dof, level, abs(low + 1) + abs(high - 0.6) + least, "eps_ee_matter_lower",
         "eps_ee_matter_upper" if high < 0.25 else "", -0.95, 1.95, -0.66, 1.57)
        for low in (-1.5, -1.0, -0.5)
        for high in (0.2, 0.4, 0.6, 0.8)
        for n_dof, level, least in ((2, 4.605, 0.12), (1, 2.706, 0.02))
    ]  # fmt: skip
    best = [(kind, 0.9, 1, 2.706, *BEST_ROW) for kind in ("any", "limits")]
    best += [("any", 0.9, 2, 4.605, -1.0, 0.6, 0.12, *BEST_ROW[3:])]
    return as_columns(rows, DOMAIN_MAP), as_columns(best, DOMAIN_BEST)


def test_the_map_of_domains_has_the_miss_and_the_best() -> None:
    figure, columns = draw_domain_map(*map_tables(), 0.05)
    first, second, bar = figure.axes
    assert [ax.get_title() for ax in (first, second)] == [r"$\Delta\chi^2=2.71$", r"$\Delta\chi^2=4.61$"]
    assert (first.get_xlim(), first.get_ylim()) == ((-1.5, -0.5), (0.2, 0.8))
    assert bar.get_xlabel() == "largest miss of the ends of Eq. (12)"
    name = "delta chi2 2.71, 1 dof"
    assert curve(columns, name, "least miss") == ([-0.9], [0.7])
    assert curve(columns, name, "least with four limits") == ([-0.9], [0.7])
    assert curve(columns, name, "least of symmetric ones") == ([], [])
    assert curve(columns, name, "as good") == ([-1.5, -0.9], [0.7, 0.7])
    x, y = curve(columns, name, "miss 0.05")
    # where straight lines between the points of the map have it
    np.testing.assert_allclose(np.abs(np.add(x, 1)) + np.abs(np.subtract(y, 0.6)), 0.03, atol=1e-9)
    edge = curve(columns, name, "edge of where an end is only the reach")[1]
    assert edge == pytest.approx([0.3] * len(edge))
    assert edge
    assert curve(columns, "delta chi2 4.61, 2 dof", "miss 0.05") == ([], [])
    assert [[text.get_text() for text in ax.texts] for ax in (first, second)] == [[], ["nowhere within 0.05"]]


def test_a_map_of_no_published_end_says_so() -> None:
    none = as_columns([], DOMAIN_MAP), as_columns([], DOMAIN_BEST)
    figure, columns = draw_domain_map(*none, 0.05)
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["the scan is not of Eq. (12)"]
    assert columns["x"] == []


def test_confidence_levels_of_one_n_dof_are_separate_curves() -> None:
    figure, _ = draw_domain_sensitivity(sensitivity_table(((0.9, 2, 4.6), (0.99, 2, 9.2), (0.9, 3, 6.3))), {})
    lines = shown(figure.axes[0])
    assert len(lines) == 6
    assert all((np.diff(points(line)[:, 0]) > 0).all() for line in lines)


WARNING = "The grid is too coarse for this figure: see ranges.csv"


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_figure_says_that_a_grid_is_too_coarse_once(count: int) -> None:
    panels = {f"s{i}": panel(grid_of(), warning=WARNING if i == count - 1 else "") for i in range(count)}
    for figure, _ in (draw_regions(panels), draw_exclusion(panel(light_mediator(), None, WARNING), BAND)):
        assert [text.get_text() for text in figure.texts] == [WARNING]
        figure.draw_without_rendering()
        (box,) = (text.get_window_extent() for text in figure.texts)
        for ax in figure.axes:
            taken = ax.get_tightbbox()
            assert taken is not None
            assert not box.overlaps(taken)
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
    for sound, _ in (draw_regions({"s": panel(grid_of())}), draw_exclusion(panel(light_mediator()), BAND)):
        assert sound.texts == []


def best_fits(flat: tuple[tuple[float, float], tuple[float, float]]) -> dict[str, Any]:
    """best_fits.csv with another plane's row before ours."""
    rows: list[tuple[Any, ...]] = [("other", "eps_ee_dV", 0.9, 3.0, 0.9, 0.9, 0.0)]
    names = ("eps_ee_dV", "eps_ee_uV")
    rows += [("mine", *row, 3.0, *ends, 0.0) for row, ends in zip(zip(names, BEST, strict=True), flat, strict=True)]
    return as_columns(rows, BEST_FITS)


def ranges(**said: str) -> dict[str, Any]:
    """Rows of ranges.csv, of two scans, parameters and n_dof; `said` has warnings by these, such as mine_d_2."""
    rows = [
        (
            scan,
            f"eps_ee_{q}V",
            0.9,
            n,
            4.6,
            0,
            -1.0,
            1.0,
            "profiled",
            "",
            "",
            "",
            said.get(f"{scan}_{q}_{n}", ""),
            "wilks",
        )
        for scan in ("mine", "other")
        for q in "du"
        for n in (2, 1)
    ]
    return as_columns(rows, RANGES)


NARROW = ((0.23, 0.24), (-0.57, -0.56))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("part", [0.99, 1.01])
def test_a_best_fit_is_a_point_where_it_is_known_to_a_twentieth_of_each_axis(first: bool, part: float) -> None:
    grid = grid_of()
    width = part * MOST_OF_AXIS * float(np.ptp(grid.axes[0 if first else 1]))
    flat = ((0.2, 0.2 + width), NARROW[1]) if first else (NARROW[0], (-0.5, -0.5 + width))
    made = panel_of(grid, {}, [LEVEL], ("mine", "mine"), best_fits(flat), ranges())
    assert made.best_fit == (BEST if part < 1 else None)


@pytest.mark.parametrize(("decades", "point"), [(0.19, True), (0.21, False)])
def test_on_a_log_axis_that_is_of_its_decades(decades: float, point: bool) -> None:
    grid = light_mediator()  # 4 decades of mass, 5 of coupling
    rows = [("lm", "mediator_mass_mev", 10.0, 3.0, 10.0, 10.0 * 10**decades, 0.0)]
    rows += [("lm", "coupling", 1e-4, 3.0, 1e-4, 1.1e-4, 0.0)]
    made = panel_of(grid, {}, [LEVEL], ("lm", "lm"), as_columns(rows, BEST_FITS), ranges())
    assert made.best_fit == ((10.0, 1e-4) if point else None)


COARSE = "mine: the grid is too coarse: 7 of 12 pieces of the contour are under 2 steps wide"


@pytest.mark.parametrize(
    ("said", "warns"),
    [
        ({}, False),
        ({"mine_d_2": COARSE}, True),
        ({"mine_u_2": f"chi2 varies faster than it was sampled; {COARSE}"}, True),
        ({"mine_d_1": COARSE}, False),  # of a level that is not drawn
        ({"other_d_2": COARSE}, False),
        ({"mine_u_2": "no sensitivity: chi2 does not depend on eps_ee_uV"}, False),  # which the figure shows
    ],
)
def test_a_panel_warns_of_what_it_draws(said: dict[str, str], warns: bool) -> None:
    made = panel_of(grid_of(), {}, [LEVEL], ("mine", "mine"), best_fits(NARROW), ranges(**said))
    assert made.warning == (WARNING if warns else "")


def drawn(kind: str, dataset: Callable[..., DataSet]) -> figures.Drawn:
    grid = grid_of()
    if kind == "spectrum":
        return draw_spectrum(spectra_of(dataset), mediator_caption(10, 1e-4))
    if kind == "exclusion":
        return draw_exclusion(panel(light_mediator(), (20.5, 3.3e-5), WARNING), BAND)
    if kind == "map":
        return draw_domain_map(*map_tables(), 0.05)
    if kind == "sensitivity":
        return draw_domain_sensitivity(sensitivity_table(), {"eps_ee_matter": (-0.95, 1.95)})
    count = 4 if kind == "four regions" else 1
    return draw_regions({f"s{i}": panel(grid) for i in range(count)})


SIGNATURES = {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<?xm", "csv": b"pane"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "formats"),
    [
        ("exclusion", ("pdf", "png", "svg", "csv")),
        ("spectrum", ("svg", "csv")),
        ("one region", ("pdf", "png")),
        ("sensitivity", ("svg", "csv")),
        ("map", ("svg", "csv")),
    ],
)
def test_bytes_repeat(kind: str, formats: tuple[str, ...], dataset: Callable[..., DataSet], tmp_path: Path) -> None:
    mpl.rcParams["savefig.dpi"] = 50  # pixels cost time, and how many there are changes nothing here
    digests = []
    for run in ("first", "second"):
        paths = [tmp_path / run / f"figure.{ext}" for ext in formats]
        save_all(drawn(kind, dataset), map(str, paths))
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
        assert [path.read_bytes()[:4] for path in paths] == [SIGNATURES[ext] for ext in formats]
    assert digests[0] == digests[1]


def test_the_csv_beside_a_figure_has_its_curves(dataset: Callable[..., DataSet], tmp_path: Path) -> None:
    result = drawn("one region", dataset)
    save_all(result, [str(tmp_path / "figure.csv")])
    table = read_csv(tmp_path / "figure.csv", ("segment", "x", "y"), ("panel", "curve"))
    assert table["panel"] == result[1]["panel"]
    np.testing.assert_array_equal(table["x"], result[1]["x"])


@pytest.mark.slow
def test_formats_of_one_drawing_have_one_layout(tmp_path: Path, dataset: Callable[..., DataSet]) -> None:
    result = drawn("four regions", dataset)
    save_all(result, [str(tmp_path / "a.svg")])
    places = [ax.get_position().bounds for ax in result[0].axes]
    save_all(result, [str(tmp_path / "c.svg")])
    assert [ax.get_position().bounds for ax in result[0].axes] == places
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "c.svg").read_bytes()


def test_panels_do_not_overlap(dataset: Callable[..., DataSet]) -> None:
    figure, _ = drawn("four regions", dataset)
    figure.draw_without_rendering()
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    assert all(a is not None and b is not None and not a.overlaps(b) for a, b in pairwise(boxes))


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="gif"):
        save(Figure(), tmp_path / "figure.gif")


def test_the_style_does_not_leak() -> None:
    before = mpl.rcParams["font.size"]
    with mpl.rc_context(rc=mpl.rcParamsDefault):
        plain = dict(mpl.rcParams)
        with drawing():
            assert mpl.rcParams["svg.hashsalt"] == "cevnsi"
        assert dict(mpl.rcParams) == plain
    assert mpl.rcParams["font.size"] == before


def test_an_unwanted_setting_of_the_machine_does_not_enter() -> None:
    with mpl.rc_context(rc={"lines.linewidth": 17.0, "axes.grid": True}), drawing():
        assert mpl.rcParams["axes.grid"] is False
        assert mpl.rcParams["lines.linewidth"] == 1.3


def test_changes_do_not_reach_the_caller(dataset: Callable[..., DataSet]) -> None:
    grid = grid_of()
    before = replace(grid, delta_chi2=grid.delta_chi2.copy())
    draw_regions({"s": panel(grid)})
    np.testing.assert_array_equal(grid.delta_chi2, before.delta_chi2)
