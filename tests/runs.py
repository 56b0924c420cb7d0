"""Runs for functions that stage nothing: a folder that is not there, files that go nowhere."""

from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.dates import CalendarDay
from winnow.run import Run
from winnow.spark.scratch import Scratch


def run_of(spark: SparkSession, config: Config, day: CalendarDay | None = None) -> Run:
    """Return a run of a date; by default of one that does not matter."""
    day = CalendarDay(date(2026, 1, 5)) if day is None else day
    return Run(config, day, Scratch(spark, str, Path("/nowhere"), "nowhere"))
