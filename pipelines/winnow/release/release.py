"""One release: which version of each table is the audited one for a date, and who made it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from winnow.contracts.tables import TableContract, table_contract
from winnow.release.paths import RELEASES

OF_RELEASE = (
    "release_id", "seq", "ds", "run_id", "created_ts", "config_hash", "code_version",
)  # fmt: skip
OF_PIN = ("n_tables", "table_name", "delta_version", "row_count", "content_hash")
"""The columns of ``releases`` that every row has: of its release, and of its own table."""


@dataclass(frozen=True)
class ContentHash:
    """What a table holds, as two numbers.

    Attributes:
        rows: The number of rows.
        total: The sum of the rows' 64-bit hashes, as decimal text.
    """

    rows: int
    total: str


@dataclass(frozen=True)
class TablePin:
    """At this version of the table, the release's date holds this content."""

    table: str
    version: int
    content: ContentHash


class StateBefore(NamedTuple):
    """A state of an earlier date that a run has gone on from: where it was pinned then."""

    release_id: str
    table: str
    version: int


@dataclass(frozen=True)
class RunRecord:
    """What a run tells about itself, and its release then says.

    Attributes:
        run_id: The process, as made by ``new_run_id``.
        day: The date that it built.
        config_hash: SHA-256 of the settings that decide the rows.
        config_json: Those settings.
        code_version: Version of Winnow.
        inputs_json: Per log, what was read.
        quality_json: Gates with their figures.
        attempt: Counts the tries of one process, from 1.
        goes_on_from: The states of earlier dates that its rows were made of.
    """

    run_id: str
    day: date
    config_hash: str
    config_json: str
    code_version: str
    inputs_json: str = "{}"
    quality_json: str = "{}"
    attempt: int = 1
    goes_on_from: tuple[StateBefore, ...] = ()


class Documents(NamedTuple):
    """The long texts of a release; they stand in its first row and are read where wanted only."""

    config_json: str
    inputs_json: str
    quality_json: str


@dataclass(frozen=True)
class Release:
    """One release: a date, the versions that hold its audited rows, and where they came from.

    Attributes:
        release_id: UTC time and the end of the run's id; sorts by time.
        seq: Number of the release, from 1. The newest release of a date has the highest.
        ds: The date that it vouches for, and no other.
        tables: One pin per table, sorted by the table's name.
        documents: Returns the texts that are read only when they are asked for.
    """

    release_id: str
    seq: int
    ds: date
    run_id: str
    created_ts: datetime
    config_hash: str
    code_version: str
    tables: tuple[TablePin, ...]
    documents: Callable[[], Documents] = field(compare=False, repr=False)

    @property
    def config_json(self) -> str:
        """The settings that decide the rows."""
        return self.documents().config_json

    @property
    def inputs_json(self) -> str:
        """What was read, per log."""
        return self.documents().inputs_json

    @property
    def quality_json(self) -> str:
        """Gates with their figures."""
        return self.documents().quality_json

    def pin(self, table: str) -> TablePin | None:
        """Return the pin of one table; None where the release has no such table."""
        return next((pin for pin in self.tables if pin.table == table), None)

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``schemas/releases.yaml``, one per table."""
        own = {name: getattr(self, name) for name in OF_RELEASE}
        texts = self.documents()._asdict()
        return [
            own
            | {
                "n_tables": len(self.tables),
                "table_name": pin.table,
                "delta_version": pin.version,
                "row_count": pin.content.rows,
                "content_hash": pin.content.total,
            }
            | (texts if number == 0 else dict.fromkeys(texts))
            for number, pin in enumerate(self.tables)
        ]


def releases_contract() -> TableContract:
    """Return the contract of the ``releases`` table."""
    return table_contract(RELEASES)


def new_release_id(run_id: str, now: datetime) -> str:
    """Return a UTC time to the microsecond and the last eight characters of the run's id."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{run_id[-8:]}"


def time_in_id(release_id: str) -> datetime:
    """Return when a release was made, by its id.

    Raises:
        ValueError: The id is none that ``new_release_id`` made.
    """
    return datetime.strptime(release_id.partition("Z")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
