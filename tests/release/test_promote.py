"""What is promoted is proven: the version holds the rows that were staged, or nothing goes on."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from pyspark.sql import SparkSession
from winnow.errors import GateError, ReleaseError
from winnow.release import store as store_module
from winnow.release.commits import Label
from winnow.release.release import ContentHash
from winnow.release.staged_table import StagedTable
from winnow.release.store import Store

from tests.release.released import LABEL
from tests.release.things import MONDAY, THINGS, thing, things

# What is linked and committed is so by the same Python code for every engine.
pytestmark = pytest.mark.one_engine


class DescribePromote:
    def it_refuses_a_version_that_holds_other_rows(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        other = store.stage(things(spark, thing(1), thing(3)), THINGS, "run2")
        replace_day = store.replace_day

        def replace_by_other(staged: StagedTable, day: date, label: Label) -> None:
            replace_day(other, day, label)

        monkeypatch.setattr(store, "replace_day", replace_by_other)
        with pytest.raises(ReleaseError, match="does not hold what was staged for 2026-01-05"):
            store.promote(wanted, MONDAY, LABEL)

    def it_refuses_a_version_that_misses_a_file(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few = store.stage(things(spark, thing(1)), THINGS, "run1")
        more = store.stage(things(spark, thing(2)), THINGS, "run2")
        replace_day = store.replace_day

        def replace_by_some(staged: StagedTable, day: date, label: Label) -> None:
            replace_day(few, day, label)

        monkeypatch.setattr(store, "replace_day", replace_by_some)
        files = {**few.files, **more.files}
        both = StagedTable(THINGS, "run1", files, _sum(few, more), MONDAY, MONDAY)
        with pytest.raises(ReleaseError, match=r"1 rows with hash .* expected 2 rows with hash"):
            store.promote(both, MONDAY, LABEL)

    def it_publishes_no_file_that_was_not_measured(self, spark: SparkSession, store: Store) -> None:
        """As a late attempt at a task may leave one, in the folder or below it."""
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        (other,) = store.stage(things(spark, thing(3)), THINGS, "run2").files
        for folder in (_folder_of(staged), _folder_of(staged) / "_temporary" / f"ds={MONDAY}"):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(other, folder / "late.parquet")
        assert store.read_staged(staged).count() == 2
        assert (
            store.read_version("things", store.promote(staged, MONDAY, LABEL), MONDAY).count() == 2
        )

    def it_refuses_files_that_are_gone(self, spark: SparkSession, store: Store) -> None:
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        file = min(staged.files)
        file.unlink()
        before = DeltaTable(str(store.folder / "things")).version()
        with pytest.raises(GateError, match=f"things: a staged file cannot be read, found {file}"):
            store.promote(staged, MONDAY, LABEL)
        assert DeltaTable(str(store.folder / "things")).version() == before

    def it_refuses_rows_that_changed_after_they_were_measured(
        self, spark: SparkSession, store: Store
    ) -> None:
        staged = store.stage(things(spark, thing(1), thing(2)).coalesce(1), THINGS, "run1")
        (file,) = staged.files
        pq.write_table(pq.ParquetFile(file).read().slice(0, 1), file)
        with pytest.raises(ReleaseError, match=r"1 rows with hash .* expected 2 rows with hash"):
            store.promote(staged, MONDAY, LABEL)


def _folder_of(staged: StagedTable) -> Path:
    return min(staged.files).parent


def _sum(one: StagedTable, other: StagedTable) -> ContentHash:
    return ContentHash(
        one.content.rows + other.content.rows,
        str(int(one.content.total) + int(other.content.total)),
    )


class DescribePromoteByLinks:
    def it_does_not_hash_the_staged_files_again_under_their_new_names(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        monkeypatch.delattr(store_module, "content_hash")
        version = store.promote(staged, MONDAY, LABEL)
        assert sorted(store.read_version("things", version, MONDAY).collect()) == sorted(
            store.read_staged(staged).collect()
        )

    def it_hashes_what_was_copied_where_files_cannot_be_linked(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Path, target: Path) -> None:
            raise OSError("no hard links here")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        assert store.read_version("things", store.promote(staged, MONDAY, LABEL), MONDAY).count()

        (damaged,) = store.stage(things(spark, thing(3)), THINGS, "run2").files

        def copy_another(source: Path, target: Path) -> None:
            target.write_bytes(damaged.read_bytes())

        monkeypatch.setattr(shutil, "copyfile", copy_another)
        with pytest.raises(ReleaseError, match="does not hold what was staged"):
            store.promote(staged, MONDAY, LABEL)

    def it_leaves_nothing_where_one_file_cannot_be_put_there(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        more = store.stage(things(spark, thing(3)), THINGS, "run2")
        both = replace(staged, files={**staged.files, **more.files})
        (broken,) = more.files
        before = _published(store)
        link = Path.hardlink_to

        def all_but_one(self: Path, target: Path) -> None:
            if target == broken:
                raise OSError("not this one")
            link(self, target)

        def refuse(source: Path, target: Path) -> None:
            target.write_bytes(b"half")
            raise OSError("the disk is full")

        monkeypatch.setattr(Path, "hardlink_to", all_but_one)
        monkeypatch.setattr(shutil, "copyfile", refuse)
        with pytest.raises(OSError, match="the disk is full"):
            store.promote(both, MONDAY, LABEL)
        assert _published(store) == before


class DescribeTheCommit:
    def it_is_done_where_only_the_answer_to_it_was_lost(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a network file system: what was asked for is there, and the answer is an error."""
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        commit = DeltaTable.create_write_transaction

        def commit_and_fail(self: DeltaTable, *given: Any, **named: Any) -> None:
            commit(self, *given, **named)
            raise CommitFailedError("no answer")

        monkeypatch.setattr(DeltaTable, "create_write_transaction", commit_and_fail)
        version = store.promote(staged, MONDAY, LABEL)
        assert store.read_version("things", version, MONDAY).count() == 2

    def it_keeps_the_files_where_something_breaks_behind_it(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Such as a checkpoint that cannot be written, or a signal: the version names them."""
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        commit = DeltaTable.create_write_transaction

        def commit_and_break(self: DeltaTable, *given: Any, **named: Any) -> None:
            commit(self, *given, **named)
            raise DeltaError("no checkpoint")

        monkeypatch.setattr(DeltaTable, "create_write_transaction", commit_and_break)
        with pytest.raises(DeltaError, match="no checkpoint"):
            store.promote(staged, MONDAY, LABEL)
        head = DeltaTable(str(store.folder / "things")).version()
        assert store.read_version("things", head, MONDAY).count() == 2


def _published(store: Store) -> set[Path]:
    return set((store.folder / "things" / f"ds={MONDAY}").iterdir())
