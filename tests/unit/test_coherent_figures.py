"""What figures of the study of COHERENT's data are drawn from."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.config.check import parse_domain_ends, parse_scan
from cevnsi.files.tables import DOMAIN_ENDS, as_columns, read_table, write_csv
from cevnsi.model import Model
from cevnsi.studies.coherent.domain_ends import domain_ends, within
from cevnsi.studies.coherent.published import likelihoods, published_events


def test_published_events_are_those_of_the_scorecard(root: Path) -> None:
    found = published_events(root / "data" / "coherent" / "published.csv")
    assert found == {
        "csi_2017": (134.0, 22.0, "published"),
        "csi_2021": (306.0, 20.0, "published"),
        "lar_2020": (159.0, 43.0, "published"),
    }


def test_likelihoods_are_cut_out_of_the_tables_of_their_analyses() -> None:
    def table(*names: str) -> dict[str, Any]:
        return {
            "dataset": [name for name in names for _ in range(2)],
            "cevns_counts": np.arange(2.0 * len(names)),
            "minus2_delta_lnl": 10 + np.arange(2.0 * len(names)),
        }

    found = likelihoods({"csi_2021": table("csi_2021"), "together": table("csi_2021", "lar_2020", "together")})
    assert found["dataset"] == ["csi_2021"] * 2 + ["together"] * 2
    assert found["cevns_counts"].tolist() == [0.0, 1.0, 4.0, 5.0]
    assert found["minus2_delta_lnl"].tolist() == [10.0, 11.0, 14.0, 15.0]


@pytest.mark.parametrize(("bound", "ends"), [(0.5, (-3, 3)), (50.0, (-300, 300)), (math.inf, (-300, 300))])
def test_axes_end_where_the_domain_or_what_is_looked_at_does(
    bound: float, ends: tuple[float, float], config: dict[str, Any]
) -> None:
    _, widest = parse_domain_ends(config["domain_ends"])
    scan = within(parse_scan("matter_free", config["scans"]["matter_free"]), bound, widest)
    assert [(axis.minimum, axis.maximum) for axis in scan.axes] == [ends] * 2
    assert set(scan.domain.values()) == {(-bound, bound)}


def test_ends_of_one_nucleus_are_those_of_its_scan_and_without_a_bound_none(
    model: Callable[..., Model], config: dict[str, Any], tmp_path: Path
) -> None:
    scan = parse_scan("matter_free", config["scans"]["matter_free"])
    rows = list(domain_ends(model("paper"), scan, np.array([0.25, 1.0]), 300.0))
    write_csv(tmp_path / "t.csv", as_columns(rows, DOMAIN_ENDS))
    table = read_table(tmp_path / "t.csv", DOMAIN_ENDS)
    assert list(dict.fromkeys(table["bound"])) == ["0.25", "1.0", "inf"]
    found = {(row[0], row[1], row[3], row[5]): (row[6], row[7]) for row in rows}
    stated = {"eps_ee_matter": (-1.140, 2.211), "eps_mumu_matter": (-0.771, 1.842)}  # as the scorecard has them
    for name, ends in stated.items():
        for side, end in zip(("lower", "upper"), ends, strict=True):
            assert found[name, 1.0, 2, side] == (pytest.approx(end, abs=5e-4), "no")
            assert found[name, math.inf, 2, side] == (math.copysign(300.0, end), "yes")
    assert found["eps_ee_matter", 0.25, 2, "upper"] == (1.5, "yes")  # all that the domain reaches
