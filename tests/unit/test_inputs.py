"""Readers, and that every complaint about an input names the file and the row."""

import hashlib
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cevnsi.experiments.checks import ACCEPTANCE_COLUMNS, COUNTS_COLUMNS, Tables
from cevnsi.experiments.inputs import (
    PUBLISHED_FILE,
    RELEASES,
    check_inputs,
    check_published,
    check_range,
    read_dataset,
    verify_checksum,
)
from cevnsi.experiments.measurement import PHOTOELECTRONS
from cevnsi.experiments.release import as_acceptance, as_measurement
from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import ConfigError
from cevnsi.files.tables import PUBLISHED, as_columns, write_csv

Files = dict[str, str]

TABLE: Files = {
    "counts": "bin_low_pe,bin_high_pe,observed_counts,stat_uncertainty\n0,2,5,2.5\n2,4,-1,1.5\n4,6,7,3\n",
    "acceptance": "photoelectrons,acceptance\n0,0\n3,0.5\n6,0.7\n",
}
READING = (
    "bin_low_pe,bin_high_pe,residual_counts,lower_error_bar_end,upper_error_bar_end\n"
    "0,2,3.1,1.0,5.0\n2,4,-0.9,-3.0,1.5\n4,6,-0.2,-4.0,4.5\n"
)
FIGURE3: Files = {
    "reading_a": READING,
    "reading_b": READING.replace("3.1", "2.95"),
    "acceptance": "photoelectrons,acceptance\n0.05,0.001\n3,0.5\n6,0.7\n",
}
PARAMETERS = (
    "acceptanceEfficiency:\n  parameters:\n    - {name: a, value: 0.6655}\n    - {name: k, value: 0.4942}\n"
    "    - {name: x_0, value: 10.8507}\n"
)


def histogram(counts: dict[tuple[float, float], int]) -> str:
    return "# center, center, counts\n" + "".join(f"{pe}, {time}, {n}\n" for (pe, time), n in counts.items())


BINS = [(pe, time) for pe in (1.0, 3.0, 5.0, 7.0) for time in (0.25, 5.75, 6.25)]
RELEASE: Files = {
    "coincidence": histogram({place: 2 + i for i, place in enumerate(BINS)}),
    "anticoincidence": histogram(dict.fromkeys(BINS, 1)),
    "parameters": PARAMETERS,
}
SHARES = "# center, share\n0.25, 0.5\n0.75, 0.25\n1.25, 0.25\n"
CELLS = [(pe, time) for pe in (7.0, 9.0, 11.0) for time in (0.25, 0.75, 1.25)]
IN_TIME: Files = {
    "coincidence": histogram({cell: 2 + i for i, cell in enumerate(CELLS)}),
    "anticoincidence": histogram({cell: 1 + i % 2 for i, cell in enumerate(CELLS)}),
    "coincidence_off": histogram(dict.fromkeys(CELLS, 1)),
    "anticoincidence_off": histogram(dict.fromkeys(CELLS, 0)),
    "neutrons": "# center, neutrons\n6.5, 0.1\n7.5, 0.2\n8.5, 0.2\n9.5, 0.1\n10.5, 0.1\n11.5, 0\n",
    **{f"arrival_{name}": SHARES for name in ("prompt_neutrinos", "delayed_neutrinos", "prompt_neutrons")},
    "parameters": PARAMETERS,
}
EVENTS = "# photoelectrons, microseconds\n9.5 0.25\n30.25 1\n59 5.5\n"
EFFICIENCIES = """# x is in PE
# Nominal efficiency model
1.32 0.286 10.9 -0.333
# Syst model, +1 sigma
1.34 0.285 9.8 -0.356

# Syst model, +1 sigma
1.3 0.287 11.9 -0.31
"""
QUENCHINGS = """# Nominal scintillation model
0.05 4 -100 800
# Syst model 0, +1 sigma
0.06 4 -100 800
# Syst model 0, -1 sigma
0.04 4 -100 800
# Syst model 1, +1 sigma
0.05 5 -110 800
# Syst model 1, -1 sigma
0.05 3 -90 800
"""
BY_PE = "".join(f"{5 * i + 2.5} {0.2 / 12!r}\n" for i in range(12))
BY_TIME = "".join(f"{0.5 * i} {1 + i % 3}\n" for i in range(14))
NEUTRINO_TIMES = "# t_lo_ns,t_hi_ns,nuMu,nuMuBar,nuE,nuEBar\n" + "".join(
    f"{1000 * i},{1000 * (i + 1)},0.125,0.125,0.125,0.25\n" for i in range(8)
)
CSI_2021: Files = {
    "coincidence": EVENTS,
    "anticoincidence": EVENTS,
    "efficiency": EFFICIENCIES,
    "scintillation": QUENCHINGS,
    "neutrino_times": NEUTRINO_TIMES,
    "beam_related_neutrons_photoelectrons": BY_PE,
    "beam_related_neutrons_times": BY_TIME,
    "neutrino_induced_neutrons_photoelectrons": BY_PE,
    "neutrino_induced_neutrons_times": BY_TIME,
}
COUNTS: Files = {
    "counts": "bin_low_pe,bin_high_pe,bin_low_us,bin_high_us,observed_counts\n"
    "6,8,0,1,3\n6,8,1,3,2\n8,12,0,1,5\n8,12,1,3,0\n",
    "acceptance": "photoelectrons,acceptance\n6,0.1\n12,0.5\n",
    "backgrounds": "bin_low_pe,bin_high_pe,bin_low_us,bin_high_us,neutrons,leak\n"
    "6,8,0,1,0.5,1\n6,8,1,3,0.1,2\n8,12,0,1,0.5,2\n8,12,1,3,0,4\n",
    "arrival": "bin_low_us,bin_high_us,nu_e,nu_mu,nu_mu_bar\n0,1,0.25,0.875,0.25\n1,3,0.5,0.125,0.5\n",
}
ARGON_BINS = list(product(range(5, 120, 10), np.arange(0.525, 0.9, 0.05).round(3), np.arange(0.15, 4.9, 0.5).round(2)))


