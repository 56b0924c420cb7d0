"""One shuffle by request: every hard negative beside the ranking log's rows of its request."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.arrays.task_slots import TASK_SLOTS
from winnow.audit.recompute.kernels.ranking_lists import (
    HardCounts,
    Logged,
    StageRules,
    Stated,
    look_up,
)
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import Limits
from winnow.spark.passes import of_pass, passes_for

if TYPE_CHECKING:
    from winnow.config.ladder import Rung
    from winnow.config.tree import Config

_NAMES = HardCounts._fields
_COUNTS = ", ".join(f"{name} bigint" for name in _NAMES)
_NO_STAGE = 60
_SIZES = 2**31


@dataclass(frozen=True)
class HardRows:
    """The rows that meet in the pass.

    Attributes:
        logged: Rows of the ranking log that say how far an item came: ``request_id``, ``user_id``,
            ``item_id``, ``stage``, ``score``, ``rank`` and ``stage_size`` as the log has them, and
            ``cut`` (boolean, never NULL: the row lets its item be a negative of its stage).
        stated: Hard negatives: ``user_id``, ``request_id``, ``neg_item_id``, ``stage``, and
            ``stage_score``, ``stage_rank``, ``stage_size`` where the table has them.
        n_rows: About how many rows these are together.
        n_positives: How many positives, and so at most how many requests.
        by_user: Whether a row that names its user is of that user's request only.
    """

    logged: DataFrame
    stated: DataFrame
    n_rows: int
    n_positives: int
    by_user: bool = False


def hard_counts(rows: HardRows, config: "Config", rules: StageRules, limits: Limits) -> HardCounts:
    """Count the hard negatives that are not as the log says.

    Args:
        rows: What the log and the staged table hold.
        config: The ladder of stages and the id types.
        rules: What holds for each stage.
        limits: How much is compared at a time.
    """
    ladder, known = config.ladder, set(rows.stated.columns)
    asked = F.xxhash64("request_id", "user_id")
    requests = rows.stated.select("request_id").distinct()
    if rows.by_user:
        requests = rows.stated.select("request_id", F.col("user_id").alias("asker")).distinct()
    if rows.n_positives <= limits.broadcast_rows:
        requests = broadcast(requests, "request_id")
    ranked = "stage_rank" in known
    if rows.by_user:
        met = rows.logged.join(requests, "request_id")
        met = met.where(F.coalesce(F.col("user_id") == F.col("asker"), _any_user(config)))
        of_log, of_stated = F.xxhash64("request_id", "asker"), asked
    else:
        met = rows.logged.join(requests, "request_id", how="left_semi")
        of_log = of_stated = key_of("request_id", config.ids.request)
    logged = met.select(
        of_log.alias("request"),
        key_of("item_id", config.ids.item).alias("item"),
        (_place(ladder) * 2 + F.col("cut").cast("int")).cast("tinyint").alias("kind"),
        F.col("score").cast("double").alias("value"),
        # Narrow rows are what makes a shuffle cheap: rank and size are one number, and below a
        # sign tells the two kinds of rows apart.
        _as_one(F.coalesce(F.col("rank").cast("bigint"), F.lit(-1)) + 1, "stage_size"),
    )
    score = F.col("stage_score") if "stage_score" in known else F.lit(None)
    stated = rows.stated.select(
        of_stated.alias("request"),
        key_of("neg_item_id", config.ids.item).alias("item"),
        (-1 - _place(ladder)).cast("tinyint").alias("kind"),
        score.cast("double").alias("value"),
        _as_one(F.coalesce(F.col("stage_rank").cast("bigint"), F.lit(0)), "stage_size")
        if ranked
        else F.lit(0).cast("bigint").alias("place"),
    )
    task: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]] = partial(
        _look_up_partition,
        rules=rules,
        scored="stage_score" in known,
        ranked=ranked,
    )
    both, total = logged.unionByName(stated), np.zeros(len(_NAMES), np.int64)
    passes, partitions = passes_for(
        both.sparkSession, rows.n_rows, limits.audited, limits.memory_gib
    )
    for number in range(passes):
        turn = of_pass(both, "request", number, passes).repartition(partitions, "request")
        sums = turn.mapInArrow(task, _COUNTS).agg(*(F.sum(name) for name in _NAMES))
        total += [int(value or 0) for value in sums.collect()[0]]
    return HardCounts(*(int(value) for value in total))


def _any_user(config: "Config") -> Column:
    """Return whether a row that names no user may be of any: not where users must agree."""
    return F.lit(config.attribution.users != "agree")


def _place(ladder: "Sequence[Rung]") -> Column:
    places = (F.when(F.col("stage") == s.name, F.lit(i)) for i, s in enumerate(ladder))
    return F.coalesce(*places, F.lit(_NO_STAGE))


def _as_one(rank: Column, size: str) -> Column:
    """Return rank and size in one number; a size that is not known, or below 0, is 0."""
    known = F.greatest(F.coalesce(F.col(size).cast("bigint"), F.lit(0)), F.lit(0))
    return (rank * _SIZES + known).cast("bigint").alias("place")


def _look_up_partition(
    batches: Iterable[pa.RecordBatch],
    rules: StageRules,
    scored: bool,
    ranked: bool,
) -> Iterator[pa.RecordBatch]:
    received = list(batches)
    if received:
        with TASK_SLOTS:
            rows = pa.Table.from_batches(received)
            found = _looked_up(rows, rules, scored=scored, ranked=ranked)
        yield pa.RecordBatch.from_pydict({name: [getattr(found, name)] for name in _NAMES})


def _looked_up(rows: pa.Table, rules: StageRules, *, scored: bool, ranked: bool) -> HardCounts:
    requests = rows["request"].combine_chunks().dictionary_encode()
    request = requests.indices.to_numpy().astype(np.int64)
    item, value = np.asarray(rows["item"].to_numpy(), np.int64), rows["value"].to_numpy()
    kind = rows["kind"].to_numpy().astype(np.int64)
    of_log, stated = kind >= 0, kind < 0
    stage, places = -1 - kind[stated], rows["place"].to_numpy().astype(np.int64)
    ranks, sizes = places // _SIZES, places % _SIZES
    return look_up(
        len(requests.dictionary),
        Logged(
            request=request[of_log],
            stage=kind[of_log] >> 1,
            item=item[of_log],
            score=value[of_log],
            rank=ranks[of_log] - 1,
            size=sizes[of_log],
            cut=(kind[of_log] & 1) == 1,
        ),
        Stated(
            request=request[stated],
            stage=np.where(stage == _NO_STAGE, -1, stage),
            item=item[stated],
            score=value[stated] if scored else np.empty(0),
            rank=ranks[stated] if ranked else np.empty(0, np.int64),
            size=sizes[stated] if ranked else np.empty(0, np.int64),
        ),
        rules,
    )
