"""Hard negatives beside the ranking log, read again: was the item there, and was it cut or low?"""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.figures.series import hard_origins
from winnow.audit.gate import HARD, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.hard_pass import HardRows, hard_counts
from winnow.audit.recompute.logged_stages import lets_be_negative
from winnow.audit.recompute.other_requests import rows_as_of_their_requests
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.audit.recompute.stage_rules import stage_rules
from winnow.audit.recompute.staged_rows import can_have_hard, hard_of
from winnow.audit.record import HardOrigin
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date
from winnow.contracts.stage_rows import StageRows
from winnow.dates import CalendarDay
from winnow.spark.limits import DEFAULT_LIMITS, Limits

HARD_NOT_LOGGED = none_of(
    "hard_not_logged",
    HARD,
    "hard negatives that the ranking log does not hold for that request, stage and value",
)
HARD_NOT_CUT = none_of(
    "hard_not_cut",
    HARD,
    "hard negatives that the ranking log does not show as cut or low at their stage",
)
HARD_WENT_ON = none_of(
    "hard_went_on",
    HARD,
    "hard negatives whose item a later stage of the same request has as well",
)
HARD_RANK_DIFFERS = none_of(
    "hard_rank_differs",
    HARD,
    "hard negatives whose rank or stage size is not what the ranking log's own score or rank tells",
)
HARD_OUTSIDE_BY_OTHER = at_most(
    "hard_outside_by_other",
    HARD,
    "share",
    "low hard negatives that the log's other column, score or rank, has outside of their band",
    warn=0.01,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the hard negatives, where there can be any."""
    hard = hard_of(evidence.staged, evidence.config)
    if hard is None or not can_have_hard(evidence):
        return
    log, stages = evidence.logs["ranking_log"], evidence.counts["ranking_log"].stages
    others, n_positives = rows_as_of_their_requests(evidence), evidence.n_positives
    if others is not None:
        hard, asked = hard.unionByName(others), evidence.config.negatives.other_requests
        n_positives *= 1 + (asked.asked if asked is not None else 0)

    def measured() -> list[Figure]:
        # For the report. Here, so that it cannot break unnoticed.
        origins_of_date(evidence)
        return recomputed_hard(
            log,
            hard,
            evidence.config,
            evidence.day,
            n_positives=n_positives,
            stages=stages,
            limits=evidence.scratch.limits,
        )

    yield Measurement(
        [HARD_NOT_LOGGED.promised(), HARD_NOT_CUT.promised(), HARD_WENT_ON.promised()], measured
    )


@once
def origins_of_date(evidence: Evidence) -> tuple[HardOrigin, ...]:
    """Return where the rows of hard_negatives come from; none where the table is not written."""
    table = evidence.staged.get("hard_negatives")
    return () if table is None else hard_origins(table)


def recomputed_hard(
    ranking_log: Log,
    hard: DataFrame,
    config: Config,
    day: CalendarDay,
    *,
    n_positives: int,
    stages: Mapping[str, StageRows] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Figure]:
    """Look up hard negatives in the ranking log of their own request and stage.

    All those of a request are looked up, or none: of many positives one in so many, chosen by the
    hash of their request (``request_sample.py``), so that the cost ends growing.

    Args:
        ranking_log: The log; its frame reads the files again.
        hard: The hard negatives: ``user_id``, ``request_id``, ``neg_item_id``, ``stage``, and rank
            and score where the table has them (``staged_rows.hard_of``).
        config: The ladder of stages and how a cut is known.
        day: The date.
        n_positives: How many positives there are; their requests are broadcast if they are few.
        stages: The rows of each stage that have a score, and those that have a rank; None takes
            every row to have both.
        limits: How much is compared at a time.
    """
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    of_ladder = F.col("stage").isin(*(stage.name for stage in config.ladder))
    one_in = one_in_so_many(n_positives, limits)
    # First of all conditions: engines need not look at the others for rows that it leaves out.
    rows = of_some_requests(ranking_log.frame, one_in).where(
        on_date(ranking_log, day) & ~F.col("filtered") & known & of_ladder
    )
    if config.funnel.cut_known_by == "passed":
        rows = rows.where("valid")
    by_user = "user_id" in ranking_log.mapped and config.attribution.users != "impression"
    logged = rows.select(
        "request_id",
        "user_id",
        "item_id",
        "stage",
        "score",
        "rank",
        "stage_size",
        (F.col("valid") & lets_be_negative(config)).alias("cut"),
    )
    n_rows = (ranking_log.about_rows + n_positives * config.negatives.n_of_stages) // one_in
    counts = hard_counts(
        HardRows(
            logged,
            of_some_requests(hard, one_in),
            n_rows,
            n_positives // one_in,
            by_user,
        ),
        config,
        stage_rules(ranking_log, config, stages),
        limits,
    )
    detail = requests_note(one_in)
    figures = [
        HARD_NOT_LOGGED.figure(counts.absent, detail=detail),
        HARD_NOT_CUT.figure(counts.not_cut, detail=detail),
        HARD_WENT_ON.figure(counts.went_on, detail=detail),
    ]
    if "stage_rank" not in hard.columns:
        return figures
    figures.append(HARD_RANK_DIFFERS.figure(counts.rank, detail=detail))
    share = counts.outside / counts.compared if counts.compared else 0.0
    detail = f"{counts.outside:,} of {counts.compared:,} that the log has score and rank of"
    if counts.outside:
        detail += "; say order_by: score or rank on the stage"
    return [*figures, HARD_OUTSIDE_BY_OTHER.figure(share, detail=detail)]
