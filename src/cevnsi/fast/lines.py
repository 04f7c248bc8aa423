"""Quotients of quartics on many lines of a grid at once, near the speed at which memory is filled.

A line is cut into pieces, and numerator and denominator are expanded about a point of each. On a tile, some lines of
one piece, both are small matrix products (coefficients by line, times powers by point); what is left is a division, of
a few neighbouring tiles at once.
"""

from collections.abc import Sequence

import numpy as np

from cevnsi.arrays import FloatArray

MOST_COLUMNS = 3200  # of a piece
# Points of a tile: its two products stay in cache, and BLAS leaves so small a one to a single thread. The shape of a
# tile depends on the pieces alone, so that no point's last digit depends on what else is computed.
POINTS_PER_TILE = 16 * MOST_COLUMNS
ROWS_TOGETHER = 16  # a multiple of what matrix kernels take at a time, so that no line of a tile is a leftover
COLUMNS_TOGETHER = 8  # of products, whose rows each start a line of cache: division is a quarter slower across two
TILES_TOGETHER = 4  # are divided at once, as memory is filled faster in long runs


def pieces(values: FloatArray, widest: float = np.inf) -> list[slice]:
    """Cut increasing values (points,) into runs of at most MOST_COLUMNS that span at most `widest`, or of one point."""
    most = -(-values.size // -(-values.size // MOST_COLUMNS))  # as even as can be
    runs, first = [], 0
    while first < values.size:
        inside = int(np.searchsorted(values, values[first] + widest, side="right"))
        last = min(max(inside, first + 1), first + most)
        runs.append(slice(first, last))
        first = last
    return runs


class Line:
    """An axis in pieces, with the powers of each point's distance from where its piece is expanded about.

    Of values (points,), runs of these, one a piece, and the places (pieces,).
    """

    def __init__(self, values: FloatArray, runs: Sequence[slice], about: FloatArray) -> None:
        self.runs = tuple(runs)
        self.about = about  # (pieces,)
        shifted = [values[run] - centre for run, centre in zip(runs, about, strict=True)]
        self._powers = [np.ascontiguousarray(np.vander(t, 5, increasing=True).T) for t in shifted]
        longest = max(t.size for t in shifted)
        self._rows = max(POINTS_PER_TILE // longest // ROWS_TOGETHER, 1) * ROWS_TOGETHER
        self._width = -(-TILES_TOGETHER * longest // COLUMNS_TOGETHER) * COLUMNS_TOGETHER

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
            for piece in range(0, len(self.runs), TILES_TOGETHER):
                runs = self.runs[piece : piece + TILES_TOGETHER]
                start, begin, end = runs[0].start, max(runs[0].start, first), min(runs[-1].stop, last)
                for i, run in enumerate(runs, piece):
                    if run.start < end and run.stop > begin:
                        product = products[..., run.start - start : run.stop - start]
                        np.matmul(tile[:, :, i].swapaxes(1, 2), self._powers[i], out=product)
                if begin < end:
                    above, below = products[:, :count, begin - start : end - start]
                    np.divide(above, below, out=out[line : line + count, begin - first : end - first])
