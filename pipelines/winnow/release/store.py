"""What a committer must do, whatever engine computes: the seam behind which Delta writers stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from pyspark.sql import DataFrame

from winnow.contracts.tables import TableContract
from winnow.release.commits import Label
from winnow.release.delta_log import Commit
from winnow.release.metadata import TableProtocol
from winnow.release.release import ContentHash, Release
from winnow.release.releases import ReleasesSnapshot
from winnow.release.task_writer import Maker


class FileState(NamedTuple):
    """What tells a file from others, under whatever name, and from itself after a change."""

    device: int
    number: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return how a file is now."""
        info = path.stat()
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


@dataclass(frozen=True)
class StagedTable:
    """One table in staging: written once, never changed, seen by no reader.

    Attributes:
        contract: The resolved contract that its rows fit.
        run_id: The process that staged it.
        files: Its Parquet files as they were when they were read back: what is audited and
            published is these and no others.
        content: Their content hash.
        first_day: The earliest date in it, None where it is empty.
        last_day: The latest one.
    """

    contract: TableContract
    run_id: str
    files: Mapping[Path, FileState]
    content: ContentHash
    first_day: date | None
    last_day: date | None


class Store(Protocol):
    """Stages, commits and reads the tables of one warehouse.

    Every write compares the exact schema first. Commits carry a ``Label`` as ``userMetadata``.
    """

    @property
    def warehouse(self) -> Path:
        """The folder of all tables."""

    def ensure_table(self, contract: TableContract) -> None:
        """Create the table, or check that the one that is there has the contract's columns.

        Raises:
            ConfigError: The table has other columns, as another config made it; names them.
        """

    def stage(self, frame: DataFrame, contract: TableContract, run_id: str) -> StagedTable:
        """Write a frame to the run's staging and read it back; replaces what was staged before.

        Published files are in the order of ``shuffle_key``, where the table has one.

        Raises:
            GateError: The frame has other columns than the contract, or NULL where none may be.
        """

    def stage_together(
        self,
        frame: DataFrame,
        make: Maker,
        contracts: Iterable[TableContract],
        run_id: str,
    ) -> dict[str, StagedTable]:
        """Write the tables that are made of a frame's rows in one pass, and read each back.

        Args:
            frame: The rows.
            make: Gives the rows of each table, with the contract's columns in its order.
            contracts: The tables that ``make`` gives rows of.
            run_id: As in ``stage``.

        Raises:
            GateError: ``make`` gives other columns than a contract, or NULL where none may be.
        """

    def read_staged(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows in the contract's columns."""

    def read_as_written(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows with the types that their files have, whatever the contract says.

        The partition column has the contract's type and place: it stands in folder names.
        """

    def promote(self, staged: StagedTable, day: date, label: Label) -> int:
        """Replace one date of the table by the staged rows in one commit; return its version.

        Proven by reading the version back. Doing it twice does no harm; no rows empty the date.

        Raises:
            ConfigError: ``day`` is not a plain date.
            ConflictError: Somebody else replaced the same date meanwhile.
            ReleaseError: The version does not hold the staged rows.
        """

    def read_version(self, table: str, version: int, day: date) -> DataFrame:
        """Return the rows of one date of one version of a table.

        Raises:
            ReleaseError: The version is not there (any more).
        """

    def releases_snapshot(self) -> ReleasesSnapshot:
        """Return all releases, and the version that they were read from."""

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit.

        Raises:
            ConflictError: ``releases`` changed since the snapshot; nothing was appended.
        """

    def history(self, table: str) -> list[Commit]:
        """Return the commits of a table, newest first."""

    def protocol(self, table: str) -> TableProtocol | None:
        """Return the Delta protocol versions of a table; None where it is not there yet."""
