"""Rows of a table as Parquet files in the order of split and shuffle key: trainers rely on it.

Rows of batches that were not cut out of that order are in the order of batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql.pandas.types import to_arrow_schema

from winnow.arrays.parquet_columns import PACKED, column_path, values_of
from winnow.arrays.sorting import order_of
from winnow.arrays.text_codes import REPEATED_TEXT, with_dictionaries
from winnow.contracts.spark_schema import spark_schema
from winnow.release.row_groups import SKIPPED_BY, row_groups, split_places
from winnow.spark.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from winnow.contracts.tables import TableContract

_NO_DICTIONARY = ("log_q", "neg_log_q", "stage_score", "stage_scores", "sample_id", "shuffle_key")
"""Columns that are written as they are: a dictionary of them takes time, and as much room."""

_LISTED = ("neg_item_id", "neg_item_ids", "exclude_item_ids")
_IDS = ("user_id", "request_id", "item_id", "impression_id")
_SLOTS = ("slot", "batch_item_slot", "batch_conflict_item_slots")
"""Places in a batch, whose lists ascend: they are small numbers, and as good as never repeat."""
_WIDEST_SPAN = 2**32
"""Ids that lie wider apart are no smaller when packed, as hashes are not: a dictionary may be."""


@dataclass(frozen=True)
class SortedFiles:
    """How rows become files; small enough to travel with a task.

    Attributes:
        folder: Where the tasks write; it is there.
        schema: The Arrow schema of the files, the partition column among them.
        partition: The date column that names the sub-folder ``column=value`` and is not in the
            file; None for one folder.
        sort_by: The column to sort each file by, rows of one split together; None keeps the order
            of the rows.
        limits: How large a file is.
    """

    folder: str
    schema: pa.Schema
    partition: str | None
    sort_by: str | None
    limits: Limits = DEFAULT_LIMITS

    @classmethod
    def of(cls, contract: "TableContract", folder: Path, limits: Limits) -> Self:
        """Return how the rows of a table become the files that are published."""
        sort_by = "shuffle_key" if "shuffle_key" in contract.names else None
        return cls(str(folder), file_schema(contract), contract.partition, sort_by, limits)

    def write_files(self, parts: Sequence[pa.Table]) -> list[str]:
        """Write rows as one file for each date among them; return the names, below the folder."""
        table = self._conformed(pa.concat_tables(parts))
        if self.partition is None:
            return [self._write_file(table, "")]
        days = table[self.partition]
        found, rows = days.unique().to_pylist(), table.drop_columns([self.partition])
        names = []
        for day in found:
            of_day = rows
            if len(found) > 1:
                of_day = rows.filter(days.is_null() if day is None else pc.equal(days, day))
            names.append(self._write_file(of_day, f"{self.partition}={day}/"))
        return names

    def in_order(self, rows: pa.Table) -> pa.Table:
        """Return rows in the order in which a file of them holds them.

        Args:
            rows: Rows of one date, with the columns of the files and maybe others.
        """
        if self.sort_by is None:
            return rows
        table = self._conformed(rows.select(self.schema.names))
        order = _places(table, table[self.sort_by].to_numpy(), split_places(table))
        return rows if order is None else rows.take(pa.array(order))

    def _conformed(self, rows: pa.Table) -> pa.Table:
        """Return rows with the types of the schema; text that repeats has one dictionary."""
        rows = with_dictionaries(rows, REPEATED_TEXT)
        codes = {f.name: f.type for f in rows.schema if pa.types.is_dictionary(f.type)}
        schema = pa.schema([f.with_type(codes.get(f.name, f.type)) for f in self.schema])
        return rows.cast(schema).unify_dictionaries()

    def _write_file(self, table: pa.Table, folder: str) -> str:
        name = f"{folder}part-{uuid4()}.parquet"
        path = Path(self.folder, name)
        path.parent.mkdir(exist_ok=True)
        if self.sort_by is None:
            pq.write_table(table, path, store_schema=False, write_page_checksum=True)
            return name
        keys = table[self.sort_by].to_numpy()
        splits = split_places(table)
        order = _places(table, keys, splits)
        if order is not None:
            table, keys, splits = table.take(pa.array(order)), keys[order], splits[order]
        encodings = _encodings(table, each_row_another=_mostly_new(keys))
        with pq.ParquetWriter(
            path,
            table.schema,
            write_statistics=[column for column in SKIPPED_BY if column in table.schema.names],
            # A row sample of the audit is a range of the key: by the page index only the pages
            # that hold it are read.
            write_page_index=True,
            write_page_checksum=True,
            # A dictionary is a matter of this process: what reads the file finds text.
            store_schema=False,
            **encodings,
        ) as writer:
            for rows in row_groups(table, splits):
                writer.write_table(rows, row_group_size=rows.num_rows)
        return name


def file_schema(contract: "TableContract") -> pa.Schema:
    """Return the contract's columns as Arrow types; a NULL where none may be is found later."""
    schema: pa.Schema = to_arrow_schema(spark_schema(contract))
    return pa.schema([field.with_nullable(True) for field in schema])


