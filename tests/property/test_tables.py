"""Tables read back as they were written."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.files.tables import read_csv, read_parquet, write_csv, write_parquet

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
rows = st.lists(st.tuples(numbers, texts, numbers), max_size=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("tables")


@given(rows=rows)
def test_csv(folder: Any, rows: list[tuple[float, str, float]]) -> None:
    a, b, c = ([row[i] for row in rows] for i in range(3))
    write_csv(folder / "t.csv", {"a": a, "b": b, "c": np.array(c)})
    found = read_csv(folder / "t.csv", ["a", "c"], ["b"])
    np.testing.assert_array_equal(found["a"], np.array(a, float))
    np.testing.assert_array_equal(np.signbit(found["a"]), np.signbit(np.array(a, float)))
    np.testing.assert_array_equal(found["c"], np.array(c, float))
    assert found["b"] == b


@given(
    rows=st.lists(
        st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(max_size=5)), min_size=1
    )
)
def test_parquet(folder: Any, rows: list[tuple[float, int, bool, str]]) -> None:
    a, b, c, d = ([row[i] for row in rows] for i in range(4))
    write_parquet(folder / "t.parquet", {"a": np.array(a), "b": np.array(b), "c": np.array(c), "d": d})
    found = read_parquet(folder / "t.parquet")
    assert found["a"].tobytes() == np.array(a).tobytes()  # to the bit, of nan too
    assert found["b"].tolist() == b
    assert found["c"].tolist() == c
    assert found["d"] == d
