"""All that Winnow needs, looked at in turn, each with what to do next. No engine is started."""

from collections.abc import Iterator

from winnow.errors import ReleaseError, StoreError
from winnow.operations.doctor.check import Check, of_problems
from winnow.operations.doctor.folder_checks import (
    check_folder,
    check_future,
    check_left_behind,
    check_room,
    check_store,
)
from winnow.operations.doctor.machine_checks import check_machine
from winnow.operations.doctor.table_checks import (
    check_pins,
    check_releases,
    check_tables,
    check_unreleased,
)
from winnow.release.releases import read_releases
from winnow.storage.file_systems import unreachable
from winnow.storage.object_path import ObjectPath, Place


def examine(warehouse: Place | None) -> Iterator[Check]:
    """Look at this machine, and at a warehouse where one is given; give each check once it is done.

    Nothing is changed but a folder in the staging, which is removed again.
    """
    yield from check_machine()
    if warehouse is None:
        return
    if isinstance(warehouse, ObjectPath):
        check = check_store(warehouse)
        yield check
        if check.state == "failed":
            return
    try:
        there = warehouse.is_dir()
    except OSError as error:
        problem = unreachable("warehouse", str(warehouse), error)
        yield from of_problems("read access", [problem], "")
        return
    try:
        yield from _checks_within(warehouse, there)
    except StoreError as error:
        yield from of_problems("read access", error.problems, "")


def _checks_within(warehouse: Place, there: bool) -> Iterator[Check]:
    """Look into a warehouse that answers."""
    if not there:
        step = "Build a date: the warehouse is made by it."
        yield Check("warehouse", "warning", f"there is no folder {warehouse}", step)
        return
    if not isinstance(warehouse, ObjectPath):
        yield from check_folder(warehouse)
    try:
        snapshot = read_releases(warehouse)
    except ReleaseError as error:
        # Without them nobody knows which files are needed.
        yield from of_problems("releases", error.problems, "")
        return
    if not isinstance(warehouse, ObjectPath):
        yield check_room(warehouse, snapshot)
    yield check_future(snapshot)
    yield from check_tables(warehouse)
    yield from check_releases(snapshot)
    yield from check_pins(warehouse, snapshot)
    yield check_unreleased(warehouse, snapshot)
    yield from check_left_behind(warehouse)
