"""What a commit says about itself, and the only thing that may name the rows it replaces."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import uuid4

from winnow.errors import ConfigError, ConflictError, Problem

_ERASURE = "erasure by "


@dataclass(frozen=True)
class Label:
    """Stands in the metadata of each commit, so that its version can be found again.

    Attributes:
        run_id: The process that committed.
        attempt: Counts the tries of one process, from 1.
        config_hash: SHA-256 of the settings that decide the rows; of commits that make no rows,
            what they do.
        code_version: Version of Winnow.
    """

    run_id: str
    attempt: int
    config_hash: str
    code_version: str

    def to_json(self) -> str:
        """Return the text for the commit's ``userMetadata``."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def of_erasure(cls, run_id: str, erasing_run: str, code_version: str) -> Self:
        """Return the label of a commit that takes rows of users out of what a run has released.

        Args:
            run_id: The run that made the release: the version is still its own.
            erasing_run: The process that erases; no two commits have one label.
            code_version: As above.
        """
        return cls(run_id, 1, f"{_ERASURE}{erasing_run}", code_version)

    @property
    def is_erasure(self) -> bool:
        """Whether the commit took rows of users out of what a run has released."""
        return self.config_hash.startswith(_ERASURE)

    @classmethod
    def from_json(cls, text: str | None) -> Self | None:
        """Return the label in a commit's ``userMetadata``; None where somebody else wrote it."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None


def new_run_id(now: datetime | None = None) -> str:
    """Return a name that no other process has: UTC time and eight random digits."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%S}Z-{uuid4().hex[:8]}"


def require_date(day: date) -> date:
    """Return the date itself.

    Raises:
        ConfigError: It is a string (could carry SQL) or a datetime (has a time of day).
    """
    if type(day) is not date:
        raise ConfigError(
            Problem(
                "ds",
                "a partition is named by a plain date only",
                found=f"{type(day).__name__} {day!r}",
                expected="datetime.date",
            )
        )
    return day


def conflict(table: str, day: date) -> ConflictError:
    """Return the error of a run that was overtaken while it published a date."""
    return ConflictError(
        Problem(
            table,
            f"another run committed while this one was publishing {day}",
            next_step="Run again; nothing of this run was released.",
        )
    )
