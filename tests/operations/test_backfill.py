"""Many dates in one command: each a release like that of its own build, late rows included."""

import json
import shutil
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.cli.main import main
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.errors import ConfigError, ConflictError, InputError, Problem
from winnow.operations.dates.backfill import build_date
from winnow.operations.dates.stale import judge_dates
from winnow.release.opening import open_release
from winnow.release.release import Release
from winnow.release.releases import read_releases

from tests.e2e.test_streaming_frequency import streaming, written
from tests.events.handmade import DAY
from tests.operations.few_dates import (
    DATES,
    LATER,
    add_late_rows,
    built,
    few_dates,
    part,
    write_config,
    write_logs,
)


def released(warehouse: Path, day: date) -> Release:
    found = read_releases(warehouse).newest(day)
    assert found is not None
    return found


def told(release: Release) -> list[Any]:
    """What a release says of itself, but for ids, times and figures of single runs."""
    kept = release.documents()
    pins = [(pin.table, pin.content) for pin in release.tables]
    return [release.ds, pins, release.config_hash, kept.config_json, kept.inputs_json]


def rows_of(warehouse: Path, release_id: str) -> list[dict[str, Any]]:
    """What a reader of a release's id gets."""
    table = open_release(warehouse, release_id).arrow("training_samples").to_table()
    return sorted(table.to_pylist(), key=lambda row: str(row["sample_id"]))


def outcomes(done: Any) -> list[str]:
    return [one.outcome for one in done.dates]


