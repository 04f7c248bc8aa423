"""Toys: counts and auxiliary measurements are drawn as they are expected, and weights are ratios of likelihoods."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.experiments.csi_2017_time import STEADY_STATE
from cevnsi.model import Model, chi2_at, profiled
from cevnsi.statistics.nuisances import adjusted, centres, centres_by
from cevnsi.toys import (
    Toys,
    Truth,
    distance_squared,
    draw,
    drawn_centres,
    log_ratio,
    means_of,
    toy_model,
    truth_at,
)
from project import ROOT
from pseudo import NAMES, named

TOYS = 2000
POINT: dict[str, Any] = {"eps_ee_dV": 0.1}
MOST = 5.0  # standard deviations: one of the few thousand numbers here is beyond in one case of a thousand
FEW = 25  # counts of all toys, with fewer of which a bin's mean is not normal


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def moved(truth: Truth, model: Model, by: float) -> Truth:
    """Another, with nuisances moved by a part of how well each is known."""
    return replace(truth, nuisances=truth.nuisances + by * drawn_centres(model))


def check_poisson(drawn: FloatArray, mean: FloatArray) -> None:
    """Means and variances of counts (toys, bins) are those of Poisson's distribution."""
    np.testing.assert_array_equal(drawn, np.round(drawn))
    count = len(drawn)
    assert not drawn[:, mean == 0].any()
    some = mean * count >= FEW
    pulls = (drawn.mean(axis=0) - mean)[some] / np.sqrt(mean[some] / count)
    assert np.abs(pulls).max() < MOST
    # the variance of a variance of Poisson's distribution; that of all bins together is normal
    spread = np.sqrt((2 * mean**2 + mean) / count)
    pull = (drawn.var(axis=0, ddof=1) - mean).sum() / np.sqrt((spread**2).sum())
    assert abs(pull) < MOST


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_drawn_about_what_is_expected(name: str) -> None:
    model = named(name)
    truth = truth_at(model, "contact", POINT)
    toys = draw(model, truth, TOYS, random())
    expected = model.expected(truth.signals)(truth.nuisances[None], np.zeros(1, np.intp))[0][0]
    for part, dataset, drawn, means in zip(
        model.parts, model.datasets, toys.datasets, means_of(model, truth), strict=True
    ):
        if dataset.measurement.is_difference:
            assert drawn.without is not None
            assert means.without is not None
            np.testing.assert_allclose(means.counts - means.without, expected[part], rtol=0, atol=1e-9)
            check_poisson(drawn.observed + drawn.without, means.counts)
            check_poisson(drawn.without, means.without)
        else:
            np.testing.assert_array_equal(means.counts, expected[part])
            check_poisson(drawn.observed, means.counts)
        assert drawn.sidebands.keys() == dataset.sidebands.keys()
        for sample, counts in drawn.sidebands.items():
            check_poisson(counts, means.sidebands[sample])


@pytest.mark.parametrize("name", NAMES)
def test_auxiliary_measurements_are_drawn_about_the_truth(name: str) -> None:
    model = named(name)
    truth = moved(truth_at(model, "contact", POINT), model, 0.5)
    found = draw(model, truth, TOYS, random(2)).centres
    measured = {sideband.measures for dataset in model.datasets for sideband in dataset.sidebands.values()}
    for nuisance, value, mean, width in zip(
        model.nuisances, truth.nuisances, found.mean(axis=0), found.std(axis=0, ddof=1), strict=True
    ):
        if nuisance.sigma is None or nuisance.name in measured:
            assert (mean, width) == (0.0, 0.0)
        else:
            assert abs(mean - value) < MOST * nuisance.sigma / np.sqrt(TOYS)
            assert abs(width / nuisance.sigma - 1) < MOST / np.sqrt(2 * TOYS)
    pairs = np.corrcoef(found[:, drawn_centres(model) > 0], rowvar=False) if len(model.nuisances) > 1 else np.eye(1)
    assert np.abs(np.atleast_2d(pairs) - np.eye(len(np.atleast_2d(pairs)))).max() < MOST / np.sqrt(TOYS)


def test_what_a_sideband_measures_has_no_other_centre() -> None:
    """The steady state of 2017 is as large as its drawn counts are; that of 2021 has a norm of its own."""
    widths = {}
    for name in ("csi_2017", "csi_2021"):
        names = [nuisance.name for nuisance in named(name).nuisances]
        widths[name] = dict(zip(names, drawn_centres(named(name)), strict=True))
    assert widths["csi_2017"][STEADY_STATE] == 0
    assert widths["csi_2021"][STEADY_STATE] == 0.021


