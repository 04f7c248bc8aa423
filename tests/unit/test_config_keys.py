"""The keys of a configuration, as the schema describes them."""

from typing import Any

import pytest

from cevnsi.config.describe import ANY_NAME, all_keys, explain, find_keys
from cevnsi.files.strict_yaml import ConfigError


def _paths(node: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if not isinstance(node, dict):
        return {path}
    return {path}.union(*(_paths(value, (*path, key)) for key, value in node.items()))


def test_every_key_of_the_configuration_is_found(config: dict[str, Any]) -> None:
    used = _paths(config) - {()}
    assert len(used) > 100
    found = {path: [len(key.path) for key in find_keys(".".join(path))] for path in used}
    assert [path for path, lengths in found.items() if len(path) not in lengths] == []


def test_every_key_is_described_and_listed_once() -> None:
    names = [str(key) for key in all_keys()]
    assert len(set(names)) == len(names)
    assert [str(key) for key in all_keys() if not key.description] == []
    assert {"checksums", f"scans.{ANY_NAME}.axes.{ANY_NAME}.scale", "domain_sensitivity.bounds.points"} <= set(names)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("form_factor", ["analyses.<name>.form_factor"]),
        ("analyses.mine.form_factor", ["analyses.<name>.form_factor"]),
        ("paper.form_factor", ["analyses.<name>.form_factor"]),
        ("scans", ["analyses.<name>.scans", "scans"]),
        ("scans.ee_d_u", ["scans.<name>"]),
        (
            "points",
            [
                "analyses.<name>.coverage.points",
                "scans.<name>.axes.<name>.points",
                "scans.<name>.coverage.points",
                "domain_sensitivity.bounds.points",
                "domain_sensitivity.map.lower.points",
                "domain_sensitivity.map.upper.points",
                "domain_ends.bounds.points",
                "digitization.points",
            ],
        ),
    ],
)
def test_a_key_is_found_by_its_path_or_the_end_of_it(asked: str, found: list[str]) -> None:
    assert [str(key) for key in find_keys(asked)] == found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("form_facto", r"form_facto: unknown key; did you mean 'form_factor'\?"),
        ("analyses.paper.nucleus", r"analyses.paper.nucleus: unknown key; did you mean 'nuclei'\?"),
        ("xyz", "xyz: unknown key; the first keys are checksums, datasets, "),
        ("", ": unknown key; "),
    ],
)
def test_an_unknown_key_is_refused(asked: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find_keys(asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nuclei", "(argon).\n    one of mean, cs_and_i, argon; required"),
        ("sin2_theta_w", "momentum transfer.\n    number, above 0, below 1; required"),
        ("exposure", "every key is needed.\n    keys and values; may be left out"),
        ("confidence_levels", "ranges.\n    list, 1 or more, each: number, above 0, below 1; required"),
        (
            "photoelectron_range",
            "measurement.\n    list, 2 or more, at most 2, each: number, at least 0; may be left out",
        ),
    ],
)
def test_a_key_is_explained(asked: str, said: str) -> None:
    (key,) = find_keys(asked)
    assert explain(key).endswith(said)
