"""A damaged Delta log: the file that is broken is named, and what helps."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.errors import ReleaseError
from winnow.release.delta_log import entry_path
from winnow.release.log_damage import log_problems
from winnow.release.metadata import open_table
from winnow.release.opening import open_release

from tests.near_equal import near_equal
from tests.release.things import MONDAY, THINGS, TUESDAY, Run

RESTORE = "Restore it from a backup. Without one, move {table} away and build its dates again."
WITHOUT = "Remove {hint}: without it the log is read from its start on."


def damaged(kind: str, entry: Path, checkpoint: Path) -> None:
    hint = entry.parent / "_last_checkpoint"
    content = entry.read_bytes()
    if kind == "cut":
        entry.write_bytes(content[:-20])
    elif kind == "garbage":
        entry.write_bytes(b"\x00\xff" * 50)
    elif kind == "no action":
        entry.write_text("[1]\n")
    elif kind == "missing":
        entry.unlink()
    elif kind == "a folder":
        entry.unlink()
        entry.mkdir()
    elif kind == "checkpoint missing":
        checkpoint.unlink()
    elif kind == "checkpoint empty":
        checkpoint.write_bytes(b"")
    elif kind == "checkpoint garbage":
        checkpoint.write_bytes(b"PAR1 no PAR1")
    elif kind == "hint elsewhere":
        hint.write_text('{"version":99,"size":3}')
    elif kind == "log gone":
        shutil.rmtree(entry.parent)
    elif kind == "log empty":
        shutil.rmtree(entry.parent)
        entry.parent.mkdir()
    elif kind == "log a file":
        shutil.rmtree(entry.parent)
        entry.parent.write_text("x")


# Which file is told to be broken, and what helps; {entry} is of version 11.
TOLD = {
    "cut": ("{entry} is cut or damaged in line", RESTORE),
    "garbage": ("{entry} is cut or damaged in line 1", RESTORE),
    "no action": ("{entry} is cut or damaged in line 1", RESTORE),
    "missing": ("{entry} is missing", RESTORE),
    "a folder": ("{entry} cannot be read: Is a directory", RESTORE),
    "checkpoint missing": (
        "{hint} names a checkpoint of version {number}, which is not there",
        WITHOUT,
    ),
    "checkpoint empty": ("{checkpoint} cannot be read", "Remove it and _last_checkpoint: "),
    "checkpoint garbage": ("{checkpoint} cannot be read", "Remove it and _last_checkpoint: "),
    "hint elsewhere": ("{hint} names a checkpoint of version 99, which is not there", WITHOUT),
    "log gone": ("{log} cannot be listed, found No such file", RESTORE),
    "log empty": ("{log} holds no entry", RESTORE),
    "log a file": ("{log} cannot be listed, found Not a directory", RESTORE),
}


@pytest.fixture(scope="module")
def long_log(
    spark: SparkSession, two_dates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A warehouse whose tables have a checkpoint, entries after it, and a broken one to come."""
    from tests.release.things import store_of

    warehouse = tmp_path_factory.mktemp("long") / "ware house"
    shutil.copytree(two_dates, warehouse)
    store = store_of(spark, warehouse)
    for number in range(10):
        Run(store, TUESDAY, mark="b", config=f"c{number + 2}").go(spark, rows=5 + number)
    return warehouse