@pytest.mark.parametrize(("name", "follows"), [("csi_2017", True), ("csi_2021", False)])
def test_a_background_is_made_of_its_counts(name: str, follows: bool) -> None:
    (dataset,) = named(name).datasets
    background, sideband = dataset.measurement.backgrounds[STEADY_STATE], dataset.sidebands[STEADY_STATE]
    np.testing.assert_allclose(sideband.made(sideband.mean[None])[0], background, rtol=1e-12)
    twice = sideband.made(2 * sideband.mean[None])[0]
    np.testing.assert_allclose(twice, (2 if follows else 1) * background, rtol=1e-12)
    # of nothing it is nothing that is not a number
    assert np.isfinite(sideband.made(np.zeros((1, sideband.mean.size)))).all()


@pytest.mark.parametrize("data", ["beam_on", "all"])
@pytest.mark.parametrize("shape", ["marginals", "exponential"])
def test_a_background_is_made_of_its_counts_under_choices(config: dict[str, Any], data: str, shape: str) -> None:
    config["analyses"]["csi_2017"]["measurement"] = {"steady_state_data": data, "steady_state_shape": shape}
    (dataset,) = build_model(config, "csi_2017", ROOT).datasets
    background, sideband = dataset.measurement.backgrounds[STEADY_STATE], dataset.sidebands[STEADY_STATE]
    (counts,) = (n.sigma for n in dataset.nuisances if n.name == STEADY_STATE)
    assert counts is not None
    assert sideband.mean.sum() == pytest.approx(counts**-2)
    # a fit of an exponential is found to some digits of its rate
    np.testing.assert_allclose(sideband.made(sideband.mean[None])[0], background, rtol=1e-6)
    # each of several is made as it would be alone
    drawn = random().poisson(sideband.mean, (3, sideband.mean.size)).astype(float)
    for counts_of_one, made in zip(drawn, sideband.made(drawn), strict=True):
        np.testing.assert_allclose(sideband.made(counts_of_one[None])[0], made, rtol=1e-12)


def test_a_sideband_is_as_large_as_its_background_is() -> None:
    model = named("csi_2017")
    truth = truth_at(model, "contact", {}, np.array([0.0, 0.0, 0.1]))
    (means,) = means_of(model, truth)
    sideband = model.dataset.sidebands[STEADY_STATE]
    np.testing.assert_allclose(means.sidebands[STEADY_STATE], 1.1 * sideband.mean, rtol=1e-12)
    # one that is held at more than its sideband says finds as much more in toys, in which it is held, too
    dataset = replace(model.dataset, nuisances=adjusted(model.dataset.nuisances, {STEADY_STATE: {"fixed": 0.1}}))
    held = replace(model, datasets=(dataset,))
    (means,) = means_of(held, replace(truth, signals=truth_at(held, "contact", {}).signals))
    np.testing.assert_array_equal(means.sidebands[STEADY_STATE], sideband.mean)


def test_the_flux_is_one() -> None:
    model = named("joint")
    toys = draw(model, truth_at(model, "contact", POINT), 2, random())
    assert toys.centres.shape == (2, len({n.name for dataset in model.datasets for n in dataset.nuisances}))
    used = toy_model(model, toys, 1)
    flux = [n.centre for dataset in used.datasets for n in dataset.nuisances if n.name == "flux"]
    assert len(flux) == 2
    assert flux[0] == flux[1] != 0


@pytest.mark.parametrize("name", NAMES)
def test_without_what_is_auxiliary_nothing_else_is_another(name: str) -> None:
    model = named(name)
    truth = truth_at(model, "contact", POINT)
    one, other = (draw(model, truth, 3, random(), auxiliary=auxiliary) for auxiliary in (True, False))
    assert not other.centres.any()
    assert one.centres.any()
    for drawn, again in zip(one.datasets, other.datasets, strict=True):
        np.testing.assert_array_equal(drawn.observed, again.observed)