def of_argon(total: float) -> str:
    return "".join(f"{energy} {f90} {time} {total / 960}\n" for energy, f90, time in ARGON_BINS)


ARGON_NORMS = {"cevns": (128, 17), "ssBackground": (3154, 25), "promptBeamRelatedNeutron": (497, 160)}
ARGON_NORMS["delayedBeamRelatedNeutron"] = (33, 33)
ARGON: Files = {
    **{role: of_argon(1.0) for role in RELEASES["lar_2020"].roles},
    "observed": of_argon(960.0),
    **{
        role: of_argon(norm)
        for role, (norm, _) in zip(
            ("signal", "steady_state", "prompt_neutrons", "delayed_neutrons"), ARGON_NORMS.values(), strict=True
        )
    },
    "efficiency": "0.25 1.01299 0\n1.25 5.00158 0.5\n2.25 8.89423 0.9\n",
    "parameters": "larQF:\n  parameters:\n    - {name: a, value: 0.246}\n    - {name: b, value: 0.00078}\n"
    "energyResolution:\n  parameters:\n    - {name: a, value: 0.58}\n"
    "snsPOTTraceTiming:\n  parameters:\n    - {name: a, value: 440}\n    - {name: b, value: 150}\n"
    + "".join(
        f"{name}PredictionNormalization: {{value: {n}, uncertainty: {error}}}\n"
        for name, (n, error) in ARGON_NORMS.items()
    ),
}
SOUND: dict[str, Files] = {
    "table": TABLE,
    "figure3": FIGURE3,
    "release2018": RELEASE,
    "csi_2017": IN_TIME,
    "csi_2021": CSI_2021,
    "lar_2020": ARGON,
    "counts": COUNTS,
}


def lay_out(root: Path, reader: str, files: Files) -> dict[str, Any]:
    """Files of a dataset with their checksums, and its section of a configuration."""
    lines = []
    for role, content in files.items():
        (root / f"{role}.txt").write_bytes(content.encode())
        lines.append(f"{hashlib.sha256(content.encode()).hexdigest()}  {role}.txt\n")
    (root / "SUMS").write_text("".join(lines), encoding="utf-8")
    return {"reader": reader, "files": {role: f"{role}.txt" for role in files}}


def read(root: Path, reader: str, files: Files) -> Tables:
    return read_dataset(lay_out(root, reader, files), root, Path("SUMS"))


def test_table_reader_keeps_what_is_there(tmp_path: Path) -> None:
    tables = read(tmp_path, "table", TABLE)
    np.testing.assert_array_equal(tables["counts"]["observed_counts"], [5, -1, 7])
    np.testing.assert_array_equal(tables["counts"]["stat_uncertainty"], [2.5, 1.5, 3])
    np.testing.assert_array_equal(tables["acceptance"]["acceptance"], [0, 0.5, 0.7])
    assert tuple(tables["counts"]) == COUNTS_COLUMNS
    assert tuple(tables["acceptance"]) == ACCEPTANCE_COLUMNS


def test_argon_is_read_bin_by_bin(tmp_path: Path) -> None:
    tables = read(tmp_path, "lar_2020", ARGON)
    counts = tables["counts"]
    assert [counts[name][-1] for name in tuple(counts)[:6]] == [110, 120, 0.85, 0.9, 4.4, 4.9]
    np.testing.assert_array_equal(counts["observed_counts"], np.ones(960))
    np.testing.assert_allclose(tables["backgrounds"]["steady_state"], 3154 / 960, rtol=1e-12)
    np.testing.assert_allclose(tables["variations"]["neutron_timing_width"], 1 / 960, rtol=1e-12)
    assert tables["parameters"]["delayed_neutrons_uncertainty"] == [33]
    assert {name: tuple(table) for name, table in tables.items()} == dict(RELEASES["lar_2020"].tables)


def test_figure3_reader_rounds_and_halves(tmp_path: Path) -> None:
    tables = read(tmp_path, "figure3", FIGURE3)
    counts = tables["counts"]
    np.testing.assert_array_equal(counts["observed_counts"], [3, -1, 0])
    assert not np.signbit(counts["observed_counts"][2])  # -0.2 rounds to zero, not to minus zero
    np.testing.assert_allclose(counts["rounding_shift"], [-0.1, -0.1, 0.2], atol=1e-12)
    np.testing.assert_allclose(counts["stat_uncertainty"], [2.0, 2.25, 4.25], rtol=1e-15)
    check = tables["cross_check"]
    np.testing.assert_array_equal(check["counts_b"], check["counts_a"])
    np.testing.assert_allclose(check["rounding_shift_b"][0], 0.05, atol=1e-12)
    np.testing.assert_array_equal(check["stat_uncertainty_ratio"], [1, 1, 1])
    # the first digitized point stands for what is below it
    np.testing.assert_array_equal(tables["acceptance"]["photoelectrons"][:2], [0, 0.05])
    np.testing.assert_array_equal(tables["acceptance"]["acceptance"][:2], [0.001, 0.001])


