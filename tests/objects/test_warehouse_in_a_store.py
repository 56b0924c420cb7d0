"""A warehouse in an object store: read, verified and kept as one in a folder is."""

import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as pds
import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.engine.choice import engine_of
from winnow.loading.samples import stream_of
from winnow.operations.doctor.doctor import examine
from winnow.operations.retention.vacuum import delete_unpinned, find_unpinned
from winnow.release.paths import staging_root
from winnow.release.table_files import TableFiles
from winnow.release.verify import verify_release
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import DAY, Shop, contents, keys_in


def objects_of(warehouse: str) -> dict[str, int]:
    """Every object below and its size."""
    root = ObjectPath.of(warehouse)
    return {str(one.relative_to(root)): told.st_size for one, told in root.objects()}


class DescribeAReleaseInAStore:
    def it_is_all_that_there_is(self, in_store: str) -> None:
        """No staging, no probe, nothing in a table that its log does not name."""
        release = winnow.open_release(in_store, ds=DAY)
        (one,) = release.releases
        named = [path for pin in one.tables for path in release.files(pin.table)]
        found = {name for name in objects_of(in_store) if name.endswith(".parquet")}
        of_tables = {name for name in found if not name.startswith("releases/")}
        assert {f"{in_store}/{name}" for name in of_tables} == set(named)
        assert {name.split("/")[0] for name in objects_of(in_store)} == {
            *(pin.table for pin in one.tables),
            "releases",
        }
        assert list(staging_root(ObjectPath.of(in_store)).glob("*")) == []

    def it_is_not_made_again(self, in_store: str, shop: Shop, spark: SparkSession) -> None:
        before = objects_of(in_store)
        made = winnow.build(shop.in_store, DAY, warehouse=in_store, engine=spark)
        assert made.published is False
        assert objects_of(in_store) == before

    def it_is_read_by_all_that_read_one_in_a_folder(
        self, in_store: str, on_disk: Path, spark: SparkSession
    ) -> None:
        there, here = (winnow.open_release(one, ds=DAY) for one in (in_store, on_disk))
        order = [("request_id", "ascending"), ("item_id", "ascending")]
        for table in ("training_samples", "rejected"):
            wanted = here.arrow(table).to_table()
            assert there.arrow(table).count_rows() == wanted.num_rows > 0
            assert there.polars(table).collect().height == wanted.num_rows
            assert there.spark(spark, table).count() == wanted.num_rows
        found, wanted = (one.arrow("training_samples").to_table() for one in (there, here))
        assert found.sort_by(order).equals(wanted.sort_by(order))
        (batch,) = stream_of(there, 1024).run()
        (same,) = stream_of(here, 1024).run()
        assert sorted(batch["item_id"]) == sorted(same["item_id"])
        assert len(batch["item_id"]) == 5

    def it_is_read_by_workers_that_were_forked(self, in_store: str) -> None:
        """They open the store themselves: what their parent opened hangs in them."""
        files = winnow.open_release(in_store, ds=DAY).table_files("training_samples")
        assert files.dataset().count_rows() == 5  # the parent has used the store
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_tell_rows, args=(files, sender))
        child.start()
        assert receiver.poll(60)
        assert receiver.recv() == 5
        child.join(60)
        assert child.exitcode == 0

    def it_is_read_by_the_commands(
        self, in_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        where = ["--warehouse", in_store]
        for words, shown in (
            (["releases", "--json"], '"ds": "2026-01-01"'),
            (["show", "-n", "1"], "1 of 5 samples"),
            (["rejected"], "2 rejected rows"),
            (["export", "csv", "--out", str(tmp_path / "out")], "5 rows"),
            (["report", "--out", str(tmp_path / "page")], "index.html"),
        ):
            assert main([*words, *where]) == 0
            assert shown in capsys.readouterr().out
        exported = pds.dataset(tmp_path / "out", format="csv", exclude_invalid_files=True)
        assert exported.count_rows() == 5


def _tell_rows(files: TableFiles, to: "multiprocessing.connection.Connection") -> None:
    to.send(files.dataset().count_rows())


@pytest.fixture
def own(bucket: str, shop: Shop, spark: SparkSession) -> str:
    """A warehouse of the test's own, with a release."""
    warehouse = f"{bucket}/tables"
    winnow.build(shop.on_disk, DAY, warehouse=warehouse, engine=spark)
    return warehouse


class DescribeVerifyingInAStore:
    def it_finds_what_the_release_promised_and_what_is_gone_or_cut(
        self, own: str, spark: SparkSession
    ) -> None:
        opened = winnow.open_release(own, ds=DAY)
        (release,) = opened.releases
        tables = engine_of(spark).store(ObjectPath.of(own))
        assert verify_release(release, tables) == ()
        gone, cut = (ObjectPath.of(opened.files(table)[0]) for table in ("positives", "item_stats"))
        gone.unlink()
        cut.write_text("PAR1")
        found = {(one.table, one.kind) for one in verify_release(release, tables)}
        assert found == {("positives", "missing_file"), ("item_stats", "wrong_size")}

    def it_is_a_command_that_ends_with_3(
        self, own: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (file,) = winnow.open_release(own, ds=DAY).files("positives")
        ObjectPath.of(file).unlink()
        assert main(["verify", "--warehouse", own]) == 3
        assert "is gone: deleted or expired" in capsys.readouterr().err


class DescribeKeepingAWarehouseInAStore:
    def it_expires_and_deletes_what_no_release_pins(
        self, own: str, shop: Shop, spark: SparkSession, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place, where = ObjectPath.of(own), ["--warehouse", own]
        (old,) = winnow.open_release(own, ds=DAY).releases
        other = shop.folder / "seeds.yaml"
        other.write_text(shop.on_disk.read_text(encoding="utf-8") + "seed: 7\n", encoding="utf-8")
        winnow.build(other, DAY, warehouse=own, engine=spark)
        after = contents(own)
        assert main(["keep", old.release_id, "--tag", "model-1", *where]) == 0
        assert main(["expire", "--keep-last", "1", "--json", *where]) == 0
        told = json.loads(capsys.readouterr().out.partition("\n")[2])
        assert (told["expired"], len(told["kept"])) == ([], 1)
        assert main(["keep", old.release_id, "--tag", "model-1", "--remove", *where]) == 0
        assert main(["expire", "--keep-last", "1", *where]) == 0
        later = datetime.now(UTC) + timedelta(days=8)
        dead = place.joinpath("positives", f"ds={DAY}", "part-00000-dead.parquet")
        dead.write_text("of a run that was killed before its commit")
        assert all(not files for files in find_unpinned(place).tables.values()), "all is young"
        unpinned = find_unpinned(place, now=later)
        assert unpinned.problems == ()
        paths = {file.path for file in unpinned.tables["positives"]}
        assert dead in paths
        assert len(paths) == 2, "the expired release's, and the dead run's"
        delete_unpinned(place, unpinned, "test")
        assert not any(path.exists() for path in paths)
        names = [key.rpartition("/")[2] for key in keys_in(own.rpartition("/")[0])]
        assert [name for name in names if "." not in name] == [], "no object for a folder"
        (newest,) = winnow.open_release(own, ds=DAY).releases
        assert verify_release(newest, engine_of(spark).store(place)) == ()
        assert contents(own) == after
        assert main(["releases", "--expired", *where]) == 0
        assert old.release_id in capsys.readouterr().out

    def it_is_looked_at_by_the_doctor(self, in_store: str) -> None:
        checks = {one.name: one.state for one in examine(ObjectPath.of(in_store))}
        wanted = ("write access", "tables", "releases", "pins", "unreleased runs", "staging")
        assert {name: checks[name] for name in wanted} == dict.fromkeys(wanted, "ok")
        assert "free space" not in checks
