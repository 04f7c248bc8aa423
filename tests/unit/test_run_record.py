import base64
import json
from pathlib import Path

import pytest

from cevnsi.workflow.run_record import Job, behind, read_jobs, run_times


def note(folder: Path, result: str, rule: str, inputs: list[str], seconds: float, log: str) -> None:
    """One note as the workflow manager writes it: a long name is cut into folders."""
    encoded = base64.urlsafe_b64encode(result.encode()).decode()
    parts = [encoded[i : i + 200] for i in range(0, len(encoded), 200)]
    path = (folder / ".snakemake" / "metadata").joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"rule": rule, "input": inputs, "log": [log], "starttime": 100.0, "endtime": 100.0 + seconds}
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    metadata = tmp_path / ".snakemake" / "metadata"
    note(tmp_path, "a.csv", "inputs", ["data.csv"], 1, "a.log")
    note(tmp_path, "b.csv", "inputs", ["data.csv"], 1, "a.log")  # the same job
    note(tmp_path, "1.parquet", "chunk", ["a.csv"], 2, "1.log")
    note(tmp_path, "2.parquet", "chunk", ["a.csv"], 4, "2.log")
    note(tmp_path, "former.parquet", "chunk", ["a.csv"], 9, "3.log")
    note(tmp_path, f"results/{'x' * 300}.csv", "figure", ["1.parquet", "2.parquet", "b.csv"], 0.5, "f.log")
    (metadata / "not base64!").write_text("{}", encoding="utf-8")
    (metadata / base64.urlsafe_b64encode(b"other").decode()).write_text('{"rule": "other"}', encoding="utf-8")
    return tmp_path


def test_notes_are_read_by_path_and_others_passed_over(notes: Path) -> None:
    jobs = read_jobs(notes)
    assert set(jobs) == {"a.csv", "b.csv", "1.parquet", "2.parquet", "former.parquet", f"results/{'x' * 300}.csv"}
    assert jobs["2.parquet"] == Job(rule="chunk", inputs=("a.csv",), log=("2.log",), seconds=4.0)


def test_only_what_a_result_came_from_counts(notes: Path) -> None:
    jobs = behind(read_jobs(notes), [f"results/{'x' * 300}.csv"])
    assert "former.parquet" not in jobs
    assert run_times(jobs) == [
        {"rule": "chunk", "jobs": 2, "total": 6.0, "longest": 4.0},
        {"rule": "inputs", "jobs": 1, "total": 1.0, "longest": 1.0},
        {"rule": "figure", "jobs": 1, "total": 0.5, "longest": 0.5},
    ]


def test_no_notes_are_no_jobs(tmp_path: Path) -> None:
    assert read_jobs(tmp_path / "missing") == {}
    assert behind({}, ["a"]) == {}
