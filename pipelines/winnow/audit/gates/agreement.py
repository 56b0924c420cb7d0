"""The tables tell one story: what several of them hold is the same in each."""

from collections.abc import Collection, Iterator, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, none_of
from winnow.audit.gates.row_rules import table_counts
from winnow.audit.recompute.row_sample import RowSample, positives_sample
from winnow.audit.recompute.staged_rows import KEY, NEGATIVE_LISTS, is_chosen, source_code
from winnow.config.sources import EASY_FILL, source_named
from winnow.config.tree import Config

TABLES_DISAGREE = none_of(
    "tables_disagree",
    TABLES,
    "rows or values that this table and training_samples do not share",
)

LONG_TABLES = ("easy_negatives", "hard_negatives", "training_samples_pointwise")
_OF_POSITIVE = (
    "keep_prob",
    "undo_weight",
    "cap_prob",
    "repeat_expect",
    "sample_weight",
    "impression_ts",
    "action_type",
    "mature",
)
_NEGATIVES, _TIME = ("easy_negatives", "hard_negatives"), "impression_ts"
_SAMPLES = "training_samples"


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the tables beside training_samples, all in one go."""
    staged, row_sample = evidence.staged, positives_sample(evidence)
    compared = compared_tables(staged)
    if compared:
        yield Measurement(
            [TABLES_DISAGREE.promised(name) for name in compared],
            lambda: agreement_figures(
                staged,
                row_sample,
                table_counts(evidence, _SAMPLES)["rows"],
                evidence.config,
            ),
        )


def compared_tables(staged: Mapping[str, DataFrame]) -> tuple[str, ...]:
    """Return the tables that ``agreement_figures`` compares with training_samples."""
    if _SAMPLES not in staged:
        return ()
    return tuple(name for name in (*LONG_TABLES, "positives") if name in staged)


def agreement_figures(
    staged: Mapping[str, DataFrame], row_sample: RowSample, n_samples: int, config: Config
) -> list[Figure]:
    """Compare the other tables with training_samples, row for row, by sums of row hashes.

    A sum of 64-bit hashes as decimal(38, 0) does not depend on order, and changes with a row that
    is lost, doubled, or whose ids were mixed up.

    Args:
        staged: The tables.
        row_sample: The positives whose rows are compared. That no row was lost is another gate, on
            all of them.
        n_samples: Rows of training_samples.
        config: The sources.

    Raises:
        ValueError: Too few positives lie in the row sample.
    """
    compared = compared_tables(staged)
    if not compared:
        return []
    staged = {name: row_sample.of(staged[name]) for name in (*compared, _SAMPLES)}
    samples = staged[_SAMPLES]
    if row_sample.one_in > 1:
        row_sample.require_seen(samples.count(), n_samples)
    pairs = []
    long = [table for table in LONG_TABLES if table in compared]
    if long:
        own = _of_positive(samples, staged.get("training_samples_pointwise", samples))
        # Whose schema is wrong is told elsewhere: here, what both have is compared.
        timed = {n for n in long if all(_TIME in staged[t].columns for t in (n, _SAMPLES))}
        wanted = _of_samples(samples, long, own, timed, config)
        pairs = [
            (table, _of_table(staged[table], table, own, timed, config), wanted[table])
            for table in long
        ]
    if "positives" in compared:
        shared = [n for n in staged["positives"].columns if n in samples.columns]
        total = _hash_sum(*map(F.col, shared)).alias("total")
        sums = [rows.agg(total).collect()[0]["total"] for rows in (staged["positives"], samples)]
        pairs.append(("positives", *sums))
    return [
        TABLES_DISAGREE.figure(int(own != other), table, detail=row_sample.described())
        for table, own, other in pairs
    ]


def _of_positive(samples: DataFrame, pointwise: DataFrame) -> Column:
    """Return one hash of what training_samples and its pointwise form say of a positive."""
    shared = [n for n in _OF_POSITIVE if n in samples.columns and n in pointwise.columns]
    parts = [part for name in shared for part in (F.col(name).isNull(), F.col(name))]
    return F.xxhash64(F.lit(0), *parts)


def _shared_key(rows: DataFrame) -> tuple[str, ...]:
    """Return what tells the positive of a row apart, in all tables alike."""
    return (*KEY, "shuffle_key", *(n for n in ("repeat_idx",) if n in rows.columns))


def _of_samples(
    samples: DataFrame,
    tables: Collection[str],
    own: Column,
    timed: Collection[str],
    config: Config,
) -> dict[str, int]:
    """Return what the long tables must add up to, by training_samples, in one pass."""
    mixed = "neg_mixture_log_q" in samples.columns
    lists = F.arrays_zip(*NEGATIVE_LISTS, *(["neg_mixture_log_q"] if mixed else []))
    key = _shared_key(samples)
    rows = samples.select(
        *key,
        "n_easy",
        "n_hard",
        own.alias("own"),
        *((_TIME,) if timed else ()),
        F.posexplode_outer(lists).alias("place", "negative"),
    )
    source, place = F.col("negative.neg_source").cast("int"), F.col("place")
    is_fill, is_hard = source == source_named(EASY_FILL).code, is_chosen(source, config)
    mixture = (F.col("negative.neg_mixture_log_q"),) if mixed else ()
    # Fills lie behind the hard negatives, but their draws are counted on from the easy ones.
    draw_no = (
        F.when(is_hard, place - F.col("n_easy"))
        .when(is_fill, place - F.col("n_hard"))
        .otherwise(place)
        .cast("int")
    )
    item, log_q = F.col("negative.neg_item_ids"), F.col("negative.neg_log_q")
    hardness, chance = F.col("negative.neg_hardness").cast("int"), F.col("negative.neg_incl_prob")
    keys = [F.col(name) for name in key]
    first = F.coalesce(place, F.lit(0)) == 0
    of_pointwise = (*keys, item, source, draw_no, hardness, log_q, chance, *mixture, F.col("own"))
    positive = _hash_sum(*keys, F.col("own"), where=first)
    easy, hard = ((F.col(_TIME),) * (table in timed) for table in _NEGATIVES)
    drawn, chosen = (source, draw_no, log_q, *mixture), (source, hardness, chance)
    totals = {
        "easy_negatives": _hash_sum(*keys, *easy, item, *drawn, where=~is_hard),
        "hard_negatives": _hash_sum(*keys, *hard, item, *chosen, where=is_hard),
        "training_samples_pointwise": _hash_sum(*of_pointwise, where=item.isNotNull()) + positive,
    }
    row = rows.agg(*(total.alias(table) for table, total in totals.items() if table in tables))
    return {table: int(total) for table, total in row.collect()[0].asDict().items()}


def _of_table(
    rows: DataFrame, table: str, own: Column, timed: Collection[str], config: Config
) -> int:
    key = _shared_key(rows)
    keys = [F.col(name) for name in key]
    keys += [F.col(_TIME)] if table in timed and table in _NEGATIVES else []
    code, draw_no = source_code(config), F.col("draw_no")
    mixture = [F.col(name) for name in rows.columns if name == "mixture_log_q"]
    if table == "easy_negatives":
        total = _hash_sum(*keys, F.col("neg_item_id"), code, draw_no, F.col("log_q"), *mixture)
    elif table == "hard_negatives":
        hardness = F.col("hardness").cast("int")
        total = _hash_sum(*keys, F.col("neg_item_id"), code, hardness, F.col("incl_prob"))
    else:
        keys = [F.col("pos_item_id" if name == "item_id" else name) for name in key]
        label, item, hardness = F.col("label"), F.col("item_id"), F.col("hardness").cast("int")
        chances = (F.col("log_q"), F.col("incl_prob"), *mixture)
        parts = (*keys, item, code, draw_no, hardness, *chances, own)
        is_positive = (label == 1) & (item == F.col("pos_item_id"))
        total = _hash_sum(*parts, where=label == 0) + _hash_sum(*keys, own, where=is_positive)
    return int(rows.agg(total.alias("total")).collect()[0]["total"])


def _hash_sum(*columns: Column, where: Column | None = None) -> Column:
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it.
    parts = [part for column in columns for part in (column.isNull(), column)]
    row = F.xxhash64(*parts).cast("decimal(38,0)")
    total = F.sum(row if where is None else F.when(where, row))
    return F.coalesce(total, F.lit(0).cast("decimal(38,0)"))
