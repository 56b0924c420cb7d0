"""The staged tables as such: keys, sums, schemas."""

from collections.abc import Mapping
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.labels_again import Clicked, clicked_sums
from pipelines.audit.row_rules import broken_rules
from pipelines.audit.some_requests import is_of_some, told_of_some
from pipelines.audit.staged_rows import NEGATIVE_LISTS
from pipelines.config.tree import Config
from pipelines.contracts.counts import RowCounts
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.tables import TableContract

_MUST_HOLD_ROWS = (
    "positives",
    "training_samples",
    "easy_negatives",
    "item_stats",
    "ranking_samples",
)


def wanted_rows(
    totals: Mapping[str, int], counts: Mapping[str, RowCounts], logs: Mapping[str, Log]
) -> dict[str, int]:
    """Return how many rows tables must have: what was sampled, or what was shown.

    Args:
        totals: Positives and negatives of the sample groups.
        counts: Where the rows of each log went. logs: The logs.
    """
    n, easy, hard = totals["positives"], totals["easy"] + totals["fill"], totals["hard"]
    wanted = {
        "positives": n,
        "training_samples": n,
        "easy_negatives": easy,
        "hard_negatives": hard,
        "training_samples_pointwise": n + easy + hard,
    }
    if "viewed" not in logs["impressions"].mapped:
        wanted["ranking_samples"] = counts["impressions"].valid
    return wanted


def key_figures(
    name: str,
    rows: DataFrame,
    contract: TableContract,
    wanted: int | None,
    config: Config,
    day: CalendarDay,
    *,
    allow_empty: bool,
    one_in: int = 1,
) -> tuple[Clicked | None, list[Figure]]:
    """Read a table once: count its rows, its repeated keys, and the rows that break a rule.

    Distinct 64-bit hashes prove distinct keys, and only 8 bytes a row cross the network; where
    hashes repeat, the full columns decide.

    Args:
        name: The table's name.
        rows: The table, staged.
        contract: Its contract.
        wanted: How many rows it must have; None where that is not known.
        config: What its rows were made by.
        day: The date.
        allow_empty: Whether it may be empty.
        one_in: The rules on single rows are looked at in 1 in so many requests.

    Returns:
        The clicked rows of ranking_samples, None for another table; and the figures.
    """
    broken = broken_rules(name, rows.columns, config, day)

    def looked_at(is_broken: Column) -> Column:
        # A CASE and not an AND: it computes the rule for the rows that it is wanted of.
        return is_broken if one_in == 1 else F.when(is_of_some(one_in), is_broken)

    has_labels = name == "ranking_samples" and "click_ts" in rows.columns
    sums = clicked_sums(config) if has_labels else {}
    counts = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_distinct(F.xxhash64(*contract.key)).alias("keys"),
        *(F.count_if(looked_at(is_broken)).alias(gate) for gate, is_broken in broken.items()),
        *(total.alias(of) for of, total in sums.items()),
    ).collect()[0]
    repeated = counts["rows"] - counts["keys"]
    if repeated > 0:
        repeated = counts["rows"] - rows.select(*contract.key).distinct().count()
    figures = [Figure("duplicate_keys", repeated, name)]
    if wanted is not None:
        detail = f"{counts['rows']:,} rows, {wanted:,} were made"
        figures.append(Figure("rows_differ", counts["rows"] - wanted, name, detail=detail))
    # A config may ask for no draws, and a user may have been shown the whole catalogue.
    may_be_empty = allow_empty or (name == "easy_negatives" and wanted == 0)
    if name in _MUST_HOLD_ROWS and not may_be_empty:
        figures.append(Figure("rows", counts["rows"], name))
    told = told_of_some(one_in)
    figures += [Figure(gate, counts[gate], name, detail=told) for gate in broken]
    if not sums:
        return None, figures
    return Clicked(counts["clicked"], counts["clicked_total"] or Decimal(0)), figures


def schema_figure(name: str, rows: DataFrame, contract: TableContract) -> Figure:
    """Compare names, order and types of a table's columns with its contract; no job runs."""
    wanted = [(field.name, field.dataType) for field in contract.spark_schema()]
    found = [(field.name, field.dataType) for field in rows.schema]
    different = sorted({n for n, _ in set(map(_text, wanted)) ^ set(map(_text, found))})
    moved = [] if different or wanted == found else ["the order of columns"]
    listed = ", ".join([*different, *moved])
    return Figure("schema_differs", len(different) + len(moved), name, detail=listed)


def _text(column: tuple[str, object]) -> tuple[str, str]:
    return column[0], str(column[1])


