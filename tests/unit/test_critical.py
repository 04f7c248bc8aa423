"""Critical values by toys, against what is known of them: of many counts, at boundaries, of one bin of few counts."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from cevnsi.arrays import FloatArray
from cevnsi.config.build import read_config
from cevnsi.config.check import parse_scan
from cevnsi.experiments.measurement import PHOTOELECTRONS
from cevnsi.model import Model, cut
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Coverage, Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.coverage import critical_column, error_column
from cevnsi.scans.critical import (
    FARTHEST,
    Statistics,
    asimov,
    critical_line,
    critical_points,
    pool_statistics,
    pools,
)
from cevnsi.scans.hypotheses import Hypotheses, hypotheses_of
from cevnsi.statistics.nuisances import adjusted
from cevnsi.toys import distance_squared
from light_nucleus import argon as light
from project import ROOT
from pseudo import LEVELS, NAMES, compile_once, counted, hypotheses, named, plane

MOST = 4.0  # standard deviations: of a few dozen numbers one is beyond in one case of some hundred
PAIR = ("eps_ee_dV", "eps_mumu_dV")
POINT = dict.fromkeys(PAIR, 0.0)
MANY = 1e4  # times as many counts: a charge squared is known to a percent

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture(scope="module")
def compiled() -> None:
    """Before the first of them."""
    compile_once()


def at_one(tests: Hypotheses, point: dict[str, float], toys: int, seed: int = 1, **choices: bool) -> Statistics:
    (found,) = pool_statistics(tests, [tests.at(point)], toys, seed, 0, **choices)
    return found


def pulls_between(one: Statistics, other: Statistics, levels: tuple[float, ...] = LEVELS) -> list[float]:
    """Differences of critical values over their errors."""
    columns = [each.columns(levels) for each in (one, other)]
    found = []
    for level in levels:
        first, second = (each[critical_column(level)] for each in columns)
        errors = [each[error_column(level)] for each in columns]
        found.append((first - second) / math.hypot(*errors))
    return found


def check(found: Statistics, wanted: dict[float, float]) -> None:
    columns = found.columns(tuple(wanted))
    for level, value in wanted.items():
        assert abs(columns[critical_column(level)] - value) < MOST * columns[error_column(level)]


@pytest.mark.parametrize("name", ["csi_2017", "lar_2020"])
@pytest.mark.parametrize(
    ("names", "free"), [(("eps_ee_dV",), 1), (("eps_ee_dV", "eps_ee_uV"), 1), (PAIR, 2), (("sin2_theta_w",), 1)]
)
def test_many_counts_give_a_chi2_distribution(name: str, names: tuple[str, ...], free: int) -> None:
    """Of as many charges as are free: 2.71 and 4.61 at 90 %; a plane of one flavor has one of them."""
    model = counted(named(name), MANY)
    if name == "csi_2017":
        # under a signal known to 28 % charges squared go along a valley that is a thousand times as long as it is wide
        nuisances = adjusted(model.dataset.nuisances, {"signal_normalization": {"sigma": 0.05}})
        model = replace(model, datasets=(replace(model.dataset, nuisances=nuisances),))
    value = model.analysis.sin2_theta_w
    tests = hypotheses(model, *names)
    found = at_one(tests, {name: value if name == "sin2_theta_w" else 0.0 for name in names}, 4000)
    assert tests.at(dict.fromkeys(names, value if "sin2_theta_w" in names else 0.0)).chi2 == pytest.approx(0, abs=1e-6)
    check(found, {level: stats.chi2.ppf(level, free) for level in LEVELS})


def test_a_boundary_gives_the_half_half_mixture() -> None:
    """A charge squared of zero can only grow: half of the toys want none, and 90 % is where chi2 of one has 80 %."""
    model = named("csi_2017")

    def charge(value: float) -> float:
        return float(model.dataset.signal("contact", {"eps_mumu_dV": value})[0].sum())

    ends = np.array([charge(x) for x in (-1.0, 0.0, 1.0)])
    zero = {"eps_mumu_dV": float((ends[0] - ends[2]) / (ends[0] + ends[2] - 2 * ends[1]) / 2)}
    assert charge(zero["eps_mumu_dV"]) < charge(zero["eps_mumu_dV"] + 1e-3)
    found = at_one(hypotheses(counted(model, MANY, zero), "eps_mumu_dV"), zero, 4000)
    none = (found.statistic < 1e-6).mean()
    assert abs(none - 0.5) < MOST * 0.5 / np.sqrt(4000)
    check(found, {level: stats.chi2.ppf(2 * level - 1, 1) for level in LEVELS})


@cache
def _light() -> Model:
    return light(named("csi_2017").analysis)


def one_bin(signal: float, background: float) -> Model:
    """Counts in one bin, of nu_e alone over what is known; the standard model's signal is as given."""
    dataset = cut(_light().dataset, PHOTOELECTRONS, 10.0, 20.0)
    measured = replace(dataset.measurement, backgrounds={"leak": np.array([background])})
    templates = replace(dataset.templates, events=dataset.templates.events * np.array([1.0, 0.0, 0.0])[:, None, None])
    bare = replace(dataset, measurement=measured, templates=templates, nuisances=())
    scale = signal / float(bare.signal("contact", {})[0].sum())
    used = replace(bare, templates=replace(templates, events=scale * templates.events))
    return replace(_light(), datasets=(used,))