def test_figure3_reader_leaves_an_acceptance_from_zero_alone(tmp_path: Path) -> None:
    files = FIGURE3 | {"acceptance": "photoelectrons,acceptance\n0,0\n6,0.7\n"}
    assert read(tmp_path, "figure3", files)["acceptance"]["photoelectrons"].tolist() == [0, 6]


def test_release_reader_subtracts_and_adds_early_counts(tmp_path: Path) -> None:
    tables = read(tmp_path, "release2018", RELEASE)
    # arrival times of 0.25 and 5.75 count, 6.25 does not: 2 + 3, 5 + 6, 8 + 9, 11 + 12 against 1 + 1
    np.testing.assert_array_equal(tables["counts"]["observed_counts"], [3, 9, 15, 21])
    np.testing.assert_allclose(tables["counts"]["stat_uncertainty"], np.sqrt([7, 13, 19, 25]), rtol=1e-15)
    np.testing.assert_array_equal(tables["counts"]["bin_low_pe"], [0, 2, 4, 6])
    np.testing.assert_array_equal(tables["counts"]["bin_high_pe"], [2, 4, 6, 8])


def test_release_rows_may_come_in_any_order(tmp_path: Path) -> None:
    header, *lines = RELEASE["coincidence"].splitlines(keepends=True)
    shuffled = RELEASE | {"coincidence": header + "\n" + "".join(reversed(lines))}
    found = read(tmp_path, "release2018", shuffled)["counts"]["observed_counts"]
    np.testing.assert_array_equal(found, [3, 9, 15, 21])


def test_release_acceptance_is_a_logistic_with_steps(tmp_path: Path) -> None:
    table = read(tmp_path, "release2018", RELEASE)["acceptance"]
    x, y = table["photoelectrons"], table["acceptance"]
    logistic = 0.6655 / (1 + np.exp(-0.4942 * (x - 10.8507)))
    assert set(np.round(y / logistic, 12)) == {0.0, 0.5, 1.0}
    for step, (below, above) in {5.0: (0.0, 0.5), 6.0: (0.5, 1.0)}.items():
        at = np.flatnonzero(x == step)
        assert at.size == 2
        np.testing.assert_allclose(y[at] / logistic[at], [below, above], atol=1e-14)


def test_release_of_few_photoelectrons_has_no_logistic_part(tmp_path: Path) -> None:
    bins = [(pe, 0.25) for pe in (0.5, 1.5, 2.5)]
    files = RELEASE | {
        "coincidence": histogram(dict.fromkeys(bins, 3)),
        "anticoincidence": histogram(dict.fromkeys(bins, 1)),
    }
    table = read(tmp_path, "release2018", files)["acceptance"]
    assert (table["acceptance"][table["photoelectrons"] < 5] == 0).all()


def test_a_steep_logistic_does_not_overflow(tmp_path: Path) -> None:
    files = RELEASE | {"parameters": PARAMETERS.replace("0.4942", "1000000.0")}
    table = read(tmp_path, "release2018", files)["acceptance"]
    assert table["acceptance"].max() == 0  # the bins end below x_0


def replaced(files: Files, role: str, old: str, new: str) -> Files:
    assert files[role].count(old) >= 1
    return files | {role: files[role].replace(old, new, 1)}


