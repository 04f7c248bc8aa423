"""The tests here need a Slurm cluster: run.sh starts one and sets CEVNSI_SLURM, else nothing is collected."""

import os

collect_ignore = [] if "CEVNSI_SLURM" in os.environ else ["test_slurm.py"]
