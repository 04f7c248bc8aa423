# Where the project is, and its configuration: read strictly first, so that a complaint names the file, then by snakemake.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import LocalSourceFile

from cevnsi.config.overlays import resolve
from cevnsi.files.strict_yaml import ConfigError, in_order
from cevnsi.workflow.config_files import read_plain

# Not workflow.basedir, which is another project's where this one is used as a module.
HERE = workflow.current_basedir
if not isinstance(HERE, LocalSourceFile):
    raise WorkflowError(
        f"{HERE.get_path_or_uri(secret_free=True)}: data and library are read from the project's folder, so the "
        "snakefile of this module must be a path: clone the project first"
    )
# Relative, so that a project that is moved or copied has nothing to rerun.
ROOT = Path(os.path.relpath(Path(HERE.get_path_or_uri(secret_free=True)).parents[1]))
DEFAULT_CONFIG = ROOT / "config.yaml"
IS_MODULE = not workflow.modifier.is_main_snakefile()

# A module that is given its configuration does not read the file, and answers for no file of the other workflow.
CONFIG_FILES = []
if not workflow.modifier.skip_configfile:
    try:
        for file in [DEFAULT_CONFIG, *workflow.overwrite_configfiles]:
            CONFIG_FILES.append(read_plain(Path(file)))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


configfile: str(DEFAULT_CONFIG)


# Merged by snakemake, what an overlay names comes first: its two words on one analysis would turn the order of all.
if CONFIG_FILES:
    ORDERED_CONFIG = in_order(config, CONFIG_FILES)
    config.clear()
    config.update(ORDERED_CONFIG)

# Once all files are merged, so that what is laid over an analysis holds for those that are like it.
try:
    RESOLVED_CONFIG = resolve(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None
config.clear()
config.update(RESOLVED_CONFIG)
