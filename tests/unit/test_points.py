"""Single points and lines: what the scans' own functions give there, and complaints about what is no point."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cevnsi.config import parse_scan
from cevnsi.interactions import CONTACT_PARAMETERS
from cevnsi.likelihood import chi2_at_pull
from cevnsi.points import (
    allowed_range,
    check_point,
    chi2_along,
    chi2_and_pull,
    interaction_of,
    make_line,
    predict,
    scan_grid,
)
from cevnsi.regions import allowed_ranges
from cevnsi.scan import Model, contact_chi2, mediator_chi2
from cevnsi.strict_yaml import ConfigError

QUARKS = {f"eps_{pair}_{q}V": (-1.0, 1.0) for pair in ("ee", "mumu") for q in "ud"}
MEDIATOR = {"mediator_mass_mev": 10.0, "coupling": 3e-5}


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@pytest.mark.parametrize("parameters", [{}, {"eps_ee_dV": 0.2, "eps_etau_uV": 0.1, "eps_etau_uV_imag": -0.3}])
def test_chi2_of_contact_couplings(nuclei: str, parameters: dict[str, float], model: Callable[..., Model]) -> None:
    used = model("release", nuclei=nuclei)
    found, pull = chi2_and_pull(used, parameters)
    assert found == pytest.approx(float(contact_chi2(used, parameters, {})), rel=1e-12)
    at_pull = [
        chi2_at_pull(used.measurement, predict(used, parameters).sum(axis=0), p, 0.28) for p in (pull, pull + 1e-3)
    ]
    assert at_pull[0] == pytest.approx(found, rel=1e-12)
    assert at_pull[1] > found


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
def test_chi2_of_a_light_mediator(nuclei: str, model: Callable[..., Model]) -> None:
    used = model("paper", nuclei=nuclei)
    expected = mediator_chi2(used, np.array(10.0), 3e-5)
    assert chi2_and_pull(used, MEDIATOR)[0] == pytest.approx(float(expected), rel=1e-12)


def test_the_standard_model_is_no_coupling(model: Callable[..., Model]) -> None:
    used = model("release")
    assert predict(used, {}).sum() == pytest.approx(162.8, abs=0.05)
    np.testing.assert_array_equal(predict(used, {}), predict(used, {"mediator_mass_mev": 10.0, "coupling": 0.0}))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["eps_ee_dv"], r"eps_ee_dv: unknown parameter; did you mean 'eps_ee_dV'\?"),
        (["couplin"], r"couplin: unknown parameter; did you mean 'coupling'\?"),
        (["q"], "q: unknown parameter; expected one of eps_ee_uV, "),
        (["coupling", "eps_ee_uV"], "coupling, eps_ee_uV: parameters of different interactions"),
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
@pytest.mark.parametrize("ask", [predict, chi2_and_pull])
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
        ("eps_ee_dV", "profile.eps_ee_uV", lambda value: {"profile": {"eps_ee_uV": (value, 1.0)}}),
        ("eps_ee_dV", "profile.eps_ee_uV", lambda value: {"profile": {"eps_ee_uV": (-1.0, value)}}),
        ("eps_ee_matter", "profile.eps_ee_uV", lambda value: {"profile": QUARKS | {"eps_ee_uV": (-1.0, value)}}),
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
    asked = {"fixed": {}, "profile": {}} | changes(value)
    with pytest.raises(ConfigError, match=rf"(^|  range\.){place}: {value:g}; expected"):
        make_line(model("paper"), name, asked.pop("ends", (None, None)), **asked)


def test_a_matter_parameter_has_the_range_of_its_scan(model: Callable[..., Model], config: dict[str, Any]) -> None:
    used = model("paper")
    (found,) = allowed_range(used, make_line(used, "eps_ee_matter", fixed={}, profile=QUARKS))
    assert (found.lower, found.upper) == pytest.approx((-0.9509, 2.022), abs=1e-3)  # as in docs/results.md
    assert (found.other_parameters, found.ends_at_grid) == ("profiled", "")
    scan = parse_scan("matter_ee_mumu", config["scans"]["matter_ee_mumu"])
    grid = scan_grid(used, replace(scan, axes=tuple(replace(axis, points=101) for axis in scan.axes)))
    rows = [r for r in allowed_ranges("", grid, [(0.9, 1)]) if r.other_parameters == "profiled"]
    # a step of 0.05 across which the least chi2 is sought by a parabola
    assert (found.lower, found.upper) == pytest.approx((rows[0].lower, rows[0].upper), abs=5e-3)


def test_a_profiled_range_is_that_of_a_scan(model: Callable[..., Model], config: dict[str, Any]) -> None:
    used = model("release")
    profile = {"eps_mumu_uV": (-1.0, 1.0)}
    found = allowed_range(used, make_line(used, "eps_mumu_dV", (-1.0, 1.0), fixed={}, profile=profile, n_dof=(2,)))
    rows = allowed_ranges("", scan_grid(used, parse_scan("mumu_d_u", config["scans"]["mumu_d_u"])), [(0.9, 2)])
    expected = [r for r in rows if (r.parameter, r.other_parameters) == ("eps_mumu_dV", "profiled")]
    ends, wanted = (np.array([(r.lower, r.upper) for r in ranges]) for ranges in (found, expected))
    np.testing.assert_allclose(ends, wanted, atol=1e-3)


def test_a_range_ends_where_chi2_has_risen(model: Callable[..., Model]) -> None:
    used = model("paper")
    line = make_line(used, "coupling", points=2001, fixed={"mediator_mass_mev": 10.0}, profile={}, n_dof=(1, 2))
    least = chi2_along(used, line).min()
    rows = allowed_range(used, line)
    assert {row.n_dof for row in rows} == {1, 2}
    for row in rows:
        at_end, _ = chi2_and_pull(used, {"mediator_mass_mev": 10.0, "coupling": row.upper})
        assert at_end - least == pytest.approx(row.delta_chi2, abs=1e-4)
        assert (row.ends_at_grid, row.other_parameters) == ("lower", "fixed")


def test_a_range_in_the_mass(model: Callable[..., Model]) -> None:
    used = model("paper")
    line = make_line(used, "mediator_mass_mev", fixed={"coupling": 1e-4}, profile={})
    (row,) = allowed_range(used, line)
    at_end, _ = chi2_and_pull(used, {"mediator_mass_mev": row.lower, "coupling": 1e-4})
    assert at_end - chi2_along(used, line).min() == pytest.approx(row.delta_chi2, abs=1e-4)


def test_a_parameter_that_changes_nothing_has_no_end(model: Callable[..., Model]) -> None:
    used = model("paper")
    (row,) = allowed_range(used, make_line(used, "eps_tautau_uV", fixed={}, profile={}))
    assert (row.lower, row.upper, row.ends_at_grid) == (-1, 1, "lower+upper")


LINES: list[tuple[str, dict[str, Any], str]] = [
    ("eps_ee_matter", {}, "axis eps_ee_matter needs a domain for eps_ee_uV and eps_ee_dV"),
    ("eps_ee_dV", {"ends": (1.0, -1.0)}, "range.axes.eps_ee_dV: min 1 >= max -1"),
    ("eps_ee_dV", {"profile": {"eps_ee_uV": (1.0, -1.0)}}, r"range.profile.eps_ee_uV: \[1, -1\] is not a domain"),
    ("eps_ee_dV", {"fixed": {"eps_ee_dV": 1.0}}, "range.fixed.eps_ee_dV: is also an axis"),
    ("eps_ee_dV", {"fixed": {"eps_mumu_matter": 1.0}}, "range.fixed.eps_mumu_matter: a matter parameter is an axis"),
    ("coupling", {}, "mediator_mass_mev: is missing"),
    ("coupling", {"fixed": {"mediator_mass_mev": 10.0}, "ends": (0.0, None)}, "a log axis starts at min 0"),
    ("coupling", {"fixed": {"mediator_mass_mev": 10.0}, "ends": (None, 1e12)}, r"coupling: 1e\+12; expected"),
    ("coupling", {"fixed": {"mediator_mass_mev": -1.0}}, "mediator_mass_mev: -1; expected"),
    ("coupling", {"profile": {"eps_ee_uV": (0.0, 1.0)}}, "parameters of different interactions"),
    ("eps_ee_dv", {}, "did you mean 'eps_ee_dV'"),
]


@pytest.mark.parametrize(("name", "changes", "said"), LINES)
def test_what_is_no_line_is_refused(name: str, changes: dict[str, Any], said: str, model: Callable[..., Model]) -> None:
    asked = {"fixed": {}, "profile": {}} | changes
    with pytest.raises(ConfigError, match=said):
        make_line(model("paper"), name, asked.pop("ends", (None, None)), **asked)


def test_two_nuclei_are_profiled_over_in_one_direction_each(model: Callable[..., Model]) -> None:
    used = model("release", nuclei="cs_and_i")
    with pytest.raises(ConfigError, match="has two nuclei"):
        make_line(used, "eps_mumu_dV", fixed={}, profile={"eps_ee_uV": (-1.0, 1.0), "eps_ee_dV": (-1.0, 1.0)})
