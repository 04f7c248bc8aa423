"""results/report.html as a reader meets it, against the tables and the library that it shows."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.files.strict_yaml import read
from cevnsi.files.tables import COVERED_RANGES, contour_layout, covered_contour_layout, read_table
from cevnsi.model import Model
from cevnsi.output.captions import intervals_of
from cevnsi.output.figure_spec import FigureSpec
from cevnsi.output.report import AnalysisResults, finished, has_spectrum_plot
from cevnsi.questions import chi2_and_nuisances, predict
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import allowed, curves, least_of
from cevnsi.scans.regions import Grid, small_pieces
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.known import DEFAULT, analyses_of
from project import ROOT

LARGEST_BYTES = 20_000_000  # with grids of six analyses

# Extent of a drawn line in data coordinates, from the path that plotly has put into the page: of the analysis chosen,
# or of so many-th of those drawn over it.
DRAWN = """([grid, which]) => {
  const { canvas } = cevnsi.plots[grid], { xaxis, yaxis } = canvas._fullLayout;
  const ends = [[Infinity, -Infinity], [Infinity, -Infinity]];
  const contour = canvas.querySelectorAll("g.contour")[which];
  for (const path of contour.querySelectorAll(".contourlevel path")) {
    for (const [, x, y] of path.getAttribute("d").matchAll(/([-\\d.e]+),([-\\d.e]+)/g)) {
      [xaxis.p2d(Number(x)), yaxis.p2d(Number(y))].forEach((v, i) => {
        ends[i][0] = Math.min(ends[i][0], v); ends[i][1] = Math.max(ends[i][1], v);
      });
    }
  }
  return ends;
}"""


# Name and place of every point that a plot marks.
MARKS = """grid => cevnsi.plots[grid].canvas.data.filter((trace) => trace.mode === "markers")
  .map((trace) => [trace.name, trace.x[0], trace.y[0]])"""


@pytest.fixture(scope="module")
def made(report: Path) -> dict[str, AnalysisResults]:
    """The analyses that the page shows, by name."""
    config = json.loads((report.parent / "provenance.json").read_text(encoding="utf-8"))["config"]
    order = list(read(ROOT / "config.yaml")["analyses"])  # that of the page, which a provenance does not keep
    config["analyses"] = {name: config["analyses"][name] for name in order if name in config["analyses"]}
    figures: dict[str, list[FigureSpec]] = {name: [] for name in config["analyses"]}
    judged = analyses_of(config, DEFAULT)
    return {each.name: each for each in finished(report.parent, config, figures, judged)}


@pytest.fixture(scope="module")
def models(made: dict[str, AnalysisResults]) -> dict[str, Model]:
    """What chi2 of each analysis comes from."""
    return {name: study.model for name, study in made.items()}


def every_grid(made: dict[str, AnalysisResults]) -> list[tuple[int, AnalysisResults, Scan, str, Grid]]:
    """Each grid of each analysis, with the analysis' place in the page's list."""
    order: dict[str, int] = {}
    found = []
    for study in made.values():
        for scan, name, _ in study.grids():
            order[name] = order.get(name, -1) + 1
            found.append((order[name], study, scan, name, study.load(scan, name)[0]))
    return found


def choose(page: Any, name: str, analysis: int = 0, dof: int | None = None, level: float | None = None) -> None:
    root = page.locator(f"#explore-{name}")
    root.locator("[data-analysis]").select_option(str(analysis))
    if dof is not None:
        root.locator("[data-dof]").select_option(str(dof))
    if level is not None:
        root.locator("[data-level]").fill(f"{100 * level:.2f}")


def test_it_opens_without_a_complaint_and_asks_for_nothing(opened: Callable[..., Any], report: Path) -> None:
    page = opened()
    page.mouse.wheel(0, 4000)
    page.wait_for_timeout(500)
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert report.stat().st_size < LARGEST_BYTES


def test_without_scripts_everything_but_the_plots_is_there(opened: Callable[..., Any]) -> None:
    page = opened(script=False)
    assert page.locator("#scorecard tbody tr").count() > 10
    assert page.locator("figure img").first.is_visible()
    assert page.locator("noscript").count() == 1


@pytest.mark.parametrize("n_dof", [1, 2, 3, 5])
def test_the_page_knows_the_chi2_distribution(page: Any, n_dof: int) -> None:
    for level in (0.5, 0.6827, 0.9, 0.9545, 0.9995):
        assert page.evaluate("([p, n]) => cevnsi.threshold(p, n)", [level, n_dof]) == pytest.approx(
            threshold(level, n_dof), rel=1e-10
        )


def test_the_slider_moves_the_contour_to_where_the_table_says(page: Any, made: dict[str, AnalysisResults]) -> None:
    """Intervals of ranges.csv in the text, and the drawn line within a step of the thinned grid of them."""
    compared = 0
    for analysis, study, scan, name, grid in every_grid(made):
        for level, n_dof in scan.levels():
            choose(page, name, analysis, n_dof, level)
            expected = [
                [(low, high) for low, high, _ in intervals_of(study.ranges, scan.name, parameter, (level, n_dof))]
                for parameter in grid.names
            ]
            compared += _agrees(page, name, grid, (level, n_dof), expected)
    assert compared > 20


def test_the_slider_moves_the_contour_to_a_level_that_no_table_has(
    page: Any, made: dict[str, AnalysisResults], models: dict[str, Model]
) -> None:
    for analysis, study, scan, name, grid in every_grid(made):
        model, plane = models[study.name], scan.onto(grid.names)
        least = least_of(model, plane)
        for level in (0.6, 0.75, 0.99):
            choose(page, name, analysis, 2, level)
            expected = []
            for parameter in grid.names:
                curve = curves(model, plane, parameter)[0]
                (found,), _ = allowed(curve, least, [threshold(level, 2)])
                ends = curve.axis.value(np.array(found))
                expected.append([(low, high) for low, high in ends.tolist()])
            _agrees(page, name, grid, (level, 2), expected)


def _agrees(
    page: Any, name: str, grid: Grid, level: tuple[float, int], expected: list[list[tuple[float, float]]]
) -> int:
    """Compare a plot with intervals that were found on chi2 itself, by axis."""
    shown = page.evaluate("name => cevnsi.plots[name].region", name)
    drawn = page.evaluate(DRAWN, [name, 0])
    text = page.locator(f"#explore-{name} [data-region]").inner_text()
    assert f"< {threshold(*level):.2f}:" in text
    compared = 0
    for i, axis in enumerate(grid.axes):
        scale = np.log10 if grid.log[i] else np.asarray
        whole = float(np.ptp(grid.coordinate(i))) / (axis.size - 1)
        step = float(np.ptp(grid.coordinate(i))) / (min(axis.size, 201) - 1)
        assert len(shown[i]) == len(expected[i])
        for found, ends in zip(shown[i], expected[i], strict=True):
            # straight lines between points of the whole grid's profile: 0.035 steps at most between 50 and 99 % in one
            # data set of 2017, 0.06 in that of 2021, whose profile is flatter there
            np.testing.assert_allclose(scale(found[:2]), scale(np.array(ends)), atol=0.06 * whole)
            assert found[2:] == [ends[0] == axis[0], ends[1] == axis[-1]]
        if small_pieces(grid, threshold(*level))[0]:
            continue  # of strips under two steps wide ranges.csv and captions say that the grid is too coarse
        outer = ((expected[i][0][0], axis[0]), (expected[i][-1][1], axis[-1]))
        for end, (value, of_axis) in zip(drawn[i], outer, strict=True):
            if value != of_axis:
                assert scale(end) == pytest.approx(float(scale(value)), abs=step), (name, i, level)
                compared += 1
    return compared


def test_lines_of_other_analyses_are_drawn_over_a_plot(page: Any, made: dict[str, AnalysisResults]) -> None:
    """Where contours/ has them, in the colour of their own, of other grids of the same parameters too."""
    compared, others = 0, 0
    known = {(study.name, name): (scan, grid) for _, study, scan, name, grid in every_grid(made)}
    for analysis, study, scan, name, grid in every_grid(made):
        level = scan.drawn_levels()[0]
        choose(page, name, analysis, level[1], level[0])
        own = page.evaluate("name => [cevnsi.plots[name].shown.color, cevnsi.plots[name].shown.dash]", name)
        over = page.evaluate(
            "name => { const p = cevnsi.plots[name]; return p.stored.over.map((o) => [o.called, "
            "p.scans[o.scan].shown[o.place].analysis, p.scans[o.scan].grid]); }",
            name,
        )
        wanted = {key for key, (_, other) in known.items() if other.names == grid.names}
        assert {(of, at) for _, of, at in over} == wanted
        for called, of, at in over:
            box = page.locator(f"#explore-{name}").get_by_label(f"Draw the line of {called} over it")
            if (of, at) == (study.name, name):
                assert not box.is_visible()
                continue
            box.check()
            legend = page.locator(f"#explore-{name} .legendtext").all_text_contents()
            assert legend[:2] == [study.name, called]
            line = page.evaluate("name => cevnsi.plots[name].canvas.data[2].line", name)
            assert [line["color"], line["dash"]] != own
            said = page.locator(f"#explore-{name} [data-compared]").inner_text()
            assert (at in said) == (at != name)
            others += at != name
            other_scan, other = known[of, at]
            if other_scan.drawn_levels()[0] == level:
                compared += _is_within(grid, other, page.evaluate(DRAWN, [name, 1]), made[of], at, level)
            box.uncheck()
        assert page.evaluate("name => cevnsi.plots[name].over.length", name) == 0
    assert compared > 20
    assert others > 0


def _is_within(
    grid: Grid, other: Grid, drawn: list[list[float]], study: AnalysisResults, name: str, level: tuple[float, int]
) -> int:
    """Compare the extent of a line with that of the contours of the other grid, as far as the plot's axes show it."""
    table = read_table(study.folder / "contours" / f"{name}.csv", contour_layout(other.names))
    mine = (table["confidence_level"] == level[0]) & (table["n_dof"] == level[1])
    compared = 0
    for i, axis in enumerate(grid.axes):
        scale = np.log10 if grid.log[i] else np.asarray
        line = table[other.names[i]][mine]
        step = float(np.ptp(other.coordinate(i))) / (min(other.axes[i].size, 151) - 1)
        for end, value in zip(drawn[i], (line.min(), line.max()) if line.size else (), strict=False):
            if axis[0] < value < axis[-1]:
                assert scale(end) == pytest.approx(float(scale(value)), abs=step), (study.name, name, i)
                compared += 1
    return compared


