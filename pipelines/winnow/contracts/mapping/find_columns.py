"""Contract columns bound to source columns: found by name, compared by type, before any read."""

from collections.abc import Iterator, Sequence

from winnow.config.columns import (
    ColumnMapping,
    ColumnSource,
    TimeSource,
    source_columns,
)
from winnow.config.log_shapes import Explode
from winnow.config.logs import EVENT_TIME, LogConfig
from winnow.config.tree import Config
from winnow.contracts.mapping.binding import Binding, BoundColumn
from winnow.contracts.mapping.checks import (
    carry_problem,
    history_problem,
    list_problem,
    missing_column,
    type_problem,
    unreadable_column,
)
from winnow.contracts.mapping.exploded import Sources
from winnow.contracts.mapping.kept_values import kept_values
from winnow.contracts.mapping.stage_columns import stage_problems
from winnow.contracts.tables import ColumnContract, TableContract, table_contract
from winnow.errors import ConfigError, InputError, Problem
from winnow.logs.parquet.nested import resolve
from winnow.logs.types import SourceColumn, text_column


def possible_columns(name: str, log: LogConfig, config: Config) -> frozenset[str]:
    """Return every source column that may be used: mapped, carried, or found by its own name."""
    mapped = log.model_dump(include={"columns", "where", "explode"})
    contract = table_contract(name).resolved(config.ids, None, config.asked_for)
    names = {*contract.names, *config.carried(name)}
    lists = log.explode.columns if log.explode and log.explode.kind == "structs" else ()
    within = {f"{column}.{name_}" for column in lists for name_ in names}
    chosen = config.positives.choosing if name == "impressions" else ()
    listed = config.exclusion.history if name == "impressions" else None
    history = () if listed is None else (listed.column,)
    return frozenset({*names, *within, *chosen, *history, *_texts_in(mapped)})


