"""What an audit looks at: staged tables, and what they are compared with."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from pyspark.sql import DataFrame

from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.run import Run
from winnow.spark.scratch import Scratch

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class HistoryChain:
    """What the histories of a date go on from, as far as earlier releases tell.

    Attributes:
        before: history_state of the date that they go on from; None where of none.
        until_us: The end of that date, in microseconds since 1970 UTC.
        restarted: Whether there is none though earlier dates are released.
        replaced: Earlier dates whose state went on from one that was replaced since.
        missing: Dates of the window of which nothing knows the clicks.
    """

    before: DataFrame | None = None
    until_us: int = 0
    restarted: bool = False
    replaced: Sequence[date] = ()
    missing: Sequence[date] = ()


@dataclass(frozen=True)
class Evidence:
    """What an audit looks at.

    Attributes:
        run: What was asked for and of which date, and where the audit computes.
        staged: The staged tables, read back in the contract's columns.
        files: The same tables as their files say, for their schemas.
        contracts: The resolved contracts of the tables.
        counts: Where the rows of each log went, orphans among the rejected.
        logs: The logs; their frames read the files again.
        n_attributed: Clicks of the date that were joined to an impression.
        n_organic: Clicks of the date that were not, and are no orphans for it.
        totals: Positives and negatives by the sample groups; used where training_samples is not
            written.
        protocols: Delta reader protocol of each table that is there already.
        history_share: Dates of the popularity window that the click log has, as a share; None
            where no folders tell.
        earlier: ``volume`` of earlier releases of other dates, the newest last.
        items_before: item_stats of the release before; None where there is none.
        allow_empty: Whether tables may be empty.
        frequency_before: frequency_state of the date before; None where there is none that this one
            could go on from.
        frequency_restarted: Whether there is none though earlier dates are released.
        frequency_replaced: Earlier dates whose state went on from one that was replaced since.
        history: What histories go on from.
    """

    run: Run
    staged: Mapping[str, DataFrame]
    files: Mapping[str, DataFrame]
    contracts: Mapping[str, TableContract]
    counts: Mapping[str, RowCounts]
    logs: Mapping[str, Log]
    n_attributed: int
    totals: Mapping[str, int]
    protocols: Mapping[str, int]
    history_share: float | None = None
    earlier: Sequence[Mapping[str, float]] = ()
    items_before: DataFrame | None = None
    allow_empty: bool = False
    n_organic: int = 0
    frequency_before: DataFrame | None = None
    frequency_restarted: bool = False
    frequency_replaced: Sequence[date] = ()
    history: HistoryChain = HistoryChain()
    _kept: dict[Any, "_Kept"] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def config(self) -> Config:
        """What was asked for, and the bounds of the gates."""
        return self.run.config

    @property
    def day(self) -> CalendarDay:
        """The date."""
        return self.run.day

    @property
    def scratch(self) -> Scratch:
        """The session, and a folder to write in."""
        return self.run.scratch

    @property
    def n_positives(self) -> int:
        """How many positives were sampled."""
        return self.totals["positives"]


class _Kept:
    """What one function gave of one evidence, or how it broke."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.outcome: Any = None


def once(make: Callable[Concatenate[Evidence, P], T]) -> Callable[Concatenate[Evidence, P], T]:
    """Have a function of the evidence run only once for each: measurements share what it gives.

    Measurements run side by side: a second one waits for the first. What broke is not tried again,
    but breaks every measurement that needs it. Further arguments must be hashable.
    """

    @wraps(make)
    def kept(evidence: Evidence, /, *given: P.args, **named: P.kwargs) -> T:
        key = (kept, given, *named.items())
        own = evidence._kept.setdefault(key, _Kept())
        with own.lock:
            if own.outcome is None:
                try:
                    own.outcome = make(evidence, *given, **named), None
                except Exception as error:
                    own.outcome = None, error
        value, broke = own.outcome
        if broke is not None:
            raise broke
        found: T = value
        return found

    return kept
