"""Hard negatives chosen by score: their hashes and scores tell who came first, once more."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.hashes import Uint64s, followed_by, hashes_of
from winnow.audit.recompute.logged_scores import OF_REQUEST, best_scores
from winnow.audit.recompute.quotas import rows_of_pools
from winnow.audit.recompute.repeats import hashes_of_repeats
from winnow.audit.recompute.request_sample import of_some_requests
from winnow.audit.recompute.staged_rows import of_stage
from winnow.audit.recompute.user_caps import KEYS, key_columns
from winnow.config.chosen_entries import StageEntry
from winnow.config.sources import source_named
from winnow.config.tree import Config
from winnow.events.keys import key_of

_STREAMS = 256


class ScorePool(NamedTuple):
    """A pool whose candidates are chosen by their score at one stage.

    Attributes:
        hardness: Of the stage. level: Its place in the ladder.
        stream: Names the hashes that choose. temperature: What scores are divided by.
        asked: How many are chosen.
        shared: Whether the candidates of all positives of a request are the same.
    """

    hardness: int
    level: int
    stream: int
    temperature: float
    asked: int
    shared: bool


def score_pools(config: Config) -> Iterator[ScorePool]:
    """Give the pools that are chosen by score, and known by the hardness of their stage."""
    for one, hardness, *_ in rows_of_pools(config):
        if one.selection != "score" or hardness is None:
            continue
        entries: list[StageEntry] = [config.negatives.of_stages[i] for i in one.entries]
        first = entries[0]
        number = 0 if first.quota.open else one.entries[0] + 1
        yield ScorePool(
            hardness=hardness[0],
            level=config.funnel.level_of(first.stage),
            stream=source_named(first.source).stream + _STREAMS * number,
            temperature=1.0 if first.temperature is None else first.temperature,
            asked=one.asked,
            shared=not any(entry.has_margin for entry in entries),
        )


def out_of_order(evidence: Evidence, samples: DataFrame, pool: ScorePool, one_in: int) -> int:
    """Count the positives of which others should have been chosen from a pool, or in another order.

    Args:
        evidence: The logs and the config.
        samples: training_samples, staged.
        pool: The pool.
        one_in: The positives of one in so many requests are looked at.
    """
    config = evidence.config
    repeat = F.col("repeat_idx") if "repeat_idx" in samples.columns else F.lit(0)
    lists = F.arrays_zip("neg_item_ids", "neg_source", "neg_hardness")
    rows = of_some_requests(samples, one_in).select(
        *OF_REQUEST, "item_id", repeat.alias("number"), F.posexplode(lists).alias("place", "of")
    )
    hard = of_stage(F.col("of.neg_source"), config)
    chosen = rows.where(hard & (F.col("of.neg_hardness") == pool.hardness)).select(
        *OF_REQUEST, "item_id", "number", "place", F.col("of.neg_item_ids").alias("neg_item_id")
    )
    best = best_scores(evidence, chosen, [pool.level], one_in).select(
        *OF_REQUEST, F.col("item_id").alias("neg_item_id"), F.col(f"score_{pool.level}")
    )
    met = chosen.join(best, [*OF_REQUEST, "neg_item_id"], how="left")
    table = met.select(
        *key_columns(config),
        key_of("neg_item_id", config.ids.item).alias("negative"),
        "number",
        "place",
        F.col(f"score_{pool.level}").alias("score"),
    ).toArrow()
    higher = config.funnel.higher_score_is_better
    return count_out_of_order(table, pool, config.seed, config.epoch, higher=higher)


def count_out_of_order(
    rows: pa.Table, pool: ScorePool, seed: int, epoch: int, *, higher: bool
) -> int:
    """Count the positives of which others should have been chosen, or in another order.

    What was chosen for one positive of a request is a candidate of the others of the request as
    well: where so many as asked for were chosen, those that were not must come behind them.

    Args:
        rows: One row per chosen negative: ``user``, ``request``, ``item``, ``negative`` (bigint
            keys), ``number`` (the repeat_idx), ``place`` (ascending in the order of choice),
            ``score`` (double, NULL where the log has none).
        pool: What they were chosen from. seed, epoch: Of the build.
        higher: Whether a higher score is better.
    """
    keys = [_keys(rows, name) for name in KEYS]
    number = rows["number"].to_numpy().astype(np.int64)
    order = np.lexsort((rows["place"].to_numpy(), number, *keys[::-1]))
    hashes = hashes_of_repeats(hashes_of(seed, *keys, epoch=epoch), number)
    start = followed_by(hashes, pool.stream)[order]
    negative = _keys(rows, "negative")[order]
    score = rows["score"].to_numpy(zero_copy_only=False).astype(np.float64)[order]
    goodness = score if higher else -score
    request = np.stack([key[order] for key in keys[:2]])
    positive = np.stack([*request, keys[2][order], number[order].astype(np.uint64)])
    wrong = 0
    for first, last in _runs(request):
        known = dict(zip(negative[first:last].tolist(), goodness[first:last], strict=True))
        for begin, end in _runs(positive[:, first:last]):
            own = slice(first + begin, first + end)
            wrong += _is_out_of_order(start[first + begin], negative[own], known, pool)
    return wrong


def _is_out_of_order(
    start: np.uint64, chosen: Uint64s, known: dict[int, np.float64], pool: ScorePool
) -> bool:
    """Return whether what was chosen does not come in at falling weight, or others come before."""
    others = [item for item in known if item not in set(chosen.tolist())]
    if not pool.shared or len(chosen) < pool.asked:
        others = []
    items = np.array([*chosen.tolist(), *others], np.uint64)
    late = _arrivals(start, items, np.array([known[item] for item in items.tolist()]), pool)
    own, tolerance = late[: len(chosen)], 1e-9 * (1.0 + np.abs(late).max(initial=0.0))
    if np.isnan(own).any() or (np.diff(own) < -tolerance).any():
        return True
    return bool((late[len(chosen) :] < own.max(initial=-np.inf) - tolerance).any())


def _arrivals(
    start: np.uint64, items: Uint64s, goodness: NDArray[np.float64], pool: ScorePool
) -> NDArray[np.float64]:
    """Return ln of the time of arrival, exponential with the rate exp(score / temperature)."""
    bits = followed_by(np.full(len(items), start), items)
    u = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    # Relative to the best, so that large scores lose no digits.
    behind = np.nanmax(goodness, initial=-np.inf) - goodness
    return np.asarray(behind / pool.temperature + np.log(-np.log(u)), np.float64)


def _keys(rows: pa.Table, name: str) -> Uint64s:
    return np.asarray(rows[name].to_numpy(), np.int64).view(np.uint64)


def _runs(columns: Uint64s) -> Iterator[tuple[int, int]]:
    """Give where runs of equal columns begin and end; shape (columns, n)."""
    n = columns.shape[1]
    if n == 0:
        return
    new = np.flatnonzero((columns[:, 1:] != columns[:, :-1]).any(axis=0)) + 1
    edges = [0, *new.tolist(), n]
    yield from pairwise(edges)
