"""What each choice is worth: the fits of the three data sets again, with one choice changed at a time.

Most choices are keys of an analysis. Those of CsI 2021 that are none are in `readings`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.config.build import load_model
from cevnsi.config.check import parse_analysis
from cevnsi.domains import spelled_out
from cevnsi.experiments.inputs import RELEASES, load_experiment
from cevnsi.fits import best_fit
from cevnsi.model import Model, assemble, flux_averaged_cross_section_cm2, model_of
from cevnsi.parameters import OFF_DIAGONAL, WORDS_OF_COMBINATIONS
from cevnsi.physics.cross_section import Spectrum, recoil_spectrum
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.intervals import below, refine
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.coherent.general_fit import FREE, PAIRS
from cevnsi.studies.coherent.readings import TabulatedFlux, events_of_a_public_code

CSI_2017, CSI_2021, LAR_2020 = "csi_2017", "csi_2021", "lar_2020"  # datasets
Numbers = dict[str, float]
Sections = Mapping[str, Mapping[str, Any]]  # of analyses, complete, by dataset
Paths = Mapping[str, Sequence[Path | str]]  # of tables in results/inputs/, by dataset

AS_IT_IS, HELD, SIGNAL_ALONE = "as configured", "every nuisance held where it is best", "root of the signal alone"
SPANNED = "of readings in the same window"
LABELS, BLIND, RADII = "the flux by the labels of its table", "flavor-blind couplings", "rms radii"
TOGETHER = "these three together"
CODE, CODE_INTEGRATED = "the efficiency at the centre of a first bin of 0 to 12 PE", "that bin integrated"
ALL_DATA, ALL_TIMES, SEVENFOLD = "all background data", "times up to 12 us", "a steady state known to 0.171"
WIDE = "a window of 6 to 50 PE and 12 us and an exponential steady state"
FORWARD, SHAPES = "the prediction itself", "errors of shapes"
HALF = "Poisson photoelectrons and the acceptance at their number and a half"
SMEARED = {
    "Poisson photoelectrons": {"smearing": "poisson"},
    "Poisson photoelectrons and the acceptance at their number": {"smearing": "poisson", "acceptance_at": "count"},
    HALF: {"smearing": "poisson", "acceptance_at": "bin_centre"},
}
STEADY = {
    "a steady state exponential in time": {"steady_state_shape": "exponential"},
    "a steady state of each bin by itself": {"steady_state_shape": "bins"},
}
_WIDER = {
    "photoelectron_edges": {"min": 6, "max": 50, "step": 2},
    "time_edges_us": {"min": 0, "max": 12, "step": 0.5},
    "steady_state_shape": "exponential",
}
OF_THE_FIT = ("cevns_counts", "cevns_low", "cevns_high", "significance")
# Keys of an analysis, by dataset and what is chosen.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    CSI_2017: {
        ALL_DATA: {"measurement": {"steady_state_data": "all"}},
        **{name: {"measurement": keys} for name, keys in (STEADY | SMEARED).items()},
        SEVENFOLD: {"nuisances": {"steady_state": {"sigma": 0.171}}},  # arXiv:2008.06062, code 7stats
        ALL_TIMES: {"measurement": {"time_edges_us": _WIDER["time_edges_us"]}},
        WIDE: {"measurement": _WIDER},
        BLIND: {"couplings": "flavor_blind"},
    },
    CSI_2021: {BLIND: {"couplings": "flavor_blind"}, RADII: {"form_factor": "helm_rms"}},
    LAR_2020: {
        FORWARD: {"measurement": {"signal": "forward"}},
        SHAPES: {"measurement": {"shape_systematics": True}},
    },
}
# eps_u = eps_d as arXiv:2008.06062 has it: all background data, one bin of energy, two of time.
SEVEN_STATS = {"steady_state_data": "all", "photoelectron_edges": [6, 30], "time_edges_us": [0, 1, 6]}
SEVEN_STATS_WORDS = "all background data, one bin of 6 to 30 PE, 0 to 1 and 1 to 6 us"
EPSILON = np.linspace(-0.3, 0.5, 801)  # fine enough to know the least chi2 to 3e-4
ONE_TIME = "one bin of time"
RADIUS = {"nuclei": "cs_and_i", "form_factor": "helm_rms_apart"}  # one radius of neutrons for both, protons as they are
RADII_FM, ANGLES = np.linspace(1.6, 9, 149), np.linspace(0.05, 0.45, 161)


def changed(section: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """A section with other keys; mappings are laid over its own, one level deep."""
    laid = {
        name: {**section.get(name, {}), **value} if isinstance(value, Mapping) else value
        for name, value in keys.items()
    }
    return {**section, **laid}


def numbers_of(record: Mapping[str, Any], model: Model, spectrum: Spectrum = recoil_spectrum) -> Numbers:
    """What a record of best_fit.json of a model has of published quantities, and cross sections in cm^2.

    The cross section that is seen is the standard model's times the amplitude, which is what is seen over what is
    expected where the fit has its offset of times; errors are those of the signal. The excess is what the fit has more
    than the data.
    """
    seen, dataset = record["cevns_counts"], model.dataset
    offset = {name: found["value"] for name, found in record["nuisances"].items()}
    expected = float(dataset.in_time(dataset.signal("contact", {})[0], offset).sum())
    cross_section = flux_averaged_cross_section_cm2(model.analysis, spectrum)
    found = {
        "sm_counts": record["sm_counts"]["all"],
        "cevns_counts": seen["value"],
        "cevns_low": seen["error_low"],
        "cevns_high": seen["error_high"],
        "significance": record["significance"],
        "sm_cross_section": cross_section,
        "amplitude": seen["value"] / expected,
        "cross_section": cross_section * seen["value"] / expected,
        **record["backgrounds"],
    }
    if dataset.measurement.control is None:  # else some of the background is of no sample
        events = seen["value"] + sum(record["backgrounds"].values())
        found["excess"] = events - dataset.measurement.observed.sum()
    return {name: float(value) for name, value in found.items()}


def fitted(model: Model, spectrum: Spectrum = recoil_spectrum) -> Numbers:
    """The same of a model's own fit."""
    return numbers_of(best_fit(model), model, spectrum)


