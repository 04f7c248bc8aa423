"""Snakemake's own linter, without the lint that asks each rule for an environment: all run in that of `make env`.

Ends with 1 if it finds anything else, as the linter does.
"""

import re
import subprocess
import sys

LINT = re.compile(r"^    \* (?P<title>.+?):$(?P<text>(?:\n(?!    \* |Lints for ).*)*)", re.MULTILINE)
NOT_ASKED_FOR = "Specify a conda environment or container for each rule."


def others(printed: str) -> list[str]:
    r"""What the linter found beside that, each with the rule or file that it is of.

    >>> others(f"Lints for rule a (line 4, b.smk):\n    * {NOT_ASKED_FOR}:\n      Why.\n    * Long:\n      Why.\n")
    ['rule a (line 4, b.smk): Long']
    """
    found = []
    for section in printed.split("Lints for ")[1:]:
        of = section.splitlines()[0].removesuffix(":")
        titles = (lint["title"] for lint in LINT.finditer(section))
        found += [f"{of}: {title}" for title in titles if title != NOT_ASKED_FOR]
    return found


def main() -> None:
    run = subprocess.run([sys.executable, "-m", "snakemake", "--lint"], capture_output=True, text=True, check=False)
    printed = run.stdout + run.stderr
    found = others(printed)
    if found or (run.returncode and NOT_ASKED_FOR not in printed):
        sys.exit("\n".join(found) or printed)
    print("The workflow has no lints beside those for environments of rules")


if __name__ == "__main__":
    main()
