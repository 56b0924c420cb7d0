"""The items of a date: how popular each is, which may be drawn, and the draw table of them."""

from collections.abc import Mapping

from pyspark.sql import functions as F

from winnow.config.logs import EVENT_TIME
from winnow.config.sources import NEGATIVE_FEEDBACK
from winnow.contracts.log import Log
from winnow.contracts.rows import (
    valid_rows,
)
from winnow.events.eligibility import (
    eligible_items,
    items_seen_in,
)
from winnow.events.exposures import exposed_column, impressions_of_items
from winnow.events.item_attributes import ATTRIBUTE
from winnow.events.keys import key_of
from winnow.events.markets import popularity_by_market
from winnow.events.periods import standing_rows
from winnow.events.popular_items import earlier_pairs, popular_clicks, popularity_of_items
from winnow.events.segments import popularity_by_segment
from winnow.run import Run
from winnow.sampler.built_catalogue import build_catalogue, by_id, catalogue_table
from winnow.sampler.catalogue_file import save_catalogue
from winnow.sampler.catalogue_items import inside_of, segments_of
from winnow.sampler.items_in_files import may_stay_in_files, stage_from_files
from winnow.sampler.market_items import markets_of
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.spark.sized import Sized


def stage_catalogue(
    logs: Mapping[str, Log], run: Run, users: Sized | None = None
) -> StagedCatalogue:
    """Count popularity, find the eligible items, and build and ship the draw table.

    ``users`` is what ``staged_users`` returned.

    Raises:
        InputError: Two item ids have one 64-bit key, or segments or markets are too many, or
            told by what tells none.
    """
    config, day, scratch = run.config, run.day, run.scratch
    since = day.shifted(-config.popularity.window_days).start_us
    pairs = earlier_pairs(logs, run)
    clicks = popular_clicks(logs, run, pairs)
    popular = popularity_of_items(clicks, logs, run)
    if may_stay_in_files(logs, run):
        return stage_from_files(popular, logs["items"], run)
    if "items" in logs:
        log = logs["items"]
        eligible = eligible_items(standing_rows(log, "item_id", run), tuple(log.carry))
    else:
        # That a user rejected an item does not say that anybody can be shown it.
        telling = [name for name in EVENT_TIME if name != NEGATIVE_FEEDBACK]
        seen = [log for name, log in logs.items() if name in telling]
        folder = F.unix_micros(F.col("partition_date").cast("timestamp"))
        at = F.coalesce(F.col("event_us"), folder, F.lit(day.start_us))
        within = (at >= since) & (at < day.end_us)
        eligible = items_seen_in([valid_rows(log).where(within) for log in seen])
    measured = [name for name in popular.columns if name == "popularity"]
    known = eligible.withColumn("in_catalogue", F.lit(True)).join(popular, "item_id", how="full")
    windows = config.exposed_windows
    if windows:
        shown = impressions_of_items(logs["impressions"], windows, run)
        known = known.join(shown, "item_id", how="left")
    counted = [*measured, *map(exposed_column, windows)]
    known = known.select(
        "item_id",
        key_of("item_id", config.ids.item).alias("item_key"),
        F.coalesce("clicks", F.lit(0).cast("bigint")).alias("clicks"),
        F.coalesce("in_catalogue", F.lit(False)).alias("in_catalogue"),
        *(F.coalesce(name, F.lit(0).cast("bigint")).alias(name) for name in counted),
        "eligible_from",
        "eligible_to",
        *(name for name in eligible.columns if name.startswith(ATTRIBUTE)),
    )
    items = by_id(scratch.fetched(known, "items-of-date"))
    inside = inside_of(items)
    counted_segments = popularity_by_segment(clicks, logs, users, inside.num_rows, run)
    segments = {
        attribute: segments_of(*tables, inside["item_id"])
        for attribute, tables in counted_segments.items()
    }
    markets = {
        columns: markets_of(*tables, inside["item_id"])
        for columns, tables in popularity_by_market(logs, run, pairs).items()
    }
    catalogue = build_catalogue(items, config, day, segments, markets)
    frame = scratch.stored(catalogue_table(catalogue, inside), "catalogue")
    path = scratch.folder / f"catalogue-{scratch.tag}.arrow"
    save_catalogue(catalogue, path)
    return StagedCatalogue(catalogue, frame, scratch.ship(path))
