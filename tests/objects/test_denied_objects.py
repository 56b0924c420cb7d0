"""An object that nobody may read is told as that, and never as a damaged or a missing one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.contracts.open_logs import open_logs
from winnow.dates import DateRange
from winnow.errors import InputError, ReleaseError, StoreError
from winnow.logs.delta.table_log import list_delta
from winnow.logs.files.locations import Location
from winnow.logs.parquet.damage import unreadable_files
from winnow.operations.doctor.doctor import examine
from winnow.operations.doctor.repair import repair_releases
from winnow.operations.doctor.repair_files import content_is_released
from winnow.operations.retention.lost_releases import missed_releases
from winnow.release.opening import open_release
from winnow.release.releases import list_releases, read_releases
from winnow.release.verify import verify_release
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import Store, keys_in, served
from tests.objects.test_logs_in_a_store import FIRST, FORMATS, rows
from tests.release.things import MONDAY, Run, store_of


@pytest.fixture
def closing(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of the test's own, which can be told to deny keys."""
    for server in served():
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        yield server


def written(folder: ObjectPath, kind: str, on_disk: Path) -> None:
    """Write three rows as a log of a format."""
    table = rows(FIRST, 3)
    if kind == "delta":
        dated = table.append_column("dt", pa.repeat(pa.scalar(FIRST), 3))
        write_deltalake(str(folder), dated, partition_by=["dt"])
        return
    file = on_disk / f"part.{kind}"
    if kind == "parquet":
        pq.write_table(table, file)
    elif kind == "csv":
        pcsv.write_csv(table, file)
    else:
        file.write_text("".join(f'{{"request_id": {n}}}\n' for n in range(3)))
    folder.joinpath(f"dt={FIRST}", file.name).upload(file)


def config_of(bucket: str, kind: str, on_disk: Path) -> Config:
    text = FORMATS.replace("IMPRESSIONS", f"{bucket}/impressions").replace("KIND", kind)
    text = text.replace("CLICKS", f"{bucket}/clicks")
    (on_disk / "winnow.yaml").write_text(text, encoding="utf-8")
    clicks = rows(FIRST, 1).rename_columns(["request_id", "user_id", "item_id", "click_ts"])
    pq.write_table(clicks, on_disk / "clicks.parquet")
    ObjectPath.of(f"{bucket}/clicks").joinpath("one.parquet").upload(on_disk / "clicks.parquet")
    return load_config(on_disk / "winnow.yaml")


class DescribeALogThatIsDenied:
    @pytest.mark.parametrize(
        ("kind", "denied"),
        [
            ("parquet", "part.parquet"),
            ("csv", "part.csv"),
            ("json_lines", "part.json_lines"),
            ("delta", "impressions/dt="),
            ("delta", "impressions/_delta_log"),
        ],
    )
    def it_says_who_may_not_and_names_no_damage(
        self, kind: str, denied: str, closing: Store, tmp_path: Path, spark: SparkSession
    ) -> None:
        bucket = closing.new_bucket()
        config = config_of(bucket, kind, tmp_path)
        written(ObjectPath.of(f"{bucket}/impressions"), kind, tmp_path)
        dates, required = {"impressions": DateRange(FIRST, FIRST)}, {"impressions": [FIRST]}
        closing.deny(denied)
        with pytest.raises(InputError) as caught:
            open_logs(config, Path("/"), dates, required=required, spark=spark)
        (problem,) = caught.value.problems
        assert "cannot be reached" in problem.what
        assert (problem.next_step or "").startswith("Look at AWS_ENDPOINT_URL")

    def it_is_told_where_the_files_of_a_delta_table_are_listed(
        self, closing: Store, tmp_path: Path
    ) -> None:
        folder = ObjectPath.of(f"{closing.new_bucket()}/impressions")
        written(folder, "delta", tmp_path)
        closing.deny("impressions/_delta_log")
        with pytest.raises(InputError, match="cannot be reached"):
            list_delta("impressions", Location.of(str(folder), tmp_path), None)

    @pytest.mark.parametrize("denied", ["part.parquet", "impressions"])
    def it_is_told_where_an_engine_has_failed_by_it(
        self, denied: str, closing: Store, tmp_path: Path
    ) -> None:
        bucket = closing.new_bucket()
        config = config_of(bucket, "parquet", tmp_path)
        folder = ObjectPath.of(f"{bucket}/impressions")
        written(folder, "parquet", tmp_path)
        closing.deny(denied)
        log = config.logs.impressions
        assert log is not None
        try:
            (problem,) = unreadable_files("impressions", log, tmp_path, [folder.key], "")
        except InputError as error:
            (problem,) = error.problems
        assert "cannot be reached" in problem.what