SEEN = np.arange(60)  # counts, of which more have no chance here


def by_sums(signal: float, background: float, level: float) -> tuple[float, NDArray[np.bool_]]:
    """The critical value, and which counts are accepted, by sums over all of them in the order of likelihood ratios."""
    chance = stats.poisson.pmf(SEEN, signal + background)
    best = np.maximum(SEEN - background, 0.0) + background
    statistic = 2 * (stats.poisson.logpmf(SEEN, best) - stats.poisson.logpmf(SEEN, signal + background))
    order = np.argsort(statistic, kind="stable")
    last = int(np.searchsorted(np.cumsum(chance[order]), level))
    return float(statistic[order[last]]), statistic <= statistic[order[last]]


def by_toys(signal: float, background: float, toys: int, seed: int) -> Statistics:
    return at_one(hypotheses(one_bin(signal, background), "eps_ee_dV"), {"eps_ee_dV": 0.0}, toys, seed)


def test_one_bin_accepts_what_table_i_does() -> None:
    """Of physics/9711021: a signal of 0.5 over 3 is accepted at 90 % where 0 to 6 are counted."""
    critical, accepted = by_sums(0.5, 3.0, 0.9)
    assert list(SEEN[accepted]) == [0, 1, 2, 3, 4, 5, 6]
    found = by_toys(0.5, 3.0, 4000, 1).columns((0.9,))[critical_column(0.9)]
    assert found == pytest.approx(critical, abs=1e-6)
    assert -2 * np.log(0.480) == pytest.approx(critical, abs=0.005)  # R of six counts there, in three digits


# Ends of intervals at 90 %, Table IV of physics/9711021, two decimals: background, counts, lower (if any), upper.
TABLE_IV = [
    (0.0, 0, None, 2.44),
    (0.0, 1, 0.11, 4.36),
    (0.0, 3, 1.10, 7.42),
    (3.0, 3, None, 4.42),
    (3.0, 6, 0.15, 8.47),
    (3.0, 10, 2.63, 13.50),
]
BESIDE = 0.02  # an end, where it is clear to which side a signal is


@pytest.mark.parametrize(("background", "counts", "lower", "upper"), TABLE_IV)
def test_sums_end_intervals_where_the_tables_do(
    background: float, counts: int, lower: float | None, upper: float
) -> None:
    for end, inward in ((lower, 1), (upper, -1)):
        if end is not None:
            assert by_sums(end + inward * BESIDE, background, 0.9)[1][counts]
            assert not by_sums(end - inward * BESIDE, background, 0.9)[1][counts]


@pytest.mark.parametrize(
    ("background", "toys", "signals"),
    [
        (3.0, 4000, (0.7, 5.0)),
        (0.0, 4000, (1.3,)),  # of which many are of no counts at all
        pytest.param(0.0, 40_000, (0.25, 1.3, 2.6, 4.1, 7.1), marks=pytest.mark.slow),
        pytest.param(3.0, 40_000, (0.3, 1.1, 2.5, 4.2, 8.3, 13.2), marks=pytest.mark.slow),
    ],
)
def test_toys_of_one_bin_are_as_sums_over_all_counts(background: float, toys: int, signals: tuple[float, ...]) -> None:
    """The value of some number of counts, and if the sum is nearly 90 % without the last of them, of one beside it."""
    for signal in signals:
        found = by_toys(signal, background, toys, 2)
        columns = found.columns((0.9,))
        near = MOST * np.sqrt(0.09 / toys)
        assert by_sums(signal, background, 0.9 - near)[0] - 1e-5 <= columns[critical_column(0.9)]
        assert (
            columns[critical_column(0.9)] <= by_sums(signal, background, 0.9 + near)[0] + 1e-5
        )  # which fits are good to