LINE = """([grid, which]) => {
  const { x, y } = cevnsi.plots[grid].canvas.data[1 + which], least = (v) => Math.min(...v.filter((a) => a !== null));
  return [x, y].map((v) => [least(v), -least(v.map((a) => (a === null ? null : -a)))]);
}"""


def test_the_threshold_is_of_the_chi2_distribution_or_measured_by_toys(
    page: Any, made: dict[str, AnalysisResults]
) -> None:
    """Lines of coverage/contours and extents of coverage/ranges.csv; without toys it says that there are none."""
    measured = {(study.name, name) for _, study, _, name, _ in every_grid(made) if _contours_by_toys(study, name)}
    for analysis, study, scan, name, grid in every_grid(made):
        root, level = page.locator(f"#explore-{name}"), scan.drawn_levels()[0][0]
        choose(page, name, analysis, 2, level)
        before = page.evaluate(DRAWN, [name, 0])
        method, why = root.locator("[data-method]"), root.locator("[data-untried]")
        if (study.name, name) not in measured:
            assert method.is_disabled()
            reason = f"No toys have been drawn for the analysis {study.name}" if scan.coverage else "has no coverage"
            assert reason in why.inner_text()
            continue
        assert why.inner_text() == ""
        method.select_option("measured")
        assert root.locator("[data-dof]").is_disabled()
        _is_of_toys(page, grid, name, 0, study, level)
        ranges = read_table(study.folder / "coverage" / "ranges.csv", COVERED_RANGES)
        region = page.evaluate("name => cevnsi.plots[name].region", name)
        for i, axis in enumerate(grid.names):
            expected = intervals_of(ranges, scan.name, axis, (level, 2), "profiled on grid")
            assert region[i] == [[low, high, "lower" in at, "upper" in at] for low, high, at in expected]
        assert "below its critical values by toys" in root.locator("[data-region]").inner_text()
        _overlays_are_of_toys(page, grid, name, made, measured, level)
        method.select_option("wilks")
        assert page.evaluate(DRAWN, [name, 0]) == before
        assert "below its critical values" not in root.locator("[data-region]").inner_text()


