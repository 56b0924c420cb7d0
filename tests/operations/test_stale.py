"""Dates that should be built again, told by listing files and by what releases say of theirs."""

import json
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.config.tree import Config
from winnow.errors import ConfigError, InputError, Problem, ReleaseError
from winnow.operations.dates.plan import plan_dates
from winnow.operations.dates.stale import DateState, judge_dates
from winnow.release.releases import read_releases

from tests.events.handmade import DAY
from tests.operations.few_dates import (
    DATES,
    LATER,
    LOGS,
    add_late_rows,
    built,
    few_dates,
    part,
    write_config,
    write_logs,
)

Kinds = dict[date, list[str]]


@pytest.fixture(scope="module")
def released(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dates, of which both are released; no test changes it."""
    base = tmp_path_factory.mktemp("released")
    write_logs(base)
    for day in DATES[:2]:
        built(few_dates(base), spark, day)
    return base


@pytest.fixture
def base(released: Path, tmp_path: Path) -> Path:
    """A copy that a test may change; the files keep their times."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    return tmp_path


def states(
    settings: Config, first: date | None = None, last: date | None = None
) -> list[DateState]:
    return list(judge_dates(settings, first, last)[1])


def kinds(settings: Config) -> Kinds:
    """The kinds of reasons of the two released dates."""
    return {one.ds: [r.kind for r in one.reasons] for one in states(settings, *DATES[:2])}


class DescribeDatesThatAreRight:
    def it_has_nothing_against_them(self, base: Path) -> None:
        found = states(few_dates(base), *DATES[:2])
        assert [(one.state, one.reasons, one.mature) for one in found] == [
            ("current", (), True)
        ] * 2

    def it_says_that_a_date_with_logs_is_missing(self, base: Path) -> None:
        *_, last = states(few_dates(base))
        assert (last.ds, last.state, last.release_id) == (DAY, "missing", None)
        assert last.text == "not released, though its logs are there"

    def it_says_what_a_date_lacks(self, base: Path) -> None:
        shutil.rmtree(base / "clicks" / f"date={LATER}")
        waiting, none = states(few_dates(base), DAY, LATER)
        assert (waiting.state, waiting.text) == (
            "waiting", f"not released: clicks have no folder for {LATER}",
        )  # fmt: skip
        assert (none.state, none.text) == (
            "no logs", f"not released: clicks have no folder for {LATER}",
        )  # fmt: skip

    def it_waits_until_the_windows_have_ended(self, base: Path) -> None:
        before = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
        _, (found,) = judge_dates(few_dates(base), DAY, DAY, now=before)
        assert (found.state, found.text) == (
            "waiting", "not released: its windows end at 2026-01-12 00:00 UTC",
        )  # fmt: skip


class DescribeInputsThatChanged:
    @pytest.mark.fault(9)
    def it_names_a_file_that_came_late_at_every_date_that_reads_it(self, base: Path) -> None:
        add_late_rows(base, DATES[0])
        first, second = states(few_dates(base), *DATES[:2])
        for state in (first, second):
            (reason,) = state.reasons
            assert reason.text == (
                f"impressions: date={DATES[0]}/late.parquet is new; "
                f"clicks: date={DATES[0]}/late.parquet is new"
            )
            assert reason.files == (
                ("impressions", f"date={DATES[0]}/late.parquet", "new"),
                ("clicks", f"date={DATES[0]}/late.parquet", "new"),
            )

    def it_leaves_out_dates_that_do_not_read_the_file(self, base: Path) -> None:
        add_late_rows(base, DATES[1])
        shutil.rmtree(base / "clicks" / f"date={DATES[1]}")
        (base / "clicks" / f"date={DATES[1]}").mkdir()
        shutil.copy(
            base / "clicks" / f"date={DATES[0]}" / "part.parquet", part(base, "clicks", DAY)
        )
        # The first date reads the clicks of the next one, whose folder is empty now.
        first, second = states(few_dates(base), *DATES[:2])
        assert [name for name, _, _ in first.reasons[0].files] == ["clicks"]
        assert [reason.kind for reason in second.reasons] == ["gone", "inputs"]
        assert {name for name, _, _ in second.reasons[1].files} == {"impressions", "clicks"}

    def it_sees_a_file_that_was_written_again_with_as_many_bytes(self, base: Path) -> None:
        os.utime(part(base, "ranking_log", DATES[0]), (1_700_000_000, 1_700_000_000))
        first, second = states(few_dates(base), *DATES[:2])
        assert first.text == f"ranking_log: date={DATES[0]}/part.parquet was written again"
        assert second.state == "current"

    def it_sees_a_file_that_is_gone(self, base: Path) -> None:
        part(base, "impressions", DATES[0] - timedelta(1)).unlink()
        first, second = states(few_dates(base), *DATES[:2])
        assert first.text.endswith("part.parquet is gone")
        assert second.state == "current"

    def it_is_not_stale_where_old_logs_were_deleted_by_the_date(self, base: Path) -> None:
        """It could not be made again; one file of several may have been taken away by mistake."""
        folder = part(base, "clicks", DATES[0] - timedelta(1)).parent
        shutil.copy(folder / "part.parquet", folder / "more.parquet")
        built_again = states(few_dates(base), DATES[0], DATES[0])
        assert [one.state for one in built_again] == ["stale"]
        for path in (folder / "more.parquet", folder / "part.parquet"):
            path.unlink()
        first, second = states(few_dates(base), *DATES[:2])
        assert (first.state, first.to_build, second.state) == ("inputs gone", False, "current")
        assert [reason.kind for reason in first.reasons] == ["gone"]
        assert not first.to_decide
        assert first.text == f"clicks: {folder.name}/part.parquet is gone"

    def it_tells_of_late_files_also_where_old_logs_were_deleted(
        self, base: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Somebody has to decide: a build would have them, and a day less of what was before."""
        part(base, "clicks", DATES[0] - timedelta(1)).unlink()
        where = ["--config", str(write_config(few_dates(base), base)), "--from", str(DATES[0])]
        check = ["stale", "--check", *where, "--to", str(DATES[0])]
        assert main(check) == 0
        assert "have come since" not in capsys.readouterr().out
        add_late_rows(base, DATES[0])
        late, _ = states(few_dates(base), *DATES[:2])
        assert (late.state, late.to_build, late.to_decide) == ("inputs gone", False, True)
        assert [reason.kind for reason in late.reasons] == ["gone", "inputs"]
        (planned,) = plan_dates([late], "all")
        assert planned.action == "keep"
        assert main(check) == 3
        assert "1 of inputs gone: files have come since" in " ".join(
            capsys.readouterr().out.split()
        )
        _, (decided,) = judge_dates(few_dates(base), DATES[0], DATES[0], ignore=["gone"])
        assert (decided.state, decided.to_build) == ("stale", True)
        assert decided.text.startswith(f"impressions: date={DATES[0]}/late.parquet is new; ")

    def it_does_not_mind_where_the_logs_lie(self, base: Path, tmp_path: Path) -> None:
        for log in (*LOGS, "items"):
            shutil.move(base / log, tmp_path / "elsewhere" / log)
        moved = few_dates(tmp_path / "elsewhere")
        moved = moved.model_copy(update={"warehouse": str(base / "warehouse")})
        assert kinds(moved) == {DATES[0]: [], DATES[1]: []}


class DescribeOtherReasons:
    def it_names_the_settings_that_differ(self, base: Path) -> None:
        found = states(few_dates(base, seed=7), DATES[0], DATES[0])
        assert [one.text for one in found] == ["the config differs: seed is 7, was 0"]

    def it_names_both_versions_of_the_code(
        self, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = read_releases(base / "warehouse").newest(DATES[0])
        assert made is not None
        monkeypatch.setattr("winnow.operations.dates.stale.code_version", lambda: "9.9")
        (found,) = states(few_dates(base), DATES[0], DATES[0])
        assert found.text == f"made by version {made.code_version}, this is 9.9"

    def it_counts_no_reason_that_is_to_be_ignored(self, base: Path) -> None:
        _, found = judge_dates(few_dates(base, seed=7), DATES[0], DATES[0], ignore=["config"])
        assert found[0].state == "current"

    def it_looks_at_the_logs_where_another_config_does_not_count(self, base: Path) -> None:
        add_late_rows(base, DATES[1])
        settings = few_dates(base, seed=7)
        _, found = judge_dates(settings, DATES[1], DATES[1], ignore=["config"])
        assert [reason.kind for reason in found[0].reasons] == ["inputs"]

    def it_says_that_a_release_is_damaged_whose_texts_cannot_be_read(
        self, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreadable(*_: object) -> None:
            raise ReleaseError(Problem("the release", "its texts stand in no row of it"))

        monkeypatch.setattr("winnow.operations.dates.stale.last_confirmed", unreadable)
        assert kinds(few_dates(base)) == {DATES[0]: ["damaged"], DATES[1]: ["damaged"]}

    def it_refuses_to_look_at_logs_that_are_not_there(self, base: Path) -> None:
        shutil.rmtree(base / "warehouse")
        (base / "impressions").rename(base / "unmounted")
        with pytest.raises(InputError, match="impressions does not exist"):
            states(few_dates(base))

    def it_refuses_a_range_that_ends_before_it_begins(self, base: Path) -> None:
        with pytest.raises(ConfigError, match="lies after the last date"):
            states(few_dates(base), DAY, DATES[0])

    def it_names_every_date_with_logs_where_none_is_released(self, base: Path) -> None:
        shutil.rmtree(base / "warehouse")
        found = [one.ds for one in states(few_dates(base)) if one.state == "missing"]
        assert found == [DATES[0] - timedelta(1), *DATES]


class DescribeAReleaseThatWasFoundUnchanged:
    @pytest.mark.both_engines
    def it_is_right_from_then_on(self, spark: SparkSession, base: Path) -> None:
        """The rows are the same, so nothing is released; yet nobody need look at it again."""
        os.utime(part(base, "ranking_log", DATES[0]), (1_700_000_000, 1_700_000_000))
        settings = few_dates(base)
        assert kinds(settings) == {DATES[0]: ["inputs"], DATES[1]: []}
        before = read_releases(base / "warehouse").listed
        assert not built(settings, spark, DATES[0]).published
        assert read_releases(base / "warehouse").listed == before
        assert kinds(settings) == {DATES[0]: [], DATES[1]: []}
        file = base / "warehouse" / "_confirmations" / f"{DATES[0]}.json"
        told = json.loads(file.read_text("utf-8"))
        for damaged in ("{", json.dumps(told | {"inputs_json": 5}), json.dumps({})):
            file.write_text(damaged, "utf-8")
            assert kinds(settings) == {DATES[0]: ["inputs"], DATES[1]: []}


class DescribeTheCommand:
    def it_tells_each_date_and_its_reason(
        self, base: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_late_rows(base, DATES[1])
        path = write_config(few_dates(base), base)
        assert main(["stale", "--config", str(path)]) == 0
        out = capsys.readouterr().out
        assert f"{DATES[1]} stale: impressions: date={DATES[1]}/late.parquet is new" in out
        assert f"{DAY} missing: not released, though its logs are there" in out
        assert out.splitlines()[-1] == "2 stale, 1 missing"

    def it_ends_with_3_only_where_that_is_asked_for(
        self, base: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["stale", "--config", str(write_config(few_dates(base), base)), "--json"]
        assert main(words) == 0
        found = json.loads(capsys.readouterr().out)["dates"]
        assert found[-1] == {
            "ds": str(DAY), "state": "missing", "release_id": None, "mature": None,
            "reasons": [{"kind": "missing", "text": "not released, though its logs are there"}],
            "waits_for": None,
        }  # fmt: skip
        assert main([*words, "--check"]) == 3
        assert main([*words, "--check", "--ignore", "missing"]) == 0
        assert main([*words, "--ignore", "weather"]) == 2
        assert main([*words, "--from", "2026-1-1"]) == 2
