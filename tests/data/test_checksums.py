"""Every data file has its checksum, and every checksum its file."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cevnsi.experiments.inputs import PUBLISHED_FILE, RELEASES


@pytest.fixture(scope="session")
def sums(root: Path) -> dict[str, str]:
    """Digest by path."""
    lines = (root / "data" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    found = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert len(found) == len(lines)
    return found


def test_files_are_as_listed(root: Path, sums: dict[str, str]) -> None:
    changed = [
        name for name, digest in sums.items() if hashlib.sha256((root / name).read_bytes()).hexdigest() != digest
    ]
    assert changed == []


def test_every_data_file_is_listed(root: Path, sums: dict[str, str]) -> None:
    found = {
        path.relative_to(root).as_posix()
        for path in (root / "data").rglob("*")
        if path.suffix in (".csv", ".txt", ".yaml")
    }
    assert found == set(sums)


def test_every_file_of_a_dataset_is_listed(config: dict[str, Any], sums: dict[str, str]) -> None:
    used = {path for dataset in config["datasets"].values() for path in dataset["files"].values()}
    assert used | {PUBLISHED_FILE.as_posix()} <= set(sums)
    assert config["checksums"] == "data/SHA256SUMS"


def test_release_files_are_those_of_the_archive(root: Path, sums: dict[str, str]) -> None:
    """The table of Zenodo record 1228631 beside the files says the same."""
    table = (root / "data/coherent_csi_2017/release/PROVENANCE.md").read_text(encoding="utf-8")
    archive = dict(re.findall(r"^\| (\S+) \| \d+ \| ([0-9a-f]{64}) \|$", table, re.MULTILINE))
    assert len(archive) == 12
    folder = "data/coherent_csi_2017/release/"
    for name, digest in archive.items():
        assert hashlib.sha256((root / folder / name).read_bytes()).hexdigest() == digest
        assert sums.get(folder + name, digest) == digest


def test_reading_a_dataset_needs_no_other_file(
    config: dict[str, Any], tables: Callable[[str], dict[str, dict[str, Any]]]
) -> None:
    for name, section in config["datasets"].items():
        assert set(RELEASES[section["reader"]].tables) <= set(tables(name))
