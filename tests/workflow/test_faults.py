"""Things go wrong during a run: what is said, what is left, and that the way out leads to the same bytes."""

import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from project import Project, copy_project, made_once
from tally import record_fault

T = TypeVar("T")
OVERLAY = "faults.yaml"
CHUNK = "results/paper/chunks/light_mediator/2-of-4.parquet"
GRID = "results/paper/grids/light_mediator.parquet"
TARGETS = ("--", "results/paper/figures/fig2.pdf", "results/paper/ranges.csv", GRID)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run that nothing disturbed. Tests work on copies of it."""

    def make(folder: Path) -> None:
        copy_project(folder, OVERLAY).snakemake(*TARGETS)

    return Project(made_once(tmp_path_factory, "undisturbed", make), OVERLAY)


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A project in which nothing has run yet."""
    return copy_project(tmp_path / "project", OVERLAY)


@contextmanager
def running(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """A run in the background, ended with all that it started if the test leaves it alive."""
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "src")}
    with (project.folder / "background.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            project.command(*TARGETS), cwd=project.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()


def said(project: Project) -> str:
    """What a run in the background has said."""
    return (project.folder / "background.log").read_text(encoding="utf-8")


def wait_for(condition: Callable[[], T], what: str, seconds: float = 120) -> T:
    """Poll until a condition holds, and what it then is."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s for {what}")
        time.sleep(0.05)
    return found


def chunk_jobs(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Python processes of chunk jobs below a run."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            words = child.cmdline()
        except psutil.Error:
            continue
        if any(word.endswith(".chunk.py") for word in words) and "python" in words[0]:
            found.append(child)
    return found


def assert_same(project: Project, undisturbed: Project) -> None:
    """Every file of the results is the undisturbed run's, and there is no other."""
    assert project.digests() == undisturbed.digests()


def way_out(output: str) -> list[str]:
    """The command that an error offers between backticks, where a remark at the start may have others."""
    offered = re.findall(r"by `([^`]+)`", output)
    assert offered, output
    return shlex.split(offered[0])


def test_kill_of_a_chunk_job(fresh: Project, undisturbed: Project) -> None:
    with running(fresh) as process:
        wait_for(lambda: chunk_jobs(process), "a chunk job")[0].send_signal(signal.SIGKILL)
        assert process.wait(timeout=120) != 0
    assert re.search(r"Error in rule chunk", said(fresh))
    fresh.snakemake(*TARGETS)
    assert_same(fresh, undisturbed)
    record_fault("kill -9 of a chunk job", "run stops and names the rule; the same command resumes", "same bytes")


def test_kill_of_snakemake(fresh: Project, undisturbed: Project) -> None:
    with running(fresh) as process:
        wait_for(lambda: (fresh.folder / CHUNK).parent.exists() and chunk_jobs(process), "a chunk job")
        orphans = chunk_jobs(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert any(path.suffix == ".lock" for path in (fresh.folder / ".snakemake" / "locks").iterdir())
    fresh.snakemake(*TARGETS)
    psutil.wait_procs(orphans, timeout=60)
    assert_same(fresh, undisturbed)
    record_fault("kill -9 of snakemake", "the same command clears its locks and resumes", "same bytes")


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file's bytes."""
    path.write_bytes(change(path.read_bytes()))


def flip_a_bit(content: bytes) -> bytes:
    """One bit in the middle changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("fault", "change"),
    [("truncated chunk", lambda content: content[: len(content) // 2]), ("bit-flipped chunk", flip_a_bit)],
)
def test_a_damaged_chunk(undisturbed: Project, tmp_path: Path, fault: str, change: Callable[[bytes], bytes]) -> None:
    project = undisturbed.copy(tmp_path / "project")
    damage(project.folder / CHUNK, change)
    (project.folder / GRID).unlink()
    done = project.snakemake(*TARGETS, check=False)
    assert done.returncode != 0
    assert f"{CHUNK}: damaged" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.folder / GRID).exists()
    project.run(way_out(done.stdout))
    project.snakemake(*TARGETS)
    assert_same(project, undisturbed)
    record_fault(fault, "merge names the chunk and the command that removes it; a run makes it anew", "same bytes")


def test_a_chunk_of_another_configuration(undisturbed: Project, tmp_path: Path) -> None:
    project = undisturbed.copy(tmp_path / "project")
    other = tmp_path / "other.yaml"
    other.write_text("analyses: {paper: {sin2_theta_w: 0.25}}", encoding="utf-8")
    foreign = undisturbed.copy(tmp_path / "foreign")
    foreign.snakemake(str(other), "--", CHUNK)
    shutil.copy(foreign.folder / CHUNK, project.folder / CHUNK)
    (project.folder / GRID).unlink()
    done = project.snakemake(*TARGETS, check=False)
    assert done.returncode != 0
    assert f"{CHUNK}: its made_from is" in done.stdout
    project.run(way_out(done.stdout))
    project.snakemake(*TARGETS)
    assert_same(project, undisturbed)
    record_fault("a chunk of another configuration", "merge tells it apart by what it notes of itself", "same bytes")


def test_a_full_disk(fresh: Project, undisturbed: Project) -> None:
    """No file may grow beyond a size that the chunks exceed, as on a disk that fills up while they are written."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    environment = {**os.environ, "PYTHONPATH": str(fresh.folder / "src")}
    done = subprocess.run(
        fresh.command(*TARGETS),
        cwd=fresh.folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=limited,
    )
    assert done.returncode != 0
    assert re.search(r"results/paper/chunks/light_mediator/\d-of-4\.parquet: could not be written", done.stdout)
    assert not list((fresh.folder / "results" / "paper" / "chunks").rglob("*.parquet"))
    fresh.snakemake(*TARGETS)
    assert_same(fresh, undisturbed)
    record_fault("full disk", "the job names the file; no part of it stays; the same command resumes", "same bytes")


def test_a_read_only_results_folder(undisturbed: Project, tmp_path: Path) -> None:
    project = undisturbed.copy(tmp_path / "project")
    (project.folder / GRID).unlink()
    before = project.digests()
    folder = project.folder / "results" / "paper" / "grids"
    command = project.command(*TARGETS)
    if os.geteuid() == 0:  # modes do not bind root, a read-only mount does
        mounts = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
        if subprocess.run(["unshare", "--mount", "sh", "-c", mounts], capture_output=True).returncode:
            pytest.skip("root without mount namespaces cannot be kept from writing")
        command = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *command]
    else:
        folder.chmod(0o555)
    done = project.run(command, check=False)
    folder.chmod(0o755)
    assert done.returncode != 0
    assert "results/paper/grids: cannot be written to; `chmod -R u+w results`" in done.stdout
    assert project.digests() == before
    project.snakemake(*TARGETS)
    assert_same(project, undisturbed)
    record_fault("read-only results folder", "refused before any job, with the chmod that helps", "same bytes")


def test_two_runs_at_once(fresh: Project, undisturbed: Project) -> None:
    with running(fresh) as process:
        wait_for(lambda: chunk_jobs(process), "a chunk job")
        second = fresh.snakemake(*TARGETS, check=False)
        assert process.wait(timeout=180) == 0, said(fresh)
    assert second.returncode != 0
    assert "another Snakemake process" in second.stdout.replace("\n", " ") or "lock" in second.stdout.lower()
    assert_same(fresh, undisturbed)
    record_fault("two runs in one folder", "the second is refused; the first is not disturbed", "same bytes")
