"""Segments of users, and how popular items are within them, counted again from the logs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.pairs import recomputed_pairs
from winnow.audit.recompute.popularity import recomputed_popularity, to_steps
from winnow.events.keys import key_of
from winnow.events.periods import standing_rows


@dataclass(frozen=True)
class SegmentCounts:
    """What one attribute of users makes of them, and of the popularity of items.

    Attributes:
        texts: The attribute's different values as text, ascending; a segment's number is its place.
        segment: int32 number, ascending. key: int64 key of the item. popularity: f within the
            segment; shape (k,) each.
    """

    texts: tuple[str, ...]
    segment: NDArray[np.int32]
    key: NDArray[np.int64]
    popularity: NDArray[np.float64]


@dataclass(frozen=True)
class DateSegments:
    """The segments of a date.

    Attributes:
        counts: By attribute, in the order of ``Negatives.segment_attributes``.
        users: One row per user: ``user_id`` and ``segments`` (array<int>): the number of the
            segment by each attribute, -1 where there is none. None where nothing asks for them.
    """

    counts: Mapping[str, SegmentCounts]
    users: DataFrame | None


@once
def date_segments(evidence: Evidence) -> DateSegments:
    """Return what the logs say of the segments that sources draw by.

    Which of a user's rows holds on the date is asked of ``standing_rows``: of rows that are equal
    in all that decides, one must be chosen alike everywhere. That tables carry a legal one is the
    gate ``carried_differs``.
    """
    config, scratch = evidence.config, evidence.scratch
    attributes = config.negatives.of_events.segment_attributes
    if not attributes:
        return DateSegments({}, None)
    # Apart from what other measurements stage under the same names.
    own = replace(scratch, folder=scratch.folder / "audited-segments")
    run = replace(evidence.run, scratch=own)
    log = evidence.logs["users"]
    users = own.staged(
        standing_rows(log, "user_id", run).select("user_id", *attributes), "users-of-date"
    )
    pairs = None
    if config.popularity.clicks != "all":
        since = evidence.day.shifted(-config.popularity.window_days).start_us
        n = evidence.logs["clicks"].about_rows
        pairs = recomputed_pairs(
            evidence.logs, config, evidence.day, own, n_clicks=n, since=since
        ).rows
    counts, numbered = {}, users
    for place, attribute in enumerate(attributes):
        of_users = users.select("user_id", F.col(attribute).alias("segment"))
        of_users = of_users.where(F.col("segment").isNotNull())
        values = of_users.select("segment").distinct().toArrow()["segment"].combine_chunks()
        texts = sorted(values.cast(pa.string()).to_pylist())
        places = [texts.index(text) for text in values.cast(pa.string()).to_pylist()]
        numbers = pa.table({attribute: values, f"place_{place}": pa.array(places, pa.int32())})
        numbered = numbered.join(own.stored(numbers, f"segments-{place}"), attribute, how="left")
        found = recomputed_popularity(
            evidence.logs, pairs, config, evidence.day, own, of_users
        ).select(key_of("item_id", config.ids.item).alias("key"), "segment", "popularity")
        counts[attribute] = _counts(found.toArrow(), texts)
    parts = (F.coalesce(f"place_{n}", F.lit(-1)).cast("int") for n in range(len(attributes)))
    listed = numbered.select("user_id", F.array(*parts).alias("segments"))
    return DateSegments(counts, own.staged(listed, "segments-of-users"))


def _counts(found: pa.Table, texts: list[str]) -> SegmentCounts:
    of_text = {text: number for number, text in enumerate(texts)}
    named = found["segment"].cast(pa.string()).to_pylist()
    segment = np.array([of_text[text] for text in named], np.int32)
    order = np.argsort(segment, kind="stable")
    return SegmentCounts(
        tuple(texts),
        segment[order],
        np.asarray(found["key"].to_numpy(), np.int64)[order],
        to_steps(np.asarray(found["popularity"].to_numpy(), np.int64))[order],
    )
