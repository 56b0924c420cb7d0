"""same_attribute: items that share the positive's city, category, brand or cluster, by popularity.

Source:
    Grbovic and Cheng 2018, "Real-time Personalization using Embeddings for Search Ranking at
    Airbnb", section 3.2: negatives of the positive's market.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.config.entries import AttributeEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import weights_by_group

_NONE = -1


def groups(entry: AttributeEntry, items: CatalogueItems) -> Groups:
    """Return one group for each combination of values; items without one of them have none."""
    values = [_numbers(items.attributes[name], entry.prefix) for name in entry.attributes]
    of_item = _combined(values, len(items))
    # Ascending within each group, as the sort is stable.
    order = np.argsort(of_item, kind="stable")
    starts = np.searchsorted(of_item[order], np.arange(int(of_item.max(initial=_NONE)) + 2))
    codes: NDArray[np.int32] = order[starts[0] :].astype(np.int32)
    starts = starts - starts[0]
    popularity = items.popularity[codes]
    weights = weights_by_group(popularity, starts, items.smoothing, entry.alpha)
    bounds = pairwise(starts.tolist())
    return Groups([Group(codes[a:b], weights[a:b]) for a, b in bounds], of_item)


def _numbers(attribute: pa.Array, prefix: int | None) -> NDArray[np.int64]:
    """Return a number of each value, the same for equal ones, -1 where there is none; (n,)."""
    if not _is_list(attribute.type):
        return _numbers_of_values(attribute)
    found = _numbers_of_lists(attribute, prefix)
    # An empty list says as little as none.
    found[pc.equal(pc.list_value_length(attribute), 0).fill_null(False).to_numpy(False)] = _NONE
    return found


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _numbers_of_values(values: pa.Array) -> NDArray[np.int64]:
    if _is_list(values.type):
        return _numbers_of_lists(values, None)
    if pa.types.is_floating(values.type):
        # -0.0 and 0.0 are one number, of two texts and two patterns of bits.
        values = pc.add(values, pa.scalar(0.0, values.type))
    codes = pc.fill_null(values.dictionary_encode().indices, _NONE)
    return np.asarray(codes.to_numpy(), np.int64)


def _numbers_of_lists(lists: pa.Array, prefix: int | None) -> NDArray[np.int64]:
    """Tell lists apart element by element: numbers are those of beginnings that are alike."""
    known = lists.is_valid().to_numpy(False)
    length = np.where(known, pc.fill_null(pc.list_value_length(lists), 0).to_numpy(False), _NONE)
    if prefix is not None:
        length = np.minimum(length, prefix)
    offsets = np.asarray(lists.offsets.to_numpy(), np.int64)[:-1]
    elements = _numbers_of_values(lists.values)
    found, used = np.where(known, 0, _NONE), 1
    for depth in range(int(length.max(initial=0))):
        # Lists that end here keep the number of their beginning, which no other one gets.
        longer = np.flatnonzero(length > depth)
        element = elements[offsets[longer] + depth] + 1
        pair = found[longer] * (int(element.max()) + 1) + element
        distinct, number = np.unique(pair, return_inverse=True)
        found[longer] = number + used
        used += len(distinct)
    return found


def _combined(values: Sequence[NDArray[np.int64]], n: int) -> NDArray[np.int32]:
    """Return the number of each item's combination of values, -1 where one of them has none."""
    number, known = np.zeros(n, np.int64), np.ones(n, np.bool_)
    for codes in values:
        known &= codes != _NONE
        number = number * (int(codes.max(initial=0)) + 2) + codes + 1
        number = np.unique(number, return_inverse=True)[1]
    found = np.full(n, _NONE, np.int32)
    found[known] = np.unique(number[known], return_inverse=True)[1]
    return found
