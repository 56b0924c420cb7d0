"""What a log's contract is bound to: the source columns, found and compared."""

from dataclasses import dataclass

from winnow.config.columns import ColumnSource, Concat, FirstOf, TimeSource
from winnow.config.wide import ByStage, Constant, FromFlags
from winnow.contracts.mapping.kept_values import Value
from winnow.contracts.tables import ColumnContract, TableContract
from winnow.logs.types import SourceColumn


@dataclass(frozen=True)
class BoundColumn:
    """One contract column and where its values come from.

    Attributes:
        column: The contract column, its id type resolved.
        mapping: What the config says, or None where the source has no such column.
        sources: The source columns that ``mapping`` names, in its order.
    """

    column: ColumnContract
    mapping: FirstOf | Concat | TimeSource | ColumnSource | Constant | FromFlags | ByStage | None
    sources: tuple[SourceColumn, ...] = ()

    @property
    def mapped(self) -> bool:
        """Whether the log says anything of the column."""
        return bool(self.sources) or isinstance(self.mapping, Constant)


@dataclass(frozen=True)
class Binding:
    """A log's contract bound to the columns of its files.

    Attributes:
        contract: The contract, resolved; its key is the one that decides what is a duplicate.
        columns: One entry per contract column, in contract order.
        carry: Carried name and the source column it is copied from.
        where: Source column and the values to keep, each of the column's type.
        chosen: The same of ``positives.where``: which impressions may become positives.
        left_out: The same of ``positives.where_not``: which of these may not.
        event_time: The contract column that holds the event time, where it is mapped.
        history: The source column of ``exclusion.history``, or None.
    """

    contract: TableContract
    columns: tuple[BoundColumn, ...]
    carry: tuple[tuple[str, SourceColumn], ...]
    where: tuple[tuple[SourceColumn, tuple[Value, ...]], ...]
    chosen: tuple[tuple[SourceColumn, tuple[Value, ...]], ...]
    left_out: tuple[tuple[SourceColumn, tuple[Value, ...]], ...]
    event_time: str | None
    history: SourceColumn | None = None

    def references(self) -> tuple[str, ...]:
        """Return the name of every source column that is used, each once."""
        names = [source.name for bound in self.columns for source in bound.sources]
        names += [source.name for _, source in self.carry]
        names += [source.name for source, _ in (*self.where, *self.chosen, *self.left_out)]
        names += [self.history.name] if self.history else []
        return tuple(dict.fromkeys(names))

    @property
    def chooses(self) -> bool:
        """Whether only some rows may become positives."""
        return bool(self.chosen or self.left_out)

    @property
    def multiplies(self) -> bool:
        """Whether a source row may give several rows, by its flags."""
        mappings = (bound.mapping for bound in self.columns)
        return any(isinstance(m, FromFlags) and m.take == "every" for m in mappings)

    def bound(self, name: str) -> BoundColumn:
        """Return the entry of a contract column."""
        return next(entry for entry in self.columns if entry.column.name == name)
