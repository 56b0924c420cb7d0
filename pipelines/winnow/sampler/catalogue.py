"""The items of a date: how popular each is, which may be drawn, and the draw table of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import key_hash
from winnow.contracts.rows import (
    chosen_rows,
    readable_rows,
    valid_rows,
)
from winnow.events.attribution import joined_pairs
from winnow.events.click_users import settled
from winnow.events.eligibility import (
    eligible_items,
    items_seen_in,
)
from winnow.events.item_attributes import ATTRIBUTE
from winnow.events.keys import key_of
from winnow.events.periods import standing_rows
from winnow.events.popularity import clicks_per_item
from winnow.run import Run
from winnow.sampler.catalogue_file import (
    Catalogue,
    build_catalogue,
    catalogue_table,
    save_catalogue,
)
from winnow.spark.sized import Sized


@dataclass(frozen=True)
class StagedCatalogue:
    """The items of a date.

    Attributes:
        catalogue: The draw table with the ids.
        eligibility: One row per item of the catalogue: the columns of ``catalogue_table``.
        shipped: The name that tasks find the catalogue file by.
    """

    catalogue: Catalogue
    eligibility: DataFrame
    shipped: str


def stage_catalogue(logs: Mapping[str, Log], run: Run) -> StagedCatalogue:
    """Count popularity, find the eligible items, and build and ship the draw table."""
    config, day, scratch = run.config, run.day, run.scratch
    window = config.popularity.window_days
    since = day.shifted(-window).start_us
    if config.popularity.clicks == "all":
        before = (F.col("event_us") >= since) & (F.col("event_us") < day.start_us)
        # Duplicates have one key, and only the keys are counted: which one stays does not matter.
        # A hash stands for the rest of the key: it tells apart clicks of one item and time only.
        key = key_hash(logs["clicks"].contract.key)
        recent = valid_rows(logs["clicks"]).where(before).select("item_id", "event_us", key)
    else:
        recent = _attributed_before(logs, run, since)
    clicks = clicks_per_item(recent.distinct(), day, window)
    if "items" in logs:
        log = logs["items"]
        eligible = eligible_items(standing_rows(log, "item_id", run), tuple(log.carry))
    else:
        seen = [log for name, log in logs.items() if name != "users"]
        folder = F.unix_micros(F.col("partition_date").cast("timestamp"))
        at = F.coalesce(F.col("event_us"), folder, F.lit(day.start_us))
        within = (at >= since) & (at < day.end_us)
        eligible = items_seen_in([valid_rows(log).where(within) for log in seen])
    items = (
        eligible.withColumn("in_catalogue", F.lit(True))
        .join(clicks, "item_id", how="full")
        .select(
            "item_id",
            key_of("item_id", config.ids.item).alias("item_key"),
            F.coalesce("clicks", F.lit(0).cast("bigint")).alias("clicks"),
            F.coalesce("in_catalogue", F.lit(False)).alias("in_catalogue"),
            "eligible_from",
            "eligible_to",
            *(name for name in eligible.columns if name.startswith(ATTRIBUTE)),
        )
        .toArrow()
    )
    catalogue = build_catalogue(items, config)
    inside = items.filter(items["in_catalogue"]).sort_by("item_id")
    frame = scratch.stored(catalogue_table(catalogue, inside), "catalogue")
    path = scratch.folder / f"catalogue-{scratch.tag}.arrow"
    save_catalogue(catalogue, path)
    return StagedCatalogue(catalogue, frame, scratch.ship(path))


def _attributed_before(logs: Mapping[str, Log], run: Run, since: int) -> DataFrame:
    """Return the clicks before the date that belong to an impression: item, time and key of each.

    A click that belongs to several impressions comes as often.
    """
    impressions, before = logs["impressions"], (since, run.day.start_us)
    clicks = Sized(valid_rows(logs["clicks"]), logs["clicks"].about_rows)
    joined = joined_pairs(impressions, clicks, run, clicked=before)
    choice = (CHOSEN,) if impressions.chooses else ()
    columns = ("item_id", "user_key", "click_us", "click_key", "of_other_user", *choice)
    staged = run.scratch.staged(joined.select(*columns), "earlier-pairs")
    counting = settled(staged, readable_rows(impressions), run, "earlier-pairs")
    pairs = counting.pairs.frame
    if run.config.popularity.clicks == "chosen":
        pairs = chosen_rows(pairs, impressions)
    return pairs.select("item_id", F.col("click_us").alias("event_us"), "click_key")