@pytest.mark.parametrize("name", NAMES)
def test_two_seeds_agree(name: str) -> None:
    tests = hypotheses(named(name), *PAIR)
    one, other = (at_one(tests, POINT, 1500, seed) for seed in (1, 2))
    assert not np.array_equal(one.statistic, other.statistic)
    assert max(map(abs, pulls_between(one, other))) < MOST
    np.testing.assert_array_equal(one.statistic, at_one(tests, POINT, 1500, 1).statistic)
    # toys come in blocks of a seed each, so that more of them begin with the same
    np.testing.assert_array_equal(at_one(tests, POINT, 1000, 1).statistic, one.statistic[:1000])


@pytest.mark.parametrize("name", NAMES)
def test_the_toy_in_which_all_is_as_expected_is_fitted_exactly(name: str) -> None:
    tests = hypotheses(named(name), *PAIR)
    at = tests.at({"eps_ee_dV": 0.1, "eps_mumu_dV": -0.05})
    toy = asimov(tests.model, at)
    begin = at.fitter.hessian(toy, at.place)
    value, _, _ = at.fitter.least(toy, at.low[None], at.high[None], at.place[None], begin[None])
    assert value[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "point", "low", "high"),
    [("paper", 0.0, 0.6, 2.2), ("csi_2021", 0.1, 10.0, 20.0), ("csi_2021", 0.0, 3.0, 4.2)],
)
def test_without_auxiliary_measurements_values_are_wrong(name: str, point: float, low: float, high: float) -> None:
    """A prior that is about its centre in every toy holds a signal where it is: values of 90 % from 1.7 to 14.

    Toys that draw all have about 3.2, 5 and 5 here; two charges of many counts 4.61.
    """
    tests, at = hypotheses(named(name), *PAIR), dict.fromkeys(PAIR, point)
    right, wrong = (at_one(tests, at, 1500, auxiliary=auxiliary) for auxiliary in (True, False))
    assert low < wrong.columns((0.9,))[critical_column(0.9)] < high
    assert abs(pulls_between(right, wrong, (0.9,))[0]) > 5


@pytest.mark.parametrize("name", NAMES)
def test_toys_of_one_point_say_what_toys_of_another_do(name: str) -> None:
    """Reweighted against fresh ones; the number that they are worth is exp(-D^2) of them."""
    toys, tests = 3000, hypotheses(named(name), *PAIR)
    first = tests.at(POINT)
    for step in (0.04, 0.03, 0.02, 0.01, 0.005):
        other = tests.at(dict.fromkeys(PAIR, step))
        distance = distance_squared(tests.model, first.truth, other.truth)
        if distance < FARTHEST**2:
            break
    assert 0.01 < distance < FARTHEST**2
    _, found = pool_statistics(tests, [first, other], toys, 1, 0)
    (fresh,) = pool_statistics(tests, [other], toys, 2, 0)
    assert max(map(abs, pulls_between(found, fresh))) < MOST
    worth = found.columns(())["effective_toys"] / toys
    assert worth == pytest.approx(np.exp(-distance), abs=0.1)  # which third moments of counts change


@cache
def _grid() -> tuple[Model, Scan]:
    return named("csi_2017"), plane(*PAIR, points=5)


def table(chunks: int, threads: int = 1) -> list[dict[str, FloatArray]]:
    model, scan = _grid()
    return [critical_points(model, replace(scan, chunks=chunks), "plane", k + 1, threads) for k in range(chunks)]


def together(tables: list[dict[str, FloatArray]]) -> dict[str, FloatArray]:
    joined = {name: np.concatenate([each[name] for each in tables if each["place"].size]) for name in tables[0]}
    order = np.argsort(joined["place"])
    return {name: values[order] for name, values in joined.items()}


