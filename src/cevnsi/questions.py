"""A model at one point, along one line or on one grid of its parameters, in memory.

Parameters are named as the axes of a scan; what is not named is zero, or of the standard model the analysis' own.
Complaints are ConfigErrors, as for a scan.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cevnsi import fits
from cevnsi.arrays import FloatArray
from cevnsi.config.check import PART_ROUNDING, check_scan
from cevnsi.domains import spelled_out
from cevnsi.files.strict_yaml import ConfigError, near_miss
from cevnsi.model import Model, profiled
from cevnsi.parameters import MATTER_PARAMETERS, NEUTRON_RADII, Axis, quarks_of
from cevnsi.physics.form_factors import RADIUS_FORM_FACTORS
from cevnsi.physics.interactions import INTERACTIONS, parameter
from cevnsi.physics.weak_charge import matter_parameter
from cevnsi.scans.axes import Coverage, Scan
from cevnsi.scans.chi2 import chi2, reference
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.limits import curve_ranges, curves
from cevnsi.scans.rows import scan_rows
from cevnsi.shown import BestFit, Ranges, Rows, ShownGrid
from cevnsi.statistics.thresholds import threshold

Domain = Mapping[str, tuple[float, float]]

LARGEST_VALUE = 1e9  # of any parameter, as in the configuration's schema


def interaction_of(names: Iterable[str]) -> str:
    """The interaction that parameters belong to, contact if there are none; ConfigError if to none or to several."""
    known = list(dict.fromkeys(name for interaction in INTERACTIONS.values() for name in interaction.parameters))
    listed = list(names)
    for name in listed:
        if name not in known:
            raise ConfigError(f"{name}: unknown parameter; {near_miss(name, known)}")
    fitting = [name for name, made in INTERACTIONS.items() if set(listed) <= set(made.parameters)]
    if not fitting:
        raise ConfigError(f"{', '.join(listed)}: parameters of different interactions; expected those of one")
    return fitting[0]


def _check_value(name: str, value: float) -> None:
    if parameter(name).positive and not 0 < value <= LARGEST_VALUE:
        raise ConfigError(f"{name}: {value:g}; expected a number above 0, at most {LARGEST_VALUE:g}")
    if not abs(value) <= LARGEST_VALUE:  # which is false of nan
        raise ConfigError(f"{name}: {value:g}; expected at most {LARGEST_VALUE:g} in magnitude")


def _check_parts(interaction: str, parameters: Mapping[str, float]) -> None:
    """ConfigError for parts of one that are negative, or more than one together."""
    parts = {name: parameters[name] for name in INTERACTIONS[interaction].parts_of_one if name in parameters}
    for name, value in parts.items():
        if value < 0:
            raise ConfigError(f"{name}: {value:g}; expected 0 or more, as it is a part of one")
    if sum(parts.values()) > 1 + PART_ROUNDING:
        raise ConfigError(f"{' and '.join(parts)}: {sum(parts.values()):g}; expected at most 1, as parts of one")


def _usual(interaction: str, name: str, others: Mapping[str, float]) -> tuple[float, float]:
    """Where a parameter is looked for beside others, of parts of one as far as these leave room."""
    low, high = parameter(name).usual
    made = INTERACTIONS[interaction]
    return (low, min(high, made.most_of(name, others))) if name in made.parts_of_one else (low, high)


def check_point(parameters: Mapping[str, float]) -> str:
    """The interaction of a point that counts can be predicted at; ConfigError if it is no such point."""
    interaction = interaction_of(parameters)
    for name, value in parameters.items():
        if name in MATTER_PARAMETERS:
            quarks = " and ".join(quarks_of(name))
            raise ConfigError(f"{name}: is a sum of {quarks} (Eq. 11), which is no point; give these two")
        _check_value(name, value)
    needed = INTERACTIONS[interaction].needed
    _check_parts(interaction, parameters)
    for name in needed:
        if name not in parameters:
            raise ConfigError(f"{name}: is missing; {interaction} needs {' and '.join(needed)}")
    return interaction


def _check_radii(model: Model, names: Iterable[str]) -> None:
    """ConfigError for a neutron radius that no data set of a model depends on."""
    seen = {n.name for dataset in model.datasets if dataset.templates.form_factor for n in dataset.templates.nuclides}
    for name in names:
        if name in NEUTRON_RADII and NEUTRON_RADII[name].nuclide not in seen:
            forms = ", ".join(RADIUS_FORM_FACTORS)
            raise ConfigError(f"{name}: changes nothing; expected its nuclide, and a form factor of radii: {forms}")


def predict(model: Model, parameters: Mapping[str, float]) -> FloatArray:
    """Predicted counts by flavor and bin at a point, (flavors, bins of all data sets, one after another).

    Parameters are those of one interaction; ConfigError of what is no point of one.
    """
    interaction = check_point(parameters)
    _check_radii(model, parameters)
    return np.concatenate([dataset.by_flavor(interaction, parameters) for dataset in model.datasets], axis=-1)


def chi2_and_nuisances(model: Model, parameters: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """Chi2 at a point, and the nuisances that it is least at by name: in Eq. 7 the normalization's alpha.

    ConfigError of what is no point of one interaction.
    """
    interaction = check_point(parameters)
    _check_radii(model, parameters)
    found = profiled(model, interaction, parameters).nuisances[0].tolist()
    names = [nuisance.name for nuisance in model.nuisances]
    return float(chi2(model, interaction, parameters, {})), dict(zip(names, found, strict=True))


def _usual_ends(
    interaction: str, name: str, ends: tuple[float | None, float | None], fixed: Mapping[str, float], domain: Domain
) -> tuple[float, float]:
    """Ends of an axis, those that are None as the paper's scans have them, or the domains of both quarks (Eq. 11)."""
    if name in MATTER_PARAMETERS and set(quarks_of(name)) <= set(domain):
        (u_low, u_high), (d_low, d_high) = (domain[quark] for quark in quarks_of(name))
        usual = float(matter_parameter(u_low, d_low)), float(matter_parameter(u_high, d_high))
    else:
        usual = _usual(interaction, name, fixed)
    if not np.isfinite(usual).all():
        usual = parameter(name).usual
    low, high = (default if end is None else end for end, default in zip(ends, usual, strict=True))
    return low, high


