"""The same rows give the same tables, in whatever order, files and kinds of files they lie."""

import uuid
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import TABLES
from winnow.engine.choice import engine_of
from winnow.release.release import ContentHash

from tests.invariants.file_kinds import CSV, JSON_LINES, PARQUET, FileKind, write_again
from tests.invariants.staged import Staged, stage

LOGS = ("impressions", "clicks", "ranking_log", "items")
KINDS = (CSV, JSON_LINES, PARQUET)


pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def expected(staged: Staged) -> dict[str, ContentHash]:
    return staged.hashes(staged.groups(3, "kinds"))


def turned(first: int) -> dict[str, tuple[FileKind, ...]]:
    """A kind for every log: over three turns each log is of each kind once."""
    return {log: KINDS[(first + place) % len(KINDS)] for place, log in enumerate(LOGS)}


def nobody(staged: Staged) -> int:
    return sum(counts.anonymous for counts in staged.counts.values())


class DescribeFileKinds:
    @pytest.mark.parametrize("turn", range(len(KINDS)))
    def it_makes_the_same_tables(
        self,
        spark: SparkSession,
        simulated: Path,
        staged: Staged,
        expected: dict[str, ContentHash],
        tmp_path: Path,
        turn: int,
    ) -> None:
        path = write_again(simulated.parent, tmp_path / "again", turned(turn), seed=turn)
        again = stage(spark, engine_of(spark).ship, path, tmp_path / "work", uuid.uuid4().hex)
        found = again.hashes(again.groups(3, "groups"))
        # The text of a rejected row is that of its file. In CSV no user and an empty text are one,
        # and an empty text means nobody.
        lost = found.pop("rejected").rows + nobody(again)
        assert lost == expected["rejected"].rows + nobody(staged) > 0
        for table in set(TABLES) - {"rejected"}:
            assert expected[table].rows > 0, f"{table} must hold something"
            assert found[table] == expected[table], table
