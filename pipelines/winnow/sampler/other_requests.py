"""The requests of users on the date, where negatives may be of others than the positive's own."""

from collections.abc import Mapping
from functools import partial

from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from winnow.contracts.log import Log
from winnow.contracts.rows import valid_rows
from winnow.events.keys import key_of
from winnow.run import Run
from winnow.sampler.request_files import KEYS, write_requests
from winnow.spark.broadcast import broadcast
from winnow.spark.sized import Sized
from winnow.spark.task_files import Task


def stage_other_requests(
    logs: Mapping[str, Log], kept: Sized, pair_files: str, run: Run
) -> Sized | None:
    """Write what requests users had on the date, and return where each of them lies.

    A request is its user's, and was shown when the first of its valid impressions was, whether
    they may become positives or not.

    Args:
        logs: The conformed logs.
        kept: What ``stage_kept_pairs`` returned; users without a pair are left out.
        pair_files: The folder of ``PairFiles``.
        run: The date and the config.

    Returns:
        One row per user and request, read back from staging: ``request_id``; ``user_key``;
        ``owner_key``, of the request as one of its user's; ``pair_file`` and ``pair_row``, where
        ``PairFiles`` have it, with ``request_us`` besides. None where nothing is asked for of
        other requests.
    """
    if run.config.negatives.other_requests is None:
        return None
    ids, day, scratch = run.config.ids, run.day, run.scratch
    at = F.col("event_us")
    shown = (
        valid_rows(logs["impressions"])
        .where((at >= day.start_us) & (at < day.end_us) & F.col("request_id").isNotNull())
        .select("request_id", key_of("user_id", ids.user).alias("user_key"), "event_us")
    )
    users = kept.frame.select("user_key").distinct()
    if kept.rows <= run.limits.broadcast_rows:
        users = broadcast(users, "user_key")
    requests = (
        shown.join(users, "user_key", how="left_semi")
        .groupBy("request_id", "user_key")
        .agg(F.min("event_us").alias("request_us"))
        .withColumn("owner_key", F.xxhash64("user_key", key_of("request_id", ids.request)))
        .select(*KEYS, "request_us")
    )
    places = [StructField(name, LongType()) for name in ("pair_file", "pair_row")]
    schema = StructType([*(requests.schema[name] for name in KEYS), *places])
    task: Task = partial(write_requests, pair_files=pair_files, limits=scratch.limits)
    written = scratch.staged_by_tasks(requests, task, schema, "other-requests")
    return Sized(written, written.count())


def with_requests_of_pairs(others: Sized, pairs: Sized) -> Sized:
    """Return every request whose ranking rows matter: ``request_id``, ``user_key``, ``owner_key``.

    Args:
        others: What ``stage_other_requests`` returned. pairs: The pairs, with the same columns.
    """
    both = others.frame.select(*KEYS).unionByName(pairs.frame.select(*KEYS))
    return Sized(both.distinct(), others.rows + pairs.rows)
