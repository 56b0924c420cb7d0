"""``winnow.sample``: frames in, the tables of a date out, row for row as a whole build has them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as pds
import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.config.logs import LOG_NAMES
from winnow.config.tree import Config
from winnow.errors import ConfigError, InputError

from tests.events.handmade import DAY, Logs, at, build_day, config
from tests.invariants.staged import FIRST, every_table, resampled

Rows = list[dict[str, Any]]
TWO = ("impressions", "clicks")


def in_order(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: repr(sorted(row.items())))


def whole(settings: Config, name: str) -> pa.Table:
    """All rows of a log's files, the folders' date as a column where there are such folders."""
    log = getattr(settings.logs, name)
    table = pds.dataset(log.path, format="parquet", partitioning="hive").to_table()
    return table


class DescribeSample:
    def it_gives_the_rows_that_a_whole_build_publishes(
        self, spark: SparkSession, simulated: Path, tmp_path: Path
    ) -> None:
        warehouse = str(tmp_path / "w")
        settings = resampled(every_table(simulated)).model_copy(update={"warehouse": warehouse})
        built = build_day(settings, spark, FIRST)
        logs: dict[str, Any] = {
            name: spark.createDataFrame(whole(settings, name))
            for name in LOG_NAMES
            if getattr(settings.logs, name) is not None
        }
        tables = winnow.sample(**logs, config=settings, ds=FIRST)
        assert set(tables) == set(built.tables) == set(settings.tables_written)
        for name, frame in tables.items():
            found, expected = frame.toArrow(), built.tables[name]
            assert len(expected) > 0, name
            assert in_order(found.to_pylist()) == in_order(expected), name
            released = winnow.open_release(tmp_path / "w").arrow(name)
            assert found.schema.types == released.schema.types, name
            assert found.column_names == released.schema.names

    @pytest.mark.both_engines
    def it_leaves_no_file_behind_and_needs_none(self, spark: SparkSession, tmp_path: Path) -> None:
        tables = sampled(spark.createDataFrame, tmp_path)
        assert list((tmp_path / "scratch").iterdir()) == []
        (row,) = tables["positives"].collect()
        assert (row["user_id"], row["item_id"]) == (1, 11)

    @pytest.mark.parametrize(
        ("made", "rows"),
        [
            pytest.param(
                lambda table: table,
                lambda table: table.to_pylist(),
                marks=pytest.mark.both_engines,
            ),
            (pl.from_arrow, lambda frame: frame.to_dicts()),
            (lambda table: table.to_pandas(), lambda frame: frame.to_dict("records")),
        ],
        ids=["arrow", "polars", "pandas"],
    )
    def it_gives_frames_of_the_kind_that_came_in(
        self,
        spark: SparkSession,
        tmp_path: Path,
        made: Callable[[pa.Table], Any],
        rows: Callable[[Any], Rows],
    ) -> None:
        tables = sampled(made, tmp_path, spark=spark)
        assert {type(frame) for frame in tables.values()} == {type(made(pa.table({"a": [1]})))}
        (positive,) = rows(tables["positives"])
        assert (positive["user_id"], positive["item_id"]) == (1, 11)
        assert {row["neg_item_id"] for row in rows(tables["easy_negatives"])} == {12, 13}

    def it_rejects_what_a_build_rejects(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = two_logs()
        logs.click(9, 9, 99, at("11:00"))
        tables = sampled(lambda table: table, tmp_path, logs, spark=spark)
        (row,) = tables["rejected"].to_pylist()
        assert (row["log"], row["reasons"][0].partition(":")[0]) == ("clicks", "orphan")


def two_logs() -> Logs:
    logs = Logs()
    logs.show(1, 1, [11], at("10:00"))
    logs.show(2, 2, [12, 13], at("10:00"))
    logs.click(1, 1, 11, at("10:05"))
    return logs


def sampled(
    made: Callable[[pa.Table], Any], folder: Path, logs: Logs | None = None, **named: Any
) -> dict[str, Any]:
    """The tables of two logs, as frames that ``made`` makes of Arrow's."""
    logs = logs or two_logs()
    settings = config(folder, logs=TWO, negatives={"hard": []})
    frames = {n: made(pa.Table.from_pylist(r, logs._schema(n))) for n, r in logs.rows.items()}
    (folder / "scratch").mkdir()
    return winnow.sample(**frames, config=settings, ds=str(DAY), folder=folder / "scratch", **named)


class DescribeWhatIsRefused:
    def it_is_what_is_no_frame(self, tmp_path: Path) -> None:
        settings = config(tmp_path, logs=TWO, negatives={"hard": []})
        with pytest.raises(ConfigError, match="impressions: this is no frame, found list"):
            winnow.sample([1], [2], config=settings, ds=DAY)

    def it_is_a_frame_of_a_log_that_the_config_lacks(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = pa.table({"item_id": [1]})
        settings = config(tmp_path, logs=TWO, negatives={"hard": []})
        with pytest.raises(ConfigError, match="items: the config has no such log"):
            winnow.sample(table, table, items=table, config=settings, ds=DAY, spark=spark)

    def it_is_a_frame_without_a_column_that_the_contract_needs(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        settings = config(tmp_path, logs=TWO, negatives={"hard": []})
        table = pa.table({"item_id": [1]})
        with pytest.raises(InputError, match="column user_id is missing"):
            winnow.sample(table, table, config=settings, ds=DAY, spark=spark)
