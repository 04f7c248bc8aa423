"""Compare a finished run on the publication grids with what is recorded here (`make verify`).

Recorded are the sha256 of every contours and ranges file, which the locked environment reproduces exactly on the kind
of processor it was recorded on, and the numbers in short: all ranges, and of every contour line its number of points
and the sums of its coordinates. Elsewhere the last digits may differ (numpy picks its loops by processor), so numbers
within TOLERANCE also pass, and that is said. `verify.py --record` records anew, for a change that is meant.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
RESULTS = Path("results")
ANALYSES = ("paper", "release")
TOLERANCE = 1e-9  # relative, and absolute around zero; rounding in chi2 moves an end by some 1e-13


def read(path: Path) -> pd.DataFrame:
    """A table, in which a text may be empty."""
    return pd.read_csv(path, keep_default_na=False)


def files() -> list[Path]:
    """What is compared."""
    found = [path for name in ANALYSES for path in sorted((RESULTS / name / "contours").glob("*.csv"))]
    return found + [RESULTS / name / "ranges.csv" for name in ANALYSES]


def digests() -> pd.DataFrame:
    """sha256 of every file."""
    rows = [(path.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files()]
    return pd.DataFrame(rows, columns=["file", "sha256"])


def contour_sums() -> pd.DataFrame:
    """Points and sums of coordinates of every contour line."""
    parts = []
    for path in files():
        if path.parent.name != "contours":
            continue
        table = read(path)
        first, second = table.columns[-2:]
        lines = table.groupby(["confidence_level", "n_dof", "segment"])
        sums = lines.agg(points=(first, "size"), first=(first, "sum"), second=(second, "sum")).reset_index()
        parts.append(sums.assign(file=path.as_posix()))
    return pd.concat(parts, ignore_index=True)


def ranges() -> pd.DataFrame:
    """All ranges of all analyses, what makes their ends and what they warn of included."""
    tables = [read(RESULTS / name / "ranges.csv").assign(analysis=name) for name in ANALYSES]
    return pd.concat(tables, ignore_index=True)


RECORDED = {"digests.csv": digests, "contour_sums.csv": contour_sums, "ranges.csv": ranges}


def differences(name: str) -> list[str]:
    """Rows of a recorded table that a run does not reproduce within TOLERANCE, in words."""
    recorded, found = read(HERE / name), RECORDED[name]()
    if list(recorded.columns) != list(found.columns):
        return [f"{name}: columns {', '.join(found.columns)}; recorded {', '.join(recorded.columns)}"]
    if len(recorded) != len(found):
        return [f"{name}: {len(found)} rows, recorded {len(recorded)}"]
    complaints = []
    for column in recorded.columns:
        old, new = recorded[column], found[column]
        numeric = pd.api.types.is_numeric_dtype(old) and pd.api.types.is_numeric_dtype(new)
        same = np.isclose(new, old, rtol=TOLERANCE, atol=TOLERANCE) if numeric else (old == new).to_numpy()
        complaints += [f"{name}: row {i + 2}, {column}: {new[i]}, recorded {old[i]}" for i in np.flatnonzero(~same)]
    return complaints


def main() -> int:
    """Record or compare; 0 if the run is what was recorded."""
    missing = [str(path) for path in files() if not path.is_file()]
    if missing or len(files()) != 14:
        print(f"no finished run in {RESULTS}: run `make figures` first ({', '.join(missing) or 'contours missing'})")
        return 1
    if sys.argv[1:] == ["--record"]:
        for name, table in RECORDED.items():
            table().to_csv(HERE / name, index=False, lineterminator="\n")
        return 0
    changed = differences("digests.csv")
    if not changed:
        print(f"exact: all {len(files())} contours and ranges files have the recorded bytes")
        return 0
    complaints = differences("contour_sums.csv") + differences("ranges.csv")
    for line in complaints or changed:
        print(line)
    verdict = f"{len(complaints)} numbers are not what was recorded" if complaints else f"equal within {TOLERANCE:g}"
    print(f"{verdict}, {len(changed)} files without the recorded bytes")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
