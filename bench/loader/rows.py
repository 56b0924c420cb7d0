"""Files of training samples to read: written as a build writes them, of rows that mean nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql.pandas.types import to_arrow_schema
from winnow.config.tree import Ids
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import table_contract
from winnow.keyed_hashes import below, folded, units
from winnow.release.sorted_files import SortedFiles
from winnow.release.table_files import TableFiles
from winnow.spark.limits import DEFAULT_LIMITS

ITEMS, USERS, NEGATIVES = 200_000, 500_000, 20
_FILE_ROWS, _FEWER = 121_490, 13
_DAY = date(2026, 1, 1)


def make_samples(folder: Path, rows: int, short_every: int = 0) -> TableFiles:
    """Write rows of training_samples in all of their columns; those that are there are kept.

    A row has 20 negatives; its user, items and shuffle key are hashes.

    Args:
        folder: Where to write.
        rows: How many, of one date, all of the split train; a file has 121,490 of them.
        short_every: Of so many rows one has 13 negatives in place of 20; 0: none.
    """
    contract = table_contract("training_samples").resolved(Ids())
    schema: pa.Schema = to_arrow_schema(spark_schema(contract))
    place = folder / f"samples_{rows}_{short_every}"
    if not place.exists():
        place.mkdir(parents=True)
        written = SortedFiles.of(contract, place, DEFAULT_LIMITS)
        for first in range(0, rows, _FILE_ROWS):
            written.write_files([_rows(first, min(first + _FILE_ROWS, rows), schema, short_every)])
    files = sorted(place.glob("ds=*/*.parquet"))
    return TableFiles(schema, tuple((str(path), _DAY) for path in files))


def _rows(first: int, last: int, schema: pa.Schema, short_every: int) -> pa.Table:
    numbers = np.arange(first, last, dtype=np.uint64)
    lengths = np.full(len(numbers), NEGATIVES)
    if short_every:
        lengths[::short_every] = _FEWER
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    columns = {}
    for field in schema:
        if pa.types.is_list(field.type) and field.name.startswith("neg_"):
            elements = first * NEGATIVES + np.arange(lengths.sum(), dtype=np.uint64)
            values = _values(field.name, field.type.value_type, elements)
            columns[field.name] = pa.ListArray.from_arrays(offsets, values)
        elif pa.types.is_list(field.type):
            columns[field.name] = pa.array([[]] * len(numbers), field.type)
        else:
            columns[field.name] = _values(field.name, field.type, numbers)
    return pa.table(columns)


def _values(name: str, kind: pa.DataType, numbers: NDArray[np.uint64]) -> pa.Array:
    """Return values of a column, by the hashes of their numbers."""
    bits = folded(sum(name.encode()), numbers)
    made: dict[str, Callable[[], Any]] = {
        "ds": lambda: np.full(len(numbers), np.datetime64(_DAY)),
        "split": lambda: ["train"] * len(numbers),
        "user_id": lambda: below(bits, USERS).astype(np.int64),
        "item_id": lambda: below(bits, ITEMS).astype(np.int64),
        "neg_item_ids": lambda: below(bits, ITEMS).astype(np.int64),
        "shuffle_key": lambda: bits.view(np.int64),
        "sample_id": lambda: bits.view(np.int64),
    }
    if name in made:
        return pa.array(made[name](), kind)
    if pa.types.is_floating(kind):
        # Every other negative is a hard one, without a log_q.
        hard = numbers % np.uint64(2) == 1 if name.startswith("neg_") else None
        return pa.array(np.log(1e-9 + units(bits)).astype(kind.to_pandas_dtype()), kind, mask=hard)
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return pa.array(below(bits, 100).astype(np.int64)).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(below(bits, 2).astype(bool))
    return pa.array([f"r{number}" for number in numbers.tolist()], kind)
