"""What the workflow manager makes of a configuration file before anyone else sees it."""

from pathlib import Path
from typing import Any

from cevnsi.files.strict_yaml import ConfigError, read

TEMPLATE_KEY = "__use_yte__"  # of a file in whose values the manager runs code, and takes this key out


def read_plain(path: Path) -> dict[str, Any]:
    """A configuration file, read strictly; ConfigError for one that would be taken for a template."""
    loaded = read(path)
    if TEMPLATE_KEY in loaded:
        raise ConfigError(f"{path}: {TEMPLATE_KEY}: expected plain values, not a template")
    return loaded
