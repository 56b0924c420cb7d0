"""Look at rejected rows: how many per log and reason, and some of them as they were read."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
from rich.console import Console

from winnow.building.audit import failed_run
from winnow.errors import Problem, ReleaseError, WinnowError
from winnow.release.opening import open_release
from winnow.release.paths import staged_table_path, staging_root
from winnow.shown_text import shown
from winnow.storage.object_path import Place
from winnow.terminal import plain_table, print_whole

_LONGEST = 2_000
"""Signs of a row that are shown; the table has the whole of it."""


@dataclass(frozen=True)
class Example:
    """One rejected row: its reasons as sentences, and the row as text."""

    reasons: tuple[str, ...]
    raw: str


@dataclass(frozen=True)
class ReasonRows:
    """The rows of one log that were rejected for one reason; ``examples`` are some of them."""

    log: str
    reason: str
    rows: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Rejected:
    """The rejected rows of one date.

    Attributes:
        source: The release, or the run, that holds them.
        run_id: The run that rejected them.
        ds: Its date; None for a run that was not released.
        rows: Rows that were asked for; a row with two reasons counts once.
        reasons: By log, the most frequent reason first.
    """

    source: str
    run_id: str
    ds: date | None
    rows: int
    reasons: tuple[ReasonRows, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self) | {"ds": None if self.ds is None else self.ds.isoformat()}


def find_rejected(
    warehouse: Place,
    day: date | None,
    *,
    run: str | None = None,
    log: str | None = None,
    reason: str | None = None,
    limit: int = 3,
) -> Rejected:
    """Count the rejected rows of a date, and take some of each log and reason.

    Args:
        warehouse: The folder of the tables.
        day: The date; None is the latest that was released. Where there is no release, the last
            run that failed is looked at.
        run: A run whose gates failed: its staging is read in place of a release.
        log: Only rows of this log.
        reason: Only rows that have this reason code, among others or alone.
        limit: Rows to take of each log and reason: the first by their text.

    Raises:
        ReleaseError: There is no release of the date, or no staging of the run.
    """
    if run is None and (failed := _failed_without_release(warehouse, day)) is not None:
        run = failed
    if run is not None:
        folder = staged_table_path(warehouse, run, "rejected")
        if not folder.is_dir():
            raise ReleaseError(Problem(f"run {run}", "its staged tables are gone"))
        rows: pds.Dataset = pds.dataset(folder, format="parquet")
        source, run_id, of_day = f"run {run}", run, None
    else:
        opened = open_release(warehouse, ds=day)
        release = opened.releases[-1]
        rows = opened.arrow("rejected")
        source, run_id, of_day = release.release_id, release.run_id, release.ds
    wanted = None if log is None else pds.field("log") == log
    batches = rows.to_batches(columns=["log", "raw", "copy_no", "reasons"], filter=wanted)
    total, counted = _counted(batches, reason, limit)
    return Rejected(source, run_id, of_day, total, counted)


def rejected_examples(warehouse: Place, run: str, log: str, reason: str) -> list[str]:
    """Return up to three different sentences on rows that a run rejected for a reason."""
    with suppress(WinnowError, OSError, pa.ArrowException):
        found = find_rejected(warehouse, None, run=run, log=log, reason=reason, limit=50)
        sentences = [
            sentence
            for entry in found.reasons
            for example in entry.examples
            for sentence in example.reasons
            if sentence.partition(":")[0] == reason
        ]
        return list(dict.fromkeys(sentences))[:3]
    return []


def _failed_without_release(warehouse: Place, day: date | None) -> str | None:
    """Return the last run of a date that failed, where the date has no release."""
    with suppress(ReleaseError):
        open_release(warehouse, ds=day)
        return None
    folder = staging_root(warehouse)
    runs = sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else []
    for place in reversed(runs):
        with suppress(WinnowError, ValueError, OSError):
            run = failed_run(warehouse, place.name)
            if run is not None and day in (None, run.ds):
                return place.name
    return None


def print_rejected(found: Rejected, console: Console) -> None:
    """Print a table of logs and reasons, and below it the rows that were taken."""
    date_text = "" if found.ds is None else f"{found.ds} "
    console.print(f"{date_text}{found.source}: {found.rows:,} rejected rows")
    if not found.reasons:
        return
    table = plain_table("log", "reason", "rows", texts=("reason",))
    for entry in found.reasons:
        table.add_row(entry.log, entry.reason, f"{entry.rows:,}")
    print_whole(table, console)
    for entry in found.reasons:
        for example in entry.examples:
            console.print(f"{entry.log}: {'; '.join(example.reasons)}")
            console.print(f"  {example.raw}")


def _counted(
    batches: Iterable[pa.RecordBatch], wanted: str | None, limit: int
) -> tuple[int, tuple[ReasonRows, ...]]:
    total = 0
    rows: dict[tuple[str, str], int] = {}
    examples: dict[tuple[str, str], list[tuple[str, int, Example]]] = {}
    for batch in batches:
        for row in batch.to_pylist():
            codes = [sentence.partition(":")[0] for sentence in row["reasons"]]
            if wanted is not None and wanted not in codes:
                continue
            total += 1
            reasons = tuple(shown(sentence, _LONGEST) for sentence in row["reasons"])
            shortened = shown(row["raw"], _LONGEST)
            example = (shortened, row["copy_no"], Example(reasons, shortened))
            for code in dict.fromkeys(codes if wanted is None else [wanted]):
                key = (row["log"], code)
                rows[key] = rows.get(key, 0) + 1
                kept = examples.setdefault(key, [])
                kept.append(example)
                if len(kept) > 100 + 2 * limit:
                    examples[key] = _first(kept, limit)
    return total, _by_log(rows, {key: _first(kept, limit) for key, kept in examples.items()})


def _first(examples: list[tuple[str, int, Example]], limit: int) -> list[tuple[str, int, Example]]:
    return sorted(examples, key=lambda one: one[:2])[:limit]


def _by_log(
    rows: Mapping[tuple[str, str], int],
    examples: Mapping[tuple[str, str], list[tuple[str, int, Example]]],
) -> tuple[ReasonRows, ...]:
    ordered = sorted(rows, key=lambda key: (key[0], -rows[key], key[1]))
    return tuple(
        ReasonRows(*key, rows[key], tuple(one[2] for one in examples[key])) for key in ordered
    )
