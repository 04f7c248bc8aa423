import base64
import json
from itertools import pairwise
from pathlib import Path

import pytest

from cevnsi.workflow.rule_graph import draw, layers, layout, reduced
from cevnsi.workflow.run_record import Job, behind, read_jobs, rule_edges, run_times


def note(folder: Path, result: str, rule: str, inputs: list[str], seconds: float, log: str) -> None:
    """One note as the workflow manager writes it: a long name is cut into folders."""
    encoded = base64.urlsafe_b64encode(result.encode()).decode()
    parts = [encoded[i : i + 200] for i in range(0, len(encoded), 200)]
    path = folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"rule": rule, "input": inputs, "log": [log], "starttime": 100.0, "endtime": 100.0 + seconds}
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    note(tmp_path, "a.csv", "inputs", ["data.csv"], 1, "a.log")
    note(tmp_path, "b.csv", "inputs", ["data.csv"], 1, "a.log")  # the same job
    note(tmp_path, "1.parquet", "chunk", ["a.csv"], 2, "1.log")
    note(tmp_path, "2.parquet", "chunk", ["a.csv"], 4, "2.log")
    note(tmp_path, "former.parquet", "chunk", ["a.csv"], 9, "3.log")
    note(tmp_path, f"results/{'x' * 300}.csv", "figure", ["1.parquet", "2.parquet", "b.csv"], 0.5, "f.log")
    (tmp_path / "not base64!").write_text("{}", encoding="utf-8")
    (tmp_path / base64.urlsafe_b64encode(b"other").decode()).write_text('{"rule": "other"}', encoding="utf-8")
    return tmp_path


def test_notes_are_read_by_path_and_others_passed_over(notes: Path) -> None:
    jobs = read_jobs(notes)
    assert set(jobs) == {"a.csv", "b.csv", "1.parquet", "2.parquet", "former.parquet", f"results/{'x' * 300}.csv"}
    assert jobs["2.parquet"] == Job("chunk", ("a.csv",), ("2.log",), 4.0)


def test_only_what_a_result_came_from_counts(notes: Path) -> None:
    jobs = behind(read_jobs(notes), [f"results/{'x' * 300}.csv"])
    assert "former.parquet" not in jobs
    assert rule_edges(jobs) == {("inputs", "chunk"), ("inputs", "figure"), ("chunk", "figure")}
    assert run_times(jobs) == [
        {"rule": "chunk", "jobs": 2, "total": 6.0, "longest": 4.0},
        {"rule": "inputs", "jobs": 1, "total": 1.0, "longest": 1.0},
        {"rule": "figure", "jobs": 1, "total": 0.5, "longest": 0.5},
    ]


def test_no_notes_are_no_jobs(tmp_path: Path) -> None:
    assert read_jobs(tmp_path / "missing") == {}
    assert behind({}, ["a"]) == {}


EDGES = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d"), ("d", "e"), ("c", "e"), ("b", "e"), ("c", "c")}


def test_edges_that_others_imply_are_left_out() -> None:
    assert reduced(EDGES) == {("a", "b"), ("b", "c"), ("a", "d"), ("d", "e"), ("c", "e")}


def test_a_rule_is_below_what_it_takes_up() -> None:
    depth = layers(EDGES - {("c", "c")})
    assert all(depth[a] < depth[b] for a, b in EDGES if a != b)
    with pytest.raises(ValueError, match="circle"):
        layers({("a", "b"), ("b", "a")})


def test_boxes_do_not_overlap_and_edges_run_down() -> None:
    labels = {name: f"rule {name}" for name in "abcdef"}  # f stands alone
    boxes, ways, width = layout(EDGES, labels)
    assert {box.name for box in boxes} == set(labels)
    for first in boxes:
        assert 0 <= first.x - first.width / 2 <= first.x + first.width / 2 <= width
        for second in boxes:
            if first != second and first.layer == second.layer:
                assert abs(first.x - second.x) >= (first.width + second.width) / 2
    assert {(way[0].name, way[-1].name) for way in ways} == reduced(EDGES)
    assert all(second.layer == first.layer + 1 for way in ways for first, second in pairwise(way))


def test_the_drawing_says_what_it_shows() -> None:
    svg = draw(EDGES, {name: f"<{name}>" for name in "abcde"}, 'a "graph"')
    assert svg.count("<rect") == svg.count("<text") == 5
    assert svg.count("<path") == len(reduced(EDGES))
    assert 'aria-label="a &quot;graph&quot;"' in svg
    assert "&lt;a&gt;" in svg