@pytest.fixture
def table(long_log: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    shutil.copytree(long_log, tmp_path / "ware house")
    return tmp_path / "ware house" / str(request.param)


def told(table: Path, kind: str) -> Callable[[str], str]:
    log = table / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    places = {
        "table": table,
        "log": log,
        "entry": entry_path(table, 11),
        "checkpoint": checkpoint,
        "hint": log / "_last_checkpoint",
        "number": int(checkpoint.name[:20]),
    }
    damaged(kind, entry_path(table, 11), checkpoint)
    return lambda text: text.format(**places)


class DescribeALogThatIsDamaged:
    @pytest.mark.one_engine
    @pytest.mark.parametrize("table", ["things"], indirect=True)
    def it_is_whole_before(self, table: Path) -> None:
        assert open_table(table).version() == 12
        assert log_problems(table) == []

    @pytest.mark.one_engine
    @pytest.mark.parametrize("table", ["things", "releases"], indirect=True)
    @pytest.mark.parametrize("kind", TOLD)
    def it_is_told_of_by_the_file_that_is_broken_and_by_what_helps(
        self, spark: SparkSession, table: Path, kind: str
    ) -> None:
        from tests.release.things import store_of

        place = told(table, kind)
        store = store_of(spark, table.parent)
        what, step = (place(text) for text in TOLD[kind])
        commands: list[Callable[[], object]] = (
            [lambda: open_release(table.parent), store.releases_snapshot]
            if table.name == "releases"
            else [lambda: store.ensure_table(THINGS), lambda: store.protocol("things")]
        )
        for command in commands:
            with pytest.raises(ReleaseError) as caught:
                command()
            assert caught.value.exit_code == 3
            problem = caught.value.problems[0]
            assert problem.where == f"the Delta log of {table.name}"
            said = (
                problem.what if problem.found is None else f"{problem.what}, found {problem.found}"
            )
            assert said.startswith(what)
            assert (problem.next_step or "").startswith(step)

    @pytest.mark.one_engine
    @pytest.mark.parametrize("table", ["things"], indirect=True)
    @pytest.mark.parametrize("kind", sorted(set(TOLD) - {"hint elsewhere"}))
    def it_is_told_to_a_reader_of_a_version_that_needs_it(self, table: Path, kind: str) -> None:
        told(table, kind)
        with pytest.raises(ReleaseError, match="the release of 2026-01-06 has expired or was"):
            open_release(table.parent, ds=TUESDAY).arrow("things")

    @pytest.mark.parametrize("table", ["releases", *near_equal("things")], indirect=True)
    @pytest.mark.parametrize(
        "kind",
        [
            "checkpoint missing",
            *near_equal("checkpoint empty", "checkpoint garbage", "hint elsewhere"),
        ],
    )
    def it_is_read_again_after_what_is_told_to_be_done(
        self, spark: SparkSession, table: Path, kind: str
    ) -> None:
        from tests.release.things import store_of

        place = told(table, kind)
        (problem,) = log_problems(table)
        (table / "_delta_log" / "_last_checkpoint").unlink()
        if "Remove it and" in str(problem.next_step):
            Path(place("{checkpoint}")).unlink()
        published = Run(store_of(spark, table.parent), MONDAY, mark="new").go(spark)
        assert published.release.seq == 13

    @pytest.mark.one_engine
    @pytest.mark.parametrize("table", ["things"], indirect=True)
    def it_is_not_told_to_do_without_a_checkpoint_that_entries_cannot_stand_for(
        self, table: Path
    ) -> None:
        place = told(table, "checkpoint missing")
        damaged("cut", entry_path(table, 3), Path(place("{checkpoint}")))
        (problem,) = log_problems(table)
        assert problem.next_step == place(RESTORE)

    @pytest.mark.one_engine
    @pytest.mark.parametrize("table", ["things"], indirect=True)
    def it_does_not_hide_that_another_commit_took_the_place_of_a_lost_one(
        self, spark: SparkSession, table: Path
    ) -> None:
        from tests.release.things import store_of

        store = store_of(spark, table.parent)
        entry_path(table, 12).unlink()
        Run(store, MONDAY, mark="new").go(spark)
        assert open_release(table.parent, ds=MONDAY).files("things")
        with pytest.raises(ReleaseError, match="version 12 is another commit, the one of the run"):
            open_release(table.parent, ds=TUESDAY).files("things")

    @pytest.mark.one_engine
    @pytest.mark.parametrize("table", ["things"], indirect=True)
    @pytest.mark.parametrize("kept", [0, 1])
    def it_does_not_hide_that_an_entry_lost_whole_lines(self, table: Path, kept: int) -> None:
        entry = entry_path(table, 12)
        entry.write_bytes(b"".join(entry.read_bytes().splitlines(keepends=True)[:kept]))
        with pytest.raises(ReleaseError, match="the release of 2026-01-06 has expired or was"):
            open_release(table.parent, ds=TUESDAY).files("things")
