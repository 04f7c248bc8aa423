"""Types of arrays."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Real = float | FloatArray  # a number, or an array that broadcasts with others
Number = complex | FloatArray | NDArray[np.complexfloating]  # the same, complex or not
