"""Where every row of a log went, for one date: counted, and checked to add up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.mapping.nobody import (
    nobody_number,
    suspicious_id,
    suspicious_number,
)
from winnow.contracts.repeated_keys import (
    KEPT,
    KEPT_CLASSES,
    count_distinct_keys,
    key_census,
    repeated_hashes,
    rows_by_class,
)
from winnow.contracts.rows import on_date
from winnow.contracts.stage_rows import (
    FIRST_NOTE,
    MOST_NOTED,
    StageRows,
    count_notes,
    rows_of_stages,
    stage_note,
)
from winnow.dates import CalendarDay
from winnow.errors import ConservationError, Problem
from winnow.spark.limits import DEFAULT_LIMITS, Limits

_REJECTED, _FILTERED, _OTHER_DATE, _ANONYMOUS = (KEPT_CLASSES + n for n in range(4))
"""Places of a census, behind those that are kept; each row is in exactly one. The last is the first
of several, one for each value that means nobody."""


PLACES = ("read", "valid", "duplicate", "rejected", "filtered", "other_date")
"""What is counted of every log; the first is the sum of the others."""


@dataclass(frozen=True)
class RowCounts:
    """The rows of one log, for the build of one date.

    ``read`` = ``valid`` + ``duplicate`` + ``rejected`` + ``filtered`` + ``other_date``.

    Attributes:
        read: Rows in all folders that were read, after exploding.
        valid: Rows of the date that keep every rule, one per key.
        duplicate: Further valid rows of the date with a key that another one has.
        rejected: Rows of the date with reasons against them.
        filtered: Rows of the date that the config leaves out.
        other_date: Rows of other dates' builds.
        anonymous: The part of ``filtered`` whose user means nobody.
        reasons: Rejected rows by the code of their reasons; a row with two codes counts in both.
        not_chosen: The part of ``valid`` that ``positives.where`` lets become no positives.
        nobody: The anonymous rows by the configured value that means nobody.
        suspicious: Valid and duplicate rows by user id, where it may mean nobody and is not
            configured as such.
        stages: Of a ranking log the rows by stage: which have a score, and which a rank.
    """

    read: int
    valid: int
    duplicate: int
    rejected: int
    filtered: int
    other_date: int
    anonymous: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    not_chosen: int = 0
    nobody: Mapping[str, int] = field(default_factory=dict)
    suspicious: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, StageRows] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, int]:
        """Return ``PLACES`` with their rows."""
        return {name: getattr(self, name) for name in PLACES}

    @property
    def adds_up(self) -> bool:
        """Whether every row that was read went to exactly one of the parts."""
        parts = self.valid + self.duplicate + self.rejected + self.filtered + self.other_date
        return self.read == parts


def census_of(
    log: Log,
    day: CalendarDay,
    keep: Callable[[DataFrame, str], DataFrame] | None = None,
    *,
    stages: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Return where the rows of a log go in the build of a date, and the keys that are repeated.

    Args:
        log: The log. day: The date.
        keep: Writes a frame under a name and returns it read back; else nothing is run.
        stages: The names of the stages, for a ranking log: their rows are counted along.
        limits: How much is compared at a time.

    Returns:
        A ``key_census``; ``count_rows`` reads it, and ``repeated_hashes``.
    """
    of_date, odd = on_date(log, day), _suspicion(log)
    if 0 < len(stages) <= MOST_NOTED:
        odd = F.when(odd > 0, odd).otherwise(F.lit(FIRST_NOTE) + stage_note(stages))
    row_class = (
        F.when(~of_date, F.lit(_OTHER_DATE))
        .when(F.col("valid"), F.lit(KEPT) + odd)
        .when(F.col("anonymous"), F.lit(_ANONYMOUS) + _nobody(log))
        .when(F.col("filtered"), F.lit(_FILTERED))
        .otherwise(F.lit(_REJECTED))
    )

    def kept(part: DataFrame, name: str) -> DataFrame:
        return part if keep is None else keep(part, f"counted/{log.name}/{name}")

    return key_census(log.frame, log.contract.key, row_class, log.about_rows, kept, limits)


