"""Files as bytes and text: read with a clear complaint, written whole or not at all.

A file is written beside its place, flushed to disk, and renamed.
"""

import hashlib
import io
import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


class TableError(ValueError):
    """A file does not hold what it should."""


def make_anew(path: Path | str) -> str:
    """What to do about a result that cannot be used."""
    return f"remove it by `rm -f {shlex.quote(str(path))}` and run again: it is made anew"


@contextmanager
def atomic(path: Path | str) -> Iterator[IO[bytes]]:
    """A binary file that takes the name `path` once it is complete and on disk, and leaves nothing behind if not.

    OSError names the file that could not be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OSError(
            error.errno, f"{path}: could not be written ({error.strerror}); the former file, if any, stands"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """A text file in UTF-8 with Unix line ends; OSError as that of `atomic`."""
    with atomic(path) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: Path | str, content: Any) -> None:
    """A JSON file with sorted keys; OSError as that of `atomic`."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def file_digest(path: Path | str) -> str:
    """sha256 of a file's bytes; TableError of what cannot be read."""
    return hashlib.sha256(_read_bytes(Path(path))).hexdigest()


def _read_bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a folder, or a pipe that would be waited for
            raise TableError(f"{path}: cannot be read: it is not a file")
        return path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None


def read_text(path: Path | str) -> str:
    """The text of a file in UTF-8, without its byte order mark if it has one.

    TableError of what cannot be read, is not UTF-8, or has a byte that is zero.
    """
    content = _read_bytes(Path(path))
    if b"\0" in content:  # some readers take it for the end of a cell
        raise TableError(f"{path}: not text: byte {content.index(0)} is zero")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 text at byte {error.start}") from None


def read_lines(path: Path | str) -> list[str]:
    """The lines of a text file, whatever it ends them with; str.splitlines would also split at rarer characters.

    TableError as that of `read_text`.
    """
    return [line.rstrip("\n") for line in io.StringIO(read_text(path), newline=None)]
