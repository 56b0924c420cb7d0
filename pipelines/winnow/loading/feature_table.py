"""Features of users or items, looked up by id as of a time: never a value from after it.

A table of features is sorted by id and time once; what is looked up is the number of a row. Arrays
can be mapped from a file, so that all workers of a machine share one copy.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError
from winnow.loading.feature_columns import (
    AsOf,
    default_of,
    feature_array,
    feature_column,
    instants,
    one_chunk,
)
from winnow.loading.ids import id_array

_KEY, _FROM, _TO, _OF = "key", "from", "to", "feature "
_NEVER = np.iinfo(np.int64).max


class FeatureTable:
    """Features by id, each row known from some time on.

    Without ``valid_from`` an id has one row, which counts at all times: use it for what never
    changes. With it the row of the latest ``valid_from`` counts, of those known at the time:

    - Where these are times, a row counts for samples whose ``impression_ts`` lies after it; not for
      one at it, as what changed at that very moment may be the impression's own doing.
    - Where they are dates, as of daily partitions, for samples whose ``ds`` is ``lag_days`` or more
      later: with 1, from the next date on, as a date's values are complete when it is over. They
      are dates of the config's ``calendar_zone``, as ``ds`` is; those of another zone may end later
      than the ``ds`` of their name, and then want one day more.

    A NULL in ``valid_from`` is since ever, one in ``valid_to`` for ever. Where the row that counts
    ended before the time (``valid_to``, the last time or date at which it holds), the id has none.

    Attributes:
        as_of: What samples are compared by; None where rows count at all times.
        values: By feature, an array with one element per row of features, and one more, the last:
            what an id has that has no row. Shape (rows + 1,), or (rows + 1, size) for vectors.
    """

    def __init__(
        self,
        rows: pa.Table,
        key: str,
        *,
        valid_from: str | None = None,
        valid_to: str | None = None,
        lag_days: int = 1,
        columns: Sequence[str] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Sort a table of features.

        Args:
            rows: Any number of rows per id; an id and a ``valid_from`` together name one.
            key: The column of the ids: whole numbers or texts, never NULL.
            valid_from, valid_to: Columns of times with a zone, or both of dates.
            lag_days: Of dates: so many days after its date a row is known; 0 where it was known
                when the date began.
            columns: The features; by default all other columns. Numbers, true or false, text,
                times, or vectors of one size (``fixed_size_list``) of numbers.
            defaults: By feature, the value where an id has no row, or its row has NULL. By default
                NaN for fractions, 0, false and "" for others, which then must not be NULL.

        Raises:
            ReleaseError: A column is not there or of no type that is known; a key is NULL; two rows
                have the same id and ``valid_from``; a feature has NULL and no default.
        """
        periods = [name for name in (valid_from, valid_to) if name is not None]
        others = [name for name in rows.schema.names if name not in (key, *periods)]
        names = others if columns is None else list(columns)
        given = dict(defaults or {})
        _require(rows, [key, *periods, *names, *given])
        if valid_from is None and valid_to is not None:
            raise ReleaseError(Problem("valid_to", "says nothing without valid_from"))
        if lag_days < 0:
            what = "would give a sample what was known only later"
            raise ReleaseError(Problem("lag_days", what, str(lag_days), "0 or more"))
        ids = id_array(rows[key])
        if ids.null_count:
            raise ReleaseError(Problem(key, "a row of features has no id", f"{ids.null_count}"))
        table = {_KEY: ids}
        as_of: AsOf | None = None
        if valid_from is not None:
            as_of, begins = instants(rows, valid_from)
            # The first time at which a row is known.
            later = 1 if as_of == "time" else lag_days
            known = begins.fill_null(0).to_numpy() + later
            known[begins.is_null().to_numpy(zero_copy_only=False)] = -_NEVER
            table[_FROM] = pa.array(known)
        if valid_to is not None:
            kind, ends = instants(rows, valid_to)
            if kind != as_of:
                what = "is not of the kind of valid_from"
                raise ReleaseError(Problem(valid_to, what, kind, as_of))
            table[_TO] = ends.fill_null(_NEVER)
        features = {name: feature_column(rows[name], name, given.get(name)) for name in names}
        table |= {_OF + name: column for name, column in features.items()}
        sort = [(name, "ascending") for name in (_KEY, _FROM) if name in table]
        in_order = pa.table(table).sort_by(sort)
        _require_one_each(in_order, key, valid_from)
        last = {name: default_of(column, given.get(name)) for name, column in features.items()}
        end = {name: pa.nulls(1, column.type) for name, column in table.items()}
        end |= {_OF + name: value for name, value in last.items()}
        whole = pa.concat_tables([in_order, pa.table(end, in_order.schema)]).combine_chunks()
        self._open(whole.replace_schema_metadata({"as_of": json.dumps(as_of)}), None)

    def _open(self, table: pa.Table, path: str | None) -> None:
        """Take a table in order, with the row of no id as its last."""
        self._table, self._path = table, path
        self.as_of: AsOf | None = json.loads(table.schema.metadata[b"as_of"])
        n = table.num_rows - 1
        arrays = {name: one_chunk(table[name]) for name in table.schema.names}
        self._from = arrays[_FROM].slice(0, n).to_numpy() if _FROM in arrays else None
        self._to = arrays[_TO].slice(0, n).to_numpy() if _TO in arrays else None
        ids = arrays[_KEY].slice(0, n)
        self._starts: NDArray[np.int64] | None = None
        if self._from is not None and n:
            first = np.ones(n, bool)
            first[1:] = pc.not_equal(ids.slice(1), ids.slice(0, n - 1)).to_numpy(False)
            if not first.all():
                begins = np.flatnonzero(first)
                ids, self._starts = ids.take(pa.array(begins)), np.append(begins, n)
        self._ids, self._of_text = ids, dict[str, int]()
        self.values = {
            name.removeprefix(_OF): feature_array(column)
            for name, column in arrays.items()
            if name.startswith(_OF)
        }

    @property
    def key_type(self) -> pa.DataType:
        """The type of the ids: int64 or string."""
        return self._ids.type

    def __len__(self) -> int:
        """Return the number of rows of features."""
        return int(self._table.num_rows) - 1

    def rows_at(
        self, ids: pa.Array | Sequence[Any], at: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Return the row of each id, shape (n,), as of the time of each; -1 where there is none.

        Args:
            ids: Whole numbers or texts; NULL has no row.
            at: Microseconds since 1970 in UTC, or days; not asked for where ``as_of`` is None.

        Raises:
            ReleaseError: The ids are of another type than those of the table.
        """
        column = id_array(ids)
        if not len(column) or not len(self):
            return np.full(len(column), -1, np.int64)
        if column.type != self._ids.type:
            what = "these ids are of another type than those of the features"
            raise ReleaseError(Problem("ids", what, str(column.type), str(self._ids.type)))
        # Ids repeat, and a look into millions costs more than one into those at hand.
        coded = column.dictionary_encode()
        known = np.append(self._codes(coded.dictionary), -1)
        codes = known[coded.indices.fill_null(len(known) - 1).to_numpy()]
        return codes if self._from is None else self._latest(codes, at)

    def _codes(self, ids: pa.Array) -> NDArray[np.int64]:
        if pa.types.is_integer(ids.type):
            known, wanted = self._ids.to_numpy(), ids.to_numpy()
            place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            found: NDArray[np.int64] = np.where(known[place] == wanted, place, -1)
            return found
        if not self._of_text:
            self._of_text = {text: n for n, text in enumerate(self._ids.to_pylist())}
        return np.array([self._of_text.get(text, -1) for text in ids.to_pylist()], np.int64)

    def _latest(self, codes: NDArray[np.int64], at: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Return the last row of each id that is known at its time."""
        if at is None or self._from is None:
            raise ValueError("these features change with time: say as of when")
        there = codes >= 0
        first = np.where(there, codes, 0)
        low, high = first, first + there
        if self._starts is not None:
            low, high = self._starts[first], np.where(there, self._starts[first + 1], 0)
        first = low
        # All ids are halved side by side; what is decided stays as it is.
        while (left := low < high).any():
            middle = np.where(left, (low + high) >> 1, 0)
            known = self._from[middle] <= at
            low, high = (
                np.where(left & known, middle + 1, low),
                np.where(left & ~known, middle, high),
            )
        found = np.where(there & (low > first), low - 1, -1)
        if self._to is not None:
            found[(found >= 0) & (self._to[found] < at)] = -1
        return found

    def save(self, path: Path | str) -> None:
        """Write the sorted rows as an Arrow file, which ``load`` maps."""
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, self._table.schema) as file:
            # One batch: an array lies in one piece, and is mapped as it is.
            file.write_table(self._table, max_chunksize=max(1, self._table.num_rows))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Map what ``save`` wrote: processes that load it share its memory.

        Numbers and vectors are not copied; text, and true or false, are.

        Raises:
            ReleaseError: There is no such file, or ``save`` did not write it.
        """
        found = cls.__new__(cls)
        try:
            with pa.memory_map(str(path)) as source:
                found._open(pa.ipc.open_file(source).read_all(), str(path))
        except (pa.ArrowException, OSError, KeyError, TypeError) as error:
            what, expected = "cannot be loaded", "a file that FeatureTable.save wrote"
            raise ReleaseError(Problem(str(path), what, str(error), expected)) from error
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Travel as a path where there is one, and as the rows otherwise."""
        return {"path": self._path, "table": None if self._path else self._table}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the file again, or take the rows."""
        if state["path"] is None:
            self._open(state["table"], None)
        else:
            self.__dict__ |= type(self).load(state["path"]).__dict__


def _require(rows: pa.Table, names: Sequence[str]) -> None:
    missing = [name for name in dict.fromkeys(names) if name not in rows.schema.names]
    if missing:
        known = ", ".join(rows.schema.names)
        what = "is no column of the features"
        raise ReleaseError(Problem(", ".join(missing), what, expected=known))


def _require_one_each(rows: pa.Table, key: str, valid_from: str | None) -> None:
    same = np.ones(max(0, rows.num_rows - 1), bool)
    for name in (_KEY, _FROM):
        if name in rows.schema.names and rows.num_rows:
            column = one_chunk(rows[name].combine_chunks())
            equal = pc.equal(column.slice(1), column.slice(0, rows.num_rows - 1))
            same &= equal.to_numpy(zero_copy_only=False)
    if same.any():
        found = rows[_KEY][int(np.flatnonzero(same)[0])].as_py()
        what = f"{int(same.sum())} rows of features are there twice; which one counts is not said"
        fix = (
            "Keep one row per id and valid_from." if valid_from else "Name valid_from, or keep one."
        )
        raise ReleaseError(Problem(key, what, f"the id {found}", next_step=fix))
