"""The daily build, and a DAG that trains on what it released. Change the paths, then the rest."""

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, PartitionedAssetTimetable, task
from winnow_airflow import table_assets, winnow_dag

WAREHOUSE = "/data/warehouse"

daily = winnow_dag(
    "winnow",
    config="/data/winnow.yaml",
    warehouse=WAREHOUSE,
    winnow=("/opt/winnow/bin/winnow",),
    tables=("training_samples",),
    schedule=CronTriggerTimetable("30 2 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 3, tz="UTC"),  # its first run builds 2026-01-01
    catchup=True,
)

SAMPLES = table_assets("winnow", WAREHOUSE, ("training_samples",))["training_samples"]

with DAG("train", schedule=PartitionedAssetTimetable(assets=SAMPLES)) as train:

    @task(inlets=[SAMPLES])
    def train_on_new_samples(*, dag_run, inlet_events):
        """Name the release: the reader opens exactly what was audited and announced."""
        events = [one for one in inlet_events[SAMPLES] if one.extra["ds"] == dag_run.partition_key]
        return events[-1].extra["release"]  # for winnow.open_release(WAREHOUSE, release)

    train_on_new_samples()
