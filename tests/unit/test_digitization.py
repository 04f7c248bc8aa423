"""An ensemble of readings: what is drawn, what it gives, and that chunks change nothing."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from cevnsi.arrays import FloatArray
from cevnsi.config.check import Digitization, parse_analysis, parse_digitization, parse_scan
from cevnsi.experiments.inputs import READ_TWICE, complete
from cevnsi.experiments.measurement import PHOTOELECTRONS, Measurement
from cevnsi.experiments.response import Acceptance
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import DIGITIZATION, PUBLISHED, read_table, write_csv, write_parquet
from cevnsi.model import Analysis, cut, make_dataset, make_model
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings
from cevnsi.scans.axes import Scan
from cevnsi.studies.liao_marfatia_2017.digitization import (
    Readings,
    Values,
    chunk_columns,
    chunk_note,
    ensemble,
    member_inputs,
    member_values,
    read_chunk,
    summary,
)
from cevnsi.studies.liao_marfatia_2017.scorecard import scorecard, values_of

Tables = Callable[[str], dict[str, dict[str, Any]]]

CHOICES = Digitization(members=24, seed=7, acceptance_error=0.003, points=41, chunks=1)


@pytest.fixture(scope="module")
def readings(tables: Tables) -> Readings:
    read = tables("figure3")
    acceptance = Acceptance(
        photoelectrons=read["acceptance"]["photoelectrons"], fraction=read["acceptance"]["acceptance"]
    )
    return Readings.from_cross_check(read["cross_check"], acceptance)


@pytest.fixture
def analysis(config: dict[str, Any]) -> Analysis:
    return parse_analysis(complete(config["analyses"]["paper"], config))


@pytest.fixture
def scans(config: dict[str, Any]) -> list[Scan]:
    return [parse_scan(name, config["scans"][name]) for name in ("ee_d_u", "ee_mumu_d", "matter_ee_mumu")]


@pytest.fixture
def matter(config: dict[str, Any]) -> list[Scan]:
    """The scan that ends of matter parameters are of, for tests that look at no others."""
    return [parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])]


def members_of(readings: Readings, analysis: Analysis, scans: list[Scan], choices: Digitization) -> list[Values]:
    return [values for _, values in ensemble(readings, analysis, scans, choices, range(choices.members + 1))]


def by_key(table: dict[str, list[Any]]) -> dict[str, dict[str, Any]]:
    return {key: {name: table[name][i] for name in table} for i, key in enumerate(table["key"])}


def agreeing(readings: Readings) -> Readings:
    """Both readings replaced by the one that is used."""
    return replace(
        readings,
        residual_counts=np.repeat(readings.residual_counts[:1], 2, axis=0),
        stat_uncertainty=np.repeat(readings.stat_uncertainty[:1], 2, axis=0),
    )


def test_readers_of_two_readings_are_those_with_a_cross_check(config: dict[str, Any], tables: Tables) -> None:
    for name, section in config["datasets"].items():
        assert ("cross_check" in tables(name)) == (section["reader"] in READ_TWICE)


def test_member_0_is_the_measurement_that_is_used(
    readings: Readings, measurement: Callable[[str], Measurement]
) -> None:
    used, acceptance = member_inputs(readings, CHOICES, 0)
    expected = measurement("figure3")
    for name in ("bin_edges_pe", "observed", "errors"):
        np.testing.assert_array_equal(getattr(used, name), getattr(expected, name))
    assert acceptance is readings.acceptance


def test_residuals_are_those_of_the_files(root: Path, readings: Readings) -> None:
    for i, name in enumerate("ab"):
        path = root / f"data/coherent_csi_2017/digitized/figure3_residuals_{name}.csv"
        read = np.loadtxt(path, delimiter=",", skiprows=1)
        np.testing.assert_allclose(readings.residual_counts[i], read[:, 2], rtol=0, atol=1e-14)
        np.testing.assert_array_equal(readings.stat_uncertainty[i], (read[:, 4] - read[:, 3]) / 2)


def test_integers_stay_where_readings_differ_by_a_fifth_of_a_count(readings: Readings) -> None:
    used, _ = readings.as_used()
    for member in range(1, 401):
        drawn, _ = member_inputs(readings, CHOICES, member)
        np.testing.assert_array_equal(drawn.observed, used.observed)


def test_integers_change_where_readings_differ_by_more(readings: Readings) -> None:
    spread = np.where(np.arange(25) % 2, 2.0, -2.0)  # of mean nearly 0, so an error of sqrt 2 counts in every bin
    apart = replace(readings, residual_counts=readings.residual_counts[0] + np.stack([0 * spread, spread]))
    drawn = np.array([member_inputs(apart, CHOICES, member)[0].observed for member in range(1, 401)])
    np.testing.assert_array_equal(drawn, np.rint(drawn))
    # scatter about the used reading: 2 / sqrt 2 and 1/12 of rounding; 400 members know it to 4 % in each bin
    errors = drawn - readings.as_used()[0].observed
    assert np.sqrt((errors**2).mean(axis=0)) == pytest.approx(np.full(25, np.sqrt(2 + 1 / 12)), rel=0.15)


def test_drawn_bars_have_the_errors_of_the_readings(readings: Readings) -> None:
    """A common part and one of each bin, each of the size that two readings show."""
    used, _ = readings.as_used()
    drawn = [member_inputs(readings, CHOICES, member)[0].errors for member in range(1, 1001)]
    errors = np.log(np.array(drawn) / used.errors)
    difference = np.log(readings.stat_uncertainty[1] / readings.stat_uncertainty[0])
    # 1000 members know a standard deviation to 2.2 %; the common part is seen through the mean of 25 bins
    common, scatter = abs(difference.mean()) / np.sqrt(2), difference.std(ddof=1) / np.sqrt(2)
    assert errors.std(axis=1, ddof=1).mean() == pytest.approx(scatter, rel=0.05)
    assert errors.mean(axis=1).std() == pytest.approx(np.hypot(common, scatter / 5), rel=0.09)
    assert abs(errors.mean()) < 4 * common / np.sqrt(1000)


def test_drawn_acceptances_are_the_curve_shifted_within_0_and_1(readings: Readings) -> None:
    shifts = []
    for member in range(1, 501):
        _, acceptance = member_inputs(readings, CHOICES, member)
        np.testing.assert_array_equal(acceptance.photoelectrons, readings.acceptance.photoelectrons)
        assert 0 <= acceptance.fraction.min() <= acceptance.fraction.max() <= 1
        inner = readings.acceptance.fraction > 0.1
        shift = (acceptance.fraction - readings.acceptance.fraction)[inner]
        assert np.ptp(shift) < 1e-15
        shifts.append(shift[0])
    assert np.std(shifts) == pytest.approx(0.003, rel=0.13)  # 500 members know it to 3.2 %
    assert abs(np.mean(shifts)) < 4 * 0.003 / np.sqrt(500)


def test_a_single_bin_has_a_common_error_only(readings: Readings) -> None:
    one = Readings(
        bin_edges_pe=np.array([6.0, 8.0]),
        residual_counts=np.array([[8.0], [8.1]]),
        stat_uncertainty=np.array([[8.0], [8.4]]),
        acceptance=readings.acceptance,
    )
    drawn = [member_inputs(one, CHOICES, member)[0].errors[0] for member in range(1, 401)]
    assert np.std(np.log(drawn)) == pytest.approx(np.log(1.05) / np.sqrt(2), rel=0.15)


def test_a_member_is_the_spawned_one_whatever_their_number(readings: Readings) -> None:
    children = np.random.SeedSequence(CHOICES.seed).spawn(6)
    for member in range(1, 6):
        by_hand, _ = readings.drawn(np.random.default_rng(children[member]), CHOICES.acceptance_error)
        drawn, _ = member_inputs(readings, replace(CHOICES, members=99), member)
        np.testing.assert_array_equal(drawn.errors, by_hand.errors)


@pytest.mark.slow
def test_no_spread_where_readings_agree_and_the_acceptance_is_exact(
    readings: Readings, analysis: Analysis, scans: list[Scan]
) -> None:
    exact = replace(CHOICES, members=3, acceptance_error=0.0)
    table = by_key(summary(members_of(agreeing(readings), analysis, scans, exact)))
    assert {row["standard_deviation"] for row in table.values()} == {0.0}
    assert all(row["nominal"] == row["mean"] == row["least"] == row["greatest"] for row in table.values())
    assert table["stat_uncertainty_ratio"]["nominal"] == 1
    assert table["changed_counts"]["nominal"] == 0


@pytest.mark.slow
def test_each_error_alone_makes_a_spread(readings: Readings, analysis: Analysis, matter: list[Scan]) -> None:
    few = replace(CHOICES, members=3)
    acceptance = by_key(summary(members_of(agreeing(readings), analysis, matter, few)))
    assert acceptance["stat_uncertainty_ratio"]["standard_deviation"] == 0
    assert acceptance["sm_counts"]["standard_deviation"] > 0
    assert acceptance["eps_ee_matter_upper_n2"]["standard_deviation"] > 0
    bars = by_key(summary(members_of(readings, analysis, matter, replace(few, acceptance_error=0.0))))
    assert bars["stat_uncertainty_ratio"]["standard_deviation"] > 0
    assert bars["sm_counts"]["standard_deviation"] == 0
    assert bars["eps_ee_matter_upper_n2"]["standard_deviation"] > 0


@pytest.mark.slow
def test_the_mean_is_near_the_nominal_value(readings: Readings, analysis: Analysis, matter: list[Scan]) -> None:
    table = by_key(summary(members_of(readings, analysis, matter, CHOICES)))
    ends = [key for key in table if "_matter_" in key]
    assert len(ends) == 8
    for key in [*ends, "sm_counts", "momentum_transfer_mev", "stat_uncertainty_ratio"]:
        row = table[key]
        assert row["members"] == CHOICES.members
        assert row["least"] < row["nominal"] < row["greatest"]
        # the mean of 24 is known to a fifth of their spread
        assert abs(row["mean"] - row["nominal"]) < row["standard_deviation"], key


@pytest.mark.slow
def test_chunks_change_nothing(tmp_path: Path, readings: Readings, analysis: Analysis, scans: list[Scan]) -> None:
    results = []
    for chunks in (1, 2, 5):
        choices = replace(CHOICES, members=5, chunks=chunks)
        ranges = [range(*choices.rows(k)) for k in range(1, chunks + 1)]
        assert list(chain(*ranges)) == list(range(6))
        found: list[Values] = []
        for k, members in enumerate(ranges):
            path = tmp_path / f"{k}-of-{chunks}.parquet"
            write_parquet(path, chunk_columns(ensemble(readings, analysis, scans, choices, members)))
            found += read_chunk(str(path), members)
        write_csv(tmp_path / f"{chunks}.csv", summary(found))
        results.append((tmp_path / f"{chunks}.csv").read_bytes())
    assert results[0] == results[1] == results[2]
    assert read_table(tmp_path / "1.csv", DIGITIZATION)["members"].tolist() == [5.0] * len(found[0])


def with_points(scans: list[Scan], points: int) -> list[Scan]:
    return [replace(scan, axes=tuple(replace(axis, points=points) for axis in scan.axes)) for scan in scans]


def test_the_inputs_as_used_give_the_values_of_the_analysis(
    readings: Readings, analysis: Analysis, scans: list[Scan], measurement: Callable[[str], Measurement]
) -> None:
    ((_, values),) = ensemble(readings, analysis, scans, CHOICES, range(1))
    used = measurement("figure3")
    model = make_model(analysis, used, readings.acceptance)
    expected = values_of(model, scans, CHOICES.points)
    assert {key: values[key] for key in expected} == expected
    assert values["sm_counts"] == pytest.approx(float(model.standard_model_counts.sum()), rel=1e-15)
    assert values.keys() - expected.keys() == {"sm_counts", "changed_counts", "stat_uncertainty_ratio"}


@pytest.mark.slow
@pytest.mark.parametrize("member", [0, 1, 7])
def test_no_value_of_a_member_depends_on_the_points_but_counts_of_regions(
    member: int, readings: Readings, analysis: Analysis, config: dict[str, Any]
) -> None:
    """Grids are only there to count regions on; all else is the same on any grid."""
    every = [parse_scan(*item) for item in config["scans"].items()]
    inputs = member_inputs(readings, CHOICES, member)
    expected = member_values(analysis, every, *inputs, 401)
    counts = {key for key in expected if key.startswith(("regions_", "holes_"))}
    others = [(every, points) for points in (11, 41)] + [(with_points(every, points), 401) for points in (11, 41, 401)]
    for scans, points in others:
        found = member_values(analysis, scans, *inputs, points)
        assert found.keys() == expected.keys()
        for key in found.keys() - counts:
            assert found[key] == pytest.approx(expected[key], rel=1e-7, abs=1e-8), (key, points)


def test_regions_are_counted_on_at_most_so_many_points(
    readings: Readings, analysis: Analysis, config: dict[str, Any]
) -> None:
    """On few points the two bands of the muon's couplings run together; a coarse scan is not made finer."""
    scans, inputs = [parse_scan("mumu_d_u", config["scans"]["mumu_d_u"])], readings.as_used()

    def count(scans: list[Scan], points: int) -> float:
        return member_values(analysis, scans, *inputs, points)["regions_mumu_d_u"]

    assert [count(scans, points) for points in (11, 201, 401, 10_000)] == [1, 2, 2, 2]
    assert [count(with_points(scans, points), 401) for points in (11, 201)] == [1, 2]