@pytest.fixture
def shared_engine(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = engine_of(spark)
    vars(shared)["stop"] = lambda: None
    monkeypatch.setattr("winnow.engine.choice.start_engine", lambda *_, **__: shared)


class DescribeLateData:
    @pytest.mark.both_engines
    def it_is_named_and_built_and_the_old_release_stays(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        """A date's rows come after its release: told with the file, built anew, old pins hold."""
        write_logs(tmp_path)
        settings, warehouse = few_dates(tmp_path), tmp_path / "warehouse"
        first = winnow.backfill(settings, DATES[0], DAY, engine=spark)
        assert outcomes(first) == ["released"] * 3
        # One engine for all, and of the last date the release of its own build.
        alone = settings.model_copy(update={"warehouse": str(tmp_path / "alone")})
        built(alone, spark, DAY)
        assert told(released(warehouse, DAY)) == told(released(tmp_path / "alone", DAY))
        before = [released(warehouse, day) for day in DATES]
        old_rows = rows_of(warehouse, before[1].release_id)
        add_late_rows(tmp_path, DATES[1])
        # The next date reads this one as well; the one before reads its clicks.
        again = winnow.backfill(settings, which="stale", engine=spark)
        assert [one.ds for one in again.dates if one.outcome == "released"] == list(DATES[1:])
        assert [one.ds for one in again.dates if one.outcome == "unchanged"] == [DATES[0]]
        now = released(warehouse, DATES[1])
        assert now.release_id != before[1].release_id
        assert rows_of(warehouse, before[1].release_id) == old_rows
        new_requests = {row["request_id"] for row in rows_of(warehouse, now.release_id)}
        assert {9_000, 9_001, 9_002} & new_requests
        assert not {9_000, 9_001, 9_002} & {row["request_id"] for row in old_rows}
        assert find(warehouse, before[1].release_id) == before[1]
        # Nothing is left to do, for the date that was found unchanged neither.
        last = winnow.backfill(settings, engine="no engine is started")
        assert set(outcomes(last)) == {"kept"}


def find(warehouse: Path, release_id: str) -> Release | None:
    return read_releases(warehouse).find(release_id)


class DescribeABackfill:
    def it_goes_on_behind_a_broken_date(self, spark: SparkSession, tmp_path: Path) -> None:
        write_logs(tmp_path)
        # Of the ranking log each date reads its own folder alone.
        broken = part(tmp_path, "ranking_log", DATES[1])
        broken.write_bytes(broken.read_bytes()[:-20])
        done = winnow.backfill(few_dates(tmp_path), DATES[0], DAY, engine=spark)
        assert outcomes(done) == ["released", "failed", "released"]
        with pytest.raises(InputError, match=f"date {DATES[1]}: .*not a complete Parquet file"):
            done.raise_if_failed()
        assert read_releases(tmp_path / "warehouse").dates == (DATES[0], DAY)

    @pytest.mark.usefixtures("shared_engine")
    def it_builds_immature_dates_again_once_they_are_complete(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_logs(tmp_path, later=False)
        path = write_config(few_dates(tmp_path), tmp_path)
        words = ["--config", str(path), "--json"]
        of_date = ["--from", str(DAY), "--to", str(DAY)]

        def ran(*more: str) -> dict[str, Any]:
            assert main([*more, *words]) == 0
            found: dict[str, Any] = json.loads(capsys.readouterr().out)
            return found

        assert ran("backfill", *of_date)["dates"][0]["outcome"] == "waits"
        first = ran("backfill", *of_date, "--immature")["dates"][0]
        assert first["outcome"] == "released"
        found = ran("mature", *of_date)
        assert found["ready"] == []
        assert found["waiting"][0]["waits_for"] == f"clicks have no folder for {LATER}"
        later = part(tmp_path, "clicks", LATER).parent
        shutil.copytree(part(tmp_path, "clicks", DATES[0]).parent, later)
        assert [one["ds"] for one in ran("mature", *of_date)["ready"]] == [str(DAY)]
        again = ran("backfill", "--mature", *of_date)
        assert again["plan"][0]["reasons"][0]["kind"] == "immature"
        assert again["dates"][0]["outcome"] == "released"
        assert ran("mature", *of_date) == {"ready": [], "waiting": []}

    def it_tells_its_plan_and_starts_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_logs(tmp_path)
        path = write_config(few_dates(tmp_path), tmp_path)
        words = ["backfill", "--config", str(path), "--from", str(DATES[1]), "--dry-run"]
        assert main(words) == 0
        out = capsys.readouterr().out
        assert f" {DATES[1]}  build  none     not released, though its logs are there" in out
        assert out.splitlines()[-1] == "2 to build"
        assert main([*words, "--json"]) == 0
        plan = json.loads(capsys.readouterr().out)["plan"]
        assert [(one["ds"], one["action"]) for one in plan] == [
            (str(DATES[1]), "build"), (str(DAY), "build"),
        ]  # fmt: skip
        assert not (tmp_path / "warehouse").exists()

    def it_ends_with_3_for_a_date_without_logs(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_logs(tmp_path)
        path = write_config(few_dates(tmp_path), tmp_path)
        day = "2026-02-01"
        assert main(["backfill", "--config", str(path), "--from", day, "--to", day]) == 3
        assert f"date {day}: logs: not released: impressions have no folder" in (
            capsys.readouterr().err
        )

    @pytest.mark.parametrize(
        "words",
        [
            ("--stale", "--mature"),
            ("--from", "2026-01-09", "--to", "2026-01-08"),
            ("--parallel", "0"),
            ("--engine", "steam"),
        ],
    )
    def it_refuses_what_cannot_be_meant(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        write_logs(tmp_path)
        path = write_config(few_dates(tmp_path), tmp_path)
        assert main(["backfill", "--config", str(path), *words]) == 2

    def it_refuses_a_running_session_for_several_processes(self, tmp_path: Path) -> None:
        session: Any = object()
        with pytest.raises(ConfigError, match="one date after the other"):
            winnow.backfill(few_dates(tmp_path), parallel=2, engine=session)


class DescribeDatesThatGoOnFromEachOther:
    @pytest.mark.proof
    def it_builds_them_in_order_and_again_where_one_before_changed(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        written(tmp_path)
        for log in ("impressions", "clicks", "ranking_log"):
            empty = part(tmp_path, log, DATES[0] - timedelta(1)).parent
            shutil.copytree(empty, part(tmp_path, log, LATER).parent)
        settings = streaming(tmp_path)
        accept: dict[str, Any] = {"immature": True, "allow_empty": True, "engine": spark}
        assert outcomes(winnow.backfill(settings, DATES[0], DAY, **accept)) == ["released"] * 3
        add_late_rows(tmp_path, DATES[0])
        (state,) = judge_dates(settings, DAY, DAY)[1]
        assert state.state == "current" or state.because_of("inputs")
        done = winnow.backfill(settings, DATES[0], DAY, which="stale", **accept)
        assert outcomes(done) == ["released"] * 3
        for before, day in pairwise(DATES):
            told = json.loads(released(tmp_path / "warehouse", day).inputs_json)
            newest = released(tmp_path / "warehouse", before)
            assert told["frequency_state"]["release_id"] == newest.release_id
        # The date in the middle alone: the next one carries what was replaced since.
        (again,) = winnow.backfill(
            streaming(tmp_path, rate=0.2), DATES[1], DATES[1], **accept
        ).dates
        assert again.outcome == "released"
        (state,) = judge_dates(settings, DAY, DAY)[1]
        assert [reason.kind for reason in state.reasons] == ["state"]
        assert again.release_id is not None
        assert again.release_id in state.text


class DescribeAConflict:
    def it_is_tried_again_a_few_times(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        tries: list[date] = []

        def lost(asked: BuildRequest) -> None:
            tries.append(asked.day)
            raise ConflictError(Problem("releases", "another run released it"))

        monkeypatch.setattr("winnow.operations.dates.backfill.build", lost)
        ended = build_date(request(few_dates(tmp_path)), waits=(0.0, 0.0))
        assert (len(tries), ended.outcome, type(ended.error)) == (3, "failed", ConflictError)


def request(settings: Config) -> BuildRequest:
    engine: Any = None
    return BuildRequest(settings, DAY, engine, progress=Progress(quiet=True))
