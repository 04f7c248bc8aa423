"""Colours and lines of analyses, the same in every figure and in the report, which draws nothing by matplotlib.

Colours are Okabe and Ito's colour-blind safe set, and line styles carry the same distinctions.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

BLUE, VERMILION, BLACK, ORANGE, GREEN, SKY, GREY = (
    "#0072B2", "#D55E00", "#000000", "#E69F00", "#009E73", "#56B4E9", "#888888"
)  # fmt: skip
PURPLE, SILVER = "#CC79A7", "#C4C4C4"

Look = tuple[str, Any]  # color, and line style as matplotlib takes it
Looks = Mapping[str, Look]  # by analysis

# By what an analysis is of, its data sets in their order; others take what is left, one after another.
LOOKS = {
    ("csi_2017",): (ORANGE, (0, (4, 1.5))),
    ("csi_2021",): (BLUE, "-"),
    ("lar_2020",): (VERMILION, (0, (5, 1, 1, 1))),
    ("csi_2021", "lar_2020"): (BLACK, "-"),
}
FURTHER = ((GREEN, "-"), (PURPLE, "--"), (GREY, "-"))


def looks_of(datasets: Mapping[str, Sequence[str]]) -> dict[str, Look]:
    """Color and line of each analysis, from what it is of: the same in every figure."""
    further = cycle(FURTHER)
    return {name: LOOKS.get(tuple(of)) or next(further) for name, of in datasets.items()}
