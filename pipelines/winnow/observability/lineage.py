"""A build as events of OpenLineage: its logs, its tables, and the gates as assertions on both.

Two jobs: ``build:<warehouse>`` reads the logs and writes the tables; ``audit:<warehouse>``, its
child, reads what was written and asserts. OpenLineage keeps assertions with the inputs of a job.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from winnow.audit.gate import EASY, HARD, INPUTS, POPULARITY, POSITIVES
from winnow.audit.record import GateResult
from winnow.building.code_version import code_version
from winnow.config.logs import LOG_NAMES
from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem
from winnow.extras import extras_named
from winnow.observability.outcome import Outcome
from winnow.release.paths import table_path
from winnow.shown_text import without_secrets
from winnow.storage.object_path import place_of

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

PRODUCER = "winnow"
NAMESPACE = "winnow"
"""Of jobs; ``OPENLINEAGE_NAMESPACE`` in the environment names another."""

_TABLE_OF_GROUP = {
    POSITIVES: "positives",
    EASY: "easy_negatives",
    HARD: "hard_negatives",
    POPULARITY: "item_stats",
}


def lineage_client() -> "OpenLineageClient":
    """Return the client as its own settings have it, such as ``OPENLINEAGE_URL``.

    Raises:
        ConfigError: They name no place to send events to.
        MissingExtraError: openlineage-python is not installed.
    """
    with extras_named():
        from openlineage.client import OpenLineageClient
    try:
        client = OpenLineageClient()
        kind = client.transport.kind
    except Exception as error:
        raise ConfigError(Problem("--openlineage", f"the client refuses: {error}")) from error
    # What it falls back to: events go to a logger that nobody reads.
    if kind == "console":
        fix = "Set OPENLINEAGE_URL, or OPENLINEAGE_CONFIG to a file with a transport."
        raise ConfigError(Problem("--openlineage", "no transport is configured", next_step=fix))
    return client


class Lineage:
    """Makes the events of one build of one recipe."""

    def __init__(self, config: Config, namespace: str) -> None:
        """Describe a build by its recipe; ``namespace`` is that of the jobs."""
        self._config, self._namespace = config, namespace
        self._warehouse = place_of(config.warehouse)

    def begun(self, outcome: Outcome) -> "RunEvent":
        """Return the event of a build that begins; of the outcome only its run counts."""
        from openlineage.client.event_v2 import InputDataset, OutputDataset, RunState

        inputs = [InputDataset(*_named(path)) for _, path in self._logs()]
        outputs = [OutputDataset(*self._table(name)) for name in self._config.tables_written]
        return self._event("build", RunState.START, outcome, outcome.begun, inputs, outputs)

    def ended(self, outcome: Outcome) -> "Iterator[RunEvent]":
        """Give the events of a build that has ended: of its audit, where there was one, its own."""
        from openlineage.client.event_v2 import RunState

        state = RunState.COMPLETE if outcome.ending.exit_code == 0 else RunState.FAIL
        if outcome.gates:
            failed = any(gate.status in ("fail", "error") for gate in outcome.gates)
            verdict = RunState.FAIL if failed else RunState.COMPLETE
            audited = list(self._audited(outcome))
            yield self._event("audit", RunState.START, outcome, outcome.ended, audited, [])
            yield self._event("audit", verdict, outcome, outcome.ended, audited, [])
        yield self._event(
            "build", state, outcome, outcome.ended,
            list(self._read(outcome)), list(self._written(outcome)),
        )  # fmt: skip

    def _event(
        self,
        job: str,
        state: Any,
        outcome: Outcome,
        moment: datetime,
        inputs: "Sequence[InputDataset]",
        outputs: "Sequence[OutputDataset]",
    ) -> "RunEvent":
        from openlineage.client import event_v2, facet_v2

        zone = ZoneInfo(self._config.calendar_zone)
        day = datetime.combine(outcome.ds, datetime.min.time(), zone)
        facets: dict[str, Any] = {
            "nominalTime": facet_v2.nominal_time_run.NominalTimeRunFacet(day.isoformat()),
            "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet(
                version=code_version(), name="winnow"
            ),
        }
        if job == "audit":
            parent = facet_v2.parent_run
            facets["parent"] = parent.ParentRunFacet(
                run=parent.Run(self._run_id("build", outcome)),
                job=parent.Job(self._namespace, f"build:{self._warehouse}"),
            )
        elif outcome.ending.message:
            facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(
                message=outcome.ending.message, programmingLanguage="Python"
            )
        kind = facet_v2.job_type_job.JobTypeJobFacet("BATCH", "WINNOW", jobType="JOB")
        return event_v2.RunEvent(
            eventType=state,
            eventTime=moment.isoformat(),
            run=event_v2.Run(self._run_id(job, outcome), facets),
            job=event_v2.Job(self._namespace, f"{job}:{self._warehouse}", {"jobType": kind}),
            producer=PRODUCER,
            inputs=list(inputs),
            outputs=list(outputs),
        )

    def _run_id(self, job: str, outcome: Outcome) -> str:
        from openlineage.client.uuid import generate_static_uuid

        # What it is made of is the same when the build begins and when it ends.
        of_whom = f"{job} {self._warehouse} {outcome.run_id}"
        return str(generate_static_uuid(outcome.begun, of_whom.encode()))

    def _logs(self) -> Iterator[tuple[str, str]]:
        for name in LOG_NAMES:
            log = self._config.logs.resolved(name)
            if log is not None and log.path is not None:
                yield name, str(log.path)

    def _table(self, name: str) -> tuple[str, str]:
        return _named(str(table_path(self._warehouse, name)))

    def _read(self, outcome: Outcome) -> "Iterator[InputDataset]":
        """Give the logs, with the rows that were read of each."""
        from openlineage.client import event_v2, facet_v2

        counted = facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet
        for name, path in self._logs():
            places = outcome.logs.get(name)
            facets: dict[str, Any] = {}
            if places is not None:
                facets["inputStatistics"] = counted(places["read"])
            yield event_v2.InputDataset(*_named(path), inputFacets=facets)

    def _written(self, outcome: Outcome) -> "Iterator[OutputDataset]":
        """Give the tables of the release, with version, columns and rows of the date."""
        from openlineage.client import event_v2, facet_v2

        if outcome.release is None:
            return
        field = facet_v2.schema_dataset.SchemaDatasetFacetFields
        for pin in outcome.release.releases[0].tables:
            columns = outcome.release.arrow(pin.table).schema
            version = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(str(pin.version))
            schema = facet_v2.schema_dataset.SchemaDatasetFacet(
                [field(column.name, str(column.type)) for column in columns]
            )
            rows = facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=pin.content.rows
            )
            yield event_v2.OutputDataset(
                *self._table(pin.table),
                facets={"version": version, "schema": schema},
                outputFacets={"outputStatistics": rows},
            )

    def _audited(self, outcome: Outcome) -> "Iterator[InputDataset]":
        """Give logs and tables with the gates that judged them."""
        from openlineage.client import event_v2, facet_v2

        facet = facet_v2.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet
        paths = dict(self._logs())
        gates: dict[str, list[GateResult]] = {}
        subject_of = partial(_subject, logs=paths, tables=self._config.tables_written)
        for gate in outcome.gates:
            gates.setdefault(subject_of(gate), []).append(gate)
        for subject, own in gates.items():
            named = _named(paths[subject]) if subject in paths else self._table(subject)
            assertions = facet([_assertion(gate) for gate in own])
            yield event_v2.InputDataset(*named, inputFacets={"dataQualityAssertions": assertions})


def _assertion(gate: GateResult) -> Any:
    """Return a gate as an assertion; one that could not be judged has failed."""
    from openlineage.client import facet_v2

    only_warns = gate.severity == "warn" or gate.status == "warn"
    bounds = gate.warn if gate.status == "warn" or gate.fail is None else gate.fail
    return facet_v2.data_quality_assertions_dataset.Assertion(
        assertion=gate.name.partition(".")[0],
        success=gate.status == "pass",
        severity="warn" if only_warns else "error",
        name=gate.name,
        description=gate.meaning,
        expected=gate.wanted or ("a figure" if bounds is None else bounds.in_words()),
        actual=None if gate.figure is None else f"{gate.figure:.9g}",
    )


def _subject(gate: GateResult, logs: Mapping[str, str], tables: Sequence[str]) -> str:
    """Return the log or table that a gate judges; the samples where it judges several."""
    named = gate.name.split(".")[1:2]
    if named and (named[0] in logs or named[0] in tables):
        return named[0]
    table = _TABLE_OF_GROUP.get(gate.group, "training_samples")
    if gate.group == INPUTS:
        return "impressions"
    return table if table in tables else tables[0]


def _named(path: str) -> tuple[str, str]:
    """Return namespace and name of what lies at a path or an address, as OpenLineage names them."""
    parts = urlsplit(without_secrets(path))
    if not parts.scheme or parts.scheme == "file":
        return "file", parts.path
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")
