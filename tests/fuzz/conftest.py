"""What became of every mutation is counted: shown at the end, and appended to the file that CEVNSI_FAULTS names."""

from collections.abc import Callable

import pytest

from tally import record_mutation


@pytest.fixture(scope="session")
def record() -> Callable[[str, str], None]:
    """Count one mutation of a part (inputs, configuration, runs) under its outcome."""
    return record_mutation
