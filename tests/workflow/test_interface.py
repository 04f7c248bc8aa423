"""INTERFACE.yaml names what the workflow takes and makes: nothing less, nothing more."""

import json
import re
import sys
from typing import Any

import pytest
import yaml

from cevnsi.config.build import read_config
from cevnsi.config.check import check, schema
from cevnsi.experiments.inputs import RELEASES
from cevnsi.files.strict_yaml import ConfigError, read
from cevnsi.studies.known import STUDIES
from project import ROOT, copy_project

INTERFACE: dict[str, Any] = yaml.safe_load((ROOT / "INTERFACE.yaml").read_text(encoding="utf-8"))
# Every analysis of the configuration is a target by its name.
ANALYSES = list(read(ROOT / "config.yaml")["analyses"])
COVERED = [
    name
    for name, section in read_config(ROOT / "config.yaml")["analyses"].items()
    if any("coverage" in read(ROOT / "config.yaml")["scans"][scan] for scan in section["scans"])
]
OF_ANALYSES = {"<analysis>": ANALYSES, "coverage_<analysis>": [f"coverage_{name}" for name in COVERED]}
TARGETS = [name for each in INTERFACE["targets"] for name in OF_ANALYSES.get(each, [each])]
# Prints what snakemake itself knows of the rules, and which files a run of the targets needs and does not make.
ASK = """
import contextlib, io, json, sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings

with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    asked = api.workflow(ResourceSettings(cores=1), ConfigSettings(), snakefile=Path("Snakefile"), workdir=Path.cwd())
    dag = asked.dag(DAGSettings(targets=set(sys.argv[1:]), forceall=True))
    with contextlib.redirect_stdout(io.StringIO()):
        dag.printrulegraph()  # builds the jobs, which the interface does not hand out otherwise
    workflow = asked._workflow
    jobs = list(workflow.dag.jobs)
    made = {str(file) for job in jobs for file in job.output}
    rules = {
        rule.name: {"output": [str(file) for file in rule.output], "wildcards": sorted(rule.wildcard_names)}
        for rule in workflow.rules
    }
    print(json.dumps({"rules": rules, "needed": sorted({str(file) for job in jobs for file in job.input} - made)}))
"""


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Rules, each with its output and wildcards, and the files needed from outside."""
    project = copy_project(tmp_path_factory.mktemp("interface") / "project")
    said = project.run([sys.executable, "-c", ASK, *TARGETS]).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def test_outputs_are_those_of_the_rules(workflow: dict[str, Any]) -> None:
    made = [
        re.sub(r"\{(\w+),[^{}]*\}", r"{\1}", path) for rule in workflow["rules"].values() for path in rule["output"]
    ]
    named = []
    for output in INTERFACE["outputs"].values():
        formats = INTERFACE["formats"] if "<format>" in output["path"] else [""]
        named += [output["path"].replace("<format>", ext) for ext in formats]
    # a rule for all files of a sort of an analysis has their names where others have a wildcard
    patterns = {name: re.sub(r"\\{(dataset|scan|grid|k|n)\\}", "([^/]+)", re.escape(name)) for name in named}
    found = {path: {name for name, pattern in patterns.items() if re.fullmatch(pattern, path)} for path in made}
    assert not [path for path, names in found.items() if not names]
    own = {
        f"results/inputs/{{dataset}}/{name}.csv" for reader in ("table", "counts") for name in RELEASES[reader].tables
    }
    assert set().union(own, *found.values()) == set(named)
    figures = [figure.name for study in STUDIES.values() for figure in study.figures]
    places = [f"results/{{analysis}}/figures/{name}" for name in figures]
    places += [
        f"results/studies/{study.name}/figures/{each.name}" for study in STUDIES.values() for each in study.together
    ]
    assert {f"{place}.{ext}" for place in places for ext in INTERFACE["formats"]} < set(named)


def test_wildcards_are_those_of_the_rules(workflow: dict[str, Any]) -> None:
    assert INTERFACE["wildcards"].keys() == {name for rule in workflow["rules"].values() for name in rule["wildcards"]}


def test_targets_are_the_rules_without_wildcards(workflow: dict[str, Any]) -> None:
    assert set(TARGETS) == {name for name, rule in workflow["rules"].items() if not rule["wildcards"]}
    assert set(STUDIES) < set(TARGETS)


def test_inputs_are_what_no_rule_makes(workflow: dict[str, Any]) -> None:
    """Beside the code, which is an input of what it makes."""
    needed = {path for path in workflow["needed"] if not path.startswith(("src/", "workflow/"))}
    given = [item for item in INTERFACE["inputs"].values() if item["default"] is not None]
    assert needed == {item["default"] for item in given}
    placed = [item["config"] for item in given if "config" in item]
    assert len(set(placed)) == len(placed)  # a file may be of two datasets


def test_inputs_have_their_place_in_the_configuration() -> None:
    config = read(ROOT / "config.yaml")
    for name, item in INTERFACE["inputs"].items():
        value: Any = config
        for key in item["config"].split(".") if "config" in item else []:
            value = value[key]
        assert "config" not in item or value == item["default"], name
    left = {name for name, item in INTERFACE["inputs"].items() if "config" not in item}
    own = [f"{reader}.{role}" for reader in ("table", "counts") for role in _roles()[reader]]
    of_studies = {"published", "coherent_published", "coherent_flux", "argon_likelihood"}
    assert left == {*of_studies, *own}  # fixed, and nobody's until a dataset names them


def _roles() -> dict[str, list[str]]:
    """Roles of files by reader, from the names of inputs."""
    roles: dict[str, list[str]] = {}
    for name in INTERFACE["inputs"]:
        reader, dot, role = name.partition(".")
        if dot:
            roles.setdefault(reader, []).append(role)
    return roles


def test_inputs_name_every_reader() -> None:
    dataset = schema()["properties"]["datasets"]["additionalProperties"]
    assert set(_roles()) == set(dataset["properties"]["reader"]["enum"])


@pytest.mark.parametrize(("reader", "roles"), _roles().items())
def test_a_dataset_takes_the_files_that_are_named(reader: str, roles: list[str]) -> None:
    config = read_config(ROOT / "config.yaml")

    def check_with(names: list[str]) -> None:
        check(
            config | {"datasets": config["datasets"] | {"mine": {"reader": reader, "files": dict.fromkeys(names, "a")}}}
        )

    check_with(roles)
    needed = [role for role in roles if role not in RELEASES[reader].optional]
    check_with(needed)
    for wrong in (*(needed[:i] + needed[i + 1 :] for i in range(len(needed))), [*roles, "other"]):
        with pytest.raises(ConfigError, match=r"datasets\.mine\.files"):
            check_with(wrong)


def test_sections_are_those_of_the_schema() -> None:
    assert INTERFACE["config"].keys() == schema()["properties"].keys()


def test_everything_has_one_sentence() -> None:
    assert INTERFACE.keys() == {"inputs", "targets", "outputs", "formats", "wildcards", "config"}
    for part, items in INTERFACE.items():
        for name, item in items.items():
            sentence = item["description"] if isinstance(item, dict) else item
            assert re.fullmatch(r"[A-Z].{4,}[^.]\.", sentence), f"{part}.{name}"
            assert ". " not in sentence.replace("Fig. ", "").replace("Figs. ", "").replace("Eq. ", ""), f"{part}.{name}"
