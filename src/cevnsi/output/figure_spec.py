"""What workflow, report and HEPData need to know of a figure, in one record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cevnsi.files.tables import COUNTS_LIKELIHOOD, Layout
from cevnsi.output import captions


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """A figure: where it is from, what it is drawn from, and how it is spoken of.

    It draws grids, or files of its own (`inputs`), whose paths may have {analysis}, {dataset}, or {counted}: one
    file of each data set of an analysis whose counts are Poisson's.
    """

    name: str  # of its files
    title: str  # over it in the report
    location: str = ""  # in the paper; empty for one that is in none
    grids: tuple[str, ...] = ()  # panel by panel; made where an analysis has them all
    lines: tuple[str, ...] = ()  # grids of one axis, likewise
    section: str = ""  # of the configuration, whose `scan` an analysis must run; made for every one if empty
    script: str = "draw_regions.py"  # of workflow/scripts
    inputs: Mapping[str, str] = field(default_factory=dict)  # the script's input, by name
    params: Mapping[str, str] = field(default_factory=dict)  # sections of the configuration that it is given, by name
    data: Mapping[str, Layout] = field(default_factory=dict)  # tables of the analysis that `tables` and the page read
    shaded: str = "allowed"  # which side of a contour, "allowed" or "excluded"
    panel: str = ""  # what its csv calls the only panel; if empty panels are called as their grids
    ranges_in: str = ""  # where the paper states the ranges of its grids
    on_its_own: bool = False  # in a section of the report of its own
    # Caption, alternative text and tables for HEPData; None for what is said of any region, or of any other figure.
    caption: Callable[[Mapping[str, Any], str], str] | None = None  # of the configuration and an analysis
    remark: Callable[[Any], str] | None = None  # what its caption ends with; of the same as `alt`
    alt: Callable[[Any], str] | None = None  # of the results of an analysis, cevnsi.output.report.AnalysisResults
    tables: Callable[[Any], Any] | None = None  # of cevnsi.output.hepdata.Finished; beside the lines of its grids

    @property
    def cited(self) -> str:
        """As a run or a submission calls it."""
        return self.location or self.name


# Those of an analysis of counts that are no residuals: how these are fitted.
COUNTED = (
    FigureSpec(
        name="counts",
        title="Counts and their best fit",
        script="draw_counts.py",
        inputs={"fitted": "results/{analysis}/fitted_counts/{counted}.csv"},
        caption=captions.counts_caption,
        alt=captions.counts_alt,
    ),
    FigureSpec(
        name="pulls",
        title="Pulls of the nuisances",
        script="draw_pulls.py",
        inputs={"fits": "results/{analysis}/best_fit.json"},
        caption=captions.pulls_caption,
        alt=captions.pulls_alt,
    ),
    FigureSpec(
        name="counts_likelihood",
        title="Likelihood of the number of CEvNS events",
        script="draw_counts_likelihood.py",
        inputs={"likelihood": "results/{analysis}/counts_likelihood.csv"},
        data={"counts_likelihood": COUNTS_LIKELIHOOD},
        caption=captions.counts_likelihood_caption,
        alt=captions.counts_likelihood_alt,
    ),
)


def region(grid: str) -> FigureSpec:
    """The figure of one grid of two axes that no study draws."""
    return FigureSpec(name=grid, title=grid, grids=(grid,))


def line(grid: str) -> FigureSpec:
    """The same of a grid of one axis."""
    return FigureSpec(
        name=grid,
        title=grid,
        lines=(grid,),
        script="draw_line.py",
        caption=partial(captions.line_caption, grid),
        alt=partial(captions.line_alt, grid),
    )


@dataclass(frozen=True, kw_only=True)
class Together:
    """A figure of a study that shows several of its analyses together, each as far as it has what is drawn.

    Its panels are grids of two axes or of one. Files of its own (`inputs`) may have {analysis}: then it is one of each.
    """

    name: str
    title: str
    script: str
    of: tuple[str, ...] = ()  # analyses; all of the study if empty
    grids: tuple[str, ...] = ()  # panel by panel
    lines: tuple[str, ...] = ()  # panels of one axis
    section: str = ""  # of the configuration, whose `scan` an analysis must run
    filled: str = ""  # the analysis whose region is filled, in planes
    params: Mapping[str, str] = field(default_factory=dict)  # sections of the configuration that it is given, by name
    inputs: Mapping[str, str] = field(default_factory=dict)  # the script's further input, by name
