"""Limits that the report begins with, from tables made by hand."""

from cevnsi.files.tables import RANGES
from cevnsi.output.answer import LEVEL, limit_rows
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS

SHARED = {"ends_at_grid": "", "lower_set_by": "", "upper_set_by": "", "at_reach": "", "warning": "", "method": WILKS}
ASKED = (("plane", "eps_ee_V"), ("line", "sin2_theta_w"), ("absent", "eps_ee_dV"))


def ranges(*rows: tuple[str, str, float, int, str, float, float]) -> dict[str, list[object]]:
    """Columns of ranges.csv: scan, parameter, level, degrees of freedom, other parameters, ends."""
    names = ("scan", "parameter", "confidence_level", "n_dof", "other_parameters", "lower", "upper")
    made = [{**dict.fromkeys(RANGES.columns, 0.0), **SHARED, **dict(zip(names, row, strict=True))} for row in rows]
    return {name: [row[name] for row in made] for name in RANGES.columns}


TABLE = ranges(
    ("plane", "eps_ee_V", LEVEL, 2, "profiled", -9.0, 9.0),
    ("plane", "eps_ee_V", LEVEL, 1, "zero", -8.0, 8.0),
    ("plane", "eps_ee_V", LEVEL, 1, "profiled", -2.0, -1.0),
    ("plane", "eps_ee_V", LEVEL, 1, "profiled", 1.0, 2.0),
    ("plane", "eps_ee_V", 0.99, 1, "profiled", -7.0, 7.0),
    ("line", "sin2_theta_w", LEVEL, 1, "none", 0.2, 0.3),
)


def test_everything_else_is_minimised_over_where_a_scan_moves_it() -> None:
    plane, line = limit_rows({"first": TABLE}, [], ASKED)
    assert plane["found"]["first"][WILKS] == [(-2.0, -1.0, ""), (1.0, 2.0, "")]
    assert line["found"]["first"][WILKS] == [(0.2, 0.3, "")]
    assert FELDMAN_COUSINS not in plane["found"]["first"]


def test_what_an_analysis_does_not_scan_is_not_there() -> None:
    other = ranges(("line", "sin2_theta_w", LEVEL, 1, "none", 0.1, 0.4))
    plane, line = limit_rows({"first": TABLE, "second": other}, [], ASKED)
    assert list(plane["found"]) == ["first"]
    assert list(line["found"]) == ["first", "second"]
    assert limit_rows({"second": other}, [], (("plane", "eps_ee_V"),)) == []


def test_intervals_by_pseudo_data_are_those_of_the_same_question() -> None:
    made = [(-2.5, -0.5, ""), (0.5, 2.5, "")]
    row = {"scan": "plane", "parameter": "eps_ee_V", "confidence_level": LEVEL}
    zero = {**row, "other_parameters": "zero", "found": {"first": {FELDMAN_COUSINS: [(-8.5, 8.5, "")]}}}
    profiled = {**row, "other_parameters": "profiled", "found": {"first": {FELDMAN_COUSINS: made}}}
    for covered in ([zero, profiled], [profiled, zero]):
        plane, _ = limit_rows({"first": TABLE}, covered, ASKED)
        assert plane["found"]["first"][FELDMAN_COUSINS] == made
    plane, _ = limit_rows({"first": TABLE}, [zero], ASKED)
    assert FELDMAN_COUSINS not in plane["found"]["first"]
