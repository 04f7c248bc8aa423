"""What the scorecard measures, on surfaces whose answers are known."""

from collections.abc import Callable, Mapping
from dataclasses import astuple, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from cevnsi.arrays import FloatArray
from cevnsi.config.build import read_config
from cevnsi.config.check import parse_scan
from cevnsi.experiments.measurement import Measurement
from cevnsi.experiments.release import as_acceptance
from cevnsi.experiments.response import Acceptance
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.files.tables import DOMAIN_BEST, PUBLISHED, RANGES, SCORECARD, as_columns, read_table, write_csv
from cevnsi.model import DataSet, Model, make_dataset, make_model
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions.light_mediator import degenerate_coupling_per_mass
from cevnsi.physics.muon_g2 import coupling_band
from cevnsi.scans import chi2 as chi2_module
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.limits import least_of, scan_ranges
from cevnsi.scans.ranges import AllowedRange
from cevnsi.scans.regions import Grid
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017 import scorecard as scorecard_module
from cevnsi.studies.liao_marfatia_2017.domain_map import best_domains
from cevnsi.studies.liao_marfatia_2017.scorecard import (
    COUNTED,
    TWO_SIGMA,
    Z_POLE,
    MediatorLimits,
    Values,
    count_regions,
    interval_ends,
    markdown,
    open_choices,
    published_ends,
    reproduced_values,
    run_summary,
    scorecard,
    values_of,
)
from points import mediator_chi2

Surface = Callable[[FloatArray, FloatArray], FloatArray]
ANALYSES = ("paper", "release")


def picture(*rows: str) -> Grid:
    """A grid whose points are allowed where there is an x."""
    allowed = np.array([[cell == "x" for cell in row] for row in rows])
    axes = (np.arange(float(len(rows))), np.arange(float(len(rows[0]))))
    return Grid(names=("a", "b"), axes=axes, log=(False, False), delta_chi2=np.where(allowed, 0.0, 10.0))


@pytest.mark.parametrize(
    ("rows", "regions", "holes"),
    [
        (("xxx", "xxx", "xxx"), 1, 0),
        (("...", "...", "..."), 0, 0),
        ((".....", ".xxx.", ".x.x.", ".xxx.", "....."), 1, 1),
        (("xxxxxxx", "x.xxx.x", "xxxxxxx"), 1, 2),
        (("xxx", "x..", "xxx"), 1, 0),  # open to the edge
        (("x.x", "x.x", "x.x"), 2, 0),
        (("x..", ".x.", "..x"), 1, 0),  # regions touch at corners
        ((".x.", "x.x", ".x."), 1, 1),  # and so enclose
        (("xxxxx", "x...x", "x.x.x", "x...x", "xxxxx"), 2, 1),  # an island in a hole
    ],
    ids=["all", "none", "ring", "two holes", "bay", "bands", "diagonal", "diamond", "island"],
)
def test_regions_and_holes(rows: tuple[str, ...], regions: int, holes: int) -> None:
    assert count_regions(picture(*rows), 5.0) == (regions, holes)


# Fig. 2 on made-up surfaces: chi2 as a function of log10 of mass and coupling.

KNEE, LEVEL = 1.7, -4.5  # of the limit: flat in g below 10^1.7 MeV, flat in g / M above
OPENING, DISTANCE = 1.9, 0.4  # where the strip opens, and how far it is above the limit
LEAST = 2.5


def limit(u: Any) -> Any:
    """log10 of the coupling's limit."""
    return LEVEL + np.maximum(u - KNEE, 0.0)


FAINT = 1e-4  # of delta chi2 at the limit: what is left two decades below it, and taken off


def below_strip(u: FloatArray, v: FloatArray) -> FloatArray:
    """2 sigma at the limit, and less below it: nothing from two decades on."""
    rising: FloatArray = 10 ** (2 * np.clip(v - limit(u), -2, 1)) - FAINT
    return LEAST + TWO_SIGMA * rising / (1 - FAINT)


def with_strip(floor: Callable[[FloatArray], Any]) -> Surface:
    """The same with a strip whose bottom has this delta chi2."""

    def chi2(u: FloatArray, v: FloatArray) -> FloatArray:
        above = v - limit(u)
        strip = LEAST + floor(u) + 400 * (above - DISTANCE) ** 2
        return np.where(above > DISTANCE / 2, strip, below_strip(u, v))

    return chi2


def opening(u: FloatArray) -> Any:
    """Of a strip that opens at 10^OPENING MeV."""
    return TWO_SIGMA * 10 ** (OPENING - u)


@pytest.fixture
def limits_of(
    monkeypatch: pytest.MonkeyPatch, model: Callable[..., Model], config: dict[str, Any]
) -> Callable[..., MediatorLimits]:
    """Limits of a made-up surface, on the axes of the configuration with so many points."""

    def use(
        surface: Surface, points: int = 41, level: float = TWO_SIGMA, **ends: tuple[float, float]
    ) -> MediatorLimits:
        def chi2(_: Model, interaction: str, parameters: Mapping[str, Any], domain: Any, *_rest: Any) -> FloatArray:
            assert (interaction, set(parameters), domain) == ("light_mediator", {"mediator_mass_mev", "coupling"}, {})
            at = np.log10(parameters["mediator_mass_mev"]), np.log10(parameters["coupling"])
            return surface(*np.broadcast_arrays(*at))

        for module in (chi2_module, scorecard_module):
            monkeypatch.setattr(module, "chi2", chi2)
        return MediatorLimits.of(model("paper"), light_mediator(config, points, **ends), level)

    return use


