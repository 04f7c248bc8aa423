"""Quotients of quartics on many lines of a grid at once, near the speed at which memory is filled.

A line is cut into pieces, and numerator and denominator are expanded about a point of each. On a tile, some lines of
one piece, both are small matrix products (coefficients by line, times powers by point); what is left is a division.
"""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray

MOST_COLUMNS = 3200  # of a piece
# Points of a tile: its two products stay in cache, and BLAS leaves so small a one to a single thread. The shape of a
# tile depends on the pieces alone, so that no point's last digit depends on what else is computed.
POINTS_PER_TILE = 16 * MOST_COLUMNS
ROWS_TOGETHER = 16  # a multiple of what matrix kernels take at a time, so that no line of a tile is a leftover
COLUMNS_TOGETHER = 8  # of a product, whose rows each start a line of cache: the division is a quarter slower across two


def pieces(values: FloatArray, widest: float = np.inf) -> list[slice]:
    """Cut increasing values into runs of at most MOST_COLUMNS points that span at most `widest`, or of one point."""
    most = -(-values.size // -(-values.size // MOST_COLUMNS))  # as even as can be
    runs, first = [], 0
    while first < values.size:
        inside = int(np.searchsorted(values, values[first] + widest, side="right"))
        last = min(max(inside, first + 1), first + most)
        runs.append(slice(first, last))
        first = last
    return runs


class Line:
    """An axis in pieces, with the powers of each point's distance from where its piece is expanded about."""

    def __init__(self, values: FloatArray, runs: Sequence[slice], about: FloatArray) -> None:
        self.runs = tuple(runs)
        self.about = about  # (pieces,)
        shifted = [values[run] - centre for run, centre in zip(runs, about, strict=True)]
        self._powers = [np.ascontiguousarray(np.vander(t, 5, increasing=True).T) for t in shifted]
        longest = max(t.size for t in shifted)
        self._rows = max(POINTS_PER_TILE // longest // ROWS_TOGETHER, 1) * ROWS_TOGETHER
        self._width = -(-longest // COLUMNS_TOGETHER) * COLUMNS_TOGETHER

    def fill(self, quartics: FloatArray, out: FloatArray, first: int = 0) -> None:
        """Quotients into out (lines, points), whose points start at the axis' point `first`.

        `quartics` (2, 5, pieces, lines) are the coefficients of numerators and denominators, constant first.
        """
        last, rows = first + out.shape[1], self._rows
        products = np.empty((2, rows, self._width))
        for line in range(0, len(out), rows):
            tile = quartics[..., line : line + rows]
            count = tile.shape[-1]
            if count < rows:
                tile = np.pad(tile, ((0, 0), (0, 0), (0, 0), (0, rows - count)), mode="edge")
            for i, (run, power) in enumerate(zip(self.runs, self._powers, strict=True)):
                begin, end = max(run.start, first), min(run.stop, last)
                if begin >= end:
                    continue
                product = products[..., : power.shape[1]]
                np.matmul(tile[:, :, i].swapaxes(1, 2), power, out=product)
                above, below = product[:, :count, begin - run.start : end - run.start]
                np.divide(above, below, out=out[line : line + count, begin - first : end - first])
