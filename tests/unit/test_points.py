"""Single points and lines: what the scans' own functions give there, and complaints about what is no point."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_scan
from cevnsi.experiments.measurement import Measurement
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.model import Model
from cevnsi.parameters import CONTACT_PARAMETERS
from cevnsi.questions import (
    allowed_range,
    check_point,
    chi2_and_nuisances,
    interaction_of,
    make_line,
    predict,
    scan_grid,
)
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import scan_ranges
from cevnsi.scans.ranges import AllowedRange
from cevnsi.statistics.thresholds import threshold
from points import contact_chi2, mediator_chi2

QUARKS = {f"eps_{pair}_{q}V": (-1.0, 1.0) for pair in ("ee", "mumu") for q in "ud"}
MEDIATOR = {"mediator_mass_mev": 10.0, "coupling": 3e-5}


def chi2_at_pull(
    measurement: Measurement, predicted: FloatArray, pull: float, normalization_uncertainty: float
) -> float:
    """Eq. 7 as written, of predicted counts (bins,)."""
    residual = measurement.observed - predicted * (1 + pull)
    return float(((residual / measurement.errors) ** 2).sum() + (pull / normalization_uncertainty) ** 2)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("parameters", [{}, {"eps_ee_dV": 0.2, "eps_etau_uV": 0.1, "eps_etau_uV_imag": -0.3}])
def test_chi2_of_contact_couplings(nuclei: str, parameters: dict[str, float], model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    found, nuisances = chi2_and_nuisances(used, parameters)
    pull = nuisances["normalization"]
    assert found == pytest.approx(float(contact_chi2(used, parameters, {})), rel=1e-12)
    at_pull = [
        chi2_at_pull(used.dataset.measurement, predict(used, parameters).sum(axis=0), p, 0.28)
        for p in (pull, pull + 1e-3)
    ]
    assert at_pull[0] == pytest.approx(found, rel=1e-12)
    assert at_pull[1] > found


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_chi2_of_a_light_mediator(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("paper", nuclei=nuclei)
    expected = mediator_chi2(used, np.array(10.0), 3e-5)
    assert chi2_and_nuisances(used, MEDIATOR)[0] == pytest.approx(float(expected), rel=1e-12)


def test_the_standard_model_is_no_coupling(model: Callable[..., Model]) -> None:
    used = model("release")
    assert predict(used, {}).sum() == pytest.approx(162.8, abs=0.05)
    off = predict(used, {"mediator_mass_mev": 10.0, "coupling": 0.0})
    np.testing.assert_allclose(predict(used, {}), off, rtol=1e-14, atol=0)  # terms of the two are summed otherwise


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["eps_ee_dv"], r"eps_ee_dv: unknown parameter; did you mean 'eps_ee_dV'\?"),
        (["couplin"], r"couplin: unknown parameter; did you mean 'coupling'\?"),
        (["q"], "q: unknown parameter; expected one of eps_ee_dV, eps_ee_uV, "),
        (["coupling", "charge_u"], "coupling, charge_u: parameters of different interactions"),
    ],
)
def test_what_belongs_to_no_interaction_is_refused(names: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        interaction_of(names)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"eps_ee_matter": 1.0}, "eps_ee_matter: is a sum of eps_ee_uV and eps_ee_dV"),
        ({"coupling": 1e-4}, "mediator_mass_mev: is missing; light_mediator needs"),
        ({"mediator_mass_mev": 1.0}, "coupling: is missing; light_mediator needs"),
        ({"mediator_mass_mev": 0.0, "coupling": 1e-4}, "mediator_mass_mev: 0; expected a number above 0, at most"),
        ({"mediator_mass_mev": 1.0, "coupling": -1e10}, r"coupling: -1e\+10; expected at most 1e\+09 in magnitude"),
        ({"mediator_mass_mev": 1e10, "coupling": 1e-4}, r"mediator_mass_mev: 1e\+10; expected"),
    ],
)
def test_what_is_no_point_is_refused(parameters: Mapping[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_point(parameters)


NO_NUMBERS = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", [*CONTACT_PARAMETERS, *MEDIATOR])
@pytest.mark.parametrize("ask", [predict, chi2_and_nuisances])
def test_no_point_has_a_value_that_is_no_number(
    ask: Callable[..., Any], name: str, value: float, model: Callable[..., Model]
) -> None:
    point = {name: value} if name in CONTACT_PARAMETERS else MEDIATOR | {name: value}
    with pytest.raises(ConfigError, match=f"{name}: {value:g}; expected"):
        ask(model("paper"), point)


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(
    ("name", "place", "changes"),
    [
        ("eps_ee_dV", "axes.eps_ee_dV.min", lambda value: {"ends": (value, 1.0)}),
        ("eps_ee_dV", "axes.eps_ee_dV.max", lambda value: {"ends": (-1.0, value)}),
        ("eps_ee_dV", "fixed.eps_mumu_dV", lambda value: {"fixed": {"eps_mumu_dV": value}}),
        ("eps_ee_dV", "domain.eps_ee_uV", lambda value: {"domain": {"eps_ee_uV": (value, 1.0)}}),
        ("eps_ee_dV", "domain.eps_ee_uV", lambda value: {"domain": {"eps_ee_uV": (-1.0, value)}}),
        ("eps_ee_matter", "domain.eps_ee_uV", lambda value: {"domain": QUARKS | {"eps_ee_uV": (-1.0, value)}}),
        ("coupling", "axes.coupling.min", lambda value: {"ends": (value, 0.1), "fixed": {"mediator_mass_mev": 1.0}}),
        ("coupling", "coupling", lambda value: {"ends": (None, value), "fixed": {"mediator_mass_mev": 1.0}}),
        ("coupling", "mediator_mass_mev", lambda value: {"fixed": {"mediator_mass_mev": value}}),
        ("mediator_mass_mev", "coupling", lambda value: {"fixed": {"coupling": value}}),
        ("mediator_mass_mev", "mediator_mass_mev", lambda value: {"ends": (1.0, value), "fixed": {"coupling": 1e-4}}),
    ],
)
def test_no_line_has_a_value_that_is_no_number(
    name: str, place: str, changes: Callable[[float], dict[str, Any]], value: float, model: Callable[..., Model]
) -> None:
    asked = {"fixed": {}, "domain": {}} | changes(value)
    with pytest.raises(ConfigError, match=rf"(^|  range\.){place}: {value:g}; expected"):
        make_line(model("paper"), name, asked.pop("ends", (None, None)), **asked)


def ends_of(rows: list[AllowedRange]) -> FloatArray:
    return np.array([(row.lower, row.upper) for row in rows])


def inside_on_grid(model: Model, scan: Scan, parameter: str, points: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Values of a parameter on a grid of the scan, and where delta chi2 of some point is below 2.71."""
    grid = scan_grid(model, replace(scan, axes=tuple(replace(axis, points=points) for axis in scan.axes)))
    axis = grid.names.index(parameter)
    return grid.axes[axis], grid.delta_chi2.min(axis=1 - axis) < threshold(0.9, 1)


