"""The likelihood of the number of events of several data sets, and what is published of it, to a figure."""

from typing import Any

from cevnsi.files.tables import COUNTS_LIKELIHOOD, TOGETHER, read_csv, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.output.fit_figures import draw_counts_likelihood
from cevnsi.studies.coherent.published import likelihoods, published_events


def main(analyses: list[str], datasets: dict[str, list[str]], files: Any, output: Any) -> None:
    """Draw and save; the tables are of these analyses, in their order, of which one may be of several data sets."""
    found = [read_table(path, COUNTS_LIKELIHOOD) for path in files.likelihood]
    wanted = [datasets[name][0] if len(datasets[name]) == 1 else TOGETHER for name in analyses]
    table = likelihoods(dict(zip(wanted, found, strict=True)))
    argon = read_csv(files.curve[0], ("cevns_counts", "minus2_dlnL"))
    curve = (argon["cevns_counts"], argon["minus2_dlnL"], "LAr 2020, published curve") if "lar_2020" in wanted else None
    with drawing():
        save_all(draw_counts_likelihood(table, published_events(files.published[0]), curve), output)
