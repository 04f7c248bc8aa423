"""Configuration files laid over one another, and analyses that are like another but for some keys."""

from collections.abc import Iterator, Mapping
from typing import Any

from cevnsi.files.strict_yaml import ConfigError, near_miss

NAMED = ("datasets", "analyses", "scans")  # sections of sections by name


def lay_over(config: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with another laid over it, key by key; what is no mapping is replaced.

    ConfigError of one that has no end, as YAML can spell.

    >>> lay_over({"a": {"x": 1, "y": 2}, "b": [1, 2]}, {"a": {"y": 3}, "b": [4]})
    {'a': {'x': 1, 'y': 3}, 'b': [4]}
    """
    laid = dict(config)
    for key, value in overlay.items():
        both = isinstance(value, Mapping) and isinstance(laid.get(key), Mapping)
        try:
            laid[key] = lay_over(laid[key], value) if both else value
        except RecursionError:
            raise ConfigError(f"{key}: does an alias repeat itself?") from None
    return laid


def _without_nulls(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value is not None}


def _without_coverage(section: Any) -> Any:
    """A scan, without its coverage if that is null: it is the only section of a scan that can do without."""
    if not isinstance(section, Mapping) or section.get("coverage", 0) is not None:
        return section
    return {key: value for key, value in section.items() if key != "coverage"}


def _chain(analyses: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """An analysis, the one that it is like, and so on."""
    seen = [name]
    while True:
        section = analyses[seen[-1]]
        if not isinstance(section, Mapping):  # a complaint of the schema
            return
        yield section
        if "like" not in section:
            return
        other = section["like"]
        if not isinstance(other, str) or other not in analyses:
            hint = near_miss(str(other), map(str, analyses))
            raise ConfigError(f"analyses.{seen[-1]}.like: {other!r} is unknown; {hint}")
        if other in seen:
            circle = " is like ".join([*seen, other])
            raise ConfigError(f"analyses.{name}.like: {circle}; expected an analysis that is like no other in the end")
        seen.append(other)


def resolve(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that merged files spell: after all are laid over one another, so that none is left behind.

    A section that is null is dropped, also one by name, the coverage of a scan, and a key of an analysis. An analysis
    has the keys of the one that it is `like` where it has none of its own. ConfigError of one that is like none, or
    like itself in the end.
    """
    found = _without_nulls(config)
    found |= {place: _without_nulls(found[place]) for place in NAMED if isinstance(found.get(place), Mapping)}
    if isinstance(found.get("scans"), Mapping):
        found["scans"] = {name: _without_coverage(section) for name, section in found["scans"].items()}
    analyses = found.get("analyses")
    if isinstance(analyses, Mapping):
        made = {}
        for name, section in analyses.items():
            whole: dict[str, Any] = {}
            for each in reversed(list(_chain(analyses, name))):
                whole = lay_over(whole, each)
            kept = {key: value for key, value in _without_nulls(whole).items() if key != "like"}
            made[name] = kept if isinstance(section, Mapping) else section
        found["analyses"] = made
    return found