def _contours_by_toys(study: AnalysisResults, name: str) -> bool:
    return (study.folder / "coverage" / "contours" / f"{name}.csv").exists()


def _overlays_are_of_toys(
    page: Any,
    grid: Grid,
    name: str,
    made: dict[str, AnalysisResults],
    measured: set[tuple[str, str]],
    level: float,
) -> None:
    root = page.locator(f"#explore-{name}")
    over = page.evaluate(
        "name => { const p = cevnsi.plots[name]; return p.stored.over.map((o) => [o.called, "
        "p.scans[o.scan].shown[o.place].analysis, p.scans[o.scan].grid]); }",
        name,
    )
    for called, of, at in over:
        box = root.get_by_label(f"Draw the line of {called} over it")
        if not box.is_visible():
            continue
        box.check()
        said = root.locator("[data-compared]").inner_text()
        if (of, at) in measured:
            _is_of_toys(page, grid, at, 1, made[of], level, shown_in=name)
            assert "No line of" not in said
        else:
            assert page.evaluate("name => cevnsi.plots[name].canvas.data[2].x.length", name) == 0
            assert f"No line of {called}" in said
        box.uncheck()


def _is_of_toys(
    page: Any, grid: Grid, name: str, which: int, study: AnalysisResults, level: float, shown_in: str = ""
) -> None:
    """Compare the extent of a line with that of the contours at critical values, within what a bend may be off."""
    table = read_table(study.folder / "coverage" / "contours" / f"{name}.csv", covered_contour_layout(grid.names))
    drawn = page.evaluate(LINE, [shown_in or name, which])
    for i, axis in enumerate(grid.names):
        scale = np.log10 if grid.log[i] else np.asarray
        line, whole = table[axis][table["confidence_level"] == level], float(np.ptp(grid.coordinate(i)))
        ends = scale(np.array([line.min(), line.max()]))
        np.testing.assert_allclose(scale(np.array(drawn[i])), ends, atol=4e-4 * whole)


