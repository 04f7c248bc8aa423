"""CsI 2021 in energy and time: its likelihood written out from the release's files, and what is known of it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from iminuit import Minuit
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.stats import gamma, poisson

from cevnsi.arrays import FloatArray
from cevnsi.config.build import build_model
from cevnsi.config.check import parse_analysis
from cevnsi.constants import (
    ATOMIC_MASS_UNIT_MEV,
    AVOGADRO,
    CESIUM_133_MASS_U,
    ELECTRON_MASS_MEV,
    G_FERMI,
    HBARC_MEV_FM,
    IODINE_127_MASS_U,
    MUON_MASS_MEV,
    PION_MASS_MEV,
    SIN2_THETA_W,
)
from cevnsi.experiments.checks import Tables
from cevnsi.experiments.csi_2021 import (
    EVENTS,
    KEPT_UNTIL_US,
    OFFSETS_US,
    Choices,
    Efficiency,
    clock_of,
    response,
    time_shares,
)
from cevnsi.experiments.csi_2021 import (
    counted as counted_by_library,
)
from cevnsi.experiments.inputs import complete, experiment_of
from cevnsi.experiments.release import Variation
from cevnsi.experiments.targets import TARGETS
from cevnsi.fits import best_fit
from cevnsi.model import Model, assemble, chi2_at, flux_averaged_cross_section_cm2, held_at
from cevnsi.physics.cross_section import recoil_spectrum
from cevnsi.physics.form_factors import form_factor_named
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.nuisances import precisions
from cevnsi.studies.coherent.readings import events_of_a_public_code, flux_by_labels
from cevnsi.studies.coherent.scorecard import FLUX_FILE
from cevnsi.templates import Templates, build_templates
from project import ROOT

RELEASE = ROOT / "data/coherent_csi_2021"
PE, US = np.array([0, 8, 12, 16, 20, 24, 32, 40, 50, 60.0]), np.array([*np.arange(9) / 8, 2, 4, 6])
LINE, END = (PION_MASS_MEV**2 - MUON_MASS_MEV**2) / (2 * PION_MASS_MEV), MUON_MASS_MEV / 2
NUCLEI = [  # protons, neutrons, mass in MeV, rms radius of the neutrons in fm
    (z, a - z, u * ATOMIC_MASS_UNIT_MEV - z * ELECTRON_MASS_MEV, radius)
    for z, a, u, radius in ((55, 133, CESIUM_133_MASS_U, 5.01), (53, 127, IODINE_127_MASS_U, 4.94))
]
LUMINOSITY = 14.6e3 / (132.90545196 + 126.90447) * AVOGADRO * 3.198e23 * 0.0848 / (4 * np.pi * 1930.0**2)
KEPT_UNTIL, LOST = 0.52, 0.0494  # microseconds, and per microsecond after them
BACKGROUNDS = ("beam_related_neutrons", "neutrino_induced_neutrons", "steady_state")
MOVED = ("efficiency", "quenching_0", "quenching_1", "radius")
THETA = ("amplitude", "flux", *MOVED, *BACKGROUNDS, "time_offset_us")
NEUTRINOS = ("nu_e", "nu_mu", "nu_mu_bar")
WIDTHS = np.array([np.inf, 0.10, 1, 1, 1, 1, 0.25, 0.35, 0.021, np.inf])


def nodes(edges: Any, longest: float, count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre between edges, in segments that are no longer."""
    pieces = [np.linspace(a, b, int(np.ceil((b - a) / longest)) + 1)[:-1] for a, b in pairwise(edges)]
    ends, (x, w) = np.append(np.concatenate(pieces), edges[-1]), np.polynomial.legendre.leggauss(count)
    half = np.diff(ends)[:, None] / 2
    return (ends[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


RECOIL, STEP = nodes(sorted({0.0, *(2 * e**2 / n[2] for e in (LINE, END, 59.5) for n in NUCLEI)}), 4e-4, 6)


def sphere(x: FloatArray) -> FloatArray:
    return np.where(x < 1e-3, 1.0, 3 * (np.sin(x) - x * np.cos(x)) / np.maximum(x, 1e-3) ** 3)


def klein_nystrand(q: FloatArray, a: int, radius: float, scale: float = 1.0) -> FloatArray:
    return sphere(q * scale * 1.2 * a ** (1 / 3)) / (1 + (0.7 * q) ** 2)


def helm(q: FloatArray, a: int, radius: float) -> FloatArray:
    return sphere(q * np.sqrt(5 / 3 * (radius**2 - 3 * 0.9**2))) * np.exp(-((0.9 * q) ** 2) / 2)


def at_rest(recoil: FloatArray, mass: float) -> list[tuple[FloatArray, FloatArray]]:
    """Energies that give a recoil, and shares of nu_e, nu_mu and nu_mu_bar there, each (energies, recoils)."""
    x, w = np.polynomial.legendre.leggauss(4)  # exact of these polynomials
    least = np.minimum(np.sqrt(mass * recoil / 2), END)
    energy = least + (END - least) * (1 + x[:, None]) / 2
    y = energy / MUON_MASS_MEV
    delayed = [w[:, None] * (END - least) / 2 * y**2 / MUON_MASS_MEV * d for d in (192 * (0.5 - y), 64 * (0.75 - y))]
    return [(energy, delayed[0]), (np.full((1, 1), LINE), np.ones((1, 1))), (energy, delayed[1])]


def of_table(recoil: FloatArray, mass: float) -> list[tuple[FloatArray, FloatArray]]:
    """The same of the flux's table with its labels as energies, which are half a bin above the centres of its bins."""
    table = np.loadtxt(RELEASE / "derived_flux/sns_energy_marginal_1MeV.csv", delimiter=",")
    return [(table[:, :1], table[:, i : i + 1] / 0.0848) for i in (3, 1, 2)]


def cross_section(energy: FloatArray, recoil: FloatArray, nucleus: Any, form: Any) -> FloatArray:
    """Eq. 3 in cm^2 / MeV for a charge of one."""
    z, n, mass, radius = nucleus
    f = form(np.sqrt(2 * mass * recoil) / HBARC_MEV_FM, z + n, radius)
    unit = G_FERMI**2 / (2 * np.pi) * mass * (HBARC_MEV_FM * 1e-13) ** 2
    return np.asarray(unit * f**2 * np.clip(2 - mass * recoil / energy**2, 0, None))


def efficiency(pe: Any, number: int) -> Any:
    a, b, c, d = np.loadtxt(RELEASE / "effCoefficients.txt")[number]
    return a / (1 + np.exp(-b * (pe - c))) + d


@cache
def seen(efficient: int = 0, quenching: int = 0) -> FloatArray:
    """The part of recoils that is seen in each bin of photoelectrons, (bins, recoils)."""
    coefficients = np.loadtxt(RELEASE / "scintRespCoefficients.txt")[quenching]
    kevee = 1e3 * (RECOIL[:, None] ** np.arange(1, 5) @ coefficients)
    start, shape = brentq(efficiency, 5, 9, args=(efficient,)), 1 + 9.56 * kevee
    pe, weight = nodes(np.unique([*PE, start]), 0.5, 4)
    density = gamma.pdf(pe[:, None], shape, scale=kevee / 0.0749 / shape)
    density *= (weight * np.clip(efficiency(pe, efficient), 0, None))[:, None]
    return np.stack([density[(low <= pe) & (pe < high)].sum(axis=0) for low, high in pairwise(PE)])


def charges(proton: float = 0.5 - 2 * SIN2_THETA_W, neutron: float = -0.5, **epsilon: float) -> FloatArray:
    """Charges squared (flavors, Cs and I) of couplings on the diagonal."""
    return np.array(
        [
            [
                (
                    z * (proton + 2 * epsilon.get(f"eps_{pair}_uV", 0) + epsilon.get(f"eps_{pair}_dV", 0))
                    + n * (neutron + epsilon.get(f"eps_{pair}_uV", 0) + 2 * epsilon.get(f"eps_{pair}_dV", 0))
                )
                ** 2
                for z, n, _, _ in NUCLEI
            ]
            for pair in ("ee", "mumu", "mumu")
        ]
    )


def by_energy(charge: FloatArray, see: FloatArray, form: Any = klein_nystrand, flux: Any = at_rest) -> FloatArray:
    """Counts (flavors, bins of photoelectrons)."""
    total = np.zeros((3, len(see)))
    for j, nucleus in enumerate(NUCLEI):
        for k, (energy, share) in enumerate(flux(RECOIL, nucleus[2])):
            rate = (share * cross_section(energy, RECOIL, nucleus, form)).sum(axis=0)
            total[k] += charge[k, j] * see @ (STEP * rate)
    return LUMINOSITY * total


@cache
def of_charges() -> list[list[FloatArray]]:
    """Counts of each charge squared, (3, 2, 9), as expected, and by nuisance at +1 and -1 sigma."""
    scaled = [partial(klein_nystrand, scale=scale) for scale in (1.022, 0.978)]
    cases = [[(seen(), klein_nystrand)], [(seen(1), klein_nystrand), (seen(2), klein_nystrand)]]
    cases += [[(seen(0, i), klein_nystrand), (seen(0, i + 1), klein_nystrand)] for i in (1, 3)]
    cases += [[(seen(), form) for form in scaled]]
    unit = [np.outer(np.ones(3), row) for row in np.eye(2)]
    return [[np.stack([by_energy(row, *each) for row in unit], axis=1) for each in case] for case in cases]


def kept(us: FloatArray) -> FloatArray:
    """The integral over reconstructed time of what is kept."""
    late = np.maximum(us - KEPT_UNTIL, 0)
    return np.where(us < KEPT_UNTIL, us, KEPT_UNTIL - np.expm1(-LOST * late) / LOST)


@cache
def profile(name: str) -> tuple[FloatArray, FloatArray]:
    """Edges in microseconds and shares of all of it in each 10 ns of a file."""
    if name.startswith("nu"):
        table = np.loadtxt(RELEASE / "derived_flux/sns_time_marginal_10ns.csv", delimiter=",")
        column = ("nu_mu", "nu_mu_bar", "nu_e").index(name) + 2
        return np.append(table[:, 0], table[-1, 1]) / 1e3, table[:, column]
    table = np.loadtxt(RELEASE / f"{name}Trec.txt")
    return np.round(np.append(table[:, 0] - 0.005, table[-1, 0] + 0.005), 3), table[:, 1]


@cache
def density(name: str) -> Any:
    edges, contents = profile(name)
    return CubicSpline(edges, np.append(0, np.cumsum(contents))).derivative()


@lru_cache(maxsize=10_000)
def shares(name: str, offset: float, smooth: bool = True) -> FloatArray:
    """What is seen in each bin of time: straight lines through the cumulative at the edges, or a cubic spline."""
    edges, contents = profile(name)
    ends = np.unique([*(edges + offset), *US, KEPT_UNTIL])
    ends = ends[(ends >= 0) & (ends <= US[-1]) & (ends >= edges[0] + offset)]
    if smooth:
        t, weight = nodes(ends, 1.0, 3)
        parts = weight * np.where(t < KEPT_UNTIL, 1, np.exp(-LOST * (t - KEPT_UNTIL))) * density(name)(t - offset)
    else:
        t = (ends[1:] + ends[:-1]) / 2
        place = np.searchsorted(edges, t - offset) - 1
        parts = np.diff(kept(ends)) * contents[place] / np.diff(edges)[place]
    found = np.histogram(t, US, weights=parts)[0]
    return np.asarray(found if name.startswith("nu") else found / found.sum())


@cache
def counted(name: str) -> FloatArray:
    pe, us = np.loadtxt(RELEASE / f"dataBeamOn{name}.txt").T
    return np.asarray(np.histogram2d(pe, us, bins=[PE, US])[0])


@cache
def by_photoelectrons(name: str) -> FloatArray:
    table = np.loadtxt(RELEASE / f"{name}PE.txt")
    return np.asarray(np.histogram(table[:, 0], PE, weights=table[:, 1])[0])


def expected(theta: FloatArray, charge: FloatArray, smooth: bool = True) -> FloatArray:
    """Counts (9, 11) at nuisances, the first of which is the amplitude of the signal less one."""
    amplitude, flux, *moved, brn, nin, steady, offset = theta
    (nominal,), *varied = of_charges()
    total = nominal.copy()
    for a, sides in zip(moved, varied, strict=True):
        total += abs(a) * (sides[int(a < 0)] - nominal)
    by_flavor = (1 + amplitude) * (1 + flux) * (charge[..., None] * total).sum(axis=1)
    counts = np.zeros((len(PE) - 1, len(US) - 1))
    for by_pe, name in zip(by_flavor, NEUTRINOS, strict=True):
        counts += np.outer(by_pe, shares(name, offset, smooth))
    for scale, norm, name in ((brn, 18.4, "brn"), (nin, 5.6, "nin")):
        counts += (1 + scale) * norm * np.outer(by_photoelectrons(name), shares(name, offset, smooth))
    falling = -np.diff(np.exp(-LOST * US))
    off = np.outer(counted("AC").sum(axis=1), falling)
    return np.asarray(counts + (1 + steady) * 1286 * off / off.sum())


def deviance(theta: FloatArray, charge: FloatArray, smooth: bool = True) -> float:
    """-2 ln L over that of a perfect prediction."""
    theta, n = np.asarray(theta), counted("C")
    logarithm = poisson.logpmf(n, n) - poisson.logpmf(n, expected(theta, charge, smooth))
    return float(2 * np.sum(logarithm) + np.sum((theta / WIDTHS) ** 2))


def least(charge: FloatArray, **fixed: float) -> Minuit:
    """The fit, with a free amplitude and no nuisances of the signal unless told otherwise."""
    minuit = Minuit(lambda theta: deviance(theta, charge), np.append(np.zeros(9), 0.05), name=THETA)
    minuit.limits = [(-1, None), (-1, None), *[(None, None)] * 4, *[(-1, None)] * 3, (-0.25, 0.25)]
    for name, value in {**dict.fromkeys(("flux", *MOVED), 0.0), **fixed}.items():
        minuit.values[name], minuit.fixed[name] = value, not np.isnan(value)
        if np.isnan(value):
            minuit.values[name] = 0.0
    minuit.strategy, minuit.tol = 2, 1e-4
    minuit.migrad()
    assert minuit.valid
    minuit.hesse()
    return minuit


FREE = dict.fromkeys(("flux", *MOVED), np.nan)
UNIT = [np.outer(np.ones(3), nucleus) for nucleus in np.eye(2)]


def seen_counts(offset: float = 0.0, of: FloatArray | None = None) -> FloatArray:
    """Of the standard model, by flavor."""
    total = np.sum(charges()[..., None] * (of_charges()[0][0] if of is None else of), axis=(1, 2))
    return np.asarray(total * [shares(name, offset).sum() for name in NEUTRINOS])


@cache
def found() -> dict[str, Any]:
    """Fits with a free amplitude, without signal, and of the standard model."""
    sm = charges()
    return {"free": least(sm), "none": least(sm, amplitude=-1.0), "standard": least(sm, amplitude=0.0, **FREE)}


def test_the_page_finds_what_is_published() -> None:
    """306 +- 20 events at 11.6 sigma (arXiv:2110.07730); the offset is the data's own."""
    free, none = found()["free"], found()["none"]
    assert np.sqrt(none.fval - free.fval) == pytest.approx(11.6, abs=0.1)
    assert (1 + free.values["amplitude"]) * seen_counts(free.values["time_offset_us"]).sum() == pytest.approx(
        306, abs=10
    )
    assert free.values["time_offset_us"] == pytest.approx(0.07, abs=0.01)
    assert free.errors["time_offset_us"] == pytest.approx(0.033, abs=0.01)
    assert counted("C").sum() == 1578
    assert counted("AC").sum() == 1295


def test_three_choices_together_meet_the_published_prediction() -> None:
    """341 +- 11 events and 189 +- 6 of 1e-40 cm^2, though nobody says that these were the choices."""
    charge, forms = charges(0.0305, -0.5122), {"form": helm, "flux": of_table}
    events = by_energy(charge, seen(), **forms).sum(axis=1) @ [shares(name, 0.0).sum() for name in NEUTRINOS]
    assert events == pytest.approx(341, abs=1)
    total = 0.0
    for j, nucleus in enumerate(NUCLEI):
        for k, (energy, share) in enumerate(of_table(RECOIL, nucleus[2])):
            total += charge[k, j] * (share * cross_section(energy, RECOIL, nucleus, helm)).sum(axis=0) @ STEP / 6
    assert total / 1e-40 == pytest.approx(189, abs=0.5)


def test_what_each_of_these_choices_is_worth() -> None:
    """As docs/assumptions.md has it."""
    late = [shares(name, 0.0).sum() for name in NEUTRINOS]

    def events(charge: FloatArray, form: Any = klein_nystrand, flux: Any = at_rest, see: Any = seen) -> float:
        return float(by_energy(charge, see(), form, flux).sum(axis=1) @ late)

    standard = events(charges())
    assert standard == pytest.approx(322.93, abs=0.01)
    changed = [events(charges(), flux=of_table), events(charges(0.0305, -0.5122)), events(charges(), helm)]
    changed += [events(charges(), see=partial(seen, number)) for number in (1, 2)]
    assert np.array(changed) / standard - 1 == pytest.approx([0.017, 0.028, 0.008, 0.113, -0.100], abs=6e-4)


def test_a_form_factor_of_one_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def shapes(*cases: tuple[int, int]) -> list[FloatArray]:
        return [
            np.stack([by_energy(row, seen(*case), lambda q, *_: np.ones_like(q)) for row in UNIT], axis=1)
            for case in cases
        ]

    standard = found()["standard"]
    of_one = [
        shapes((0, 0)),
        shapes((1, 0), (2, 0)),
        *(shapes((0, i), (0, i + 1)) for i in (1, 3)),
        shapes(*[(0, 0)] * 2),
    ]
    monkeypatch.setattr(f"{__name__}.of_charges", lambda: of_one)
    rejected = least(charges(), amplitude=0.0, **{**FREE, "radius": 0.0})
    assert np.sqrt(rejected.fval - standard.fval) == pytest.approx(6.25, abs=0.05)


# Newtrinos.jl as it was run for PRL 129, 081801: Newtrinos-org/Newtrinos.jl at 62de3716 (coherent_csi.jl, sns_flux.jl),
# Newtrinos-org/newtrinos-verifications at a30883cc, entries/10.1103_PhysRevLett.129.081801 (entry.toml, results).
ITS_PE = np.array([0, 12, 16, 20, 24, 28, 32, 36, 40, 46, 54, 64, 76, 100, 148, 196.0])
ITS_US = np.append(0, 0.5 * 12 ** (np.arange(9) / 8))


def as_newtrinos(integrated: bool = False, smooth: bool = False) -> tuple[float, dict[str, float]]:
    """Fitted amplitude times nominal events, as it counts them, and where its fit ends.

    Simpson's rule over each bin, all bins together one, and the efficiency at centres; arrivals flat in nine bins, and
    moved by the offset as such; the steady state as many counts of the anticoincidence in each bin. Two choices may be
    changed: the first bin `integrated`, and the steady state a `smooth` product of a shape and an exponential. Left
    out: its quenching and radii (both within 0.2 sigma), and its flux, as the amplitude is free.
    """
    middle, keeps = (ITS_PE[1:] + ITS_PE[:-1]) / 2, np.diff(kept(ITS_US)) / np.diff(ITS_US)
    kevee = 1e3 * (RECOIL[:, None] ** np.arange(1, 5) @ np.loadtxt(RELEASE / "scintRespCoefficients.txt")[0])
    law = gamma(1 + 9.56 * kevee, scale=kevee / 0.0749 / (1 + 9.56 * kevee))
    low, centre, high = (law.pdf(x[:, None]) for x in (ITS_PE[:-1], middle, ITS_PE[1:]))
    simpson = np.diff(ITS_PE)[:, None] / 6 * (low + 4 * centre + high)
    simpson = np.where(RECOIL > 3e-3, simpson / np.maximum(simpson.sum(axis=0), 1e-300), 0)
    fine, weight = nodes(np.array([0.0, 12.0]), 0.25, 4)
    first_bin = law.pdf(fine[:, None]) * weight[:, None]
    nominal, up, _ = np.loadtxt(RELEASE / "effCoefficients.txt")

    def by_bin(z: float) -> FloatArray:
        a, b, c, d = nominal + z * (up - nominal)
        accepted = [np.clip(a / (1 + np.exp(-b * (x - c))) + d, 0, None)[:, None] for x in (middle, fine)]
        see = simpson * accepted[0]
        if integrated:
            see[0] = (first_bin * accepted[1]).sum(axis=0)
        return by_energy(charges(), see, helm)

    def moved(contents: FloatArray, edges: FloatArray, offset: float) -> FloatArray:
        return np.diff(np.interp(edges - offset, edges, np.append(0, np.cumsum(contents))))

    def coarse(name: str, offset: float = 0.0) -> FloatArray:
        edges, contents = profile(name)
        return np.diff(np.interp(ITS_US, edges, np.append(0, np.cumsum(moved(contents, edges, offset)))))

    arriving = [coarse(name) for name in NEUTRINOS]
    events = [np.loadtxt(RELEASE / f"dataBeamOn{name}.txt").T for name in ("C", "AC")]
    observed, off = (np.histogram2d(pe, us, bins=[ITS_PE, ITS_US])[0] for pe, us in events)
    tables = {name: np.loadtxt(RELEASE / f"{name}PE.txt") for name in ("brn", "nin")}
    neutrons = {n: np.histogram(t[:, 0], ITS_PE, weights=t[:, 1])[0] for n, t in tables.items()}
    norms = np.array([*(coarse(name) @ keeps for name in neutrons), off.sum()])
    if smooth:
        falling = -np.diff(np.exp(-LOST * ITS_US))
        off = np.outer(off.sum(axis=1), falling) / falling.sum()

    def chi2(theta: FloatArray) -> float:
        amplitude, z, offset, *scales = theta
        expected_here = (scales[2] * norms[2] / off.sum()) * off
        for by_pe, times in zip(by_bin(z), arriving, strict=True):
            expected_here = expected_here + amplitude * np.outer(by_pe, moved(times, ITS_US, offset) * keeps)
        for scale, norm, (name, by_pe) in zip(scales, norms, neutrons.items(), strict=False):
            shape = np.outer(by_pe, coarse(name, offset) * keeps)
            expected_here = expected_here + scale * norm * shape / shape.sum()
        pulls = np.append(z, (np.array(scales) - 1) / [0.25, 0.36, 0.021])
        return float(-2 * poisson.logpmf(observed, expected_here).sum() + (pulls**2).sum())

    names = ("amplitude", "efficiency", "time_offset_us", *BACKGROUNDS)
    fit = Minuit(chi2, np.array([1, 0, 0.04, 1, 1, 1.0]), name=names)
    fit.limits["time_offset_us"] = (-0.5, 0.5)
    fit.migrad()
    assert fit.valid
    predicted = sum(by_pe.sum() * (times @ keeps) for by_pe, times in zip(by_bin(0.0), arriving, strict=True))
    norm = dict(zip(names[3:], norms, strict=True))
    return float(fit.values["amplitude"] * predicted), {
        n: v * norm.get(n, 1.0) for n, v in fit.values.to_dict().items()
    }


def test_a_public_code_fits_260_as_its_first_bin_has_no_signal() -> None:
    """Newtrinos.jl has 260 events (0.71 of 365, whose flux is larger), and here 258 to 261.

    Of a first bin of 0 to 12 PE it takes the efficiency at 6, which is zero: worth 60 events. A steady state of counts
    bin by bin is worth +13 to +18. Simpson's rule, recoils from 3 keV and centres of other bins are worth 1 each.
    """
    events, fit = as_newtrinos()
    assert events == pytest.approx(260, abs=4)
    its = {"beam_related_neutrons": 37.6, "neutrino_induced_neutrons": 7.3, "steady_state": 3869}
    assert {name: fit[name] for name in its} == pytest.approx(its, rel=0.01)
    assert fit["efficiency"] == pytest.approx(0.35, abs=0.05)
    assert fit["time_offset_us"] == pytest.approx(0.047, abs=0.01)
    assert as_newtrinos(integrated=True)[0] == pytest.approx(318, abs=4)
    assert as_newtrinos(smooth=True)[0] == pytest.approx(244, abs=4)
    assert as_newtrinos(integrated=True, smooth=True)[0] == pytest.approx(300, abs=4)


@pytest.mark.parametrize("integrated", [False, True])
def test_the_study_reads_the_release_as_that_code_does(integrated: bool, used: Model, read: Tables) -> None:
    """To 0.3 events: its efficiency is linear in counts, and here in coefficients."""
    events, fit = as_newtrinos(integrated=integrated)
    found = events_of_a_public_code(used.analysis, read, integrated=integrated)
    assert found["cevns_counts"] == pytest.approx(events, abs=0.3)
    assert {name: found[name] for name in BACKGROUNDS} == pytest.approx({n: fit[n] for n in BACKGROUNDS}, rel=2e-3)
    assert found["efficiency"] == pytest.approx(fit["efficiency"], abs=0.03)
    assert found["time_offset_us"] == pytest.approx(fit["time_offset_us"], abs=1e-3)


CHOSEN: dict[str, tuple[dict[str, str], dict[str, Any]]] = {  # of an analysis, and of the page
    "none": ({}, {}),
    "couplings": ({"couplings": "flavor_blind"}, {"charge": charges(0.0305, -0.5122)}),
    "radii": ({"form_factor": "helm_rms"}, {"form": helm}),
    "together": (
        {"couplings": "flavor_blind", "form_factor": "helm_rms"},
        {"charge": charges(0.0305, -0.5122), "form": helm},
    ),
}


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("labels", [False, True])
def test_counts_and_cross_sections_of_choices_are_those_of_the_page(
    name: str, labels: bool, used: Model, read: Tables, config: dict[str, Any], root: Path
) -> None:
    """To 1e-4: a table has an edge of recoils for every energy, of which the library has none."""
    keys, of_page = CHOSEN[name]
    flux = of_table if labels else at_rest
    charge, form = of_page.get("charge", charges()), of_page.get("form", klein_nystrand)
    spectrum = flux_by_labels(root / FLUX_FILE).recoil_spectrum if labels else recoil_spectrum
    section = complete({**config["analyses"]["csi_2021"], **keys}, config)
    analysis = parse_analysis(section)
    counts = assemble(analysis, *experiment_of(section, read), spectrum).by_flavor("contact", {}).sum(axis=1)
    late = [shares(flavor, 0.0).sum() for flavor in NEUTRINOS]
    np.testing.assert_allclose(counts, by_energy(charge, seen(), form, flux).sum(axis=1) * late, rtol=1e-4)
    total = 0.0
    for j, nucleus in enumerate(NUCLEI):
        for k, (energy, share) in enumerate(flux(RECOIL, nucleus[2])):
            total += charge[k, j] * (share * cross_section(energy, RECOIL, nucleus, form)).sum(axis=0) @ STEP / 6
    assert flux_averaged_cross_section_cm2(analysis, spectrum) == pytest.approx(total, rel=1e-4)


@pytest.fixture(scope="module")
def used(model: Callable[..., Model]) -> Model:
    return model("csi_2021")


@pytest.fixture(scope="module")
def read(tables: Callable[[str], Tables]) -> Tables:
    return tables("csi_2021")


POINTS: list[dict[str, float]] = [
    {},
    {"eps_ee_dV": 0.31, "eps_ee_uV": -0.12},
    {"eps_mumu_uV": 0.2, "eps_ee_dV": -0.4},
    {"eps_ee_uV": 0.7, "eps_mumu_uV": -0.6, "eps_mumu_dV": 0.25},
]


def of_library(model: Model, theta: FloatArray, parameters: dict[str, float]) -> float:
    """Chi2 at nuisances in the order of the page."""
    dataset = model.dataset
    cells, sides = dataset.signal("contact", parameters)
    one = {name: (up[None], None if down is None else down[None]) for name, (up, down) in sides.items()}
    counts = model.expected([(cells[None], one)])(theta[None], np.array([0]))[0]
    return float(model.likelihood(counts)[0][0] + precisions(model.nuisances) @ theta**2)


@pytest.mark.parametrize("parameters", POINTS, ids=str)
def test_chi2_is_that_of_the_page(parameters: dict[str, float], used: Model) -> None:
    random = np.random.default_rng(7)
    for offset in (0.0, 0.0713, -0.1234, 0.2487, -0.25):
        theta = np.array([*random.normal(0, [0.1, 0.5, 1, 1, 1, 0.2, 0.3, 0.02]), offset])
        page = deviance(np.append(0, theta), charges(**parameters))
        assert of_library(used, theta, parameters) == pytest.approx(page, abs=1e-6)


def test_the_best_fit_is_that_of_the_page(used: Model) -> None:
    fit, free, standard = best_fit(used), found()["free"], found()["standard"]
    assert fit["chi2"] == pytest.approx(free.fval, abs=1e-5)
    assert fit["standard_model"]["chi2"] == pytest.approx(standard.fval, abs=1e-5)
    assert fit["significance"] == pytest.approx(np.sqrt(found()["none"].fval - free.fval), abs=1e-5)
    by_flavor = dict(zip(("nu_e", "nu_mu", "nu_mu_bar"), seen_counts(), strict=True))
    assert fit["sm_counts"] == pytest.approx({**by_flavor, "all": sum(by_flavor.values())}, rel=1e-6)
    for name, value in fit["standard_model"]["nuisances"].items():
        assert value["value"] == pytest.approx(standard.values[name], abs=2e-3)
    assert fit["bins"] == 99
    seen_at_best = (1 + free.values["amplitude"]) * seen_counts(free.values["time_offset_us"]).sum()
    assert fit["cevns_counts"]["value"] == pytest.approx(seen_at_best, abs=0.1)
    assert seen_at_best == pytest.approx(310.8, abs=0.1)  # docs/assumptions.md


def test_events_at_an_edge_are_of_the_upper_bin(used: Model, read: Tables) -> None:
    """Several lie exactly at one; [low, high) is what counts them."""
    observed = used.dataset.measurement.observed.reshape(9, 11)
    pe, us = (read["coincidence"][name] for name in EVENTS)
    assert observed.sum() == 1578
    assert counted_by_library(read["anticoincidence"], PE, US).sum() == 1295
    inside = pe < 60
    at_edge = inside & np.isin(us, US[1:])
    assert at_edge.sum() == 5
    for x, t in zip(pe[at_edge], us[at_edge], strict=True):
        i, j = np.flatnonzero(x >= PE)[-1], np.flatnonzero(t >= US)[-1]
        assert observed[i, j] == ((pe >= PE[i]) & (pe < PE[i + 1]) & (us >= US[j]) & (us < US[j + 1])).sum()
    last = {EVENTS[0]: np.array([60.0, 59.99, 8.0]), EVENTS[1]: np.array([1.0, 6.0, 0.0])}
    np.testing.assert_array_equal(counted_by_library(last, PE, US).sum(axis=1), [0, 1, *[0] * 7])


def test_the_response_is_that_of_samples(read: Tables) -> None:
    """Recoils of one energy drawn, given photoelectrons by a gamma law, and accepted one by one."""
    random, n = np.random.default_rng(20261126), 400_000
    efficient, quenching = (
        np.loadtxt(RELEASE / name)[0] for name in ("effCoefficients.txt", "scintRespCoefficients.txt")
    )
    made = response(PE, efficient.tolist(), quenching.tolist())
    for recoil in (0.004, 0.011, 0.03):
        kevee = 1e3 * sum(c * recoil ** (i + 1) for i, c in enumerate(quenching))
        shape = 1 + 9.56 * kevee
        drawn = random.gamma(shape, kevee / 0.0749 / shape, n)
        kept = drawn[random.random(n) < efficiency(drawn, 0)]
        expected_here = made.detected(np.array([recoil]))[:, 0]
        observed = np.histogram(kept, PE)[0] / n
        assert (np.abs(observed - expected_here) < 5 * np.sqrt(expected_here / n) + 1e-6).all()


def test_the_efficiency_begins_at_its_kink() -> None:
    curve = Efficiency(**dict(zip("abcd", np.loadtxt(RELEASE / "effCoefficients.txt")[0], strict=True)))
    assert curve.kinks == pytest.approx([7.07], abs=0.005)
    assert curve(curve.kinks - 0.01) == 0
    assert curve(curve.kinks + 0.01) > 0
    assert Efficiency(a=0.5, b=1.0, c=10.0, d=0.1).kinks.size == 0


def test_a_spline_in_the_offset_is_the_shares_made_there(read: Tables, used: Model) -> None:
    clock = used.dataset.clock
    assert clock is not None
    offsets = np.append(np.random.default_rng(3).uniform(-0.25, 0.25, 50), [-0.25, -0.2488, 0.2488, 0.25])
    anew = clock_of(read, Choices(), offsets)
    for name, shares_of in clock.shares.items():
        np.testing.assert_allclose(shares_of.at(offsets), anew.shares[name].values, atol=1e-8)
    other = clock_of(read, Choices(), np.sort(np.append(OFFSETS_US, 0.0713)))
    theta = np.array([0.1, 0.3, 0, 0, -0.5, 0.1, 0, 0, 0.0713])
    changed = replace(used, datasets=(replace(used.dataset, clock=other),))
    assert of_library(changed, theta, {}) == pytest.approx(of_library(used, theta, {}), abs=1e-6)


def test_no_share_of_neutrinos_is_negative(used: Model) -> None:
    """Between nodes the spline swings to -1e-9, of a signal far too large more than all backgrounds."""
    clock = used.dataset.clock
    assert clock is not None
    shares_of = clock.shares["signal"]
    offsets = np.linspace(-0.25, 0.25, 5001)
    assert shares_of.spline(offsets).min() < -1e-10
    assert shares_of.at(offsets).min() == 0
    point = {"mediator_mass_mev": 12.55, "coupling": 0.0424}
    assert used.dataset.signal("light_mediator", point)[0].sum() > 1e11
    held = [held_at(used, {"time_offset_us": offset})[0] for offset in (0.135, 0.1375, 0.14)]
    plain = [float(chi2_at(each, "light_mediator", point)) for each in held]
    assert plain == sorted(plain)
    assert plain[2] - plain[0] < 1
    fast = [float(chi2(each, "light_mediator", point, {})) for each in held]
    assert fast == pytest.approx(plain, abs=1e-6)


def test_shares_are_what_arrives(read: Tables) -> None:
    """Of straight lines in the middle of what is smooth, and all that comes within the fit's times."""
    table = read["neutrinos_in_time"]
    edges = np.append(table["bin_low_us"], table["bin_high_us"][-1])
    early = time_shares(edges, table["nu_e"], np.array([0.0, 0.1, 0.2, KEPT_UNTIL_US]), np.zeros(1))[0]
    ends = np.interp([0.0, 0.1, 0.2, 0.52], edges, np.append(0, np.cumsum(table["nu_e"])))
    np.testing.assert_allclose(early, np.diff(ends), rtol=1e-9)  # all four are edges of the file, before any is lost
    uniform = time_shares(np.linspace(-1, 7, 81), np.full(80, 1 / 80), np.array([0.0, 6.0]), np.array([0.0, 0.2]))
    lasting = KEPT_UNTIL_US - np.expm1(-LOST * (6 - KEPT_UNTIL_US)) / LOST
    np.testing.assert_allclose(uniform[:, 0], lasting / 8, rtol=1e-12)


def test_smooth_contents_differ_little_from_flat_ones() -> None:
    """Of chi2 0.007 to 0.011, all alike: half of a file's bin, where one of the analysis ends in its middle."""
    differences = []
    for offset in np.linspace(-0.05, 0.2, 11) + 0.0013:
        theta = np.array([*[0.0] * 9, offset])
        differences.append(deviance(theta, charges()) - deviance(theta, charges(), smooth=False))
    assert max(map(abs, differences)) < 0.02
    assert np.ptp(differences) < 0.01


def _built(model: Model, variation: Variation) -> Templates:
    analysis = model.analysis
    assert variation.response is not None
    return build_templates(
        target=TARGETS[analysis.nuclei],
        form_factor=form_factor_named(analysis.form_factor, variation.radius),
        exposure=analysis.exposure,
        response=variation.response,
    )


def test_templates_made_at_a_nuisance_are_near_those_that_are_morphed(used: Model, read: Tables) -> None:
    """What linearity costs at half and at one and a half sigma: in chi2 of 81 up to 0.02, of the efficiency 2."""
    dataset = used.dataset
    nominal, sides = dataset.signal("contact", {})
    columns = ("a", "b", "c", "d")
    for name in MOVED:
        for value in (0.5, -0.5, 1.5, -1.5):
            radius, numbers = 1 + 0.022 * value * (name == "radius"), {}
            for of in ("efficiency", "quenching"):
                coefficients = np.array([read[of][column] for column in columns]).T
                row = np.flatnonzero(read[of][name] == np.sign(value))[0] if name in read[of] else 0
                numbers[of] = (coefficients[0] + abs(value) * (coefficients[row] - coefficients[0])).tolist()
            varied = Variation(response=response(PE, numbers["efficiency"], numbers["quenching"]), radius=radius)
            templates = _built(used, varied)
            rebuilt = replace(dataset, templates=templates).signal("contact", {})[0]
            side = sides[name][int(value < 0)]
            assert side is not None
            morphed = nominal + abs(value) * side
            assert np.abs(morphed - rebuilt).max() < (1.0 if name == "efficiency" else 0.02), (name, value)
            assert abs(morphed.sum() / rebuilt.sum() - 1) < (0.01 if name == "efficiency" else 3e-4), (name, value)


# Couplings at random, and what profiles over the offset have to say of each.
PAIRS = [f"eps_{pair}_{quark}V" for pair in ("ee", "mumu") for quark in "ud"]


def test_chi2_has_one_minimum_in_the_offset(used: Model) -> None:
    """A descent from zero finds it, at couplings drawn at random and without signal."""
    drawn = np.random.default_rng(20261126).uniform(-1, 1, (len(PAIRS), 30))
    points = dict(zip(PAIRS, drawn, strict=True))
    offsets = np.linspace(-0.25, 0.25, 41)
    for strength in (1.0, 0.0):
        there = held_at(used, {"cevns_normalization": strength})[0]
        of_offset = np.array(
            [chi2(held_at(there, {"time_offset_us": value})[0], "contact", points, {}) for value in offsets.tolist()]
        )
        falls = np.diff(of_offset, axis=0) < 0
        assert (np.diff(falls.astype(int), axis=0) <= 0).all()  # once it grows it goes on
        least_there = chi2(there, "contact", points, {})
        assert (least_there <= of_offset.min(axis=0) + 1e-7).all()


def test_other_bins_have_the_sums_of_their_own(used: Model, config: dict[str, Any], root: Path) -> None:
    """Wider, and fewer: norms are those of the whole fit, whatever part of it is looked at."""
    whole, chosen = used.dataset, {"photoelectron_edges": [8, 16, 24], "time_edges_us": [0.25, 1, 6]}
    config["analyses"]["csi_2021"]["measurement"] = chosen
    part = build_model(config, "csi_2021", root).dataset

    def summed(values: FloatArray) -> FloatArray:
        cells = values.reshape(9, 11)
        return np.array([cells[i : i + 2, j].sum() for i in (1, 3) for j in (slice(2, 8), slice(8, 11))])

    np.testing.assert_array_equal(part.measurement.observed, summed(whole.measurement.observed))
    for name, values in whole.measurement.backgrounds.items():
        np.testing.assert_allclose(part.measurement.backgrounds[name], summed(values), rtol=1e-9)
    found_here, of_whole = (each.by_flavor("contact", {}).sum(axis=0) for each in (part, whole))
    np.testing.assert_allclose(found_here, summed(of_whole), rtol=1e-9)


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ({"photoelectron_edges": (0.0, 61.0)}, "photoelectron_edges: from 0 to 61; expected 0 to 60"),
        ({"time_edges_us": (0.0, 6.5)}, "time_edges_us: from 0 to 6.5; expected 0 to 6"),
        ({"time_edges_us": (-0.1, 6.0)}, "time_edges_us: from -0.1 to 6; expected 0 to 6"),
    ],
)
def test_bins_beyond_the_fit_are_refused(edges: dict[str, tuple[float, ...]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Choices(**edges)


def test_zero_coupling_is_the_standard_model_and_a_heavy_mediator_the_contact_limit(used: Model) -> None:
    bare = chi2_at(used, "contact", {"eps_ee_dV": 0.0})
    assert chi2_at(used, "light_mediator", {"mediator_mass_mev": 10.0, "coupling": 0.0}) == pytest.approx(
        bare, abs=1e-8
    )
    mass, coupling = 1e6, 3.0
    epsilon = coupling**2 / (np.sqrt(2) * G_FERMI * mass**2) / 2  # Eq. 6 at Q^2 far below M^2 is half of Eq. 9's
    names = [f"eps_{pair}_{quark}V" for pair in ("ee", "mumu") for quark in "ud"]
    heavy = chi2_at(used, "light_mediator", {"mediator_mass_mev": mass, "coupling": coupling})
    assert heavy == pytest.approx(chi2_at(used, "contact", dict.fromkeys(names, epsilon)), rel=1e-6)
