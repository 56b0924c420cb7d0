"""Users and items: what does not change from request to request."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow.simulation.clock import DAY_US, epoch_day
from winnow.simulation.config import Simulation
from winnow.simulation.streams import stream

NEVER_US = np.iinfo(np.int64).max
FAVOURITE_SHARES = (0.6, 0.3, 0.1)
SEGMENTS = ("heavy", "medium", "light")
ARMS = ("a", "b")

# A user vector is this long, an item vector has length 1. The relevance of an item of the dearest
# category is then about 2, of a category that is no favourite about 0, give or take 0.7.
_USER_VECTOR_LENGTH = 3.0
_SPREAD_IN_CATEGORY = 0.8
# Longer than the longest history, so that lasting items are valid on every simulated date.
_OLDEST_DAYS, _YOUNGEST_DAYS = 1_400, 400


@dataclass(frozen=True)
class Items:
    """All items ever; row i is the item with number i. Times are microseconds since 1970, UTC.

    ``weights`` are Zipf weights of popularity (largest 1). An item is valid at t when
    ``valid_from_us`` <= t < ``valid_to_us``; ``NEVER_US`` means that it is not retired.
    """

    vectors: NDArray[np.float32]
    weights: NDArray[np.float64]
    categories: NDArray[np.int64]
    valid_from_us: NDArray[np.int64]
    valid_to_us: NDArray[np.int64]


@dataclass(frozen=True)
class Users:
    """All users; row u is the user with number u.

    ``weights`` are Zipf weights of activity (largest 1). ``favourites`` holds three categories per
    user, the dearest first. ``segments`` and ``arms`` index ``SEGMENTS`` and ``ARMS``.
    """

    vectors: NDArray[np.float32]
    weights: NDArray[np.float64]
    favourites: NDArray[np.int64]
    segments: NDArray[np.int64]
    arms: NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Users and items. The relevance of an item for a user is the dot product of their vectors."""

    users: Users
    items: Items


def make_world(simulation: Simulation) -> World:
    """Return the users and items; they depend on the seed and ``first_day``, not on ``days``."""
    rng = stream(simulation.seed, "categories")
    centres = _unit(rng.standard_normal((simulation.categories, simulation.vector_size)))
    return World(users=_make_users(simulation, centres), items=_make_items(simulation, centres))


def _make_items(simulation: Simulation, centres: NDArray[np.float64]) -> Items:
    rng = stream(simulation.seed, "items")
    count = simulation.items
    categories = rng.integers(0, simulation.categories, count)
    weights = _zipf(rng, count, simulation.item_popularity_exponent)
    spread = rng.standard_normal((count, simulation.vector_size)) / simulation.vector_size**0.5
    vectors = _unit(centres[categories] + _SPREAD_IN_CATEGORY * spread)

    first = epoch_day(simulation.first_day)
    lasting_from = first - rng.uniform(_YOUNGEST_DAYS, _OLDEST_DAYS, count)
    window = simulation.turnover_days
    passing_from = first + rng.uniform(-window, window, count)
    passing_to = passing_from + rng.exponential(simulation.mean_life_days, count)
    passing = rng.random(count) < simulation.turnover_share
    # The first item lasts, so that no date is ever without any item.
    passing[0] = False
    return Items(
        vectors=vectors.astype(np.float32),
        weights=weights,
        categories=categories,
        valid_from_us=_whole_us(np.where(passing, passing_from, lasting_from)),
        valid_to_us=np.where(passing, _whole_us(passing_to), NEVER_US),
    )


def _make_users(simulation: Simulation, centres: NDArray[np.float64]) -> Users:
    rng = stream(simulation.seed, "users")
    count, kinds = simulation.users, simulation.categories
    weights = _zipf(rng, count, simulation.user_activity_exponent)
    # Three distinct categories: each next one is a non-zero step away from those before.
    first, second = rng.integers(0, kinds, count), rng.integers(1, kinds, count)
    third = rng.integers(1, kinds - 1, count)
    third += third >= second
    favourites = np.stack([first, (first + second) % kinds, (first + third) % kinds], axis=1)
    tastes = np.einsum("ufd,f->ud", centres[favourites], np.array(FAVOURITE_SHARES))
    spread = rng.standard_normal(tastes.shape) / simulation.vector_size**0.5
    vectors = _USER_VECTOR_LENGTH * _unit(tastes + 0.3 * spread)
    tenth, half = np.quantile(weights, [0.9, 0.5])
    return Users(
        vectors=vectors.astype(np.float32),
        weights=weights,
        favourites=favourites,
        segments=(weights < tenth).astype(np.int64) + (weights < half),
        arms=rng.integers(0, len(ARMS), count),
    )


def _zipf(rng: np.random.Generator, count: int, exponent: float) -> NDArray[np.float64]:
    """Return Zipf weights in random order, so that a number says nothing about popularity."""
    weights: NDArray[np.float64] = rng.permutation(np.arange(1, count + 1) ** -exponent)
    return weights


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def _whole_us(days: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return days since 1970 as microseconds, cut to whole seconds as a catalogue would."""
    seconds = np.floor(days * (DAY_US / 1e6)).astype(np.int64)
    return seconds * 1_000_000
