"""TorchEasyRec: clicks as Parquet, and the text files of its negative samplers.

Source:
    TorchEasyRec's documentation, "Negative sampling": item and user nodes, positive and hard edges.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.errors import Problem, ReleaseError
from winnow.export.folder import ExportFolder
from winnow.export.item_numbers import item_numbers
from winnow.export.rows import rows_of, table_of
from winnow.export.text import lines, token
from winnow.release.reader import ReleaseReader

_COLUMNS = ("user_id", "item_id", "impression_ts", "sample_weight", "undo_weight", "split")
_PAIR = ["user_id", "item_id"]


def write_torcheasyrec(folder: ExportFolder, release: ReleaseReader, hard_per_user: int) -> None:
    """Write ``train/samples.parquet`` and four text files for samplers, of the split train.

    - ``item.txt``: ``id``, ``weight`` (of the easy draw), ``attrs`` (the id); all of the catalogue.
    - ``user.txt``: ``id``, ``weight`` 1.
    - ``positive_edge.txt``: ``userid``, ``itemid``, ``weight``: how often the item is a positive of
      the user.
    - ``hard_edge.txt``: each pair of a user and a hard negative once, those that were cut latest
      first; never a pair that is a positive, or was shown, on any of the dates.

    Pairs are held in memory: some 50 bytes each.

    Args:
        folder: Where to write. release: What to read.
        hard_per_user: At most so many hard edges of a user.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``; or there are several dates, and no
            ranking_samples to know by what later dates have shown.
    """
    items = item_numbers(release)
    kind = "string" if pa.types.is_string(items.vocabulary.ids.type) else "int64"
    text = token(items.vocabulary.ids, "item_id")
    _write(folder, "item.txt", f"id:{kind}\tweight:float\tattrs:string",
           [text, _text(items.weights), text])  # fmt: skip
    pairs = []
    files = table_of(release, "training_samples", [*_COLUMNS, "neg_item_ids", "neg_hardness"])
    schema = pa.schema([files.schema.field(name) for name in _COLUMNS])
    name = "train/samples.parquet"
    with pq.ParquetWriter(folder.file(name), schema) as writer:
        for batch in rows_of(files, _COLUMNS, "train"):
            writer.write_batch(batch)
            folder.count(name, batch.num_rows)
            pairs.append(batch.select(_PAIR))
    clicked = pa.Table.from_batches(pairs, pa.schema([schema.field(n) for n in _PAIR]))
    edges = clicked.group_by(_PAIR, use_threads=False).aggregate([([], "count_all")])
    users = edges["user_id"].unique()
    kind_of_user = "string" if pa.types.is_string(users.type) else "int64"
    _write(folder, "user.txt", f"id:{kind_of_user}\tweight:float",
           [token(users, "user_id"), _text(np.ones(len(users), np.int64))])  # fmt: skip
    of_edge = f"userid:{kind_of_user}\titemid:{kind}\tweight:float"
    _edges(folder, "positive_edge.txt", of_edge, edges, edges["count_all"].combine_chunks())
    hard = _hard_pairs(release, clicked.schema)
    for seen in (_pairs(release, "training_samples"), *_shown(release)):
        hard = hard.join(seen, _PAIR, join_type="left anti", use_threads=False)
    hard = _first_of_each(hard, hard_per_user)
    _edges(folder, "hard_edge.txt", of_edge, hard, pa.array(np.ones(hard.num_rows, np.int64)))


def _hard_pairs(release: ReleaseReader, schema: pa.Schema) -> pa.Table:
    """Return each pair of a user and a hard negative of it, with its greatest hardness."""
    files = table_of(release, "training_samples", ["neg_hardness"])
    known: list[pa.Table] = []
    for batch in rows_of(files, ["user_id", "neg_item_ids", "neg_hardness"], "train"):
        lists = batch["neg_item_ids"]
        rows = np.repeat(np.arange(batch.num_rows), pc.list_value_length(lists).to_numpy())
        columns = [batch["user_id"].take(pa.array(rows)), lists.flatten()]
        pairs = pa.table([*columns, batch["neg_hardness"].flatten()], [*_PAIR, "hardness"])
        known.append(pairs.filter(pc.greater(pairs["hardness"], 0)))
    empty = pa.table({**{n: pa.array([], schema.field(n).type) for n in _PAIR},
                      "hardness": pa.array([], pa.int8())})  # fmt: skip
    found = pa.concat_tables([empty, *known], promote_options="permissive")
    found = found.group_by(_PAIR, use_threads=False).aggregate([("hardness", "max")])
    return found.rename_columns([*_PAIR, "hardness"])


def _shown(release: ReleaseReader) -> list[pa.Table]:
    """Return the pairs that were shown: what one date has, its own samples leave out already."""
    if len(release.dates) == 1:
        return []
    if "ranking_samples" not in release.tables:
        what = "of several dates a hard negative of one may have been shown on a later one"
        fix = "Build ranking_samples too, or export date by date."
        raise ReleaseError(Problem("ranking_samples", what, next_step=fix))
    return [_pairs(release, "ranking_samples")]


def _pairs(release: ReleaseReader, table: str) -> pa.Table:
    files = table_of(release, table, _PAIR)
    schema = pa.schema([files.schema.field(name) for name in _PAIR])
    return pa.Table.from_batches([batch.select(_PAIR) for batch in rows_of(files, _PAIR)], schema)


def _first_of_each(pairs: pa.Table, most: int) -> pa.Table:
    order = [("user_id", "ascending"), ("hardness", "descending"), ("item_id", "ascending")]
    pairs = pairs.sort_by(order)
    if not pairs.num_rows:
        return pairs
    codes = pairs["user_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    place = np.arange(len(codes)) - np.repeat(first, np.diff(np.append(first, len(codes))))
    return pairs.filter(pa.array(place < most))


def _edges(folder: ExportFolder, name: str, head: str, pairs: pa.Table, weights: pa.Array) -> None:
    ids = [token(pairs[column].combine_chunks(), column) for column in _PAIR]
    _write(folder, name, head, [*ids, weights.cast(pa.string())])


def _write(folder: ExportFolder, name: str, head: str, columns: list[pa.Array]) -> None:
    with folder.file(name).open("wb") as out:
        out.write(head.encode() + b"\n")
        if len(columns[0]):
            out.write(lines(columns))
    folder.count(name, len(columns[0]))


def _text(values: np.ndarray) -> pa.Array:
    return pa.array(values).cast(pa.string())
