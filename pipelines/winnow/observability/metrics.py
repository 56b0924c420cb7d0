"""A file of metrics in the format of OpenMetrics, as the textfile collector of node_exporter reads.

All metrics are gauges without timestamps: the one kind that the formats of OpenMetrics and of
Prometheus write alike.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from winnow.audit.record import Status
from winnow.contracts.counts import PLACES
from winnow.errors import ConfigError, Problem
from winnow.extras import extras_named
from winnow.observability.outcome import Outcome

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

STATUSES: tuple[Status, ...] = ("pass", "warn", "fail", "error")
LAST_SUCCESS = "winnow_last_success_timestamp_seconds"
_OF_LOGS = tuple(place for place in PLACES if place != "read")


def require_metrics_file(path: Path) -> None:
    """Refuse, before any work, a file that could not be written when the work is done.

    Raises:
        ConfigError: Its folder is not there, or nothing may be written there.
        MissingExtraError: prometheus-client is not installed.
    """
    with extras_named():
        import prometheus_client  # noqa: F401
    folder = path.resolve().parent
    if not folder.is_dir() or path.is_dir() or not os.access(folder, os.W_OK):
        what = "the file cannot be written there"
        raise ConfigError(Problem("--metrics", what, str(path), "a file in a folder that is there"))


def write_metrics(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the metrics of one run of a command in place of the file's former ones.

    A reader meets the old file or the new one, never a part. When a recipe was last built without
    a fault is kept from the file that is there, where this run has failed.

    Args:
        outcomes: One build, or one of each variant.
        path: The file; it may be read by all, as collectors run as users of their own.

    Raises:
        OSError: It cannot be written.
    """
    from prometheus_client import CollectorRegistry
    from prometheus_client.openmetrics.exposition import generate_latest

    former = _last_successes(path)

    class Collected:
        def collect(self) -> "Iterator[GaugeMetricFamily]":
            return metrics_of(outcomes, former)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())
    new = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
        new.write_bytes(text)
        new.chmod(0o644)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def metrics_of(
    outcomes: Sequence[Outcome], former: "dict[str, float]"
) -> "Iterator[GaugeMetricFamily]":
    """Give the metrics of builds; ``former`` has the last success of each variant, in seconds."""
    from prometheus_client.core import GaugeMetricFamily

    def gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
        # A label that is empty is, to Prometheus, one that is not there.
        return GaugeMetricFamily(f"winnow_{name}", meaning, labels=("variant", *labels))

    info = gauge("run_info", "The last run.", "ds", "run_id", "release")
    code = gauge("run_exit_code", "What the last run ended with: 0 is done.")
    new = gauge("run_published", "1 where the last run made a release, 0 where it did not.")
    begun = gauge("run_start_timestamp_seconds", "When the last run began.")
    ended = gauge("run_end_timestamp_seconds", "When the last run ended.")
    success = gauge("last_success_timestamp_seconds", "When a run last ended with 0.")
    stages = gauge("stage_seconds", "How long a stage of the last run took.", "stage")
    rows = gauge("log_rows", "Rows of a log by where they went; together all read.", "log", "place")
    tables = gauge("table_rows", "Rows of a table for the date.", "table")
    gates = gauge("gates", "Gates of the audit by their status.", "status")
    broken = gauge("gate_not_passed", "1 for each gate that did not pass.", "gate", "status")
    for one in outcomes:
        of = one.variant or ""
        info.add_metric([of, one.ds.isoformat(), one.run_id, one.release_id or ""], 1)
        code.add_metric([of], one.ending.exit_code)
        new.add_metric([of], int(one.published))
        begun.add_metric([of], one.begun.timestamp())
        ended.add_metric([of], one.ended.timestamp())
        if one.ending.exit_code == 0:
            former = {**former, of: one.ended.timestamp()}
        for stage, seconds in one.seconds.items():
            stages.add_metric([of, stage], round(seconds, 3))
        for log, places in one.logs.items():
            for place in _OF_LOGS:
                rows.add_metric([of, log, place], places[place])
        for table, count in one.tables.items():
            tables.add_metric([of, table], count)
        if one.gates:
            for status in STATUSES:
                count = sum(gate.status == status for gate in one.gates)
                gates.add_metric([of, status], count)
            for gate in one.gates:
                if gate.status != "pass":
                    broken.add_metric([of, gate.name, gate.status], 1)
    for of, moment in former.items():
        success.add_metric([of], moment)
    families = (info, code, new, begun, ended, success, stages, rows, tables, gates, broken)
    yield from (family for family in families if family.samples)


def _last_successes(path: Path) -> dict[str, float]:
    """Return when each variant was last built without a fault, as a former file says."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    # A file that is not there, or not ours, says nothing.
    with suppress(OSError, ValueError):
        text = path.read_text(encoding="utf-8")
        families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        return {
            sample.labels.get("variant", ""): float(sample.value)
            for family in families
            if family.name == LAST_SUCCESS
            for sample in family.samples
        }
    return {}