def _make_scan(
    model: Model,
    title: str,
    ends: Mapping[str, tuple[float | None, float | None]],
    points: Sequence[int],
    fixed: Mapping[str, float] | None,
    domain: Domain | None,
    levels: tuple[tuple[float, ...], tuple[int, ...]],
) -> Scan:
    """A scan of these axes, checked as one of a configuration is."""
    fixed, domain = fixed or {}, spelled_out(domain or {}, [*ends, *(fixed or {})])
    interaction = interaction_of([*ends, *fixed, *domain])
    found = {name: _usual_ends(interaction, name, given, fixed, domain) for name, given in ends.items()}
    if not INTERACTIONS[interaction].zero_if_missing:
        check_point({**{name: high for name, (_, high) in found.items()}, **fixed})
    scan = Scan(
        name=title,
        interaction=interaction,
        axes=tuple(
            Axis(name=name, minimum=low, maximum=high, points=number, scale=parameter(name).scale)
            for (name, (low, high)), number in zip(found.items(), points, strict=True)
        ),
        domain=domain,
        fixed=fixed,
        projections=(tuple(ends),),
        confidence_levels=levels[0],
        n_dof=levels[1],
    )
    check_scan(scan)
    _check_radii(model, [*ends, *fixed])
    return scan


def make_line(
    model: Model,
    name: str,
    ends: tuple[float | None, float | None] = (None, None),
    *,
    points: int = 3,
    fixed: Mapping[str, float] | None = None,
    domain: Domain | None = None,
    confidence_levels: tuple[float, ...] = (0.9,),
    n_dof: tuple[int, ...] = (1,),
) -> Scan:
    """A scan of one axis, checked as one of a configuration is; it is looked at in at least so many points.

    An end that is None is where the paper's scans end, for a matter parameter where the domains do (Eq. 11). The name
    all_others in the domain stands for every contact coupling that enters a rate and that nothing else names.
    ConfigError of a line that no scan of a configuration could be.
    """
    return _make_scan(model, "range", {name: ends}, [points], fixed, domain, (confidence_levels, n_dof))


def make_plane(
    model: Model,
    names: tuple[str, str],
    ends: Mapping[str, tuple[float | None, float | None]] | None = None,
    *,
    points: tuple[int, int] = (81, 81),
    fixed: Mapping[str, float] | None = None,
    domain: Domain | None = None,
    confidence_levels: tuple[float, ...] = (0.9,),
    n_dof: tuple[int, ...] = (2,),
) -> Scan:
    """A scan of two axes, checked as one of a configuration is; ends that are not given are those of `make_line`.

    ConfigError for ends of what is none of both axes.
    """
    given = dict(ends or {})
    if unknown := [name for name in given if name not in names]:
        raise ConfigError(f"{unknown[0]}: has ends, but is no axis; expected {' or '.join(names)}")
    if len({*names}) != len(names):
        raise ConfigError(f"{names[0]}: is named twice; expected two axes")
    of_axes = {name: given.get(name, (None, None)) for name in names}
    return _make_scan(model, "plane", of_axes, points, fixed, domain, (confidence_levels, n_dof))


