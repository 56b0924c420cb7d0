"""Every negative beside the forbidden set of its user, as the logs hold it."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.date_sources import date_drawable
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import DrawFigures
from winnow.audit.recompute.draws_pass import DrawRows, draw_figures
from winnow.audit.recompute.forbidding import forbidding_rows
from winnow.audit.recompute.markets import with_market_numbers
from winnow.audit.recompute.recalled import recalled_items
from winnow.audit.recompute.segments import date_segments
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.config.sources import source_named
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.dates import CalendarDay
from winnow.spark.scratch import Scratch


@once
def date_draws(evidence: Evidence) -> DrawFigures:
    """Return ``measure_draws`` of the staged negatives, of which there must be a table."""
    negatives = negatives_of(evidence.staged, evidence.config)
    assert negatives is not None
    users = date_segments(evidence).users
    if users is not None:
        none = F.array_repeat(
            F.lit(-1), len(evidence.config.negatives.of_events.segment_attributes)
        )
        negatives = negatives.join(users, "user_id", how="left").withColumn(
            "segments", F.coalesce("segments", none)
        )
    negatives, markets = with_market_numbers(negatives, evidence)
    if markets:
        of_users = [F.col("segments")] if users is not None else []
        negatives = negatives.withColumn("segments", F.concat(*of_users, F.array(*markets)))
    recalled = None
    if evidence.config.negatives.not_recalled:
        recalled = recalled_items(evidence, negatives)
    return measure_draws(
        negatives,
        date_drawable(evidence),
        evidence.logs,
        evidence.config,
        evidence.day,
        evidence.scratch,
        n_positives=evidence.n_positives,
        recalled=recalled,
    )


def measure_draws(
    negatives: DataFrame,
    drawable: Drawable,
    logs: Mapping[str, Log],
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
    *,
    n_positives: int,
    recalled: DataFrame | None = None,
) -> DrawFigures:
    """Put every negative beside the forbidden set of its user, as the logs hold it.

    Args:
        negatives: What ``negatives_of`` returned.
        drawable: What may be drawn.
        logs: Impressions and clicks; their frames read the files again.
        config: Exclusion window and id types.
        day: The date.
        scratch: Ships the catalogue to the tasks.
        n_positives: How many positives there are.
        recalled: What ``recalled_items`` returned, where a source must not give it.
    """
    path = scratch.folder / f"audited-items-{scratch.tag}.arrow"
    drawable.save(path)
    shown, clicked = forbidding_rows(logs, config, day, scratch)
    of = ("impressions", "clicks", *(["ranking_log"] if recalled is not None else []))
    sizes = (logs[name].about_rows for name in of)
    rows = DrawRows(
        shown=shown,
        clicked=clicked,
        negatives=negatives,
        n_rows=sum(sizes) + n_positives,
        n_positives=n_positives,
        recalled=recalled,
    )
    asked, shipped = config.negatives.feedback, scratch.ship(path)
    # The one source that may give what the user was shown, where the config asks for it.
    exempt = None if asked is None else source_named(asked.entry.source).code
    return draw_figures(rows, drawable, shipped, config.ids, scratch.limits, exempt)
