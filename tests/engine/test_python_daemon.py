"""Spark's Python workers do not read archives before each task."""

import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from winnow.engine.choice import engine_of
from winnow.engine.startup.python_daemon import leave_archives_out

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ARCHIVES = ["/spark/python/lib/pyspark.zip", "/spark/jars/spark-core.jar"]


class DescribeLeaveArchivesOut:
    def it_takes_archives_off_the_path_and_nothing_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = [place for place in sys.path if not place.endswith((".zip", ".jar"))]
        monkeypatch.setattr(sys, "path", [*ARCHIVES, *before])
        leave_archives_out()
        assert sys.path == before

    def it_keeps_them_where_pyspark_is_nowhere_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "path", [*ARCHIVES, "/app"])
        monkeypatch.setattr("winnow.engine.startup.python_daemon.find_spec", lambda _: None)
        leave_archives_out()
        assert sys.path == [*ARCHIVES, "/app"]


class DescribeATask:
    @pytest.mark.spark_only
    def it_knows_pyspark_from_where_it_is_installed(self, spark: "SparkSession") -> None:
        def places(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            list(batches)
            known = [*sys.path, *sys.path_importer_cache]
            yield pa.RecordBatch.from_pydict({"place": known})

        rows = spark.range(2).mapInArrow(places, "place string").collect()
        found = {row["place"] for row in rows}
        assert found
        assert [place for place in found if ".zip" in place or ".jar" in place] == []


class DescribeWarmUp:
    @pytest.mark.spark_only
    def it_runs_one_task_of_python_beside_other_work(
        self, spark: "SparkSession", capfd: pytest.CaptureFixture[str]
    ) -> None:
        tracker = spark.sparkContext.statusTracker()
        before = set(tracker.getJobIdsForGroup())
        engine_of(spark).warm_up(audit=True)
        (first,) = [one for one in threading.enumerate() if one.name == "first-worker"]
        first.join(120)
        (job,) = set(tracker.getJobIdsForGroup()) - before
        told = tracker.getJobInfo(job)
        assert told is not None
        assert told.status == "SUCCEEDED"
        stages = [tracker.getStageInfo(stage) for stage in told.stageIds]
        assert [stage.numTasks for stage in stages if stage is not None] == [1]
        assert capfd.readouterr().err == ""
