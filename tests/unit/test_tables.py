"""Files appear whole or not at all, and a damaged one is refused by name."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cevnsi.files import tables
from cevnsi.files.atomic import (
    TableError,
    atomic,
    file_digest,
    make_anew,
    read_lines,
    read_text,
    write_json,
    write_text,
)
from cevnsi.files.tables import (
    Layout,
    as_columns,
    contour_layout,
    covered_contour_layout,
    decimal,
    read_csv,
    read_note,
    read_parquet,
    read_table,
    write_csv,
    write_parquet,
)


def test_a_file_appears_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    write_text(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["c.txt"]


def test_a_file_is_not_there_before_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    with atomic(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == b"half"


def test_who_reads_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    write_text(path, "old\n" * 3)
    with path.open("rb", buffering=0) as reader:
        assert reader.read(4) == b"old\n"
        write_text(path, "new\n")
        assert reader.read() == b"old\n" * 2
    assert path.read_text(encoding="utf-8") == "new\n"


@pytest.mark.parametrize("error", [RuntimeError("stopped"), KeyboardInterrupt()])
def test_the_old_file_stands_if_the_writer_raises(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "c.txt"
    write_text(path, "old\n")

    def stop_halfway() -> None:
        with atomic(path) as stream:
            stream.write(b"new, but not all of it")
            raise error

    with pytest.raises(type(error)):
        stop_halfway()
    assert path.read_text(encoding="utf-8") == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["c.txt"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.txt"
    write_text(path, "old\n")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"c\.txt: could not be written \(No space left on device\); the former file"
    ) as caught:
        write_text(path, "new\n")
    assert caught.value.errno == 28
    assert path.read_text(encoding="utf-8") == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["c.txt"]


def test_json_is_sorted_and_repeats(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None]})
    write_json(tmp_path / "b.json", {"a": [1.5, None], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"b": 1, "a": [1.5, None]}


def test_digest_of_known_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert file_digest(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_csv_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, {"a": [1, 0.1, np.float64(2)], "ok": [True, np.False_, "x"], "why": ["plain", "a, b", 'say "no"']})
    assert path.read_bytes() == b'a,ok,why\n1,true,plain\n0.1,false,"a, b"\n2.0,x,"say ""no"""\n'


def test_columns_of_unequal_length_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_csv(tmp_path / "t.csv", {"a": [1, 2], "b": [1]})
    assert list(tmp_path.iterdir()) == []


def test_rows_become_columns() -> None:
    layout = Layout(columns=("a", "b"), texts=("b",))
    assert as_columns([(1, "x"), (2, "y")], layout) == {"a": [1, 2], "b": ["x", "y"]}
    assert as_columns([], layout) == {"a": [], "b": []}


def test_layouts_name_their_text_columns() -> None:
    layouts = {name: value for name, value in vars(tables).items() if isinstance(value, Layout)}
    expected = {
        "SPECTRA",
        "SPECTRA_IN_TIME",
        "SPECTRA_IN_F90",
        "RANGES",
        "COVERED_RANGES",
        "MEASURED",
        "GOODNESS",
        "BEST_FITS",
        "SENSITIVITY",
        "DOMAIN_ENDS",
        "DOMAIN_MATCHES",
        "DOMAIN_HOLE",
        "DOMAIN_MAP",
        "COHERENT_PUBLISHED",
        "COHERENT_SCORECARD",
        "COHERENT_CHOICES",
        "COUNTS_LIKELIHOOD",
        "BY_METHOD",
        "GENERAL_FIT",
    }
    assert set(layouts) == expected | {"DOMAIN_BEST", "DIGITIZATION", "SCORECARD", "CURVES", "PUBLISHED"}
    for layout in layouts.values():
        assert set(layout.texts) < set(layout.columns)
    assert contour_layout(("x", "y")).columns == ("confidence_level", "n_dof", "segment", "x", "y")
    assert covered_contour_layout(("x", "y")).columns == (*contour_layout(("x", "y")).columns, "method")


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_read_back_by_layout(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "b,a\nx,1\ny,2.5\n"), Layout(columns=("a", "b"), texts=("b",)))
    np.testing.assert_array_equal(table["a"], [1.0, 2.5])
    assert table["b"] == ["x", "y"]


@pytest.mark.parametrize(
    "content",
    ["\ufeffa,b\r\n1,x\r\n", "a,b\n1,x", "b,a\nx,1\n", "a,b\n +1.0e0 ,x\n"],
    ids=["bom", "end", "order", "sign"],
)
def test_other_forms_of_the_same_table(tmp_path: Path, content: str) -> None:
    table = read_csv(write(tmp_path, content), ["a"], ["b"])
    assert (table["a"].tolist(), table["b"]) == ([1.0], ["x"])


