"""What requests showed, told again from the impression log, and what of it was clicked."""

from collections.abc import Iterator
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.request_histories import REQUEST
from winnow.audit.recompute.request_sample import of_some_requests
from winnow.config.sources import NEGATIVE_FEEDBACK, source_named
from winnow.contracts.conforming import CHOSEN
from winnow.spark.broadcast import broadcast

_IMPRESSION = ("impression_id", "user_id", "request_id", "item_id")
_PAGE = ("page_item_ids", "page_positions", "page_us", "page_actions")
_PARTS = 1009
_OFF = 1e-9


def wrong_pages(evidence: Evidence, one_in: int) -> int:
    """Count requests whose page is not what the impression log has of them.

    Of an impression that was logged several times the earliest counts; where several of one time
    have different places, or not all of them were viewed, it is open which one: such requests are
    not compared.

    Args:
        evidence: The table and the logs.
        one_in: One in so many requests is looked at.
    """
    values = tuple(evidence.config.positives.values)
    stated = _stated(evidence, one_in, values)
    both = stated.join(_wanted(evidence, one_in, values), list(REQUEST), how="left")
    none = F.lit(0).cast("bigint")
    same = [
        F.coalesce("stated_n", none) == F.coalesce("wanted_n", none),
        F.col("stated_hash").eqNullSafe(F.col("wanted_hash")),
        F.col("in_order"),
    ]
    for value in values:
        told, wanted = F.col(f"stated_{value}"), F.col(f"wanted_{value}")
        near = F.abs(told - wanted) <= _OFF * F.greatest(F.abs(wanted), F.lit(1.0))
        same.append(F.coalesce(near, told.isNull() & wanted.isNull()))
    holds = F.coalesce(reduce(Column.__and__, same), F.lit(False))
    wrong = F.count_if(~holds & ~F.coalesce("open", F.lit(False)))
    return int(both.agg(wrong.alias("n")).collect()[0]["n"])


def negatives_on_page(evidence: Evidence) -> int:
    """Count requests one of whose negatives their own page shows, in all rows.

    What the user rejected may have been shown.
    """
    negatives = F.col("neg_item_ids")
    if evidence.config.negatives.feedback is not None:
        code = source_named(NEGATIVE_FEEDBACK).code
        others = F.filter(
            F.arrays_zip("neg_item_ids", "neg_source"), lambda one: one.neg_source != code
        )
        negatives = F.transform(others, lambda one: one.neg_item_ids)
    shown = F.count_if(F.arrays_overlap(negatives, F.col("page_item_ids"))).alias("n")
    return int(evidence.staged["request_samples"].agg(shown).collect()[0]["n"])


def _stated(evidence: Evidence, one_in: int, values: tuple[str, ...]) -> DataFrame:
    """Return what the table says of each page, as sums that do not depend on order.

    Returns:
        ``REQUEST``, ``in_order`` (boolean: by position, and by time where it is one or unknown),
        ``stated_n``, ``stated_hash``, and ``stated_`` with the name of each value.
    """
    lists = (*_PAGE, *(f"page_{value}" for value in values))
    rows = of_some_requests(evidence.staged["request_samples"], one_in)
    # NULL is behind all positions; a struct of it and the time would have it first.
    at = F.transform(
        F.arrays_zip("page_positions", "page_us"),
        lambda one: F.struct(F.coalesce(one.page_positions, F.lit(2**31 - 1)), one.page_us),
    )
    ordered = at.eqNullSafe(F.array_sort(at))
    alone = rows.select(
        *REQUEST, ordered.alias("in_order"), F.explode_outer(F.arrays_zip(*lists)).alias("one")
    )
    names = {name: F.col(f"one.{name}") for name in lists}
    item, position, us, action = (names[name] for name in _PAGE)
    told = alone.select(
        *REQUEST,
        "in_order",
        item.alias("item_id"),
        us.alias("us"),
        _hash(item, us, position, action).alias("hash"),
        *(names[f"page_{value}"].alias(value) for value in values),
    )
    return told.groupBy(*REQUEST, "in_order").agg(*_sums("stated", values))


