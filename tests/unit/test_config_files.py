"""A configuration is plain values, whatever the workflow manager would make of it."""

from pathlib import Path

import pytest

from cevnsi.files.strict_yaml import ConfigError
from cevnsi.workflow.config_files import read_plain


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_template_is_refused_by_name(value: str, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"a: 1\n__use_yte__: {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"template\.yaml: __use_yte__: expected plain values, not a template"):
        read_plain(path)


def test_plain_values_are_read(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("a: {b: 1}\n", encoding="utf-8")
    assert read_plain(path) == {"a": {"b": 1}}


def test_only_the_folder_workflow_knows_its_manager(root: Path) -> None:
    """Its folder, its notes and the key by which it takes a file for a template."""
    package = root / "src" / "cevnsi"
    others = [path for path in package.rglob("*.py") if path.parent != package / "workflow"]
    others += sorted((root / "workflow").rglob("*.py")) + sorted((root / "workflow").rglob("*.smk"))
    known = (".snakemake", "yte__")
    assert [path.name for path in others if any(word in path.read_text(encoding="utf-8") for word in known)] == []
