"""Tables of one's own: counts and an acceptance, already in the columns of results/inputs/."""

from cevnsi.experiments.checks import ACCEPTANCE_COLUMNS, COUNTS_COLUMNS, Paths, Tables, read_numbers
from cevnsi.experiments.release import Release


def read_table(paths: Paths) -> Tables:
    """Counts and acceptance that are already in the columns of results/inputs/; roles counts, acceptance.

    TableError of a file that has not these columns of numbers.
    """
    return {
        "counts": read_numbers(paths["counts"], COUNTS_COLUMNS),
        "acceptance": read_numbers(paths["acceptance"], ACCEPTANCE_COLUMNS),
    }


OWN_TABLES = Release(
    title="tables of counts and acceptance", roles=("counts", "acceptance"), read=read_table, exposure=None
)