COMPLAINTS = [
    ("table", "counts", "2,4,-1", "2,2,-1", "counts.txt: row 3: bin edges not increasing: 2 >= 2"),
    ("table", "counts", "2,4,-1", "2,1,-1", "counts.txt: row 3: bin edges not increasing: 2 >= 1"),
    (
        "table",
        "counts",
        "2,4,-1",
        "3,4,-1",
        "counts.txt: row 3: a gap between bins: one ends at 2, the next starts at 3",
    ),
    (
        "table",
        "counts",
        "2,4,-1",
        "1,4,-1",
        "counts.txt: row 3: overlapping or unsorted bins: one ends at 2, the next starts at 1",
    ),
    ("table", "counts", "0,2,5", "-1,2,5", "counts.txt: row 2: bin_low_pe -1 is negative"),
    ("table", "counts", "4,6,7", "4,20000,7", "counts.txt: row 4: bin_high_pe 20000 is beyond 10000"),
    ("table", "counts", "7,3", "7,0", "counts.txt: row 4: stat_uncertainty 0; expected a positive number"),
    ("table", "counts", "7,3", "7,-3", "counts.txt: row 4: stat_uncertainty -3; expected a positive number"),
    ("table", "counts", "7,3", "7,1e-200", "counts.txt: row 4: stat_uncertainty 1e-200; expected a positive number"),
    (
        "table",
        "counts",
        "4,6,7",
        "4,6,1e200",
        "counts.txt: row 4, observed_counts: 1e+200 is beyond 1e+30 in magnitude",
    ),
    ("table", "counts", "4,6,7", "4,6,", "counts.txt: row 4, observed_counts: '' is not a number"),
    ("table", "counts", TABLE["counts"][TABLE["counts"].index("0,2") :], "", "counts.txt: has no bins"),
    ("table", "acceptance", "3,0.5", "3,1.5", "acceptance.txt: row 3: acceptance 1.5 is outside [0, 1]"),
    ("table", "acceptance", "3,0.5", "3,-0.5", "acceptance.txt: row 3: acceptance -0.5 is outside [0, 1]"),
    ("table", "acceptance", "6,0.7", "2,0.7", "acceptance.txt: row 4: photoelectrons not increasing: 3 then 2"),
    ("table", "acceptance", "6,0.7", "5,0.7", "acceptance.txt: acceptance covers [0, 5]; the bins need [0, 6]"),
    ("table", "acceptance", "0,0\n", "1,0\n", "acceptance.txt: acceptance covers [1, 6]; the bins need [0, 6]"),
    (
        "table",
        "acceptance",
        "0,0\n3,0.5\n6,0.7\n",
        "",
        "acceptance.txt: acceptance covers nothing; the bins need [0, 6]",
    ),
    (
        "table",
        "acceptance",
        "0,0\n3,0.5\n6,0.7\n",
        "0,0\n",
        "acceptance.txt: acceptance covers [0, 0]; the bins need [0, 6]",
    ),
    (
        "figure3",
        "reading_a",
        "3.1,",
        "3.4,",
        "reading_a.txt: row 2: residual_counts 3.4 is 0.40 from an integer; expected at most 0.25",
    ),
    (
        "figure3",
        "reading_a",
        "-3.0,1.5",
        "-0.5,1.5",
        "reading_a.txt: row 3: a negative error: the bar [-0.5, 1.5] misses its point",
    ),
    (
        "figure3",
        "reading_b",
        "1.0,5.0",
        "5.0,1.0",
        "reading_b.txt: row 2: a negative error: the bar [5, 1] misses its point",
    ),
    ("figure3", "reading_b", "4,6,", "4,7,", "reading_b.txt: bin_high_pe differs from the first reading's"),
    (
        "figure3",
        "reading_b",
        "2,4,-0.9",
        "3,4,-0.9",
        "reading_b.txt: row 3: a gap between bins: one ends at 2, the next starts at 3",
    ),
    ("figure3", "acceptance", "6,0.7", "4,0.7", "acceptance.txt: acceptance covers [0, 4]; the bins need [0, 6]"),
    ("figure3", "acceptance", "0.05,", "0.5,", "acceptance.txt: acceptance covers [0.5, 6]; the bins need [0, 6]"),
    (
        "release2018",
        "coincidence",
        "1.0, 0.25, 2",
        "1.0, 0.25",
        "coincidence.txt: row 2: '1.0, 0.25' is not 'photoelectrons, arrival time",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 0.25, 2",
        "1.0, x, 2",
        "coincidence.txt: row 2: '1.0, x, 2' is not 'photoelectrons, arrival",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 0.25, 2",
        "-1.0, 0.25, 2",
        "coincidence.txt: row 2: '-1.0, 0.25, 2': a bin that is negative",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 0.25, 2",
        "1.0, nan, 2",
        "coincidence.txt: row 2: '1.0, nan, 2' is not 'photoelectrons, arrival",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 5.75, 3",
        "1.0, 0.25, 3",
        "coincidence.txt: row 3: '1.0, 0.25, 3': a bin that is negative, or given twice",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 5.75, 3",
        "1.0, 5.75, 3.5",
        "coincidence.txt: row 3: '1.0, 5.75, 3.5': counts must be whole, from 0",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 5.75, 3",
        "1.0, 5.75, -3",
        "coincidence.txt: row 3: '1.0, 5.75, -3': counts must be whole, from 0",
    ),
    (
        "release2018",
        "coincidence",
        "1.0, 5.75, 3\n",
        "",
        "coincidence.txt: has 11 bins, expected 4 of photoelectrons times 3 of time",
    ),
    (
        "release2018",
        "anticoincidence",
        RELEASE["anticoincidence"],
        "# nothing\n",
        "anticoincidence.txt: its bins are not those of ",
    ),
    (
        "release2018",
        "anticoincidence",
        "0.25",
        "0.35",
        "anticoincidence.txt: has 12 bins, expected 4 of photoelectrons times 4 of time",
    ),
    (
        "release2018",
        "parameters",
        "name: a",
        "name: b",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0 (KeyError('a'))",
    ),
    (
        "release2018",
        "parameters",
        "acceptanceEff",
        "Eff",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0 (KeyError",
    ),
    (
        "release2018",
        "parameters",
        PARAMETERS,
        "a: [",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0 (ConfigError",
    ),
    (
        "release2018",
        "parameters",
        PARAMETERS,
        "- 1",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0 (TypeError",
    ),
    (
        "release2018",
        "parameters",
        "0.6655",
        "much",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0, once each",
    ),
    (
        "release2018",
        "parameters",
        "0.6655",
        "true",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0, once each",
    ),
    (
        "release2018",
        "parameters",
        "0.6655",
        ".nan",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0, once each",
    ),
    (
        "release2018",
        "parameters",
        PARAMETERS,
        PARAMETERS + "    - {name: a, value: 0.1}\n",
        "parameters.txt: acceptanceEfficiency needs numbers a, k and x_0, once each and nothing else",
    ),
    ("release2018", "parameters", "0.6655", "1.6655", "parameters.txt: row"),
    ("csi_2017", "coincidence", IN_TIME["coincidence"], "", "coincidence.txt: has no bins; expected rows of photoel"),
    ("csi_2017", "coincidence_off", IN_TIME["coincidence_off"], "# counts\n", "coincidence_off.txt: has no bins"),
    ("csi_2017", "coincidence", "7.0, 0.25, 2", "7.0, 0.25, nan", "coincidence.txt: row 2: '7.0, 0.25, nan' is not '"),
    ("csi_2017", "coincidence", "7.0, 0.25, 2", "7.0, 0.25, 1e300", "row 2: '7.0, 0.25, 1e300': counts must be whole,"),
    (
        "csi_2017",
        "anticoincidence_off",
        "9.0, 0.75, 0\n",
        "",
        "off.txt: has 8 bins, expected 3 of photoelectrons times 3",
    ),
    (
        "csi_2017",
        "coincidence",
        IN_TIME["coincidence"],
        IN_TIME["coincidence"].replace(" 1.25,", " 1.75,"),
        "coincidence.txt: arrival times have a gap after 0.75; expected evenly spaced centres of bins",
    ),
    (
        "csi_2017",
        "coincidence",
        IN_TIME["coincidence"],
        IN_TIME["coincidence"]
        .replace(", 0.75,", ", 0.25e-40,")
        .replace(", 1.25,", ", 0.5e-40,")
        .replace(", 0.25,", ", 0,"),
        "coincidence.txt: centres from 0 to 5e-41 by 2.5e-41; expected steps above 2e-09 up to 1e+30",
    ),
    (
        "csi_2017",
        "neutrons",
        IN_TIME["neutrons"],
        "",
        "neutrons.txt: has 0 rows; expected 2 or more of 'photoelectrons",
    ),
    ("csi_2017", "neutrons", "8.5, 0.2", "8.6, 0.2", "neutrons.txt: row 4: 8.6 after 7.5; expected steps of 1 as in"),
    ("csi_2017", "neutrons", "7.5, 0.2", "6.5, 0.2", "neutrons.txt: row 3: 6.5 after 6.5; expected centres that incr"),
    ("csi_2017", "neutrons", "8.5, 0.2", "8.5, 1e300", "neutrons.txt: row 4: 1e+300; expected a content of at most 1e"),
    (
        "csi_2017",
        "neutrons",
        "8.5, 0.2",
        "8.5, nan",
        "neutrons.txt: row 4: '8.5, nan' is not 'photoelectrons, neutrons",
    ),
    (
        "csi_2017",
        "neutrons",
        "11.5, 0\n",
        "",
        "neutrons.txt: its bins are from 6 to 11 by 1; expected one to end at 12, where one of the counts does",
    ),
    (
        "csi_2017",
        "arrival_prompt_neutrons",
        SHARES,
        "# share\n",
        "neutrons.txt: has 0 rows; expected 2 or more of 'bin",
    ),
    (
        "csi_2017",
        "arrival_delayed_neutrinos",
        "0.75, 0.25",
        "0.75, -0.25",
        "row 3: -0.25 is negative; expected a content",
    ),
    (
        "csi_2017",
        "arrival_delayed_neutrinos",
        "0.75, 0.25",
        "0.75, 0.2",
        "neutrinos.txt: its shares sum to 0.95; expected 1",
    ),
    ("csi_2017", "arrival_delayed_neutrinos", "1.25, 0.25\n", "", "neutrinos.txt: its bins of time are not those of"),
    ("csi_2017", "parameters", "0.6655", "1.6655", "parameters.txt: the acceptance a is 1.6655; expected a number in"),
    ("csi_2017", "parameters", "0.6655", "-0.6655", "parameters.txt: the acceptance a is -0.6655; expected a number"),
    ("csi_2021", "coincidence", "9.5 0.25", "9.5", "coincidence.txt: row 2: '9.5' is not 'photoelectrons and arrival"),
    ("csi_2021", "coincidence", "9.5 0.25", "nan 0.25", "coincidence.txt: row 2: 'nan 0.25' is not 'photoelectrons"),
    ("csi_2021", "coincidence", "9.5 0.25", "-9.5 0.25", "row 2: '-9.5 0.25': -9.5 photoelectrons; expected 0 to 1000"),
    ("csi_2021", "coincidence", "9.5 0.25", "9.5 12.5", "'9.5 12.5': 12.5 microseconds; expected 0 to 12"),
    ("csi_2021", "anticoincidence", EVENTS, "# none\n", "anticoincidence.txt: has no events; expected rows of"),
    ("csi_2021", "efficiency", "1.34 0.285 9.8 -0.356", "1.34 0.285 9.8", "row 5: '1.34 0.285 9.8' is not 'a b c d'"),
    ("csi_2021", "efficiency", "1.34 0.285", "1.34 inf", "row 5: '1.34 inf 9.8 -0.356' is not 'a b c d', numbers up"),
    ("csi_2021", "efficiency", "1.34 0.285", "1.36 0.285", "row 5: a 1.36, b 0.285, d -0.356; expected a, b above 0"),
    ("csi_2021", "efficiency", "1.32 0.286", "1.32 -0.286", "row 3: a 1.32, b -0.286, d -0.333; expected a, b above 0"),
    (
        "csi_2021",
        "efficiency",
        "1.3 0.287 11.9 -0.31\n",
        "",
        "efficiency.txt: has no 'Syst model, +1 sigma'; expected 3",
    ),
    (
        "csi_2021",
        "efficiency",
        EFFICIENCIES,
        EFFICIENCIES + "1 1 1 0\n",
        "efficiency.txt: row 9: '1 1 1 0' is one too many; expected 3 rows of numbers",
    ),
    (
        "csi_2021",
        "scintillation",
        "0, -1 sigma",
        "0, -2 sigma",
        "row 6: is of 'Syst model 0, -2 sigma'; expected 'Syst model 0, -1 sigma'",
    ),
    (
        "csi_2021",
        "scintillation",
        "# Syst model 0, -1 sigma\n0.04 4 -100 800\n",
        "",
        "scintillation.txt: row 6: is of 'Syst model 1, +1 sigma'; expected 'Syst model 0, -1 sigma'",
    ),
    ("csi_2021", "scintillation", "0.05 4 -100", "0.05 4 -300", "row 2: visible energy falls at a recoil of"),
    ("csi_2021", "neutrino_times", "1000,2000,0.125", "1000,2000,-0.125", "row 3: -0.125 is negative; expected shares"),
    ("csi_2021", "neutrino_times", "1000,2000,0.125", "1000,2000,0.25", "shares of nu_mu sum to 1.125; expected 1"),
    (
        "csi_2021",
        "neutrino_times",
        "1000,2000,",
        "1100,2000,",
        "row 3: a bin from 1100 after one to 1000; expected no gap",
    ),
    ("csi_2021", "neutrino_times", "1000,2000,", "1000,900,", "a bin from 1000 to 900; expected edges that increase"),
    (
        "csi_2021",
        "neutrino_times",
        "2000,0.125,0.125,0.125,0.25",
        "2000,0.125",
        "row 3: '1000,2000,0.125' is not 'low edge",
    ),
    (
        "csi_2021",
        "neutrino_times",
        NEUTRINO_TIMES,
        "0,3000,0.5,0.5,0.5,0\n3000,6000,0.5,0.5,0.5,0\n",
        "neutrino_times.txt: ends at 6000 ns; expected 6250 or more",
    ),
    (
        "csi_2021",
        "neutrino_times",
        NEUTRINO_TIMES,
        "# none\n",
        "neutrino_times.txt: has 0 rows; expected 2 or more of sh",
    ),
    (
        "csi_2021",
        "beam_related_neutrons_photoelectrons",
        "7.5 ",
        "8.5 ",
        "photoelectrons.txt: row 3: 12.5 after 8.5; expected steps of 6 as in the first",
    ),
    (
        "csi_2021",
        "neutrino_induced_neutrons_photoelectrons",
        "7.5 0.016666666666666666",
        "7.5 0.1",
        "its densities sum to 1.41666667 below 60 photoelectrons; expected 1",
    ),
    (
        "csi_2021",
        "neutrino_induced_neutrons_photoelectrons",
        "57.5 0.016666666666666666\n",
        "",
        "photoelectrons.txt: its bins are from 0 to 55; expected 0 to 60",
    ),
    (
        "csi_2021",
        "beam_related_neutrons_times",
        "1.0 3",
        "1.0 -3",
        "times.txt: row 3: -3 is negative; expected a content",
    ),
    ("csi_2021", "beam_related_neutrons_times", "1.0 3", "1.0 x", "row 3: '1.0 x' is not 'bin centre, content'"),
    (
        "csi_2021",
        "beam_related_neutrons_times",
        "0.0 1\n",
        "",
        "its bins are from 0.25 to 6.75; expected -0.25 to 6.25",
    ),
    (
        "csi_2021",
        "neutrino_induced_neutrons_times",
        BY_TIME,
        "".join(f"{i} 1\n" for i in range(8)),
        "induced_neutrons_times.txt: its bins are not those of",
    ),
    (
        "csi_2021",
        "neutrino_induced_neutrons_times",
        BY_TIME,
        "".join(f"{0.5 * i} 0\n" for i in range(14)),
        "induced_neutrons_times.txt: has no counts; expected some",
    ),
    ("counts", "counts", COUNTS["counts"], "", "counts.txt: is empty; expected"),
    ("counts", "counts", COUNTS["counts"][COUNTS["counts"].index("6,8") :], "", "counts.txt: has no bins"),
    ("counts", "counts", "6,8,1,3,2", "6,8,1,3,2.5", "counts.txt: row 3: observed_counts 2.5; expected a whole number"),
    ("counts", "counts", "6,8,1,3,2", "6,8,1,3,nan", "counts.txt: row 3, observed_counts: 'nan' is not a finite"),
    ("counts", "counts", "6,8,1,3,2", "6,8,1,3,1e300", "counts.txt: row 3, observed_counts: 1e+300 is beyond 1e+30"),
    ("counts", "backgrounds", "0.1,2", "1e300,2", "backgrounds.txt: row 3, neutrons: 1e+300 is beyond 1e+30"),
    ("counts", "backgrounds", "0.1,2", "-0.1,2", "backgrounds.txt: row 3: neutrons -0.1 is negative"),
    ("counts", "backgrounds", "6,8,1,3,0.1,2\n", "", "backgrounds.txt: has 3 rows; expected 4, 2 times 2 bins"),
    (
        "counts",
        "backgrounds",
        COUNTS["backgrounds"][COUNTS["backgrounds"].index("6,8") :],
        "",
        "backgrounds.txt: has 0 rows; expected 4",
    ),
    ("counts", "backgrounds", ",neutrons,leak", ",,", "backgrounds.txt: column ''; expected a name of letters"),
    ("counts", "arrival", "0,1,0.25", "0,2,0.25", "arrival.txt: row 2: bin_high_us is 2, expected 1, as bins of the"),
    ("counts", "arrival", "1,3,0.5", "1,3,0.8", "arrival.txt: nu_e sums to 1.05; expected at most 1"),
    (
        "counts",
        "arrival",
        COUNTS["arrival"][COUNTS["arrival"].index("0,1") :],
        "",
        "arrival.txt: has 0 rows; expected 2",
    ),
    ("counts", "acceptance", "12,0.5", "12,1.5", "acceptance.txt: row 3: acceptance 1.5 is outside [0, 1]"),
]


@pytest.mark.parametrize(("reader", "role", "old", "new", "said"), COMPLAINTS, ids=[c[-1][:45] for c in COMPLAINTS])
def test_a_bad_input_is_named(reader: str, role: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    read(tmp_path, reader, SOUND[reader])
    if said == "parameters.txt: row":  # the logistic passes one at 10.9 + log(0.6655) / 0.4942, beyond these bins
        bins = [(float(pe), 0.25) for pe in range(1, 41, 2)]
        two = {"coincidence": histogram(dict.fromkeys(bins, 3)), "anticoincidence": histogram(dict.fromkeys(bins, 1))}
        files = replaced(RELEASE | two, role, old, new)
        said = "is outside [0, 1]"
    else:
        files = replaced(SOUND[reader], role, old, new)
    with pytest.raises(TableError) as caught:
        read(tmp_path, reader, files)
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)  # the whole path, so that it can be opened


def test_a_bin_that_counted_nothing_has_no_uncertainty(tmp_path: Path) -> None:
    empty = {place: (0 if place[0] == 3.0 else 2) for place in BINS}
    files = RELEASE | {"coincidence": histogram(empty), "anticoincidence": histogram(empty)}
    with pytest.raises(TableError, match=r"coincidence\.txt: row 3: stat_uncertainty 0; expected a positive number"):
        read(tmp_path, "release2018", files)


def test_one_bin_of_the_release_has_no_width(tmp_path: Path) -> None:
    one = histogram({(1.0, 0.25): 3})
    with pytest.raises(TableError, match=r"coincidence\.txt: row 2: bin edges not increasing: 1 >= 1"):
        read(tmp_path, "release2018", RELEASE | {"coincidence": one, "anticoincidence": one})


@pytest.mark.parametrize("reader", RELEASES)
def test_roles_must_be_those_of_the_reader(reader: str, tmp_path: Path) -> None:
    section = lay_out(tmp_path, reader, SOUND[reader])
    assert set(section["files"]) == {*RELEASES[reader].roles, *RELEASES[reader].optional}
    section["files"].pop(RELEASES[reader].roles[1])
    with pytest.raises(TableError, match=rf"datasets: reader {reader} needs files for .*; found "):
        read_dataset(section, tmp_path, Path("SUMS"))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A folder with one file and its checksum."""
    lay_out(tmp_path, "table", {"a": "content\n"})
    return tmp_path


def test_a_listed_file_passes(listed: Path) -> None:
    verify_checksum(listed, Path("SUMS"), Path("a.txt"))


@pytest.mark.parametrize(
    "written",
    [
        lambda digest: f"{digest.upper()}  a.txt\n",
        lambda digest: f"{digest} *a.txt\n",
        lambda digest: f"# of the inputs\n\n{digest}  a.txt\n\n",
        lambda digest: f"{'0' * 64}  a.txt\n{digest}  a.txt\n",
        lambda digest: f"{digest}  a.txt\r\n",
    ],
    ids=["uppercase", "binary", "comments", "corrected", "line ends"],
)
def test_checksums_as_others_write_them(listed: Path, written: Callable[[str], str]) -> None:
    digest, _ = (listed / "SUMS").read_text(encoding="utf-8").split()
    (listed / "SUMS").write_text(written(digest), encoding="utf-8", newline="")
    verify_checksum(listed, Path("SUMS"), Path("a.txt"))
    (listed / "a.txt").write_bytes(b"content \n")
    with pytest.raises(TableError, match=f"expected {digest} \\(SUMS\\); the file has changed"):
        verify_checksum(listed, Path("SUMS"), Path("a.txt"))


def decimal_bins(step: str, count: int) -> str:
    """Bins whose edges are multiples of a decimal, summed as a program would."""
    edges = [0.0]
    for _ in range(count):
        edges.append(edges[-1] + float(step))
    rows = [f"{i * float(step)!r},{high!r},5,2.5\n" for i, high in enumerate(edges[1:])]
    return "bin_low_pe,bin_high_pe,observed_counts,stat_uncertainty\n" + "".join(rows)


@pytest.mark.parametrize(("step", "count"), [("0.1", 60), ("0.7", 8), ("0.05", 120)])
def test_bins_of_decimal_steps_are_contiguous(tmp_path: Path, step: str, count: int) -> None:
    counts = read(tmp_path, "table", TABLE | {"counts": decimal_bins(step, count)})["counts"]
    assert (counts["bin_low_pe"][1:] != counts["bin_high_pe"][:-1]).any()  # as doubles they are not
    edges = as_measurement(counts).bin_edges_pe
    analysis = {"photoelectron_range": [float(step) * 3, edges[-1]], "dataset": "mine"}
    check_range("mine", analysis, counts)
    low, high = analysis["photoelectron_range"]
    selected = as_measurement(counts).select(PHOTOELECTRONS, low + 1e-9 * low, high)
    assert selected.observed.size == count - 3


def test_an_acceptance_may_end_next_to_the_last_bin(tmp_path: Path) -> None:
    files = TABLE | {"acceptance": "photoelectrons,acceptance\n0.00000001,0\n3,0.5\n5.99999999,0.7\n"}
    acceptance = as_acceptance(read(tmp_path, "table", files)["acceptance"])
    assert acceptance(np.array([6.0]))[0] == 0.7
    files["acceptance"] = files["acceptance"].replace("5.99999999", "5.9999")
    with pytest.raises(TableError, match=r"acceptance covers \[1e-08, 5\.9999\]; the bins need \[0, 6\]"):
        read(tmp_path, "table", files)


def test_a_row_is_a_line_of_the_file(tmp_path: Path) -> None:
    counts = TABLE["counts"].replace("2,4,-1", "\n# none of these\n2,4.001,-1")
    with pytest.raises(
        TableError, match=r"row 7: overlapping or unsorted bins: one ends at 4\.001, the next starts at 4"
    ):
        read(tmp_path, "table", TABLE | {"counts": "# mine\n" + counts})


def spoil(edit: Callable[[str], str]) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / "SUMS"
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")

    return act


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda f: (f / "a.txt").write_bytes(b"content \n"), "a.txt: sha256 is "),
        (lambda f: (f / "a.txt").unlink(), "a.txt: cannot be read: No such file or directory"),
        (
            spoil(lambda t: t.replace("a.txt", "b.txt")),
            "a.txt: has no checksum in SUMS; add the line that `sha256sum a.txt`",
        ),
        (spoil(lambda t: "x" + t), "SUMS: row 1: 'x"),
        (spoil(lambda t: t + "\n# and\nb.txt\n"), "SUMS: row 4: 'b.txt' is not '<sha256>  <path>'"),
        (spoil(lambda t: t.replace("  ", " ")), "is not '<sha256>  <path>'"),
        (spoil(lambda t: t + "0" * 64 + "  a.txt\n"), f"expected {'0' * 64} (SUMS); the file has changed"),
        (lambda f: (f / "SUMS").unlink(), "SUMS: cannot be read: No such file or directory"),
    ],
)
def test_a_changed_file_is_named(listed: Path, act: Callable[[Path], object], said: str) -> None:
    act(listed)
    with pytest.raises(TableError) as caught:
        verify_checksum(listed, Path("SUMS"), Path("a.txt"))
    assert said in str(caught.value)


def test_a_changed_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    section = lay_out(tmp_path, "table", TABLE)
    (tmp_path / "counts.txt").write_text("not a table at all", encoding="utf-8")
    with pytest.raises(TableError, match=r"counts\.txt: sha256 is"):
        read_dataset(section, tmp_path, Path("SUMS"))


def published_file(tmp_path: Path, *rows: tuple[Any, ...]) -> Path:
    path = tmp_path / PUBLISHED_FILE
    write_csv(path, as_columns(rows, PUBLISHED))
    return path


ROW = ("one", "first", "Eq. 1", 1.0, "near", 0.1, "because")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (("one", *ROW[1:]), "row 3: the key 'one' is given twice"),
        (("two", *ROW[1:4], "about", 0.1, ""), "row 3: comparison is 'about'; expected near or at_least"),
        (("two", *ROW[1:4], "near", -0.1, ""), "row 3: tolerance -0.1 is negative"),
        (("two", *ROW[1:3], "much", "near", 0.1, ""), "row 3, published: 'much' is not a number"),
    ],
)
def test_bad_published_values_are_named(tmp_path: Path, second: tuple[Any, ...], said: str) -> None:
    check_published(published_file(tmp_path, ROW, ("two", *ROW[1:])))
    path = published_file(tmp_path, ROW, second)
    with pytest.raises(TableError) as caught:
        check_published(path)
    assert str(caught.value) == f"{path}: {said}"


def test_the_projects_own_inputs_pass(config: dict[str, Any], root: Path) -> None:
    check_inputs(config, root)


def test_a_range_that_is_no_bin_edge_is_named(config: dict[str, Any], root: Path) -> None:
    config["analyses"]["release"]["photoelectron_range"] = [6, 31]
    with pytest.raises(
        ConfigError, match=r"^analyses\.release\.photoelectron_range: 31 is not a bin edge of dataset release"
    ):
        check_inputs(config, root)


def stored(folder: Path, tables: Mapping[str, Any]) -> list[Path]:
    """Tables as results/inputs/ has them."""
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    return [folder / f"{name}.csv" for name in tables]


@pytest.mark.parametrize("reader", SOUND)
def test_clean_tables_are_loaded_as_they_were_read(reader: str, tmp_path: Path) -> None:
    tables = read(tmp_path, reader, SOUND[reader])
    loaded = RELEASES[reader].loaded(stored(tmp_path, tables))
    for name, table in loaded.items():
        for column, values in table.items():
            np.testing.assert_array_equal(values, tables[name][column])


def test_clean_tables_are_checked_again_when_loaded(tmp_path: Path) -> None:
    paths = stored(tmp_path, read(tmp_path, "table", TABLE))
    (tmp_path / "counts.csv").write_text(TABLE["counts"].replace("7,3", "7,0"), encoding="utf-8")
    with pytest.raises(TableError, match=r"counts\.csv: row 4: stat_uncertainty 0"):
        RELEASES["table"].loaded(paths)
    (tmp_path / "counts.csv").write_text("", encoding="utf-8")
    with pytest.raises(TableError, match=r"counts\.csv: is empty"):
        RELEASES["table"].loaded(paths)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("0,0\n6,1.5\n", "row 3: acceptance 1.5 is outside"),
        ("6,0\n0,1\n", "row 3: photoelectrons not increasing"),
        ("0,0\n", "acceptance covers"),
        ("", "acceptance covers nothing"),
    ],
)
def test_a_loaded_acceptance_that_is_none_is_named(rows: str, said: str, tmp_path: Path) -> None:
    paths = stored(tmp_path, read(tmp_path, "table", TABLE))
    (tmp_path / "acceptance.csv").write_text("photoelectrons,acceptance\n" + rows, encoding="utf-8")
    with pytest.raises(TableError, match=rf"acceptance\.csv: {said}"):
        RELEASES["table"].loaded(paths)
