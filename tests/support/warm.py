"""Starts of Python programs from an interpreter that is warm: its slow imports are done, everything else is as ever.

Most of a short run of snakemake, and of every job in it, are imports. A process that does nothing else imports them
once, and each start is a fork of it: a process with arguments, folder, environment and output of its own, which ends as
any does. The project's library is not among the imports: each start finds that of its own path.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

# What snakemake and the library import of others, and takes long.
IMPORTS = (
    "snakemake.cli",
    "snakemake.report.html_reporter",
    "snakemake_logger_plugin_rich",
    "smart_open",
    "nbformat",
    "jsonschema",
    "pyarrow.parquet",
    "scipy.ndimage",
    "scipy.optimize.elementwise",
    "scipy.special",
    "contourpy",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "jinja2",
)

# The interpreter that snakemake starts its jobs with: hands itself over to the warm process, and ends as its fork did.
JOBS = """#!{python} -IS
import json, os, socket, sys

channel = socket.socket(socket.AF_UNIX)
channel.connect({path!r})
asked = {{"command": [{python!r}, *sys.argv[1:]], "folder": os.getcwd(), "environment": dict(os.environ)}}
socket.send_fds(channel, [b"."], [1, 2])
channel.sendall(json.dumps(asked).encode())
channel.shutdown(socket.SHUT_WR)
sys.exit(int(channel.recv(8) or 1) % 256)
"""


class Warm:
    """That process, as one sees it who starts something. It has these variables, if any, from its own start."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        self.path = str(self.folder / "socket")
        python = self.folder / "python"
        python.write_text(JOBS.format(python=sys.executable, path=self.path), encoding="utf-8")
        python.chmod(0o700)
        # one thread, as snakemake gives its jobs: a library of linear algebra asks for it when it is imported
        given = {**os.environ, **variables, "OMP_NUM_THREADS": "1"}
        environment = {name: value for name, value in given.items() if name != "PYTHONPATH"}
        command = [sys.executable, __file__, self.path, str(python)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        atexit.register(self.end)
        assert self.process.stdout
        self.process.stdout.read(1)  # it listens

    def run(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """What a command of this interpreter does; stdout and stderr come together in `stdout`."""
        assert command[0] == sys.executable
        asked = {"command": command, "folder": str(folder), "environment": dict(environment)}
        with tempfile.TemporaryFile() as output, socket.socket(socket.AF_UNIX) as channel:
            channel.connect(self.path)
            socket.send_fds(channel, [b"."], [output.fileno()] * 2)
            channel.sendall(json.dumps(asked).encode())
            channel.shutdown(socket.SHUT_WR)
            status = int(channel.recv(8))
            output.seek(0)
            return subprocess.CompletedProcess(command, status, output.read().decode())

    def end(self) -> None:
        """Close its stdin, which ends it."""
        self.process.communicate()
        shutil.rmtree(self.folder)


@cache
def _warm(variables: frozenset[tuple[str, str]]) -> Warm:
    return Warm(dict(variables))


def warm(variables: Mapping[str, str] | None = None) -> Warm:
    """The one of this process with such variables, made when it is first asked for."""
    return _warm(frozenset((name, value) for name, value in (variables or {}).items() if name != "PYTHONPATH"))


def _serve(listener: socket.socket) -> dict[str, Any]:
    """Fork for whatever is asked, and return what that is in the fork alone."""
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            sys.exit()
        channel, _ = listener.accept()
        if not os.fork():
            listener.close()
            return _watched(channel)
        channel.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _watched(channel: socket.socket) -> dict[str, Any]:
    """Fork once more, for the program, and tell who asked how it has ended."""
    _, outputs, _, _ = socket.recv_fds(channel, 1, 2)
    with channel.makefile("rb") as stream:
        asked: dict[str, Any] = json.load(stream)
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        channel.sendall(str(status).encode())
        os._exit(0)
    channel.close()
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    return asked


def _become(asked: dict[str, Any], python: str, path: list[str]) -> None:
    """Be as an interpreter that has just started, and run; path is where it finds modules without PYTHONPATH."""
    folder, (_, *arguments) = asked["folder"], asked["command"]
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(folder)
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.executable = python
    sys.modules["snakemake.workflow"].Workflow._rundir = folder  # noted when it is imported
    of_environment = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path = [folder, *of_environment, *path]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path = [str(Path(arguments[0]).parent), *of_environment, *path]
        runpy.run_path(arguments[0], run_name="__main__")


def _ended(error: BaseException | None) -> int:
    """The exit status of a program that ends so; what is no status is said."""
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    if isinstance(error.code, str):
        print(error.code, file=sys.stderr)
        return 1
    return error.code or 0


def main(path: str, python: str) -> None:
    """Import, say so, and serve."""
    for name in IMPORTS:
        importlib.import_module(name)
    gc.freeze()  # what is there stays shared with the forks: no collection touches it
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print(end=".", flush=True)
        asked = _serve(listener)
    error = None
    try:
        _become(asked, python, sys.path[1:])
    except BaseException as raised:
        error = raised
    status = _ended(error)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)  # to take all apart that was imported takes longer than most programs that are run here


if __name__ == "__main__":
    main(*sys.argv[1:])
