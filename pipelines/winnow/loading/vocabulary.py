"""Dense whole numbers in place of ids, for embedding tables; those of later releases agree."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError
from winnow.loading.ids import id_array, lists_like
from winnow.release.reader import ReleaseReader

PADDING, NULL, UNKNOWN, FIRST = 0, 1, 2, 3
"""Numbers of no id: what pads a list, of a row without an id, of an id that came later; the first
number of one."""


class Vocabulary:
    """Numbers of ids: ``FIRST`` and up, without gaps; an id that has one keeps it for ever.

    A model's embedding table has ``len(vocabulary)`` rows. When a later release brings new ids,
    ``extended`` gives them the numbers behind those that are there: the table grows at its end, and
    what was learned stays where it was.

    Attributes:
        ids: All of them, int64 or text, in the order of their numbers, shape (n,).
    """

    def __init__(self, ids: pa.Array | pa.ChunkedArray | Sequence[Any]) -> None:
        """Number ids in their order; one that is there twice counts where it is first.

        Args:
            ids: Whole numbers or texts; NULL is none of them.
        """
        self.ids = _distinct(ids)
        self._sorted: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._of_text: dict[str, int] | None = None

    @classmethod
    def of_items(cls, release: ReleaseReader, before: Self | None = None) -> Self:
        """Number the items of a release's catalogue, the most clicked first.

        Args:
            release: What ``open_release`` or ``open_dates`` returned, with item_stats: of several
                dates the items of the first one come first.
            before: Keeps its numbers; only items that it has not are new.

        Raises:
            ReleaseError: As for ``ReleaseReader.arrow``; or the ids are of another type.
        """
        columns = ["ds", "item_idx", "item_id"]
        rows = release.arrow("item_stats").to_table(columns=columns)
        ids = rows.sort_by([("ds", "ascending"), ("item_idx", "ascending")])["item_id"]
        return cls(ids) if before is None else before.extended(ids)

    def extended(self, ids: pa.Array | pa.ChunkedArray | Sequence[Any]) -> Self:
        """Return a vocabulary with more ids, numbered behind those of this one.

        Raises:
            ReleaseError: They are of another type.
        """
        more = _distinct(ids)
        if len(more) and len(self.ids) and more.type != self.ids.type:
            what = "these ids are of another type than those of the vocabulary"
            raise ReleaseError(Problem("ids", what, str(more.type), str(self.ids.type)))
        return type(self)(pa.concat_arrays([self.ids, more]) if len(self.ids) else more)

    def __len__(self) -> int:
        """Return how many rows an embedding table needs, those of no id among them."""
        return FIRST + len(self.ids)

    def numbers(self, ids: pa.Array | pa.ChunkedArray | Sequence[Any]) -> NDArray[np.int64]:
        """Return the number of each id, shape (n,): ``NULL`` and ``UNKNOWN`` of those without."""
        column = id_array(ids)
        if len(column) and len(self.ids) and column.type != self.ids.type:
            what = "these ids are of another type than those of the vocabulary"
            raise ReleaseError(Problem("ids", what, str(column.type), str(self.ids.type)))
        found = np.full(len(column), UNKNOWN)
        if not len(self.ids):
            pass
        elif pa.types.is_integer(column.type):
            found = self._of_numbers(column.fill_null(0).to_numpy())
        else:
            found = self._of_texts(column)
        if column.null_count:
            found[column.is_null().to_numpy(zero_copy_only=False)] = NULL
        return found

    def _of_numbers(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._sorted is None:
            known = self.ids.to_numpy()
            order = np.argsort(known, kind="stable")
            self._sorted = known[order], order + FIRST
        known, numbers = self._sorted
        place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        found: NDArray[np.int64] = np.where(known[place] == ids, numbers[place], UNKNOWN)
        return found

    def _of_texts(self, ids: pa.Array) -> NDArray[np.int64]:
        # A hash table of all ids is made once; Arrow would make it anew for each window of rows.
        if self._of_text is None:
            self._of_text = {text: n for n, text in enumerate(self.ids.to_pylist(), FIRST)}
        coded, known = ids.dictionary_encode(), self._of_text
        numbers = [known.get(text, UNKNOWN) for text in coded.dictionary.to_pylist()]
        codes = coded.indices.fill_null(len(numbers)).to_numpy()
        found: NDArray[np.int64] = np.array([*numbers, NULL], np.int64)[codes]
        return found

    def save(self, path: Path | str) -> None:
        """Write the ids as a Parquet file of one column, in the order of their numbers."""
        pq.write_table(pa.table({"id": self.ids}), path)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what ``save`` wrote."""
        return cls(pq.read_table(path)["id"])


def numbered(rows: pa.Table, vocabularies: Mapping[str, Vocabulary]) -> pa.Table:
    """Return rows with numbers (int64, never NULL) in place of the ids of some columns.

    Args:
        rows: Rows of a table. vocabularies: By the name of the column, of ids or of lists of them;
            columns that are not there are left aside.
    """
    for name in vocabularies.keys() & set(rows.schema.names):
        column, vocabulary = rows[name].combine_chunks(), vocabularies[name]
        if pa.types.is_list(column.type):
            column = lists_like(column, vocabulary.numbers(column.flatten()))
        else:
            column = pa.array(vocabulary.numbers(column))
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return rows


def numbered_schema(schema: pa.Schema, vocabularies: Mapping[str, Vocabulary]) -> pa.Schema:
    """Return the schema of what ``numbered`` gives."""
    for name in vocabularies.keys() & set(schema.names):
        is_list = pa.types.is_list(schema.field(name).type)
        kind = pa.list_(pa.int64()) if is_list else pa.int64()
        place = schema.get_field_index(name)
        schema = schema.set(place, pa.field(name, kind, nullable=False))
    return schema


def _distinct(ids: pa.Array | pa.ChunkedArray | Sequence[Any]) -> pa.Array:
    # Arrow keeps the order in which values are first met.
    return id_array(ids).drop_null().unique()
