"""What each positive was given beside what was asked for: the mix, the lists, and the shortfall."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.recompute.row_sample import Stretch, aggregate
from winnow.audit.recompute.staged_rows import NEGATIVE_LISTS
from winnow.config.tree import Config


def mix_figures(
    samples: DataFrame, config: Config, stretch: Stretch
) -> tuple[list[Figure], dict[str, int]]:
    """Check requested = easy + hard + fill + shortfall on every row, and the mix.

    Args:
        samples: training_samples, staged.
        config: The mix.
        stretch: The positives whose lists are looked into; the ids of all are counted.

    Returns:
        The figures, and sums over all rows: ``positives``, ``requested``, ``easy``, ``hard``,
        ``fill``, ``shortfall``, and the missing negatives of each reason.

    Raises:
        ValueError: Too few positives lie in the stretch.
    """
    n_easy, n_hard, n_fill = F.col("n_easy"), F.col("n_hard"), F.col("n_fill")
    given, shortfall = n_easy + n_hard + n_fill, F.col("shortfall")
    ids, *others = NEGATIVE_LISTS
    few_ids, uneven = F.size(ids) != given, F.lit(False)
    for name in others:
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
    logged = of_reason["request_not_logged"] == 0
    row = aggregate(
        _with_chances(samples),
        stretch,
        {
            "rows": F.count(F.lit(1)),
            "few_ids": F.count_if(few_ids),
            "unbalanced": F.count_if(F.col("n_requested") != given + shortfall),
            "unexplained": F.count_if(missing != n_fill + shortfall),
            "differs": F.count_if(differs),
            "logged": F.count_if(logged),
            "hard_of_logged": F.sum(F.when(logged, n_hard)),
            **{name: F.sum(column) for name, column in sums.items()},
        },
        {
            "uneven": F.count_if(~few_ids & uneven),
            "unlikely": F.count_if(~F.coalesce(_drawn_evenly(config), F.lit(False))),
        },
    )
    counts = {"positives": row["rows"], **{name: int(row[name] or 0) for name in sums}}
    told = stretch.told()
    told_of_lists = f"{told}, at the ids of all" if told else ""
    figures = [
        Figure("negatives_unaccounted", row["unbalanced"]),
        Figure("lists_uneven", row["few_ids"] + row["uneven"], detail=told_of_lists),
        Figure("shortfall_unexplained", row["unexplained"]),
        Figure("mix_differs", row["differs"]),
        Figure("incl_prob_differs", row["unlikely"], "training_samples", detail=told),
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
