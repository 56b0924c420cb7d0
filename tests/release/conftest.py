"""One warehouse with two released dates, made once and copied for every test that needs it."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.release.store import Store

from tests.release.things import MONDAY, TUESDAY, Run, store_of


@pytest.fixture(scope="session")
def two_dates(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Monday with mark a, Tuesday with mark b. The folder's name has a space in it on purpose."""
    warehouse = tmp_path_factory.mktemp("released") / "ware house"
    store = store_of(spark, warehouse)
    for day, mark in ((MONDAY, "a"), (TUESDAY, "b")):
        Run(store, day, mark).go(spark)
    return warehouse


@pytest.fixture
def store(spark: SparkSession, two_dates: Path, tmp_path: Path) -> Store:
    """A store over a copy of the two released dates, which the test may change."""
    warehouse = tmp_path / "ware house"
    shutil.copytree(two_dates, warehouse)
    return store_of(spark, warehouse)
