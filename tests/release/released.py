"""What was released, read back without Spark; and a label for commits made by hand."""

from collections.abc import Mapping
from datetime import date

from winnow.release.commits import Label
from winnow.release.opening import open_release
from winnow.release.release import ContentHash, Release
from winnow.release.store import Store

LABEL = Label("run", 1, "c1", "0.1.0")


def marks(store: Store, ds: date) -> set[str]:
    table = open_release(store.warehouse, ds=ds).arrow("things").to_table(columns=["name"])
    return set(table["name"].to_pylist())


def rows_of(store: Store, one: Release) -> dict[str, set[str]]:
    """Every row of a release as text, read without Spark."""
    reader = open_release(store.warehouse, one.release_id)
    tables = {pin.table: reader.arrow(pin.table).to_table().to_pylist() for pin in one.tables}
    return {table: {repr(row) for row in rows} for table, rows in tables.items()}


def contents(one: Release) -> Mapping[str, ContentHash]:
    return {pin.table: pin.content for pin in one.tables}