# An independent way to one number: readings drawn bin by bin, and the end of Eq. 12 from the charges themselves.


def drawn_by_hand(
    readings: Readings, seed: np.random.SeedSequence, acceptance_error: float
) -> tuple[list[float], list[float], list[float]]:
    """Counts, bars and acceptance of one member, in lists."""
    random, n = np.random.default_rng(seed), readings.bin_edges_pe.size - 1

    def errors(differences: list[float]) -> list[float]:
        mean = sum(differences) / n
        scatter = (sum((d - mean) ** 2 for d in differences) / (n - 1)) ** 0.5
        common = float(random.standard_normal())
        return [(common * mean + scatter * float(random.standard_normal())) / 2**0.5 for _ in range(n)]

    a, b = readings.residual_counts
    counts = [float(round(x + e)) for x, e in zip(a, errors([y - x for x, y in zip(a, b, strict=True)]), strict=True)]
    a, b = readings.stat_uncertainty
    ratios = [float(np.log(y / x)) for x, y in zip(a, b, strict=True)]
    bars = [float(x * np.exp(e)) for x, e in zip(a, errors(ratios), strict=True)]
    shift = acceptance_error * float(random.standard_normal())
    return counts, bars, [min(max(y + shift, 0.0), 1.0) for y in readings.acceptance.fraction]