def chi2_written_out(model: Model, toys: Toys, i: int, parameters: Mapping[str, float], theta: FloatArray) -> float:
    """Chi2 of toy i at nuisances: deviances about its own backgrounds, and each prior about its own centre."""
    total, at = 0.0, {n.name: value for n, value in zip(model.nuisances, theta, strict=True)}
    for nuisance, value, centre in zip(model.nuisances, theta, toys.centres[i], strict=True):
        total += 0 if nuisance.sigma is None else ((value - centre) / nuisance.sigma) ** 2
    for dataset, drawn in zip(model.datasets, toys.datasets, strict=True):
        signal = dataset.in_time(dataset.signal("contact", parameters)[0])
        backgrounds = {**dataset.measurement.backgrounds, **{k: v[i] for k, v in drawn.backgrounds.items()}}
        expected = np.zeros(signal.shape)
        for sample, counts in {"signal": signal, **backgrounds}.items():
            expected = expected + (1 + sum(at[n.name] for n in dataset.nuisances if sample in n.scales)) * counts
        observed = drawn.observed[i]
        if drawn.uncertainty is not None:
            total += float((((observed - expected) / drawn.uncertainty[i]) ** 2).sum())
        else:
            saturated = stats.poisson.logpmf(observed, observed)
            total += float(2 * (saturated - stats.poisson.logpmf(observed, expected)).sum())
    return total


@pytest.mark.parametrize("name", ["paper", "csi_2017", "lar_2020"])
def test_the_model_of_a_toy_has_what_the_toy_has(name: str) -> None:
    model = named(name)
    toys = draw(model, truth_at(model, "contact", POINT), 4, random(3))
    for i in range(4):
        used = toy_model(model, toys, i)
        fit = profiled(used, "contact", {"eps_mumu_uV": 0.05})
        written = chi2_written_out(model, toys, i, {"eps_mumu_uV": 0.05}, fit.nuisances[0])
        # of sums of some thousand
        assert float(fit.chi2[0]) == pytest.approx(written, abs=1e-8)
        assert chi2_at(used, "contact", {"eps_mumu_uV": 0.05}) == pytest.approx(written, abs=1e-8)
        np.testing.assert_array_equal(centres(used.nuisances), toys.centres[i])
        # which is the least: it is more with any nuisance moved
        for j, sigma in enumerate(n.sigma for n in model.nuisances):
            for step in (-1e-3, 1e-3):
                at = fit.nuisances[0].copy()
                at[j] += step * (sigma or 1.0)
                assert chi2_written_out(model, toys, i, {"eps_mumu_uV": 0.05}, at) > written - 1e-9


def test_a_control_region_is_drawn_as_it_is_estimated(config: dict[str, Any]) -> None:
    config["analyses"]["csi_2017"]["measurement"] = {"steady_state_shape": "bins"}
    model = build_model(config, "csi_2017", ROOT)
    truth = truth_at(model, "contact", POINT)
    (means,) = means_of(model, truth)
    control = model.dataset.measurement.control
    assert control is not None
    assert means.without is not None
    toys = draw(model, truth, TOYS, random())
    (drawn,) = toys.datasets
    assert drawn.without is not None
    check_poisson(drawn.observed, means.counts)
    check_poisson(drawn.without, means.without)
    expected = model.expected(truth.signals)(truth.nuisances[None], np.zeros(1, np.intp))[0][0]
    np.testing.assert_allclose(means.counts - means.without / control.windows, expected, rtol=0, atol=1e-9)
    used = toy_model(model, toys, 7).dataset.measurement
    assert used.control is not None
    np.testing.assert_array_equal(used.control.counts, drawn.without[7])


def test_what_cannot_be_drawn_is_refused() -> None:
    model = named("csi_2017")
    with pytest.raises(ValueError, match=r"csi_2017, bin .*: -\S+ counts are expected; toys need zero or more"):
        means_of(model, truth_at(model, "contact", {}, np.array([0.0, 0.0, -1.5])))


def poisson(counts: FloatArray, mean: FloatArray) -> FloatArray:
    return np.asarray(np.asarray(stats.poisson.logpmf(counts, mean)).sum(axis=1))


def log_likelihood(model: Model, toys: Toys, truth: Truth) -> FloatArray:
    """Of each toy, by scipy, of everything that is drawn."""
    total = np.zeros(len(toys.centres))
    for dataset, drawn, means in zip(model.datasets, toys.datasets, means_of(model, truth), strict=True):
        counts = drawn.observed
        if dataset.measurement.is_difference:
            assert drawn.without is not None
            counts = counts + drawn.without
        elif drawn.uncertainty is not None:
            total += np.asarray(stats.norm.logpdf(counts, means.counts, drawn.uncertainty)).sum(axis=1)
            counts = np.zeros((len(counts), 0))
        if counts.size:
            total += poisson(counts, means.counts)
        if drawn.without is not None:
            assert means.without is not None
            total += poisson(drawn.without, means.without)
        for sample, values in drawn.sidebands.items():
            total += poisson(values, means.sidebands[sample])
    width = drawn_centres(model)
    for centre, value, sigma in zip(toys.centres.T, truth.nuisances, width, strict=True):
        total += stats.norm.logpdf(centre, value, sigma) if sigma else 0.0
    return total