def test_values_are_the_same_for_any_chunks_and_threads() -> None:
    whole = together(table(1))
    names = [f(level) for level in LEVELS for f in (critical_column, error_column)]
    assert list(whole) == ["place", *PAIR, *names, "effective_toys"]
    np.testing.assert_array_equal(whole["place"], np.arange(25))
    axis = np.linspace(-0.3, 0.6, 5)
    np.testing.assert_array_equal(whole[PAIR[0]], np.repeat(axis, 5))
    np.testing.assert_array_equal(whole[PAIR[1]], np.tile(axis, 5))
    for chunks, threads in ((1, 2), (2, 1), (3, 2), (3, 1)):
        parts = table(chunks, threads)
        places = np.concatenate([each["place"] for each in parts])
        assert places.size == np.unique(places).size == 25
        for name, values in together(parts).items():
            np.testing.assert_array_equal(values.view(np.int64), whole[name].view(np.int64))


def test_progress_ends_at_all() -> None:
    model, scan = _grid()
    for threads in (1, 2):
        said: list[float] = []
        critical_points(model, replace(scan, chunks=3), "plane", 2, threads, said.append)
        assert said == sorted(said)
        assert said[-1] == 1.0


def test_points_that_are_near_share_toys() -> None:
    """Each is in one pool, and near the first of it; pools are no fewer, and not many more, than they have to be."""
    tests = hypotheses(named("csi_2017"), *PAIR)
    axis = np.linspace(-0.02, 0.02, 4)
    points = [
        tests.at(dict(zip(PAIR, values, strict=True))) for values in np.array(np.meshgrid(axis, axis)).T.reshape(-1, 2)
    ]
    found = pools(tests.model, points)
    assert sorted(k for pool in found for k in pool) == list(range(16))
    assert 1 <= len(found) < 8
    for first, *others in found:
        for k in others:
            assert distance_squared(tests.model, points[first].truth, points[k].truth) <= FARTHEST**2 * (1 + 1e-9)
    # of one that is far from all others there are toys of its own
    far = [*points[:2], tests.at(dict.fromkeys(PAIR, 0.6))]
    assert [2] in pools(tests.model, far)


@pytest.mark.parametrize("others", ["profiled", "zero"])
def test_values_along_one_parameter(others: str) -> None:
    """Profiled over the other toys are, too; with it at zero a point of the plane is tested."""
    model, scan = _grid()
    found = critical_line(model, scan, "plane", PAIR[0], others)
    np.testing.assert_array_equal(found[PAIR[0]], np.linspace(-0.3, 0.6, 5))
    assert "place" not in found
    tests = hypotheses_of(model, scan, PAIR[:1] if others == "profiled" else PAIR)
    for i, value in enumerate(found[PAIR[0]]):
        alone = at_one(tests, {PAIR[0]: float(value)} | ({} if others == "profiled" else {PAIR[1]: 0.0}), 600, 7)
        columns = alone.columns((0.9,))
        error = np.hypot(columns[error_column(0.9)], found[error_column(0.9)][i])
        assert abs(columns[critical_column(0.9)] - found[critical_column(0.9)][i]) < MOST * error
    again = critical_line(model, scan, "plane", PAIR[0], others, threads=2)
    for name, values in found.items():
        np.testing.assert_array_equal(values, again[name])


def refusal(model: Model, scan: Scan, *tested: str) -> str:
    with pytest.raises(ValueError, match=r"coverage: ") as refused:
        hypotheses_of(model, scan, tested or [axis.name for axis in scan.axes])
    return str(refused.value)


def test_what_toys_are_not_fitted_with_is_refused() -> None:
    csi = named("csi_2021")
    for name in ("flux", "time_offset_us", "cevns_normalization"):
        assert refusal(csi, plane(name)) == (
            f"coverage: {name} is an axis; expected couplings, masses, sin2_theta_w or radii"
        )
    matter = ("eps_ee_matter", "eps_mumu_matter")
    domain = {f"eps_{pair}_{quark}V": (-1.0, 1.0) for pair in ("ee", "mumu") for quark in "ud"}
    assert refusal(csi, plane(*matter, domain=domain)) == (
        f"coverage: a domain of {', '.join(domain)} with bounds, and several nuclei; expected one nucleus, or domains "
        "that are free"
    )
    three = plane("eps_ee_dV", "eps_ee_uV", "eps_mumu_dV")
    assert refusal(csi, three.onto(PAIR)) == ("coverage: eps_ee_uV are minimised over; expected a full grid")
    radii = ("neutron_radius_Cs133_fm", "neutron_radius_I127_fm")
    assert refusal(named("csi_2021_radius"), plane(*radii)) == (
        f"coverage: {', '.join(radii)} change the shape of the signal; expected one such axis at most"
    )
    with pytest.raises(ValueError, match="plane has no coverage; expected one"):
        critical_points(csi, replace(plane(*PAIR), coverage=None), "plane", 1)


