"""Shown items without a click that become positives all the same, marked as weak."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.conforming import made_impression_id
from winnow.contracts.log import Log
from winnow.contracts.rows import chosen_rows, tie_columns, valid_rows, winner_hash
from winnow.events.keys import key_of
from winnow.events.kinds import WEAK
from winnow.events.popularity import counted_until
from winnow.events.user_attributes import with_users
from winnow.run import Run
from winnow.spark.sized import Sized

_KEYS = ("user_key", "request_key", "item_key")
_UNIT = 2.0**-53


def with_weak_pairs(
    logs: Mapping[str, Log], pairs: Sized, run: Run, n_shown: int, users: Sized | None
) -> Sized:
    """Return pairs with those of weak positives behind them; as they are where none is asked for.

    A weak positive is a (user, request, item) that the date's valid impressions show, that may
    become a positive, was viewed where the log knows that, and of which no click counts. A share
    of them stays, by a hash of the three ids and the seed: an epoch keeps the same ones.

    Args:
        logs: The conformed logs.
        pairs: Those of clicks, without the mark of what may become a positive.
        run: The date and the share.
        n_shown: Valid impressions of the date.
        users: What ``staged_users`` returned.

    Returns:
        Columns as of ``pairs``. A weak pair has the code ``WEAK`` as its action, and the time of
        its impression as that of a click that there is none of.
    """
    weak = run.config.positives.weak
    if weak is None:
        return pairs
    shown = _shown(logs["impressions"], run)
    clicked = pairs.made(pairs.frame.select(*_KEYS).distinct())
    unclicked = shown.join(clicked.side_of_join(_KEYS[0], run.limits), list(_KEYS), how="left_anti")
    told = with_users(unclicked, users, run.limits)
    there = set(told.columns)
    rows = told.select(
        *(
            F.col(field.name) if field.name in there else _nothing(field.name, field.dataType)
            for field in pairs.frame.schema.fields
        )
    )
    staged = run.scratch.staged(rows, "weak-pairs")
    return Sized(pairs.frame.unionByName(staged), pairs.rows + int(n_shown * weak.share) + 1)


def _nothing(name: str, kind: object) -> Column:
    # Tasks read both as whole numbers without a NULL; of a positive's pairs none has another one.
    value = F.lit(0) if name in ("click_key", "click_tie") else F.lit(None)
    return value.cast(kind).alias(name)  # type: ignore[arg-type]


def _shown(log: Log, run: Run) -> DataFrame:
    """Return the impressions that the hash takes, with the columns of pairs that they have."""
    config, at = run.config, F.col("event_us")
    rows = chosen_rows(valid_rows(log), log)
    rows = rows.where((at >= counted_until(config, run.day)) & (at < run.day.end_us))
    if "viewed" in log.mapped:
        rows = rows.where(F.coalesce("viewed", F.lit(False)))
    tie = winner_hash(tie_columns(rows.columns, log.contract)).alias("tie")
    if "impression_id" not in log.contract.key:
        rows = rows.withColumn("impression_id", made_impression_id())
    keys = (
        key_of(f"{name}_id", kind).alias(f"{name}_key")
        for name, kind in (
            ("user", config.ids.user),
            ("request", config.ids.request),
            ("item", config.ids.item),
        )
    )
    return rows.where(_is_kept(config)).select(
        *(name for name in (*log.contract.names, *log.carry)),
        *keys,
        at.alias("impression_us"),
        at.alias("click_us"),
        F.lit(WEAK).cast("tinyint").alias("action"),
        tie,
    )


def _is_kept(config: Config) -> Column:
    """Return whether the hash of a row's ids lies below the share: its upper 53 bits, in [0, 1)."""
    weak = config.positives.weak
    assert weak is not None
    hashed = F.xxhash64(
        F.lit(config.seed), F.lit("weak_positive"), "user_id", "request_id", "item_id"
    )
    return F.shiftright(hashed, 11).bitwiseAND(2**53 - 1) * F.lit(_UNIT) < F.lit(weak.share)
