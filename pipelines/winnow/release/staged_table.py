"""One table in the staging of a run, and the very files that it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, Self

from winnow.contracts.tables import TableContract
from winnow.release.release import ContentHash


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
