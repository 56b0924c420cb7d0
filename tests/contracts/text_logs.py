"""Text logs with a title in each row, written and read for a test."""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from winnow.contracts.log import Log
from winnow.contracts.rejected import rejected_rows
from winnow.contracts.rows import valid_rows

from tests.contracts.logs_for_tests import (
    NOON_S,
    TODAY,
    config,
    impressions,
    opened,
)

HEADER = "request_id,user_id,item_id,ts,title\n"


def lines(*titles: str) -> str:
    """Impressions of the items 1, 2, …, each with the title as it stands in the file."""
    rows = [f"1,2,{n},{NOON_S},{title}\n" for n, title in enumerate(titles, 1)]
    return HEADER + "".join(rows)


def titles(log: Log) -> dict[int, str]:
    """The title of every valid row by its item."""
    return {row.item_id: row.title for row in valid_rows(log).collect()}


def read(spark: SparkSession, base: Path, **rest: Any) -> Log:
    return opened(spark, config(impressions(**rest), carry=["title"]), base)


def rejected(log: Log) -> dict[str, str]:
    """The reason of every rejected row by its text."""
    return {row.raw: row.reasons[0] for row in rejected_rows(log, TODAY).collect()}
