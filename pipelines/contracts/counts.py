"""Where every row of a log went, for one date: counted, and checked to add up."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.repeated_keys import count_distinct_keys
from pipelines.contracts.rows import on_date, repeated_keys
from pipelines.errors import ConservationError, Problem


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
    """

    read: int
    valid: int
    duplicate: int
    rejected: int
    filtered: int
    other_date: int
    anonymous: int
    reasons: dict[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether every row that was read went to exactly one place."""
        parts = self.valid + self.duplicate + self.rejected + self.filtered + self.other_date
        return self.read == parts


def count_rows(log: Log, day: CalendarDay, repeated: DataFrame | None = None) -> RowCounts:
    """Count where every row of a log goes in the build of a date, in one aggregate pass.

    Args:
        log: The log.
        day: The date.
        repeated: What ``repeated_keys`` returned for them; without it, it is computed here.

    Raises:
        ConservationError: The parts do not add up, or the files hold another number of rows.
    """
    own = on_date(log, day)
    kept = own & F.col("valid")
    rejected = own & ~F.col("filtered") & ~F.col("valid")
    row = log.frame.agg(
        F.count(F.lit(1)).alias("read"),
        _count(kept).alias("fine"),
        _count(rejected).alias("rejected"),
        _count(own & F.col("filtered")).alias("filtered"),
        _count(own & F.col("anonymous")).alias("anonymous"),
        _count(~own).alias("other_date"),
    ).first()
    assert row is not None
    fine = int(row["fine"])
    if repeated is None:
        repeated = repeated_keys(log, day)
    distinct = count_distinct_keys(log.frame.where(kept), log.contract.key, fine, repeated)
    counts = RowCounts(
        read=int(row["read"]),
        valid=distinct,
        duplicate=fine - distinct,
        rejected=int(row["rejected"]),
        filtered=int(row["filtered"]),
        other_date=int(row["other_date"]),
        anonymous=int(row["anonymous"]),
        reasons=_reasons(log, rejected) if row["rejected"] else {},
    )
    _check(log, counts)
    return counts


def _count(condition: Column) -> Column:
    return F.count(F.when(condition, F.lit(1)))


def _reasons(log: Log, rejected: Column) -> dict[str, int]:
    """Count the rejected rows by code: in a pass of its own, which a clean log does not need."""
    codes = [rule.code for rule in log.contract.rules]
    row = log.frame.agg(*(_count(rejected & _has_code(code)).alias(code) for code in codes)).first()
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
