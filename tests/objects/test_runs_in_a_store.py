"""Which runs are at work on a warehouse in a store is known to all machines that keep it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.errors import StoreError
from winnow.operations.retention.clean import find_old_staging, remove_staging
from winnow.operations.retention.vacuum import UnpinnedFiles, find_unpinned
from winnow.release.paths import marker_folder
from winnow.release.run_markers import run_at_work, run_markers
from winnow.release.run_process import RUN_PROCESS_FILE, RunProcess
from winnow.release.staging import staged_runs
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import DAY, Shop, Store, keys_in, served

NO_AGE = timedelta(days=-1)
ENDED = RunProcess(RunProcess.current().machine, 2**30, "1")
ELSEWHERE = RunProcess("another machine", 7, "1")


def mark(warehouse: ObjectPath, run_id: str, process: RunProcess) -> None:
    (marker_folder(warehouse, run_id) / RUN_PROCESS_FILE).write_text(process.to_json())


class DescribeARunAtWork:
    def it_says_so_to_all_machines_until_it_is_over_and_leaves_nothing(
        self, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = ObjectPath.of(f"{bucket}/tables")
        with run_at_work(place, "run-1"):
            (here,) = staged_runs(place)
            # Another machine has another folder for what it stages.
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
            (there,) = staged_runs(place)
            assert (here.state, there.state) == ("alive", "alive")
            assert not there.path.exists()
            late = datetime.now(UTC) + timedelta(days=9)
            assert find_old_staging(place, timedelta(0), late).over == ()
        assert run_markers(place) == {}
        assert keys_in(bucket) == []

    def it_says_so_no_more_where_it_failed(self, bucket: str) -> None:
        place = ObjectPath.of(f"{bucket}/tables")
        with pytest.raises(ZeroDivisionError), run_at_work(place, "run-1"):
            assert set(run_markers(place)) == {"run-1"}
            raise ZeroDivisionError
        assert keys_in(bucket) == []

    def it_does_not_begin_where_it_cannot_say_so(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for closed in served("--refuse", "PUT", "POST"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", closed.endpoint)
            place = ObjectPath.of("s3://no-such-bucket/tables")
            with pytest.raises(StoreError, match="cannot be reached"), run_at_work(place, "run-1"):
                raise AssertionError("it began")


class DescribeRunsThatDied:
    def it_is_certain_of_this_machine_and_waits_two_days_for_others(
        self, bucket: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = ObjectPath.of(f"{bucket}/tables")
        for name, process in (("dead", ENDED), ("far", ELSEWHERE), ("mine", RunProcess.current())):
            mark(place, name, process)
        (marker_folder(place, "cut") / RUN_PROCESS_FILE).write_text("{")
        states = {run.run_id: run.state for run in staged_runs(place)}
        assert states == {
            "cut": "elsewhere", "dead": "ended", "far": "elsewhere", "mine": "alive"
        }  # fmt: skip
        assert main(["clean", "--warehouse", str(place)]) == 0
        told = capsys.readouterr().out
        assert "removed dead: over" in told
        assert "kept far: of another machine" in told
        assert set(run_markers(place)) == {"cut", "far", "mine"}
        assert main(["clean", "--warehouse", str(place), "--older-than", "0m"]) == 0
        assert "kept far: of another machine" in capsys.readouterr().out, "it may be at work"
        assert set(run_markers(place)) == {"cut", "far", "mine"}
        late = datetime.now(UTC) + timedelta(days=2, minutes=1)
        assert {
            run.run_id for run in find_old_staging(place, timedelta(days=3), late).over
        } == set()
        remove_staging(find_old_staging(place, now=late))
        assert set(run_markers(place)) == {"mine"}


class DescribeVacuumWhileOthersBuild:
    @pytest.fixture
    def own(self, bucket: str, shop: Shop, spark: SparkSession) -> ObjectPath:
        winnow.build(shop.on_disk, DAY, warehouse=f"{bucket}/tables", engine=spark)
        return ObjectPath.of(f"{bucket}/tables")

    def unneeded(self, own: ObjectPath) -> set[str]:
        found: UnpinnedFiles = find_unpinned(own, NO_AGE)
        assert found.problems == ()
        return {file.path.name for files in found.tables.values() for file in files}

    def it_deletes_nothing_that_a_build_elsewhere_may_be_about_to_publish(
        self, own: ObjectPath
    ) -> None:
        folder = own / "positives" / f"ds={DAY}"
        mark(own, "far", ELSEWHERE)
        (folder / "uploaded.parquet").write_text("of a build of another machine")
        assert self.unneeded(own) == set()
        mark(own, "far", ENDED)
        assert self.unneeded(own) == {"uploaded.parquet"}

    def it_takes_nobody_for_over_where_the_store_does_not_say(
        self, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for closed in served("--refuse", "GET", "HEAD"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", closed.endpoint)
            with pytest.raises(StoreError, match="cannot be reached"):
                staged_runs(ObjectPath.of(f"{bucket}/tables"))