def _places(
    table: pa.Table, keys: NDArray[np.int64], splits: NDArray[np.int8]
) -> NDArray[np.int64] | None:
    """Return the order of rows in their file; None where they are in it.

    By split, and within one by the key; where batches are not in that order, by batch before the
    key, those of no batch last: a reader merges files that are in the order of batches.
    """
    order = _order(keys, splits)
    if "batch_id" not in table.schema.names:
        return order
    none = np.iinfo(np.int64).max
    batch = table["batch_id"].fill_null(none).to_numpy()
    if order is not None:
        batch, splits = batch[order], splits[order]
    if _in_order(batch[batch != none]):
        return order
    by_batches: NDArray[np.int64] = np.lexsort((batch, splits))
    return by_batches if order is None else order[by_batches]


def _order(keys: NDArray[np.int64], splits: NDArray[np.int8]) -> NDArray[np.int64] | None:
    """Return the order by split, and within by the key; None where rows are in it."""
    of_another_split = splits[1:] > splits[:-1]
    if _in_order(splits) and bool(np.all((keys[1:] >= keys[:-1]) | of_another_split)):
        return None
    order: NDArray[np.int64] = order_of(keys)
    # Stable: within a split by the key. Bytes are sorted by counting them.
    return order[np.argsort(splits[order], kind="stable")]


def _in_order(keys: NDArray[np.signedinteger]) -> bool:
    return bool(np.all(keys[1:] >= keys[:-1]))


def _mostly_new(ordered: NDArray[np.int64]) -> bool:
    """Return whether most keys differ from the one before."""
    return bool(2 * np.count_nonzero(ordered[1:] != ordered[:-1]) >= len(ordered) - 1)


def _encodings(table: pa.Table, *, each_row_another: bool) -> dict[str, Any]:
    """Return which columns get a dictionary, and which are packed.

    Args:
        table: The rows.
        each_row_another: Whether each row is of another positive or impression. Where several
            rows in turn are of one, its ids repeat, and a dictionary of them is smaller.
    """
    ids = {*_LISTED, *_SLOTS, *(_IDS if each_row_another else ())}
    packed = {
        column_path(field)
        for field in table.schema
        if field.name in ids and _lie_close(table[field.name], values_of(field))
    }
    plain = {column_path(field) for field in table.schema if field.name in _NO_DICTIONARY}
    dictionary = [path for path in map(column_path, table.schema) if path not in packed | plain]
    return {"use_dictionary": dictionary, "column_encoding": dict.fromkeys(packed, PACKED)}


def _lie_close(ids: pa.ChunkedArray, kind: pa.DataType) -> bool:
    if not pa.types.is_integer(kind):
        return False
    ends = pc.min_max(pc.list_flatten(ids) if pa.types.is_list(ids.type) else ids)
    least, greatest = ends["min"].as_py(), ends["max"].as_py()
    return least is None or greatest - least < _WIDEST_SPAN
