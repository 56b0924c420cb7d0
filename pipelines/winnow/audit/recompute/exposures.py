"""How often items were shown before the date, counted again: date by date, then added up."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.contracts.rows import valid_rows
from winnow.dates import CalendarDay
from winnow.events.keys import key_of

Counts = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Keys of items, ascending, and the impressions of each."""


@once
def date_exposures(evidence: Evidence) -> Mapping[int | None, Counts]:
    """Return the impressions of items, by the ``days`` of each source that asks for them.

    An impression whose key several dates have counts at the last of them.
    """
    config, day = evidence.config, evidence.day
    windows = config.exposed_windows
    if not windows:
        return {}
    log, at = evidence.logs["impressions"], F.col("event_us")
    lengths = {days: days or config.popularity.window_days for days in windows}
    dates = [day.shifted(-n) for n in range(1, max(lengths.values()) + 1)]
    rows = valid_rows(log).where((at >= dates[-1].start_us) & (at < day.start_us))
    local = F.to_date(F.from_utc_timestamp(F.timestamp_micros("event_us"), day.zone))
    found = (
        rows.withColumn("shown_on", local)
        .groupBy(*log.contract.key)
        .agg(F.max("shown_on").alias("shown_on"))
        .groupBy(key_of("item_id", config.ids.item).alias("key"), "shown_on")
        .agg(F.count(F.lit(1)).alias("n"))
        .toArrow()
    )
    ages = found["shown_on"].to_numpy().astype("datetime64[D]").astype(np.int64)
    ages = _day_number(day) - ages
    keys, n = (np.asarray(found[name].to_numpy(), np.int64) for name in ("key", "n"))
    return {days: _sums(keys[ages <= most], n[ages <= most]) for days, most in lengths.items()}


def _day_number(day: CalendarDay) -> int:
    return int(np.datetime64(day.date, "D").astype(np.int64))


def _sums(keys: NDArray[np.int64], counts: NDArray[np.int64]) -> Counts:
    distinct, place = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, place, counts)
    return distinct, sums
