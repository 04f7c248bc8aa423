"""Results that show themselves: as a table where one is printed or ends a cell of a notebook, and drawn."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import TOGETHER
from cevnsi.physics.interactions import parameter
from cevnsi.scans.ranges import AllowedRange
from cevnsi.scans.regions import Grid, contour_lines, contour_table
from cevnsi.statistics.thresholds import threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Row = TypeVar("Row")


def _axes(ax: "Axes | None") -> "Axes":
    """Axes that are given, else those that pyplot draws on."""
    if ax is not None:
        return ax
    from matplotlib.pyplot import gca

    return gca()


class Shown(ABC):
    """What has a table. As text and in a notebook it is that table, below a line that says what it is."""

    @abstractmethod
    def to_frame(self) -> "DataFrame":
        """All of it as a pandas DataFrame."""

    def heading(self) -> str:
        """What is said above the table, nothing if that is clear."""
        return ""

    def _seen(self) -> "DataFrame":
        """The table without columns that have nothing in any row."""
        frame = self.to_frame()
        return frame.loc[:, [not (frame[name].astype(str) == "").all() for name in frame.columns]]

    def __repr__(self) -> str:
        heading, table = self.heading(), self._seen().to_string(index=False, na_rep="")
        return f"{heading}\n{table}" if heading else table

    def _repr_html_(self) -> str:
        heading, table = self.heading(), self._seen().to_html(index=False, border=0, na_rep="")
        scrolled = f'<div style="overflow-x: auto">{table}</div>'
        return f"<p>{heading}</p>{scrolled}" if heading else scrolled


class Rows(Shown, list[Row], Generic[Row]):
    """A list of records, each a row."""

    def to_frame(self) -> "DataFrame":
        """A row for each record, a column for each of its fields."""
        from pandas import DataFrame

        return DataFrame([asdict(row) for row in self])  # type: ignore[call-overload]


class Ranges(Rows[AllowedRange]):
    """Allowed intervals of one parameter, at each level."""

    def to_frame(self) -> "DataFrame":
        """The columns of ranges.csv but the name of the scan."""
        return super().to_frame().drop(columns="scan", errors="ignore")

    def _seen(self) -> "DataFrame":
        return super()._seen().drop(columns=["delta_chi2", "interval", "method"], errors="ignore")

    def draw(self, ax: "Axes | None" = None) -> "Axes":
        """A line for each interval, in a row for each level, on axes of matplotlib, which are returned."""
        from cevnsi.output.figures import label, level_text
        from cevnsi.output.looks import BLUE

        ax = _axes(ax)
        levels = list(dict.fromkeys((row.confidence_level, row.n_dof) for row in self))
        for row in self:
            ax.plot(
                [row.lower, row.upper], [levels.index((row.confidence_level, row.n_dof))] * 2, color=BLUE, marker="|"
            )
        ax.set_yticks(range(len(levels)), [f"{level_text(level)}, {n_dof} dof" for level, n_dof in levels])
        ax.set_ylim(len(levels) - 0.5, -0.5)
        for name in dict.fromkeys(row.parameter for row in self):
            ax.set(xlabel=label(name), xscale=parameter(name).scale)
        return ax


@dataclass(frozen=True, kw_only=True, repr=False)
class ShownGrid(Shown, Grid):
    """Delta chi2 on one axis or two, and the levels, (confidence level, n_dof), that it is drawn at."""

    levels: tuple[tuple[float, int], ...]

    def to_frame(self) -> "DataFrame":
        """A row for each point: its parameters and delta chi2, the last axis fastest."""
        from pandas import DataFrame

        points = np.meshgrid(*self.axes, indexing="ij")
        columns = {name: values.ravel() for name, values in zip(self.names, points, strict=True)}
        return DataFrame({**columns, "delta_chi2": self.delta_chi2.ravel()})

    def heading(self) -> str:
        """How many points there are, of which the table has the axes."""
        return f"delta chi2 on {' x '.join(str(axis.size) for axis in self.axes)} points"

    def _seen(self) -> "DataFrame":
        from pandas import DataFrame

        rows = zip(self.names, self.axes, self.log, self.lowest_point(), strict=True)
        return DataFrame(
            [
                {"axis": name, "from": axis[0], "to": axis[-1], "spaced": ("evenly", "in log10")[log], "least at": best}
                for name, axis, log, best in rows
            ]
        )

    def contours(self, confidence_level: float, n_dof: int = 2) -> list[tuple[FloatArray, FloatArray]]:
        """Lines that enclose the region of a confidence level in a plane, each as values (points,) along both axes.

        At the quantile of a chi2 distribution of `n_dof`.
        """
        return contour_lines(self, threshold(confidence_level, n_dof))

    def draw(self, ax: "Axes | None" = None) -> "Axes":
        """The allowed regions of a plane, or the curve of one parameter, on axes of matplotlib, which are returned."""
        from cevnsi.output.figures import Curves, Panel, draw_region
        from cevnsi.output.looks import BLUE
        from cevnsi.output.together import Along, draw_along

        ax = _axes(ax)
        if len(self.axes) == 1:
            draw_along(ax, Curves(), "", {"": Along(grid=self, levels=self.levels)}, {"": (BLUE, "-")})
            return ax
        contours = {name: np.array(column) for name, column in contour_table(self, self.levels).items()}
        draw_region(ax, Curves(), "", Panel(grid=self, contours=contours, levels=self.levels))
        return ax


class BestFit(Shown, dict[str, Any]):
    """A record of best_fit.json. Its table has the nuisances where most signal is, and the standard model's."""

    def heading(self) -> str:
        """The signal that is seen, and how well all is fitted."""
        seen, predicted = self["cevns_counts"], self["sm_counts"]["all"]
        errors, standard_model = f"+{seen['error_high']:.1f} -{seen['error_low']:.1f}", self["standard_model"]["chi2"]
        return (
            f"{seen['value']:.1f} {errors} events seen of {predicted:.1f} expected, {self['significance']:.2f} sigma; "
            f"chi2 {self['chi2']:.2f}, of the standard model {standard_model:.2f}, in {self['bins']} bins"
        )

    def to_frame(self) -> "DataFrame":
        """A row for each nuisance: its width, if it has one, and value and error in both fits."""
        from pandas import DataFrame

        fits: Mapping[str, Any] = {"best": self["nuisances"], "standard_model": self["standard_model"]["nuisances"]}
        names = list(dict.fromkeys(name for found in fits.values() for name in found))
        columns: dict[str, list[Any]] = {
            "nuisance": names,
            "sigma": [next(found[name]["sigma"] for found in fits.values() if name in found) for name in names],
        }
        for fit, found in fits.items():
            for key in ("value", "error"):
                columns[f"{fit}_{key}"] = [found[name][key] if name in found else None for name in names]
        return DataFrame(columns)

    def draw(self, ax: "Axes | None" = None) -> "Axes":
        """Nuisances of both fits over their widths, with errors, on axes of matplotlib, which are returned."""
        from cevnsi.output.figures import Curves
        from cevnsi.output.fit_figures import draw_pulls_on

        ax = _axes(ax)
        draw_pulls_on(ax, Curves(), {"datasets": {"": self}, TOGETHER: self})
        ax.legend(fontsize="small")
        return ax
