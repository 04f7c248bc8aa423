"""Where results come from: revision, digests of code, configuration and inputs, package versions."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import file_digest

PACKAGES = ("cevnsi", "snakemake", "numpy", "scipy", "pyarrow", "matplotlib", "contourpy")


def digest(content: Any) -> str:
    """sha256 of a mapping's canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def git_revision(root: Path) -> str:
    """The commit of a checkout, marked where the tree differs from it; "unknown" outside one."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def provenance(config: Mapping[str, Any], revision: str, code_sha256: str, files: Mapping[str, str]) -> dict[str, Any]:
    """What provenance.json holds; code_sha256 is of `code_digest`, files are paths by name in the configuration.

    TableError of a file that cannot be read.
    """
    return {
        "git_revision": revision,
        "code_sha256": code_sha256,
        "config_sha256": digest(config),
        "config": config,
        "inputs_sha256": {name: file_digest(path) for name, path in files.items()},
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
    }
