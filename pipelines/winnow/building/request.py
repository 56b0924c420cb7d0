"""What a build is asked to do."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from winnow.audit.suites.suite import Suite
from winnow.building.progress import Progress
from winnow.config.tree import Config
from winnow.engine.engine import Engine
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import Place, place_of


@dataclass(frozen=True)
class BuildRequest:
    """One build of one date.

    Attributes:
        config: The checked config; its paths are absolute.
        day: The date to build.
        engine: A running engine; the build neither starts nor stops it.
        allow_empty: Accept logs that are missing or have no rows for the date.
        immature: Build though clicks of the attribution window may still be missing.
        progress: Told of every stage; keeps the seconds.
        limits: How much is computed at a time.
        home: The folder of the config file, where there is one: the release names folders inside
            it from there on, so that it is the same after the whole has moved.
        suites: What ``check_config`` returned before the engine started; None: the build checks.
        run_id: Names the run, each process's own; None makes one up.
    """

    config: Config
    day: date
    engine: Engine
    allow_empty: bool = False
    immature: bool = False
    progress: Progress = field(default_factory=Progress)
    limits: Limits = DEFAULT_LIMITS
    home: Path | None = None
    suites: tuple[Suite, ...] | None = None
    run_id: str | None = None

    @property
    def warehouse(self) -> Place:
        """The folder of the published tables, or the prefix in an object store."""
        return place_of(self.config.warehouse)