def test_the_best_fit_is_marked_where_the_figure_marks_it(page: Any, made: dict[str, AnalysisResults]) -> None:
    """No plane of the paper has one: the data leave a degenerate set in each."""
    for analysis, _, _, name, grid in every_grid(made):
        choose(page, name, analysis)
        marks = {name: (x, y) for name, x, y in page.evaluate(MARKS, name)}
        assert "best fit" not in marks
        for i, (value, least) in enumerate(zip(marks["read out"], grid.lowest_point(), strict=True)):  # where it starts
            step = np.ptp(grid.coordinate(i)) / (min(grid.axes[i].size, 201) - 1)
            scale = np.log10 if grid.log[i] else np.asarray
            assert abs(scale(value) - scale(least)) <= step


def test_what_depends_on_a_choice_is_shown_and_listed(page: Any, made: dict[str, AnalysisResults]) -> None:
    rows, judged = page.locator("#scorecard tbody tr"), [study for study in made.values() if study.is_judged]
    for place, study in enumerate(judged):
        verdicts = study.scorecard["verdict"]
        assert rows.count() == len(verdicts)
        for i, verdict in enumerate(verdicts):
            cell = rows.nth(i).locator("td").nth(1 + place)
            assert cell.locator(f".verdict.{verdict}").count() == 1
    details = rows.first.locator("details")
    assert not details.locator(".more").first.is_visible()
    details.locator("summary").click()
    assert details.locator(".more").count() == len(judged)
    assert "every eps_uV, eps_dV in [-0.933, 0.729]" in details.locator(".more").first.inner_text()
    details.locator("summary").click()


