"""Planes of every interaction whose chi2 does not come from contact couplings, against the universal mediator's."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from cevnsi.config.build import build_model
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans.axes import Scan
from cevnsi.scans.rows import scan_rows
from setting import ROOT, Row, config, median_ratio, scan_of, seconds

THREADS = 2
UNIVERSAL = "light_mediator"
OF = ("release", "csi_2021")  # Eq. 7, and Poisson counts with shapes


def plane(name: str, points: tuple[int, int]) -> Scan:
    """Its first two parameters where they are usual, all others at one."""
    first, second, *others = INTERACTIONS[name].own.values()
    axes = tuple(
        Axis(name=made.name, minimum=made.usual[0], maximum=made.usual[1], points=n, scale=made.scale)
        for made, n in zip((first, second), points, strict=True)
    )
    names = tuple(axis.name for axis in axes)
    fixed = {made.name: 1.0 for made in others if made.name in INTERACTIONS[name].needed}
    return replace(scan_of({}, names, interaction=name, fixed=fixed), axes=axes)


def rows(smoke: bool) -> Iterator[Row]:
    """One of each interaction and analysis."""
    choices, repeats = config(), 1 if smoke else 5
    for analysis in OF:
        size = (7, 9) if smoke else (2001, 2001) if analysis == "release" else (121, 301)
        model = build_model(choices, analysis, ROOT)
        for name, made in INTERACTIONS.items():
            if made.has_domains or name == UNIVERSAL:
                continue
            theirs, ours = (
                partial(scan_rows, model, plane(each, size), 0, size[0], THREADS) for each in (UNIVERSAL, name)
            )
            universal, own = [], []
            for _ in range(repeats):
                universal.append(seconds(theirs, 1))
                own.append(seconds(ours, 1))
            behind = {"ours_s": own, "universal_s": universal}
            what = f"{analysis}, {name}, {size[0]} x {size[1]}"
            yield Row(
                "interactions", what, median_ratio(own, universal), "the universal mediator's time", "<= 2", behind
            )
