"""Features joined to the rows of a table: to a row's user, its positive, and each negative its own.

A row is given the numbers of rows of features when it is read, and what stands in these when its
batch is made. So a batch pads numbers, and features of any shape come out padded alike.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError
from winnow.loading.arrays_of_rows import Batch, scalars
from winnow.loading.feature_table import FeatureTable
from winnow.loading.ids import lengths_of, lists_like

_TIMES = {"time": "impression_ts", "date": "ds"}
_ROW = "@row"


class JoinedFeatures:
    """Tables of features by the column of ids that they are joined to.

    A feature ``price`` of ``item_id`` is called ``item_price``, of ``neg_item_ids``
    ``neg_item_price``: the column without ``_id`` or ``_ids``, and the feature. ``item_known`` and
    ``neg_item_known`` are true where the id had a row as of the sample's time.
    """

    def __init__(self, tables: Mapping[str, FeatureTable], schema: pa.Schema) -> None:
        """Take the tables.

        Args:
            tables: By a column of ids, or of lists of ids.
            schema: Of the rows that they are joined to.

        Raises:
            ReleaseError: A column, or the time that features need, is not there; ids are of
                another type; two columns would have one name.
        """
        self._tables = dict(tables)
        times = {_TIMES[table.as_of] for table in tables.values() if table.as_of is not None}
        self.needed = tuple(dict.fromkeys([*tables, *sorted(times)]))
        missing = [name for name in self.needed if name not in schema.names]
        if missing:
            what, known = "is no column of the table", ", ".join(schema.names)
            raise ReleaseError(Problem(", ".join(missing), what, expected=known))
        for name, table in tables.items():
            kind = schema.field(name).type
            kind = kind.value_type if pa.types.is_list(kind) else kind
            if pa.types.is_integer(kind) != pa.types.is_integer(table.key_type):
                what = "the ids of the features are of another type"
                raise ReleaseError(Problem(name, what, str(table.key_type), str(kind)))
        names = [name for column in tables for name in self._names(column).values()]
        twice = sorted({name for name in names if names.count(name) > 1 or name in schema.names})
        if twice:
            what, fix = "two columns of a batch would have this name", "Rename the feature."
            raise ReleaseError(Problem(", ".join(twice), what, next_step=fix))

    @property
    def paddings(self) -> dict[str, int]:
        """What pads the columns that ``located`` adds."""
        return dict.fromkeys([column + _ROW for column in self._tables], -1)

    def located(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Return some columns of rows, and for each column of ids the rows of its features.

        Args:
            rows: With those of ``needed``, ids as they are in the logs. columns: Those to keep.
        """
        found = rows.select(list(columns))
        for column, table in self._tables.items():
            at = None
            if table.as_of is not None:
                at = _numbers(rows[_TIMES[table.as_of]])
            ids = rows[column].combine_chunks()
            if pa.types.is_list(ids.type):
                if at is not None:
                    at = np.repeat(at, lengths_of(ids))
                places: pa.Array = lists_like(ids, table.rows_at(ids.flatten(), at))
            else:
                places = pa.array(table.rows_at(ids, at))
            found = found.append_column(pa.field(column + _ROW, places.type, False), places)
        return found

    def filled(self, batch: Batch) -> Batch:
        """Return a batch with features in place of the columns that ``located`` added."""
        for column, table in self._tables.items():
            rows = batch.pop(column + _ROW)
            mask = batch.pop(f"{column}{_ROW}_mask", None)
            if mask is not None:
                batch.setdefault(f"{column}_mask", mask)
            names = self._names(column)
            # -1 is the last row: that of no id.
            batch[names[""]] = rows >= 0
            for feature, values in table.values.items():
                batch[names[feature]] = values.take(rows, axis=0)
        return batch

    def unknown(self, batch: Batch) -> dict[str, int]:
        """Return how many ids of a batch had no features as of its time, by their column."""
        found = {}
        for column in self._tables:
            known = batch[self._names(column)[""]]
            there = batch.get("mask") if column.startswith("neg_") else batch.get(f"{column}_mask")
            lost = ~known if there is None else ~known & there
            found[column] = int(lost.sum())
        return found

    def _names(self, column: str) -> dict[str, str]:
        prefix = re.sub("_ids?$", "", column)
        features = {feature: f"{prefix}_{feature}" for feature in self._tables[column].values}
        return {"": f"{prefix}_known"} | features


def _numbers(times: pa.ChunkedArray) -> NDArray[np.int64]:
    return scalars(times.combine_chunks()).astype(np.int64)
