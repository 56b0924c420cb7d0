"""same_attribute: items that share the positive's city, category, brand or cluster, by popularity.

Source:
    Grbovic and Cheng 2018, "Real-time Personalization using Embeddings for Search Ranking at
    Airbnb", section 3.2: negatives of the positive's market.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.config.entries import AttributeEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights

_NONE = -1


def groups(entry: AttributeEntry, items: CatalogueItems) -> Groups:
    """Return one group for each combination of values; items without one of them have none."""
    values = [_value(items.attributes[name], entry.prefix) for name in entry.attributes]
    of_item = _numbered(values, len(items))
    order = np.argsort(of_item, kind="stable")
    begins = np.searchsorted(of_item[order], np.arange(int(of_item.max(initial=_NONE)) + 2))
    found = []
    for g in range(len(begins) - 1):
        codes = order[begins[g] : begins[g + 1]].astype(np.int32)
        weights = integer_weights(items.popularity[codes], items.smoothing, entry.alpha)
        found.append(Group(codes, weights))
    return Groups(found, of_item)


def _value(attribute: pa.Array, prefix: int | None) -> pa.Array:
    """Return values that can be compared, NULL where there is none; of lists their beginnings."""
    if not pa.types.is_list(attribute.type):
        return attribute
    rows = attribute.to_pylist()
    begins = [None if row is None else row[:prefix] for row in rows]
    # A text tells lists apart: elements are written with their lengths.
    return pa.array([None if not row else _text(row) for row in begins], pa.string())


def _text(row: Sequence[object]) -> str:
    return "".join(f"{len(str(part))}:{part}" for part in row)


def _numbered(values: Sequence[pa.Array], n: int) -> NDArray[np.int32]:
    """Return the number of each item's combination of values, -1 where one of them is NULL."""
    number, known = np.zeros(n, np.int64), np.ones(n, np.bool_)
    for column in values:
        codes = pc.fill_null(column.dictionary_encode().indices, _NONE).to_numpy()
        known &= codes != _NONE
        number = number * (int(codes.max(initial=0)) + 2) + codes + 1
        number = np.unique(number, return_inverse=True)[1]
    found = np.full(n, _NONE, np.int32)
    found[known] = np.unique(number[known], return_inverse=True)[1]
    return found
