"""Small questions to the library, answered in a terminal: `python -m cevnsi --help`. No workflow is needed."""

import argparse
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cevnsi.arrays import FloatArray
from cevnsi.config.build import analysis_section, build_model, read_config
from cevnsi.config.check import UNBOUNDED
from cevnsi.config.describe import all_keys, explain, find_keys
from cevnsi.experiments.inputs import check_inputs
from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import LARGEST, ConfigError
from cevnsi.files.tables import RANGES, as_columns, csv_text, decimal
from cevnsi.model import DataSet, Model
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions import INTERACTIONS, parameter
from cevnsi.questions import (
    FEWEST_TOYS,
    LEVELS,
    CriticalValue,
    allowed_range,
    chi2_and_nuisances,
    critical_value,
    make_line,
    predict,
)
from cevnsi.references import bibtex
from cevnsi.scans.axes import FREE
from cevnsi.studies import known
from cevnsi.studies.citing import cited

MOST_POINTS = 10_001  # along the line of `range`: a light mediator needs an array of nodes at each

PARAMETERS = """parameters:
  contact           eps_<pair>_uV and eps_<pair>_dV, the pair one of ee, mumu, tautau, emu, etau, mutau; an imaginary
                    part of the last three is eps_<pair>_uV_imag; for range also eps_<pair>_matter (Eq. 11)
"""
PARAMETERS += "".join(
    f"  {name:<17} {', '.join(made.own)}\n" for name, made in INTERACTIONS.items() if not made.has_domains
)
PARAMETERS += """                    a vector mediator also times_eq_6 and contact couplings beside it
  What is not named is zero, of the standard model and times_eq_6 what an analysis has.
"""


