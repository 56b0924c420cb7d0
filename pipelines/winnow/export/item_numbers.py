"""Items numbered by how often they are positives of the dates: what samplers by popularity want."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.export.rows import rows_of, table_of
from winnow.loading.vocabulary import FIRST, Vocabulary
from winnow.release.reader import ReleaseReader


@dataclass(frozen=True)
class ItemNumbers:
    """The items of the catalogue of all dates, the most frequent positive first.

    Attributes:
        vocabulary: Their numbers, from 3; 0 is padding, 1 NULL, 2 an item of no catalogue.
        positives: How many kept positives each has on the dates, shape (items,), descending.
        weights: The integer weight of the easy draw, of the latest date; shape (items,).
    """

    vocabulary: Vocabulary
    positives: NDArray[np.int64]
    weights: NDArray[np.int64]

    def q(self) -> NDArray[np.float64]:
        """Return each item's share of the kept positives, shape (items,); adds up to 1."""
        total = int(self.positives.sum())
        return self.positives / max(1, total)


def item_numbers(release: ReleaseReader) -> ItemNumbers:
    """Number the items of releases; of equally frequent ones the one with more clicks comes first.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``.
    """
    columns = ["item_id", "positives", "clicks", "weight", "ds"]
    files = table_of(release, "item_stats", columns)
    rows = pa.Table.from_batches(
        list(rows_of(files, columns)),
        pa.schema([files.schema.field(name) for name in columns]),
    ).sort_by([("ds", "ascending"), ("item_id", "ascending")])
    found = rows.group_by("item_id", use_threads=False).aggregate(
        [("positives", "sum"), ("clicks", "sum"), ("weight", "last")]
    )
    order = [
        ("positives_sum", "descending"),
        ("clicks_sum", "descending"),
        ("item_id", "ascending"),
    ]
    found = found.sort_by(order)
    return ItemNumbers(
        Vocabulary(found["item_id"]),
        found["positives_sum"].to_numpy(),
        found["weight_last"].to_numpy(),
    )


def table_of_items(items: ItemNumbers) -> pa.Table:
    """Return a row for each number from 0, in their order, without gaps.

    Columns: ``item_idx``; ``item_id``, NULL of 0 to 2; ``positives``; ``in_batch_q``, the share
    of the kept positives; ``in_batch_prob_tfrs`` (float32) = q / max(q), where q is 0 a tenth of
    the least other one, as trainers take a logarithm of it.
    """
    n = len(items.vocabulary)
    q = items.q()
    least = float(q[q > 0].min()) if (q > 0).any() else 1.0
    q = np.concatenate([np.zeros(FIRST), q])
    scaled = np.where(q > 0, q, least / 10) / max(least, float(q.max()))
    ids = pa.concat_arrays([pa.nulls(FIRST, items.vocabulary.ids.type), items.vocabulary.ids])
    return pa.table(
        {
            "item_idx": pa.array(np.arange(n)),
            "item_id": ids,
            "positives": pa.array(np.concatenate([np.zeros(FIRST, np.int64), items.positives])),
            "in_batch_q": pa.array(q),
            "in_batch_prob_tfrs": pa.array(scaled.astype(np.float32)),
        }
    )