def profiled_chi2(measurement: Measurement, predicted: FloatArray, normalization_uncertainty: float) -> float:
    """Eq. 7 of predicted counts (bins,) at its least over the pull, of which it is a parabola."""
    weight = measurement.errors**-2
    slope = (weight * predicted * (measurement.observed - predicted)).sum()
    pull = slope / ((weight * predicted**2).sum() + normalization_uncertainty**-2)
    residual = measurement.observed - predicted * (1 + pull)
    return float((weight * residual**2).sum() + (pull / normalization_uncertainty) ** 2)


def upper_end(analysis: Analysis, measurement: Measurement, acceptance: Acceptance) -> float:
    """Where the region (delta chi2 4.61) ends in eps_ee_matter, for eps_uV and eps_dV of at most 1 in magnitude.

    Eq. 10 with u + d = x / 3 and u - d = w is Q = Q_SM + (A / 2) x - (N - Z) w / 2, with |w| at most 2 - |x| / 3; the
    least |Q| that x allows must be one that chi2 allows, whatever Q of the muon flavors.
    """
    dataset = cut(make_dataset(analysis, measurement, acceptance), PHOTOELECTRONS, 6, 30)
    nu_e, nu_mu, nu_mu_bar = dataset.templates.per_bin()[:, 0]

    def least(electron_charge: float) -> float:
        def chi2(muon_charge: float) -> float:
            counts = electron_charge**2 * nu_e + muon_charge**2 * (nu_mu + nu_mu_bar)
            return profiled_chi2(dataset.measurement, counts, analysis.sigma_alpha)

        return float(minimize_scalar(chi2, bounds=(0, 200), method="bounded", options={"xatol": 1e-8}).fun)

    best = minimize_scalar(least, bounds=(0, 80), method="bounded", options={"xatol": 1e-8})
    charge = brentq(lambda q: least(q) - best.fun + 2 * np.log(0.1), best.x, 200)
    excess, slope = MEAN_OF_CSI.mass_number - 2 * MEAN_OF_CSI.protons, MEAN_OF_CSI.mass_number / 2
    sm = float(standard_model_charge(MEAN_OF_CSI, tree_couplings(analysis.sin2_theta_w)))
    return float((charge - sm + excess) / (slope + excess / 6))