@pytest.mark.parametrize(
    ("analysis", "parameter", "expected"),
    [
        ("paper", "eps_ee_matter", (-0.950871489, 2.021713042)),
        ("paper", "eps_mumu_matter", (-0.633526936, 1.704368489)),
        ("release", "eps_ee_matter", (-0.951724055, 2.022565609)),
        ("release", "eps_mumu_matter", (-0.640290572, 1.711132126)),
    ],
)
def test_a_matter_parameter_has_the_range_of_its_scan(
    analysis: str,
    parameter: str,
    expected: tuple[float, float],
    model: Callable[..., Model],
    config: dict[str, Any],
) -> None:
    used = model(analysis)
    (found,) = allowed_range(used, make_line(used, parameter, domain=QUARKS))
    assert (found.lower, found.upper) == pytest.approx(expected, abs=2e-9)  # docs/results.md rounds them
    assert (found.other_parameters, found.ends_at_grid, found.warning) == ("profiled", "", "")
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    (row,) = [
        r for r in scan_ranges(used, scan) if (r.parameter, r.n_dof, r.other_parameters) == (parameter, 1, "profiled")
    ]
    assert (found.lower, found.upper) == pytest.approx((row.lower, row.upper), abs=1e-9)
    x, inside = inside_on_grid(used, scan, parameter, 101)
    np.testing.assert_array_equal(inside, (found.lower < x) & (x < found.upper))


