"""The keys of a configuration as their schema describes them, for a reader."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cevnsi.config.check import schema
from cevnsi.files.strict_yaml import ConfigError

ANY_NAME = "<name>"  # stands for a name that the configuration chooses


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: its path, with `<name>` for a chosen name, what the schema says of it, and whether it must be there."""

    path: tuple[str, ...]
    node: Mapping[str, Any]
    required: bool

    def __str__(self) -> str:
        """The path in the form that complaints have."""
        return ".".join(self.path)

    @property
    def description(self) -> str:
        """What the key is for."""
        return str(self.node.get("description", "A name of your choice."))

    def answers(self, asked: tuple[str, ...]) -> bool:
        """Whether this key is asked for, by its whole path or by the end of it."""
        if len(asked) > len(self.path):
            return False
        pairs = list(zip(asked, self.path[-len(asked) :], strict=True))
        whole = len(asked) == len(self.path)
        return all(word == part or part == ANY_NAME for word, part in pairs) and (whole or pairs[-1][1] != ANY_NAME)


def _keys(node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Key]:
    needed = [*node.get("required", ()), *node.get("else", {}).get("required", ())]
    children = {name: (child, name in needed) for name, child in node.get("properties", {}).items()}
    if isinstance(node.get("additionalProperties"), Mapping):
        children[ANY_NAME] = (node["additionalProperties"], False)
    for name, (child, required) in children.items():
        yield Key(path=(*path, name), node=child, required=required)
        yield from _keys(child, (*path, name))


def all_keys() -> list[Key]:
    """Every key that a configuration may have, in the order of the schema."""
    return list(_keys(schema(), ()))


def find_keys(name: str) -> list[Key]:
    """Keys with this path, a name of one's own where the schema has any, or with this end of it; ConfigError if none.

    >>> [str(key) for key in find_keys("analyses.paper.form_factor")]
    ['analyses.<name>.form_factor']
    """
    found = [key for key in all_keys() if key.answers(tuple(name.split(".")))]
    if not found:
        last = name.split(".")[-1]
        close = difflib.get_close_matches(last, sorted({key.path[-1] for key in all_keys()} - {ANY_NAME}), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"the first keys are {', '.join(schema()['properties'])}"
        raise ConfigError(f"{name}: unknown key; {hint}")
    return found


_LIMITS = {
    "minimum": "at least {:g}",
    "exclusiveMinimum": "above {:g}",
    "maximum": "at most {:g}",
    "exclusiveMaximum": "below {:g}",
    "minItems": "{} or more",
    "maxItems": "at most {}",
}


def _value(node: Mapping[str, Any]) -> str:
    """What may stand at a key, in words."""
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    words = [
        {"object": "keys and values", "array": "list"}.get(node.get("type", ""), str(node.get("type", "any value")))
    ]
    words += [text.format(node[limit]) for limit, text in _LIMITS.items() if limit in node]
    if isinstance(node.get("items"), Mapping):
        words.append(f"each: {_value(node['items'])}")
    return ", ".join(words)


def explain(key: Key) -> str:
    """A key, what it is for, and what may stand there, on two lines."""
    return f"{key}: {key.description}\n    {_value(key.node)}; {'required' if key.required else 'may be left out'}"