@pytest.mark.slow
def test_the_column_is_what_a_loop_over_readings_by_hand_gives(
    root: Path, readings: Readings, analysis: Analysis, config: dict[str, Any]
) -> None:
    choices = replace(CHOICES, members=8, points=11)  # of grids to count regions on, of which this scan has none
    scans = [parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])]
    ours = members_of(readings, analysis, scans, choices)
    published = read_table(root / "data" / "liao_marfatia_2017" / "published.csv", PUBLISHED)
    card = scorecard(published, ours[0], summary(ours))
    (row,) = [i for i, name in enumerate(card["quantity"]) if "upper end of eps_ee" in name and "4.61" in name]

    ends = []
    for seed in np.random.SeedSequence(choices.seed).spawn(choices.members + 1)[1:]:
        counts, bars, fraction = drawn_by_hand(readings, seed, choices.acceptance_error)
        measurement = Measurement(
            axes={PHOTOELECTRONS: readings.bin_edges_pe}, observed=np.array(counts), uncertainty=np.array(bars)
        )
        ends.append(upper_end(analysis, measurement, replace(readings.acceptance, fraction=np.array(fraction))))
    np.testing.assert_allclose([member["eps_ee_matter_upper_n2"] for member in ours[1:]], ends, rtol=0, atol=1e-7)
    assert card["digitization"][row] == pytest.approx(np.std(ends, ddof=1), rel=1e-4)  # 1e-7 of a spread of 0.003


