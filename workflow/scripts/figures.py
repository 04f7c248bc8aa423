"""Tables and grids of an analysis to the figures of its study, each by its own script."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

from runner import run


def main(figures: dict[str, Any], files: Any, output: Any) -> None:
    """Draw one after another; the input `<figure>__<name>` is what the script of that figure calls `name`."""
    for name, figure in figures.items():
        own = {key: getattr(files, f"{name}__{key}") for key in figure["inputs"]}
        draw = import_module(figure["script"].removesuffix(".py")).main
        draw(files=SimpleNamespace(**own), output=getattr(output, name), **figure["params"])


if job := globals().get("snakemake"):
    run(main, job)
