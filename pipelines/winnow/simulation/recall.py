"""Recall: distinct items for each request, drawn from three channels."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from winnow.simulation.clock import DAY_US, epoch_day
from winnow.simulation.config import Simulation
from winnow.simulation.requests import Requests
from winnow.simulation.world import FAVOURITE_SHARES, Items, World

# Draws repeat popular items; with twice as many draws most requests fill up with distinct ones.
_DRAWS_PER_ITEM = 2
# A draw is packed into one integer, (item, draw number) or back, so that plain sorts do the work.
_DRAW_BITS, _ITEM_BITS = 16, 32


@dataclass(frozen=True)
class Shelf:
    """The items that are valid at some time of one date, in the order of their categories.

    ``items`` are item numbers. ``bounds`` has one entry more: item j of the shelf owns the stretch
    from ``bounds[j]`` to ``bounds[j + 1]``, as long as its weight; category c owns the stretch from
    ``category_bounds[c]`` to ``category_bounds[c + 1]``.
    """

    items: NDArray[np.int64]
    bounds: NDArray[np.float64]
    category_bounds: NDArray[np.float64]


def shelf_of(items: Items, day: date, categories: int) -> Shelf:
    """Return the items of one date, ready for draws by popularity, overall or in a category."""
    start_us = epoch_day(day) * DAY_US
    on_shelf = (items.valid_from_us < start_us + DAY_US) & (items.valid_to_us > start_us)
    numbers = np.flatnonzero(on_shelf)
    numbers = numbers[np.argsort(items.categories[numbers], kind="stable")]
    bounds = np.concatenate([[0.0], np.cumsum(items.weights[numbers])])
    firsts = np.searchsorted(items.categories[numbers], np.arange(categories + 1))
    return Shelf(items=numbers, bounds=bounds, category_bounds=bounds[firsts])


def recall(
    simulation: Simulation,
    world: World,
    shelf: Shelf,
    requests: Requests,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return (items, present), both of shape (requests, recall_size).

    Each row holds distinct item numbers, valid at the time of the request, in the order in which
    the channels gave them. A row may be short: ``present`` is true for its leading entries only.
    """
    drawn = _draw(simulation, world, shelf, requests, rng)
    width = drawn.shape[1]
    packed = (drawn << _DRAW_BITS) | np.arange(width)
    packed.sort(axis=1)
    drawn, order = packed >> _DRAW_BITS, packed & ((1 << _DRAW_BITS) - 1)
    times = requests.times_us[:, None]
    kept = (world.items.valid_from_us[drawn] <= times) & (times < world.items.valid_to_us[drawn])
    kept[:, 1:] &= drawn[:, 1:] != drawn[:, :-1]
    packed = (np.where(kept, order, width) << _ITEM_BITS) | drawn
    packed.sort(axis=1)
    packed = packed[:, : simulation.recall_size]
    return packed & ((1 << _ITEM_BITS) - 1), (packed >> _ITEM_BITS) < width


def _draw(
    simulation: Simulation,
    world: World,
    shelf: Shelf,
    requests: Requests,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return item numbers with repeats: popular ones, ones of favourite categories, any ones."""
    shape = (len(requests), simulation.recall_size * _DRAWS_PER_ITEM)
    channel, place = rng.random(shape), rng.random(shape)
    popular, affine = simulation.popular_recall_share, simulation.affinity_recall_share
    low, high = np.zeros(shape), np.full(shape, shelf.bounds[-1])

    by_affinity = np.nonzero((channel >= popular) & (channel < popular + affine))
    which = np.searchsorted(
        np.cumsum(FAVOURITE_SHARES)[:-1], (channel[by_affinity] - popular) / max(affine, 1e-12)
    )
    category = world.users.favourites[requests.users[by_affinity[0]], which]
    low[by_affinity] = shelf.category_bounds[category]
    high[by_affinity] = shelf.category_bounds[category + 1]

    # A favourite category without items today is an empty stretch: its neighbour's item is taken.
    found = np.searchsorted(shelf.bounds, low + place * (high - low), side="right") - 1
    exploring = channel >= popular + affine
    found[exploring] = (place[exploring] * len(shelf.items)).astype(np.int64)
    drawn: NDArray[np.int64] = shelf.items[np.minimum(found, len(shelf.items) - 1)]
    return drawn
