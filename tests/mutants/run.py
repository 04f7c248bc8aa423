"""Are the tests able to see a fault? Small ones are put into a copy of the library, one at a time, to be found.

Every number, and an even sample of what else could be wrong in a file, of every kind in turn, the same on every run.

    make mutants                                        all of them; fails where less than 90 % are found
    .venv/bin/python tests/mutants/run.py --list        what they are
    .venv/bin/python tests/mutants/run.py --only 17     some, each with what its tests say
    .venv/bin/python tests/mutants/run.py --part 1/3    every third one
"""

import argparse
import ast
import copy
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests", "data", "config.yaml", "pyproject.toml")
SEED = 1
PER_FILE = 6
LEAST_PART = 0.9  # of all, that must be found
LONGEST_S = 400  # of one core, whatever else it does: the tests of one take 180 s at most, so what needs more is found
MOST_BYTES = 12 * 2**30  # of address space: a mutant that needs more is found, before the machine is in trouble
NOT_THE_COPY = 99  # exit status: something else than the copy was tested

# Tests of each file, quick ones first, as the first that fails is the last that runs: files, or some of them.
UNIT, PROPERTY, PAPER = "tests/unit/test_", "tests/property/test_", "tests/paper/test_"
NUCLEONS = (f"{UNIT}interactions.py", f"{UNIT}nucleons.py")
CHARGES = (*NUCLEONS, f"{UNIT}contraction.py", f"{PROPERTY}chi2.py", f"{PROPERTY}rates.py")
POINTS = (f"{UNIT}points.py::test_chi2_of_contact_couplings", f"{UNIT}points.py::test_what_is_no_point_is_refused")
GRIDS = (f"{UNIT}memory.py", f"{UNIT}scan.py")
MINIMA = (f"{UNIT}contraction.py", f"{UNIT}scan.py", f"{PROPERTY}projections.py", f"{PROPERTY}profile.py")
COUNTS = (f"{PAPER}standard_model.py", f"{PROPERTY}rates.py", f"{PAPER}quadrature.py")
TESTS: dict[str, tuple[str, ...]] = {
    "src/cevnsi/physics/cross_section.py": (
        *(f"{UNIT}{name}.py" for name in ("cross_section", "recoil_spectra", "sterile")),
        *COUNTS,
    ),
    "src/cevnsi/physics/flux.py": (f"{UNIT}flux.py", f"{UNIT}cross_section.py", f"{UNIT}sterile.py", *COUNTS),
    "src/cevnsi/physics/form_factors.py": (f"{UNIT}form_factors.py", f"{UNIT}cross_section.py", *NUCLEONS, *COUNTS),
    "src/cevnsi/physics/interaction.py": (*CHARGES, *GRIDS),
    "src/cevnsi/physics/interactions/contact.py": (*CHARGES, *POINTS, *GRIDS),
    "src/cevnsi/physics/interactions/b_minus_l.py": (f"{UNIT}vector_mediators.py",),
    "src/cevnsi/physics/interactions/lepton_differences.py": (f"{UNIT}vector_mediators.py",),
    "src/cevnsi/physics/interactions/light_mediator.py": (*CHARGES, *POINTS, *GRIDS),
    "src/cevnsi/physics/interactions/own_charges.py": (f"{UNIT}vector_mediators.py",),
    "src/cevnsi/physics/kinetic_mixing.py": (f"{UNIT}vector_mediators.py",),
    "src/cevnsi/physics/interactions/light_scalar.py": (f"{UNIT}recoil_spectra.py", f"{UNIT}contraction.py"),
    "src/cevnsi/physics/interactions/magnetic_moment.py": (f"{UNIT}recoil_spectra.py", f"{UNIT}contraction.py"),
    "src/cevnsi/physics/interactions/charge_radius.py": (f"{UNIT}recoil_spectra.py", f"{UNIT}contraction.py"),
    "src/cevnsi/physics/interactions/sterile.py": (f"{UNIT}sterile.py",),
    "src/cevnsi/physics/muon_g2.py": (f"{UNIT}muon_g2.py",),
    "src/cevnsi/physics/nuclei.py": (f"{UNIT}nuclei.py", f"{UNIT}constants.py"),
    "src/cevnsi/physics/vector_mediator.py": (f"{UNIT}vector_mediators.py", *CHARGES, *POINTS, *GRIDS),
    "src/cevnsi/physics/weak_charge.py": (*CHARGES, *GRIDS),
    "src/cevnsi/statistics/descent.py": (f"{UNIT}descent.py", *MINIMA),
    "src/cevnsi/statistics/intervals.py": (f"{UNIT}intervals.py", f"{UNIT}scan.py", f"{UNIT}limits.py"),
    "src/cevnsi/statistics/likelihoods.py": (f"{UNIT}statistics.py", f"{UNIT}contraction.py"),
    "src/cevnsi/statistics/nuisances.py": (f"{UNIT}statistics.py", f"{UNIT}contraction.py"),
    "src/cevnsi/statistics/profile.py": (f"{UNIT}statistics.py", f"{UNIT}contraction.py", f"{PROPERTY}chi2.py"),
    "src/cevnsi/statistics/thresholds.py": (
        f"{UNIT}regions.py::test_threshold_is_the_quantile_of_chi2",
        f"{UNIT}regions.py::test_a_threshold_is_of_a_probability",
        f"{UNIT}regions.py::test_a_threshold_is_for_some_degrees_of_freedom",
    ),
    "src/cevnsi/fast/contraction.py": (f"{UNIT}contraction.py", f"{UNIT}scan.py"),
    "src/cevnsi/fast/coupling_domain.py": (*MINIMA, f"{UNIT}combinations.py"),
    "src/cevnsi/fast/lines.py": (f"{UNIT}lines.py", *GRIDS),
    "src/cevnsi/templates.py": (f"{UNIT}templates.py", *COUNTS, f"{UNIT}contraction.py"),
    "src/cevnsi/model.py": (f"{UNIT}statistics.py", f"{UNIT}contraction.py", *GRIDS),
    "src/cevnsi/domains.py": (f"{UNIT}domains.py", f"{UNIT}combinations.py", *MINIMA),
}
# Of the mutants in named.toml, in further files.
NAMED: dict[str, tuple[str, ...]] = {
    "src/cevnsi/constants.py": (f"{UNIT}constants.py",),
    "src/cevnsi/experiments/targets.py": (f"{UNIT}nuclei.py", f"{UNIT}constants.py"),
    "src/cevnsi/experiments/csi_2017.py": ("tests/data/test_release.py", f"{UNIT}inputs.py"),
    "src/cevnsi/experiments/csi_2017_figures.py": ("tests/data/test_digitized.py", f"{UNIT}inputs.py"),
    "src/cevnsi/scans/chi2.py": GRIDS,
    "src/cevnsi/scans/rows.py": GRIDS,
    "src/cevnsi/studies/liao_marfatia_2017/digitization.py": (f"{UNIT}digitization.py",),
    "config.yaml": (f"{UNIT}assumptions.py",),
}

