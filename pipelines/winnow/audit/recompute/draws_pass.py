"""One shuffle by user: every negative beside what the logs, read again, forbid its user."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DoubleType,
    IntegerType,
    StructField,
    StructType,
)

from winnow.arrays.task_slots import TASK_SLOTS
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import (
    CLICKED,
    NOTHING,
    POSITIVE,
    RECALLED,
    SHOWN,
    DrawFigures,
    examine,
    log_q_edges,
)
from winnow.audit.recompute.negative_lists import (
    LISTS,
    REQUEST,
    SEGMENTS,
    int64_of,
    negatives_in,
)
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import Limits
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.shipped import shipped

if TYPE_CHECKING:
    from winnow.config.tree import Ids

# What a task gives, to be added up over tasks: sums by slot, by group, and what has neither.
_SCALARS = (
    "shown", "clicked", "ineligible", "outside", "invalid", "differing", "mixing", "recalled",
    "repeated",
)  # fmt: skip
_SUMS = ("drawn", "blocked", "spent", "total", "once")
_SCHEMA = StructType(
    [
        StructField("place", IntegerType(), nullable=False),
        *(StructField(name, DoubleType(), nullable=False) for name in _SUMS),
    ]
)


@dataclass(frozen=True)
class DrawRows:
    """The rows that meet in the pass; ``user_id`` and ``item_id`` as in the contracts.

    Attributes:
        shown, clicked: Readable impressions and clicks of the exclusion window: ``user_id``,
            ``item_id``.
        negatives: One row per positive: ``user_id``, ``item_id``, ``neg_item_ids``,
            ``neg_source``, ``neg_log_q``, and ``neg_mixture_log_q`` where it is compared, as in
            training_samples; several rows may be of one positive. ``segments`` (array<int>) where
            sources draw by segments of users or markets of requests: that of the positive by each
            attribute, then by each column that tells its market, -1 where none.
            ``request_id`` where ``recalled`` is there.
        recalled: ``user_id``, ``request_id``, ``item_id`` of what the ranking log has of the
            positives' requests, duplicates allowed, where a source must not give it.
        n_rows: About how many rows these are together.
        n_positives: How many positives, and so at most how many users.
    """

    shown: DataFrame
    clicked: DataFrame
    negatives: DataFrame
    n_rows: int
    n_positives: int
    recalled: DataFrame | None = None


def draw_figures(
    rows: DrawRows,
    drawable: Drawable,
    shipped_name: str,
    ids: "Ids",
    limits: Limits,
    exempt: int | None = None,
) -> DrawFigures:
    """Compare every negative with its user's forbidden set, in one shuffle.

    Args:
        rows: What the logs and the staged table hold.
        drawable: What may be drawn.
        shipped_name: The name that tasks find its file by.
        ids: The id types.
        limits: How much is compared at a time.
        exempt: As for ``examine``.
    """
    users = rows.negatives.select(key_of("user_id", ids.user).alias("user_key"))
    told = set(rows.negatives.columns)
    few_users = rows.n_positives <= limits.broadcast_rows
    lists = {n: kind for n, kind in LISTS.items() if n == "neg_keys" or n in told}
    lists |= {SEGMENTS: "array<int>"} if SEGMENTS in told else {}
    with_requests = rows.recalled is not None

    def of_request(column: Column) -> tuple[Column, ...]:
        return (column.alias(REQUEST),) if with_requests else ()

    hash_of_request = F.xxhash64("user_id", "request_id")
    no_list = [F.lit(None).cast(kind).alias(name) for name, kind in lists.items()]

    def of_log(frame: DataFrame, kind: int) -> DataFrame:
        events = frame.select(
            key_of("user_id", ids.user).alias("user_key"),
            key_of("item_id", ids.item).alias("item_key"),
            F.lit(kind).cast("tinyint").alias("kind"),
            *of_request(hash_of_request if kind == RECALLED else F.lit(0).cast("bigint")),
            *no_list,
        )
        # What was recalled is of the positives' users already.
        if not few_users or kind == RECALLED:
            return events
        return events.join(broadcast(users.distinct(), "user_key"), "user_key", how="left_semi")

    keys = F.transform("neg_item_ids", lambda item: key_of(item, ids.item))
    positives = rows.negatives.select(
        key_of("user_id", ids.user).alias("user_key"),
        key_of("item_id", ids.item).alias("item_key"),
        F.lit(POSITIVE).cast("tinyint").alias("kind"),
        *of_request(hash_of_request),
        keys.alias("neg_keys"),
        *(name for name in lists if name != "neg_keys"),
    )
    of_logs = [of_log(rows.shown, SHOWN), of_log(rows.clicked, CLICKED)]
    if rows.recalled is not None:
        of_logs.append(of_log(rows.recalled, RECALLED))
    union = reduce(DataFrame.unionByName, [*of_logs, positives])
    passes, partitions = passes_for(
        union.sparkSession, rows.n_rows, limits.audited, limits.memory_gib
    )
    task: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]] = partial(
        _examine_partition, shipped_name=shipped_name, exempt=exempt
    )
    sums = [
        of_pass(union, "user_key", number, passes)
        .repartition(partitions, "user_key")
        .mapInArrow(task, _SCHEMA)
        .groupBy("place")
        .agg(*(F.sum(name).alias(name) for name in _SUMS))
        .toArrow()
        for number in range(passes)
    ]
    return _figures(pa.concat_tables(sums), drawable)


def _examine_partition(
    batches: Iterable[pa.RecordBatch], shipped_name: str, exempt: int | None = None
) -> Iterator[pa.RecordBatch]:
    received = list(batches)
    if received:
        with TASK_SLOTS:
            rows = pa.Table.from_batches(received)
            sums = list(_sums(_examined(rows, shipped_name, exempt)))
        yield from sums


def _examined(rows: pa.Table, shipped_name: str, exempt: int | None) -> DrawFigures:
    drawable = Drawable.load(shipped(shipped_name))
    users = rows["user_key"].combine_chunks().dictionary_encode()
    place = np.asarray(users.indices.to_numpy(), np.int32)
    kind = rows["kind"].to_numpy()
    item, request = int64_of(rows["item_key"]), None
    if REQUEST in rows.column_names:
        requests = rows[REQUEST].combine_chunks().dictionary_encode()
        request = np.asarray(requests.indices.to_numpy(), np.int32)

    def of_kind(code: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        return place[kind == code], item[kind == code]

    positive = kind == POSITIVE
    of_positives = None if request is None else request[positive]
    recalled = kind == RECALLED
    return examine(
        len(users.dictionary),
        of_kind(SHOWN),
        of_kind(CLICKED),
        negatives_in(rows.filter(pa.array(positive)), place[positive], of_positives),
        drawable,
        NOTHING if request is None else (request[recalled], item[recalled]),
        exempt,
    )


def _sums(found: DrawFigures) -> Iterator[pa.RecordBatch]:
    once = np.array([*(getattr(found, name) for name in _SCALARS), *found.log_q], np.float64)
    columns = {
        "drawn": found.drawn,
        "blocked": found.blocked,
        "spent": found.spent,
        "total": found.total,
        "once": once,
    }
    for names in (("drawn", "blocked", "spent"), ("total",), ("once",)):
        own = [columns[name] for name in names]
        places = np.flatnonzero(np.any(own, axis=0))
        none = np.zeros(len(places))
        yield _batch(places, [columns[n][places] if n in names else none for n in _SUMS])


def _batch(places: NDArray[np.int64], sums: list[NDArray[np.float64]]) -> pa.RecordBatch:
    arrays = [pa.array(places.astype(np.int32)), *(pa.array(column) for column in sums)]
    return pa.RecordBatch.from_arrays(arrays, names=_SCHEMA.names)


def _figures(sums: pa.Table, drawable: Drawable) -> DrawFigures:
    place = sums["place"].to_numpy()

    def of(name: str, size: int) -> NDArray[np.float64]:
        values, own = np.zeros(size), sums[name].to_numpy()
        within = place < size
        # A place comes once from every pass.
        np.add.at(values, place[within], own[within])
        return values

    once = of("once", len(_SCALARS) + len(log_q_edges(drawable)) - 1)
    scalars, log_q = np.split(once, [len(_SCALARS)])
    return DrawFigures(
        **{name: round(value) for name, value in zip(_SCALARS, scalars.tolist(), strict=True)},
        total=of("total", len(drawable.begins) - 1),
        drawn=of("drawn", len(drawable.items)),
        blocked=of("blocked", len(drawable.items)),
        spent=of("spent", len(drawable.items)),
        log_q=log_q,
    )
