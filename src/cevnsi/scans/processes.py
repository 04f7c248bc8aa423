"""Work shared by processes that write into one array: what is many small steps gains nothing from threads."""

import mmap
import os
import warnings
from collections.abc import Callable, Sequence
from math import prod
from typing import TypeVar

import numpy as np

from cevnsi.arrays import FloatArray

Item = TypeVar("Item")


def shared(shape: tuple[int, ...]) -> FloatArray:
    """An array of any shape, of zeros, that processes forked from this one write into, too."""
    size = prod(shape)
    memory = mmap.mmap(-1, max(size, 1) * np.dtype(float).itemsize)
    return np.frombuffer(memory, dtype=float, count=size).reshape(shape)


def in_processes(
    work: Callable[[Item], object], items: Sequence[Item], workers: int, told: Callable[[float], None] | None = None
) -> None:
    """Do every item's work, which writes its result into `shared` arrays, in this process and others.

    What another could not do is done here, so that whatever is raised is raised here. `told` is called with the part
    that is done after every item of this process, whose share is as large as that of any other.
    """
    mine, *theirs = (items[i::workers] for i in range(workers))
    children = [(_forked(work, share), share) for share in theirs if share]
    try:
        for i, item in enumerate(mine, start=1):
            work(item)
            if told is not None and i < len(mine):
                told(i / len(mine))
    finally:
        failed = [share for child, share in children if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0]
    for item in (item for share in failed for item in share):
        work(item)
    if told is not None:
        told(1.0)


def _forked(work: Callable[[Item], object], items: Sequence[Item]) -> int:
    """Number of a process that does this work, and nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: it takes no lock of theirs
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        for item in items:
            work(item)
        code = 0
    finally:
        os._exit(code)  # without what this process would do at its end