def test_a_key_moves_the_contour(page: Any) -> None:
    name = page.evaluate("Object.keys(cevnsi.plots).filter((n) => n !== 'spectrum').pop()")
    choose(page, name, 0, 2, 0.9)
    before = page.evaluate(DRAWN, [name, 0])
    slider = page.locator(f"#explore-{name} [data-level]")
    slider.focus()
    for _ in range(100):
        page.keyboard.press("ArrowRight")
    after = page.evaluate(DRAWN, [name, 0])
    assert "95 %" in page.locator(f"#explore-{name} [data-level-value]").inner_text()
    assert slider.get_attribute("aria-valuetext") == "95 %"
    assert any(a[1] > b[1] for a, b in zip(after, before, strict=True))


def test_hovering_and_arrow_keys_read_out_the_grid(page: Any, made: dict[str, AnalysisResults]) -> None:
    _, study, scan, name, grid = next(item for item in every_grid(made) if item[2].interaction == "contact")
    choose(page, name, 0)
    canvas = page.locator(f"#explore-{name} .canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.locator(".nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4, steps=3)
    page.wait_for_selector(f"#explore-{name} .hovertext", state="attached")
    hovered = canvas.locator(".hovertext").text_content()
    assert all(word in hovered.replace("\u200b", "") for word in ("χ2", "Δχ2"))
    page.mouse.move(0, 0)  # or a late hover would take the point back
    page.wait_for_selector(".hovertext", state="detached")
    canvas.focus()
    before = page.evaluate("name => cevnsi.plots[name].at", name)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    i, j = page.evaluate("name => cevnsi.plots[name].at", name)
    assert [i, j] == [before[0] + 1, min(before[1] + 10, 200)]
    x, y, delta, least = page.evaluate(
        "([name, i, j]) => { const p = cevnsi.plots[name]; return [p.x[i], p.y[j], p.z[j][i], p.shown.least]; }",
        [name, i, j],
    )
    row, column = (int(np.argmin(np.abs(axis - v))) for axis, v in zip(grid.axes, (x, y), strict=True))
    assert delta == pytest.approx(min(grid.delta_chi2[row, column], 65.535), abs=6e-4)  # thousandths are stored
    assert least == pytest.approx(study.load(scan, name)[1])
    said = page.locator(f"#explore-{name} [data-readout]").inner_text()
    assert float(re.findall(r"Δχ2? = ([0-9.]+)", said)[0]) == pytest.approx(delta, rel=1e-3)


@pytest.mark.parametrize("place", [(0, 0), (-1, -1), (3, 27), (11, 8), None])
def test_the_spectrum_is_the_librarys_at_every_step(
    page: Any, made: dict[str, AnalysisResults], models: dict[str, Model], place: tuple[int, int] | None
) -> None:
    """Bars, chi2 and pull of questions.predict and its like, to a part in 65535 of the largest. None: at the start."""
    root = page.locator("#explore-spectrum")
    for number, study in enumerate(filter(has_spectrum_plot, made.values())):
        root.locator("[data-analysis]").select_option(str(number))
        steps, start = page.evaluate("[cevnsi.plots.spectrum.stored.steps, cevnsi.plots.spectrum.stored.start]")
        for name, values, k in zip(("mass", "coupling"), steps, place or start, strict=True):
            assert root.locator(f"[data-{name}]").get_attribute("max") == str(len(values) - 1)
            root.locator(f"[data-{name}]").fill(str(k % len(values)))
        found = page.evaluate("cevnsi.plots.spectrum.found")
        point = {"mediator_mass_mev": found["mass"], "coupling": found["coupling"]}
        if place is None:
            assert point == {"mediator_mass_mev": 10, "coupling": 1e-4}  # Fig. 1's
        model, edges = models[study.name], study.measurement.bin_edges_pe
        low, high = study.choices.photoelectron_range or (edges[0], edges[-1])
        mine = (edges[:-1] >= low) & (edges[1:] <= high)
        expected, standard = predict(model, point), predict(model, {})
        shown = np.array(page.evaluate("cevnsi.plots.spectrum.counts.mediator"))
        largest = study.dataset.by_flavor("light_mediator", point).max()
        np.testing.assert_allclose(shown[:, mine], expected, rtol=0, atol=0.5001 * largest / 65535)
        np.testing.assert_allclose(
            page.evaluate("cevnsi.plots.spectrum.counts.SM"), study.dataset.by_flavor("contact", {}), atol=5e-5
        )
        for curve, total in ((2, standard), (5, expected)):  # all flavors, one upon another
            drawn = np.array(page.evaluate("k => cevnsi.plots.spectrum.canvas.data[k].y", curve))[:-1]
            np.testing.assert_allclose(drawn[mine], total.sum(axis=0), rtol=1e-3, atol=2 * largest / 65535)
        fitted = np.array(page.evaluate("cevnsi.plots.spectrum.canvas.data[7].y"))[:-1]
        alpha = study.fits["together"]["standard_model"]["nuisances"]["normalization"]["value"]
        np.testing.assert_allclose(fitted[mine], (1 + alpha) * standard.sum(axis=0), atol=6e-5)
        chi2, nuisances = chi2_and_nuisances(model, point)
        assert found["chi2"] == pytest.approx(chi2, rel=1e-6)
        (alpha,) = nuisances.values()
        assert found["pull"] == pytest.approx(alpha / 0.28, rel=1e-5, abs=1e-7)


