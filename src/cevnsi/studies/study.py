"""What a study is, and what is made of an analysis that belongs to one or to none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cevnsi.output.figure_spec import COUNTED, FigureSpec, Together, line, region
from cevnsi.scans.axes import Scan

Values = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A paper or a result: what it states, how that is computed here, and its figures.

    `values` takes a model, scans, ranges, grids and the muon's discrepancy to our numbers by the keys of the published
    ones; `choices` takes a model, all of its data, scans, grids, the best domains, if found, and that discrepancy to
    the same under choices that it leaves open.
    `page` takes a configuration, the results of analyses and the published values to what the report says of them.
    """

    name: str
    title: str
    citation: str
    references: tuple[str, ...] = ()  # keys of its papers, of cevnsi.references, beside those of its data
    published: str  # file of its numbers and statements, in the project's folder
    figures: tuple[FigureSpec, ...] = ()  # of each of its analyses
    values: Callable[..., Values] | None = None  # None: no analysis is compared by itself
    choices: Callable[..., Mapping[str, Values]] | None = None
    needs: tuple[str, ...] = ()  # keys of its analyses that not every analysis has
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of the scans that it knows by name
    logarithmic: tuple[str, ...] = ()  # those of them whose axes are
    comment: str = ""  # of a submission to HEPData, and
    sources: Mapping[str, str] = field(default_factory=dict)  # what lies at addresses that it names
    together: tuple[Together, ...] = ()  # figures of several of its analyses
    asked: tuple[tuple[str, str], ...] = ()  # scan and parameter of the limits that a reader looks for first
    foremost: str = ""  # its figure that a reader looks for first, of several analyses or of each
    page: Callable[[Mapping[str, Any], Sequence[Any], Mapping[str, Any]], dict[str, Any]] | None = None


def figures_of(
    study: Study | None,
    config: Mapping[str, Any],
    scans: Sequence[Scan],
    *,
    counted: bool = False,
) -> list[FigureSpec]:
    """The figures of an analysis that runs these scans.

    Those of its study, as far as it has what they draw, then those of its counts if these are `counted`, and one for
    every further grid of one axis or two.
    """
    made, grids = [], {grid for scan in scans for grid in scan.pairs()}
    for figure in study.figures if study else ():
        asked = not figure.section or config.get(figure.section, {}).get("scan") in [scan.name for scan in scans]
        if asked and set(figure.grids) <= grids:
            made.append(figure)
    drawn = {grid for figure in made for grid in figure.grids}
    further = [(grid, axes) for scan in scans for grid, axes in scan.drawn().items() if grid not in drawn]
    own = [region(grid) if len(axes) == 2 else line(grid) for grid, axes in further]
    return [*made, *(COUNTED if counted else ()), *own]
