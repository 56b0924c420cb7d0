"""The items of markets by their codes in the catalogue, with their popularity there."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.sampler.segment_texts import segment_texts
from winnow.sampler.sources.drawn import Markets
from winnow.sampler.weights import popularity_of


def markets_of(sold: pa.Table, counted: pa.Table, ids: pa.ChunkedArray) -> Markets:
    """Return the items of each market that are in the catalogue.

    Args:
        sold, counted: What ``popularity_by_market`` returned.
        ids: Ids of the catalogue's items, ascending.
    """
    known = ids.combine_chunks()
    item = pc.index_in(sold["item_id"], known)
    sold = sold.filter(item.is_valid())
    texts = segment_texts(sold["market"])
    names = sorted(texts.unique().to_pylist())
    places = np.sort(_places(texts, _codes(item.drop_null()), names, len(known)))
    # An item that two values of one text name is sold there once. Of five million NumPy finds the
    # different ones in six seconds, and sorts them in a sixth of one.
    first = np.ones(len(places), np.bool_)
    first[1:] = places[1:] != places[:-1]
    places = places[first]
    at_item = pc.index_in(counted["item_id"], known)
    named = pc.index_in(segment_texts(counted["market"]), pa.array(names, pa.string()))
    inside = pc.and_(at_item.is_valid(), named.is_valid())
    counted = counted.filter(inside)
    events = _places(
        segment_texts(counted["market"]), _codes(at_item.filter(inside)), names, len(known)
    )
    f = popularity_of(counted)
    popularity = np.zeros(len(places), f.dtype)
    # What is clicked in a market and not sold there is not drawn in it.
    at = np.searchsorted(places, events)
    is_sold = np.append(places, -1)[at] == events
    popularity[at[is_sold]] = f[is_sold]
    market, code = np.divmod(places, max(len(known), 1))
    return Markets(names, market.astype(np.int32), code.astype(np.int32), popularity)


def _codes(found: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(found.to_numpy(), np.int64)


def _places(
    texts: pa.Array, codes: NDArray[np.int64], names: list[str], n_items: int
) -> NDArray[np.int64]:
    """Return one number for each pair of market and item, in the order of both; shape (k,)."""
    market = pc.index_in(texts, pa.array(names, pa.string()))
    return np.asarray(market.to_numpy(), np.int64) * n_items + codes
