"""What COHERENT and others have published of its data, against ours, and what explains each difference.

Published numbers are data (data/coherent/published.csv); ours are of best_fit.json and of the model. An explanation is
a sentence that is made of what `choices` has found, so that it says what this run says.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import TableError
from cevnsi.files.tables import (
    COHERENT_CHOICES,
    COHERENT_PUBLISHED,
    COHERENT_SCORECARD,
    Table,
    as_columns,
    decimal,
    read_table,
)
from cevnsi.studies.coherent.choices import (
    ALL_DATA,
    ALL_TIMES,
    AS_IT_IS,
    BLIND,
    CHANGES,
    CODE,
    CODE_INTEGRATED,
    CSI_2017,
    CSI_2021,
    FORWARD,
    HALF,
    HELD,
    LABELS,
    LAR_2020,
    ONE_TIME,
    RADII,
    SEVEN_STATS_WORDS,
    SHAPES,
    SIGNAL_ALONE,
    SPANNED,
    TOGETHER,
    WIDE,
    Numbers,
    Paths,
    Sections,
    choices_of,
)
from cevnsi.studies.coherent.readings import flux_by_labels

PUBLISHED_FILE = Path("data/coherent/published.csv")
FLUX_FILE = Path("data/coherent_csi_2021/derived_flux/sns_energy_marginal_1MeV.csv")
UNITS = {  # in ours
    **dict.fromkeys(["events", "standard deviations", "1", "fm"], 1.0),
    **{"1e-40 cm2": 1e-40, "1e-39 cm2": 1e-39},
}
PER_1E_40_CM2 = 1e40

Choices = Mapping[str, Mapping[str, Numbers]]  # numbers by dataset and choice


def read_published(path: Path) -> Table:
    """The published numbers; TableError names the file and the row of what is none."""
    table = read_table(path, COHERENT_PUBLISHED)
    known: set[tuple[str, str]] = set()
    for i, row in enumerate(zip(table["dataset"], table["key"], strict=True)):
        where = f"{path}: row {table.line(i)}"
        if row[0] not in EXPLANATIONS:
            raise TableError(f"{where}: dataset {row[0]!r}; expected one of {', '.join(EXPLANATIONS)}")
        if row[1] not in EXPLANATIONS[row[0]]:
            expected = ", ".join(EXPLANATIONS[row[0]])
            raise TableError(f"{where}: key {row[1]!r} of {row[0]}; expected one of {expected}")
        if row in known:
            raise TableError(f"{where}: the key {row[1]!r} of {row[0]} is given twice")
        known.add(row)
        if table["unit"][i] not in UNITS:
            raise TableError(f"{where}: unit {table['unit'][i]!r}; expected one of {', '.join(UNITS)}")
        if not table["source"][i].strip():
            raise TableError(f"{where}: no source; expected a paper or a file")
        _check_errors(where, table["error_low"][i], table["error_high"][i])
    return table


def _check_errors(where: str, *errors: str) -> None:
    for name, text in zip(("error_low", "error_high"), errors, strict=True):
        try:
            positive = not text or decimal(text) > 0
        except ValueError:
            positive = False
        if not positive:
            raise TableError(f"{where}, {name}: {text!r}; expected a number above zero, or nothing")
    if len({bool(text) for text in errors}) > 1:
        raise TableError(f"{where}: an error on one side alone; expected both or none")


def _listed(numbers: Mapping[str, Numbers], key: str, names: Sequence[str], digits: int = 1) -> str:
    """What a quantity is under each of several choices."""
    factor = PER_1E_40_CM2 if key.endswith("cross_section") else 1.0
    return ", ".join(f"{factor * numbers[name][key]:.{digits}f} with {name}" for name in names)


def _three(key: str) -> Callable[[Mapping[str, Numbers]], str]:
    """Of what CsI 2021 predicts: three choices, each alone and together."""

    def said(numbers: Mapping[str, Numbers]) -> str:
        factor = PER_1E_40_CM2 if key.endswith("cross_section") else 1.0
        return (
            f"{_listed(numbers, key, (LABELS, BLIND, RADII))}; "
            f"{factor * numbers[TOGETHER][key]:.1f} with {TOGETHER}, which nobody says were made"
        )

    return said


def _error(numbers: Mapping[str, Numbers], name: str) -> float:
    """The mean of both errors of what is seen."""
    return (numbers[name]["cevns_low"] + numbers[name]["cevns_high"]) / 2


def _errors(numbers: Mapping[str, Numbers]) -> str:
    """What is left of the error of the signal with no nuisance, and with no background either."""
    return (
        f"its error is {_error(numbers, AS_IT_IS):.1f}, {_error(numbers, HELD):.1f} with {HELD}, "
        f"and {_error(numbers, SIGNAL_ALONE):.1f} is the {SIGNAL_ALONE}"
    )


def _of_2017(key: str, digits: int) -> Callable[[Mapping[str, Numbers]], str]:
    """Of the fit of CsI 2017, which no reading of the release meets exactly."""

    def said(numbers: Mapping[str, Numbers]) -> str:
        least, greatest = (numbers[f"{which} {SPANNED}"][key] for which in ("least", "greatest"))
        return (
            f"{_listed(numbers, key, (ALL_DATA, WIDE), digits)}; smearing, acceptance, background data and their shape "
            f"span {least:.{digits}f} to {greatest:.{digits}f} in the same window"
        )

    return said


def _seen_in_2021(numbers: Mapping[str, Numbers]) -> str:
    return (
        f"{_errors(numbers)}; a public code's bins have {_listed(numbers, 'cevns_counts', (CODE,))} and "
        f"{_listed(numbers, 'cevns_counts', (CODE_INTEGRATED,))}"
    )


def _cross_section_of_2021(numbers: Mapping[str, Numbers]) -> str:
    here, together = numbers[AS_IT_IS], numbers[TOGETHER]
    return (
        f"the amplitude is {here['amplitude']:.3f}; {together['amplitude']:.3f} with {LABELS}, {BLIND} and {RADII} "
        f"together, which makes {PER_1E_40_CM2 * together['cross_section']:.1f}"
    )


def _cross_section_of_argon(numbers: Mapping[str, Numbers]) -> str:
    here, forward = numbers[AS_IT_IS], numbers[FORWARD]
    return (
        f"the amplitude is {here['amplitude']:.3f}, and {forward['amplitude']:.3f} with {FORWARD}; the standard "
        f"model's cross section is {PER_1E_40_CM2 * here['sm_cross_section']:.1f}e-40 cm2"
    )


def _after_a_fit(numbers: Mapping[str, Numbers]) -> str:
    return f"the published number is the prior of this fit, which has {numbers[AS_IT_IS]['cevns_counts']:.1f} of signal"


def _with_forward(key: str, digits: int = 1) -> Callable[[Mapping[str, Numbers]], str]:
    return lambda numbers: _listed(numbers, key, (SHAPES, FORWARD), digits)


def _end_of_a_range(key: str) -> Callable[[Mapping[str, Numbers]], str]:
    def said(numbers: Mapping[str, Numbers]) -> str:
        mine = numbers[AS_IT_IS].get(key)
        configured = "no such end" if mine is None else f"{mine:.3f}"
        return f"as that code has it ({SEVEN_STATS_WORDS}); {configured} {AS_IT_IS}"

    return said


OF_ALL_PAIRS = ("ee_lower", "ee_upper", "emu_upper", "etau_upper", "mumu_lower", "mumu_upper", "mutau_upper")
ENDS = (
    *(f"eps_{end}" for end in (*OF_ALL_PAIRS, "mumu_gap_from", "mumu_gap_to")),
    *(f"free_eps_{end}" for end in OF_ALL_PAIRS),
)
# What explains a difference, of the numbers of a dataset by what is chosen.
EXPLANATIONS: dict[str, dict[str, Callable[[Mapping[str, Numbers]], str]]] = {
    CSI_2017: {
        "cevns_counts": lambda numbers: f"{_of_2017('cevns_counts', 1)(numbers)}; {_errors(numbers)}",
        "sm_counts": lambda numbers: _listed(numbers, "sm_counts", (ALL_TIMES, WIDE, HALF, BLIND)),
        "significance": _of_2017("significance", 2),
        **{key: _end_of_a_range(key) for key in ENDS},
        "neutron_radius": lambda numbers: _listed(numbers, "neutron_radius", (ONE_TIME,), 2),
        "suppression": lambda numbers: _listed(numbers, "suppression", (ONE_TIME,), 2),
    },
    CSI_2021: {
        "cevns_counts": _seen_in_2021,
        "sm_counts": _three("sm_counts"),
        "significance": lambda numbers: _listed(numbers, "significance", (BLIND, RADII, TOGETHER), 2),
        "cross_section": _cross_section_of_2021,
        "sm_cross_section": _three("sm_cross_section"),
        **dict.fromkeys(["steady_state", "beam_related_neutrons", "neutrino_induced_neutrons"], _after_a_fit),
        "sin2_theta_w": lambda numbers: _listed(numbers, "sin2_theta_w", (BLIND, RADII), 3),
        "suppression": lambda numbers: (
            f"the radius that fits best is {numbers[AS_IT_IS]['neutron_radius']:.2f} fm; six is all that is stated"
        ),
    },
    LAR_2020: {
        "cevns_counts": lambda numbers: f"{_with_forward('cevns_counts')(numbers)}; {_errors(numbers)}",
        "sm_counts": lambda numbers: f"the release's own counts; {_listed(numbers, 'sm_counts', (FORWARD,))}",
        "significance": lambda numbers: _listed(numbers, "significance", (FORWARD,), 2),
        "significance_with_shapes": lambda numbers: (
            f"nuisances of the release's varied files; {numbers[AS_IT_IS]['significance']:.2f} without them"
        ),
        "cross_section": _cross_section_of_argon,
        **{name: _with_forward(name) for name in ("steady_state", "prompt_neutrons", "delayed_neutrons", "excess")},
    },
}


def values_of(choices: Choices) -> dict[str, Numbers]:
    """Ours by dataset and key, those of events and cross sections with errors as `<key>_low` and `<key>_high`.

    Ends of ranges are those with the choices of the code that published them.
    """
    found: dict[str, Numbers] = {}
    for dataset, numbers in choices.items():
        mine = {key: value for key, value in numbers[AS_IT_IS].items() if key not in ENDS}
        for side in ("low", "high"):
            error = mine.pop(f"cevns_{side}")
            mine[f"cevns_counts_{side}"] = error
            mine[f"cross_section_{side}"] = error * mine["cross_section"] / mine["cevns_counts"]
        mine |= numbers.get(SEVEN_STATS_WORDS, {})
        if SHAPES in numbers:
            mine["significance_with_shapes"] = numbers[SHAPES]["significance"]
        found[dataset] = mine
    return found


def _ends(value: float, low: str | float, high: str | float) -> tuple[Any, Any]:
    """A value less and plus its errors; empty where there are none."""
    return ("", "") if "" in (low, high) else (value - float(low), value + float(high))


def scorecard(published: Mapping[str, Any], values: Mapping[str, Numbers], choices: Choices) -> dict[str, list[Any]]:
    """The columns of scorecard.csv, one row for every published number of a dataset that we have values of.

    `values` as `values_of` gives them, by dataset and key; `choices` by dataset, what is chosen and key, from which the
    explanations are. `<...>_low` and `_high` are ends of one standard deviation, and the pull is the difference over
    the published error on its side, empty where there is none. Units are those of the published numbers.
    """
    rows = []
    for i, (dataset, key) in enumerate(zip(published["dataset"], published["key"], strict=True)):
        if key not in values.get(dataset, {}):
            continue
        mine, unit = values[dataset], UNITS[published["unit"][i]]
        ours, stated = mine[key] / unit, float(published["published"][i])
        errors = published["error_low"][i], published["error_high"][i]
        own = [mine[f"{key}_{side}"] / unit if f"{key}_{side}" in mine else "" for side in ("low", "high")]
        difference = ours - stated
        pull = "" if "" in errors else difference / float(errors[int(difference > 0)])
        explanation = EXPLANATIONS[dataset][key](choices[dataset])
        rows.append(
            (
                *(dataset, key, published["quantity"][i], published["unit"][i]),
                *(stated, *_ends(stated, *errors)),
                *(ours, *_ends(ours, *own)),
                *(difference, pull, explanation),
            )
        )
    return as_columns(rows, COHERENT_SCORECARD)


def choices_table(choices: Choices) -> dict[str, list[Any]]:
    """The columns of choices.csv: a row for every number under every choice, counts, or cm^2."""
    rows = [
        (dataset, choice, key, value)
        for dataset, numbers in choices.items()
        for choice, found in numbers.items()
        for key, value in found.items()
    ]
    return as_columns(rows, COHERENT_CHOICES)


def tables_of(
    *,
    published: Path,
    flux: Path,
    sections: Sections,
    tables: Paths,
    best_fits: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, list[Any]]]:
    """Columns of the study's `scorecard` and `choices`, from files alone; it fits some 50 times, in half a minute.

    By dataset, of csi_2017, csi_2021 and lar_2020 those that a run has: `sections` are complete ones of an analysis of
    it, `tables` its files in results/inputs/, `best_fits` its record in best_fit.json. `published` is
    `PUBLISHED_FILE` and `flux` is `FLUX_FILE`, wherever these lie. TableError of what is not sound in these.
    """
    stated, labels = read_published(published), flux_by_labels(flux)
    choices = {
        name: choices_of(name, section, tables[name], best_fits[name], labels) for name, section in sections.items()
    }
    return {"scorecard": scorecard(stated, values_of(choices), choices), "choices": choices_table(choices)}


def _with_errors(value: float, low: Any, high: Any, digits: int | None) -> str:
    """A number with its errors, from ends of one standard deviation, to some digits after the point or as it is."""

    def shown(number: float) -> str:
        return f"{number:.10g}" if digits is None else f"{number:.{digits}f}"

    if "" in (low, high):
        return shown(value)
    below, above = shown(value - float(low)), shown(float(high) - value)
    return f"{shown(value)} ± {above}" if below == above else f"{shown(value)} +{above} -{below}"


def rows_as_text(table: Mapping[str, Any], dataset: str) -> dict[str, list[str]]:
    """The rows of one dataset as text, by key: quantity, published, ours, pull, what explains it."""
    rows = {}
    for i in (i for i, name in enumerate(table["dataset"]) if name == dataset):
        unit = "" if table["unit"][i] in ("events", "1") else f", {table['unit'][i]}"
        size = abs(float(table["published"][i]))
        digits = {"published": None, "ours": 1 if size >= 20 else 2 if size >= 1 else 3}
        numbers = [
            _with_errors(float(table[name][i]), table[f"{name}_low"][i], table[f"{name}_high"][i], shown)
            for name, shown in digits.items()
        ]
        pull = "" if table["pull"][i] == "" else f"{float(table['pull'][i]):+.2f}"
        rows[table["key"][i]] = [f"{table['quantity'][i]}{unit}", *numbers, pull, table["explanation"][i]]
    return rows


def markdown(table: Mapping[str, Any], dataset: str) -> str:
    """The rows of one dataset as a Markdown table."""
    lines = ["| quantity | published | ours | pull | what explains it |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows_as_text(table, dataset).values()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value of a configuration in one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(each)}" for name, each in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def choices_markdown(table: Mapping[str, Any], dataset: str) -> str:
    """The rows of choices.csv of one dataset, of fits alone, as a Markdown table with the keys of an analysis."""
    found: dict[str, Numbers] = {}
    for name, choice, key, value in zip(*(table[name] for name in COHERENT_CHOICES.columns), strict=True):
        if name == dataset:
            found.setdefault(choice, {})[key] = float(value)
    lines = ["| choice | keys | expected | seen | sigma |", "|---|---|---|---|---|"]
    for choice, numbers in found.items():
        if "cevns_counts" not in numbers or choice.endswith(SPANNED):
            continue
        keys = CHANGES[dataset].get(choice, {})
        said = "; ".join(f"`{name}: {_flow(value)}`" for name, value in keys.items())
        seen, low, high = (numbers.get(name) for name in ("cevns_counts", "cevns_low", "cevns_high"))
        errors = "" if low is None or high is None else f" +{high:.1f} -{low:.1f}"
        expected = f"{numbers['sm_counts']:.1f}" if "sm_counts" in numbers else ""
        significance = f"{numbers['significance']:.2f}" if "significance" in numbers else ""
        lines.append(f"| {choice} | {said} | {expected} | {seen:.1f}{errors} | {significance} |")
    return "\n".join(lines) + "\n"
