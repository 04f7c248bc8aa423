"""What a killed run leaves behind in its folder, and when it is safe to clear that away.

A run that was killed leaves the locks of its workflow manager and, where a job died while writing, a hidden temporary
file. Every run holds a shared lock of the operating system, which goes with its process however that ends; whoever gets
it exclusively knows that no other run is alive, and what lies there is a dead one's.
"""

import fcntl
import os
from pathlib import Path
from typing import IO


class RunFolderError(OSError):
    """The folder cannot be written to."""


def clear_leftovers(folder: Path, results: Path) -> list[Path]:
    """Remove the locks and temporary files of a dead run, and say which."""
    leftovers = [*(folder / ".snakemake" / "locks").glob("*.lock"), *results.rglob(".*.tmp")]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return leftovers


def check_run_folder(folder: Path) -> None:
    """Refuse a folder that no run can note anything in, where its workflow manager has no words for it.

    Raises RunFolderError.
    """
    for path in (folder, folder / ".snakemake"):
        if path.exists() and not os.access(path, os.W_OK):
            raise RunFolderError(f"{path.resolve()}: cannot be written to; run in a folder of yours (--directory)")


def check_writable(results: Path) -> None:
    """Refuse results that cannot be written to, before any job finds out: RunFolderError."""
    for path in (results, *sorted(p for p in results.rglob("*") if p.is_dir())):
        if path.exists() and not os.access(path, os.W_OK):
            raise RunFolderError(
                f"{path}: cannot be written to; `chmod -R u+w {results}` or run elsewhere (--directory)"
            )


def enter(folder: Path, results: Path) -> IO[str] | None:
    """Hold the folder's lock while the returned file is open, clearing leftovers first if no other run is alive.

    None where the file system has no such locks or the folder is not ours to write to; then nothing is cleared.
    """
    try:
        (folder / ".snakemake").mkdir(exist_ok=True)
        lock = (folder / ".snakemake" / "alive").open("a", encoding="utf-8")
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pass  # another run is alive, and what lies there may be its own
    else:
        clear_leftovers(folder, results)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
    except OSError:
        lock.close()
        return None
    return lock