@pytest.fixture
def gaussian() -> Model:
    """Counts with uncertainties that are no difference."""
    model = named("paper")
    dataset = replace(model.dataset, measurement=replace(model.dataset.measurement, is_difference=False))
    return replace(model, datasets=(dataset,))


@pytest.mark.parametrize("name", [*NAMES, "gaussian"])
def test_a_weight_is_a_ratio_of_likelihoods(name: str, gaussian: Model) -> None:
    model = gaussian if name == "gaussian" else named(name)
    first = truth_at(model, "contact", POINT)
    other = moved(truth_at(model, "contact", {"eps_ee_dV": 0.11, "eps_mumu_uV": 0.005}), model, 0.1)
    toys = draw(model, first, TOYS, random(4))
    found = log_ratio(model, toys, first, other)
    # scipy's log of a Gaussian or of factorials is of some hundred to a few thousand
    np.testing.assert_allclose(
        found, log_likelihood(model, toys, other) - log_likelihood(model, toys, first), atol=1e-7
    )
    weights: FloatArray = np.exp(found)
    distance = distance_squared(model, first, other)
    assert 1e-3 < distance < 1
    # the mean of a weight is one, and that of its square exp(D^2) but for third moments of Poisson's distribution
    assert abs(weights.mean() - 1) < MOST * weights.std() / np.sqrt(TOYS)
    effective = weights.sum() ** 2 / (weights**2).sum() / TOYS
    assert effective == pytest.approx(np.exp(-distance), abs=0.1)
    np.testing.assert_array_equal(log_ratio(model, toys, first, first), 0.0)


@pytest.mark.parametrize("name", [*NAMES, "gaussian"])
def test_a_distance_is_that_of_its_definition(name: str, gaussian: Model) -> None:
    model = gaussian if name == "gaussian" else named(name)
    first = truth_at(model, "contact", POINT)
    other = moved(truth_at(model, "contact", {"eps_mumu_dV": 0.03}), model, 0.3)
    total = 0.0
    for dataset, old, new in zip(model.datasets, means_of(model, first), means_of(model, other), strict=True):
        uncertainty = None if dataset.measurement.is_difference else dataset.measurement.uncertainty
        spread = old.counts if uncertainty is None else uncertainty**2
        total += float(((new.counts - old.counts)[spread > 0] ** 2 / spread[spread > 0]).sum())
        if old.without is not None and new.without is not None:
            total += float(((new.without - old.without)[old.without > 0] ** 2 / old.without[old.without > 0]).sum())
        for sample, mean in old.sidebands.items():
            total += float(((new.sidebands[sample] - mean)[mean > 0] ** 2 / mean[mean > 0]).sum())
    for one, two, width in zip(first.nuisances, other.nuisances, drawn_centres(model), strict=True):
        total += ((two - one) / width) ** 2 if width else 0.0
    assert distance_squared(model, first, other) == pytest.approx(total, rel=1e-12)
    assert distance_squared(model, first, first) == 0


def test_what_has_no_chance_has_no_weight() -> None:
    """Toys without a count say nothing of a truth that has some; of those with some, all that have none do."""
    model = named("csi_2017")
    (dataset,) = model.datasets
    bins = np.array([1.0, *np.zeros(dataset.measurement.observed.size - 1)])
    empty = {name: 0 * values for name, values in dataset.measurement.backgrounds.items()}
    alone = replace(dataset, measurement=replace(dataset.measurement, backgrounds=empty), sidebands={})
    used = replace(model, datasets=(alone,))
    nothing, some = (Truth(signals=[(x * bins[None], {})], nuisances=np.zeros(3)) for x in (0.0, 2.0))
    assert distance_squared(used, nothing, some) == np.inf
    assert distance_squared(used, some, nothing) == pytest.approx(2.0)
    toys = draw(used, some, 50, random())
    found = log_ratio(used, toys, some, nothing)
    seen = toys.datasets[0].observed[:, 0] > 0
    assert seen.any()
    assert not seen.all()
    np.testing.assert_array_equal(found[seen], -np.inf)
    np.testing.assert_allclose(found[~seen], 2.0)


def test_centres_lead_as_their_nuisances_do() -> None:
    model = named("lar_2020")
    toys = draw(model, truth_at(model, "contact", {}), 1, random())
    used = toy_model(model, toys, 0)
    by = used.led.by
    assert by is not None
    np.testing.assert_allclose(by @ centres_by(used.nuisances, by), toys.centres[0], rtol=0, atol=1e-12)
