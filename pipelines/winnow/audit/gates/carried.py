"""Columns that tables carry of items, users and clicks, beside the logs that they come from."""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, none_of
from winnow.audit.recompute.carried import carried_hash, carried_on, carried_with_clicks
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.row_sample import RowSample, positives_sample, row_sample_of
from winnow.audit.recompute.staged_rows import KEY, clicked_rows
from winnow.contracts.log import Log
from winnow.dates import CalendarDay

CARRIED_DIFFERS = none_of(
    "carried_differs",
    TABLES,
    "rows with columns carried from this log (logs.….carry) that it does not hold so: of the item "
    "or the user on the date, or of the click that made the positive",
)

_SAMPLES = ("positives", "training_samples")


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure what tables carry; positives and training_samples are compared with each other."""
    day, staged = evidence.day, evidence.staged
    carrying = {name: log for name, log in evidence.logs.items() if log.carry}
    samples = next((name for name in _SAMPLES if name in staged), None)
    if items := carrying.get("items"):
        yield Measurement(
            [CARRIED_DIFFERS.promised("items")],
            lambda: carried_items(staged["item_stats"], items, day),
        )
    tables = [name for name in (samples, "ranking_samples") if name is not None and name in staged]
    if (users := carrying.get("users")) and tables:
        row_samples = {name: positives_sample(evidence) for name in tables}
        n_shown = evidence.counts["impressions"].valid
        of_shown = row_sample_of(n_shown, day, evidence.scratch.limits)
        row_samples |= {"ranking_samples": of_shown}
        yield Measurement(
            [CARRIED_DIFFERS.promised(f"users.{name}") for name in tables],
            lambda: carried_users({n: staged[n] for n in tables}, users, day, row_samples),
        )
    if (clicks := carrying.get("clicks")) and samples is not None:
        yield Measurement(
            [CARRIED_DIFFERS.promised("clicks")],
            lambda: carried_clicks(
                clicked_rows(staged[samples], evidence.config),
                clicks,
                date_pairs(evidence).rows,
                positives_sample(evidence),
            ),
        )


def carried_items(item_stats: DataFrame, items: Log, day: CalendarDay) -> Figure:
    """Count the items of item_stats with carried columns that the items log does not hold so.

    Args:
        item_stats: The staged table.
        items: The items log; its frame reads the files again.
        day: The date.
    """
    stated = item_stats.select("item_id", carried_hash(items.carry).alias("carried"))
    logged = carried_on(items, "item_id", day)
    strange = stated.join(logged, ["item_id", "carried"], how="left_anti").count()
    return CARRIED_DIFFERS.figure(strange, "items")


def carried_users(
    tables: Mapping[str, DataFrame],
    users: Log,
    day: CalendarDay,
    row_samples: Mapping[str, RowSample],
) -> list[Figure]:
    """Count rows with carried columns that the users log does not hold so of their user.

    Of a user that it does not know on the date, all of them must be NULL.

    Args:
        tables: The staged tables.
        users: The users log; its frame reads the files again.
        day: The date.
        row_samples: The rows of each table that are looked at.
    """
    logged = carried_on(users, "user_id", day)
    known = logged.select("user_id").distinct().withColumn("known", F.lit(True))
    nothing = F.concat(*(F.col(name).isNull().cast("string") for name in users.carry))
    is_null = nothing == "true" * len(users.carry)
    figures = []
    for name, rows in tables.items():
        looked_at = row_samples[name]
        stated = looked_at.of(rows).select(
            "user_id", carried_hash(users.carry).alias("carried"), is_null.alias("is_null")
        )
        unlike = stated.join(logged, ["user_id", "carried"], how="left_anti")
        strange = unlike.join(known, "user_id", how="left").where(
            ~F.col("is_null") | F.col("known").isNotNull()
        )
        subject = f"users.{name}"
        figures.append(
            CARRIED_DIFFERS.figure(strange.count(), subject, detail=looked_at.described())
        )
    return figures


def carried_clicks(
    positives: DataFrame, clicks: Log, pairs: DataFrame, row_sample: RowSample
) -> Figure:
    """Count positives with carried columns that no click has that makes them at that time.

    Of several clicks at one time, any may be the one that decides.

    Args:
        positives: positives or training_samples, staged.
        clicks: The click log; its frame reads the files again.
        pairs: The pairs of the date, joined again.
        row_sample: The positives that are looked at.
    """
    stated = row_sample.of(positives).select(
        *KEY,
        F.unix_micros("impression_ts").alias("shown_us"),
        F.unix_micros("click_ts").alias("clicked_us"),
        carried_hash(clicks.carry).alias("carried"),
    )
    logged = carried_with_clicks(clicks, pairs)
    strange = stated.join(logged, stated.columns, how="left_anti").count()
    return CARRIED_DIFFERS.figure(strange, "clicks", detail=row_sample.described())
