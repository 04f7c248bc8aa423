"""Where results come from: revision, digests of configuration and inputs, package versions."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("cevnsi", "snakemake", "numpy", "scipy", "pyarrow", "matplotlib", "contourpy")


def digest(content: Any) -> str:
    """sha256 of a mapping's canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def git_revision(root: Path) -> str:
    """The commit of a checkout, marked where the tree differs from it; "unknown" outside one."""
    try:
        described = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"],  # noqa: S607
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def provenance(config: Mapping[str, Any], root: Path, files: Iterable[str]) -> dict[str, Any]:
    """What provenance.json holds; files are paths relative to root."""
    return {
        "git_revision": git_revision(root),
        "config_sha256": digest(config),
        "config": config,
        "inputs_sha256": {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in sorted(files)},
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
    }
