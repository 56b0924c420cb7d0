"""The pools of a date: which batches share one, and what is in it; drawn once, on the driver."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from winnow.config.asked_negatives import Drawn
from winnow.errors import ConfigError, Problem
from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.kernels.batches import Batches
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.pools import Pools, PoolSources, draw_pools, mixture_log_q
from winnow.sampler.pool_file import save_pools

if TYPE_CHECKING:
    from winnow.run import Run


@dataclass(frozen=True)
class StagedPools:
    """The pools of a date.

    Attributes:
        rows: The columns of batch_draws but the date: one row per draw, by pool and slot.
        shipped: The name that tasks find the ``Pools`` by.
    """

    rows: DataFrame
    shipped: str


def stage_pools(batches: Batches, catalogue: Catalogue, seed: np.uint64, run: "Run") -> StagedPools:
    """Draw the pools of the batches of a date, and ship what tasks need of them.

    Args:
        batches: The batches. catalogue: What is drawn from.
        seed: What the hashes for negatives start from. run: The date, and the config with its pool.

    Raises:
        ConfigError: A source of the user's own draws by the positive.
    """
    scratch, config = run.scratch, run.config
    assert config.pool is not None
    sources = [one for one in config.pool_sources if gives_items(one, catalogue)]
    of_batch, splits, sizes = shared_by(batches, config.pool.batches)
    rows, pools = drawn_pools(
        batches, catalogue, sources, seed, run.day.date, (of_batch, splits, sizes)
    )
    path = scratch.folder / f"pools-{scratch.tag}.arrow"
    save_pools(pools, path)
    return StagedPools(scratch.stored(rows, "batch-draws"), scratch.ship(path))


def gives_items(source: Drawn, catalogue: Catalogue) -> bool:
    """Return whether a source has items on this date.

    Raises:
        ConfigError: Which ones it has depends on the positive.
    """
    place = source.distribution
    first = int(catalogue.first_groups[place])
    ends = [*catalogue.first_groups.tolist()[1:], len(catalogue.draws.groups.totals)]
    n_groups = int(ends[place]) - first
    if n_groups and (catalogue.by_item[place] or catalogue.by_user(place)):
        what = "what it draws from depends on the positive, and a pool is shared by many"
        raise ConfigError(Problem(f"in_batch.pool, the source {source.name}", what))
    return n_groups > 0


def shared_by(
    batches: Batches, together: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Say which batches share a pool: so many neighbours of one split, of as many rows each.

    A batch that has fewer rows than the one before it, as the last of a split, begins another pool:
    how likely an item is in batch and pool depends on the rows of the batch.

    Returns:
        The pool of each batch, shape (b,); of each pool the split and the rows of a batch, shape
        (p,).
    """
    sizes = np.diff(batches.begins)
    split = np.searchsorted(batches.split_begins, batches.begins[:-1], side="right") - 1
    number, begins = np.arange(len(sizes)), np.ones(len(sizes), np.bool_)
    begins[1:] = (split[1:] != split[:-1]) | (sizes[1:] != sizes[:-1])
    is_new = (number - np.maximum.accumulate(np.where(begins, number, 0))) % together == 0
    return np.cumsum(is_new) - 1, split[is_new], sizes[is_new]


def drawn_pools(
    batches: Batches,
    catalogue: Catalogue,
    sources: list[Drawn],
    seed: np.uint64,
    day: date,
    shared: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> tuple[pa.Table, Pools]:
    """Draw the items of pools.

    Args:
        batches: The batches. catalogue: What is drawn from.
        sources: Those that have items. seed: What the hashes for negatives start from.
        day: The date. shared: What ``shared_by`` returned.

    Returns:
        ``pool_id``, ``slot``, ``item_id``, ``source``, ``log_q``, ``mixture_log_q``, ``item_slot``:
        one row per draw; and what tasks need.
    """
    of_batch, splits, sizes = shared
    draws, groups = catalogue.draws, catalogue.draws.groups
    asked = PoolSources(
        np.array([one.asked for one in sources], np.int64),
        np.array([catalogue.first_groups[one.distribution] for one in sources], np.int64),
        np.array([one.stream for one in sources], np.uint64),
    )
    number = U((day - date(1970, 1, 1)).days)
    codes, log_q = draw_pools(len(sizes), seed, number, len(catalogue.ids), groups, asked)
    # By code, and of one code the first slot first.
    order = np.argsort(codes, axis=1, kind="stable").astype(np.int32)
    ascending = np.take_along_axis(codes, order, axis=1)
    is_first = np.ones(codes.shape, np.bool_)
    is_first[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    first_slots, run = order[is_first], (np.cumsum(is_first) - 1).reshape(codes.shape)
    item_slot = np.empty_like(order)
    np.put_along_axis(item_slot, order, first_slots[run], axis=1)
    pools = Pools(
        of_batch.astype(np.int64),
        np.concatenate([[0], np.cumsum(is_first.sum(axis=1))]).astype(np.int64),
        ascending[is_first],
        first_slots,
        *asked,
    )
    of_items = np.repeat(np.arange(len(sizes)), np.diff(pools.begins))
    mixture = mixture_log_q(
        draws.keys[pools.codes],
        pools.codes,
        splits[of_items],
        sizes[of_items],
        batches,
        groups,
        asked.asked,
        asked.group,
    )
    mixtures = np.empty(codes.shape)
    np.put_along_axis(mixtures, order, mixture[run], axis=1)
    names = pa.array([one.name for one in sources], pa.string())
    source = np.repeat(np.arange(len(sources)), asked.asked)
    n_pools, size = codes.shape
    rows = {
        "pool_id": pa.array(np.repeat(np.arange(n_pools, dtype=np.int64), size)),
        "slot": pa.array(np.tile(np.arange(size, dtype=np.int32), n_pools)),
        "item_id": catalogue.ids.take(pa.array(codes.ravel())),
        "source": names.take(pa.array(np.tile(source, n_pools))),
        "log_q": pa.array(log_q.ravel()),
        "mixture_log_q": pa.array(mixtures.ravel()),
        "item_slot": pa.array(item_slot.ravel()),
    }
    return pa.table(rows), pools
