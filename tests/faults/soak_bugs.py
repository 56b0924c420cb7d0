"""Bugs that the commands of a soak may be given, to see that it finds them."""

from collections.abc import Callable
from functools import partial

from winnow.operations.forgetting.erased_users import columns_to_look_at


def _vacuum_knows_no_pins() -> None:
    from winnow.operations.retention import vacuum
    from winnow.operations.retention.pinned_files import PinnedFiles

    vars(vacuum)["pinned_files_of"] = lambda *_: PinnedFiles(frozenset(), ())


def _forget_passes_over(passed: str) -> None:
    from winnow.operations.forgetting import users_rows

    vars(users_rows)["columns_to_look_at"] = lambda table: (
        () if table == passed else columns_to_look_at(table)
    )


def _clean_removes_nothing() -> None:
    from winnow.operations.retention import clean

    vars(clean)["remove_staging"] = lambda _: None


BUGS: dict[str, Callable[[], None]] = {
    "vacuum knows no pins": _vacuum_knows_no_pins,
    "forget passes over rejected": partial(_forget_passes_over, "rejected"),
    "forget passes over states": partial(_forget_passes_over, "history_state"),
    "clean removes nothing": _clean_removes_nothing,
}
"""By what they do, each to be called in the process of a command."""