def allowed_range(model: Model, line: Scan) -> Ranges:
    """Allowed intervals of the parameter of a scan of one axis, at each of its levels, from the least chi2 along it."""
    (curve,) = curves(model, line, line.axes[0].name)
    return Ranges(curve_ranges(curve, line.name, None, line.levels()))


def best_fit(model: Model) -> BestFit:
    """How the data of a model are fitted by the standard model's signal, its amplitude free and at one."""
    return BestFit(fits.best_fit(model))


@dataclass(frozen=True, kw_only=True)
class CriticalValue:
    """Delta chi2 up to which a point is in a region of a confidence level: by toys, and by a chi2 distribution."""

    confidence_level: float
    critical_delta_chi2: float
    critical_delta_chi2_error: float  # statistical; infinite where toys are too few to say
    n_dof: int
    chi2_distribution: float
    toys: int


LEVELS = (0.6827, 0.9, 0.9545)
FEWEST_TOYS = 100


def critical_value(
    model: Model,
    parameters: Mapping[str, float],
    *,
    fixed: Mapping[str, float] | None = None,
    domain: Domain | None = None,
    confidence_levels: Sequence[float] = LEVELS,
    toys: int = 4000,
    seed: int = 1,
    workers: int = 1,
) -> Rows[CriticalValue]:
    """Critical values of delta chi2 at a point of the parameters that are named, by toys.

    These are tested together, as those of a plane are. Where they are left free, they go as far as they like, and what
    is in the domain does so in it. Nuisances of the toys are those that the data want at the point. One row a level;
    ConfigError of a point, or of so few toys, that there is none.
    """
    from cevnsi.scans.critical import pool_statistics  # compiled code, which takes long to import
    from cevnsi.scans.hypotheses import hypotheses_of

    fixed, domain = fixed or {}, spelled_out(domain or {}, [*parameters, *(fixed or {})])
    if not parameters:
        raise ConfigError("parameters: none is named; expected those whose region is asked for")
    if toys < FEWEST_TOYS:
        raise ConfigError(f"toys: {toys}; expected {FEWEST_TOYS} or more")
    interaction = interaction_of([*parameters, *fixed, *domain])
    if not INTERACTIONS[interaction].zero_if_missing:
        check_point({**parameters, **fixed})
    for name, value in {**parameters, **fixed}.items():
        _check_value(name, value)
    _check_radii(model, [*parameters, *fixed])
    axes = []
    for name, value in parameters.items():
        low, high = _usual(interaction, name, {**parameters, **fixed})
        axes.append(
            Axis(name=name, minimum=min(low, value), maximum=max(high, value), points=2, scale=parameter(name).scale)
        )
    scan = Scan(
        name="point",
        interaction=interaction,
        axes=tuple(axes),
        domain=domain,
        fixed=fixed,
        projections=(tuple(parameters),),
        coverage=Coverage(toys=toys, points=dict.fromkeys(parameters, 2), seed=seed),
    )
    check_scan(replace(scan, projections=()))
    try:
        tests = hypotheses_of(model, scan, list(parameters))
        point = tests.at(parameters)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    (found,) = pool_statistics(tests, [point], toys, seed, threads=workers)
    rows: Rows[CriticalValue] = Rows()
    for level in confidence_levels:
        value, spread = found.critical(level)
        n_dof = len(parameters)
        rows.append(
            CriticalValue(
                confidence_level=level,
                critical_delta_chi2=value,
                critical_delta_chi2_error=spread,
                n_dof=n_dof,
                chi2_distribution=threshold(level, n_dof),
                toys=toys,
            )
        )
    return rows


def scan_grid(model: Model, scan: Scan, workers: int = 1) -> ShownGrid:
    """Delta chi2 on the grid of a scan of one axis or two, by so many processes.

    From the scan's reference; where that is the least chi2, it is the least of the grid's points.
    """
    chi2 = scan_rows(model, scan, 0, scan.shape[0], threads=workers)
    grid = as_grid(scan, scan.name, chi2 - reference(model, scan, lambda: float(chi2.min())))
    return ShownGrid(**vars(grid), levels=tuple(scan.drawn_levels()))
