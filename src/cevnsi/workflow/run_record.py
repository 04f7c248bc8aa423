"""What the workflow manager noted of the jobs that made a result: their rules, what each took up, and how long it ran.

The notes are one JSON file for every result, named by the base64 of its path. They are read as they are, so that the
times in a report are of the run that made these files; results that came without them have none.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import TableError, read_text


@dataclass(frozen=True, kw_only=True)
class Job:
    """One finished job."""

    rule: str
    inputs: tuple[str, ...]
    log: tuple[str, ...]  # tells jobs of a rule apart
    seconds: float


def read_jobs(folder: Path) -> dict[str, Job]:
    """The job behind every result of the run in a folder, by its path; a file that is no such note is passed over."""
    jobs, notes = {}, folder / ".snakemake" / "metadata"
    for path in sorted(p for p in notes.rglob("*") if p.is_file()):
        encoded = "".join(part.removeprefix("@") for part in path.relative_to(notes).parts)  # a long name is in parts
        try:
            name = base64.urlsafe_b64decode(encoded).decode("utf-8")
            note = json.loads(read_text(path))
            seconds = float(note["endtime"]) - float(note["starttime"])
            jobs[name] = Job(
                rule=str(note["rule"]), inputs=tuple(note["input"]), log=tuple(note["log"]), seconds=seconds
            )
        except (ValueError, LookupError, TypeError, TableError):  # of another version of the workflow manager
            continue
    return jobs


def behind(jobs: Mapping[str, Job], results: Iterable[str]) -> dict[str, Job]:
    """Only the jobs that some results came from, directly or through others; notes of former runs are left out."""
    found: dict[str, Job] = {}
    todo = list(results)
    while todo:
        name = todo.pop()
        if name in jobs and name not in found:
            found[name] = jobs[name]
            todo += jobs[name].inputs
    return dict(sorted(found.items()))


def run_times(jobs: Mapping[str, Job]) -> list[dict[str, Any]]:
    """Jobs, seconds together and seconds of the longest by rule, the costliest first."""
    by_rule: dict[str, dict[tuple[str, ...], float]] = {}
    for job in jobs.values():
        by_rule.setdefault(job.rule, {})[job.log] = job.seconds  # several results of one job count once
    rows = [
        {"rule": rule, "jobs": len(seconds), "total": sum(seconds.values()), "longest": max(seconds.values())}
        for rule, seconds in by_rule.items()
    ]
    return sorted(rows, key=lambda row: (-row["total"], row["rule"]))
