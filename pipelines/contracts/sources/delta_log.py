"""A Delta table as a log: one version, checked by us before any engine reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipelines.config.logs import Partition
from pipelines.contracts.sources.listing import Listing
from pipelines.contracts.sources.opening import Opened
from pipelines.contracts.sources.places import Place
from pipelines.contracts.sources.types import source_column
from pipelines.errors import InputError, Problem


@dataclass(frozen=True)
class _File:
    path: str
    size: int
    rows: int | None
    date: date | None


def open_delta(
    log: str,
    place: Place,
    partition: Partition | None,
    wanted: Sequence[date],
    required: Sequence[date],
    allow_empty: bool,
) -> tuple[Opened, Listing]:
    """Look at the newest version of a Delta table: its columns, and whether its files exist.

    Args:
        log: The log's name, for messages.
        place: The table's folder.
        partition: The table's partition column of dates (or dates as text), or None.
        wanted: The dates to read.
        required: The dates that must have rows.
        allow_empty: True accepts a missing table and missing dates.

    Raises:
        InputError: There is no such table, a date has no rows, or a file is missing or empty.
    """
    where = f"logs.{log}.path"
    try:
        table = DeltaTable(place.path if place.scheme == "file://" else place.uri(place.path))
        schema = pa.schema(table.schema())
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except DeltaError as error:
        missing = place.filesystem.get_file_info(place.path).type.name == "NotFound"
        if allow_empty and missing:
            nothing = Opened(place, "delta", (), ())
            return nothing, Listing(place, (), None, None if partition is None else (), ())
        found = None if missing else str(error).splitlines()[0]
        what = "does not exist" if missing else "is not a readable Delta table"
        raise InputError(Problem(where, f"{place.path} {what}", found)) from error
    if partition is not None and partition.column is None:
        what = "a Delta table has a partition column"
        raise InputError(Problem(f"logs.{log}.partition.column", what, next_step="Name it."))
    if partition is not None and partition.column not in table.metadata().partition_columns:
        raise InputError(
            Problem(
                f"logs.{log}.partition",
                f"{place.path} is not partitioned by {partition.column}",
                str(table.metadata().partition_columns),
            )
        )
    files = [_file(action, partition) for action in actions]
    read = [file for file in files if partition is None or file.date in set(wanted)]
    dates = tuple(sorted({file.date for file in read if file.date is not None}))
    problems = _missing_files(log, place, read)
    for day in () if allow_empty or partition is None else required:
        if day not in dates:
            assert partition is not None
            what = f"{place.path} has no files where {partition.column} is {day}"
            problems.append(Problem(where, what, next_step="Pass --allow-empty to accept that."))
    InputError.raise_if_any(problems)
    rows = [file.rows for file in read]
    opened = Opened(
        place=place,
        kind="delta",
        groups=(),
        columns=tuple(source_column(f.name, f.type, path=place.path) for f in schema),
        rows=None if None in rows else sum(row or 0 for row in rows),
        size=sum(file.size for file in read),
        delta=table.version(),
    )
    folders = (
        (place.path,)
        if partition is None
        else tuple(f"{place.path}/{partition.column}={day}" for day in dates)
    )
    return opened, Listing(place, (), None, None if partition is None else dates, folders)


def _file(action: dict[str, object], partition: Partition | None) -> _File:
    day = action.get(f"partition.{partition.column}") if partition else None
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            day = None
    size, rows = action["size_bytes"], action.get("num_records")
    return _File(
        path=unquote(str(action["path"])),
        size=size if isinstance(size, int) else 0,
        rows=rows if isinstance(rows, int) else None,
        date=day if isinstance(day, date) else None,
    )


def _missing_files(log: str, place: Place, files: Sequence[_File]) -> list[Problem]:
    paths = [f"{place.path}/{file.path}" for file in files]
    infos = place.filesystem.get_file_info(paths) if paths else []
    return [
        Problem(f"logs.{log}", f"{info.path} is named by the Delta log but is missing or empty")
        for info in infos
        if not info.size
    ]
