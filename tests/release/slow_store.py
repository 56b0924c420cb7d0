"""A store that is slow to commit, so that another run overtakes it."""

from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from winnow.release.linked_files import LinkedFile
from winnow.release.staged_table import StagedTable
from winnow.release.store import Store


def wait_for(path: Path) -> None:
    import time

    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def slow_store(spark: SparkSession, store: Store, begun: Path, go_on: Path) -> Store:
    """A store whose promotion has begun its commit and waits in the middle of it."""

    class SlowToLink(type(store)):  # type: ignore[misc]
        def link(self, staged: StagedTable, folder: Path, day: date) -> list[LinkedFile]:
            files: list[LinkedFile] = super().link(staged, folder, day)
            begun.touch()
            wait_for(go_on)
            return files

    return SlowToLink(spark, store.warehouse)
