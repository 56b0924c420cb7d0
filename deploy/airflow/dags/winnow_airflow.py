"""Winnow in Airflow 3: an operator that runs one command, and a DAG that is made of it.

Put this file beside your DAGs. It imports nothing of Winnow: the command lives in an environment of
its own on the worker, as Airflow and PySpark want different versions of the same packages.
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from threading import Thread
from typing import IO, Any, NoReturn
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, BaseOperator, BaseSensorOperator, Param, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

A_PERSON_IS_NEEDED = {
    2: "the config or the arguments are wrong",
    3: "the logs broke a contract, or a gate failed; nothing was published",
}
"""Exit codes that stay the same when the same command is run again. All others may be retried."""

DATE = "{{ ti.xcom_pull(task_ids='date_to_build') }}"
RELEASE = "{{ ti.xcom_pull(task_ids='build')['release_id'] }}"


def date_to_build(context: Mapping[str, Any], *, lag_days: int, zone: str) -> date:
    """Return the date whose logs a run is for.

    It is the date, in the zone, of the moment at which the run is due, less ``lag_days``. That
    moment is the *end* of the run's data interval under every timetable of Airflow: of
    CronTriggerTimetable the interval has no length, of CronDataIntervalTimetable, and of Airflow 2,
    it begins one period earlier. So ``{{ ds }}``, where it begins, is not the same date for both.
    Runs without an interval (by hand without a logical date, by an asset) take ``run_after``.

    Args:
        context: The context of a task. The parameter ``ds`` goes before all else.
        lag_days: 1 is the date that has just ended.
        zone: The ``calendar_zone`` of the config.
    """
    if given := context["params"].get("ds"):
        return date.fromisoformat(given)
    due = context.get("data_interval_end") or context["dag_run"].run_after
    return due.astimezone(ZoneInfo(zone)).date() - timedelta(days=lag_days)


class WinnowOperator(BaseOperator):
    """Run one command of Winnow; its ``--json`` is what the task returns.

    Exit codes that a person has to look at (2, 3) fail the task at once, without a retry. All
    others (4, a conflict; 1, anything else; a signal) may be retried, as often as ``retries`` says.

    Args:
        words: The command and its arguments, without ``--json``. A template.
        environment: Variables of the command beside those of the worker.
        folder: Where it is run; None is the worker's own folder.
    """

    template_fields = ("words",)

    def __init__(
        self,
        *,
        words: Sequence[str],
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.words = list(words)
        self.environment = dict(environment or {})
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Run the command; return the record that it printed.

        Raises:
            AirflowFailException: It ended with 2 or 3.
            AirflowException: It ended with any other code than 0.
        """
        code, printed, problems = self.run()
        if code == 0:
            return record_in(printed)
        raise_for(code, problems)

    def run(self) -> tuple[int, str, list[str]]:
        """Run the command; return its exit code, what it printed, and its problems as sentences."""
        words = [*self.words, "--json"]
        self.log.info("%s", " ".join(words))
        problems: list[str] = []
        # A group of its own: the JVM and the workers of a build end with it.
        self._process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, **self.environment},
            cwd=self.folder,
            start_new_session=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        reader = Thread(target=self._pass_on, args=(self._process.stderr, problems), daemon=True)
        reader.start()
        printed = self._process.stdout.read()
        code = self._process.wait()
        reader.join()
        return code, printed, problems

    def on_kill(self) -> None:
        """End the command and all that it has started. What was released stays whole."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)

    def _pass_on(self, stderr: IO[str], problems: list[str]) -> None:
        """Write progress into the log of the task while the command works; keep its problems."""
        for line in stderr:
            if line.startswith('{"problems": '):
                for problem in json.loads(line)["problems"]:
                    problems.append(problem["text"])
                    self.log.error("%s", problem["text"])
            else:
                self.log.info("%s", line.rstrip())


class LogsReady(BaseSensorOperator):
    """Wait until the logs that a build of the date reads are there.

    Asks ``winnow validate --no-rows``, which lists and opens the files and starts no engine (some
    two seconds of CPU): ready is a date whose folders are all there, those of later clicks too. A
    log without folders of dates counts as there. What is missing stands in the log of the task.

    Args:
        ds: The date. A template.
        validate: The words of the command, up to its date.
        markers: Files that must be there as well, ``{ds}`` in their paths is the date: what a job
            that writes logs leaves behind when it has ended, such as ``_SUCCESS``.
    """

    template_fields = ("ds",)

    def __init__(
        self, *, ds: str, validate: Sequence[str], markers: Sequence[str] = (), **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.ds, self.validate, self.markers = ds, list(validate), list(markers)

    def poke(self, context: Mapping[str, Any]) -> bool:
        """Return whether a build can begin.

        Raises:
            AirflowFailException: The config or the arguments are wrong: waiting mends nothing.
        """
        paths = [marker.format(ds=self.ds) for marker in self.markers]
        if missing := [path for path in paths if not Path(path).exists()]:
            self.log.info("not there yet: %s", ", ".join(missing))
            return False
        words = [*self.validate, "--ds", self.ds, "--no-rows"]
        code, printed, problems = WinnowOperator(task_id="validate", words=words).run()
        if code in (0, 3):
            waits_for = problems if code else record_in(printed)["missing"]
            self.log.info("%s", "; ".join(waits_for) or "all logs are there")
            return not waits_for
        raise_for(code, problems)


def raise_for(code: int, problems: Sequence[str]) -> NoReturn:
    """Raise what an exit code means to Airflow.

    Raises:
        AirflowFailException: The code stays the same if the command is run again.
        AirflowException: It may be run again.
    """
    told = "; ".join(problems)
    if code in A_PERSON_IS_NEEDED:
        raise AirflowFailException(f"exit code {code}: {A_PERSON_IS_NEEDED[code]}. {told}")
    raise AirflowException(f"exit code {code}. {told}")


def record_in(printed: str) -> dict[str, Any]:
    """Return the JSON object that a command printed, among what spark-submit prints of its own."""
    _, start, rest = f"\n{printed}".partition("\n{\n")
    record: dict[str, Any] = json.JSONDecoder().raw_decode("{\n" + rest)[0] if start else {}
    return record


def table_assets(dag_id: str, warehouse: str, tables: Sequence[str]) -> dict[str, Asset]:
    """Return the assets that a DAG updates, by table: for its own outlets, and for consumers."""
    root = f"file://{warehouse}" if warehouse.startswith("/") else warehouse
    return {table: Asset(name=f"{dag_id}.{table}", uri=f"{root}/{table}") for table in tables}


def winnow_dag(
    dag_id: str,
    *,
    config: str,
    warehouse: str,
    schedule: Any,
    tables: Sequence[str] = ("training_samples",),
    zone: str = "UTC",
    lag_days: int = 2,
    markers: Sequence[str] = (),
    partitioned: bool = True,
    winnow: Sequence[str] = ("winnow",),
    build: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    parallel_dates: int = 1,
    retries: int = 3,
    retry_delay: timedelta = timedelta(minutes=5),
    wait: timedelta = timedelta(hours=12),
    poke_interval: timedelta = timedelta(minutes=5),
    **settings: Any,
) -> DAG:
    """Return a DAG whose runs wait for the logs of one date, build, verify, report and announce it.

    Args:
        dag_id: The DAG; its assets are called ``<dag_id>.<table>``.
        config: The config; an absolute path, as workers have a folder of their own.
        warehouse: Where its tables lie: names the assets.
        schedule: When a run is due, any timetable.
        tables: Those that others wait for: each has an asset, whose event says release and rows.
        zone: The ``calendar_zone`` of the config.
        lag_days: So many dates before the one on which the run is due. The clicks of a date are in
            one attribution window after its end: with 24 hours, on the next date but one.
        markers: As of ``LogsReady``.
        partitioned: Events of assets have the date as partition: they fire consumers whose schedule
            is a PartitionedAssetTimetable, and those alone. Else they fire ``schedule=[asset]``.
        winnow: The command. build: The words of a build where they are others, as of spark-submit:
            ``("spark-submit", …, "/opt/winnow/jobs/build.py")``.
        environment: Variables of all commands.
        parallel_dates: How many dates are built side by side, those of a backfill included.
        retries, retry_delay: Of exit codes that may be retried.
        wait: How long logs are waited for. poke_interval: How often is looked.
        settings: Further arguments of ``DAG``.
    """
    assets = table_assets(dag_id, warehouse, tables)
    again = {"retries": retries, "retry_delay": retry_delay}
    own = {"environment": environment, **again}
    of_release = (RELEASE, "--config", config)
    with DAG(
        dag_id,
        schedule=schedule,
        max_active_runs=parallel_dates,
        params={
            "ds": Param(
                None, type=["null", "string"], format="date", description="Build this date."
            )
        },
        **settings,
    ) as dag:

        @task(task_id="date_to_build", **again)
        def which_date(**context: Any) -> str:
            return date_to_build(context, lag_days=lag_days, zone=zone).isoformat()

        ready = LogsReady(
            task_id="logs_ready",
            ds=DATE,
            validate=[*winnow, "validate", "--config", config],
            markers=markers,
            mode="reschedule",
            timeout=wait.total_seconds(),
            poke_interval=poke_interval.total_seconds(),
        )
        built = WinnowOperator(
            task_id="build",
            words=[
                *(build or (*winnow, "build")),
                *("--config", config, "--ds", DATE, "--log-format", "text"),
            ],
            # Counts backfills too, which max_active_runs does not.
            max_active_tis_per_dag=parallel_dates,
            **own,
        )
        verified = WinnowOperator(task_id="verify", words=[*winnow, "verify", *of_release], **own)
        reported = WinnowOperator(task_id="report", words=[*winnow, "report", *of_release], **own)

        @task(outlets=list(assets.values()), **again)
        def announce(*, outlet_events: Any, ti: Any) -> None:
            made = ti.xcom_pull(task_ids="build")
            for table, asset in assets.items():
                if table not in made["tables"]:
                    raise AirflowFailException(f"this config writes no table {table}")
                event = outlet_events[asset]
                event.extra = {
                    "release": made["release_id"],
                    "ds": made["ds"],
                    "rows": made["tables"][table],
                    "published": made["published"],
                }
                if partitioned:
                    event.add_partitions(made["ds"])

        which_date() >> ready >> built >> verified >> [reported, announce()]
    return dag
