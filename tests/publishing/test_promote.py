"""What is promoted is proven: the version holds the rows that were staged, or nothing goes on."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.errors import ReleaseError
from pipelines.publishing import engine_store
from pipelines.publishing.commits import Label
from pipelines.publishing.content_hash import ContentHash
from pipelines.publishing.engine_store import EngineStore
from pipelines.publishing.store import StagedTable, Store
from tests.publishing.released import LABEL
from tests.publishing.things import MONDAY, THINGS, thing, things


class DescribePromote:
    def it_refuses_a_version_that_holds_other_rows(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert isinstance(store, EngineStore)
        wanted = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        other = store.stage(things(spark, thing(1), thing(3)), THINGS, "run2")
        replace = store.replace_day

        def replace_by_other(staged: StagedTable, day: date, label: Label) -> None:
            replace(other, day, label)

        monkeypatch.setattr(store, "replace_day", replace_by_other)
        with pytest.raises(ReleaseError, match="does not hold what was staged for 2026-01-05"):
            store.promote(wanted, MONDAY, LABEL)

    def it_refuses_a_version_that_misses_a_file(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert isinstance(store, EngineStore)
        few = store.stage(things(spark, thing(1)), THINGS, "run1")
        more = store.stage(things(spark, thing(2)), THINGS, "run2")
        replace = store.replace_day

        def replace_before_the_rest_came(staged: StagedTable, day: date, label: Label) -> None:
            replace(staged, day, label)
            for file in more.path.rglob("*.parquet"):
                folder = next(staged.path.rglob("*.parquet")).parent
                shutil.copy(file, folder / f"late-{file.name}")

        monkeypatch.setattr(store, "replace_day", replace_before_the_rest_came)
        both = StagedTable(THINGS, "run1", few.path, _sum(few, more), MONDAY, MONDAY)
        with pytest.raises(ReleaseError, match=r"1 rows with hash .* expected 2 rows with hash"):
            store.promote(both, MONDAY, LABEL)


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
        monkeypatch.delattr(engine_store, "content_hash")
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

        (damaged,) = store.stage(things(spark, thing(3)), THINGS, "run2").path.rglob("*.parquet")

        def copy_another(source: Path, target: Path) -> None:
            target.write_bytes(damaged.read_bytes())

        monkeypatch.setattr(shutil, "copyfile", copy_another)
        with pytest.raises(ReleaseError, match="does not hold what was staged"):
            store.promote(staged, MONDAY, LABEL)
