"""The draw table, made of a date's items on the driver, and the rows that item_stats has of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.distinct import most_first
from winnow.arrays.sorting import order_of, sorted_numbers
from winnow.config.pool_entries import MarketColumns
from winnow.dates import CalendarDay
from winnow.errors import InputError, Problem
from winnow.events.item_attributes import ATTRIBUTE
from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.catalogue_items import catalogue_items
from winnow.sampler.kernels.draw_table import draw_table
from winnow.sampler.sources.drawn import CatalogueItems, Markets, Segments
from winnow.sampler.sources.registry import distributions
from winnow.sampler.weights import keep_probs, popularity_of

if TYPE_CHECKING:
    from winnow.config.tree import Config

FIRST_INDEX = 3
"""Item indices start here: 0 to 2 stay free for padding, NULL and unknown ids."""


def build_catalogue(
    items: pa.Table,
    config: "Config",
    day: CalendarDay,
    segments: Mapping[str, Segments] = MappingProxyType({}),
    markets: Mapping[MarketColumns, Markets] = MappingProxyType({}),
) -> Catalogue:
    """Build the draw table of a date.

    Args:
        items: One row per item that is in the catalogue or was clicked: ``item_id``,
            ``item_key`` (int64), ``clicks`` (int64, 0 where never), ``in_catalogue`` (bool),
            ``eligible_from`` (timestamp, NULL where nothing says it), and the items' attributes,
            each named behind ``ATTRIBUTE``; those of items that are not in the catalogue are NULL.
            Where clicks are not the popularity, ``popularity`` (int64, in ``UNITS``). Where
            sources ask for them, impressions by window (``exposed_column``).
        config: alpha, smoothing and the rule for hot items.
        day: The date that samples are made of.
        segments: By each attribute of users that a source names.
        markets: By the columns that tell the markets of a source.

    Raises:
        InputError: Two ids of the catalogue have one 64-bit key.
    """
    items = by_id(items)
    keys = items["item_key"].to_numpy().view(np.uint64)
    clicks = items["clicks"].to_numpy()
    inside = items["in_catalogue"].to_numpy()
    _check_keys(keys, items["item_id"])
    keep = keep_probs(popularity_of(items), config.positives.downsampling)
    hot = np.flatnonzero(keep < 1.0)
    hot = hot[np.argsort(keys[hot])]
    outside = np.flatnonzero(~inside)
    outside = outside[np.argsort(keys[outside])]
    of_catalogue = catalogue_items(items, config, day, segments, markets)
    others = keys[outside], clicks[outside]
    return with_draws(of_catalogue, keys[inside], (keys[hot], keep[hot]), others, config)


def with_draws(
    items: CatalogueItems,
    keys: NDArray[np.uint64],
    hot: tuple[NDArray[np.uint64], NDArray[np.float64]],
    others: tuple[NDArray[np.uint64], NDArray[np.int64]],
    config: "Config",
) -> Catalogue:
    """Return the catalogue of items, with what each source draws from.

    Args:
        items: As the sources see them. keys: Theirs, distinct, shape (n,).
        hot: Sorted keys of items whose positives are thinned, and their keep_prob.
        others: Sorted keys of clicked items that are not in the catalogue, and their clicks.
        config: The sources.
    """
    drawn = distributions(config.distributions, items)
    (_, weights), *further = ((g.codes, g.weights) for of in drawn for g in of.groups)
    table = draw_table(keys, weights, *hot, tuple(further))
    by_item = [of.of_item for of in drawn]
    of_users = [() if of.of_user is None else of.of_user for of in drawn]
    return Catalogue(
        table,
        items.ids,
        items.clicks,
        *others,
        first_groups=np.array([of.first for of in drawn], np.int32),
        by_item=np.array([one is not None for one in by_item], np.bool_),
        groups_by_item=np.concatenate(
            [np.empty(0, np.int32), *(one for one in by_item if one is not None)]
        ),
        user_begins=np.cumsum([0, *map(len, of_users)]),
        user_values=pa.array([text for texts in of_users for text in texts], pa.string()),
    )


def catalogue_table(catalogue: Catalogue, eligibility: pa.Table) -> pa.Table:
    """Return the catalogue with what item_stats tells of it: one row per item, by ``item_id``.

    Args:
        catalogue: The built catalogue.
        eligibility: One row per item of it, sorted by ``item_id``: ``item_id``,
            ``eligible_from``, ``eligible_to``, and the attributes; ``clicks``, and ``popularity``
            where ``build_catalogue`` was given it.
    """
    attributes = [name for name in eligibility.column_names if name.startswith(ATTRIBUTE)]
    measured = "popularity" in eligibility.column_names
    weights = catalogue.draws.weights
    # Most clicked first, ties by item id: ids are sorted, and the order is stable.
    by_clicks = most_first(catalogue.clicks)
    index = np.empty(len(weights), np.int64)
    index[by_clicks] = np.arange(FIRST_INDEX, FIRST_INDEX + len(weights))
    return pa.table(
        {
            "item_id": catalogue.ids,
            "item_idx": pa.array(index),
            "clicks": pa.array(catalogue.clicks),
            **({"popularity": pa.array(popularity_of(eligibility))} if measured else {}),
            "weight": pa.array(weights),
            "q": pa.array(weights / max(catalogue.total_weight, 1)),
            "eligible_from": eligibility["eligible_from"],
            "eligible_to": eligibility["eligible_to"],
            **{name.removeprefix(ATTRIBUTE): eligibility[name] for name in attributes},
        }
    )


def by_id(items: pa.Table) -> pa.Table:
    """Return the rows in the order of ``item_id`` (int64 or string), each column in one piece."""
    items = items.combine_chunks()
    ids = items["item_id"]
    if not pa.types.is_int64(ids.type):
        return items.sort_by("item_id").combine_chunks()
    numbers = ids.to_numpy()
    if bool((numbers[1:] >= numbers[:-1]).all()):
        return items
    return items.take(pa.array(order_of(numbers))).combine_chunks()


def _check_keys(keys: NDArray[np.uint64], ids: pa.ChunkedArray) -> None:
    ordered = keys.view(np.int64)
    if not (ordered[1:] > ordered[:-1]).all():
        ordered = sorted_numbers(ordered)
    if (ordered[1:] != ordered[:-1]).all():
        return
    known, first = np.unique(keys, return_index=True)
    second = np.setdiff1d(np.arange(len(keys)), first)[0]
    twin = int(first[np.searchsorted(known, keys[second])])
    raise InputError(
        Problem(
            "catalogue",
            "two item ids have the same 64-bit key",
            found=f"{ids[twin]} and {ids[int(second)]}",
            expected="distinct keys",
            next_step="Give one of them another id, or declare ids.item: bigint.",
        )
    )