def light_mediator(config: dict[str, Any], points: int | None = None, **ends: tuple[float, float]) -> Scan:
    scan = parse_scan("light_mediator", config["scans"]["light_mediator"])
    mass, coupling = (replace(axis, points=points or axis.points) for axis in scan.axes)
    axes = []
    for axis, (low, high) in (
        (mass, ends.get("mass", (mass.minimum, mass.maximum))),
        (coupling, ends.get("coupling", (coupling.minimum, coupling.maximum))),
    ):
        axes.append(replace(axis, minimum=low, maximum=high))
    return replace(scan, axes=tuple(axes))


Limits = Callable[..., MediatorLimits]


@pytest.mark.parametrize("points", [11, 41, 401])
def test_limits_at_a_mass(points: int, limits_of: Limits) -> None:
    limits = limits_of(with_strip(opening), points)
    assert limits.least == pytest.approx(LEAST, abs=1e-12)
    ((low, high),) = limits.intervals(3.0)
    assert low == -6  # the axis' own end
    assert high == pytest.approx(limit(np.log10(3.0)), abs=1e-9)
    first, (low, high) = limits.intervals(1e3)
    assert first[1] == pytest.approx(limit(3.0), abs=1e-9)
    half = np.sqrt((TWO_SIGMA - opening(np.array(3.0))) / 400)
    expected = limit(3.0) + DISTANCE + np.array([-half, half])
    np.testing.assert_allclose((low, high), expected, atol=1e-9)


@pytest.mark.parametrize("level", [1.0, 4.0, 4.61, TWO_SIGMA])
def test_limits_are_at_the_level_that_is_asked_for(level: float, limits_of: Limits) -> None:
    ((_, high),) = limits_of(below_strip, level=level).intervals(10.0)
    assert high == pytest.approx(LEVEL + np.log10(level / TWO_SIGMA * (1 - FAINT) + FAINT) / 2, abs=1e-9)


@pytest.mark.parametrize("points", [11, 41, 401])
def test_slopes_of_the_limit(points: int, limits_of: Limits) -> None:
    values = limits_of(below_strip, points).values()
    assert values["flat_slope"] == pytest.approx(0, abs=1e-8)  # ends good to 1e-11, over 1 % of the mass
    assert values["heavy_slope"] == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("points", [11, 41, 401])
def test_opening_of_the_strip(points: int, limits_of: Limits) -> None:
    found = limits_of(with_strip(opening), points).strip_opening_mev()
    assert np.log10(found) == pytest.approx(OPENING, abs=1e-9)


def test_the_strip_opens_at_a_level(limits_of: Limits) -> None:
    for level in (TWO_SIGMA, 4.61, 4.0, 2.71):
        found = limits_of(with_strip(opening), level=level).strip_opening_mev()
        assert np.log10(found) == pytest.approx(OPENING + np.log10(TWO_SIGMA / level), abs=1e-9)


def test_depth_of_the_strip(limits_of: Limits) -> None:
    """Of the minimum beyond what is excluded: not of the first allowed interval, nor of one that is lower in g."""
    u = np.linspace(0.1, 3.9, 20)
    depth = limits_of(with_strip(opening)).strip_depth(u)
    np.testing.assert_allclose(depth, opening(u), rtol=1e-9)
    assert np.isinf(limits_of(below_strip).strip_depth(u)).all()

    def dipping(u: FloatArray, v: FloatArray) -> FloatArray:
        """With a second minimum inside what is allowed below the limit."""
        dip: FloatArray = 0.5 * np.exp(-(((v - limit(u) + 1) / 0.1) ** 2))
        return with_strip(opening)(u, v) - dip

    limits = limits_of(dipping)
    np.testing.assert_allclose(limits.strip_depth(u) + limits.least, LEAST + opening(u), rtol=1e-9)


def test_of_several_strips_the_last_one_counts(limits_of: Limits) -> None:
    def two(u: FloatArray, v: FloatArray) -> FloatArray:
        second = LEAST + opening(u + 0.5) + 400 * (v - limit(u) - 0.9) ** 2
        return np.where(v - limit(u) > 0.65, second, with_strip(opening)(u, v))

    assert np.log10(limits_of(two).strip_opening_mev()) == pytest.approx(OPENING - 0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("surface", "ends"),
    [
        (below_strip, {}),
        (with_strip(lambda u: 0.5 * TWO_SIGMA), {}),
        (with_strip(lambda u: 1.01 * TWO_SIGMA), {}),
        (with_strip(opening), {"mass": (100.0, 1e4)}),
        (with_strip(opening), {"mass": (1.0, 70.0)}),
        (lambda u, v: LEAST + 0 * v, {}),
    ],
    ids=[
        "no strip",
        "open at every mass",
        "open at none",
        "open at every mass of the axis",
        "open at none of the axis",
        "everything allowed",
    ],
)
def test_no_opening_is_nan(surface: Surface, ends: dict[str, tuple[float, float]], limits_of: Limits) -> None:
    assert np.isnan(limits_of(surface, **ends).strip_opening_mev())