def _texts_in(value: object) -> Iterator[str]:
    """Give every text: more than the columns that are named, which costs little, and none less."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
        for part in value.values():
            yield from _texts_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts_in(part)


class _Finder:
    """Looks up source columns and collects what is wrong with them."""

    def __init__(self, log: str, sources: Sources, *, open_ended: bool) -> None:
        self.log, self.sources, self.open_ended = log, sources, open_ended
        self.problems: list[Problem] = []

    def find(self, where: str, reference: str) -> SourceColumn | None:
        column = self.sources.get(reference)
        if column is None and self.open_ended:
            return text_column(reference)
        if column is None:
            self.problems.append(missing_column(self.log, where, reference, self.sources.names))
        elif column.type is None:
            self.problems.append(unreadable_column(self.log, column))
            return None
        return column

    def check_lists(self, columns: Sequence[SourceColumn], explode: Explode | None) -> None:
        if explode is None:
            return
        for reference in explode.columns:
            found = resolve({column.name: column for column in columns}, reference)
            if found is None:
                self.find("explode.columns", reference)
            elif problem := list_problem(self.log, explode.kind, found[0]):
                self.problems.append(problem)

    def all_of(self, where: str, references: Sequence[str]) -> tuple[SourceColumn, ...]:
        found = [self.find(where, reference) for reference in references]
        return tuple(column for column in found if column is not None)


def bind(
    name: str, config: Config, columns: Sequence[SourceColumn], *, open_ended: bool = False
) -> Binding:
    """Find and compare the source column of every contract column.

    Args:
        name: The log.
        config: The whole config: ids, mapping, carried columns.
        columns: The columns of the log's files.
        open_ended: True where the files may have columns that are not among ``columns`` (JSON
            lines of which none could be read yet): then a name that is missing is taken as text.

    Raises:
        InputError: Columns are missing or of a wrong or narrower type; all are named at once.
        ConfigError: A value under ``where`` does not fit its column, or an impression id has to be
            made while ``ids.impression`` is not string.
    """
    log = config.logs.resolved(name)
    assert log is not None
    contract = table_contract(name).resolved(config.ids, None, config.asked_for)
    finder = _Finder(name, Sources(columns, log.explode), open_ended=open_ended)
    finder.check_lists(columns, log.explode)
    bound = tuple(_bound(column, log, finder) for column in contract.columns)
    for entry in bound:
        for source in entry.sources:
            if problem := type_problem(name, entry.column, entry.mapping, source):
                finder.problems.append(problem)
    carry = _carry(name, config, finder)
    where = [
        (finder.find(f"where.{reference}", reference), v) for reference, v in log.where.items()
    ]
    of_positives = name == "impressions"
    choice, rest = (
        (config.positives.where, config.positives.where_not) if of_positives else ({}, {})
    )
    chosen = [(finder.find("positives.where", one), v) for one, v in choice.items()]
    left_out = [(finder.find("positives.where_not", one), v) for one, v in rest.items()]
    history = None
    if name == "impressions" and config.exclusion.history is not None:
        history = finder.find("exclusion.history", config.exclusion.history.column)
        if history and (wrong := history_problem(history, config.exclusion.history)):
            finder.problems.append(wrong)
    InputError.raise_if_any(finder.problems)
    if name == "ranking_log" and not open_ended:
        ConfigError.raise_if_any(stage_problems(_columns_with_values(bound, log), config))
    event_time = EVENT_TIME.get(name)
    timed = any(b.column.name == event_time and b.sources for b in bound)
    return Binding(
        _keyed(contract, bound, carry, config),
        bound,
        carry,
        kept_values(f"logs.{name}.where", where),
        kept_values("positives.where", chosen),
        kept_values("positives.where_not", left_out),
        event_time if timed else None,
        history,
    )


def _columns_with_values(bound: Sequence[BoundColumn], log: LogConfig) -> set[str]:
    """Return the contract columns that the log has values of."""
    names = {entry.column.name for entry in bound if entry.mapped}
    # The position in a request's list stands for the rank where no column has it.
    return names | {"rank"} if log.explode is not None else names


def _bound(column: ColumnContract, log: LogConfig, finder: _Finder) -> BoundColumn:
    given: ColumnMapping | None = log.columns.get(column.name)
    where = f"columns.{column.name}"
    if given is None:
        found = finder.sources.named_as(column.name)
        if found is None and column.optional:
            return BoundColumn(column, None)
        given = found.name if found else column.name
    if isinstance(given, str):
        timed = column.type == "timestamp"
        given = TimeSource(column=given) if timed else ColumnSource(column=given)
    return BoundColumn(column, given, finder.all_of(where, source_columns(given)))


def _carry(log: str, config: Config, finder: _Finder) -> tuple[tuple[str, SourceColumn], ...]:
    log_config = config.logs.resolved(log)
    mapped = log_config.columns if log_config else {}
    carried = []
    for name in config.carried(log):
        given = mapped.get(name)
        found = finder.sources.named_as(name)
        reference = found.name if found else name
        column = finder.find("carry", given if isinstance(given, str) else reference)
        if column is None:
            continue
        if problem := carry_problem(log, column):
            finder.problems.append(problem)
        carried.append((name, column))
    return tuple(carried)


def _keyed(
    contract: TableContract,
    bound: Sequence[BoundColumn],
    carry: Sequence[tuple[str, SourceColumn]],
    config: Config,
) -> TableContract:
    """Return the contract with the key that this log can have."""
    if contract.table == "items":
        # An item that is sold in several markets may have a row for each: no duplicates.
        of_items = {columns.of_items for columns in config.negatives.of_events.market_columns}
        scalar = [n for n, column in carry if n in of_items and not _is_list(column)]
        return contract.model_copy(update={"key": (*contract.key, *scalar)})
    unmapped = any(b.column.name == "impression_id" and b.mapping is None for b in bound)
    if contract.key_without_impression_id is None or not unmapped:
        return contract
    if config.ids.impression != "string":
        raise ConfigError(
            Problem(
                "ids.impression",
                "an impression id that is made from request, user and item is a string",
                config.ids.impression,
                "string",
                "Map impression_id, or set ids.impression to string.",
            )
        )
    return contract.model_copy(update={"key": contract.key_without_impression_id})


def _is_list(column: SourceColumn) -> bool:
    return column.found.startswith("array")
