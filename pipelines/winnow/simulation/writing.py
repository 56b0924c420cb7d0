"""Parquet files: one folder per log and date, one file in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.simulation.config import Simulation
from winnow.simulation.schemas import FEEDBACK, LOGS, LogName, candidates_schema, with_string_ids
from winnow.simulation.tables import items_table, truth_tables
from winnow.simulation.world import World

_FILE = "part-000.parquet"


def log_folder(simulation: Simulation, log: str) -> Path:
    """Return the folder of one log."""
    return simulation.out / "logs" / log


@contextmanager
def open_partition(
    simulation: Simulation, log: LogName | Literal["candidates", "negative_feedback"], day: date
) -> Iterator[Callable[[pa.Table], None]]:
    """Give a function that appends rows with integer ids to the one file of a partition.

    Files that the partition held before are removed. Without any rows the file has the schema.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = log_folder(simulation, log) / f"date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.parquet"):
        old.unlink()
    plain = FEEDBACK if log == "negative_feedback" else candidates_schema()
    if log in LOGS:
        plain = LOGS[log]
    schema = _with_ids(simulation, plain.empty_table()).schema
    with pq.ParquetWriter(folder / _FILE, schema) as writer:
        yield lambda rows: writer.write_table(_with_ids(simulation, rows))


def write_world(simulation: Simulation, world: World) -> tuple[Path, ...]:
    """Write the log of items, and the truth; return the files of the truth.

    Raises:
        OSError: The folder cannot be written.
    """
    true_users, true_items = truth_tables(world)
    truth = simulation.out / "truth"
    files = {
        log_folder(simulation, "items") / _FILE: items_table(world.items),
        truth / "users.parquet": true_users,
        truth / "items.parquet": true_items,
    }
    for path, rows in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_with_ids(simulation, rows), path)
    return tuple(path for path in files if path.parent == truth)


def _with_ids(simulation: Simulation, rows: pa.Table) -> pa.Table:
    return with_string_ids(rows) if simulation.string_ids else rows
