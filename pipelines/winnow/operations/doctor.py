"""All that Winnow needs, looked at in turn, each with what to do next. No engine is started."""

from collections.abc import Iterator
from pathlib import Path

from winnow.errors import ReleaseError
from winnow.operations.check import Check, of_problems
from winnow.operations.folder_checks import (
    check_folder,
    check_future,
    check_left_behind,
    check_room,
)
from winnow.operations.machine_checks import check_machine
from winnow.operations.table_checks import (
    check_pins,
    check_releases,
    check_tables,
    check_unreleased,
)
from winnow.release.releases import read_releases


def examine(warehouse: Path | None) -> Iterator[Check]:
    """Look at this machine, and at a warehouse where one is given; give each check once it is done.

    Nothing is changed but a folder in the staging, which is removed again.
    """
    yield from check_machine()
    if warehouse is None:
        return
    if not warehouse.is_dir():
        step = "Build a date: the warehouse is made by it."
        yield Check("warehouse", "warning", f"there is no folder {warehouse}", step)
        return
    yield from check_folder(warehouse)
    try:
        snapshot = read_releases(warehouse)
    except ReleaseError as error:
        # Without them nobody knows which files are needed.
        yield from of_problems("releases", error.problems, "")
        return
    yield check_room(warehouse, snapshot)
    yield check_future(snapshot)
    yield from check_tables(warehouse)
    yield from check_releases(snapshot)
    yield from check_pins(warehouse, snapshot)
    yield check_unreleased(warehouse, snapshot)
    yield from check_left_behind(warehouse)
