"""What an analysis may ask of its data: bins, what a release leaves open, nuisances, and a statistic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.config.build import build_model
from cevnsi.config.check import check
from cevnsi.experiments.csi_2017_time import KNOWN
from cevnsi.experiments.inputs import RELEASES, check_inputs
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import Model, chi2_at
from cevnsi.output.captions import data_text, statistic_text
from cevnsi.statistics.nuisances import Nuisance, adjusted
from cevnsi.studies.known import check as check_all

Build = Callable[..., Model]


@pytest.fixture
def build(config: dict[str, Any], root: Path) -> Build:
    """The model of csi_2017 with further keys."""

    def made(**keys: Any) -> Model:
        config["analyses"]["csi_2017"] |= keys
        return build_model(config, "csi_2017", root)

    return made


def sigmas(model: Model) -> dict[str, float | None]:
    return {nuisance.name: nuisance.sigma for nuisance in model.nuisances}


def test_a_width_is_another_and_none_is_free(build: Build) -> None:
    changes: Any = {"steady_state": {"sigma": 0.171}, "prompt_neutrons": {"sigma": "free"}}
    assert sigmas(build(nuisances=changes)) == {
        "signal_normalization": 0.28,
        "prompt_neutrons": None,
        "steady_state": 0.171,
    }


@pytest.mark.parametrize("value", [0.0, 0.1, -0.3])
def test_a_nuisance_that_is_fixed_is_a_change_of_what_is_expected(value: float, build: Build) -> None:
    plain = build()
    held = build(nuisances={"signal_normalization": {"fixed": value}})
    free = build(nuisances={"signal_normalization": {"sigma": 1e-9}})
    (dataset,) = plain.datasets
    counts = (1 + value) * dataset.signal("contact", {"eps_ee_dV": 0.1})[0]
    expected = free.profiled([(counts[None], {})]).chi2[0]  # a prior of no width holds it at zero
    assert chi2_at(held, "contact", {"eps_ee_dV": 0.1}) == pytest.approx(expected, abs=1e-7)


def test_without_nuisances_chi2_is_the_likelihood(build: Build) -> None:
    names = sigmas(build())
    held = build(nuisances={name: {"fixed": 0.0} for name in names})
    (dataset,) = held.datasets
    counts = dataset.signal("contact", {})[0] + sum(dataset.measurement.backgrounds.values())
    assert chi2_at(held, "contact", {}) == pytest.approx(float(dataset.terms(counts)[0]), abs=1e-10)


def test_bins_are_listed_or_evenly_spaced(build: Build) -> None:
    spaced = {"photoelectron_edges": {"min": 6, "max": 30, "step": 4}, "time_edges_us": [0, 1, 6]}
    (dataset,) = build(measurement=spaced).datasets
    assert [edges.tolist() for edges in dataset.measurement.axes.values()] == [
        [6, 10, 14, 18, 22, 26, 30],
        [0, 1, 6],
    ]
    assert dataset.measurement.observed.sum() == 547


def test_a_wide_window_holds_all_neutrinos(build: Build) -> None:
    """Of the delayed ones 0.91479 arrive within 6 microseconds."""
    wide = {
        "photoelectron_edges": {"min": 6, "max": 50, "step": 2},
        "time_edges_us": {"min": 0, "max": 12, "step": 0.5},
    }
    (dataset,) = build(measurement=wide).datasets
    assert dataset.templates.arrival is not None
    np.testing.assert_allclose(dataset.templates.arrival.sum(axis=1), 1, atol=1e-6)


def test_gaussian_counts_have_the_root_of_what_is_observed(build: Build) -> None:
    wide = {"photoelectron_edges": {"min": 6, "max": 30, "step": 6}, "time_edges_us": [0, 1, 6]}
    model = build(measurement=wide, statistic="gaussian")
    (dataset,) = model.datasets
    np.testing.assert_array_equal(dataset.measurement.errors, np.sqrt(dataset.measurement.observed))
    poisson = build(statistic="poisson")
    found, expected = (chi2_at(each, "contact", {}) for each in (model, poisson))
    assert 0.5 * found < expected < 1.5 * found  # counts of twenty and more are nearly normal


@pytest.mark.parametrize("reader", RELEASES)
def test_a_release_says_its_bins(reader: str, config: dict[str, Any]) -> None:
    config["datasets"]["mine"] = {"reader": reader, "files": {}}
    config["analyses"]["mine"] = {"dataset": "mine", "photoelectron_range": [6, 30], "normalization_uncertainty": 0.28}
    said = data_text(config, "mine")
    assert ("12 bins from 6 to 30 PE times 12 bins from 0 to 6 μs" in said) == (reader == "csi_2017")
    assert ("9 bins from 0 to 60 PE times 11 bins from 0 to 6 μs" in said) == (reader == "csi_2021")
    assert ("6 to 30 PE" in said) == (reader not in ("csi_2021", "lar_2020"))
    assert ("0 to 120 keVee times 8 of F90" in said) == (reader == "lar_2020")


def test_a_caption_says_what_is_changed(config: dict[str, Any]) -> None:
    section = config["analyses"]["csi_2017"]
    assert statistic_text(config, section).endswith("minimised over the nuisances that best_fit.json lists.")
    section["nuisances"] = {"steady_state": {"sigma": 0.171}, "prompt_neutrons": {"fixed": 0}}
    said = "with <code>steady_state</code> of width 0.171 and <code>prompt_neutrons</code> held at 0."
    assert statistic_text(config, section).endswith(said)
    assert "Eq. 7" in statistic_text(config, config["analyses"]["paper"])


EMPTY = {"photoelectron_edges": {"min": 0, "max": 30, "step": 2}}
COMPLAINTS: list[tuple[str, dict[str, Any], str]] = [
    ("csi_2017", {"photoelectron_range": [6, 30]}, "csi_2017.photoelectron_range: dataset 'csi_2017'"),
    ("csi_2017", {"normalization_uncertainty": 0.3}, "csi_2017.normalization_uncertainty: dataset 'csi_2017'"),
    ("csi_2017", {"study": "liao_marfatia_2017"}, "csi_2017.study: liao_marfatia_2017 is of analyses with photo"),
    (
        "paper",
        {"measurement": {"smearing": "none"}},
        "paper.measurement.smearing: dataset 'figure3' (reader figure3) do",
    ),
    (
        "lar_2020",
        {"measurement": {"smearing": "none"}},
        "smearing: dataset 'lar_2020' (reader lar_2020) does not leave",
    ),
    ("lar_2020", {"measurement": {"signal": "counts"}}, "signal: 'counts' is unknown; expected one of reference, forw"),
    ("lar_2020", {"measurement": {"shape_systematics": 1}}, "shape_systematics: 1 is not of type 'boolean'"),
    ("lar_2020", {"nuclei": "mean"}, "nuclei: dataset 'lar_2020' (reader lar_2020) is not of 'mean'; expected argon"),
    (
        "csi_2017",
        {"nuclei": "argon"},
        "csi_2017.nuclei: dataset 'csi_2017' (reader csi_2017) is not of 'argon'; expected",
    ),
    ("lar_2020", {"nuisances": {"f90": {"sigma": 2}}}, "lar_2020: nuisances.f90: is none of these counts; expected"),
    ("lar_2020", {"statistic": "gaussian"}, "statistic: gaussian, but nothing is observed in bin energy_kevee [10,"),
    ("paper", {"statistic": "poisson"}, "paper: statistic: poisson of counts with uncertainties of their own"),
    ("paper", {"statistic": "cash"}, "paper.statistic: 'cash' is unknown; expected one of gaussian, poisson"),
    ("csi_2017", {"statistic": "gaussian"}, "csi_2017: statistic: gaussian, but nothing is observed in bin photoel"),
    ("csi_2017", {"nuisances": {"flux": {"fixed": 0}}}, "csi_2017: nuisances.flux: is none of these counts; expected"),
    ("csi_2017", {"nuisances": {"steady_state": {"sigma": 0}}}, "nuisances.steady_state.sigma: 0 is not valid"),
    ("csi_2017", {"nuisances": {"steady_state": {"fixed": -2}}}, "nuisance steady_state: fixed at -2; expected a fin"),
    ("csi_2017", {"nuisances": {"steady_state": {}}}, "nuisances.steady_state: {} should be non-empty"),
    ("csi_2017", {"measurement": {"smearing": "gamma"}}, "smearing: 'gamma' is unknown; expected one of none, poisson"),
    ("csi_2017", {"measurement": {"acceptance_at": "count"}}, "csi_2017: acceptance_at: 'count' of what is not smear"),
    ("csi_2017", {"measurement": {"time_edges_us": [0, 0.3]}}, "csi_2017: arrival_time_us: 0.3 is not a bin edge"),
    (
        "csi_2017",
        {"measurement": {"time_edges_us": [0, 6, 6.000001]}},
        "arrival_time_us: [6, 6.000001] holds no bin of",
    ),
    (
        "paper",
        {"photoelectron_range": [6, 6.000001]},
        "paper.photoelectron_range: photoelectrons: [6, 6.000001] holds no",
    ),
    ("csi_2021", {"photoelectron_range": [8, 60]}, "csi_2021.photoelectron_range: dataset 'csi_2021'"),
    ("csi_2021", {"exposure": {"light_yield_pe_per_kev": 1.2}}, "exposure.light_yield_pe_per_kev: dataset 'csi_2021'"),
    ("csi_2021", {"measurement": {"smearing": "poisson"}}, "csi_2021.measurement.smearing: dataset 'csi_2021'"),
    ("csi_2021", {"measurement": {"time_edges_us": [0, 7]}}, "csi_2021: time_edges_us: from 0 to 7; expected 0 to 6"),
    (
        "csi_2021",
        {"measurement": {"photoelectron_edges": {"min": 0, "max": 70, "step": 10}}},
        "csi_2021: photoelectron_edges: from 0 to 70; expected 0 to 60, as the backgrounds' norms are those of the",
    ),
    (
        "csi_2021",
        {"nuisances": {"time_offset_us": {"fixed": 0.3}}},
        "time_offset_us: fixed at 0.3; expected a finite n",
    ),
    ("csi_2021", {"nuisances": {"flux": {"fixed": -2}}}, "nuisance flux: fixed at -2; expected a finite number, -1 or"),
    ("csi_2017", {"measurement": {"time_edges_us": [1, 0]}}, "csi_2017: time_edges_us: 1, 0; expected increasing"),
    (
        "csi_2017",
        {"measurement": {"photoelectron_edges": {"min": 6, "max": 30, "step": 5}}},
        "csi_2017: photoelectron_edges: from 6 to 30 by 5; expected whole steps",
    ),
    (
        "csi_2017",
        {"measurement": {"photoelectron_edges": {"min": 6, "max": 30, "step": 1e9}}},
        "csi_2017: photoelectron_edges: from 6 to 30 by 1e+09; expected whole steps, one or more",
    ),
    (
        "csi_2017",
        {"measurement": {"photoelectron_edges": {"min": 0, "max": 1e9, "step": 1}}},
        "csi_2017: photoelectron_edges: 1000000000 bins; expected fewer",
    ),
    (
        "csi_2017",
        {"measurement": EMPTY},
        "csi_2017: bin photoelectrons [0, 2), arrival_time_us [0, 0.5): 2 observed, but neither signal nor background",
    ),
]


@pytest.mark.parametrize(("analysis", "keys", "said"), COMPLAINTS, ids=[said[:40] for *_, said in COMPLAINTS])
def test_what_data_have_not_is_refused(
    analysis: str, keys: dict[str, Any], said: str, config: dict[str, Any], root: Path
) -> None:
    config["analyses"][analysis] |= keys
    del config["general_fit"]  # which would complain of an analysis of another study first

    def start() -> None:
        check_all(config)
        check_inputs(config, root)

    with pytest.raises(ConfigError) as caught:
        start()
    assert said in str(caught.value)


@pytest.mark.parametrize("key", ["photoelectron_range", "normalization_uncertainty"])
def test_what_eq_7_needs_is_asked_for(key: str, config: dict[str, Any]) -> None:
    del config["analyses"]["paper"][key]
    with pytest.raises(ConfigError, match=rf"paper: '{key}' is a required key for dataset 'figure3'"):
        check(config)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in KNOWN.items() for value in values])
def test_every_choice_of_the_release_is_a_key(name: str, value: str, build: Build) -> None:
    keys = {"smearing": "poisson"} if name == "acceptance_at" else {}
    assert np.isfinite(chi2_at(build(measurement={**keys, name: value}), "contact", {}))


def test_only_what_is_named_is_adjusted() -> None:
    both = (Nuisance(name="a", sigma=0.1, least=-1.0), Nuisance(name="b", sigma=None))
    assert adjusted(both, {}) == both
    assert adjusted(both, {"b": {"sigma": 2}}) == (both[0], Nuisance(name="b", sigma=2.0))
    assert adjusted(both, {"a": {"fixed": -1}})[0].fixed == -1.0
