"""What can be wrong with a mapping: by itself, and against the columns that the files have."""

import difflib
from collections.abc import Iterator, Sequence

from pyspark.sql.types import ArrayType

from winnow.config.columns import ColumnSource, Concat, FirstOf, TimeSource
from winnow.config.logs import LogConfig
from winnow.config.sampling import History
from winnow.config.tree import Config
from winnow.config.wide import ByStage, Constant, FromFlags
from winnow.contracts.mapping.time_patterns import pattern_problem
from winnow.contracts.mapping.times import UNITS
from winnow.contracts.mapping.wide_checks import wide_problems
from winnow.contracts.tables import ColumnContract, table_contract
from winnow.errors import Problem
from winnow.logs.types import INTEGERS, SourceColumn, convertible
from winnow.spark.column_types import carriable

FRAME_COLUMNS = (
    "event_us",
    "partition_date",
    "valid",
    "reject_reasons",
    "filtered",
    "anonymous",
    "nobody",
    "history",
    "source_row",
)
"""What a conformed frame has besides contract and carried columns."""

COMPUTED = ("easy_", "hard_", "missing_", "done_", "join_", "value_", "attribute_")
"""What names of columns begin with that are computed of pairs, groups and items."""

PAIR_COLUMNS = (
    "user_key",
    "request_key",
    "item_key",
    "owner_key",
    "impression_us",
    "click_us",
    "click_key",
    "action",
    "tie",
    "click_tie",
    "place",
    "of_other_user",
    "click_user",
    "reach_us",
    "pair_file",
    "pair_row",
    "weight_of_value",
)
"""What a row has besides carried columns on the way to the tables."""

_ID_SOURCES = (*INTEGERS, "string")
_FLAG_SOURCES = ("boolean", *INTEGERS, "float", "double", "string")
_TIME_SOURCES = {
    "iso": ("timestamp", "timestamp_ntz", "date", "string"),
    "pattern": ("string",),
    "s": ("int", "bigint", "double", "string"),
    "ms": ("bigint", "double", "string"),
    "us": ("bigint", "double", "string"),
}
_TIME_FIX = {
    "iso": "Say the unit: {column: …, unit: s, ms or us}.",
    "pattern": "A pattern reads text.",
}
_SINGLE_FIX = "A float holds no time: seconds of today fall together to minutes. Write a double."


def config_problems(name: str, config: Config) -> Iterator[Problem]:
    """Give what is wrong in a log's mapping, whatever its files look like."""
    raw: LogConfig = getattr(config.logs, name)
    contract = table_contract(name).resolved(config.ids, None, config.asked_for)
    types = {column.name: column.type for column in contract.columns}
    for column, mapping in raw.columns.items():
        where = f"logs.{name}.columns.{column}"
        if column not in types:  # a carried one
            continue
        kind, is_id = types[column], column.endswith("_id")
        if isinstance(mapping, TimeSource) and mapping.pattern is not None:
            problem = pattern_problem(f"{where}.pattern", mapping.pattern, mapping.zone)
            if problem is not None:
                yield problem
        elif isinstance(mapping, FirstOf | Concat) and not is_id:
            yield Problem(where, "only an id can be made from several columns")
        elif isinstance(mapping, Concat) and kind != "string":
            fix = "Set the id's type to string under ids."
            yield Problem(where, "joined columns make a string", f"id type {kind}", next_step=fix)
        elif isinstance(mapping, ColumnSource) and mapping.type is not None:
            refused = is_id and mapping.type not in _ID_SOURCES
            if refused or not convertible(mapping.type, kind):
                yield Problem(where, f"a {mapping.type} cannot be read as {kind}")
        elif isinstance(mapping, Constant | FromFlags | ByStage):
            yield from wide_problems(where, column, kind, mapping, config)
    resolved = config.logs.resolved(name)
    explode = resolved.explode if resolved else None
    if resolved and explode and resolved.format == "csv" and explode.kind != "delimited":
        yield Problem(f"logs.{name}.explode", "a CSV file can only hold delimited lists")
    # What is carried of clicks and users is joined to impressions.
    joined = table_contract("impressions").names if name != "items" else ()
    used = {*contract.names, *joined, *FRAME_COLUMNS, *PAIR_COLUMNS}
    for column in config.carried(name):
        if column in used or column.startswith(COMPUTED):
            what = f"{column} is a name that is used on the way to the tables"
            fix = "Map another name to the column, and carry that."
            yield Problem(_where_carried(name), what, next_step=fix)
    for column in config.positives.values if name == "clicks" else ():
        if column in {*joined, *FRAME_COLUMNS, *PAIR_COLUMNS} or column.startswith(COMPUTED):
            what = f"{column} is a name that is used on the way to the tables"
            fix = "Map another name to the column under logs.clicks.columns, and take that."
            yield Problem(f"positives.values.{column}", what, next_step=fix)


