"""The store of the engine sail: its tasks write staged files."""

from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame

from winnow.contracts.tables import TableContract
from winnow.release.store import Store
from winnow.release.task_writer import unchanged, written_by_tasks


class SailStore(Store):
    """The ``Store`` of the engine sail."""

    def write_staged(self, frame: DataFrame, contract: TableContract, path: Path) -> None:
        """Write a frame by the tasks that have its rows; see ``Store``."""
        table = contract.table
        as_it_is = partial(unchanged, table)
        written_by_tasks(frame, as_it_is, {table: contract}, {table: path}, self.limits)
