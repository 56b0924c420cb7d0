"""The staged tables as such: keys, sums, schemas, and whether they tell the same story."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.config.tree import Config
from pipelines.contracts.tables import TableContract

_MUST_HOLD_ROWS = (
    "positives",
    "training_samples",
    "easy_negatives",
    "item_stats",
    "ranking_samples",
)
_LISTS = ("neg_item_ids", "neg_source", "neg_hardness", "neg_log_q", "neg_incl_prob")
_KEY = ("user_id", "request_id", "item_id")


def key_figures(
    name: str, rows: DataFrame, contract: TableContract, *, allow_empty: bool
) -> list[Figure]:
    """Count a table's rows, repeated keys, and columns that are not as in the contract.

    Distinct 64-bit hashes prove distinct keys, and only 8 bytes a row cross the network; where
    hashes repeat, the full columns decide.
    """
    own_id = F.lit(False)
    if "sample_id" in contract.names:
        own_id = F.col("sample_id") != F.xxhash64(*_KEY)
        if name == "training_samples_pointwise":
            own_id = own_id & (F.col("label") == 1)
    counts = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_distinct(F.xxhash64(*contract.key)).alias("keys"),
        F.count_if(own_id).alias("strange"),
    ).collect()[0]
    repeated = counts["rows"] - counts["keys"]
    if repeated > 0:
        repeated = counts["rows"] - rows.select(*contract.key).distinct().count()
    figures = [Figure("duplicate_keys", repeated, name)]
    if name in _MUST_HOLD_ROWS and not allow_empty:
        figures.append(Figure("rows", counts["rows"], name))
    if "sample_id" in contract.names:
        figures.append(Figure("sample_id_differs", counts["strange"], name))
    return figures


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
    for name in _LISTS:
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
    row = samples.agg(
        F.count(F.lit(1)).alias("positives"),
        F.count_if(F.col("n_requested") != given + shortfall).alias("unbalanced"),
        F.count_if(uneven).alias("uneven"),
        F.count_if(missing != n_fill + shortfall).alias("unexplained"),
        F.count_if(differs).alias("differs"),
        F.count_if(of_reason["request_not_logged"] == 0).alias("logged"),
        F.sum(F.when(of_reason["request_not_logged"] == 0, n_hard)).alias("hard_of_logged"),
        *(F.sum(column).alias(name) for name, column in sums.items()),
    ).collect()[0]
    counts = {name: int(row[name] or 0) for name in ("positives", *sums)}
    figures = [
        Figure("negatives_unaccounted", row["unbalanced"]),
        Figure("lists_uneven", row["uneven"]),
        Figure("shortfall_unexplained", row["unexplained"]),
        Figure("mix_differs", row["differs"]),
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


def _missing(reason: str) -> Column:
    pairs = F.arrays_zip("shortfall_reasons", "shortfall_counts")
    return F.aggregate(
        F.filter(pairs, lambda pair: pair["shortfall_reasons"] == reason),
        F.lit(0),
        lambda total, pair: total + pair["shortfall_counts"],
    )


def agreement_figures(staged: Mapping[str, DataFrame]) -> list[Figure]:
    """Compare the long tables with training_samples, row for row, by sums of row hashes.

    A sum of 64-bit hashes as decimal(38, 0) does not depend on order, and changes with a row that
    is lost, doubled, or whose ids were mixed up.
    """
    if "training_samples" not in staged:
        return []
    samples = staged["training_samples"]
    of_list = F.posexplode(F.arrays_zip("neg_item_ids", "neg_source", "neg_log_q"))
    exploded = samples.select(*_KEY, "n_easy", "n_hard", of_list.alias("place", "negative"))
    source, item = F.col("negative.neg_source"), F.col("negative.neg_item_ids")
    # Fills lie behind the hard negatives, but their draws are counted on from the easy ones.
    draw_no = F.col("place") - F.when(source == 1, F.col("n_hard")).otherwise(0)
    exact = F.col("negative.neg_log_q")
    easy = (*_KEY, item, source.cast("int"), draw_no.cast("int"), exact)
    hard = (*_KEY, item, source.cast("int"))
    name_of = {"popularity": 0, "easy_fill": 1, "cut": 2, "low": 3}
    code = F.coalesce(*(F.when(F.col("source") == n, F.lit(c)) for n, c in name_of.items()))
    totals = exploded.agg(
        _hash_sum(*easy, where=source < 2).alias("easy_negatives"),
        _hash_sum(*hard, where=source >= 2).alias("hard_negatives"),
    ).collect()[0]
    columns = {
        "easy_negatives": (*_KEY, "neg_item_id", code.cast("int"), "draw_no", "log_q"),
        "hard_negatives": (*_KEY, "neg_item_id", code.cast("int")),
    }
    figures = []
    for table, names in columns.items():
        if table in staged:
            own = staged[table].agg(_hash_sum(*names).alias("total")).collect()[0]["total"]
            figures.append(Figure("tables_disagree", int(own != totals[table]), table))
    if "positives" in staged:
        shared = [n for n in staged["positives"].columns if n in samples.columns]
        total = _hash_sum(*(part for n in shared for part in (F.col(n).isNull(), F.col(n))))
        sums = [
            rows.agg(total.alias("total")).collect()[0]["total"]
            for rows in (staged["positives"], samples)
        ]
        figures.append(Figure("tables_disagree", int(sums[0] != sums[1]), "positives"))
    return figures


def _hash_sum(*columns: Column | str, where: Column | None = None) -> Column:
    row = F.xxhash64(*columns).cast("decimal(38,0)")
    total = F.sum(row if where is None else F.when(where, row))
    return F.coalesce(total, F.lit(0).cast("decimal(38,0)"))
