"""How far a long computation is and how long is left, in a line every few seconds."""

import time
from collections.abc import Callable

SECONDS_BETWEEN = 5.0  # a computation that takes less says nothing


def _spell(seconds: float) -> str:
    """A duration for a person.

    >>> [_spell(s) for s in (7.4, 75, 7260)]
    ['7 s', '1 min 15 s', '2 h 1 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Progress:
    """Called with the fraction done, prints it with the time left, as long as the rest goes like what is done."""

    def __init__(self, every: float = SECONDS_BETWEEN, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._every = clock, every
        self._start = self._last = clock()

    def __call__(self, fraction: float) -> None:
        """Print a line if the last one is long enough ago; not at the end, which needs none."""
        now = self._clock()
        if now - self._last < self._every or not 0 < fraction < 1:
            return
        self._last, passed = now, now - self._start
        left = passed * (1 - fraction) / fraction
        print(f"{100 * fraction:.0f} % done in {_spell(passed)}, about {_spell(left)} left", flush=True)