@pytest.mark.parametrize(
    "content",
    [
        "a, b\n1,2\n3,4\n\n",
        " a ,b \n1, 2\n3 ,4\n",
        "# from a figure, with a comma\n#\na,b\n1,2\n # calibrated anew\n3,4\n",
        "\na,b\r\n1,2\r\n\r\n3,4\r\n,\r\n   \r\n",
    ],
)
def test_a_table_as_digitizers_write_it(tmp_path: Path, content: str) -> None:
    table = read_csv(write(tmp_path, content), ["a", "b"])
    np.testing.assert_array_equal([table["a"], table["b"]], [[1, 3], [2, 4]])
    lines = content.splitlines()
    assert [float(lines[table.line(i) - 1].split(",")[0]) for i in (0, 1)] == [1, 3]


def test_a_text_is_no_comment(tmp_path: Path) -> None:
    """Below a header whose first column is of texts nothing is left out."""
    columns: dict[str, list[Any]] = {"name": ["#1", "", " "], "value": [1.0, 2.0, 3.0]}
    path = tmp_path / "named.csv"
    write_csv(path, columns)
    assert read_csv(path, ["value"], ["name"])["name"] == columns["name"]


def test_a_table_may_have_no_rows(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "a,b\n"), ["a"], ["b"])
    assert (table["a"].size, table["a"].dtype, table["b"]) == (0, np.float64, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty; expected the columns a, b"),
        ("a\n1\n", "missing column 'b'; expected a, b"),
        ("x\n1\n", "missing column 'a', 'b'; expected a, b"),
        ("a,b,c\n1,2,3\n", "extra column 'c'; expected a, b"),
        ("a,b,a\n1,2,3\n", "repeated column 'a'; expected a, b"),
        ("1,2\n3,4\n", "missing column 'a', 'b'; expected a, b; its header is '1,2'"),
        ("a,b\n1,2\n3\n", "row 3 has 1 cells; expected 2"),
        ("a,b\n1,2\n3,4,5\n", "row 3 has 3 cells; expected 2"),
        ("# read off\n\na,b\n\n1,2\n# and\n3\n", "row 7 has 1 cells; expected 2"),
        ("# read off\na,b\n# more\n1,two\n", "row 4, b: 'two' is not a number"),
        ("a,b\n1,# none\n", "row 2, b: '# none' is not a number"),
        ("# nothing else\n\n", "is empty; expected the columns a, b"),
        ("a,b\n1,two\n", "row 2, b: 'two' is not a number"),
        ("a,b\n1,2\n1,\n", "row 3, b: '' is not a number"),
        ("a,b\n1,nan\n", "row 2, b: 'nan' is not a finite number in plain decimal digits"),
        ("a,b\n-inf,1\n", "row 2, a: '-inf' is not a finite number in plain decimal digits"),
        ("a,b\n1e999,1\n", "row 2, a: '1e999' is not a finite number in plain decimal digits"),
        ("a,b\n1_0,1\n", "row 2, a: '1_0' is not a finite number in plain decimal digits"),
        ("a,b\n١,1\n", "row 2, a: '١' is not a finite number in plain decimal digits"),
        ("a;b\n1;2\n", "missing column 'a', 'b'; expected a, b; its header is 'a;b', and commas separate columns"),
        ('a,b\n1,"2\n', "not a csv table: unexpected end of data"),
        (b"a,b\n1,\xe4\n", "not UTF-8 text at byte 6"),
        (b"a,b\n1,\x00\n", "not text: byte 6 is zero"),
    ],
)
def test_a_bad_table_is_named(tmp_path: Path, content: str | bytes, said: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(TableError) as caught:
        read_csv(path, ["a", "b"])
    assert str(caught.value).startswith(f"{path}: {said}")


@pytest.mark.parametrize("read", [read_text, read_lines, file_digest, lambda path: read_csv(path, ["a"])])
def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, read: Any) -> None:
    with pytest.raises(TableError, match=r"nothing\.csv: cannot be read: No such file or directory"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(TableError, match="cannot be read: it is not a file"):
        read(tmp_path)


def test_lines_end_in_any_of_three_ways(tmp_path: Path) -> None:
    path = write(tmp_path, "a\nb\r\nc\rd\x0be\n")
    assert read_lines(path) == ["a", "b", "c", "d\x0be"]


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), (" -2.5e3\t", -2500.0), (".5", 0.5), ("3.", 3.0), ("+1E-2", 0.01)]
)
def test_plain_decimal_digits(text: str, value: float) -> None:
    assert decimal(text) == value


@pytest.mark.parametrize("text", ["", " ", "x", "0x1", "1_0", "nan", "inf", "1e400", "１", "1\n"])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        decimal(text)


COLUMNS: dict[str, Any] = {
    "x": np.linspace(-1, 1, 101),
    "n": np.arange(101),
    "nan": np.where(np.arange(101) % 7 == 0, np.nan, 1e-300),
    "ok": np.arange(101) % 3 == 0,
    "name": [f"é{i}" for i in range(101)],
}


def same(found: dict[str, Any]) -> bool:
    return list(found) == list(COLUMNS) and all(
        found[name] == values if name == "name" else np.array_equal(found[name], values, equal_nan=name == "nan")
        for name, values in COLUMNS.items()
    )


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "t.parquet"
    write_parquet(path, COLUMNS, {"made_from": "abc", "chunk": 3})
    return path


