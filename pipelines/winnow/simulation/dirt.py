"""Broken rows, planted beside the clean ones and counted."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.simulation.requests import REQUEST_IDS_PER_DAY
from winnow.simulation.schemas import TIME, LogName
from winnow.simulation.tables import IMPRESSION_IDS_PER_REQUEST

DUPLICATE = "duplicate"
NULL_ID = "null_id"
TIME_OUT_OF_RANGE = "time_out_of_range"
ORPHAN_CLICK = "orphan_click"
UNKNOWN_STAGE = "unknown_stage"

KINDS: dict[LogName, tuple[str, ...]] = {
    "impressions": (DUPLICATE, NULL_ID, TIME_OUT_OF_RANGE),
    "clicks": (DUPLICATE, NULL_ID, TIME_OUT_OF_RANGE, ORPHAN_CLICK),
    "ranking_log": (DUPLICATE, NULL_ID, TIME_OUT_OF_RANGE, UNKNOWN_STAGE),
}

_TIME_COLUMNS: dict[LogName, str] = {
    "impressions": "impression_ts",
    "clicks": "click_ts",
    "ranking_log": "stage_ts",
}
_NULLED_IDS = ("user_id", "item_id", "request_id")
# Before 1970, in 1970 (seconds read as microseconds), and 2200-01-01.
_BAD_TIMES_US = (-86_400_000_000, 1_767_225_600, 7_258_118_400_000_000)
_UNKNOWN_STAGES = ("rerank", "", "COARSE?")

# Ids that no clean row has: clean ones take the first tenth of a date's range. Each log has its
# own part of the rest, so that a broken impression is never the missing one of an orphan click.
_FRESH_PARTS: dict[LogName, int] = {"impressions": 2, "clicks": 4, "ranking_log": 6}
_FRESH_PART = REQUEST_IDS_PER_DAY // 10


@dataclass(frozen=True)
class Planted:
    """Broken rows of one log, in the log's schema; ``kinds`` indexes ``KINDS`` of that log.

    ``sources`` are the clean rows that were copied.
    """

    rows: pa.Table
    kinds: NDArray[np.int64]
    sources: NDArray[np.int64]


def plant(
    log: LogName,
    clean: pa.Table,
    share: float,
    day: int,
    already_planted: int,
    rng: np.random.Generator,
) -> Planted:
    """Return broken copies of random clean rows, each broken in one way; the kinds take turns.

    The clean rows stay as they are, so each other row of a log remains what it was. A broken
    impression or ranking row gets a request of its own: only a ``duplicate`` repeats a key. A
    broken click keeps its request, and so its impression, unless it is an orphan.

    Args:
        log: Which log it is.
        clean: Its clean rows, in the log's schema with integer ids.
        share: Broken rows to add per clean row.
        day: The date of the requests, in days since 1970.
        already_planted: How many rows of this log and date came before; keeps fresh ids unique.
        rng: The stream of these rows.
    """
    count = round(share * clean.num_rows)
    sources = rng.choice(clean.num_rows, count, replace=False)
    turns = already_planted + np.arange(count)
    kinds = turns % len(KINDS[log])
    rounds = turns // len(KINDS[log])
    is_kind = {name: kinds == n for n, name in enumerate(KINDS[log])}
    rows = clean.take(pa.array(sources, pa.int64()))

    renewed = is_kind[ORPHAN_CLICK] if log == "clicks" else ~is_kind[DUPLICATE]
    fresh = day * REQUEST_IDS_PER_DAY + _FRESH_PARTS[log] * _FRESH_PART + turns
    rows = _replace(rows, "request_id", renewed, pa.array(fresh))
    if "impression_id" in rows.column_names:
        fresh_impressions = fresh * IMPRESSION_IDS_PER_REQUEST + 1
        rows = _replace(rows, "impression_id", renewed, pa.array(fresh_impressions))
    for n, name in enumerate(_NULLED_IDS):
        chosen = is_kind[NULL_ID] & (rounds % len(_NULLED_IDS) == n)
        rows = _replace(rows, name, chosen, pa.nulls(count, pa.int64()))
    bad_times = np.array(_BAD_TIMES_US)[rounds % len(_BAD_TIMES_US)]
    rows = _replace(rows, _TIME_COLUMNS[log], is_kind[TIME_OUT_OF_RANGE], pa.array(bad_times, TIME))
    if log == "ranking_log":
        stages = pa.array([_UNKNOWN_STAGES[n % len(_UNKNOWN_STAGES)] for n in rounds], pa.string())
        rows = _replace(rows, "stage", is_kind[UNKNOWN_STAGE], stages)
    return Planted(rows=rows, kinds=kinds, sources=sources)


def _replace(rows: pa.Table, name: str, chosen: NDArray[np.bool_], values: pa.Array) -> pa.Table:
    """Return the rows with the chosen entries of one column taken from ``values``."""
    index = rows.schema.get_field_index(name)
    column = pc.if_else(pa.array(chosen), values, rows.column(index))
    return rows.set_column(index, rows.schema.field(index), column)