@pytest.mark.parametrize("name", ["csi_2017", "joint"])
def test_matter_couplings_are_as_free_as_their_quarks(name: str) -> None:
    """Of one nucleus in a square, of several without bounds."""
    matter = ("eps_ee_matter", "eps_mumu_matter")
    quarks = [f"eps_{pair}_{quark}V" for pair in ("ee", "mumu") for quark in "ud"]
    bound = 1.0 if name == "csi_2017" else np.inf
    tests = hypotheses(named(name), *matter, domain=dict.fromkeys(quarks, (-bound, bound)))
    found = at_one(tests, dict.fromkeys(matter, 0.0), 300)
    assert np.isfinite(found.statistic).all()
    assert found.statistic.min() >= 0


def test_a_plane_of_a_mediator() -> None:
    axes = (
        Axis(name="mediator_mass_mev", minimum=1.0, maximum=1e4, points=4, scale="log"),
        Axis(name="coupling", minimum=1e-5, maximum=1e-1, points=3, scale="log"),
    )
    names = tuple(axis.name for axis in axes)
    coverage = Coverage(toys=200, points={axis.name: axis.points for axis in axes}, seed=1)
    scan = plane(*names, interaction="light_mediator", axes=axes, coverage=coverage)
    for name in ("paper", "joint"):
        tests = hypotheses_of(named(name), scan, names)
        assert tests.variables == ("coupling",)
        assert len(tests.free_fitters) == 25
        at = tests.at({"mediator_mass_mev": 10.0, "coupling": 5e-5})
        found = at_one(tests, {"mediator_mass_mev": 10.0, "coupling": 5e-5}, 200)
        assert np.isfinite(found.statistic).all()
        assert found.statistic.min() >= 0
        assert at.fitter.dims == 1
    found_points = critical_points(named("paper"), scan, "plane", 1)
    # where no mediator is seen all points are one, whatever its mass
    least = found_points["coupling"] == 1e-5
    far = least & (found_points["mediator_mass_mev"] > 100)
    values = found_points[critical_column(0.9)][far]
    assert np.ptp(values) < 0.02  # at 464 MeV such a coupling is 0.05 events, whose error is some 20
    assert (found_points[critical_column(0.9)] > 0).all()


@pytest.mark.parametrize("name", ["csi_2021_radius", "lar_2020_radius"])
def test_a_line_of_a_radius(name: str) -> None:
    csi = name == "csi_2021_radius"
    radius = "neutron_radius_csi_fm" if csi else "neutron_radius_Ar40_fm"
    scans = read_config(ROOT / "config.yaml")["scans"]
    scan = parse_scan("radius", {**scans["radius_csi" if csi else "radius_ar"]})
    tests = hypotheses_of(named(name), scan, [radius])
    assert tests.variables == ()
    found = at_one(tests, {radius: 4.5 if csi else 3.5}, 300)
    assert np.isfinite(found.statistic).all()
    assert found.statistic.min() >= 0
    # one parameter, which is bounded by what can be seen of it
    assert 0.5 < found.columns((0.9,))[critical_column(0.9)] < 5


def test_fits_know_a_mass_that_is_held() -> None:
    """It shapes templates though no axis does."""
    used = named("csi_2017")
    axes = {"coupling": {"min": 1e-6, "max": 1e-3, "points": 3, "scale": "log"}}
    section = {"interaction": "light_mediator", "axes": axes, "fixed": {"mediator_mass_mev": 10}, "chunks": 1}
    tests = hypotheses_of(used, parse_scan("line", section), ["coupling"])
    for coupling in (1e-5, 1e-4):
        point = {"mediator_mass_mev": 10.0, "coupling": coupling}
        # both descents end within 1e-10 of their least
        assert tests.at({"coupling": coupling}).chi2 == pytest.approx(
            float(chi2(used, "light_mediator", point, {})), rel=1e-9
        )