def count_rows(
    log: Log,
    day: CalendarDay,
    census: DataFrame | None = None,
    *,
    stages: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> RowCounts:
    """Count where every row of a log goes in the build of a date.

    Args:
        log: The log.
        day: The date.
        census: What ``census_of`` returned for them; without it, it is computed here.
        stages: The names of the stages that ``census_of`` was given.
        limits: How much is compared at a time.

    Raises:
        ConservationError: The parts do not add up, or the files hold another number of rows.
    """
    census = census_of(log, day, stages=stages, limits=limits) if census is None else census
    rows = rows_by_class(census)
    rejected = on_date(log, day) & ~F.col("filtered") & ~F.col("valid")
    fine, repeated = _sum(rows, 0, KEPT_CLASSES), repeated_hashes(census)
    anonymous = _sum(rows, _ANONYMOUS, None)
    # Where every row is kept it is not asked again which are: only the key's columns are read.
    all_kept = fine == sum(rows.values())
    kept = log.frame if all_kept else log.frame.where(on_date(log, day) & F.col("valid"))
    distinct = count_distinct_keys(kept, log.contract.key, fine, repeated, limits=limits)
    counts = RowCounts(
        read=sum(rows.values()),
        valid=distinct,
        duplicate=fine - distinct,
        rejected=rows.get(_REJECTED, 0),
        filtered=rows.get(_FILTERED, 0) + anonymous,
        other_date=rows.get(_OTHER_DATE, 0),
        anonymous=anonymous,
        reasons=_reasons(log, rejected) if rows.get(_REJECTED) else {},
        not_chosen=distinct - _chosen(log, kept, fine - distinct) if log.chooses else 0,
        nobody={
            value: rows[_ANONYMOUS + number]
            for number, value in enumerate(log.anonymous_values, start=1)
            if rows.get(_ANONYMOUS + number)
        },
        suspicious={
            suspicious_id(number): n
            for number, n in sorted(rows.items())
            if KEPT < number < FIRST_NOTE
        },
        stages=_stages(log, day, rows, stages),
    )
    _check(log, counts)
    return counts


def _stages(
    log: Log, day: CalendarDay, rows: Mapping[int, int], stages: Sequence[str]
) -> dict[str, StageRows]:
    """Count the valid rows of each stage; of a row that is odd otherwise the census tells none."""
    if not stages:
        return {}
    if len(stages) > MOST_NOTED or _sum(rows, KEPT + 1, FIRST_NOTE):
        valid = log.frame.where(on_date(log, day) & F.col("valid"))
        return rows_of_stages(count_notes(valid, stages), stages)
    noted = {p - FIRST_NOTE: n for p, n in rows.items() if FIRST_NOTE <= p < KEPT_CLASSES}
    return rows_of_stages(noted, stages)


def _chosen(log: Log, kept: DataFrame, duplicates: int) -> int:
    """Count the keys that some row has which may become a positive: in a pass of its own."""
    chosen = kept.where(CHOSEN)
    return (chosen.select(*log.contract.key).distinct() if duplicates else chosen).count()


def _suspicion(log: Log) -> Column:
    """Return what is odd about a kept row: its user may mean nobody."""
    if "user_id" not in log.mapped:
        return F.lit(0)
    [kind] = [column.type for column in log.contract.columns if column.name == "user_id"]
    return suspicious_number(F.col("user_id"), kind)


def _nobody(log: Log) -> Column:
    return nobody_number(F.col("nobody"), log.anonymous_values)


def _sum(rows: Mapping[int, int], first: int, end: int | None) -> int:
    return sum(n for kind, n in rows.items() if kind >= first and (end is None or kind < end))


def _reasons(log: Log, rejected: Column) -> dict[str, int]:
    """Count the rejected rows by code: in a pass of its own, which a clean log does not need."""
    codes = [rule.code for rule in log.contract.rules]
    # Left out before they are looked at: a message is made of a rejected row only.
    rows = log.frame.where(rejected)
    row = rows.agg(*(F.count_if(_has_code(code)).alias(code) for code in codes)).first()
    assert row is not None
    return {code: int(row[code]) for code in codes if row[code]}


def _has_code(code: str) -> Column:
    return F.exists("reject_reasons", lambda reason: reason.startswith(f"{code}:"))


def _check(log: Log, counts: RowCounts) -> None:
    problems = []
    if not counts.adds_up:
        what = "read is not valid + duplicate + rejected + filtered + other date"
        problems.append(Problem(f"logs.{log.name}", what, str(counts)))
    if log.rows_in_files is not None and log.rows_in_files != counts.read:
        what = "the engine did not read the rows that the files hold"
        expected = str(log.rows_in_files)
        problems.append(Problem(f"logs.{log.name}", what, str(counts.read), expected))
    ConservationError.raise_if_any(problems)
