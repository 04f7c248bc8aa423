"""The workflow through its Slurm profile: the same bytes as on one machine, also after faults."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from project import Project
from tally import record_fault

REPOSITORY = Path(__file__).parents[2]
REDUCED = [REPOSITORY / "tests" / "config" / "reduced.yaml"]  # the whole workflow
SLOW = [*REDUCED, Path(__file__).with_name("cluster.yaml")]  # few jobs, long enough to be disturbed
PROFILE = REPOSITORY / "workflow" / "profiles" / "slurm"
NODES = {"n1", "n2"}
SLOW_SCAN = "four_couplings"
COUNTED = "csi_2017"  # of another study, so that a plain run leaves it out
JOINT = "joint"  # the same, of two detectors
DOMAIN_TASKS = [f"rule_domain_sensitivity_wildcards_{analysis}" for analysis in ("paper", "release")]
RUN_TIMEOUT_S = 600
EVENT_TIMEOUT_S = 90

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One line of squeue: a job that is queued, runs or has ended."""

    number: str
    state: str
    node: str
    run: str
    task: str


class Run:
    """One run of the workflow in a folder of its own."""

    def __init__(self, directory: Path, config: list[Path], *arguments: str, targets: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.log = directory.with_suffix(".log")
        command: list[str | Path] = [sys.executable, "-m", "snakemake", *arguments]
        command += ["--snakefile", REPOSITORY / "Snakefile"]
        command += ["--directory", directory, "--scheduler", "greedy", "--configfile", *config, "--", *targets]
        with self.log.open("w", encoding="utf-8") as stream:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=stream, stderr=subprocess.STDOUT)

    def ending(self) -> str:
        """The end of what snakemake said, for a complaint."""
        return f"the end of {self.log}:\n{self.log.read_text(encoding='utf-8')[-4000:]}"

    def finish(self) -> None:
        """Wait for the end, which must be a success."""
        try:
            code = self.process.wait(RUN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {RUN_TIMEOUT_S} s; {self.ending()}")
        assert code == 0, f"snakemake returned {code}; {self.ending()}"

    def stop(self) -> None:
        """End it if it still runs: on SIGINT, snakemake cancels its jobs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def results(self) -> dict[str, str]:
        """Digest of every result, by name."""
        return Project(self.directory).digests()


@contextmanager
def local_run(directory: Path, config: list[Path], *targets: str) -> Iterator[Run]:
    run = Run(directory, config, "--cores", "2", targets=targets)
    try:
        yield run
    finally:
        run.stop()


@contextmanager
def slurm_run(directory: Path, config: list[Path], *targets: str) -> Iterator[Run]:
    """A run on the cluster: its jobs bear the name of its folder, and are asked after more often than usual."""
    options = ["--slurm-jobname-prefix", directory.name, "--slurm-init-seconds-before-status-checks", "2"]
    run = Run(directory, config, "--profile", str(PROFILE), *options, targets=targets)
    try:
        yield run
    finally:
        run.stop()


def slurm(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def jobs_of(directory: Path) -> list[Job]:
    """Jobs of the run in a folder, in the order of their submission."""
    lines = slurm("squeue", "--noheader", "--states=all", "--sort=i", "--format=%i|%T|%N|%j|%k").splitlines()
    jobs = [Job(*line.split("|")) for line in lines]
    return [job for job in jobs if job.run.startswith(f"{directory.name}_")]


def wait_for(what: str, look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + EVENT_TIMEOUT_S
    while (found := look()) is None:
        assert time.monotonic() < end, f"no {what} within {EVENT_TIMEOUT_S} s"
        time.sleep(0.1)
    return found


def chunk_task(name: str) -> str:
    """Name under which the job of a chunk file was submitted."""
    _, analysis, _, scan, file = name.split("/")
    rule = ["rule_digitization_chunk_wildcards", analysis]
    if scan != "digitization" and file == "1-of-1.parquet":  # all of an analysis are one job
        return f"rule_scans{'_2' if analysis == COUNTED else ''}_wildcards_{analysis}"
    if scan != "digitization":
        rule = ["rule_chunk_wildcards", analysis, scan]
    return "_".join([*rule, *file.removesuffix(".parquet").split("-of-")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, str]:
    """Results of a run on this machine, without Slurm."""
    with local_run(folder / "local", SLOW) as run:
        run.finish()
    results = run.results()
    assert {"results/provenance.json", f"results/paper/chunks/{SLOW_SCAN}/3-of-3.parquet"} <= results.keys()
    return results


def test_cluster_gives_the_bytes_of_a_local_run(folder: Path) -> None:
    with local_run(folder / "whole", REDUCED, "all", COUNTED) as local:
        local.finish()
    expected = local.results()
    assert len([name for name in expected if "/figures/" in name]) == (2 * 6 + 8) * 4
    with slurm_run(folder / "undisturbed", REDUCED, "all", COUNTED) as run:
        run.finish()
    assert run.results() == expected

    # Every chunk and the domain sensitivity ran on the cluster, once; everything else ran here.
    jobs = jobs_of(run.directory)
    submitted = {chunk_task(name) for name in expected if "/chunks/" in name}
    assert sorted(job.task for job in jobs) == sorted([*submitted, *DOMAIN_TASKS])
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {job.node for job in jobs} == NODES


@pytest.mark.parametrize("rule", ["chunk", "coverage_points"])
def test_chunks_are_jobs(rule: str, folder: Path) -> None:
    """Of a scan of CsI 2021 and argon, and of critical values by pseudo-data, which no other target asks for."""
    analysis, results = {
        "chunk": (JOINT, ("grids/mumu_d_u.parquet",)),
        "coverage_points": ("release", tuple(f"coverage/points/mumu_d_u/{k}-of-2.parquet" for k in (1, 2))),
    }[rule]
    targets = [f"results/{analysis}/{result}" for result in results]
    with local_run(folder / f"{rule}_local", REDUCED, *targets) as local:
        local.finish()
    with slurm_run(folder / f"{rule}_slurm", REDUCED, *targets) as run:
        run.finish()
    assert run.results() == local.results()
    assert set(targets) <= set(run.results())
    jobs = jobs_of(run.directory)
    assert sorted(job.task for job in jobs) == [f"rule_{rule}_wildcards_{analysis}_mumu_d_u_{k}_2" for k in (1, 2)]
    assert {job.state for job in jobs} == {"COMPLETED"}


def worker_of(job: Job, run: Run) -> int | None:
    """Process that computes the chunk of a job: its environment names the job, its command line the script."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().split(b"\0")
            ours = (process / "cwd").samefile(run.directory)
        except OSError:  # it has ended, or is another user's
            continue
        is_script = any(part.endswith(b".chunk.py") for part in command)
        if ours and is_script and f"SLURM_JOB_ID={job.number}".encode() in environment:
            return int(process.name)
    return None


def cancel(job: Job, worker: int) -> str:
    slurm("scancel", job.number)
    return f"scancel of running job {job.number}"


def kill_worker(job: Job, worker: int) -> str:
    os.kill(worker, signal.SIGKILL)
    return f"kill -9 of the Python process of job {job.number}"


def lose_node(job: Job, worker: int) -> str:
    slurm("scontrol", "update", f"nodename={job.node}", "state=down", "reason=test")
    return f"node {job.node} set down under job {job.number}"


@pytest.fixture
def nodes() -> Iterator[None]:
    """Leaves both nodes idle, whatever a test did to them."""
    yield

    def idle() -> bool | None:
        states = dict(line.split() for line in slurm("sinfo", "--noheader", "--Node", "--format=%N %T").splitlines())
        for node in states:
            if states[node].startswith("down"):
                slurm("scontrol", "update", f"nodename={node}", "state=resume")
        return states == dict.fromkeys(NODES, "idle") or None

    wait_for("two idle nodes", idle)


FAULTS: dict[str, tuple[Callable[[Job, int], str], str]] = {
    "job cancelled": (cancel, "CANCELLED"),
    "worker killed": (kill_worker, "FAILED"),
    "node down": (lose_node, "NODE_FAIL"),
}


@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_leaves_no_trace_in_the_results(fault: str, folder: Path, expected: dict[str, str]) -> None:
    disturb, state = FAULTS[fault]
    # Finished results but for the slow scan: its chunks, and what is made from them, are to be made again.
    directory = folder / fault.replace(" ", "_")
    shutil.copytree(folder / "local", directory)
    slow = [name for name in expected if SLOW_SCAN in name]
    for name in slow:
        (directory / name).unlink()
    tasks = [chunk_task(name) for name in slow if "/chunks/" in name]

    def victim() -> tuple[Job, int] | None:
        """A job in the middle of a chunk, and the process that computes it."""
        assert run.process.poll() is None, f"snakemake has ended; {run.ending()}"
        for job in jobs_of(directory):
            if job.state == "RUNNING" and (worker := worker_of(job, run)) is not None:
                return job, worker
        return None

    def ended() -> str | None:
        states = {each.number: each.state for each in jobs_of(directory)}
        return None if states[job.number] in ("RUNNING", "COMPLETING") else states[job.number]

    happened, outcome = "nothing", "not recovered"
    try:
        with slurm_run(directory, SLOW) as run:
            job, worker = wait_for("running chunk", victim)
            happened = disturb(job, worker)
            assert wait_for(f"end of job {job.number}", ended) == state
            run.finish()
        assert run.results() == expected

        jobs = jobs_of(directory)
        lost = [each for each in jobs if each.state == state]
        made = {each.task: each for each in jobs if each.state == "COMPLETED"}
        assert len(jobs) == len(lost) + len(made)
        assert [each.number for each in lost] == [job.number]
        assert sorted(made) == sorted(tasks)
        again = made[job.task]
        if disturb is lose_node:
            assert again.node != job.node
        outcome = f"{state}, done again as job {again.number} on {again.node}; all {len(expected)} results identical"
    finally:
        record_fault(f"Slurm, {fault}", happened, outcome)