def test_summary_counts_the_members_that_have_a_value() -> None:
    members = [{"a": 1.0, "b": np.nan, "c": 2.0}] + [
        {"a": a, "b": b, "c": np.nan} for a, b in ((0.0, 5.0), (2.0, 7.0), (4.0, np.nan))
    ]
    table = by_key(summary(members))
    assert list(table["a"].values()) == ["a", 1.0, 2.0, 2.0, 0.0, 4.0, 3]
    np.testing.assert_array_equal(list(table["b"].values())[1:], [np.nan, 6.0, np.sqrt(2), 5.0, 7.0, 2])
    np.testing.assert_array_equal(list(table["c"].values())[1:], [2.0, np.nan, np.nan, np.nan, np.nan, 0])


def test_a_chunk_is_read_back_exactly(tmp_path: Path) -> None:
    members = [(3, {"a": 0.1, "b": np.nan}), (4, {"a": 1 / 3, "b": 2.0})]
    path = tmp_path / "1-of-1.parquet"
    write_parquet(path, chunk_columns(iter(members)))
    found = read_chunk(str(path), range(3, 5))
    assert found[1] == members[1][1]
    assert found[0]["a"] == 0.1
    assert np.isnan(found[0]["b"])


@pytest.mark.parametrize(
    "members",
    [
        [(1, {"a": 1.0, "b": 2.0})],
        [(1, {"a": 1.0, "b": 2.0}), (2, {"a": 1.0})],
        [(1, {"a": 1.0, "b": 2.0}), (3, {"a": 1.0, "b": 2.0})],
        [(k, {"a": 1.0, "b": 2.0}) for k in (1, 2, 3)],
        [(k, {"a": 1.0, "b": 2.0}) for k in (1, 2, 2)],
    ],
    ids=["a member missing", "a value missing", "another member", "one too many", "one twice"],
)
def test_a_chunk_with_other_rows_is_refused(tmp_path: Path, members: list[tuple[int, Values]]) -> None:
    path = tmp_path / "1-of-1.parquet"
    write_parquet(path, chunk_columns(iter(members)))
    with pytest.raises(TableError, match=r"1-of-1\.parquet: expected members 1 to 2, .*rm -f"):
        read_chunk(str(path), range(1, 3))


def test_a_chunk_notes_all_that_it_was_made_from(config: dict[str, Any]) -> None:
    section, made_from = config["digitization"], {"analysis": {"nuclei": "mean"}, "inputs": ["a"]}
    note = chunk_note(1, section, made_from)
    assert (note["chunk"], note["chunks"]) == (1, section["chunks"])
    others = [chunk_note(1, section | {"seed": 2}, made_from), chunk_note(1, section, made_from | {"inputs": ["b"]})]
    assert len({each["made_from"] for each in (note, *others)}) == 3


def test_the_section_is_parsed(config: dict[str, Any]) -> None:
    assert parse_digitization(config["digitization"]) == Digitization(
        members=32, seed=1, acceptance_error=0.003, points=201, chunks=1
    )
