"""A DAG of Airflow 3 that builds for real: which date, what is tried again, what is announced."""

import datetime
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.airflow import home
from tests.child_process import ROOT

if not home.there():
    pytest.skip("Airflow is in an environment of its own: make airflow", allow_module_level=True)

HOME = home.made_home()
sys.path.insert(0, str(HOME / "dags"))

import pendulum  # noqa: E402
from airflow.models.asset import AssetEvent  # noqa: E402
from airflow.sdk import (  # noqa: E402
    CronDataIntervalTimetable,
    CronTriggerTimetable,
)
from airflow.serialization.encoders import coerce_to_core_timetable  # noqa: E402
from airflow.settings import Session  # noqa: E402
from airflow.timetables.base import TimeRestriction  # noqa: E402
from sqlalchemy import select  # noqa: E402
from winnow_airflow import LogsReady, date_to_build, record_in  # noqa: E402

DUE = pendulum.datetime(2026, 1, 3, 2, 30, tz="UTC")
TIMETABLES = [CronTriggerTimetable, CronDataIntervalTimetable]


@pytest.fixture(scope="module", autouse=True)
def _gone() -> Iterator[None]:
    yield
    shutil.rmtree(HOME, ignore_errors=True)


def context(ds: str | None = None, **more: Any) -> dict[str, Any]:
    return {"params": {"ds": ds}, **more}


class DescribeTheDateOfARun:
    @pytest.mark.parametrize("kind", TIMETABLES)
    def it_is_the_same_under_both_timetables(self, kind: Any) -> None:
        timetable = coerce_to_core_timetable(kind("30 2 * * *", timezone="UTC"))
        between = TimeRestriction(DUE.subtract(days=9), DUE, catchup=True)
        runs, last = {}, None
        while (info := timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=between
        )) is not None:  # fmt: skip
            last = info.data_interval
            found = date_to_build(context(data_interval_end=last.end), lag_days=2, zone="UTC")
            runs[info.run_after] = found
        assert runs[DUE] == datetime.date(2026, 1, 1)
        assert all(due.date() - day == datetime.timedelta(2) for due, day in runs.items())
        assert len(runs) >= 9

    @pytest.mark.parametrize(
        ("zone", "day"), [("UTC", 2), ("America/New_York", 1), ("Asia/Tokyo", 2)]
    )
    def it_is_counted_in_the_zone_of_the_config(self, zone: str, day: int) -> None:
        found = date_to_build(context(data_interval_end=DUE), lag_days=1, zone=zone)
        assert found == datetime.date(2026, 1, day)

    def it_goes_by_the_moment_of_the_run_where_there_is_no_interval(self) -> None:
        run = SimpleNamespace(run_after=DUE)
        found = date_to_build(context(dag_run=run), lag_days=2, zone="UTC")
        assert found == datetime.date(2026, 1, 1)

    def it_is_the_one_that_was_asked_for(self) -> None:
        found = date_to_build(context("2025-12-31"), lag_days=2, zone="UTC")
        assert found == datetime.date(2025, 12, 31)


FILE = """
import datetime, pendulum, sys
from airflow.sdk import CronTriggerTimetable, CronDataIntervalTimetable
from winnow_airflow import winnow_dag
dag = winnow_dag({dag_id!r}, config={config!r}, warehouse={warehouse!r},
    winnow={winnow!r}, build={build!r}, schedule={kind}("30 2 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 3, tz="UTC"), tables=("training_samples", "positives"),
    retries=2, retry_delay=datetime.timedelta(0), partitioned={partitioned!r},
    poke_interval=datetime.timedelta(seconds=1))
"""

Dag = Callable[..., Any]


def dag_of(config: Path, kind: str = "CronTriggerTimetable", build: Any = None, **more: Any) -> Any:
    """A DAG in a file of its own, as users have them."""
    dag_id = f"winnow_{config.parent.name}_{kind}"
    words = (home.command(),)
    text = FILE.format(
        dag_id=dag_id, config=str(config), warehouse=str(config.parent / "warehouse"),
        winnow=words, build=build, kind=kind, partitioned=more.get("partitioned", True),
    )  # fmt: skip
    path = HOME / "dags" / f"{dag_id}.py"
    path.write_text(text, encoding="utf-8")
    names: dict[str, Any] = {"__file__": str(path)}
    exec(compile(text, str(path), "exec"), names)
    names["dag"].fileloc = str(path)
    return names["dag"]


def states(run: Any) -> dict[str, tuple[str, int]]:
    """State and number of tries of each task."""
    return {one.task_id: (str(one.state), one.try_number) for one in run.get_task_instances()}


def events(dag: Any) -> dict[str, Any]:
    """The event of each asset that a DAG announced."""
    with Session() as session:
        found = session.scalars(
            select(AssetEvent).where(AssetEvent.source_dag_id == dag.dag_id)
        ).all()
        return {one.asset.name.partition(".")[2]: (one.partition_key, one.extra) for one in found}


