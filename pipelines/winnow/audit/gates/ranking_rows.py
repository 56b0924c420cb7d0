"""Whether the ranking log has what hard negatives are taken by: requests, scores and ranks."""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import INPUTS, Figure, Measurement, at_least, at_most
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many
from winnow.audit.recompute.stage_rules import stage_rules
from winnow.audit.recompute.staged_rows import can_have_hard, clicked_rows, positives_of
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date
from winnow.contracts.stage_rows import StageRows
from winnow.dates import CalendarDay

LOGGED_REQUEST_SHARE = at_least(
    "logged_request_share",
    INPUTS,
    "share",
    "requests with a positive that have ranking rows",
    warn=0.9,
)
UNORDERED_ROWS = at_most(
    "unordered_rows",
    INPUTS,
    "share",
    "rows of a stage, of which places decide, without the score or rank that would tell their "
    "place",
    warn=0.0,
    fail=0.5,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the ranking log, where hard negatives come from it."""
    positives, config, day = positives_of(evidence.staged), evidence.config, evidence.day
    if positives is None or not can_have_hard(evidence):
        return
    log, rows = evidence.logs["ranking_log"], clicked_rows(positives.rows, config)
    counted = evidence.counts["ranking_log"].stages
    by_user = "user_id" in log.mapped and config.attribution.users != "impression"
    one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
    ranked = log.frame.where(on_date(log, day))
    yield Measurement(
        [LOGGED_REQUEST_SHARE.promised()],
        lambda: logged_requests(rows, ranked, one_in, by_user=by_user),
    )
    if stages := stages_of_places(config):
        yield Measurement(
            [UNORDERED_ROWS.promised(name) for name in stages],
            lambda: unordered_rows(log, config, counted, day),
        )


def logged_requests(
    positives: DataFrame, ranking_log: DataFrame, one_in: int = 1, *, by_user: bool = False
) -> Figure:
    """Measure how many requests with a positive have ranking rows.

    Args:
        positives: ``user_id``, ``request_id``.
        ranking_log: Rows of the date: ``user_id``, ``request_id``.
        one_in: One in so many requests tells the share.
        by_user: Whether rows that name another user are of another request.
    """
    ranking_log = of_some_requests(ranking_log, one_in)
    asked = of_some_requests(positives, one_in).select("request_id", "user_id").distinct()
    named = ranking_log.select("request_id", F.col("user_id").alias("named")).distinct()
    if by_user:
        is_own = F.coalesce(F.col("user_id") == F.col("named"), F.lit(True))
        known = asked.join(named, "request_id").where(is_own).select(*asked.columns).distinct()
    else:
        known = asked.join(named.select("request_id").distinct(), "request_id", how="left_semi")
    total, found = asked.count(), known.count()
    share = found / total if total else 1.0
    return LOGGED_REQUEST_SHARE.figure(share, detail=f"{found:,} of {total:,} requests")


def stages_of_places(config: Config) -> tuple[str, ...]:
    """Return the stages of which the place of an item decides whether it is taken."""
    return tuple(stage.name for stage in config.ladder if stage.needs_places or stage.selects)


def unordered_rows(
    ranking_log: Log, config: Config, counted: Mapping[str, StageRows], day: CalendarDay
) -> list[Figure]:
    """Measure how many rows of ``stages_of_places`` have no value in the column that orders them.

    Args:
        ranking_log: The log, of which examples are shown.
        config: The ladder.
        counted: The rows of each stage.
        day: The date.
    """
    figures, judged = [], stages_of_places(config)
    by_score = stage_rules(ranking_log, config, counted).by_score
    for stage, scored in zip(config.ladder, by_score, strict=True):
        if stage.name not in judged:
            continue
        own = counted.get(stage.name, StageRows())
        column = "score" if scored else "rank"
        without = own.rows - (own.scored if scored else own.ranked)
        detail = f"{without:,} of {own.rows:,} rows without a {column}"
        if without:
            of_stage = ranking_log.frame.where(on_date(ranking_log, day) & F.col("valid"))
            rows = of_stage.where((F.col("stage") == stage.name) & F.col(column).isNull())
            few = rows.select("request_id", "item_id").orderBy("request_id", "item_id").limit(3)
            shown = (f"request {row.request_id} item {row.item_id}" for row in few.collect())
            detail += f": {', '.join(shown)}"
        share = without / own.rows if own.rows else 0.0
        figures.append(UNORDERED_ROWS.figure(share, stage.name, detail=detail))
    return figures