def test_parquet_reads_back_exactly(parquet: Path) -> None:
    found = read_parquet(parquet)
    assert same(found)
    assert found["n"].dtype == np.int64
    assert found["ok"].dtype == np.bool_
    assert read_note(parquet) == {"made_from": "abc", "chunk": 3}


def test_parquet_without_a_note(tmp_path: Path) -> None:
    write_parquet(tmp_path / "t.parquet", {"x": [1.0, 2.0], "none": np.zeros(2)})
    assert read_note(tmp_path / "t.parquet") == {}


def test_parquet_without_rows(tmp_path: Path) -> None:
    write_parquet(tmp_path / "t.parquet", {"x": np.zeros(0)})
    assert read_parquet(tmp_path / "t.parquet")["x"].size == 0


def test_parquet_bytes_repeat(parquet: Path, tmp_path: Path) -> None:
    write_parquet(tmp_path / "again.parquet", COLUMNS, {"chunk": 3, "made_from": "abc"})
    assert (tmp_path / "again.parquet").read_bytes() == parquet.read_bytes()


def test_some_columns_of_a_parquet(parquet: Path) -> None:
    found = read_parquet(parquet, ["n", "x"])
    assert set(found) == {"n", "x"}
    np.testing.assert_array_equal(found["x"], COLUMNS["x"])


def test_a_missing_column_is_named(parquet: Path) -> None:
    with pytest.raises(
        TableError, match=r"t\.parquet: damaged or not parquet \(no column y, z\); remove it by `rm -f "
    ):
        read_parquet(parquet, ["x", "z", "y"])


def test_columns_of_unequal_length_leave_the_old_parquet(parquet: Path) -> None:
    before = parquet.read_bytes()
    with pytest.raises(ValueError, match="length"):
        write_parquet(parquet, {"a": np.zeros(2), "b": np.zeros(3)})
    assert parquet.read_bytes() == before
    assert [p.name for p in parquet.parent.iterdir()] == ["t.parquet"]


def footer_start(raw: bytes) -> int:
    """A parquet file ends in its footer, the footer's length in four bytes, and PAR1."""
    return len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")


@pytest.mark.slow
def test_any_flipped_byte_of_the_pages_is_refused_or_harmless(parquet: Path, tmp_path: Path) -> None:
    raw = parquet.read_bytes()
    footer = footer_start(raw)
    assert 500 < footer < len(raw) - 500
    damaged, refused = tmp_path / "damaged.parquet", 0
    for place in range(4, footer, 3):
        damaged.write_bytes(raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :])
        try:
            assert same(read_parquet(damaged)), place
        except TableError as error:
            assert str(error).startswith(f"{damaged}: damaged or not parquet (")  # noqa: PT017
            refused += 1
    assert refused > (footer - 4) // 3 * 0.8  # the rest are page headers' statistics, which nobody reads


@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.99, -1])
def test_a_truncated_parquet_is_refused(parquet: Path, keep: float) -> None:
    raw = parquet.read_bytes()
    parquet.write_bytes(raw[: int(keep * len(raw)) if isinstance(keep, float) else keep])
    for read in (read_parquet, read_note):
        with pytest.raises(TableError, match=r"t\.parquet: damaged or not parquet"):
            read(parquet)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet, but long enough to be one" * 10])
def test_something_else_is_no_parquet(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(TableError, match=r"t\.parquet: damaged or not parquet"):
        read_parquet(tmp_path / "t.parquet")


def test_a_missing_parquet_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"nothing\.parquet: damaged or not parquet"):
        read_parquet(tmp_path / "nothing.parquet")


@pytest.mark.slow
def test_a_damaged_footer_raises_nothing_else(parquet: Path, tmp_path: Path) -> None:
    """The footer has no checksum: what it still says is for `grids.check_note` and `grids.merge` to compare."""
    raw = parquet.read_bytes()
    damaged, refused = tmp_path / "damaged.parquet", 0
    for place in range(footer_start(raw), len(raw)):
        damaged.write_bytes(raw[:place] + bytes([raw[place] ^ 0x81]) + raw[place + 1 :])
        for read in (read_parquet, read_note):
            try:
                read(damaged)
            except TableError as error:
                assert str(error).startswith(f"{damaged}: damaged or not parquet (")  # noqa: PT017
                refused += 1
    assert refused > len(raw) - footer_start(raw)  # of twice as many readings; the other bytes are never looked at


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [([1.0, None], "double", "double with 1 gaps"), ([1, 2], "int8", "int8 with 0 gaps")],
    ids=["a gap", "another type"],
)
def test_columns_that_are_never_written_are_refused(
    values: list[float | None], kind: str, said: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"x": pa.array(values, pa.type_for_alias(kind))}), tmp_path / "t.parquet")
    with pytest.raises(TableError, match=rf"damaged or not parquet \(a column of {said}\)"):
        read_parquet(tmp_path / "t.parquet")


def test_how_to_make_a_file_anew_can_be_pasted_into_a_shell() -> None:
    assert make_anew("a b/c.parquet") == "remove it by `rm -f 'a b/c.parquet'` and run again: it is made anew"