@pytest.mark.parametrize("n_dof", [1, 2])
def test_a_profiled_range_is_that_of_a_scan(n_dof: int, model: Callable[..., Model], config: dict[str, Any]) -> None:
    used = model("release")
    domain = {"eps_mumu_uV": (-1.0, 1.0)}
    line = make_line(used, "eps_mumu_dV", (-1.0, 1.0), domain=domain, n_dof=(n_dof,))
    found = allowed_range(used, line)
    rows = scan_ranges(used, parse_scan("mumu_d_u", config["scans"]["mumu_d_u"]))
    expected = [r for r in rows if (r.parameter, r.other_parameters, r.n_dof) == ("eps_mumu_dV", "profiled", n_dof)]
    np.testing.assert_allclose(ends_of(found), ends_of(expected), rtol=0, atol=1e-9)


def test_a_range_that_a_grid_shows_to_its_step(model: Callable[..., Model], config: dict[str, Any]) -> None:
    used = model("release")
    for name, parameter in (("ee_mumu_d", "eps_ee_dV"), ("ee_mumu_d", "eps_mumu_dV"), ("ee_etau_d", "eps_etau_dV")):
        scan = parse_scan(name, config["scans"][name])
        ((low, high),) = ends_of(
            [
                r
                for r in scan_ranges(used, scan)
                if (r.parameter, r.n_dof, r.other_parameters) == (parameter, 1, "profiled")
            ]
        )
        x, inside = inside_on_grid(used, scan, parameter, 401)
        step = x[1] - x[0]
        # on the grid chi2 is no less than along the line, and starts from a least value that is no less either
        assert low <= x[inside].min() + 1e-4 * step
        assert high >= x[inside].max() - 1e-4 * step
        assert x[inside].min() - low < 1.05 * step
        assert high - x[inside].max() < 1.05 * step


LINES_OF_ALL_KINDS: list[tuple[str, dict[str, Any]]] = [
    ("eps_ee_dV", {"ends": (-1000.0, 1000.0)}),
    ("eps_mumu_uV", {"ends": (-30.0, 40.0)}),
    ("eps_etau_dV", {"fixed": {"eps_ee_uV": 0.3}}),
    ("eps_emu_dV_imag", {}),
    ("eps_mumu_dV", {"domain": {"eps_mumu_uV": (-1.0, 1.0), "eps_ee_dV": (-0.5, 0.5)}}),
    ("eps_ee_matter", {"domain": QUARKS}),
    ("coupling", {"fixed": {"mediator_mass_mev": 1000.0}}),
    ("mediator_mass_mev", {"fixed": {"coupling": 1e-4}}),
]


@pytest.mark.slow
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize(("name", "changes"), LINES_OF_ALL_KINDS, ids=[name for name, _ in LINES_OF_ALL_KINDS])
def test_a_range_does_not_depend_on_how_many_values_are_looked_at(
    name: str, changes: dict[str, Any], nuclei: str, model: Callable[..., Model]
) -> None:
    used = model("paper", nuclei=nuclei)
    asked = {"fixed": {}, "domain": {}, "n_dof": (1, 2)} | changes
    ends = asked.pop("ends", (None, None))
    first = allowed_range(used, make_line(used, name, ends, points=3, **asked))
    assert first
    for points in (11, 41, 401):
        rows = allowed_range(used, make_line(used, name, ends, points=points, **asked))
        np.testing.assert_allclose(ends_of(rows), ends_of(first), rtol=1e-8, atol=1e-9)
        for row, expected in zip(rows, first, strict=True):
            assert replace(row, lower=0.0, upper=0.0) == replace(expected, lower=0.0, upper=0.0)