def _wanted(evidence: Evidence, one_in: int, values: tuple[str, ...]) -> DataFrame:
    """Return what the log says of each page, as ``_stated``, with ``open`` for ``in_order``."""
    config, day, log = evidence.config, evidence.day, evidence.logs["impressions"]
    at, place = F.col("event_us"), F.coalesce(F.col("position").cast("bigint"), F.lit(-1))
    viewed = F.lit(1)
    if "viewed" in log.mapped:
        viewed = F.coalesce("viewed", F.lit(False)).cast("int")
    samples = of_some_requests(evidence.staged["training_samples"], one_in)
    requests = broadcast(samples.select(*REQUEST).distinct(), "request_id")
    rows = of_some_requests(log.frame, one_in).where(
        F.col("valid") & (at >= day.start_us) & (at < day.end_us)
    )
    rows = rows.where(CHOSEN) if log.chooses else rows
    shown = rows.join(requests, list(REQUEST), how="left_semi").groupBy(*_IMPRESSION)
    # The first of all, and among those of one time the one with the largest value.
    firsts = shown.agg(
        F.min(F.struct(at.alias("us"), place.alias("low"))).alias("least"),
        F.min(F.struct(at.alias("us"), (-place).alias("high"))).alias("most"),
        F.min(F.struct(at.alias("us"), viewed.alias("no"))).alias("unseen"),
        F.min(F.struct(at.alias("us"), (-viewed).alias("yes"))).alias("seen"),
    )
    clicked = _clicked(evidence, one_in, values)
    both = firsts.join(clicked, list(_IMPRESSION), how="left")
    is_twin = F.lit(False)
    if config.attribution.join == "last_impression":
        # Of two impressions of one request at one moment, either may be a click's latest one.
        moment = Window.partitionBy(*REQUEST, "item_id", "least.us")
        both = both.withColumn("twins", F.count(F.lit(1)).over(moment))
        is_twin = F.col("twins") > 1
    is_clicked = F.col("action").isNotNull()
    on_page = both.where(is_clicked | (F.col("seen.yes") < 0))
    actions = enumerate(config.positives.actions)
    named = F.coalesce(*(F.when(F.col("action") == i, F.lit(name)) for i, name in actions))
    position = F.when(F.col("least.low") >= 0, F.col("least.low")).cast("int")
    is_open = (F.col("least.low") != -F.col("most.high")) | (
        ~is_clicked & (F.col("unseen.no") == 0)
    )
    told = on_page.select(
        *REQUEST,
        "item_id",
        (is_open | is_twin).alias("open"),
        F.col("least.us").alias("us"),
        _hash(F.col("item_id"), F.col("least.us"), position, named).alias("hash"),
        *values,
    )
    return told.groupBy(*REQUEST).agg(*_sums("wanted", values), F.bool_or("open").alias("open"))


def _clicked(evidence: Evidence, one_in: int, values: tuple[str, ...]) -> DataFrame:
    """Return the strongest action of each impression, and its values: each click counts once."""
    day, shown = evidence.day, F.col("shown_us")
    # Clicks of the date may be of impressions of the date before, of the same request and item.
    inside = (shown >= day.start_us) & (shown < day.end_us)
    pairs = of_some_requests(date_pairs(evidence).rows.where(inside), one_in)
    logged = [F.max(f"logged_{value}").alias(value) for value in values]
    per_click = pairs.groupBy(*_IMPRESSION, "click").agg(F.max("action").alias("action"), *logged)
    how = evidence.config.positives.values
    made = [
        (F.sum(value) if how[value] == "sum" else F.max(value)).alias(value) for value in values
    ]
    return per_click.groupBy(*_IMPRESSION).agg(F.max("action").alias("action"), *made)


def _hash(item: Column, us: Column, position: Column, action: Column) -> Column:
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it.
    return F.xxhash64(item, us, position.isNull(), position, action.isNull(), action)


def _sums(of: str, values: tuple[str, ...]) -> Iterator[Column]:
    """Give the number of elements, the sum of their hashes, and a sum of each of their values.

    In that each element counts by what its item makes of it, so that values of two items cannot
    change places.
    """
    there = F.col("us").isNotNull()
    yield F.count_if(there).cast("bigint").alias(f"{of}_n")
    yield F.sum(F.when(there, F.col("hash")).cast("decimal(38,0)")).alias(f"{of}_hash")
    part = F.pmod(F.xxhash64("item_id"), F.lit(_PARTS)) + 1
    for value in values:
        yield F.sum(F.col(value) * part).alias(f"{of}_{value}")