def _number(text: str) -> float:
    try:
        value = decimal(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is {error}") from None
    if value and not 1 / LARGEST <= abs(value) <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not from {1 / LARGEST:g} to {LARGEST:g} in magnitude, or 0")
    return value


def _value(text: str) -> tuple[str, float]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, _number(value)


def _domain(text: str) -> tuple[str, tuple[float, float]]:
    """NAME=LOW:HIGH, or NAME=free."""
    name, equals, ends = text.partition("=")
    if name and ends == FREE:
        return name, UNBOUNDED
    low, colon, high = ends.partition(":")
    if not equals or not name or not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=LOW:HIGH or NAME={FREE}")
    return name, (_number(low), _number(high))


def _whole(least: int, most: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return value

    return convert


def _level(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in pairs:
        if name in named:
            raise ConfigError(f"{name}: is given twice")
        named[name] = value
    return named


def _model(arguments: argparse.Namespace, *, all_bins: bool = False) -> Model:
    """The model that --config and --analysis ask for."""
    config = read_config(arguments.config, *arguments.configfile)
    return build_model(config, _analysis(arguments, config), arguments.config.parent, all_bins=all_bins)


def _analysis(arguments: argparse.Namespace, config: Mapping[str, Any]) -> str:
    """The analysis that is asked for, or the first."""
    name: str = arguments.analysis or next(iter(config["analyses"]))
    return name


def spectrum(arguments: argparse.Namespace) -> str:
    """Counts by bin: predicted of each flavor and of all, and observed; data sets one after another."""
    parameters = _once(arguments.parameters)
    model = _model(arguments, all_bins=arguments.all_bins)
    counts = predict(model, parameters)
    tables = [_by_bin(dataset, counts[:, part]) for dataset, part in zip(model.datasets, model.parts, strict=True)]
    if len(tables) == 1:
        return csv_text(tables[0])
    named = dict.fromkeys(name for before in (True, False) for table in tables for name in _around(table, before))
    joined: dict[str, list[Any]] = {"dataset": [], **{name: [] for name in named}}
    for dataset, table in zip(model.datasets, tables, strict=True):
        bins = dataset.measurement.observed.size
        joined["dataset"] += [dataset.name] * bins
        for name in named:
            joined[name] += list(table.get(name, [""] * bins))
    return csv_text(joined)


def _by_bin(dataset: DataSet, counts: FloatArray) -> dict[str, Any]:
    """Edges of the bins of a data set, its predicted counts (flavors, bins), and what is measured."""
    measured = dataset.measurement
    columns: dict[str, Any] = {
        **measured.bins(),
        **{f"{flavor}_counts": row for flavor, row in zip(FLAVORS, counts, strict=True)},
        "predicted_counts": counts.sum(axis=0),
        **{f"{name}_counts": values for name, values in measured.backgrounds.items()},
        "observed_counts": measured.observed,
    }
    if measured.uncertainty is not None:
        columns["stat_uncertainty_counts"] = measured.uncertainty
    return columns


def _around(table: Iterable[str], before: bool) -> list[str]:
    """Columns before those of counts, which are edges of bins, or the others."""
    return [name for name in table if name.startswith("bin_") == before]


def chi2(arguments: argparse.Namespace) -> str:
    """Chi2 at a point, there and in the standard model."""
    parameters = _once(arguments.parameters)
    model = _model(arguments)
    at_point, pulls = chi2_and_nuisances(model, parameters)
    standard_model, _ = chi2_and_nuisances(model, {})
    return csv_text(
        {
            "chi2": [at_point],
            "standard_model_chi2": [standard_model],
            "bins": [model.standard_model_counts.size],
            **{f"{name}_pull": [value] for name, value in pulls.items()},
        }
    )


def allowed(arguments: argparse.Namespace) -> str:
    """Allowed intervals of one parameter."""
    fixed, domain = _once(arguments.fixed), _once(arguments.domain)
    model = _model(arguments)
    line = make_line(
        model,
        arguments.name,
        (arguments.low, arguments.high),
        points=arguments.points,
        fixed=fixed,
        domain=domain,
        confidence_levels=(arguments.confidence_level,),
        n_dof=(arguments.n_dof,),
    )
    columns = as_columns(map(astuple, allowed_range(model, line)), RANGES)
    said = unicodedata.normalize("NFKC", parameter(arguments.name).unit).lower()  # ev2 of eV²
    unit = f"_{said}" if said else ""
    del columns["scan"]
    return csv_text({name + unit if name in ("lower", "upper") else name: column for name, column in columns.items()})


def coverage(arguments: argparse.Namespace) -> str:
    """Critical values of the plane of some parameters at a point, by toys."""
    parameters, fixed, domain = (_once(each) for each in (arguments.parameters, arguments.fixed, arguments.domain))
    rows = critical_value(
        _model(arguments),
        parameters,
        fixed=fixed,
        domain=domain,
        confidence_levels=arguments.confidence_level or LEVELS,
        toys=arguments.toys,
        seed=arguments.seed,
        workers=len(os.sched_getaffinity(0)),
    )
    return csv_text({field.name: [getattr(row, field.name) for row in rows] for field in fields(CriticalValue)})


def describe(arguments: argparse.Namespace) -> str:
    """What a key of the configuration is for, or all keys."""
    if arguments.key is None:
        return "".join(f"{key}: {key.description}\n" for key in all_keys())
    return "".join(f"{explain(key)}\n" for key in find_keys(arguments.key))


def check(arguments: argparse.Namespace) -> str:
    """Whether the workflow can use a configuration, and the inputs that it names."""
    config = read_config(arguments.config, *arguments.configfile)
    known.check(config)
    check_inputs(config, arguments.config.parent)
    return "".join(f"{line}\n" for line in ("can be used", *known.remarks(config)))


def cite(arguments: argparse.Namespace) -> str:
    """The papers, data and programs that an analysis rests on, as BibTeX."""
    config = read_config(arguments.config, *arguments.configfile)
    known.check(config)
    name = _analysis(arguments, config)
    analysis_section(config, name)  # refuses a name that is none
    return bibtex(cited(config, name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cevnsi",
        description="Small questions on coherent elastic neutrino-nucleus scattering, answered without the workflow: "
        "csv on standard output, the unit in the name of a column. A complaint ends with exit status 2.",
        epilog=PARAMETERS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cevnsi {version('cevnsi')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    asks_model = argparse.ArgumentParser(add_help=False)
    asks_model.add_argument(
        "--config", type=Path, default=Path("config.yaml"), metavar="FILE", help="whole configuration (config.yaml)"
    )
    asks_model.add_argument(
        "--configfile", type=Path, action="append", default=[], metavar="FILE", help="laid over it, as by snakemake"
    )
    asks_model.add_argument("--analysis", metavar="NAME", help="section of its analyses (the first)")

    def command(name: str, run: Any, text: str, **more: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", **more)
        added.set_defaults(run=run)
        return added

    at_point: dict[str, Any] = {"nargs": "*", "type": _value, "metavar": "NAME=VALUE"}
    more: dict[str, Any] = {
        "parents": [asks_model],
        "epilog": PARAMETERS,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    added = command("spectrum", spectrum, "predicted counts by bin, of the standard model or at a point", **more)
    added.add_argument("parameters", help="those of one interaction, as listed below", **at_point)
    added.add_argument("--all-bins", action="store_true", help="also bins that do not enter chi2")

    added = command(
        "chi2", chi2, "chi2 (Eq. 7) and where nuisances are at its least, of the standard model or at a point", **more
    )
    added.add_argument("parameters", help="those of one interaction, as listed below", **at_point)

    added = command("range", allowed, "allowed range of one parameter, from the least chi2 along it", **more)
    added.add_argument("name", metavar="NAME", help="the parameter")
    added.add_argument(
        "--fixed",
        action="append",
        default=[],
        type=_value,
        metavar="NAME=VALUE",
        help="hold this at a value other than zero",
    )
    added.add_argument(
        "--domain", action="append", default=[], type=_domain, metavar="NAME=LOW:HIGH", help="minimise over this too"
    )
    added.add_argument("--from", dest="low", type=_number, metavar="LOW", help="least value looked at")
    added.add_argument("--to", dest="high", type=_number, metavar="HIGH", help="greatest value looked at")
    added.add_argument(
        "--points", type=_whole(3, MOST_POINTS), default=3, metavar="N", help="values looked at, at the least (3)"
    )
    added.add_argument("--confidence-level", type=_level, default=0.9, metavar="LEVEL", help="probability (0.9)")
    added.add_argument("--n-dof", type=_whole(1, 100), default=1, metavar="N", help="thresholds for (1)")

    added = command(
        "coverage",
        coverage,
        "critical values of delta chi2 at a point, by toys, for the plane of the parameters that are named",
        **more,
    )
    added.add_argument("parameters", help="those that are tested together", **at_point)
    added.add_argument(
        "--fixed", action="append", default=[], type=_value, metavar="NAME=VALUE", help="hold this, untested"
    )
    added.add_argument(
        "--domain", action="append", default=[], type=_domain, metavar="NAME=LOW:HIGH", help="minimise over this too"
    )
    added.add_argument(
        "--confidence-level", action="append", type=_level, metavar="LEVEL", help="probability (0.6827, 0.9, 0.9545)"
    )
    added.add_argument("--toys", type=_whole(FEWEST_TOYS, 10**8), default=4000, metavar="N", help="how many (4000)")
    added.add_argument("--seed", type=_whole(0, 10**8), default=1, metavar="N", help="of their random numbers (1)")

    command("cite", cite, "papers and data that an analysis rests on, as BibTeX", parents=[asks_model])

    command("check", check, "whether a configuration and its inputs can be used", parents=[asks_model])

    added = command("describe", describe, "what a key of the configuration is for, or all keys")
    added.add_argument("key", nargs="?", metavar="KEY", help="as in a complaint, or the end of it: form_factor")
    return parser


def _joined(words: Iterable[str]) -> list[str]:
    """Options and negative numbers after them as one word, as argparse takes -5e-1 alone for another option.

    >>> _joined(["range", "eps_ee_dV", "--from", "-5e-1", "--fixed", "eps_mumu_dV=-1"])
    ['range', 'eps_ee_dV', '--from=-5e-1', '--fixed', 'eps_mumu_dV=-1']
    """
    joined: list[str] = []
    for word in words:
        if joined and re.fullmatch("--[^=]+", joined[-1]) and re.match(r"-[.\d]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, or 2 after a complaint on standard error."""
    asked = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        text = asked.run(asked)
    except (ConfigError, TableError, OSError) as error:
        print(f"cevnsi: {error}", file=sys.stderr)
        return 2
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