def test_an_arrow_key_is_one_step_of_the_spectrum(page: Any) -> None:
    slider = page.locator("#explore-spectrum [data-coupling]")
    steps = page.evaluate("cevnsi.plots.spectrum.stored.steps[1]")
    slider.fill("20")
    slider.press("ArrowRight")
    assert page.evaluate("cevnsi.plots.spectrum.found.coupling") == steps[21]


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_a_window_of_any_width_reads_without_scrolling_sideways(opened: Callable[..., Any], width: int) -> None:
    page = opened(width, 740)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """width => [...document.querySelectorAll("main *, header *")].filter((e) => {
          const box = e.getBoundingClientRect();
          return !e.closest(".scroll, .hidden, svg, thead, .canvas") && box.width && box.right > width + 1;
        }).map((e) => e.outerHTML.slice(0, 120))""",
        width,
    )
    assert beyond == []
    sizes = page.evaluate(
        "[...document.querySelectorAll('p, td, th, li')].map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12
    for plot in page.locator(".canvas").all():
        assert plot.bounding_box()["width"] > 0.85 * min(width, 400)


def test_the_keyboard_reaches_every_control(opened: Callable[..., Any]) -> None:
    page = opened()
    wanted = page.evaluate(
        """[...document.querySelectorAll("a[href], summary, select, input, button, [tabindex='0']")].filter(
             (e) => !e.disabled && !e.parentElement.closest("details:not([open])") || e.tagName === "SUMMARY"
           ).map((e, i) => { e.dataset.stop = i; return i; })"""
    )
    reached = set()
    for _ in range(2 * len(wanted)):
        page.keyboard.press("Tab")
        stop = page.evaluate("document.activeElement.dataset ? document.activeElement.dataset.stop : null")
        if stop is not None:
            reached.add(int(stop))
    assert reached == set(wanted)
    assert len(wanted) > 40


def test_everything_seen_is_said_too(page: Any) -> None:
    silent = page.evaluate(
        """[...document.querySelectorAll("img, svg[role=img], .canvas, input, select, .scroll")].filter((e) => {
          const label = e.closest("label");
          const text = e.getAttribute("alt") || e.getAttribute("aria-label") || (label && label.textContent);
          return !text || text.trim().length < 5;
        }).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert silent == []
    alts = page.evaluate("[...document.querySelectorAll('figure img')].map((e) => e.alt)")
    assert min(map(len, alts)) > 80
    assert page.evaluate("[...document.querySelectorAll('figure img')].every((e) => e.naturalWidth > 0)")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    targets = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map((e) => e.getAttribute('href').slice(1))"
    )
    assert set(targets) <= set(ids)


def test_in_print_the_plots_give_way_to_the_figures(opened: Callable[..., Any]) -> None:
    page = opened()
    page.emulate_media(media="print")
    assert not page.locator("#explore").is_visible()
    for section in ("#scorecard", "#figures", "#ranges", "#inputs", "#versions"):
        assert page.locator(section).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