def test_no_opening_where_nothing_is_allowed(limits_of: Limits) -> None:
    limits = replace(limits_of(with_strip(opening)), least=-100.0)
    assert np.isnan(limits.strip_opening_mev())


def test_no_opening_after_a_mass_where_everything_is_allowed(limits_of: Limits) -> None:
    def chi2(u: FloatArray, v: FloatArray) -> FloatArray:
        return np.where(u < OPENING + 0.1, LEAST, with_strip(opening)(u, v))

    assert np.isnan(limits_of(chi2).strip_opening_mev())  # no coupling lies beyond a limit, so nothing opens


def test_middle_of_the_strip_over_eq_8(limits_of: Limits) -> None:
    middle = 10 ** (LEVEL + 4 - KNEE + DISTANCE) / 1e4
    expected = middle / degenerate_coupling_per_mass(MEAN_OF_CSI, 0.23857)
    assert limits_of(with_strip(opening)).values()["eq8_ratio"] == pytest.approx(expected, rel=1e-9)
    assert np.isnan(limits_of(below_strip).values()["eq8_ratio"])


def minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Least value between two points next to a minimum."""
    return float(minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": 1e-10}).fun)


def band(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    low, high = coupling_band(10**u)
    return np.log10(low), np.log10(high)


@pytest.mark.parametrize("points", [11, 41, 401])
def test_least_delta_chi2_at_an_edge_of_the_muon_band(points: int, limits_of: Limits) -> None:
    limits = limits_of(below_strip, points)

    def along(u: Any) -> Any:
        return below_strip(u, band(np.asarray(u))[0]) - limits.least

    sampled = along(np.linspace(0, 4, 2001))
    best = int(np.argmin(sampled))
    expected = minimum(along, (best - 1) * 0.002, min(best + 1, 2000) * 0.002)
    assert limits.least_in_muon_band() == pytest.approx(min(expected, *sampled), rel=1e-7)


@pytest.mark.parametrize("points", [11, 41, 401])
@pytest.mark.parametrize(("mass", "part"), [(0.7, 0.5), (1.3, 0.21), (2.9, 0.93), (3.999, 0.5)])
def test_least_delta_chi2_inside_the_muon_band(mass: float, part: float, points: int, limits_of: Limits) -> None:
    """A well inside the band, and a deeper one outside it: only the first counts."""
    low, high = band(np.array(mass))
    bottom = low + part * (high - low)

    def chi2(u: FloatArray, v: FloatArray) -> FloatArray:
        inside = 7.125 + (u - mass) ** 2 + 300 * (v - bottom) ** 2
        outside = 2000 * ((v - bottom + 1.5) ** 2 + (u - mass) ** 2)
        return LEAST + np.minimum(inside, outside)

    limits = limits_of(chi2, points)
    assert limits.least == pytest.approx(LEAST, abs=1e-9)
    assert limits.least_in_muon_band() == pytest.approx(7.125, abs=1e-9)


def test_the_muon_band_between_the_ends_of_the_axes(limits_of: Limits) -> None:
    """Where the axes cut the band off, only what is left of it counts; NaN if nothing is."""
    low, high = (float(edge[0]) for edge in band(np.array([1.0])))

    def chi2(u: FloatArray, v: FloatArray) -> FloatArray:
        return LEAST + (v + 6) ** 2 + 0 * u

    kept = limits_of(chi2, coupling=(10 ** (low + 0.6 * (high - low)), 0.1), mass=(1.0, 10.0))
    # the band rises with the mass, so its highest point is at 10 MeV, and its lowest kept at the axis' own end
    least = (low + 0.6 * (high - low) + 6) ** 2
    assert kept.least == pytest.approx(LEAST + least, abs=1e-9)  # least where the axis begins
    assert kept.least_in_muon_band() == pytest.approx(0.0, abs=1e-9)
    wide = replace(kept, least=LEAST)
    assert wide.least_in_muon_band() == pytest.approx(least, abs=1e-9)
    for far in ((1e-12, 1e-9), (0.05, 0.1)):
        assert np.isnan(limits_of(chi2, coupling=far, mass=(1.0, 10.0)).least_in_muon_band())


def test_a_surface_that_allows_nothing_has_no_slopes(limits_of: Limits) -> None:
    values = replace(limits_of(with_strip(opening)), least=-100.0).values()
    assert np.isnan([values["flat_slope"], values["heavy_slope"], values["eq8_ratio"]]).all()


# The same on chi2 itself, against brute force.


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
def test_limits_do_not_depend_on_the_points_of_the_axes(
    analysis: str, config: dict[str, Any], model: Callable[..., Model]
) -> None:
    used = model(analysis)
    expected = MediatorLimits.of(used, light_mediator(config))
    for points in (11, 41, 401):
        found = MediatorLimits.of(used, light_mediator(config, points))
        assert found.least == pytest.approx(expected.least, abs=1e-9)
        assert found.values() == pytest.approx(expected.values(), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_the_least_chi2_of_any_mass_and_coupling(
    analysis: str, config: dict[str, Any], model: Callable[..., Model]
) -> None:
    used = model(analysis)
    u, v = np.linspace(0, 4, 201), np.linspace(-6, -1, 2001)
    sampled = mediator_chi2(used, 10 ** u[:, None], 10**v)
    found = MediatorLimits.of(used, light_mediator(config, 11)).least

    def at_mass(log_mass: float) -> float:
        row = mediator_chi2(used, np.array(10**log_mass), 10**v)
        j = int(np.clip(row.argmin(), 1, v.size - 2))
        return minimum(lambda x: float(mediator_chi2(used, np.array(10**log_mass), 10**x)), v[j - 1], v[j + 1])

    i = int(sampled.min(axis=1).argmin())
    around = minimum(at_mass, u[max(i - 1, 0)], u[min(i + 1, 200)])
    expected = min(around, at_mass(0.0), at_mass(4.0))
    assert sampled.min() >= expected - 1e-12
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", [threshold(0.9545, 2), threshold(0.9, 2), 4.0, threshold(0.9, 1)])
@pytest.mark.parametrize("analysis", ANALYSES)
def test_at_the_opening_the_strip_just_touches_the_level(
    analysis: str, level: float, config: dict[str, Any], model: Callable[..., Model]
) -> None:
    used = model(analysis)
    limits = MediatorLimits.of(used, light_mediator(config, 11), level)
    found = limits.strip_opening_mev()
    v = np.linspace(-6, -1, 20001)
    for factor, intervals in ((1 - 1e-4, 1), (1 + 1e-4, 2)):
        inside = mediator_chi2(used, np.array(found * factor), 10**v) - limits.least < level
        assert np.count_nonzero(np.diff(np.concatenate([[0], inside])) == 1) == intervals

    chi2 = mediator_chi2(used, np.array(found), 10**v)
    beyond = np.flatnonzero(chi2 - limits.least > level)[0]
    j = beyond + int(chi2[beyond:].argmin())
    bottom = minimum(lambda x: float(mediator_chi2(used, np.array(found), 10**x)), v[j - 1], v[j + 1])
    assert bottom - limits.least == pytest.approx(level, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
def test_no_coupling_in_the_muon_band_has_less_chi2(
    analysis: str, config: dict[str, Any], model: Callable[..., Model]
) -> None:
    used = model(analysis)
    limits = MediatorLimits.of(used, light_mediator(config, 11))
    u = np.linspace(0, 4, 2001)
    low, high = band(u)
    v = low[:, None] + np.linspace(0, 1, 201) * (high - low)[:, None]
    chi2 = np.where((v >= -6) & (v <= -1), mediator_chi2(used, 10 ** u[:, None], 10**v), np.inf)
    found = limits.least_in_muon_band() + limits.least
    assert chi2.min() - 1e-4 < found <= chi2.min() + 1e-12


def range_row(scan: str, parameter: str, lower: float, upper: float, **changes: Any) -> AllowedRange:
    chosen: dict[str, Any] = {"confidence_level": 0.9, "n_dof": 2, "delta_chi2": 4.61, "interval": 0}
    chosen |= {"other_parameters": "profiled", "ends_at_grid": "", **changes}
    return AllowedRange(scan=scan, parameter=parameter, lower=lower, upper=upper, **chosen)


def ranges_of(*rows: AllowedRange) -> dict[str, list[Any]]:
    return as_columns(map(astuple, rows), RANGES)


def test_interval_ends_picks_one_parameter() -> None:
    ranges = ranges_of(
        range_row("s", "a", -1.0, 0.0),
        range_row("s", "a", 1.0, 2.0, interval=1),
        range_row("s", "a", -0.5, 0.0, n_dof=1, delta_chi2=2.71),
        range_row("s", "a", -0.1, 0.1, other_parameters="zero"),
        range_row("s", "a", -9.0, 9.0, confidence_level=0.95, delta_chi2=5.99),
        range_row("t", "a", -7.0, 7.0),
        range_row("s", "b", -8.0, 8.0),
    )
    np.testing.assert_array_equal(interval_ends(ranges, "s", "a", 2), [[-1, 0], [1, 2]])
    np.testing.assert_array_equal(interval_ends(ranges, "s", "a", 2, "zero"), [[-0.1, 0.1]])
    np.testing.assert_array_equal(interval_ends(ranges, "s", "a", 2, confidence_level=0.95), [[-9, 9]])
    assert interval_ends(ranges, "s", "c", 2).shape == (0, 2)


PUBLISHED_ROWS = [
    ("one", "first", "Eq. 1", 1.0, "near", 0.1, "because"),
    ("two", "second", "Fig. 2", 2.0, "at_least", 0.0, "so"),
    ("three", "third", "Sec. 3", 3.0, "near", 0.0, "thus"),
]
published = as_columns(PUBLISHED_ROWS, PUBLISHED)


@pytest.mark.parametrize(
    ("ours", "within"),
    [
        ({"one": 1.05}, [True]),
        ({"one": 0.85}, [False]),
        ({"two": 2.0}, [True]),
        ({"two": 100.0}, [True]),
        ({"two": 1.999}, [False]),
        ({"one": float("nan"), "two": float("nan")}, [False, False]),
        ({"three": 3, "one": 2.0}, [False, True]),
        ({"unknown": 3.0}, []),
    ],
)
def test_scorecard_compares(ours: dict[str, float], within: list[bool]) -> None:
    card = scorecard(published, ours)
    assert tuple(card) == SCORECARD.columns
    assert card["within"] == within


def test_scorecard_rows_say_where_and_why() -> None:
    card = scorecard(published, {"two": 1.5})
    row = ("second (Fig. 2)", 2.0, 1.5, -0.5, 0.0, "off", False, "so", "no", 1.5, 1.5, "")
    assert card == as_columns([row], SCORECARD)


def verdict_of(key: str, ours: float, *others: float) -> str:
    choices = {f"choice {i}": {key: other} for i, other in enumerate(others)}
    (verdict,) = scorecard(published, {key: ours}, "off", choices)["verdict"]
    return str(verdict)


@pytest.mark.parametrize(
    ("key", "found", "verdict"),
    [
        ("one", (1.05, 0.95), "yes"),
        ("one", (1.05, 0.5), "depends"),
        ("one", (0.5, 1.05), "depends"),
        ("one", (1.2, 1.5), "no"),
        ("one", (0.8, 0.5), "no"),
        ("one", (0.5, 1.5), "depends"),  # what is stated lies between them
        ("one", (1.2, 1.5, 0.5), "depends"),
        ("one", (1.5,), "no"),
        ("one", (1.1 - 1e-12,), "yes"),
        ("two", (2.0, 7.0), "yes"),
        ("two", (1.0, 3.0), "depends"),
        ("two", (3.0, 1.0), "depends"),
        ("two", (1.0, 1.9), "no"),
        ("three", (3.0, 3.0), "yes"),
        ("three", (3.0, 4.0), "depends"),
        ("three", (4.0, 4.0), "no"),
        ("three", (2.0, 4.0), "depends"),
    ],
)
def test_a_verdict_is_over_all_choices(key: str, found: tuple[float, ...], verdict: str) -> None:
    assert verdict_of(key, *found) == verdict


def test_choices_do_not_change_what_is_ours() -> None:
    """They are listed beside it; those that say nothing of a row are not listed there."""
    choices: dict[str, Values] = {"a": {"one": 0.2}, "b": {"two": 7.0, "one": 1.23456789}, "c": {"unknown": 0.0}}
    card, alone = (
        scorecard(published, {"one": 1.0, "two": 2.0}, "off", choices),
        scorecard(published, {"one": 1.0, "two": 2.0}),
    )
    for name in SCORECARD.columns[:8]:
        assert card[name] == alone[name]
    assert card["choices"] == ["a: 0.2; b: 1.235", "b: 7"]
    assert (card["least"], card["greatest"]) == ([0.2, 2.0], [1.23456789, 7.0])
    assert (alone["least"], alone["greatest"], alone["choices"]) == ([1.0, 2.0], [1.0, 2.0], ["", ""])


def test_a_choice_without_a_value_does_not_count() -> None:
    nan = float("nan")
    card = scorecard(published, {"one": 1.0}, "off", {"a": {"one": nan}, "b": {"one": 1.05}})
    assert (card["verdict"], card["least"], card["greatest"]) == (["yes"], [1.0], [1.05])
    card = scorecard(published, {"one": nan}, "off", {"a": {"one": nan}})
    assert card["verdict"] == ["no"]
    assert np.isnan([*card["least"], *card["greatest"]]).all()
    card = scorecard(published, {"one": nan}, "off", {"a": {"one": 1.0}})
    assert card["verdict"] == ["depends"]  # ours is not there to hold


SPREAD = {"key": ["zero", "two", "one"], "standard_deviation": ["0.5", "0.0012345", "nan"]}


def test_scorecard_has_the_spread_of_each_row_or_why_there_is_none() -> None:
    ours = {"one": 1.05, "two": 1.5}
    assert scorecard(published, ours, SPREAD)["digitization"] == ["nan", "0.0012345"]
    assert scorecard(published, ours, "not read off")["digitization"] == ["not read off"] * 2
    verdicts = [scorecard(published, ours, spread)["within"] for spread in (SPREAD, "off")]
    assert verdicts[0] == verdicts[1]  # it is shown beside the verdict and does not enter it


CHOICES: dict[str, Values] = {"other": {"one": 1.3, "two": 1.0}}


def test_markdown() -> None:
    text = markdown(scorecard(published, {"one": 1.05, "two": 1.23456, "three": 3.0}, "off", CHOICES))
    assert text == (
        "| quantity | published | ours | tolerance | digitization | within | over open choices | holds |\n"
        "|---|---|---|---|---|---|---|---|\n"
        "| first (Eq. 1) | 1 | 1.05 | 0.1 | off | yes | 1.05 to 1.3 | **depends** |\n"
        "| second (Fig. 2) | 2 | 1.235 | 0 | off | no | 1 to 1.235 | **no** |\n"
        "| third (Sec. 3) | 3 | 3 | 0 | off | yes | 3 | yes |\n"
    )
    lines = markdown(scorecard(published, {"one": 1.05, "two": 1.23456}, SPREAD)).splitlines()
    assert [line.split(" | ")[4] for line in lines[2:]] == ["nan", "0.0012"]


def test_markdown_of_a_file_is_that_of_the_table(tmp_path: Path) -> None:
    spread = {"key": ["one", "two", "three"], "standard_deviation": [0.1, 1 / 3, float("nan")]}
    card = scorecard(published, {"one": 1.05, "two": 1.23456, "three": float("nan")}, spread, CHOICES)
    write_csv(tmp_path / "scorecard.csv", card)
    assert markdown(read_table(tmp_path / "scorecard.csv", SCORECARD)) == markdown(card)


def test_run_summary_counts_what_is_within(tmp_path: Path) -> None:
    choices: dict[str, Values] = {"other": {"one": 1.0}}
    for analysis, ours in (("a", {"one": 1.0, "two": 2.0}), ("b", {"one": 9.0, "three": float("nan")})):
        write_csv(tmp_path / analysis / "scorecard.csv", scorecard(published, ours, "off", choices))
    assert run_summary(tmp_path, ["a", "b", "c"]).splitlines() == [
        f"a: figures in {tmp_path}/a/figures; scorecard: 2 of 2 within tolerance",
        f"b: figures in {tmp_path}/b/figures; scorecard: 0 of 2 within tolerance",
        "    not within, depends on a choice that the paper leaves open: first (Eq. 1)",
        "    not within, under no choice tried: third (Sec. 3)",
    ]


def test_run_summary_counts_rows_with_a_warning(tmp_path: Path) -> None:
    write_csv(tmp_path / "a" / "scorecard.csv", scorecard(published, {"one": 1.0}))
    for warnings, told in ((["", ""], []), (["", "coarse"], ["1"]), (["coarse", "no sensitivity"], ["2"])):
        rows = [range_row("s", "a", -1.0, 0.0, warning=warning) for warning in warnings]
        write_csv(tmp_path / "a" / "ranges.csv", ranges_of(*rows))
        said = run_summary(tmp_path, ["a"]).splitlines()[1:]
        assert said == [f"    {count} rows of {tmp_path}/a/ranges.csv have a warning" for count in told]


def test_published_ends_of_eq_12(root: Path) -> None:
    table = read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)
    assert published_ends(table) == {"eps_ee_matter": (-0.95, 1.95), "eps_mumu_matter": (-0.66, 1.57)}


@pytest.fixture
def scans(config: dict[str, Any]) -> list[Scan]:
    return [parse_scan(name, config["scans"][name]) for name in config["analyses"]["paper"]["scans"]]


def with_points(scan: Scan, points: int) -> Scan:
    return replace(scan, axes=tuple(replace(axis, points=points) for axis in scan.axes))


def grids_of(model: Model, scans: list[Scan]) -> dict[str, Grid]:
    grids = {}
    for scan in scans:
        chi2 = scan_rows(model, scan, 0, scan.shape[0])
        grids[scan.name] = as_grid(scan, scan.name, chi2 - chi2.min())
    return grids


def published_keys(root: Path) -> list[str]:
    table = read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)
    return [str(key) for key in table["key"]]


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_published_key_has_a_value(
    analysis: str, root: Path, scans: list[Scan], model: Callable[..., Model]
) -> None:
    """All scans on coarse grids, through ranges, to every key; and no key of ours that the table lacks but holes."""
    used = model(analysis)
    coarse = [with_points(scan, 41) for scan in scans]
    ranges = ranges_of(*(row for scan in coarse for row in scan_ranges(used, scan)))
    values = reproduced_values(used, coarse, ranges, grids_of(used, coarse))
    keys = published_keys(root)
    assert set(keys) - set(values) == set()
    assert all(np.isfinite(values[key]) for key in keys)
    assert set(values) - set(keys) == {"holes_ee_d_u", "holes_mumu_d_u"}
    # statements that a coarse grid must get right
    assert (values["regions_ee_d_u"], values["regions_mumu_d_u"], values["regions_ee_etau_d"]) == (1, 2, 1)
    assert values["holes_ee_etau_d"] == 0
    assert values["g2_delta_chi2"] > TWO_SIGMA == threshold(0.9545, 2)
    counts = used.dataset.by_flavor("contact", {})
    total = dict(zip(FLAVORS, counts.sum(axis=1), strict=True))
    assert values["flavor_ratio"] == pytest.approx((total["nu_mu"] + total["nu_mu_bar"]) / total["nu_e"], rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
def test_no_value_but_counts_of_regions_depends_on_the_points(
    analysis: str, scans: list[Scan], model: Callable[..., Model]
) -> None:
    used = model(analysis)
    expected = values_of(used, scans, 401)
    counts = {key for key in expected if key.startswith(("regions_", "holes_"))}
    assert len(counts) == 6
    for points in (11, 41, 401):
        found = values_of(used, [with_points(scan, points) for scan in scans], 401)
        assert found.keys() == expected.keys()
        for key in found.keys() - counts:
            assert found[key] == pytest.approx(expected[key], rel=1e-7, abs=1e-8), key
    thinned = values_of(used, scans, 41)
    assert {key: thinned[key] for key in counts} == {key: expected[key] for key in counts}


@pytest.mark.slow
def test_values_of_are_those_of_ranges_and_grids(scans: list[Scan], model: Callable[..., Model]) -> None:
    used = model("paper")
    coarse = [with_points(scan, 21) for scan in scans]
    ranges = ranges_of(*(row for scan in coarse for row in scan_ranges(used, scan)))
    expected = reproduced_values(used, coarse, ranges, grids_of(used, coarse))
    assert values_of(used, scans, 21) == pytest.approx(expected, rel=1e-7, abs=1e-8)
    some = [scan for scan in scans if scan.name in ("ee_d_u", "matter_ee_mumu")]
    found = values_of(used, some, 21)
    assert found == pytest.approx({key: expected[key] for key in found}, rel=1e-7, abs=1e-8)
    assert {key for key in found if "matter" not in key} == {
        "momentum_transfer_mev", "flavor_ratio", "regions_ee_d_u", "holes_ee_d_u"
    }  # fmt: skip


def test_lines_that_differ_in_number_have_no_shift(model: Callable[..., Model]) -> None:
    used = model("paper")
    rows = [range_row("ee_mumu_d", "eps_ee_dV", -0.1, 0.2, other_parameters="zero")]
    assert "cross_ee" not in reproduced_values(used, [], ranges_of(*rows), {})  # no line to compare it with
    rows += [range_row("ee_d_u", "eps_ee_dV", -0.3, 0.3)]
    assert np.isnan(reproduced_values(used, [], ranges_of(*rows), {})["cross_ee"])
    rows += [range_row("ee_d_u", "eps_ee_dV", -0.15, 0.21, other_parameters="zero")]
    values = reproduced_values(used, [], ranges_of(*rows), {})
    assert values["cross_ee"] == pytest.approx(0.05, abs=1e-15)
    assert "cross_mumu" not in values
    rows += [range_row("ee_d_u", "eps_ee_dV", 0.4, 0.5, other_parameters="zero", interval=1)]
    assert np.isnan(reproduced_values(used, [], ranges_of(*rows), {})["cross_ee"])


def test_an_analysis_without_ranges_of_eq_12_has_no_ends(model: Callable[..., Model]) -> None:
    row = range_row("matter_ee_mumu", "eps_ee_matter", -0.1, 0.2, confidence_level=0.68, delta_chi2=2.3)
    values = reproduced_values(model("paper"), [], ranges_of(row), {})
    assert not any("matter" in key for key in values)


def test_of_several_intervals_the_outermost_ends_count(model: Callable[..., Model]) -> None:
    rows = [
        range_row("matter_ee_mumu", "eps_ee_matter", low, low + 0.2, interval=i) for i, low in enumerate((-1.0, 2.0))
    ]
    values = reproduced_values(model("paper"), [], ranges_of(*rows), {})
    assert (values["eps_ee_matter_lower_n2"], values["eps_ee_matter_upper_n2"]) == (-1.0, 2.2)


# What the paper leaves open.

EQ_12 = [
    f"eps_{pair}_matter_{side}_n{n_dof}" for pair in ("ee", "mumu") for side in ("lower", "upper") for n_dof in (1, 2)
]
LOW, HIGH, *OTHERS = (  # domains of analysis paper
    f"every eps_uV, eps_dV in {text}"
    for text in (
        "[-2, 2]",
        "[-0.933, 0.729], closest to Eq. 12 at delta chi2 2.71",
        "[-0.489, 0.317], closest to Eq. 12 at delta chi2 4.61",
        "[-0.473, 0.333], of those in which all ends are limits closest to Eq. 12 at delta chi2 4.61",
    )
)


@pytest.fixture(scope="module")
def choices_of(
    root: Path,
    model: Callable[..., Model],
    dataset: Callable[..., DataSet],
) -> Callable[[str], tuple[Values, dict[str, Values]]]:
    """Values of an analysis, and those under every choice that the paper leaves open."""
    scans = [parse_scan(*item) for item in read_config(root / "config.yaml")["scans"].items()]

    @cache
    def found(analysis: str) -> tuple[Values, dict[str, Values]]:
        used = model(analysis)
        grids = grids_of(used, [with_points(scan, 201) for scan in scans if scan.name in COUNTED])
        (matter,) = (scan for scan in scans if scan.name == "matter_ee_mumu")
        published = published_ends(read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED))
        best = as_columns(best_domains(used, matter, published), DOMAIN_BEST)
        choices = open_choices(used, dataset(analysis), scans, grids, best)
        return values_of(used, scans, 201), choices

    return found


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ANALYSES)
def test_verdicts_over_open_choices(
    analysis: str, root: Path, choices_of: Callable[[str], tuple[Values, dict[str, Values]]]
) -> None:
    ours, choices = choices_of(analysis)
    table = read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)
    card = scorecard(table, ours, "off", choices)
    verdicts = dict(zip(published_keys(root), card["verdict"], strict=True))
    depends = {*EQ_12, "flavor_ratio", *(["strip_opening_mev"] if analysis == "paper" else [])}  # 77.5 and 74.6 MeV
    assert {key for key, verdict in verdicts.items() if verdict == "depends"} == depends
    assert {verdicts[key] for key in verdicts.keys() - depends} == {"yes"}
    assert verdicts["regions_mumu_d_u"] == "yes"
    # what is within by itself and what holds whatever is chosen
    within = {key for key, ok in zip(published_keys(root), card["within"], strict=True) if ok}
    assert verdicts.keys() - within == {
        "flavor_ratio", *(key for key in EQ_12 if not ("lower" in key and key.endswith("n1")))
    }  # fmt: skip


def test_open_choices_bear_on_what_they_change(
    root: Path, choices_of: Callable[[str], tuple[Values, dict[str, Values]]]
) -> None:
    ours, choices = choices_of("paper")
    regions = {key for key in ours if key.startswith(("regions_", "holes_"))}
    keys = {name: set(values) for name, values in choices.items()}
    assert keys == {
        f"sin2_theta_w = {Z_POLE}": set(ours),
        "delta chi2 = 2.71 for regions": regions,
        "2 sigma of one parameter, delta chi2 = 4": {"flat_slope", "heavy_slope", "strip_opening_mev", "eq8_ratio"},
        **{name: set(EQ_12) for name in (LOW, HIGH, *OTHERS)},
        "the narrowest symmetric domain that makes it a limit": set(EQ_12),
        "every bin": {"flavor_ratio", "momentum_transfer_mev"},
        "no acceptance": {"flavor_ratio"},
        "no acceptance, every bin": {"flavor_ratio"},
    }
    assert all(np.isfinite(value) for values in choices.values() for value in values.values())
    found = [ours["flavor_ratio"], *(choices[name]["flavor_ratio"] for name in
             ("every bin", "no acceptance", "no acceptance, every bin"))]  # fmt: skip
    assert found == pytest.approx([1.988, 2.0229, 2.111, 2.133], abs=6e-4)
    assert choices["2 sigma of one parameter, delta chi2 = 4"]["strip_opening_mev"] == pytest.approx(77.49, abs=5e-3)
    ends = [choices[HIGH][f"eps_{pair}_matter_{side}_n1"] for pair in ("ee", "mumu") for side in ("lower", "upper")]
    assert ends == pytest.approx([-0.9294, 1.9349, -0.6121, 1.6175], abs=5e-5)
    near = dict(zip(published_keys(root), read_table(
        root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)["published"], strict=True))  # fmt: skip
    assert ends == pytest.approx([near[f"eps_{pair}_matter_{side}_n1"] for pair in ("ee", "mumu")
                                  for side in ("lower", "upper")], abs=0.05)  # fmt: skip


def test_an_analysis_at_the_z_pole_has_no_other_angle(
    scans: list[Scan],
    model: Callable[..., Model],
    dataset: Callable[..., DataSet],
    tables: Callable[[str], dict[str, dict[str, Any]]],
    measurement: Callable[[str], Measurement],
) -> None:
    changed = {"sin2_theta_w": Z_POLE}
    used = model("paper", **changed)
    choices = open_choices(used, dataset("paper", **changed), [scan for scan in scans if scan.name == "ee_d_u"], {})
    assert set(choices) == {
        "delta chi2 = 2.71 for regions", "every bin", "no acceptance", "no acceptance, every bin"
    }  # fmt: skip
    # and the other way about: at the Z pole, values are those that the usual analysis names so
    usual = open_choices(model("paper"), dataset("paper"), scans[:1], {})
    acceptance = as_acceptance(tables("figure3")["acceptance"])
    expected = values_of(make_model(used.analysis, measurement("figure3"), acceptance), scans[:1], 201)
    assert usual[f"sin2_theta_w = {Z_POLE}"] == pytest.approx(expected, rel=1e-12)
    assert least_of(used, scans[0]) != pytest.approx(least_of(model("paper"), scans[0]), abs=1e-6)


def test_an_analysis_that_predicts_nothing_has_no_values_but_those_of_its_axes(
    scans: list[Scan], model: Callable[..., Model], measurement: Callable[[str], Measurement]
) -> None:
    blind, used = Acceptance(photoelectrons=np.array([0.0, 50.0]), fraction=np.zeros(2)), measurement("figure3")
    analysis = model("paper").analysis
    nothing = make_model(analysis, used, blind)
    values = values_of(nothing, scans, 11)
    for key in ("flavor_ratio", "momentum_transfer_mev", "strip_opening_mev", "eq8_ratio"):
        assert np.isnan(values[key])
    assert {key: values[key] for key in EQ_12} == {
        key: -2.0 if "lower" in key else 3.0 for key in EQ_12
    }  # everything is allowed
    assert {key: value for key, value in values.items() if key.startswith("regions_")} == {
        "regions_ee_d_u": 1, "regions_mumu_d_u": 1, "regions_ee_etau_d": 1
    }  # fmt: skip
    choices = open_choices(
        nothing, make_dataset(analysis, used, blind), scans, grids_of(nothing, [with_points(scans[1], 11)])
    )
    assert np.isnan(choices["every bin"]["flavor_ratio"])
    assert np.isnan(choices["the narrowest symmetric domain that makes it a limit"]["eps_ee_matter_lower_n1"])
    assert choices["no acceptance"]["flavor_ratio"] == pytest.approx(2.111, abs=5e-4)
