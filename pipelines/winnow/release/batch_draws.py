"""The pools of batches, read one by one: who goes through batches in order wants neighbours."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds

from winnow.errors import Problem, ReleaseError
from winnow.release.table_files import TableFiles

_AT_A_TIME = 64
"""So many pools are read with one look at the files; row groups without them are skipped."""

_COLUMNS = ("pool_id", "slot", "item_id", "mixture_log_q", "item_slot")


class BatchDraws:
    """Gives the draws of pools; keeps what it has read of the neighbours of the last one."""

    def __init__(self, files: TableFiles) -> None:
        """Take the files of batch_draws, see ``ReleaseReader.table_files``."""
        self._files = files
        self._kept: tuple[date | None, int, pa.Table] | None = None

    def pool(self, day: date | None, pool_id: int) -> pa.Table:
        """Return the draws of a pool, by slot: ``item_id``, ``mixture_log_q``, ``item_slot``.

        Raises:
            ReleaseError: There is no such pool, or draws of it are missing.
        """
        first = pool_id - pool_id % _AT_A_TIME
        if self._kept is None or self._kept[:2] != (day, first):
            of_date = tuple(file for file in self._files.files if file[1] == day)
            place = pds.field("pool_id")
            wanted = (place >= first) & (place < first + _AT_A_TIME)
            dataset = replace(self._files, files=of_date).dataset()
            self._kept = day, first, dataset.to_table(columns=list(_COLUMNS), filter=wanted)
        rows = self._kept[2]
        rows = rows.filter(pc.equal(rows["pool_id"], pool_id)).sort_by("slot")
        if not rows.num_rows or rows["slot"][-1].as_py() != rows.num_rows - 1:
            found = f"{rows.num_rows} rows"
            raise ReleaseError(
                Problem(f"pool {pool_id} of {day}", "draws of it are missing", found)
            )
        return rows.select(["item_id", "mixture_log_q", "item_slot"])
