"""The processes that `kernel` times cold: `fill POINTS`, or `scan MODEL SCAN THREADS` with pickled model and scan."""

import pickle
import sys
from pathlib import Path

import numpy as np

if sys.argv[1] == "fill":
    np.empty(int(sys.argv[2])).fill(1.0)
else:
    from cevnsi.scans.rows import scan_rows

    model, scan = (pickle.loads(Path(path).read_bytes()) for path in sys.argv[2:4])
    scan_rows(model, scan, 0, scan.shape[0], int(sys.argv[4]))