def type_problem(
    log: str,
    column: ColumnContract,
    mapping: FirstOf | Concat | TimeSource | ColumnSource | Constant | FromFlags | ByStage | None,
    source: SourceColumn,
) -> Problem | None:
    """Return what is wrong with a source column's type, or None.

    A narrower type is refused unless the contract or the mapping accepts it knowingly; text
    formats hold text, which is read value by value.
    """
    if source.text:
        return None
    accepted: tuple[str, ...]
    fix = "Correct the mapping, or write the column with that type."
    if isinstance(mapping, TimeSource):
        accepted = _TIME_SOURCES[mapping.unit]
        fix = _SINGLE_FIX if source.found == "float" else _TIME_FIX.get(mapping.unit, fix)
        if mapping.unit in UNITS and source.found.startswith("decimal("):
            return None
    elif isinstance(mapping, FirstOf | Concat):
        accepted = _ID_SOURCES
    elif isinstance(mapping, FromFlags):
        accepted, fix = _FLAG_SOURCES, "A flag is true or false, or 1 or 0."
    else:
        accepted = column.accepts or (column.type,)
        if isinstance(mapping, ColumnSource) and mapping.type is not None:
            accepted = (*accepted, mapping.type)
        elif column.name.endswith("_id") and source.found not in _ID_SOURCES:
            fix = "An id is an integer or a string; write the column as one."
        elif convertible(source.found, column.type):
            fix = f"Accept it with {{column: {source.name}, type: {source.found}}}."
    if source.found in accepted:
        return None
    return Problem(
        f"logs.{log}.columns.{column.name}",
        f"{source.path or 'the log'} has column {source.name} with another type",
        source.found,
        " or ".join(accepted),
        fix,
    )


def _where_carried(log: str) -> str:
    return "carry" if log == "impressions" else f"logs.{log}.carry"


def carry_problem(log: str, column: SourceColumn) -> Problem | None:
    """Return why a column of a log cannot be carried to the tables, or None."""
    if column.type is not None and carriable(column.type):
        return None
    return Problem(
        _where_carried(log),
        f"column {column.name} has a type that the tables cannot hold",
        column.found,
        "a plain type or an array of one",
    )


def missing_column(log: str, where: str, name: str, there: Sequence[str]) -> Problem:
    """Return the problem of a column that no file has, with the nearest name that is there."""
    lowered = {known.lower(): known for known in there}
    near = difflib.get_close_matches(name.lower(), lowered, 1, 0.0)
    return Problem(
        f"logs.{log}.{where}",
        f"column {name} is missing",
        expected=None,
        found=f"{lowered[near[0]]} as the nearest name" if near else "no columns",
        next_step="Name the right column in the mapping.",
    )


def unreadable_column(log: str, column: SourceColumn) -> Problem:
    """Return the problem of a mapped column whose type not every engine reads."""
    return Problem(
        f"logs.{log}",
        f"{column.path or 'the log'} has column {column.name} with a type that engines cannot read",
        column.found,
        next_step=column.fix,
    )


def list_problem(log: str, kind: str, column: SourceColumn) -> Problem | None:
    """Return why a column cannot be exploded in this way, or None."""
    fits = column.found == "string" if kind == "delimited" else isinstance(column.type, ArrayType)
    if column.text or column.type is None or fits:
        return None
    expected = "string" if kind == "delimited" else "array"
    return Problem(f"logs.{log}.explode", f"column {column.name}", column.found, expected)


def history_problem(source: SourceColumn, history: History) -> Problem | None:
    """Return why a column is no list of ids, or None."""
    element = source.element()
    if isinstance(source.type, ArrayType):
        if element is not None and element.simpleString() in (*INTEGERS, "string"):
            return None
    elif source.found == "string" and (history.delimiter is not None or source.text):
        return None
    return no_list(source)


def no_list(source: SourceColumn) -> Problem:
    """Return the problem of a column for ``exclusion.history`` that holds no list."""
    return Problem(
        "exclusion.history",
        f"column {source.name} is no list of item ids",
        source.found,
        "an array of integers or strings, or text with a delimiter",
    )
