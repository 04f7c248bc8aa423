"""Digests, revisions and versions."""

import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from cevnsi.files.provenance import PACKAGES, digest, git_revision, provenance


def test_digest_is_of_the_content_not_of_its_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1, "b": [1, 2]}) != digest({"a": 1, "b": [2, 1]})
    assert digest({}) == hashlib.sha256(b"{}").hexdigest()


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_revision_is_the_commit_and_says_if_the_tree_differs(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one\n", encoding="utf-8")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_revision(tmp_path) == commit
    (tmp_path / "file").write_text("two\n", encoding="utf-8")
    assert git_revision(tmp_path) == f"{commit}-dirty"


def test_revision_outside_a_checkout_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_revision(tmp_path) == "unknown"


def test_revision_without_git_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_revision(tmp_path) == "unknown"


def test_provenance_names_what_went_in(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"a,b\n1,2\n")
    config = {"scans": {"a": 1}}
    found = provenance(config, "abc-dirty", "c0de", {"data/x.csv": str(tmp_path / "data.csv")})
    assert found["git_revision"] == "abc-dirty"
    assert found["code_sha256"] == "c0de"
    assert found["config"] == config
    assert found["config_sha256"] == digest(config)
    assert found["inputs_sha256"] == {"data/x.csv": hashlib.sha256(b"a,b\n1,2\n").hexdigest()}
    assert found["versions"]["numpy"] == version("numpy")
    assert found["versions"].keys() == {*PACKAGES, "python"}
    assert found["versions"]["python"] == platform.python_version()
