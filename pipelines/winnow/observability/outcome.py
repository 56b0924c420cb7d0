"""How a build ended: of a release from what it says, of a failed run from what it left behind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from winnow.audit.record import GateResult
from winnow.building.audit import failed_run, record_of
from winnow.building.summary import BuildSummary
from winnow.config.tree import Config
from winnow.contracts.counts import PLACES
from winnow.observability.ending import Ending
from winnow.release.opening import open_release
from winnow.release.reader import ReleaseReader
from winnow.storage.object_path import place_of


@dataclass(frozen=True)
class Outcome:
    """One build of one date, of one recipe, after its end.

    Attributes:
        run_id: The run. ds: The date. variant: Of the config; None where it has none.
        begun, ended: When, with a zone.
        ending: The exit code and what went wrong.
        release_id: The release that holds the date; None where the build failed.
        published: Whether the release is new.
        logs: Rows of each log by where they went (``PLACES``); empty where it ended before.
        tables: Rows of each table; empty where it ended before.
        gates: What the audit found; empty where it ended before.
        seconds: Seconds of each stage.
        release: Reads the release; None where the build failed.
    """

    run_id: str
    ds: date
    begun: datetime
    ended: datetime
    ending: Ending = field(default_factory=Ending)
    variant: str | None = None
    release_id: str | None = None
    published: bool = False
    logs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    gates: Sequence[GateResult] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    release: ReleaseReader | None = None


def outcome_of_release(
    summary: BuildSummary,
    run_id: str,
    begun: datetime,
    ended: datetime,
    variant: str | None = None,
) -> Outcome:
    """Return the outcome of a build that made a release, or found its content released already.

    In the second case the gates are those of the release that is there.
    """
    reader = open_release(place_of(summary.warehouse), summary.release_id)
    record = record_of(reader.releases[0])
    return Outcome(
        run_id=run_id,
        ds=summary.ds,
        begun=begun,
        ended=ended,
        variant=variant,
        release_id=summary.release_id,
        published=summary.published,
        logs={name: counts.places for name, counts in summary.logs.items()},
        tables=dict(summary.tables),
        gates=() if record is None else record.gates,
        seconds=dict(summary.seconds),
        release=reader,
    )


def outcome_of_failure(
    ending: Ending,
    run_id: str,
    ds: date,
    begun: datetime,
    ended: datetime,
    seconds: Mapping[str, float],
    config: Config | None,
    variant: str | None = None,
) -> Outcome:
    """Return the outcome of a build that released nothing, with what its audit had found, if any.

    Args:
        ending: How it failed. seconds: Of its stages.
        config: Names the warehouse; None where it could not be read.
        run_id, ds, begun, ended, variant: As of ``Outcome``.
    """
    left = None if config is None else failed_run(place_of(config.warehouse), run_id)
    if left is None:
        return Outcome(run_id, ds, begun, ended, ending, variant, seconds=dict(seconds))
    logs = json.loads(left.inputs_json)["logs"]
    return Outcome(
        run_id=run_id,
        ds=ds,
        begun=begun,
        ended=ended,
        ending=ending,
        variant=variant,
        logs={name: {place: log[place] for place in PLACES} for name, log in logs.items()},
        tables=dict(left.tables),
        gates=left.record.gates,
        seconds=dict(seconds),
    )
