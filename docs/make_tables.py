"""Write ``docs/tables.md`` from ``schemas/``: run ``python docs/make_tables.py``."""

from pathlib import Path

from winnow.config.logs import LOG_NAMES
from winnow.config.tree import FURTHER_TABLES, TABLES
from winnow.contracts.tables import ColumnContract, TableContract, table_contract

PAGE = Path(__file__).with_name("tables.md")

_INTRO = """# Tables

Made from `schemas/` by `python docs/make_tables.py`; a test fails where the two differ.

`id(user)`, `id(item)`, `id(request)` and `id(impression)` stand for `bigint` or `string`, as `ids`
in the config declares. Times are UTC. NULL means that there is no value, and is never written as 0.
"""
_INPUTS = """## Logs

What each log must be after the config's `columns` have named its columns. An optional column need
not be there. A row that breaks a rule goes to `rejected` with every rule that it broke.
"""
_PUBLISHED = """## Published tables

Delta tables, at reader protocol 1. A date is replaced as a whole, and only a release says that it
may be read: `releases` names the version of each table.
Ids that are numbers are `DELTA_BINARY_PACKED`, an encoding of Parquet that PyArrow, DuckDB, Polars,
Sail and Spark 4.1 were seen to read; a build on spark does so in tables made of sample groups only.
"""


ABOUT_RELEASES = ("releases", "release_status")

_ASKED = {
    "positives.others": "positives.weak or organic",
    "in_batch.some": "positives.weak or organic, or in_batch.conflict_free",
}


def render() -> str:
    """Return the page."""
    parts = [_INTRO, _INPUTS]
    parts += [_section(table_contract(name)) for name in LOG_NAMES]
    parts.append(_PUBLISHED)
    tables = (*TABLES, *FURTHER_TABLES, *ABOUT_RELEASES)
    parts += [_section(table_contract(name)) for name in tables]
    return "\n".join(parts)


def _section(table: TableContract) -> str:
    lines = [f"### {table.table}", "", f"Grain: {table.grain}.", ""]
    lines.append(f"- Key: {_names(table.key)}")
    if table.key_without_impression_id is not None:
        names = _names(table.key_without_impression_id)
        lines.append(f"- Key where impression_id is not mapped: {names}")
    if table.event_time is not None:
        lines.append(f"- Event time: `{table.event_time}`")
    if table.partition is not None:
        lines.append(f"- Partition: `{table.partition}`")
    for log in table.carries:
        key = "carry" if log == "impressions" else f"logs.{log}.carry"
        lines.append(f"- The columns of {log} named in `{key}` follow after the last column.")
    fourth = "needed" if table.kind == "input" else "NULL"
    lines += ["", f"| column | type | unit | {fourth} | meaning |", "|---|---|---|---|---|"]
    lines += [_row(column, table.kind) for column in table.columns]
    if table.rules:
        lines += ["", "| rule | a row is rejected where |", "|---|---|"]
        lines += [f"| `{rule.code}` | {_cell(rule.sentence)} |" for rule in table.rules]
    return "\n".join([*lines, ""])


def _row(column: ColumnContract, kind: str) -> str:
    unit = ", ".join(part for part in (column.unit, column.range) if part)
    if kind == "input":
        fourth = "optional" if column.optional else "yes" if not column.nullable else "may be NULL"
        if column.optional and not column.nullable:
            fourth = "optional, never NULL"
    else:
        fourth = "may be NULL" if column.nullable else "never"
        if column.nullable_when is not None:
            fourth += f", but for {_ASKED.get(column.nullable_when, column.nullable_when)}"
    accepted = [f"`{t}`" for t in column.accepts if t != column.type]
    meaning = column.meaning + (f" (also read from {', '.join(accepted)})" if accepted else "")
    if column.when is not None:
        meaning += f"; only where the config asks for {column.when}"
    return f"| `{column.name}` | `{column.type}` | {unit} | {fourth} | {_cell(meaning)} |"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
