"""Attributes of users: carried columns of the users log, such as a country or a segment."""

from collections.abc import Mapping

from pyspark.sql import DataFrame

from winnow.contracts.log import Log
from winnow.events.periods import standing_rows
from winnow.run import Run
from winnow.spark.limits import Limits
from winnow.spark.sized import Sized


def staged_users(logs: Mapping[str, Log], run: Run) -> Sized | None:
    """Return what is carried of each user on the date; None where nothing is.

    Args:
        logs: The conformed logs.
        run: The date, and where to compute.

    Returns:
        One row per user: ``user_id`` and the carried columns, read back from staging.
    """
    log = logs.get("users")
    if log is None or not log.carry:
        return None
    of_date = standing_rows(log, "user_id", run).select("user_id", *log.carry)
    return Sized(run.scratch.staged(of_date, "users-of-date"), log.about_rows)


def with_users(rows: DataFrame, users: Sized | None, limits: Limits) -> DataFrame:
    """Return rows with the attributes of their user, NULL where the log does not know them.

    Args:
        rows: ``user_id`` and other columns.
        users: What ``staged_users`` returned; few enough are broadcast.
        limits: How many are few.
    """
    if users is None:
        return rows
    return rows.join(users.side_of_join("user_id", limits), "user_id", how="left")
