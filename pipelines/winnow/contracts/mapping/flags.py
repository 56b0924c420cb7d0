"""Rows made of flags: one for every flag of a source row that is set."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.wide import ByStage, Constant, FromFlags
from winnow.contracts.mapping.binding import Binding, BoundColumn
from winnow.contracts.mapping.values import Reading, read_value
from winnow.logs.rows import SourceRows

ColumnOf = Callable[[str], Column]


@dataclass(frozen=True)
class Flagged:
    """Source rows, multiplied by their flags.

    Attributes:
        rows: One row for every flag that is set; where none is, one row all the same.
        says: Boolean, never NULL: a flag of the row is set, so it says something.
    """

    rows: SourceRows
    says: Column


def with_flags(rows: SourceRows, binding: Binding) -> Flagged:
    """Give every row a column with the value of its flag; see ``flag_reading``.

    A row with a flag that cannot be read stays one row, with that against it.
    """
    says = F.lit(True)
    frame = rows.frame
    for bound in binding.columns:
        mapping = bound.mapping
        if not isinstance(mapping, FromFlags):
            continue
        unreadable = _unreadable(bound, rows.column_of)
        values = [
            F.when(_is_set(rows.column_of(source.name), source.found).value, F.lit(value))
            for value, source in zip(mapping.from_flags, bound.sources, strict=True)
        ]
        if mapping.take == "last":
            value = F.coalesce(*values[::-1])
        else:
            alone = F.array(F.lit(None).cast("string"))
            every = F.when(unreadable, alone).otherwise(F.array_compact(F.array(*values)))
            value = F.explode_outer(every)
        frame = frame.select("*", value.alias(_column(bound)))
        says = says & (F.col(_column(bound)).isNotNull() | unreadable)
    return Flagged(replace(rows, frame=frame), says)


def flag_reading(bound: BoundColumn, column_of: ColumnOf) -> Reading:
    """Return the value of the flag that a row was made for."""
    found = F.concat_ws(
        ", ", *(F.concat(F.lit(f"{s.name} "), _text(s.name, column_of)) for s in bound.sources)
    )
    return Reading(F.col(_column(bound)), _unreadable(bound, column_of), found)


def stage_reading(bound: BoundColumn, stage: Column, column_of: ColumnOf) -> Reading:
    """Return the value that the column of the row's own stage holds; of others it is NULL.

    Args:
        bound: A contract column that is mapped by stage.
        stage: The row's stage.
        column_of: Source column name to its value.
    """
    assert isinstance(bound.mapping, ByStage)
    value = F.lit(None).cast(bound.column.type)
    unreadable, found = F.lit(False), F.lit(None).cast("string")
    for name, source in zip(bound.mapping.by_stage, bound.sources, strict=True):
        reading = read_value(column_of(source.name), source.found, bound.column.type)
        here = F.coalesce(stage == name, F.lit(False))
        value = F.when(here, reading.value).otherwise(value)
        found = F.when(here, reading.found).otherwise(found)
        if reading.unreadable is not None:
            unreadable = unreadable | (here & reading.unreadable)
    return Reading(value, unreadable, found)


def constant_value(bound: BoundColumn) -> Column:
    """Return the value that every row has."""
    assert isinstance(bound.mapping, Constant)
    constant = bound.mapping.constant
    if bound.column.type == "string":
        return F.lit(str(constant))
    return F.lit(constant).cast(bound.column.type)


def _column(bound: BoundColumn) -> str:
    return f"__winnow_flag_{bound.column.name}"


def _is_set(column: Column, found: str) -> Reading:
    if found in ("float", "double"):
        # As pandas writes a column of flags in which some are missing.
        whole = F.when(column == 1, F.lit(True)).when((column == 0) | F.isnan(column), F.lit(False))
        unreadable = F.coalesce(column.isNotNull() & whole.isNull(), F.lit(False))
        return Reading(whole, unreadable, column.cast("string"))
    if found == "string":
        plain = F.when(column == "1.0", F.lit("1")).when(column == "0.0", F.lit("0"))
        return read_value(F.coalesce(plain, column), found, "boolean")
    return read_value(column, found, "boolean")


def _unreadable(bound: BoundColumn, column_of: ColumnOf) -> Column:
    """Return whether a flag of the row is neither set nor not set."""
    readings = [_is_set(column_of(source.name), source.found) for source in bound.sources]
    wrong = [reading.unreadable for reading in readings if reading.unreadable is not None]
    return reduce(or_, wrong, F.lit(False))


def _text(name: str, column_of: ColumnOf) -> Column:
    return F.coalesce(column_of(name).cast("string"), F.lit("NULL"))
