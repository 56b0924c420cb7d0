"""A build as others see it: metrics, lineage and a command on failure, where they are asked for."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.exit_codes import exit_code_of, problems_of
from winnow.extras import extras_named

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

    from winnow.building.progress import Progress
    from winnow.building.summary import BuildSummary
    from winnow.building.variants import VariantBuilds
    from winnow.config.tree import Config
    from winnow.observability.ending import Ending
    from winnow.observability.lineage import Lineage
    from winnow.observability.outcome import Outcome

MetricsOption = Annotated[
    Path | None,
    typer.Option("--metrics", help="Write an OpenMetrics file of this run, also where it fails."),
]
OnFailureOption = Annotated[
    str | None,
    typer.Option(
        "--on-failure",
        help="A command that is run where the build fails, without a shell; WINNOW_DS, "
        "WINNOW_RUN_ID, WINNOW_EXIT_CODE and WINNOW_MESSAGE are in its environment.",
    ),
]
OpenLineageOption = Annotated[
    bool,
    typer.Option(
        "--openlineage",
        help="Send events of OpenLineage to where its client's own settings say (OPENLINEAGE_URL).",
    ),
]


@dataclass(frozen=True)
class Observers:
    """Who is to be told; nobody costs nothing.

    Attributes:
        metrics: A file. on_failure: A command. openlineage: Whether events are sent.
    """

    metrics: Path | None = None
    on_failure: str | None = None
    openlineage: bool = False


@dataclass
class Observation:
    """What is known of a build that is at work.

    Attributes:
        ds: The date, as it was asked for.
        progress: Of the command; it names the run.
        config: Once it is read: of one recipe, or of all variants.
        summary, builds: What was made, once it is.
    """

    ds: str
    progress: "Progress"
    config: "Config | None" = None
    summary: "BuildSummary | None" = None
    builds: "VariantBuilds | None" = None
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    client: "OpenLineageClient | None" = None

    @property
    def run_id(self) -> str:
        """The run."""
        return self.progress.run_id or ""

    def read(self, config: "Config") -> None:
        """Tell of the config, and of a build that begins."""
        self.config = config
        if self.client is not None:
            self._try("the event of OpenLineage was not sent", self._send_begin)

    def end(self, observers: Observers, error: BaseException | None) -> None:
        """Tell everybody how it ended; who cannot be told changes nothing but a warning."""
        from winnow.observability.ending import Ending

        problems = () if error is None else problems_of(error)
        message = "\n".join(map(str, problems))
        ending = Ending(0 if error is None else exit_code_of(error), message)
        if observers.metrics is not None:
            self._try("the metrics were not written", lambda: self._write(observers, ending))
        if self.client is not None:
            self._try("the event of OpenLineage was not sent", lambda: self._send_end(ending))
        if ending.exit_code and observers.on_failure is not None:
            from winnow.observability.notification import notify, words_of_command

            words = words_of_command(observers.on_failure)
            if why := notify(words, self.ds, self.run_id, ending):
                self.progress.warn(f"the command on failure did not work: {why}")

    def outcomes(self, ending: "Ending") -> "list[Outcome]":
        """Return how the build ended: one outcome, or one of each variant."""
        from winnow.observability.ending import Ending
        from winnow.observability.outcome import outcome_of_failure, outcome_of_release

        now, seconds = datetime.now(UTC), self.progress.seconds
        if self.summary is not None:
            return [outcome_of_release(self.summary, self.run_id, self.begun, now)]
        day = date.fromisoformat(self.ds)
        if self.builds is None or self.config is None:
            parts = (ending, self.run_id, day, self.begun, now, seconds, self.config)
            return [outcome_of_failure(*parts)]
        found = []
        for name, run_id in self.builds.run_ids.items():
            if (made := self.builds.made.get(name)) is not None:
                found.append(outcome_of_release(made, run_id, self.begun, now, name))
                continue
            error = self.builds.failed[name]
            own = Ending(exit_code_of(error), "\n".join(map(str, problems_of(error))))
            config = self.config.variant(name)
            parts = (own, run_id, day, self.begun, now, {}, config)
            found.append(outcome_of_failure(*parts, name))
        return found

    def _write(self, observers: Observers, ending: "Ending") -> None:
        from winnow.observability.metrics import write_metrics

        assert observers.metrics is not None
        write_metrics(self.outcomes(ending), observers.metrics)

    def _send_begin(self) -> None:
        from winnow.observability.outcome import Outcome

        assert self.client is not None
        for lineage in self._lineages().values():
            day = date.fromisoformat(self.ds)
            self.client.emit(lineage.begun(Outcome(self.run_id, day, self.begun, self.begun)))

    def _send_end(self, ending: "Ending") -> None:
        assert self.client is not None
        lineages = self._lineages()
        for outcome in self.outcomes(ending):
            # The run of its start: there, the runs of variants have no ids yet.
            run = replace(outcome, run_id=self.run_id)
            named = [outcome.variant] if outcome.variant in lineages else list(lineages)
            for name in named:
                for event in lineages[name].ended(run):
                    self.client.emit(event)
        self.client.close()

    def _lineages(self) -> "dict[str | None, Lineage]":
        """Return what makes the events, by variant; nothing where the config could not be read."""
        from winnow.observability.lineage import NAMESPACE, Lineage

        if self.config is None:
            return {}
        namespace = os.environ.get("OPENLINEAGE_NAMESPACE", NAMESPACE)
        names: list[str | None] = [*self.config.variants] or [None]
        return {
            name: Lineage(self.config if name is None else self.config.variant(name), namespace)
            for name in names
        }

    def _try(self, failure: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.progress.warn(f"{failure}: {problems_of(error)[0]}")


@contextmanager
def observed(observers: Observers, ds: str, progress: "Progress") -> Iterator[Observation]:
    """Tell the observers how the block ends; what it raises goes on.

    Raises:
        ConfigError: What is asked for cannot be done: the file, the command, no place for events.
        MissingExtraError: The package that it needs is not installed.
    """
    observation = Observation(ds, progress)
    if observers == Observers():
        yield observation
        return
    require(observers, observation)
    try:
        with extras_named():
            yield observation
    except BaseException as error:
        observation.end(observers, error)
        raise
    observation.end(observers, None)


def require(observers: Observers, observation: Observation) -> None:
    """Look, before any work, whether the observers can be told.

    Raises:
        ConfigError, MissingExtraError: As ``observed``.
    """
    if observers.on_failure is not None:
        from winnow.observability.notification import words_of_command

        words_of_command(observers.on_failure)
    if observers.metrics is not None:
        from winnow.observability.metrics import require_metrics_file

        require_metrics_file(observers.metrics)
    if observers.openlineage:
        from winnow.observability.lineage import lineage_client

        observation.client = lineage_client()
