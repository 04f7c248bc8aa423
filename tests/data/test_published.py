"""The published values, against the paper's text as quoted in the table and against one another."""

from pathlib import Path
from typing import Any

import pytest

from cevnsi.experiments.inputs import COMPARISONS, PUBLISHED_FILE
from cevnsi.files.tables import PUBLISHED, read_table


@pytest.fixture(scope="session")
def published(root: Path) -> dict[str, Any]:
    return read_table(root / PUBLISHED_FILE, PUBLISHED)


def test_keys_are_unique_and_reasons_are_given(published: dict[str, Any]) -> None:
    keys = published["key"]
    assert len(set(keys)) == len(keys)
    assert set(published["comparison"]) == set(COMPARISONS)
    assert all(len(why) > 3 for why in published["why"])
    assert all(where.startswith(("Eq. ", "Sec. ", "Fig. ", "abstract")) for where in published["where"])


@pytest.mark.parametrize(
    ("parameter", "lower", "upper"), [("eps_ee_matter", -0.95, 1.95), ("eps_mumu_matter", -0.66, 1.57)]
)
def test_eq_12(parameter: str, lower: float, upper: float, published: dict[str, Any]) -> None:
    value = dict(zip(published["key"], published["published"], strict=True))
    for n_dof in (1, 2):
        assert value[f"{parameter}_lower_n{n_dof}"] == lower
        assert value[f"{parameter}_upper_n{n_dof}"] == upper


def test_published_intervals_are_not_centred_where_ours_must_be(published: dict[str, Any]) -> None:
    """What the reasons in the table say: 0.50 and 0.455 against 0.535."""
    value = dict(zip(published["key"], published["published"], strict=True))
    centers = [(value[f"eps_{p}_matter_lower_n2"] + value[f"eps_{p}_matter_upper_n2"]) / 2 for p in ("ee", "mumu")]
    assert centers == pytest.approx([0.50, 0.455], abs=1e-12)
