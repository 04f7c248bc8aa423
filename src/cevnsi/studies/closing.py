"""What a run says at its end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import TableError
from cevnsi.files.tables import RANGES, read_table
from cevnsi.studies.known import STUDIES, study_of
from cevnsi.studies.liao_marfatia_2017.scorecard import run_summary


def closing_lines(results: Path, config: Mapping[str, Any]) -> str:
    """Where figures and ranges are, with the scorecard of an analysis that has one; nothing of what was not made.

    TableError of a scorecard that is not sound.
    """
    judged = [name for name in config["analyses"] if (study := study_of(config, name)) and study.values]
    lines = [run_summary(results, judged)]
    for name in (name for name in config["analyses"] if name not in judged):
        ranges = results / name / "ranges.csv"
        if ranges.exists():
            lines.append(f"{name}: figures in {results / name / 'figures'}; ranges in {ranges}")
            try:
                warned = sum(map(bool, read_table(ranges, RANGES)["warning"]))
            except TableError as error:  # left by another version, and not asked for in this run
                lines.append(f"    {error}")
                continue
            if warned:
                lines.append(f"    {warned} rows of {ranges} have a warning")
    for name, study in STUDIES.items():
        folder = results / "studies" / name / "figures"
        if study.together and folder.exists():
            lines.append(f"{name}: figures of its analyses together in {folder}")
    return "\n".join(line for line in lines if line)