def with_flux(section: Mapping[str, Any], paths: Sequence[Path | str], flux: TabulatedFlux) -> Model:
    """The model of a section with another flux; TableError of files that are not sound."""
    analysis = parse_analysis(section)
    return model_of(analysis, assemble(analysis, *load_experiment(section, paths), flux.recoil_spectrum))


def held(record: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that hold every nuisance where a record has it."""
    return {"nuisances": {name: {"fixed": float(found["value"])} for name, found in record["nuisances"].items()}}


def _curve(model: Model, name: str, free: bool = False) -> Callable[[FloatArray], FloatArray]:
    """Chi2 along a parameter or a combination that has words; contact couplings are zero or, if `free`, all free."""
    made = {name: WORDS_OF_COMBINATIONS[name]} if name in WORDS_OF_COMBINATIONS else {}
    domain = spelled_out(FREE, [name], made) if free else {}
    return lambda values: chi2(model, "contact", {name: values}, domain, made)


def ends_of_ranges(model: Model) -> Numbers:
    """Where eps_u = eps_d of one pair is allowed at 90 % CL, one parameter, from the curve of chi2 itself.

    Others are zero, or free where a name begins with `free_`. Off the diagonal there is but the greatest magnitude.
    """
    found: Numbers = {}
    for free, pair in product((False, True), PAIRS):
        curve, name = _curve(model, f"eps_{pair}_V", free), f"{'free_' if free else ''}eps_{pair}"
        epsilon = EPSILON[::8] if free else EPSILON  # one wide well
        samples = curve(epsilon)
        level = float(samples.min()) + threshold(0.90, 1)
        intervals = below(curve, epsilon, samples, [level])[0]
        found[f"{name}_upper"] = intervals[-1][1]
        if pair not in OFF_DIAGONAL:
            found[f"{name}_lower"] = intervals[0][0]
        if len(intervals) == 2:
            found |= {f"{name}_gap_from": intervals[0][1], f"{name}_gap_to": intervals[1][0]}
    return {name: float(value) for name, value in found.items()}


def _measured(model: Model, name: str, x: FloatArray) -> tuple[Numbers, float]:
    """A parameter where chi2 along it is least inside x, its errors at one more, and the least."""
    curve = _curve(model, name)
    samples = curve(x)
    _, places, values = refine(lambda at, _: curve(at), x, samples[None])
    places, values = np.append(places, x[samples.argmin()]), np.append(values, samples.min())  # or at an end
    at, least = float(places[values.argmin()]), float(values.min())
    intervals = below(curve, x, samples, [least + 1.0])[0]
    low, high = next((low, high) for low, high in intervals if low <= at <= high)
    return {"": at, "_low": at - low, "_high": high - at}, least


def radius_of_neutrons(section: Mapping[str, Any], paths: Sequence[Path | str]) -> Numbers:
    """Their rms radius in Cs and I, of one for both, and how many sigma its best is from form factors that are one.

    In fm, with Helm's form factor, protons as they are; the second is a root of Delta chi2.
    """
    fitted_radius, least = _measured(load_model(changed(section, RADIUS), paths), "neutron_radius_csi_fm", RADII_FM)
    whole = _curve(load_model(changed(section, RADIUS | {"form_factor": "point"}), paths), "sin2_theta_w")
    coherent = float(whole(np.array([section["sin2_theta_w"]]))[0])
    found = {f"neutron_radius{side}": value for side, value in fitted_radius.items()}
    return {**found, "suppression": math.sqrt(max(coherent - least, 0.0))}


def mixing_angle(model: Model) -> Numbers:
    """sin^2 theta_W of a fit of it alone."""
    found, _ = _measured(model, "sin2_theta_w", ANGLES)
    return {f"sin2_theta_w{side}": value for side, value in found.items()}


def _spans(section: Mapping[str, Any], paths: Sequence[Path | str]) -> Iterable[tuple[str, Numbers]]:
    """Least and greatest signal and significance of CsI 2017 over smearing, background data and its shape together."""
    found = []
    ways = product(({}, *SMEARED.values()), ("beam_on", "all"), ({"steady_state_shape": "marginals"}, *STEADY.values()))
    for smeared, data, shape in ways:
        keys = {"measurement": {**smeared, "steady_state_data": data, **shape}}
        record = best_fit(load_model(changed(section, keys), paths))
        found.append((record["cevns_counts"]["value"], record["significance"]))
    for name, values in (("least", min), ("greatest", max)):
        events, significance = (float(values(each)) for each in zip(*found, strict=True))
        yield f"{name} {SPANNED}", {"cevns_counts": events, "significance": significance}


def _of_csi_2021(
    section: Mapping[str, Any], paths: Sequence[Path | str], flux: TabulatedFlux
) -> Iterable[tuple[str, Numbers]]:
    """Readings that are no keys, and what a fit of the signal without background would have for an error."""
    three = {name: value for keys in CHANGES[CSI_2021].values() for name, value in keys.items()}
    for name, keys in ((LABELS, {}), (TOGETHER, three)):
        yield name, fitted(with_flux(changed(section, keys), paths, flux), flux.recoil_spectrum)
    analysis, tables = parse_analysis(section), RELEASES[section["reader"]].loaded(paths)
    for name, integrated in ((CODE, False), (CODE_INTEGRATED, True)):
        yield name, events_of_a_public_code(analysis, tables, integrated=integrated)


def choices_of(
    dataset: str,
    section: Mapping[str, Any],
    paths: Sequence[Path | str],
    record: Mapping[str, Any],
    flux: TabulatedFlux,
) -> dict[str, Numbers]:
    """Numbers of one data set by what is chosen; its section is complete, the record that of best_fit.json."""
    model = load_model(section, paths)
    found = {AS_IT_IS: numbers_of(record, model)}
    for name, keys in CHANGES[dataset].items():
        found[name] = fitted(load_model(changed(section, keys), paths))
    certain = fitted(load_model(changed(section, held(record)), paths))
    found[HELD] = {name: certain[name] for name in OF_THE_FIT}
    error = math.sqrt(found[AS_IT_IS]["cevns_counts"])
    found[SIGNAL_ALONE] = {"cevns_low": error, "cevns_high": error}
    if dataset == CSI_2017:
        found |= dict(_spans(section, paths))
        found[AS_IT_IS] |= ends_of_ranges(model) | radius_of_neutrons(section, paths)
        found[ONE_TIME] = radius_of_neutrons(changed(section, {"measurement": {"time_edges_us": [0, 6]}}), paths)
        found[SEVEN_STATS_WORDS] = ends_of_ranges(load_model(changed(section, {"measurement": SEVEN_STATS}), paths))
    if dataset == CSI_2021:
        found |= dict(_of_csi_2021(section, paths, flux))
        certain_radii = changed(section, {"nuisances": {"radius": {"fixed": 0}}})  # as a radius is fitted
        found[AS_IT_IS] |= mixing_angle(model) | radius_of_neutrons(certain_radii, paths)
        for name in (BLIND, RADII):
            found[name] |= mixing_angle(load_model(changed(section, CHANGES[CSI_2021][name]), paths))
    return found
