"""Best fits by iminuit against the batched profile, which knows nothing of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.experiments.measurement import Measurement
from cevnsi.files.tables import read_csv
from cevnsi.fits import (
    AMPLITUDE,
    SHOWN,
    FittedCounts,
    best_fit,
    best_fits_of,
    counts_likelihood,
    fits_of,
    fits_of_each,
    fitted_counts,
    minimum,
    record_of,
    with_amplitude,
)
from cevnsi.model import Model, profiled
from cevnsi.statistics.nuisances import SIGNAL, Nuisance


@pytest.fixture(scope="module")
def made(model: Callable[..., Model]) -> Model:
    """Poisson counts over a background; a nuisance of the signal, of the background, and of both."""
    used = model("release", nuclei="mean")
    bins = used.dataset.measurement.observed.size
    background = np.linspace(30.0, 12.0, bins)
    counts = np.random.default_rng(7).poisson(0.9 * used.dataset.signal("contact", {})[0] + background).astype(float)
    dataset = replace(
        used.dataset,
        measurement=Measurement(
            axes=used.dataset.measurement.axes, observed=counts, backgrounds={"beam_off": background}
        ),
        nuisances=(
            Nuisance(name="flux", sigma=0.1, scales=(SIGNAL,), least=-1.0),
            Nuisance(name="beam_off", sigma=0.2, scales=("beam_off",), least=-1.0),
            Nuisance(name="live_time", sigma=0.05, scales=(SIGNAL, "beam_off"), least=-1.0),
        ),
        statistic="poisson",
    )
    return replace(used, datasets=(dataset,))


def test_minima_are_those_of_the_profile(made: Model) -> None:
    for used in (made, with_amplitude(made)):
        fit, expected = minimum(used), profiled(used, "contact", {})
        assert fit.fval == pytest.approx(expected.chi2[0], abs=1e-6)
        np.testing.assert_allclose(fit.values, expected.nuisances[0], atol=1e-4)


def test_the_amplitude_takes_the_place_of_nuisances_of_the_signal_alone(made: Model) -> None:
    assert [nuisance.name for nuisance in with_amplitude(made).nuisances] == [AMPLITUDE, "beam_off", "live_time"]


def chi2_at(model: Model, amplitude: float) -> float:
    """Least chi2 at an amplitude of the signal: what is more or less than one of it is a background of its own."""
    dataset = with_amplitude(model).dataset
    signal = model.dataset.signal("contact", {})[0]
    backgrounds = {**dataset.measurement.backgrounds, "more": (amplitude - 1) * signal}
    measurement = replace(dataset.measurement, backgrounds=backgrounds)
    without = replace(dataset, nuisances=dataset.nuisances[1:], measurement=measurement)
    return float(profiled(replace(model, datasets=(without,)), "contact", {}).chi2[0])


def test_errors_and_significance_are_where_chi2_rises(made: Model) -> None:
    found: dict[str, Any] = best_fit(made)
    total, counts = found["sm_counts"]["all"], found["cevns_counts"]
    assert total == pytest.approx(made.dataset.signal("contact", {})[0].sum(), rel=1e-12)
    best = counts["value"] / total
    assert found["chi2"] == pytest.approx(chi2_at(made, best), abs=1e-6)
    for side in (-counts["error_low"], counts["error_high"]):
        assert chi2_at(made, best + side / total) - found["chi2"] == pytest.approx(1, abs=1e-3)
    assert found["significance"] ** 2 == pytest.approx(chi2_at(made, 0.0) - found["chi2"], abs=1e-5)
    assert found["bins"] == made.dataset.measurement.observed.size
    scale = 1 + sum(found["nuisances"][name]["value"] for name in ("beam_off", "live_time"))
    background = made.dataset.measurement.backgrounds["beam_off"].sum()
    assert found["backgrounds"] == {"beam_off": pytest.approx(scale * background, rel=1e-9)}
    standard = found["standard_model"]
    assert standard["chi2"] == pytest.approx(profiled(made, "contact", {}).chi2[0], abs=1e-6)
    assert list(standard["nuisances"]) == ["flux", "beam_off", "live_time"]
    errors = {name: each["error"] for name, each in standard["nuisances"].items()}
    assert all(0 < errors[nuisance.name] <= (nuisance.sigma or 0) + 1e-6 for nuisance in made.nuisances)


@pytest.mark.parametrize("held", [True, False])
def test_what_is_not_fitted_has_no_error(held: bool, model: Callable[..., Model]) -> None:
    """Without nuisances, or with all of them held at zero, the standard model's chi2 is the likelihood's."""
    used = model("csi_2017")
    (dataset,) = used.datasets
    kept = tuple(replace(nuisance, fixed=0.0) for nuisance in dataset.nuisances) if held else ()
    found = best_fit(replace(used, datasets=(replace(dataset, nuisances=kept),)))
    counts = dataset.signal("contact", {})[0] + sum(dataset.measurement.backgrounds.values())
    assert found["standard_model"]["chi2"] == pytest.approx(float(dataset.terms(counts)[0]), abs=1e-9)
    assert found["nuisances"] == found["standard_model"]["nuisances"] == {}
    none = sum(dataset.measurement.backgrounds.values()) + np.zeros(144)
    assert found["significance"] ** 2 == pytest.approx(float(dataset.terms(none)[0]) - found["chi2"], abs=1e-6)


def test_nuisances_have_their_widths(made: Model, model: Callable[..., Model]) -> None:
    widths = {nuisance.name: nuisance.sigma for nuisance in made.nuisances}
    found = best_fit(made)
    for record in (found, found["standard_model"]):
        assert {name: each["sigma"] for name, each in record["nuisances"].items()} == {
            name: widths[name] for name in record["nuisances"]
        }
    assert best_fit(model("csi_2021"))["nuisances"]["time_offset_us"]["sigma"] is None


def chi2_of(model: Model, counts: FittedCounts, nuisances: dict[str, Any]) -> float:
    """Chi2 of counts of a data set, and of nuisances of best_fit.json."""
    chi2 = float(model.dataset.terms(np.sum(list(counts.samples.values()), axis=0))[0])
    return chi2 + float(sum((n["value"] / n["sigma"]) ** 2 for n in nuisances.values() if n["sigma"] is not None))


@pytest.mark.parametrize("analysis", [None, "csi_2017", "csi_2021", "lar_2020"])
def test_fitted_counts_are_those_of_the_fits(analysis: str | None, made: Model, model: Callable[..., Model]) -> None:
    used = model(analysis) if analysis else made
    fits = fits_of(used)
    ((best, standard),) = fitted_counts(fits).values()
    found = record_of(fits)
    for counts, record in ((best, found), (standard, found["standard_model"])):
        assert list(counts.samples) == [SIGNAL, *used.dataset.measurement.backgrounds]
        assert {name: counts.samples[name].sum() for name in record["backgrounds"]} == pytest.approx(
            record["backgrounds"], rel=1e-9
        )
        assert chi2_of(used, counts, record["nuisances"]) == pytest.approx(record["chi2"], abs=1e-9)
        np.testing.assert_allclose(
            np.sum(list(counts.flavors.values()), axis=0), counts.samples[SIGNAL], rtol=1e-12, atol=1e-12
        )
    if analysis:  # whose nuisances move the signal or the backgrounds
        assert best.samples[SIGNAL].sum() == pytest.approx(found["cevns_counts"]["value"], rel=1e-9)


def test_flavors_are_those_of_the_prediction(made: Model) -> None:
    """Times the amplitude, where nothing else moves the signal; and at a shape that nuisances have changed."""
    ((best, _),) = fitted_counts(fits_of(made)).values()
    expected = made.dataset.by_flavor("contact", {})
    factor = best.samples[SIGNAL].sum() / expected.sum()
    np.testing.assert_allclose(np.stack(list(best.flavors.values())), factor * expected, rtol=1e-12)


def test_flavors_change_with_the_shape_of_the_signal(model: Callable[..., Model]) -> None:
    """Templates at +1 and at -1 of a nuisance, by flavor and summed up."""
    dataset = model("csi_2021").dataset
    (nominal, sides), (whole, changes) = dataset.flavors("contact", {}), dataset.signal("contact", {})
    np.testing.assert_allclose(nominal.sum(axis=0), whole, rtol=1e-12)
    assert sides.keys() == changes.keys() == dataset.varied.keys()
    for name, two in sides.items():
        for mine, other in zip(two, changes[name], strict=True):
            assert (mine is None) == (other is None)
            if mine is not None and other is not None:
                np.testing.assert_allclose(mine.sum(axis=0), other, rtol=1e-9, atol=1e-12)


def test_fitted_counts_are_at_the_best_offset_of_times(model: Callable[..., Model]) -> None:
    used = model("csi_2021")
    fits = fits_of(used)
    ((counts, _),) = fitted_counts(fits).values()
    offset = record_of(fits)["nuisances"]["time_offset_us"]["value"]
    assert offset == pytest.approx(0.070, abs=0.005)
    cells, signal = used.dataset.signal("contact", {})[0], counts.samples[SIGNAL]
    later, before = (used.dataset.in_time(cells, {"time_offset_us": at}) for at in (offset, 0.0))
    np.testing.assert_allclose(signal / signal.sum(), later / later.sum(), rtol=1e-9, atol=1e-15)
    early = signal.reshape(used.dataset.measurement.shape)[:, :4].sum() / signal.sum()
    assert early < 0.9 * before.reshape(used.dataset.measurement.shape)[:, :4].sum() / before.sum()


def curve_of(model: Model) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], dict[str, Any]]:
    """Numbers of events, -2 Delta ln L there, and the record of best_fit.json."""
    fits = fits_of(model)
    each = fits_of_each(fits)
    table = counts_likelihood(fits, each)
    assert set(table["dataset"]) == {model.dataset.name}
    return (
        np.array(table["cevns_counts"]),
        np.array(table["minus2_delta_lnl"]),
        best_fits_of(fits, each)["datasets"][model.dataset.name],
    )


@pytest.mark.parametrize("analysis", [None, "csi_2017", "csi_2021", "lar_2020"])
def test_the_likelihood_has_the_best_fit_its_errors_and_its_significance(
    analysis: str | None, made: Model, model: Callable[..., Model]
) -> None:
    events, rise, record = curve_of(model(analysis) if analysis else made)
    seen = record["cevns_counts"]
    best = int(rise.argmin())
    assert (rise[best], events[best]) == (0, pytest.approx(seen["value"], rel=1e-9))
    assert (events[0], rise[0]) == (0, pytest.approx(record["significance"] ** 2, abs=1e-4))
    assert rise[-1] >= SHOWN
    for rows, sign, error in (
        (slice(best, None, -1), -1, seen["error_low"]),
        (slice(best, None), 1, seen["error_high"]),
    ):
        end = seen["value"] + sign * error
        at_end = np.interp(sign * end, sign * events[rows], np.sqrt(rise[rows]))  # the root is nearly a straight line
        assert at_end == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("fewer", [0.0, 0.5, 1.0])
def test_the_likelihood_without_a_signal_starts_at_its_best(fewer: float, made: Model) -> None:
    """Of as many counts as the background, and of less: it goes as far up, although errors at none say little."""
    background = made.dataset.measurement.backgrounds["beam_off"]
    counts = np.round(background - fewer * made.dataset.signal("contact", {})[0])
    dataset = replace(made.dataset, measurement=replace(made.dataset.measurement, observed=counts.clip(0)))
    events, rise, record = curve_of(replace(made, datasets=(dataset,)))
    assert record["cevns_counts"]["value"] == pytest.approx(0, abs=5)
    assert events[0] == 0
    assert rise[-1] >= SHOWN
    assert (np.diff(rise[rise.argmin() :]) > 0).all()


def test_the_likelihood_of_argon_is_the_published_one(model: Callable[..., Model], root: Path) -> None:
    """Fig. 8 of arXiv:2003.10630, to what reading it and rounding leave."""
    path = root / "data" / "coherent_lar_2020" / "published" / "fig8_analysis_a.csv"
    published = read_csv(path, ("cevns_counts", "minus2_dlnL"))
    events, rise, _ = curve_of(model("lar_2020"))
    at = published["cevns_counts"]
    assert events[-1] > at.max()
    found = np.interp(at, events, rise)
    assert np.abs(found - published["minus2_dlnL"]).max() < 0.2
