"""The same bytes every time: cores, chunks, hash seed, locale and folder change nothing in the results."""

from pathlib import Path

import pytest
import yaml

from cevnsi.files.strict_yaml import read
from project import ROOT, Project, copy_project

# Each varies what the runs of the others share; the finished run was started as a user does, these are warm.
VARIANTS = {
    "one core, one chunk, C locale": (1, 1, {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"}),
    "two cores, seven chunks": (2, 7, {"PYTHONHASHSEED": "3", "LC_NUMERIC": "de_DE.UTF-8", "OMP_NUM_THREADS": "2"}),
}


def _rechunked(chunks: int, path: Path) -> str:
    """An overlay that gives every scan this many chunks, and the ensemble of readings as many as it has members."""
    scans = {name: {"chunks": chunks} for name in read(ROOT / "config.yaml")["scans"]}
    members = read(ROOT / "tests" / "config" / "reduced.yaml")["digitization"]["members"]
    overlay = {"scans": scans, "digitization": {"chunks": min(chunks, members)}}
    path.write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return str(path)


def _comparable(project: Project) -> dict[str, str]:
    """All results but the chunks, which differ in number, and the provenance, which holds the configuration."""
    left_out = ("/chunks/", "results/provenance.json")
    return {name: value for name, value in project.digests().items() if not any(part in name for part in left_out)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_bytes(finished: Project, tmp_path: Path, variant: str) -> None:
    cores, chunks, variables = VARIANTS[variant]
    project = copy_project(tmp_path / "elsewhere")
    project.snakemake(_rechunked(chunks, tmp_path / "chunks.yaml"), cores=cores, variables=variables)
    expected = _comparable(finished)
    assert _comparable(project) == expected
    assert sum(name.endswith((".pdf", ".png", ".svg")) for name in expected) == 2 * 6 * 3
