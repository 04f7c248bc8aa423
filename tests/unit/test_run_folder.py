"""What a dead run leaves behind, and that a living one is let be."""

import fcntl
import os
import re
from pathlib import Path

import pytest

from cevnsi.workflow.run_folder import RunFolderError, check_run_folder, check_writable, clear_leftovers, enter


@pytest.fixture
def left(tmp_path: Path) -> list[Path]:
    """A workflow manager's lock and two half-written files."""
    paths = [
        tmp_path / ".snakemake" / "locks" / "0.input.lock",
        tmp_path / "results" / ".a.csv.12.tmp",
        tmp_path / "results" / "paper" / "grids" / ".b.parquet.13.tmp",
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "results" / "paper" / "kept.csv").touch()
    return paths


@pytest.mark.parametrize("place", [".", ".snakemake"])
def test_a_folder_that_nothing_can_be_noted_in(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".snakemake").mkdir()
    check_run_folder(tmp_path)
    at = (tmp_path / place).resolve()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).resolve() != at)  # root may write anywhere
    with pytest.raises(RunFolderError, match=f"^{re.escape(str(at))}: cannot be written to; run in a folder of yours"):
        check_run_folder(tmp_path)


def test_leftovers_are_named_and_removed(tmp_path: Path, left: list[Path]) -> None:
    assert sorted(clear_leftovers(tmp_path, tmp_path / "results")) == sorted(left)
    assert not any(path.exists() for path in left)
    assert (tmp_path / "results" / "paper" / "kept.csv").exists()
    assert clear_leftovers(tmp_path, tmp_path / "results") == []


def test_the_only_run_clears_leftovers(tmp_path: Path, left: list[Path]) -> None:
    lock = enter(tmp_path, tmp_path / "results")
    assert lock is not None
    with lock:
        assert not any(path.exists() for path in left)


def test_a_second_run_clears_nothing(tmp_path: Path, left: list[Path]) -> None:
    (tmp_path / ".snakemake" / "alive").touch()
    with (tmp_path / ".snakemake" / "alive").open("a", encoding="utf-8") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        lock = enter(tmp_path, tmp_path / "results")
        assert lock is not None
        lock.close()
        assert all(path.exists() for path in left)
    again = enter(tmp_path, tmp_path / "results")  # the other run has ended
    assert again is not None
    again.close()
    assert not any(path.exists() for path in left)


def test_two_runs_hold_the_lock_together(tmp_path: Path) -> None:
    first, second = (enter(tmp_path, tmp_path / "results") for _ in range(2))
    assert first is not None
    assert second is not None
    first.close()
    with (
        second,
        (tmp_path / ".snakemake" / "alive").open("a", encoding="utf-8") as third,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(third, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_that_cannot_be_entered_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert enter(tmp_path / "file", tmp_path / "results") is None


def test_a_file_system_without_locks_is_let_be(
    tmp_path: Path, left: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(file: object, operation: int) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert enter(tmp_path, tmp_path / "results") is None
    assert all(path.exists() for path in left)


def test_results_that_cannot_be_written_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, locked = tmp_path / "results", tmp_path / "results" / "paper" / "grids"
    check_writable(results)  # not there yet
    locked.mkdir(parents=True)
    check_writable(results)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != locked)  # root may write anywhere
    with pytest.raises(RunFolderError, match=r"results/paper/grids: cannot be written to; `chmod -R u\+w "):
        check_writable(results)