def mix_figures(samples: DataFrame, config: Config) -> tuple[list[Figure], dict[str, int]]:
    """Check requested = easy + hard + fill + shortfall on every row, and the mix.

    Args:
        samples: training_samples, staged.
        config: The mix.

    Returns:
        The figures, and sums over all rows: ``positives``, ``requested``, ``easy``, ``hard``,
        ``fill``, ``shortfall``, and the missing negatives of each reason.
    """
    n_easy, n_hard, n_fill = F.col("n_easy"), F.col("n_hard"), F.col("n_fill")
    given, shortfall = n_easy + n_hard + n_fill, F.col("shortfall")
    uneven = F.lit(False)
    for name in NEGATIVE_LISTS:
        uneven = uneven | (F.size(name) != given)
    missing = F.aggregate("shortfall_counts", F.lit(0), lambda total, n: total + n)
    reasons = ("request_not_logged", "pool_too_small", "all_forbidden", "catalogue_exhausted")
    of_reason = {reason: _missing(reason) for reason in reasons}
    exhausted = of_reason["catalogue_exhausted"]
    hard_missing = missing - exhausted
    # A missing hard negative is filled, unless the user's catalogue is exhausted.
    nothing_left = (n_fill == 0) & ((exhausted > 0) | F.lit(config.mix.n_easy == 0))
    wrong_fill = n_fill != 0
    if config.mix.on_hard_shortfall == "fill":
        wrong_fill = (n_fill != hard_missing) & ~nothing_left
    differs = (
        (F.col("n_requested") != config.mix.negatives_per_positive)
        | (n_hard + hard_missing != config.mix.n_hard)
        | (n_easy + exhausted != config.mix.n_easy)
        | wrong_fill
    )
    sums = {
        "requested": F.col("n_requested"), "easy": n_easy, "hard": n_hard, "fill": n_fill,
        "shortfall": shortfall, **of_reason,
    }  # fmt: skip
    row = (
        _with_chances(samples)
        .agg(
            F.count(F.lit(1)).alias("positives"),
            F.count_if(~F.coalesce(_drawn_evenly(config), F.lit(False))).alias("unlikely"),
            F.count_if(F.col("n_requested") != given + shortfall).alias("unbalanced"),
            F.count_if(uneven).alias("uneven"),
            F.count_if(missing != n_fill + shortfall).alias("unexplained"),
            F.count_if(differs).alias("differs"),
            F.count_if(of_reason["request_not_logged"] == 0).alias("logged"),
            F.sum(F.when(of_reason["request_not_logged"] == 0, n_hard)).alias("hard_of_logged"),
            *(F.sum(column).alias(name) for name, column in sums.items()),
        )
        .collect()[0]
    )
    counts = {name: int(row[name] or 0) for name in ("positives", *sums)}
    figures = [
        Figure("negatives_unaccounted", row["unbalanced"]),
        Figure("lists_uneven", row["uneven"]),
        Figure("shortfall_unexplained", row["unexplained"]),
        Figure("mix_differs", row["differs"]),
        Figure("incl_prob_differs", row["unlikely"], "training_samples"),
    ]
    if config.mix.n_hard > 0 and row["logged"]:
        asked = row["logged"] * config.mix.n_hard
        found = (row["hard_of_logged"] or 0) / asked - 1.0
        figures.append(Figure("hard_share", found, detail=f"{asked:,} asked for"))
    figures += [
        Figure("shortfall_share", counts[reason] / counts["requested"], reason)
        for reason in reasons
        if counts[reason]
    ]
    return figures, counts


def _with_chances(samples: DataFrame) -> DataFrame:
    """Add what ``_drawn_evenly`` needs, each list looked at once.

    ``known_chances`` counts the negatives that tell a chance; of the hard ones ``hard_chances``
    does, and ``least_chance`` and ``most_chance`` are the ends.
    """
    hard = F.slice("neg_incl_prob", F.col("n_easy") + F.lit(1), F.col("n_hard"))
    with_hard = samples.select("*", hard.alias("hard_incl_prob"))
    return with_hard.select(
        "*",
        F.size(F.array_compact("neg_incl_prob")).alias("known_chances"),
        F.size(F.array_compact("hard_incl_prob")).alias("hard_chances"),
        F.array_min("hard_incl_prob").alias("least_chance"),
        F.array_max("hard_incl_prob").alias("most_chance"),
    )


def _drawn_evenly(config: Config) -> Column:
    """Return whether the hard negatives of a positive tell one possible chance to be chosen.

    It is drawn / pool for each of them, and NULL for the others. A pool that gave fewer than were
    asked for gave all that it had.
    """
    n_hard, known = F.col("n_hard"), F.col("known_chances")
    if config.hard.selection != "random":
        return known == 0
    least, most = F.col("least_chance"), F.col("most_chance")
    pool = n_hard / least
    whole = F.abs(pool - F.round(pool)) <= 1e-6 * pool
    possible = (least > 0) & (least == most) & (most <= 1) & whole
    all_taken = (n_hard == config.mix.n_hard) | (least == 1)
    complete = (known == n_hard) & (F.col("hard_chances") == n_hard)
    return F.when(n_hard == 0, known == 0).otherwise(complete & possible & all_taken)


def _missing(reason: str) -> Column:
    pairs = F.arrays_zip("shortfall_reasons", "shortfall_counts")
    return F.aggregate(
        F.filter(pairs, lambda pair: pair["shortfall_reasons"] == reason),
        F.lit(0),
        lambda total, pair: total + pair["shortfall_counts"],
    )
