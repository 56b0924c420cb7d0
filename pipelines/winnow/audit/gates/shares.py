"""q of easy negatives beside the share of the weights that their source gives the item."""

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EASY, Figure, Measurement, none_of
from winnow.audit.gates.row_rules import table_counts
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.date_sources import date_drawable
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.row_sample import RowSample, positives_sample
from winnow.config.negatives import Negatives
from winnow.config.tree import Config
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import DEFAULT_LIMITS, Limits

Q_DIFFERS = none_of(
    "q_differs",
    EASY,
    "rows of easy_negatives whose q is not the item's share of the weights",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the rows of easy_negatives."""
    staged = evidence.staged
    if "easy_negatives" in staged:
        easy = staged["easy_negatives"]
        row_sample = positives_sample(evidence)
        yield Measurement(
            [Q_DIFFERS.promised()],
            lambda: wrong_q(
                easy,
                shares_of(evidence),
                evidence.config,
                row_sample,
                n_rows=table_counts(evidence, "easy_negatives")["rows"],
                n_shares=len(date_drawable(evidence).items),
                limits=evidence.scratch.limits,
            ),
        )


def shares_of(evidence: Evidence) -> DataFrame:
    """Return how likely each item is of each source before anything is forbidden.

    Of the main source by item_stats, of others by the groups that the audit has made: ``source``
    (string), ``neg_key`` (bigint) and ``shares`` (array of double), one for each group.
    """
    drawable, negatives = date_drawable(evidence), evidence.config.negatives
    main = [source.name for source in negatives.drawn if source.distribution == 0]
    key = key_of("item_id", evidence.config.ids.item).alias("neg_key")
    names = F.explode(F.array(*(F.lit(name) for name in main or ["none"]))).alias("source")
    # Where nothing is drawn the table has no row whose share could be looked up.
    stats, items = evidence.staged["item_stats"].select(key, "q"), date_items(evidence)
    if items.untouched.items:
        # What was drawn is among the others.
        known = pa.table({"neg_key": items.key[items.listed], "q": items.q[items.listed]})
        stats = evidence.scratch.stored(known, "shares-of-told")
    frames = [stats.select(names, "neg_key", F.array("q").alias("shares"))]
    if len(main) < len(negatives.drawn):
        others = [source.name not in main for source in negatives.drawn]
        frames.append(evidence.scratch.stored(_shares(drawable, negatives, others), "shares"))
    return reduce(DataFrame.unionByName, frames)


def _shares(drawable: Drawable, negatives: Negatives, wanted: Sequence[bool]) -> pa.Table:
    sizes = np.diff(drawable.begins)
    group = np.repeat(np.arange(len(sizes)), sizes)
    source = np.repeat(np.arange(len(wanted)), np.diff(drawable.first_groups))[group]
    asked = np.array(wanted, np.bool_)[source]
    names = pa.array([drawn.name for drawn in negatives.drawn])
    rows = pa.table(
        {
            "source": names.take(pa.array(source[asked])),
            "neg_key": drawable.keys[drawable.items[asked]],
            "shares": drawable.weights[asked] / drawable.totals[group[asked]],
        }
    )
    listed = rows.group_by(["source", "neg_key"]).aggregate([("shares", "list")])
    return listed.rename_columns({"shares_list": "shares"})


def wrong_q(
    easy: DataFrame,
    shares: DataFrame,
    config: Config,
    row_sample: RowSample,
    *,
    n_rows: int,
    n_shares: int,
    limits: Limits = DEFAULT_LIMITS,
) -> Figure:
    """Count rows of easy_negatives whose q is not the item's share of the weights of their source.

    Of a source with several groups that of any: which one it is, ``log_q`` tells.

    Args:
        easy: The staged table.
        shares: What ``shares_of`` returned.
        config: The id types and the mix.
        row_sample: The rows of easy_negatives that are looked at.
        n_rows: Rows of easy_negatives.
        n_shares: About how many rows ``shares`` has; few enough are broadcast.
        limits: How many that are.

    Raises:
        ValueError: Too few rows lie in the row sample.
    """
    if n_shares <= limits.broadcast_rows:
        shares = broadcast(shares, "neg_key")
    key = key_of("neg_item_id", config.ids.item).alias("neg_key")
    rows = row_sample.of(easy).select(key, "source", "q")
    close = F.exists("shares", lambda share: F.abs(F.col("q") - share) <= 1e-9 * share)
    joined = rows.join(shares, ["neg_key", "source"], how="left")
    wrong = F.count_if(~F.coalesce(close, F.lit(False)))
    found = joined.agg(wrong.alias("wrong"), F.count(F.lit(1)).alias("seen")).collect()[0]
    if row_sample.one_in > 1:
        most = config.negatives.per_positive
        row_sample.require_seen(found["seen"], n_rows, rows_per_positive=most)
    return Q_DIFFERS.figure(found["wrong"], detail=row_sample.described())
