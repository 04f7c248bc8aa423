"""Rules of the repository that a tool does not hold."""

import re
import tomllib

import yaml

import cevnsi
from cevnsi.config.check import schema
from project import ROOT


def _name_and_version(line: str) -> tuple[str, str]:
    name = re.split("[<>=]", line)[0]
    return name, line.removeprefix(name)


def _requirements() -> dict[str, str]:
    lines = (ROOT / "envs" / "requirements.in").read_text(encoding="utf-8").splitlines()
    return dict(_name_and_version(line) for line in lines if line and not line.startswith("#"))


def test_the_library_asks_for_the_versions_of_the_environment() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]
    wanted = dict(map(_name_and_version, asked))
    assert wanted
    assert wanted.items() <= _requirements().items()


def _described(node: dict[str, object], place: str) -> list[str]:
    """Places of a schema that have no description."""
    missing = [] if "description" in node else [place]
    inner = node.get("properties", {})
    assert isinstance(inner, dict)
    for name, child in inner.items():
        missing += _described(child, f"{place}.{name}")
    for key in ("additionalProperties", "items"):
        child = node.get(key)
        if isinstance(child, dict) and "properties" in child:
            missing += _described({"description": "", **child}, f"{place}.*")
    return missing


def test_every_configuration_key_is_described() -> None:
    assert _described(schema(), "") == []


def test_one_version_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == citation["version"] == cevnsi.__version__
    assert f"\n## {cevnsi.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # what the format asks for
    assert project["license"] == citation["license"]


def test_the_workflow_catalog_finds_what_it_asks_for() -> None:
    """Its rules for any workflow, and the keys that it documents."""
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert deployment.keys() == {"conda", "apptainer", "apptainer+conda", "report"}
    assert {type(value) for value in deployment.values()} == {bool}
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert (ROOT / "Snakefile").is_file()
    assert list((ROOT / "workflow" / "rules").glob("*.smk"))
