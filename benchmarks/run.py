"""`make bench`: how fast the project is, in ratios within this run; a table, results/benchmark.json and a figure.

`--smoke` does the same on sizes that say nothing, to see that it works.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import fitted_toys
import growth
import interactions
import kernel
import poisson
import storage
import streaming
import whole_paper
from cevnsi.files.atomic import write_json
from cevnsi.output.figures import drawing, save
from setting import Row

HEAD = ["| part | what | ratio | to | aim |", "|---|---|---|---|---|"]


def line(row: Row) -> str:
    """One line of the table."""
    return f"| {row.part} | {row.what} | {row.ratio:.3g} | {row.of} | {row.aim} |"


def rows(smoke: bool, figure: Path) -> Iterator[Row]:
    """All parts, and the figure of growth."""
    yield from kernel.rows(smoke)
    yield from poisson.rows(smoke)
    yield from interactions.rows(smoke)
    yield from fitted_toys.rows(smoke)
    yield from streaming.rows(smoke)
    yield from storage.rows(smoke)
    found = []
    for one in growth.growths(smoke):
        found.append(one)
        yield one.row()
    with drawing():
        drawn = growth.draw(found)
        for suffix in (".png", ".pdf"):
            save(drawn, figure.with_suffix(suffix))
    yield from whole_paper.rows(smoke)


def main() -> None:
    """Print the table as it is made, then write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, only to see that it works")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of what is written")
    choices = parser.parse_args()
    start = time.monotonic()
    print("\n".join(HEAD))
    measured = []
    for row in rows(choices.smoke, choices.results / "benchmark_growth"):
        print(line(row), flush=True)
        measured.append(row)
    about = {"machine": platform.machine(), "cores": os.cpu_count(), "smoke": choices.smoke}
    content = {"about": about, "rows": [row.as_json() for row in measured], "table": [*HEAD, *map(line, measured)]}
    write_json(choices.results / "benchmark.json", content)
    print(
        f"\n{time.monotonic() - start:.0f} s in all; values behind the ratios are in {choices.results}/benchmark.json"
    )


if __name__ == "__main__":
    main()
