"""How every script of the workflow runs: its log file, and how it fails."""

import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import TableError
from cevnsi.files.strict_yaml import ConfigError


def run(main: Callable[..., None], job: Any) -> None:
    """Call main with the job's params as keywords, its input as `files` and its output, logging what is said.

    A complaint about files or configuration is shown as it is, anything else with its traceback.
    """
    log = Path(job.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream, redirect_stdout(stream), redirect_stderr(stream):
        try:
            main(files=job.input, output=job.output, **dict(job.params.items()))
        except (TableError, ConfigError, OSError) as error:
            print(error, file=stream)
        except Exception:
            traceback.print_exc(file=stream)
        else:
            return
    sys.exit(1)  # snakemake shows the log
