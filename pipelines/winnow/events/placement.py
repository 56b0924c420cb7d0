"""Where a row goes: its sample id, split, shard and place in the files, by keyed hashes."""

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from winnow.config.tree import Config


POSITIVE_KEY = ("user_id", "request_id", "item_id")


def keyed_hash(config: "Config", purpose: str, *names: str) -> Column:
    """Return a bigint hash of (seed, purpose, columns); the columns are never NULL."""
    return F.xxhash64(F.lit(config.seed), F.lit(purpose), *(F.col(name) for name in names))


def sample_id() -> Column:
    """Return the 64-bit hash of (user_id, request_id, item_id) of a positive, whatever the seed."""
    return F.xxhash64(*(F.col(name) for name in POSITIVE_KEY))


def keyed_unit(config: "Config", purpose: str, *names: str) -> Column:
    """Return the upper 53 bits of ``keyed_hash`` as a double in [0, 1)."""
    # Shifted with its sign, which is then cut off: Sail shifts unsigned numbers as decimals.
    upper = F.shiftright(keyed_hash(config, purpose, *names), 11).bitwiseAND(2**53 - 1)
    return upper * F.lit(2.0**-53)


def split(config: "Config", day: date) -> Column:
    """Return ``train``, ``valid`` or ``test``; by date also ``gap``.

    By user, all rows of a user are in one split in every table and on every date: the upper 53
    bits of a hash of the user, in [0, 1), fall below test_ratio (test), then below
    test_ratio + valid_ratio (valid), or not (train).
    """
    parts = config.split
    if parts.by == "date":
        return F.lit(parts.of_date(day))
    if parts.test_ratio + parts.valid_ratio <= 0.0:
        return F.lit("train")
    unit = keyed_unit(config, "split", "user_id")
    return (
        F.when(unit < parts.test_ratio, F.lit("test"))
        .when(unit < parts.test_ratio + parts.valid_ratio, F.lit("valid"))
        .otherwise(F.lit("train"))
    )


def shard(config: "Config", *names: str) -> Column:
    """Return the shard of a row, int in [0, shards), by a keyed hash of the given columns."""
    return F.pmod(keyed_hash(config, "shard", *names), F.lit(config.shards)).cast("int")