class DescribeAWarehouseThatIsDenied:
    @pytest.fixture
    def tables(self, closing: Store, spark: SparkSession) -> ObjectPath:
        place = ObjectPath.of(f"{closing.new_bucket()}/tables")
        Run(store_of(spark, place), MONDAY, "a").go(spark)
        return place

    def it_is_an_error_of_ours_in_a_release(self, closing: Store, tables: ObjectPath) -> None:
        closing.deny("things/_delta_log/00000000000000000001")
        with pytest.raises((ReleaseError, StoreError), match="cannot be reached"):
            open_release(str(tables), ds=MONDAY).files("things")

    def it_never_counts_a_release_as_one_that_never_was(
        self, closing: Store, tables: ObjectPath
    ) -> None:
        """Else its files could be deleted."""
        snapshot = read_releases(tables)
        closing.deny("releases/_delta_log/00000000000000000001")
        with pytest.raises(StoreError, match="cannot be reached"):
            missed_releases(tables / "releases", snapshot)

    @pytest.mark.parametrize(
        "denied",
        [
            "releases/part",
            "releases/_delta_log",
            "release_status/part",
            "release_status/_delta_log",
        ],
    )
    def it_lets_the_log_of_releases_be_when_the_doctor_repairs(
        self, denied: str, closing: Store, tables: ObjectPath, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (release,) = list_releases(tables)
        kept = ["keep", release.release_id, "--tag", "best", "--warehouse", str(tables)]
        assert main(kept) == 0
        before = keys_in(str(tables.parent))
        assert any(denied in key for key in before)
        capsys.readouterr()
        closing.deny(denied)
        with pytest.raises(StoreError, match="cannot be reached"):
            repair_releases(tables)
        assert keys_in(str(tables.parent)) == before
        last = list(examine(tables))[-1]
        assert (last.name, last.state) == ("read access", "failed")
        assert main(["doctor", "--repair", "--warehouse", str(tables)]) == 1, "to be tried again"
        told = capsys.readouterr()
        assert "cannot be reached" in told.out + told.err
        assert "backup" not in told.out + told.err
        assert keys_in(str(tables.parent)) == before

    def it_is_no_fault_of_the_rows_that_were_released(
        self, closing: Store, tables: ObjectPath, spark: SparkSession
    ) -> None:
        (release,), own = list_releases(tables), store_of(spark, tables)
        files = [ObjectPath.of(one) for one in open_release(str(tables), ds=MONDAY).files("things")]
        pin = release.pin("things")
        assert pin is not None
        assert content_is_released(own, release, pin, files, pin.version)
        closing.deny("things/ds=")
        with pytest.raises(StoreError, match="cannot be reached"):
            content_is_released(own, release, pin, files, pin.version)
        with pytest.raises(StoreError, match="cannot be reached"):
            verify_release(release, own)

    def it_is_a_record_and_an_error_of_a_disk_whatever_is_asked(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = ObjectPath.of("s3://closed-to-all/tables/x")
        for closed in served("--refuse", "GET", "HEAD", "PUT", "POST", "DELETE"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", closed.endpoint)
            asked: tuple[Callable[[], object], ...] = (
                path.exists,
                path.stat,
                path.read_bytes,
                path.unlink,
                lambda: path.write_bytes(b"x"),
                lambda: path.copy_to(path.parent / "y"),
                lambda: list(path.parent.objects()),
                lambda: list(path.iterdir()),
            )
            for ask in asked:
                with pytest.raises(StoreError, match="cannot be reached") as caught:
                    ask()
                assert isinstance(caught.value, OSError)