ARITHMETIC: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
MOVED: dict[type[ast.AST], type[ast.AST]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
FLIPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
LOGICAL: dict[type[ast.AST], type[ast.AST]] = {
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd
}  # fmt: skip
OTHER = {"min": "max", "minimum": "maximum", "any": "all", "argmin": "argmax"}
OTHER |= {new: old for old, new in OTHER.items()}
# An argument by one of these names is no number that could be wrong, or anything but its value fails at once.
SKIPPED_KEYWORDS = {"axis", "dtype", "frozen", "indexing", "keepdims", "kw_only", "mode", "strict"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str  # from the project's folder
    line: int
    kind: str
    change: str
    source: str  # of the whole file with the change


def _other_number(value: object) -> ast.expr | None:
    if isinstance(value, bool):
        return ast.Constant(not value)
    if isinstance(value, int):
        return ast.Constant(value + 1)
    if isinstance(value, float):
        return ast.Constant(value * 1.01 if value else 1.0)
    return None


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Kinds of faults at one node, and what stands there then."""

    def but(**fields: object) -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op):
            for kind, table in (("arithmetic", ARITHMETIC), ("logical", LOGICAL)):
                if type(op) in table:
                    yield kind, but(op=table[type(op)]())
        case ast.Compare(ops=[op]):
            for kind, table in (("comparison moved", MOVED), ("comparison flipped", FLIPPED)):
                if type(op) in table:
                    yield kind, but(ops=[table[type(op)]()])
        case ast.UnaryOp(op=ast.USub()):
            yield "sign", node.operand
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            yield "logical", node.operand
        case ast.Return(value=ast.BinOp() as value):
            yield "sign", but(value=ast.UnaryOp(ast.USub(), value))
        case ast.Constant(value=value):
            if new := _other_number(value):
                yield "logical" if isinstance(value, bool) else "constant", new
        case ast.Attribute(attr=name) if name in OTHER:
            yield "least and most", but(attr=OTHER[name])
        case ast.Name(id=name) if name in OTHER:
            yield "least and most", but(id=OTHER[name])
        case ast.IfExp():
            yield "branch", but(body=node.orelse, orelse=node.body)
        case ast.Call(func=ast.Attribute(attr="where"), args=[condition, if_true, if_false]):
            yield "branch", but(args=[condition, if_false, if_true])
        case ast.If(body=[*_, ast.Return() | ast.Continue() | ast.Break()]):
            yield "branch", but(test=ast.Constant(False))
        case ast.Slice():
            for end in ("lower", "upper"):
                if getattr(node, end) is not None:
                    yield "slice", but(**{end: None})
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=rest, right=ast.Constant(value=1)):
            yield "one dropped", rest
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=ast.Constant(value=1), right=rest):
            yield "one dropped", rest


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, Callable[[ast.AST], None]]]:
    """Nodes below this one that compute something, each with what puts another in its place."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        if isinstance(value, ast.AST):
            yield value, lambda new, name=name: setattr(node, name, new)  # type: ignore[misc]
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield item, lambda new, items=value, i=i: items.__setitem__(i, new)  # type: ignore[misc]


def _said(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 60 else text[:57] + "..."


def every(file: str) -> list[Mutant]:
    """All changes of a file that are known here."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found: list[Mutant] = []

    def visit(node: ast.AST, line: int) -> None:
        if isinstance(node, ast.Raise | ast.JoinedStr):  # words
            return
        if isinstance(node, ast.keyword) and node.arg in SKIPPED_KEYWORDS:
            return
        for child, put in _children(node):
            at = getattr(child, "lineno", line)
            for kind, new in _changes(child):
                put(new)
                source = ast.unparse(ast.fix_missing_locations(tree))
                put(child)
                found.append(Mutant(file, at, kind, f"{_said(child)}  ->  {_said(new)}", source))
            visit(child, at)

    visit(tree, 1)
    return found


def sample(file: str, count: int) -> list[Mutant]:
    """Some of a file's changes, of every kind in turn; another file's sample does not depend on this one's."""
    chance = random.Random(f"{SEED} {file}")
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in every(file):
        by_kind.setdefault(mutant.kind, []).append(mutant)
    kinds = sorted(by_kind)
    chance.shuffle(kinds)
    for kind in kinds:
        chance.shuffle(by_kind[kind])
    chosen: list[Mutant] = []
    while len(chosen) < count and any(by_kind.values()):
        chosen += [by_kind[kind].pop() for kind in kinds if by_kind[kind]]
    return sorted(chosen[:count], key=lambda mutant: (mutant.line, mutant.kind, mutant.change))


def replaced(file: str, old: str, new: str) -> Mutant:
    """A change by its text, which stands in the file once."""
    source = (ROOT / file).read_text(encoding="utf-8")
    if source.count(old) != 1:
        raise ValueError(f"{file}: {old!r} stands there {source.count(old)} times; expected once")
    line = source[: source.index(old)].count("\n") + 1
    change = "  ->  ".join(" ".join(text.split()) for text in (old, new))
    return Mutant(file, line, "named", change, source.replace(old, new))


def numbers_of_nature() -> Iterator[Mutant]:
    """Every constant with another last digit."""
    file = "src/cevnsi/constants.py"
    for match in re.finditer(r"^(\w+ = [\d.]*)(\d)(e-?\d+)?", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE):
        start, digit, exponent = match.groups("")
        other = int(digit) + (1 if digit != "9" else -1)
        yield replaced(file, match[0], f"{start}{other}{exponent}")


def all_mutants() -> list[Mutant]:
    """Those that are named, and the sample."""
    named = tomllib.loads((Path(__file__).parent / "named.toml").read_text(encoding="utf-8"))["mutant"]
    return [
        *numbers_of_nature(),
        *(replaced(row["file"], row["old"], row["new"]) for row in named),
        *(mutant for file in TESTS for mutant in sample(file, PER_FILE)),
    ]


# What a process of its own runs in a copy: its library and no other, first and last.
BOOTSTRAP = f"""
import pathlib, sys
import cevnsi, pytest
status = pytest.main(sys.argv[1:])
copy = pathlib.Path.cwd() / "src" / "cevnsi"
files = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "cevnsi"]
sys.exit(int(status) if all(pathlib.Path(file).is_relative_to(copy) for file in files) else {NOT_THE_COPY})
"""


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))


def run_tests(folder: Path, tests: Sequence[str], *options: str) -> tuple[int, str]:
    """Exit status and what was said of tests of the copy in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # or a file would pass for another of its size and second
    # The first fault is enough, without its report: one line says where it was.
    command = [sys.executable, "-c", BOOTSTRAP, "-x", "-q", "-rfE", "--tb=line", *options, *tests]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=_limited,
    )  # fmt: skip
    if done.returncode == NOT_THE_COPY:
        raise AssertionError("another library than the copy was tested")
    return done.returncode, done.stdout


def make_copy(folder: Path) -> Path:
    """What the tests need, in a new folder."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def verdict(status: int, said: str) -> str:
    """What has found a mutant, empty if nothing has."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "out of time"
    if status == 0:
        return ""
    first = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+?)(?:\[.*|\s.*|$)", said, re.MULTILINE)
    return first[1] if first else "import of the library"


def try_mutant(mutant: Mutant, copies: "Queue[Path]") -> tuple[str, str]:
    """Put it into a copy that is free, and say what has found it, and what its tests said."""
    folder = copies.get()
    whole = (folder / mutant.file).read_bytes()
    try:
        (folder / mutant.file).write_text(mutant.source, encoding="utf-8")
        status, said = run_tests(folder, (TESTS | NAMED)[mutant.file])
        return verdict(status, said), said
    finally:
        (folder / mutant.file).write_bytes(whole)
        copies.put(folder)


def main() -> int:
    """Try mutants, a line each; 1 if too few are found, or one that is named is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=int, nargs="+", help="the mutants of these numbers, with what their tests say")
    parser.add_argument("--part", default="1/1", help="K/M: every M-th, from the K-th on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="say only what they are")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    mutants = dict(enumerate(all_mutants(), start=1))
    chosen = options.only or [n for n in mutants if (n - part) % parts == 0]

    def line(n: int, found: str) -> str:
        mutant = mutants[n]
        where = f"{mutant.file.removeprefix('src/cevnsi/')}:{mutant.line}"
        return f"{n:4} | {where} | {mutant.kind} | {mutant.change} | {found}"

    if options.list:
        print(*(line(n, "") for n in chosen), sep="\n")
        return 0
    survivors: list[int] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        copies: Queue[Path] = Queue()
        for k in range(options.jobs):
            copies.put(make_copy(Path(temporary) / str(k)))
        needed = sorted({test for n in chosen for test in (TESTS | NAMED)[mutants[n].file]})
        first = copies.get()
        status, said = run_tests(first, needed, "--numprocesses", str(options.jobs), "--dist", "worksteal")
        copies.put(first)
        if status != 0:
            print(said, "the tests fail, or do not end, before anything is changed", sep="\n")
            return 2
        with ThreadPoolExecutor(options.jobs) as pool:
            tried = {pool.submit(try_mutant, mutants[n], copies): n for n in chosen}
            for done in as_completed(tried):
                n, (found, said) = tried[done], done.result()
                print(*([said] if options.only else []), line(n, found or "SURVIVED"), sep="\n", flush=True)
                if not found:
                    survivors.append(n)
    found_part = 1 - len(survivors) / len(chosen)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} found ({found_part:.1%}); survivors:")
    print(*(line(n, "SURVIVED") for n in sorted(survivors)), sep="\n")
    return int(found_part < LEAST_PART or any(mutants[n].kind == "named" for n in survivors))


if __name__ == "__main__":
    sys.exit(main())
