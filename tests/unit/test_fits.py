"""Best fits by iminuit against the batched profile, which knows nothing of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cevnsi.experiments.measurement import Measurement
from cevnsi.fits import AMPLITUDE, best_fit, fitted_counts, minimum, with_amplitude
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


def test_fitted_counts_are_those_of_the_fit(made: Model) -> None:
    (counts,) = fitted_counts(made).values()
    found: dict[str, Any] = best_fit(made)
    assert list(counts) == [SIGNAL, "beam_off"]
    assert counts["beam_off"].sum() == pytest.approx(found["backgrounds"]["beam_off"], rel=1e-9)
    chi2 = float(made.dataset.terms(sum(counts.values()) + np.zeros_like(counts[SIGNAL]))[0])
    sigmas = {"beam_off": 0.2, "live_time": 0.05}
    prior = sum((found["nuisances"][name]["value"] / sigma) ** 2 for name, sigma in sigmas.items())
    assert chi2 + prior == pytest.approx(found["chi2"], abs=1e-9)


def test_fitted_counts_are_at_the_best_offset_of_times(model: Callable[..., Model]) -> None:
    used = model("csi_2021")
    (counts,) = fitted_counts(used).values()
    found: dict[str, Any] = best_fit(used)
    offset = found["nuisances"]["time_offset_us"]["value"]
    assert offset == pytest.approx(0.070, abs=0.005)
    assert counts[SIGNAL].sum() == pytest.approx(found["cevns_counts"]["value"], rel=1e-9)
    cells = used.dataset.signal("contact", {})[0]
    later, before = (used.dataset.in_time(cells, {"time_offset_us": at}) for at in (offset, 0.0))
    np.testing.assert_allclose(counts[SIGNAL] / counts[SIGNAL].sum(), later / later.sum(), rtol=1e-9, atol=1e-15)
    early = counts[SIGNAL].reshape(used.dataset.measurement.shape)[:, :4].sum() / counts[SIGNAL].sum()
    assert early < 0.9 * before.reshape(used.dataset.measurement.shape)[:, :4].sum() / before.sum()