class DescribeARun:
    @pytest.mark.parametrize("kind", [kind.__name__ for kind in TIMETABLES])
    def it_builds_the_date_that_ended_and_announces_its_tables(
        self, kind: str, tmp_path: Path
    ) -> None:
        config = home.shop(tmp_path / "whole")
        dag = dag_of(config, kind)
        run = dag.test(logical_date=DUE)
        assert states(run) == dict.fromkeys(
            ("date_to_build", "logs_ready", "build", "verify", "report", "announce"),
            ("success", 1),
        )
        (release,) = home.told("releases", "--config", str(config))
        assert release["ds"] == "2026-01-01"
        told = {"release": release["release_id"], "ds": "2026-01-01", "published": True}
        assert events(dag) == {
            "training_samples": ("2026-01-01", told | {"rows": 5}),
            "positives": ("2026-01-01", told | {"rows": 5}),
        }
        assert list((tmp_path / "whole" / "warehouse" / "_reports").glob("*/index.html"))

    def it_fails_at_once_where_a_gate_fails_and_nothing_follows(self, tmp_path: Path) -> None:
        config = home.shop(tmp_path / "gate", "gates:\n  rejected_share: {fail: {most: 0.1}}\n")
        dag = dag_of(config)
        found = states(dag.test(logical_date=DUE))
        assert found["build"] == ("failed", 1)
        for task in ("verify", "report", "announce"):
            assert found[task][0] == "upstream_failed"
        assert home.told("releases", "--config", str(config)) == []
        assert events(dag) == {}

    def it_is_tried_again_after_a_conflict(self, tmp_path: Path) -> None:
        config = home.shop(tmp_path / "conflict")
        rival = tmp_path / "conflict" / "rival.yaml"
        rival.write_text(config.read_text(encoding="utf-8") + "seed: 1\n", encoding="utf-8")
        python = Path(home.command()).with_name("python")
        script = ROOT / "tests" / "airflow" / "conflicting_build.py"
        words = (str(python), str(script), str(rival), "build")
        dag = dag_of(config, build=words)
        found = states(dag.test(logical_date=DUE))
        assert found["build"] == ("success", 2)
        assert found["announce"] == ("success", 1)
        rivals, own = home.told("releases", "--config", str(config))
        assert rivals["config_hash"] != own["config_hash"]
        assert events(dag)["positives"][1]["release"] == own["release_id"]


@pytest.fixture(scope="module")
def dated_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs in folders of dates; their config."""
    folder = tmp_path_factory.mktemp("waiting") / "sim"
    size = ("--days", "2", "--history-days", "1", "--users", "60", "--items", "200")
    home.told("simulate", "--out", str(folder), "--requests-per-day", "60", *size)
    return folder / "winnow.yaml"


class DescribeWaitingForLogs:
    def sensor(self, config: Path, ds: str, *markers: str) -> Any:
        words = [home.command(), "validate", "--config", str(config)]
        return LogsReady(task_id="ready", ds=ds, validate=words, markers=markers)

    def it_ends_when_all_folders_are_there(self, dated_logs: Path) -> None:
        assert self.sensor(dated_logs, "2026-01-01").poke({}) is True

    def it_goes_on_while_later_clicks_are_missing(self, dated_logs: Path) -> None:
        (folder,) = dated_logs.parent.glob("**/clicks/*2026-01-02*")
        away = dated_logs.parent / "away"
        folder.rename(away)
        try:
            assert self.sensor(dated_logs, "2026-01-01").poke({}) is False
        finally:
            away.rename(folder)

    def it_goes_on_while_the_date_is_missing(self, dated_logs: Path) -> None:
        assert self.sensor(dated_logs, "2026-02-01").poke({}) is False

    def it_goes_on_until_the_markers_are_there(self, dated_logs: Path, tmp_path: Path) -> None:
        sensor = self.sensor(dated_logs, "2026-01-01", str(tmp_path / "{ds}" / "_SUCCESS"))
        assert sensor.poke({}) is False
        (tmp_path / "2026-01-01").mkdir()
        (tmp_path / "2026-01-01" / "_SUCCESS").touch()
        assert sensor.poke({}) is True

    def it_ends_where_the_config_is_wrong(self, tmp_path: Path) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        config = home.shop(tmp_path / "wrong", "colour: red\n")
        with pytest.raises(AirflowFailException, match=r"exit code 2: .*colour"):
            self.sensor(config, "2026-01-01").poke({})


class DescribeWhatACommandPrints:
    def it_is_found_among_what_spark_submit_prints(self) -> None:
        assert record_in('{"a line of": "others"}\n{\n  "ds": "x"\n}\nbye\n') == {"ds": "x"}
        assert record_in("nothing\n") == {}
