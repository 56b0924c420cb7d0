"""The session: what is checked before it starts, and what it is when it has started."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow as pa
import pytest

from jobs import spark_engine
from jobs.engine import Engine, choose_engine
from jobs.fetch_jars import NEEDED, pick_needed
from jobs.java import check_java, find_jars, java_major_version
from pipelines.assembly.shipped import shipped
from pipelines.errors import ConfigError, RequirementError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[2]


def fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return java


def child_environment() -> dict[str, str]:
    """This process's environment without what its own session has set."""
    own = ("SPARK_", "PYSPARK_", "WINNOW_ENGINE")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


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
        with pytest.raises(ConfigError, match="not known, found duck, expected sail or spark"):
            choose_engine("duck")

    def it_has_a_master_with_spark_only(self) -> None:
        assert choose_engine("spark", master="local[1]") == "spark"
        with pytest.raises(ConfigError, match=r"Add --engine spark, or drop it"):
            choose_engine(master="local[1]")


class DescribeJava:
    @pytest.mark.parametrize(
        ("text", "major"),
        [
            ('openjdk version "17.0.15" 2025-04-15', 17),
            ('java version "1.8.0_402"', 8),
            ('openjdk version "21" 2023-09-19', 21),
            ('openjdk version "22-ea" 2024', 22),
            ("no such thing", None),
        ],
    )
    def it_tells_its_version(self, text: str, major: int | None) -> None:
        assert java_major_version(text) == major

    def it_is_asked_for_in_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(RequirementError) as caught:
            check_java()
        assert str(caught.value) == (
            "java: Java is needed by the spark engine, found none on PATH, expected Java 17 or 21."
            " Install a JDK (Debian: openjdk-17-jre-headless) or set JAVA_HOME to one that is"
            " there."
        )

    def it_must_be_new_enough(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fake_java(tmp_path, "11.0.2")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        with pytest.raises(RequirementError, match=r"too old .*, found Java 11, expected Java 17"):
            check_java()

    def it_may_be_newer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fake_java(tmp_path, "21.0.1")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        check_java()

    def it_ends_a_build_with_one_line_where_it_is_missing(self, tmp_path: Path) -> None:
        config = tmp_path / "winnow.yaml"
        config.write_text(
            "logs: {impressions: {path: i}, clicks: {path: c}}\nmix: {hard_ratio: 0.0}\n"
        )
        words = ["build", "--config", str(config), "--ds", "2026-01-01", "--engine", "spark"]
        child = subprocess.run(
            [sys.executable, "-m", "jobs.cli", *words],
            env={**child_environment(), "JAVA_HOME": str(tmp_path / "none")},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert child.returncode == 1
        assert "Traceback" not in child.stderr
        assert child.stderr.splitlines()[-1].startswith("java: Java is needed by the spark engine")


class DescribeTheJars:
    def it_takes_those_that_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jars = [tmp_path / "delta-spark_4.1.jar", tmp_path / "other.jar"]
        for jar in jars:
            jar.touch()
        monkeypatch.setenv("WINNOW_JARS", str(tmp_path))
        assert find_jars() == tuple(jars)
        monkeypatch.setenv("WINNOW_JARS", ",".join(map(str, jars)))
        assert find_jars() == tuple(jars)

    def it_says_what_to_do_where_there_are_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("WINNOW_JARS", raising=False)
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        with pytest.raises(RequirementError) as caught:
            find_jars()
        assert str(caught.value).endswith(
            "Run make spark (or python -m jobs.fetch_jars), or set WINNOW_JARS."
        )

    def it_picks_the_needed_ones_out_of_all_that_were_resolved(self) -> None:
        groups = ["io.delta", "io.unitycatalog", "com.fasterxml.jackson.datatype"]
        resolved = [Path(f"/ivy/{groups[0]}_{name}-4.4.0.jar") for name in NEEDED]
        picked = pick_needed((*resolved, Path("/ivy/org.slf4j_slf4j-api-2.0.13.jar")))
        assert sorted(picked) == sorted(f"{name}-4.4.0.jar" for name in NEEDED)
        with pytest.raises(RequirementError, match="delta-storage was not resolved"):
            pick_needed(tuple(jar for jar in resolved if "storage" not in jar.name))


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

            import pipelines.errors

            assert pipelines.errors
            for _ in batches:
                yield pa.RecordBatch.from_pydict({"python": [sys.prefix]})

        rows = spark.range(1, numPartitions=1).mapInArrow(where, "python string").collect()
        assert [row.python for row in rows] == [sys.prefix]

    def it_ships_a_file_to_every_task(self, spark: "SparkSession", tmp_path: Path) -> None:
        path = tmp_path / f"shipped-{tmp_path.name}.txt"
        path.write_text("hello")
        name = Engine.of(spark).ship(path)

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
            "from jobs.engine import Engine\n"
            "with Engine.start('test', engine='sail') as engine:\n"
            "    print(engine.spark.range(3).count())\n"
            "with Engine.start('test', engine='sail') as engine:\n"
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


class DescribeSparkSubmit:
    def it_says_which_flag_is_missing_before_any_work(self, tmp_path: Path) -> None:
        config = tmp_path / "winnow.yaml"
        config.write_text(
            "logs: {impressions: {path: i}, clicks: {path: c}}\nmix: {hard_ratio: 0.0}\n"
        )
        submit = Path(sys.executable).with_name("spark-submit")
        words = ["--config", str(config), "--ds", "2026-01-01"]
        child = subprocess.run(
            [submit, "--master", "local[1]", ROOT / "jobs" / "build.py", *words],
            env={
                **child_environment(),
                "PYSPARK_PYTHON": sys.executable,
                "SPARK_LOCAL_IP": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert child.returncode == 1
        # spark-submit passes on what the program says on either stream as its own output.
        last = child.stdout.splitlines()[-1]
        assert last.startswith("delta: the class io.delta.sql.DeltaSparkSessionExtension is not")
        assert "Add --packages io.delta:delta-spark_4.1_2.13:4.4.0 to spark-submit" in last
        assert "\tat " not in child.stdout + child.stderr, "no stack trace"


class DescribeShipped:
    def it_takes_an_absolute_path_as_it_is(self, tmp_path: Path) -> None:
        assert shipped(str(tmp_path / "x")) == str(tmp_path / "x")

    @pytest.mark.spark_only
    def it_says_what_was_not_shipped(self, spark: "SparkSession") -> None:
        with pytest.raises(FileNotFoundError, match="nothing was not shipped to this task"):
            shipped("nothing")
