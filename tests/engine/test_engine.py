"""The session: which engine it is of, and what it is when it has started."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow as pa
import pytest
from winnow.engine import spark as spark_engine
from winnow.engine.choice import choose_engine, engine_of
from winnow.engine.engine import Engine
from winnow.errors import ConfigError, RequirementError
from winnow.spark.shipped import shipped

from tests.child_process import ROOT, child_environment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class DescribeTheChoice:
    @pytest.fixture(autouse=True)
    def nothing_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WINNOW_ENGINE", raising=False)
        monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)

    def it_is_sail_where_nothing_is_said(self) -> None:
        assert choose_engine() == "sail"

    def it_is_what_is_named_first_as_an_argument_then_in_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WINNOW_ENGINE", "spark")
        assert (choose_engine(), choose_engine("sail")) == ("spark", "sail")

    def it_is_spark_under_spark_submit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
        assert choose_engine() == "spark"
        with pytest.raises(ConfigError, match="spark-submit starts the spark engine only"):
            choose_engine("sail")

    def it_must_be_one_that_there_is(self) -> None:
        with pytest.raises(
            ConfigError, match="not known, found duck, expected sail, spark or connect"
        ):
            choose_engine("duck")

    def it_has_a_master_with_spark_only(self) -> None:
        assert choose_engine("spark", master="local[1]") == "spark"
        with pytest.raises(ConfigError, match=r"Add --engine spark, or drop it"):
            choose_engine(master="local[1]")


class DescribeTheSession:
    def it_is_in_utc(self, spark: "SparkSession") -> None:
        assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
        moment = spark.sql("SELECT CAST('2026-01-01 12:00:00' AS TIMESTAMP) AS at")
        assert moment.selectExpr("unix_micros(at)").collect() == [(1_767_268_800_000_000,)]

    @pytest.mark.spark_only
    def it_writes_times_in_microseconds(self, spark: "SparkSession") -> None:
        assert spark.conf.get("spark.sql.parquet.outputTimestampType") == "TIMESTAMP_MICROS"

    @pytest.mark.spark_only
    def it_has_delta(self, spark: "SparkSession", tmp_path: Path) -> None:
        spark_engine.check_delta(spark.sparkContext)
        spark.range(3).write.format("delta").save(str(tmp_path / "t"))
        assert spark.read.format("delta").load(str(tmp_path / "t")).count() == 3

    @pytest.mark.spark_only
    def it_says_which_flag_is_missing(
        self, spark: "SparkSession", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        missing = {**spark_engine._EVERYWHERE, "spark.sql.extensions": "no.such.Extension"}
        monkeypatch.setattr(spark_engine, "_EVERYWHERE", missing)
        with pytest.raises(RequirementError) as caught:
            spark_engine.check_delta(spark.sparkContext)
        assert "Add --packages io.delta:delta-spark_4.1_2.13:4.4.0" in str(caught.value)

    def it_runs_workers_in_this_python(self, spark: "SparkSession") -> None:
        def where(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import sys

            import winnow.errors

            assert winnow.errors
            for _ in batches:
                yield pa.RecordBatch.from_pydict({"python": [sys.prefix]})

        rows = spark.range(1, numPartitions=1).mapInArrow(where, "python string").collect()
        assert [row.python for row in rows] == [sys.prefix]

    def it_ships_a_file_to_every_task(self, spark: "SparkSession", tmp_path: Path) -> None:
        path = tmp_path / f"shipped-{tmp_path.name}.txt"
        path.write_text("hello")
        name = engine_of(spark).ship(path)

        def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for _ in batches:
                text = Path(shipped(name)).read_text()
                yield pa.RecordBatch.from_pydict({"text": [text]})

        rows = spark.range(4, numPartitions=4).mapInArrow(read, "text string").collect()
        assert [row.text for row in rows] == ["hello"] * 4


@pytest.mark.sail_only
class DescribeSail:
    def it_listens_on_the_loopback_address_only(self, engine: "Engine") -> None:
        listening = {
            connection.laddr.ip
            for connection in psutil.Process().net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}

    def it_runs_without_java_and_without_jars(self, tmp_path: Path) -> None:
        code = (
            "from winnow.engine.choice import start_engine\n"
            "with start_engine('test', engine='sail') as engine:\n"
            "    print(engine.spark.range(3).count())\n"
            "with start_engine('test', engine='sail') as engine:\n"
            "    print(engine.spark.range(4).count())\n"
        )
        nothing = {"PATH": str(tmp_path), "WINNOW_JARS": str(tmp_path), "JAVA_HOME": str(tmp_path)}
        child = subprocess.run(
            [sys.executable, "-c", code],
            env={**child_environment(), **nothing},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert (child.returncode, child.stdout.split()) == (0, ["3", "4"]), child.stderr
        assert child.stderr == ""


class DescribeShipped:
    def it_takes_an_absolute_path_as_it_is(self, tmp_path: Path) -> None:
        assert shipped(str(tmp_path / "x")) == str(tmp_path / "x")

    @pytest.mark.spark_only
    def it_says_what_was_not_shipped(self, spark: "SparkSession") -> None:
        with pytest.raises(FileNotFoundError, match="nothing was not shipped to this task"):
            shipped("nothing")
