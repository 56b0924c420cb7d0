"""Items with several ids: the one id that each counts as, in every log, before all else."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.arrays.chains import ends_of_chains, one_circle
from winnow.contracts.conforming import made_impression_id
from winnow.contracts.log import Log
from winnow.contracts.rows import OWN_ID, on_date, valid_rows
from winnow.dates import CalendarDay
from winnow.errors import InputError, Problem
from winnow.events.periods import periods_on
from winnow.run import Run
from winnow.spark.limits import Limits
from winnow.spark.sized import Sized

ALIASES = "item_aliases"

_SINCE_EVER = -(2**62)
_MOST_NAMED = 5
_CANONICAL = "__winnow_canonical_id"


def with_canonical_items(logs: Mapping[str, Log], run: Run) -> Mapping[str, Log]:
    """Return the logs with one id for each item: the canonical one of the date.

    The same map counts for all dates that the logs have: what a user was shown last week under an
    id that is an alias today is the same item.

    Args:
        logs: The conformed logs; without ``item_aliases`` they stay as they are.
        run: The date, and where to compute.

    Raises:
        InputError: As ``canonical_ids``.
    """
    log = logs.get(ALIASES)
    if log is None:
        return logs
    found = canonical_ids(log, run.day)
    if found.num_rows == 0:
        return logs
    aliases = Sized(run.scratch.stored(found, "item-aliases"), found.num_rows)
    return {
        name: one if "item_id" not in one.contract.names or name == ALIASES
        else _canonical(one, aliases, run.limits)
        for name, one in logs.items()
    }  # fmt: skip


def canonical_ids(log: Log, day: CalendarDay) -> pa.Table:
    """Return what each alias of a date stands for in the end.

    Of an id's rows whose periods reach into the date those count that began last. A row that names
    itself says that the id is one of its own.

    Args:
        log: The alias log. day: The date.

    Returns:
        ``item_id``, ``canonical_id``, both of the item's type, one row per id that is not its own;
        a canonical id is nobody's alias. It is held on the driver, 16 bytes a row where ids are
        numbers.

    Raises:
        InputError: An id stands for two items at once, or ids stand for one another in a circle.
    """
    since = F.coalesce(F.unix_micros("valid_from"), F.lit(_SINCE_EVER))
    of_date = periods_on(valid_rows(log).where(on_date(log, day)), day)
    rows = of_date.groupBy("item_id", "canonical_id").agg(F.max(since).alias("since"))
    # In an order of their own, so that a circle is told alike whatever comes first.
    ordered = [("item_id", "ascending"), ("canonical_id", "ascending")]
    return _resolved(rows.toArrow().sort_by(ordered))


def canonical_or_same(rows: DataFrame, aliases: Sized | None, limits: Limits) -> DataFrame:
    """Return rows with ``item_id`` made canonical, their columns in the same order.

    Args:
        rows: ``item_id``, which may be NULL, and other columns.
        aliases: What ``canonical_ids`` returned, as a frame; few enough are broadcast.
        limits: How many are few.
    """
    if aliases is None:
        return rows
    joined = _joined(rows, aliases, limits)
    return joined.select(*(_id_of(name) for name in rows.columns))


def _joined(rows: DataFrame, aliases: Sized, limits: Limits) -> DataFrame:
    named = aliases.made(aliases.frame.withColumnRenamed("canonical_id", _CANONICAL))
    return rows.join(named.side_of_join("item_id", limits), "item_id", how="left")


def _id_of(name: str) -> Column:
    if name != "item_id":
        return F.col(name)
    return F.coalesce(_CANONICAL, "item_id").alias("item_id")


def _canonical(log: Log, aliases: Sized, limits: Limits) -> Log:
    """Return a log whose items have one id each; of the items log, rows tell whose they are."""
    columns = log.frame.columns
    frame = _joined(log.frame, aliases, limits).select(
        *(_id_of(name) for name in columns),
        *((F.col(_CANONICAL).isNull().alias(OWN_ID),) if log.name == "items" else ()),
    )
    made = log.contract.key_without_impression_id
    if made is not None and log.contract.key == made:
        frame = frame.withColumn("impression_id", made_impression_id())
    return replace(log, frame=frame, aliases=aliases)


def _resolved(found: pa.Table) -> pa.Table:
    """Follow the chains of ``item_id``, ``canonical_id``, ``since``; no pair is there twice."""
    both = pa.chunked_array([*found["item_id"].chunks, *found["canonical_id"].chunks])
    named = both.combine_chunks().dictionary_encode()
    names, n = named.dictionary, found.num_rows
    codes = named.indices.to_numpy().astype(np.int64)
    since = found["since"].to_numpy()
    latest = np.full(len(names), _SINCE_EVER, np.int64)
    np.maximum.at(latest, codes[:n], since)
    stands = since == latest[codes[:n]]
    alias, target = codes[:n][stands], codes[n:][stands]
    InputError.raise_if_any(_of_two(names, alias, target))
    next_of = np.arange(len(names), dtype=np.int64)
    next_of[alias] = target
    ends, endless = ends_of_chains(next_of)
    InputError.raise_if_any(_in_circles(names, next_of, endless))
    moved = np.flatnonzero(ends != np.arange(len(names)))
    return pa.table({"item_id": names.take(moved), "canonical_id": names.take(ends[moved])})


def _of_two(
    names: pa.Array, alias: NDArray[np.int64], target: NDArray[np.int64]
) -> Iterator[Problem]:
    """Give the ids that stand for two items at once."""
    several = np.flatnonzero(np.bincount(alias, minlength=len(names)) > 1)
    if not len(several):
        return
    known = pc.sort_indices(names.take(several)).to_numpy()[:_MOST_NAMED]
    told = []
    for code in several[known]:
        targets = sorted(names.take(target[alias == code]).to_pylist())[:_MOST_NAMED]
        told.append(f"{names[int(code)]} → {' and '.join(map(str, targets))}")
    more = len(several) - len(told)
    yield Problem(
        f"logs.{ALIASES}",
        "an id stands for two items at once",
        found=", ".join(told) + (f" and {more:,} more" if more else ""),
        expected="one canonical_id per item_id on the date, or a later valid_from for one of them",
    )


def _in_circles(
    names: pa.Array, next_of: NDArray[np.int64], endless: NDArray[np.bool_]
) -> Iterator[Problem]:
    """Give a circle in which ids stand for one another."""
    if not endless.any():
        return
    starts = np.flatnonzero(endless)
    first = starts[pc.sort_indices(names.take(starts)).to_numpy()[0]]
    circle = one_circle(next_of, int(first))
    ids = [str(names[number]) for number in [*circle, circle[0]]]
    shown = ids if len(ids) <= 2 * _MOST_NAMED else [*ids[:_MOST_NAMED], "…", ids[-1]]
    yield Problem(
        f"logs.{ALIASES}",
        "ids stand for one another in a circle, so none of them is the item's own",
        found=" → ".join(shown),
        next_step="Take the row of the id that is to stay out of the log, or give it a valid_to.",
    )
