"""One task: a partition's events as Arrow batches in, its sample groups as one batch out."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.task_slots import TASK_SLOTS
from winnow.events.kinds import PAIR
from winnow.sampler.batch_file import load_batches
from winnow.sampler.catalogue_file import Catalogue, load_catalogue
from winnow.sampler.excluded_items import excluded_columns
from winnow.sampler.group_batches import group_batches
from winnow.sampler.group_columns import drawn_lists_of
from winnow.sampler.in_batch_columns import in_batch_columns
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.grouped_events import group_events
from winnow.sampler.kernels.groups import positive_codes, sample_groups
from winnow.sampler.kernels.owners import owners_of
from winnow.sampler.kernels.positives import Kept, Pairs, keep_positives
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.pool_columns import pool_columns
from winnow.sampler.pool_file import load_pools
from winnow.sampler.request_files import read_requests
from winnow.sampler.segment_texts import segment_texts
from winnow.sampler.streaming import load_log_q, streaming_columns
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.shipped import shipped


def sample_partition(
    batches: Iterable[pa.RecordBatch], settings: SamplerSettings
) -> Iterator[pa.RecordBatch]:
    """Run the kernels on one partition's events.

    Args:
        batches: What ``sampler.by_user`` returned, all rows of each user among them.
        settings: What the config asks for.

    Yields:
        Sample groups in the order of their positives' keys, or nothing without positives.
    """
    received = list(batches)
    if not received:
        return
    with TASK_SLOTS:
        groups = sampled(pa.Table.from_batches(received), settings)
    yield from groups


def sampled(table: pa.Table, settings: SamplerSettings) -> list[pa.RecordBatch]:
    """Return what ``sample_partition`` gives for one table, without waiting for a task slot."""
    catalogue = load_catalogue(shipped(settings.catalogue))
    of_pairs = table.filter(pc.equal(table["kind"], PAIR))
    if of_pairs.num_rows == 0:
        return []
    details = PairFiles(settings.pair_files).read(
        of_pairs["owner_key"].to_numpy(), of_pairs["item_key"].to_numpy()
    )
    pairs, draws = pairs_of(details), catalogue.draws
    kept, resampling = kept_positives(pairs, catalogue, settings)
    if len(kept.user) == 0:
        return []
    codes = positive_codes(kept, draws)
    texts = {
        place: segment_texts(details[column]).take(pa.array(kept.pair))
        for place, column in settings.negatives.told_by
    }
    of_sources = [one.distribution for one in settings.negatives.drawn]
    group_of = catalogue.groups_of(codes, of_sources, texts)
    recipe = settings.negatives.recipe()
    events = _events(table)
    owners, shown_us = owners_of(kept), pairs.impression_us[kept.pair]
    others, request_ids = None, None
    if settings.negatives.others.asked > 0:
        others, request_ids = read_requests(table, details, owners, settings.pair_files)
    further = () if others is None else (others.further,)
    grouped = group_events(events, owners, draws.slots, draws.keys, *further)
    groups = sample_groups(
        events, grouped, owners, kept, shown_us, codes, draws, group_of, recipe, others
    )
    asked = settings.of_positives.columns(details, pairs, kept) | resampling
    if settings.batches is not None:
        batches = load_batches(shipped(settings.batches))
        asked |= in_batch_columns(
            kept, events, grouped, owners, batches, conflict_free=settings.conflict_free
        )
        if settings.streaming is not None:
            asked |= streaming_columns(kept, batches, load_log_q(shipped(settings.streaming)))
        if settings.pools is not None:
            pools = load_pools(shipped(settings.pools))
            asked |= pool_columns(kept, codes, grouped, owners, draws, batches, pools)
    if settings.excluded_at_most is not None:
        ids = table["item_text" if "item_text" in table.column_names else "item_key"]
        asked |= excluded_columns(ids, events, grouped, owners, settings.excluded_at_most)
    lists = drawn_lists_of(mixture=settings.negatives.spec.mixture)
    return group_batches(details, kept, groups, catalogue, asked, lists, request_ids)


def kept_positives(
    pairs: Pairs, catalogue: Catalogue, settings: SamplerSettings
) -> tuple[Kept, dict[str, pa.Array]]:
    """Return the positives of the date of some users, and what is known of their resampling.

    Args:
        pairs: All pairs of these users that ``stage_kept_pairs`` kept.
        catalogue: The items. settings: What the config asks for.

    Returns:
        What ``PositiveColumns.resampled`` returns.
    """
    draws = catalogue.draws
    seeds = settings.positive_seed, settings.draw_seed
    others = settings.weak_share, settings.thinned
    kept = keep_positives(pairs, draws.hot_keys, draws.hot_keep, *seeds, *others)

    def clicks_of(kept: Kept) -> NDArray[np.int64]:
        return catalogue.clicks_of(kept.item, positive_codes(kept, draws))

    return settings.of_positives.resampled(_of_date(kept, pairs, settings), clicks_of)


def _keys(table: pa.Table, name: str) -> NDArray[np.uint64]:
    keys: NDArray[np.uint64] = table[name].to_numpy().view(np.uint64)
    return keys


def _events(table: pa.Table) -> Events:
    def ranked(name: str, kind: type[np.generic]) -> NDArray[Any]:
        # A NULL score becomes NaN here, which is how the kernels know it.
        known = table[name].to_numpy() if name in table.column_names else np.empty(0)
        return known.astype(kind, copy=False)

    events = Events(
        owner=_keys(table, "owner_key"),
        item=_keys(table, "item_key"),
        kind=table["kind"].to_numpy(),
        score=ranked("score", np.float64),
        rank=ranked("rank", np.int32),
        stage_size=ranked("stage_size", np.int32),
        event_us=ranked("event_us", np.int64),
    )
    for column in events:
        # Those of one batch cannot be written, those of several can: for Numba two types, for each
        # of which it would compile all kernels.
        column.flags.writeable = False
    return events


def pairs_of(details: pa.Table) -> Pairs:
    """Return pairs as kernels take them: the columns of ``PairFiles``."""
    return Pairs(
        user=_keys(details, "user_key"),
        request=_keys(details, "request_key"),
        item=_keys(details, "item_key"),
        owner=_keys(details, "owner_key"),
        impression_us=details["impression_us"].to_numpy(),
        click_us=details["click_us"].to_numpy(),
        action=details["action"].to_numpy(),
        tie=_tie(details),
    )


def _tie(details: pa.Table) -> NDArray[np.int64]:
    """Return what decides among pairs of one positive, of equal times: the impression, the click.

    Which of several clicks at one time it is matters only where the tables carry columns of it.
    """
    tie: NDArray[np.int64] = details["tie"].to_numpy()
    if "click_tie" not in details.column_names:
        return tie
    order = np.lexsort((details["click_tie"].to_numpy(), tie))
    place = np.empty(len(tie), np.int64)
    place[order] = np.arange(len(tie))
    return place


def _of_date(kept: Kept, pairs: Pairs, settings: SamplerSettings) -> Kept:
    """Leave out positives whose earliest impression lies on another date: they are that date's."""
    shown = pairs.impression_us[kept.pair]
    of_date = (shown >= settings.start_us) & (shown < settings.end_us)
    columns: list[Any] = [column[of_date] for column in kept]
    return Kept(*columns)