def test_the_least_number_of_values_is_the_default(model: Callable[..., Model]) -> None:
    used = model("paper")
    default = make_line(used, "eps_ee_dV", domain={})
    assert default == make_line(used, "eps_ee_dV", points=3, domain={})
    (row,) = allowed_range(used, default)
    assert (row.lower, row.upper) == pytest.approx((-0.12736270, 0.48430988), abs=5e-9)


def test_a_range_ends_where_chi2_has_risen(model: Callable[..., Model]) -> None:
    used = model("paper")
    line = make_line(used, "coupling", fixed={"mediator_mass_mev": 10.0}, n_dof=(1, 2))

    def chi2(log_coupling: float) -> float:
        return chi2_and_nuisances(used, {"mediator_mass_mev": 10.0, "coupling": 10**log_coupling})[0]

    least = minimize_scalar(chi2, bounds=(-5.0, -4.0), method="bounded", options={"xatol": 1e-10}).fun
    assert least < min(chi2(-6.0), chi2(-1.0))
    rows = allowed_range(used, line)
    assert [row.n_dof for row in rows] == [1, 2]
    for row in rows:
        assert chi2(np.log10(row.upper)) - least == pytest.approx(row.delta_chi2, abs=1e-9)
        assert (row.ends_at_grid, row.other_parameters) == ("lower", "fixed")
        assert (row.lower, row.lower_set_by, row.upper_set_by) == (1e-6, "coupling >= 1e-06", "")


def test_a_range_in_the_mass(model: Callable[..., Model]) -> None:
    used = model("paper")
    line = make_line(used, "mediator_mass_mev", fixed={"coupling": 1e-4}, domain={})
    (row,) = allowed_range(used, line)

    def chi2(log_mass: float) -> float:
        return chi2_and_nuisances(used, {"mediator_mass_mev": 10**log_mass, "coupling": 1e-4})[0]

    found = [minimize_scalar(chi2, bounds=(x, x + 0.5), method="bounded", options={"xatol": 1e-10}).fun
             for x in np.arange(0.0, 4.0, 0.5)]  # fmt: skip
    least = min(*found, chi2(0.0), chi2(4.0))
    assert chi2(np.log10(row.lower)) - least == pytest.approx(row.delta_chi2, abs=1e-9)
    assert (row.upper, row.ends_at_grid, row.upper_set_by) == (1e4, "upper", "mediator_mass_mev <= 10000")


@pytest.mark.parametrize("beyond", [1e-4, 1e-3, 3e-3])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_least_chi2_next_to_an_end_is_found(side: str, beyond: float, model: Callable[..., Model]) -> None:
    """Between the end of what is looked at and the value next to it, the step being 0.009 decades."""
    used = model("paper")

    def chi2(log_coupling: float) -> float:
        return chi2_and_nuisances(used, {"mediator_mass_mev": 10.0, "coupling": 10**log_coupling})[0]

    found = minimize_scalar(chi2, bounds=(-5.0, -4.0), method="bounded", options={"xatol": 1e-10})
    ends = (1e-6, 10 ** (found.x + beyond)) if side == "upper" else (10 ** (found.x - beyond), 0.1)
    line = make_line(used, "coupling", ends, fixed={"mediator_mass_mev": 10.0}, confidence_levels=(0.05,))
    (row,) = allowed_range(used, line)
    end = row.lower if side == "upper" else row.upper
    assert chi2(np.log10(end)) - found.fun == pytest.approx(row.delta_chi2, abs=1e-9)
    assert row.ends_at_grid == side


