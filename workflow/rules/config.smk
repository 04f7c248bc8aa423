# The configuration: read strictly first, so that a complaint names the file, then by snakemake.
from pathlib import Path

from snakemake.exceptions import WorkflowError

from cevnsi.strict_yaml import ConfigError, read

DEFAULT_CONFIG = Path(workflow.basedir) / "config.yaml"

if workflow.is_main_process:
    try:
        for file in [DEFAULT_CONFIG, *workflow.configfiles]:
            read(Path(file))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


configfile: str(DEFAULT_CONFIG)
