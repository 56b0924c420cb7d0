"""The columns that a row has after exploding: those of the file and those of an element."""

from collections.abc import Sequence

from pyspark.sql.types import DataType

from winnow.config.log_shapes import Explode
from winnow.logs.parquet.nested import nested_names, resolve
from winnow.logs.types import SourceColumn, fields_of, text_column


class Sources:
    """The columns that a row has after exploding: those of the file and those of an element."""

    def __init__(self, columns: Sequence[SourceColumn], explode: Explode | None) -> None:
        """Put the elements' columns over the file's."""
        self._columns = {column.name: column for column in columns}
        self._prefix = ""
        if explode is None:
            return
        lists = [self.get(name) for name in explode.columns]
        if explode.kind == "structs" or explode.fields:
            self._prefix = f"{explode.columns[0]}."
        for column in lists:
            if column is None or column.type is None:
                continue
            if explode.kind == "structs":
                for name, kind in fields_of(column).items():
                    self._add(f"{self._prefix}{name}", kind, column)
            elif explode.kind == "arrays" and not column.text:
                self._add(column.name, column.element() or column.type, column)
            elif explode.fields:
                self._columns |= {name: text_column(name) for name in explode.named_fields}
            else:
                self._columns[column.name] = text_column(column.name)

    def _add(self, name: str, kind: DataType, source: SourceColumn) -> None:
        self._columns[name] = SourceColumn(name, kind.simpleString(), kind, path=source.path)

    @property
    def names(self) -> list[str]:
        """Every name that a mapping may use."""
        return [*self._columns, *nested_names(list(self._columns.values()))]

    def get(self, name: str) -> SourceColumn | None:
        """Return the column of this exact name, or the field of a struct that it names."""
        found = resolve(self._columns, name)
        return found[0] if found else None

    def named_as(self, name: str) -> SourceColumn | None:
        """Return the column that a contract column has where it is not mapped."""
        return self._columns.get(f"{self._prefix}{name}") or self._columns.get(name)
