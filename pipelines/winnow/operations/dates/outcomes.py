"""How the dates of a backfill ended."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import winnow.errors
from winnow.building.failures import problem_records, problems_of, raise_gravest
from winnow.errors import Problem, WinnowError

Outcome = Literal["released", "unchanged", "kept", "waits", "failed", "skipped"]


@dataclass(frozen=True)
class DateOutcome:
    """How one date ended.

    Attributes:
        ds: The date.
        outcome: ``released``; ``unchanged``: it was built, and its content is released already;
            ``kept``: there was nothing to do; ``waits``: it cannot be complete yet; ``failed``;
            ``skipped``: the date that it goes on from failed.
        release_id: Its newest release; None where there is none.
        rows: Rows of training_samples, None where it was not built or has no such table.
        seconds: Wall-clock seconds of its build.
        why: Why it was not built, or what went wrong, as a sentence.
        warnings: What a person should know of its build.
        error: What it failed by.
    """

    ds: date
    outcome: Outcome
    release_id: str | None = None
    rows: int | None = None
    seconds: float = 0.0
    why: str = ""
    warnings: tuple[str, ...] = ()
    error: Exception | None = None

    @classmethod
    def failure(cls, ds: date, error: Exception, seconds: float = 0.0) -> "DateOutcome":
        """Return how a date ended whose build raised an error."""
        return cls(ds, "failed", seconds=seconds, why=str(problems_of(error)[0]), error=error)

    @property
    def is_right(self) -> bool:
        """Whether what goes on from the date may be built."""
        return self.outcome not in ("failed", "skipped")

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "ds": self.ds.isoformat(),
            "outcome": self.outcome,
            "release_id": self.release_id,
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "why": self.why,
            "warnings": list(self.warnings),
            "error": None
            if self.error is None
            else {"kind": type(self.error).__name__, "problems": problem_records(self.error)},
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "DateOutcome":
        """Return what ``as_record`` made a record of, with an error of the same kind."""
        fields = dict(record) | {"ds": date.fromisoformat(record["ds"])}
        fields["warnings"] = tuple(record["warnings"])
        if record["error"] is not None:
            fields["error"] = _error(record["error"])
        return cls(**fields)


def _error(record: Mapping[str, Any]) -> WinnowError:
    kind = getattr(winnow.errors, record["kind"], WinnowError)
    names = ("where", "what", "found", "expected", "next_step")
    problems = [Problem(**{name: one[name] for name in names}) for one in record["problems"]]
    is_own = isinstance(kind, type) and issubclass(kind, WinnowError)
    error: WinnowError = (kind if is_own else WinnowError)(*problems)
    return error


@dataclass(frozen=True)
class Backfill:
    """How a backfill ended.

    Attributes:
        dates: Each date of the range, in order.
        seconds: Wall-clock seconds in all.
    """

    dates: tuple[DateOutcome, ...]
    seconds: float = 0.0

    def raise_if_failed(self) -> None:
        """Raise what dates failed by, as one error that names them.

        Raises:
            WinnowError: As ``raise_gravest``: exit code 1 goes before 3, that before 2 and 4.
        """
        failed = {str(one.ds): one.error for one in self.dates if one.error is not None}
        raise_gravest(failed, "date")

    @property
    def counts(self) -> dict[str, int]:
        """How many dates ended in each way."""
        return dict(Counter(one.outcome for one in self.dates))

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        dates = [one.as_record() for one in self.dates]
        return {"dates": dates, "counts": self.counts, "seconds": round(self.seconds, 3)}
