"""YAML files of choices, refusing what YAML lets pass or reads in more than one way."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

LARGEST = 1e30  # of any number, and of its inverse: squares and products of a few stay finite


class ConfigError(ValueError):
    """The configuration cannot be used as it stands."""


def near_miss(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: the known one that it resembles, or all of them.

    >>> near_miss("helmm", ["klein_nystrand", "helm"])
    "did you mean 'helm'?"
    """
    listed = list(known)
    close = difflib.get_close_matches(name, listed, 1)
    return f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(listed)}"


class _StrictLoader(yaml.SafeLoader):
    """YAML without its silent last-one-wins for a repeated key, and without numbers that read otherwise elsewhere."""


def _strict_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"line {key.start_mark.line + 1}: a list or mapping cannot be a key")
        if key.value in seen:
            raise ConfigError(f"line {key.start_mark.line + 1}: the key {key.value!r} is given twice")
        seen.add(key.value)
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


def _strict_number(loader: _StrictLoader, node: yaml.ScalarNode) -> float:
    whole = node.tag.endswith(":int")  # to YAML 1.1 alone, 010 is eight and 1:30 is ninety
    if not re.fullmatch("[+-]?(0|[1-9][0-9]*)" if whole else "[^_:]*", node.value):
        raise ConfigError(f"line {node.start_mark.line + 1}: {node.value!r} is no number in plain decimal digits")
    value: float = loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)
    return value


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _strict_mapping)
for _kind in ("int", "float"):
    _StrictLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _strict_number)


def load_yaml(text: str) -> Any:
    """The content of a YAML text; ConfigError for what YAML would let pass, and for all that its parser trips over."""
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except (ConfigError, yaml.YAMLError) as error:
        raise ConfigError(str(error)) from None
    except Exception as error:  # the parser lets through what int(), a date or too deep a recursion raises
        raise ConfigError(f"not YAML that can be read ({type(error).__name__}: {error})") from None


def read(path: Path) -> dict[str, Any]:
    """One configuration file; ConfigError of what YAML would let pass: a repeated key, another encoding, no mapping."""
    try:
        loaded = load_yaml(path.read_bytes().decode("utf-8"))
    except (ConfigError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: expected a mapping of keys, found {type(loaded).__name__}")
    return loaded


def in_order(config: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A configuration with the keys that files laid over one another have, in their order: those of the first file come
    first, then what each further one adds, at every depth; keys of no file come last.

    >>> in_order({"b": 3, "c": 4, "a": {"y": 2, "x": 1}}, [{"a": {"x": 1, "y": 0}, "b": 0}, {"c": 4, "a": {"y": 2}}])
    {'a': {'x': 1, 'y': 2}, 'b': 3, 'c': 4}
    """
    names = [name for name in dict.fromkeys(name for each in (*files, config) for name in each) if name in config]
    inside = {name: [each[name] for each in files if isinstance(each.get(name), Mapping)] for name in names}
    return {
        name: in_order(value, inside[name]) if isinstance(value := config[name], Mapping) else value for name in names
    }
