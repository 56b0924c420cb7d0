"""The positives and negatives of a build, whichever of its tables are written."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.config.sources import NEGATIVE_FEEDBACK, OTHER_REQUESTS, source_named
from winnow.config.tree import Config

KEY = ("user_id", "request_id", "item_id")

NEGATIVE_LISTS = ("neg_item_ids", "neg_source", "neg_hardness", "neg_log_q", "neg_incl_prob")
"""The lists of training_samples with one element per negative."""

_OF_USERS = (NEGATIVE_FEEDBACK, OTHER_REQUESTS)

_COMPARED = ("neg_item_ids", "neg_source", "neg_log_q", "neg_mixture_log_q")


@dataclass(frozen=True)
class StagedPositives:
    """The positives.

    Attributes:
        rows: One row per positive: ``KEY``, and what else the table knows of them.
        complete: Whether a positive without negatives would be among them.
    """

    rows: DataFrame
    complete: bool


def codes_of(config: Config) -> dict[str, int]:
    """Return neg_source of every ``source`` of long tables that the config asks for."""
    drawn = {source.name: source.code for source in config.negatives.drawn}
    return drawn | {
        entry.source: source_named(entry.source).code for entry in config.negatives.hard
    }


def source_code(config: Config) -> Column:
    """Return the code of the column ``source``, int; NULL for a name that is none."""
    known = codes_of(config).items()
    return F.coalesce(*(F.when(F.col("source") == n, F.lit(c)) for n, c in known), F.lit(None))


def is_chosen(code: Column, config: Config) -> Column:
    """Return whether a code of neg_source is that of a source that chooses; NULL for NULL."""
    drawn = [source.code for source in config.negatives.drawn]
    return ~code.isin(*drawn) if drawn else F.when(code.isNotNull(), F.lit(True))


def of_stage(code: Column, config: Config) -> Column:
    """Return whether a code of neg_source is that of a source that takes from the request's lists.

    What users rejected, and what their other requests give, is of others.
    """
    others = [source_named(name).code for name in _OF_USERS]
    return is_chosen(code, config) & ~code.isin(*others)


def positives_of(staged: Mapping[str, DataFrame]) -> StagedPositives | None:
    """Return the positives from the table that knows most of them; None where none is written."""
    for name in ("positives", "training_samples"):
        if name in staged:
            return StagedPositives(staged[name], complete=True)
    if "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where("label = 1")
        return StagedPositives(rows, complete=True)
    keys = [
        staged[name].select(*KEY) for name in ("easy_negatives", "hard_negatives") if name in staged
    ]
    if not keys:
        return None
    both = keys[0] if len(keys) == 1 else keys[0].unionByName(keys[1])
    return StagedPositives(both.distinct(), complete=False)


def first_rows(positives: DataFrame) -> DataFrame:
    """Return one row of each positive, where they may be repeated."""
    return positives.where("repeat_idx = 0") if "repeat_idx" in positives.columns else positives


def strengths_of(positives: DataFrame, strength: str) -> DataFrame:
    """Return the positives of a strength; all, where the table tells of none, are strong."""
    if "label_strength" not in positives.columns:
        return positives if strength == "strong" else positives.where(F.lit(False))
    return positives.where(F.col("label_strength") == strength)


def clicked_rows(positives: DataFrame, config: Config) -> DataFrame:
    """Return the positives that were shown and clicked, where there may be others."""
    return strengths_of(positives, "strong") if config.positives.others else positives


def negatives_of(staged: Mapping[str, DataFrame], config: Config) -> DataFrame | None:
    """Return every staged negative once: user and item of its positive, and lists of negatives.

    Its request is told as well where a source must not give what was recalled for it.

    The lists are ``neg_item_ids``, ``neg_source``, ``neg_log_q``, and ``neg_mixture_log_q`` where
    all negatives of a positive are in one row that has it. Where sources draw by the market of the
    request, also what the table of positives carries of it.

    training_samples holds them as lists; without it a long table does, as lists of one. None
    where no table with negatives is written. That the long tables hold the same rows as
    training_samples is another gate (``agreement``).
    """
    if "training_samples" in staged:
        samples = staged["training_samples"]
        names = (
            *_whose(config),
            "item_id",
            *_COMPARED,
            *config.negatives.of_events.request_columns,
        )
        return samples.select(*(name for name in names if name in samples.columns))
    if "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where("label = 0")
        listed = _as_lists(rows, "pos_item_id", "item_id", F.col("log_q"), config)
        return _with_markets(listed, staged, config)
    parts = [
        _with_markets(
            _as_lists(staged[name], "item_id", "neg_item_id", log_q, config), staged, config
        )
        for name, log_q in (("easy_negatives", F.col("log_q")), ("hard_negatives", F.lit(None)))
        if name in staged
    ]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def _whose(config: Config) -> tuple[str, ...]:
    return ("user_id", "request_id") if config.negatives.not_recalled else ("user_id",)


def _as_lists(
    rows: DataFrame, positive: str, item: str, log_q: Column, config: Config
) -> DataFrame:
    whose = [F.col("user_id"), F.col("request_id"), F.col(positive).alias("item_id")]
    of_negative = {
        "neg_item_ids": F.col(item),
        "neg_source": source_code(config).cast("tinyint"),
        "neg_log_q": log_q.cast("double"),
    }
    if not (config.negatives.distinct and "draw_no" in rows.columns):
        return rows.select(*whose, *(F.array(of).alias(n) for n, of in of_negative.items()))
    # What was drawn before matters to a draw: those of a row of a positive come together again.
    key = {"user_id", "request_id", positive, "shuffle_key", "repeat_idx"} & set(rows.columns)
    one = F.struct("draw_no", *(of.alias(name) for name, of in of_negative.items()))
    together = rows.groupBy(*sorted(key)).agg(F.sort_array(F.collect_list(one)).alias("draws"))
    return together.select(*whose, *(F.col(f"draws.{name}").alias(name) for name in of_negative))


def _with_markets(listed: DataFrame, staged: Mapping[str, DataFrame], config: Config) -> DataFrame:
    """Return rows of ``_as_lists`` with the carried columns that tell the market of the request."""
    columns, positives = config.negatives.of_events.request_columns, positives_of(staged)
    if columns:
        assert positives is not None and positives.complete, "the config's rules see to it"
        told = first_rows(positives.rows).select(*KEY, *columns)
        listed = listed.join(told, list(KEY), how="left")
    return listed.drop(*({"request_id"} - {*_whose(config)}))


def hard_of(staged: Mapping[str, DataFrame], config: Config) -> DataFrame | None:
    """Return the hard negatives of the request's stages: ``KEY``, ``neg_item_id``, ``stage``.

    What users rejected, and what their other requests give, is none of them.
    hard_negatives knows rank and score of each; the other tables know its stage by its hardness.
    None where no table with hard negatives is written.
    """
    if "hard_negatives" in staged:
        asked, rows = config.negatives, staged["hard_negatives"]
        of_users = asked.feedback is not None or asked.other_requests is not None
        return rows.where(~F.col("source").isin(*_OF_USERS)) if of_users else rows
    stages = [stage.name for stage in config.ladder if stage.take != "none"]
    if not stages:
        return None
    named = (F.when(F.col("hardness") == i, F.lit(n)) for i, n in enumerate(stages, start=1))
    stage = F.coalesce(*named).alias("stage")
    if "training_samples" in staged:
        lists = F.explode(F.arrays_zip("neg_item_ids", "neg_source", "neg_hardness")).alias("row")
        rows = staged["training_samples"].select(*KEY, lists)
        hard = rows.where(of_stage(F.col("row.neg_source"), config)).select(
            *KEY,
            F.col("row.neg_item_ids").alias("neg_item_id"),
            F.col("row.neg_hardness").alias("hardness"),
        )
    elif "training_samples_pointwise" in staged:
        rows = staged["training_samples_pointwise"].where(of_stage(source_code(config), config))
        hard = rows.select(
            "user_id",
            "request_id",
            F.col("pos_item_id").alias("item_id"),
            F.col("item_id").alias("neg_item_id"),
            "hardness",
        )
    else:
        return None
    return hard.select(*KEY, "neg_item_id", stage)


def can_have_hard(evidence: Evidence) -> bool:
    """Return whether hard ones of stages were asked for, and a written table tells of them."""
    return (
        "ranking_log" in evidence.logs
        and evidence.config.negatives.n_of_stages > 0
        and hard_of(evidence.staged, evidence.config) is not None
    )


def rows_in_batches(evidence: Evidence) -> DataFrame:
    """Return the rows of training_samples that are in batches; those that were left out are not."""
    rows = clicked_rows(evidence.staged["training_samples"], evidence.config)
    asked = evidence.config.in_batch
    if asked is None or not asked.conflict_free:
        return rows
    return rows.where(F.col("batch_id").isNotNull())
