"""RecBole's atomic files: interactions by split, positives 1 and each negative 0, users and items.

Source:
    RecBole's documentation, "Atomic Files" and "Data settings" (``benchmark_filename``).
"""

from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.export.folder import ExportFolder
from winnow.export.rows import rows_of, table_of
from winnow.export.text import lines, plain_text, token
from winnow.release.reader import ReleaseReader
from winnow.release.row_groups import SPLITS

_INTER = (
    "user_id:token", "item_id:token", "label:float", "timestamp:float", "sample_weight:float",
    "undo_weight:float",
)  # fmt: skip
_COLUMNS = (
    "user_id", "item_id", "impression_ts", "sample_weight", "undo_weight", "neg_item_ids", "split",
)  # fmt: skip


def write_recbole(folder: ExportFolder, release: ReleaseReader, name: str) -> None:
    """Write ``NAME/NAME.{train,valid,test}.inter``, ``NAME.user`` and ``NAME.item``.

    A row of training_samples is a line with label 1, and one with label 0 for each of its
    negatives, behind it; ``timestamp`` is that of the impression, in seconds. A split without rows
    has no file. Items are those of the catalogue of every date, and all that the lines name.

    Args:
        folder: Where to write. release: What to read. name: How RecBole calls the data set.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``; or an id cannot stand in such a file.
    """
    table = table_of(release, "training_samples", _COLUMNS)
    users = _Distinct(table.schema.field("user_id").type)
    items = _Distinct(table.schema.field("item_id").type)
    stats = table_of(release, "item_stats", ["item_id"])
    for batch in rows_of(stats, ["item_id"]):
        items.add(batch["item_id"])
    with ExitStack() as stack:
        files = {}
        for batch in rows_of(table, _COLUMNS):
            users.add(batch["user_id"])
            items.add(batch["item_id"])
            items.add(batch["neg_item_ids"].flatten())
            for split in SPLITS:
                of_split = batch.filter(pc.equal(batch["split"], split))
                if not of_split.num_rows:
                    continue
                file = f"{name}/{name}.{split}.inter"
                if file not in files:
                    files[file] = stack.enter_context(folder.file(file).open("wb"))
                    files[file].write("\t".join(_INTER).encode() + b"\n")
                files[file].write(lines(interactions(of_split)))
                negatives = len(of_split["neg_item_ids"].flatten())
                folder.count(file, of_split.num_rows + negatives)
    for kind, of_kind in (("user", users), ("item", items)):
        file = f"{name}/{name}.{kind}"
        ids = of_kind.ids
        with folder.file(file).open("wb") as out:
            out.write(f"{kind}_id:token\n".encode())
            out.write(lines([token(ids, f"{kind}_id")]))
        folder.count(file, len(ids))


def interactions(batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the fields of the lines of rows: of each its positive, then its negatives in order."""
    lists = batch["neg_item_ids"]
    n = pc.list_value_length(lists).to_numpy() + 1
    rows = np.repeat(np.arange(batch.num_rows), n)
    positive = np.zeros(len(rows), bool)
    positive[np.cumsum(n) - n] = True
    ids = pa.concat_arrays([batch["item_id"], lists.flatten()])
    place = np.cumsum(~positive) - 1 + batch.num_rows
    place[positive] = np.arange(batch.num_rows)
    seconds = pc.divide(batch["impression_ts"].cast(pa.int64()).cast(pa.float64()), 1e6)
    of_rows = [seconds, batch["sample_weight"], batch["undo_weight"]]
    take = pa.array(rows)
    return [
        token(batch["user_id"], "user_id").take(take),
        token(ids, "item_id").take(pa.array(place)),
        pc.if_else(pa.array(positive), "1", "0"),
        *(plain_text(column).take(take) for column in of_rows),
    ]


class _Distinct:
    """Ids that were met, each once: what RecBole wants to know of, and needs in memory itself."""

    def __init__(self, kind: pa.DataType) -> None:
        self.ids = pa.array([], kind)

    def add(self, ids: pa.Array) -> None:
        new = ids.unique()
        new = new.filter(pc.invert(pc.is_in(new, self.ids)))
        if len(new):
            self.ids = pa.concat_arrays([self.ids, new])
