"""``winnow vacuum`` of releases that expired so lately that somebody may have them open."""

from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.operations.retention.expire import ExpireRule
from winnow.operations.retention.vacuum import SAFE_AGE, find_unpinned
from winnow.release.releases import read_releases
from winnow.release.store import Store
from winnow.storage.object_path import local_path

from tests.operations.test_vacuum import LATER, gone, let_expire, parquet, replaced
from tests.release.conftest import store, two_dates
from tests.release.things import MONDAY

__all__ = ["store", "two_dates"]

pytestmark = pytest.mark.one_engine


def files_of_table(store: Store, table: str) -> set[Path]:
    return {path for path in parquet(store) if path.parent.parent.name == table}


class DescribeAReleaseThatHasJustExpired:
    """Somebody may have it open, so what nobody knows of it keeps files too."""

    SOON = LATER - SAFE_AGE + timedelta(hours=1)

    def it_keeps_the_table_whose_log_no_longer_tells_its_files(
        self, store: Store, spark: SparkSession
    ) -> None:
        old, _ = replaced(store, spark)
        pin = old.pin("things")
        assert pin is not None
        path = store.folder / "things"
        let_expire(store, ExpireRule(keep_last=1), self.SOON)
        # All later versions can be read without the entry that is damaged.
        DeltaTable(str(path), version=pin.version + 1).create_checkpoint()
        (path / "_delta_log" / f"{pin.version:020}.json").write_text("cut", "utf-8")
        found = find_unpinned(store.folder, now=LATER)
        assert gone(found) & files_of_table(store, "things") == set()
        assert [problem.where for problem in found.problems] == [
            f"things of the release {old.release_id} of {MONDAY}"
        ]
        assert "once that is as long ago as" in (found.problems[0].next_step or "")
        later = find_unpinned(store.folder, now=LATER + timedelta(hours=2))
        assert later.problems == ()
        assert files_of_table(store, "things") & gone(later)

    def it_keeps_everything_where_its_rows_cannot_be_read(
        self, store: Store, spark: SparkSession
    ) -> None:
        old, _ = replaced(store, spark)
        let_expire(store, ExpireRule(keep_last=1), self.SOON)
        (own,) = (one for one in read_releases(store.folder).expired)
        assert own.release_id == old.release_id
        local_path(own.files[0].path).write_bytes(b"PAR1")
        found = find_unpinned(store.folder, now=LATER)
        assert gone(found) == set()
        (problem,) = found.problems
        assert "cannot be read" in problem.what
        assert (problem.next_step or "").startswith("Nothing is deleted. It has expired lately")
