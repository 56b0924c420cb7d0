"""What an audit looks at: staged tables, and what they are compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.tables import TableContract


@dataclass(frozen=True)
class Evidence:
    """What an audit looks at.

    Attributes:
        staged: The staged tables, read back in the contract's columns.
        files: The same tables as their files say, for their schemas.
        contracts: The resolved contracts of the tables.
        counts: Where the rows of each log went, orphans among the rejected.
        logs: The logs; their frames read the files again.
        n_attributed: Clicks of the date that were joined to an impression.
        totals: Positives and negatives by the sample groups; used where training_samples is not
            written.
        protocols: Delta reader protocol of each table that is there already.
        history_share: Dates of the popularity window that the click log has, as a share; None
            where no folders tell.
        earlier: ``volume`` of earlier releases of other dates, the newest last.
        items_before: item_stats of the release before; None where there is none.
        allow_empty: Whether tables may be empty.
    """

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
