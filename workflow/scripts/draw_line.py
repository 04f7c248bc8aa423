"""The grid of one parameter to its line."""

from typing import Any

from cevnsi.output.figures import drawing, save_all
from cevnsi.output.together import draw_line, read_lines
from runner import run


def main(sections: dict[str, Any], grids: list[str], files: Any, output: Any) -> None:
    """Draw and save."""
    (name,) = grids
    lines = read_lines({name: [name]}, sections, files)
    with drawing():
        save_all(draw_line(name, lines[name][name]), output)


if job := globals().get("snakemake"):
    run(main, job)
