"""request_samples beside training_samples: the same positives and negatives, once put together."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.request_histories import REQUEST
from winnow.audit.recompute.request_sample import of_some_requests

_OF_LISTS: Mapping[str, str] = {
    "pos_item_ids": "item_id",
    "pos_actions": "action_type",
    "pos_log_q": "pos_log_q",
}
"""Which column of training_samples a list of positives has, where its name does not say it."""

_OF_REQUEST = ("split", "mature")


def lost_rows(evidence: Evidence) -> int:
    """Count requests, positives and negatives that one of both tables has more of, in all rows."""
    requests, samples = (evidence.staged[n] for n in ("request_samples", "training_samples"))

    def size(name: str) -> Column:
        return F.coalesce(F.sum(F.size(name).cast("bigint")), F.lit(0))

    n_requests = F.count_distinct(F.xxhash64(*REQUEST))
    wanted = samples.agg(
        n_requests.alias("requests"),
        F.count(F.lit(1)).alias("positives"),
        size("neg_item_ids").alias("negatives"),
    ).collect()[0]
    found = requests.agg(
        F.count(F.lit(1)).alias("requests"),
        size("pos_item_ids").alias("positives"),
        size("neg_item_ids").alias("negatives"),
    ).collect()[0]
    return sum(abs(found[name] - wanted[name]) for name in ("requests", "positives", "negatives"))


def other_parts(evidence: Evidence, one_in: int) -> int:
    """Count elements of requests that are not those of training_samples, one after the other.

    Args:
        evidence: Both tables.
        one_in: One in so many requests is looked at.
    """
    names = [n for n in evidence.contracts["request_samples"].names if _is_compared(n)]
    of_positives = {n: _column_of(n) for n in names if n.startswith("pos_")}
    of_negatives = [n for n in names if n.startswith("neg_")]
    requests = _fetched(
        evidence.staged["request_samples"], one_in,
        (*REQUEST, *names, "pos_n_negatives", *_OF_REQUEST),
    )  # fmt: skip
    columns = dict.fromkeys(
        (*REQUEST, "item_id", *of_positives.values(), *of_negatives, *_OF_REQUEST)
    )
    samples = evidence.staged["training_samples"]
    samples = samples.withColumn("click_us", F.unix_micros("click_ts"))
    order = ["item_id", *(["repeat_idx"] if "repeat_idx" in columns else [])]
    rows = _fetched(samples, one_in, tuple(columns), order)
    n_of_request = pc.list_value_length(requests["pos_item_ids"]).to_numpy()
    which = pa.array(np.repeat(np.arange(len(requests)), n_of_request))
    wrong = 0
    for name in (*REQUEST, *_OF_REQUEST):
        wrong += _differing(requests[name].take(which), rows[name])
    for name, of in of_positives.items():
        wrong += _differing(pc.list_flatten(requests[name]), rows[of])
    for name in of_negatives:
        wrong += _differing(pc.list_flatten(requests[name]), pc.list_flatten(rows[name]))
        lengths = pc.list_value_length(rows[name])
        wrong += _differing(pc.list_flatten(requests["pos_n_negatives"]), lengths)
    return wrong


def _is_compared(name: str) -> bool:
    return name.startswith(("pos_", "neg_")) and name != "pos_n_negatives"


def _column_of(name: str) -> str:
    return _OF_LISTS.get(name, name.removeprefix("pos_"))


def _fetched(
    rows: DataFrame, one_in: int, columns: tuple[str, ...], more: list[str] | None = None
) -> pa.Table:
    """Return the rows of some requests in the order of user and request, and what comes then."""
    found = of_some_requests(rows, one_in).select(*columns).toArrow()
    return found.sort_by([(name, "ascending") for name in (*REQUEST, *(more or []))])


def _differing(stated: pa.ChunkedArray, wanted: pa.ChunkedArray) -> int:
    """Return how many elements are not the same, NULL being like NULL."""
    if len(stated) != len(wanted):
        return abs(len(stated) - len(wanted))
    if not len(stated):
        return 0
    wanted = wanted.cast(stated.type)
    same = pc.fill_null(pc.equal(stated, wanted), False)
    both = pc.and_(pc.is_null(stated), pc.is_null(wanted))
    return int(pc.sum(pc.invert(pc.or_(same, both))).as_py())