def test_a_parameter_that_changes_nothing_has_no_end(model: Callable[..., Model]) -> None:
    used = model("paper")
    (row,) = allowed_range(used, make_line(used, "eps_tautau_uV", domain={}))
    assert (row.lower, row.upper, row.ends_at_grid) == (-1, 1, "lower+upper")
    assert row.warning == "no sensitivity: chi2 does not depend on eps_tautau_uV"


LINES: list[tuple[str, dict[str, Any], str]] = [
    ("eps_ee_matter", {}, "axis eps_ee_matter needs a domain for eps_ee_uV and eps_ee_dV"),
    ("eps_ee_dV", {"ends": (1.0, -1.0)}, "range.axes.eps_ee_dV: min 1 >= max -1"),
    ("eps_ee_dV", {"domain": {"eps_ee_uV": (1.0, -1.0)}}, r"range.domain.eps_ee_uV: \[1, -1\] is not a domain"),
    ("eps_ee_dV", {"fixed": {"eps_ee_dV": 1.0}}, "range.fixed.eps_ee_dV: is also an axis"),
    ("eps_ee_dV", {"fixed": {"eps_mumu_matter": 1.0}}, "range.fixed.eps_mumu_matter: a matter parameter is an axis"),
    ("coupling", {}, "mediator_mass_mev: is missing"),
    ("coupling", {"fixed": {"mediator_mass_mev": 10.0}, "ends": (0.0, None)}, "a log axis starts at min 0"),
    ("coupling", {"fixed": {"mediator_mass_mev": 10.0}, "ends": (None, 1e12)}, r"coupling: 1e\+12; expected"),
    ("coupling", {"fixed": {"mediator_mass_mev": -1.0}}, "mediator_mass_mev: -1; expected"),
    ("coupling", {"fixed": {"charge_u": 1.0}}, "parameters of different interactions"),
    (
        "coupling",
        {"fixed": {"mediator_mass_mev": 10.0}, "domain": {"eps_ee_uV": (0.0, 1.0)}},
        "domain: only contact parameters can be minimised over, of interaction contact",
    ),
    ("eps_ee_dv", {}, "did you mean 'eps_ee_dV'"),
]


@pytest.mark.parametrize(("name", "changes", "said"), LINES)
def test_what_is_no_line_is_refused(name: str, changes: dict[str, Any], said: str, model: Callable[..., Model]) -> None:
    asked = {"fixed": {}, "domain": {}} | changes
    with pytest.raises(ConfigError, match=said):
        make_line(model("paper"), name, asked.pop("ends", (None, None)), **asked)


@pytest.mark.slow
def test_two_nuclei_are_profiled_over_in_any_directions(model: Callable[..., Model]) -> None:
    """At the ends of the range, local minimisers from many starts find the threshold above the least chi2."""
    used = model("release", nuclei="cs_and_i")
    domain = {"eps_ee_uV": (-1.0, 1.0), "eps_ee_dV": (-1.0, 1.0)}
    rows = allowed_range(used, make_line(used, "eps_mumu_dV", domain=domain))
    starts = [(0.0, 0.0), (0.8, 0.8), (-0.8, -0.8)]

    def least_at(value: float) -> float:
        def chi2(place: FloatArray) -> float:
            return float(contact_chi2(used, {"eps_mumu_dV": value, "eps_ee_uV": place[0], "eps_ee_dV": place[1]}, {}))

        return min(float(minimize(chi2, start, bounds=[*domain.values()], tol=1e-13).fun) for start in starts)

    least = float(minimize_scalar(least_at, bounds=(-0.1, 0.1), method="bounded").fun)
    mirrored = float(minimize_scalar(least_at, bounds=(0.25, 0.45), method="bounded").fun)
    assert rows
    for end in ends_of(rows).ravel():
        assert least_at(end) - min(least, mirrored) == pytest.approx(threshold(0.9, 1), abs=1e-6)
