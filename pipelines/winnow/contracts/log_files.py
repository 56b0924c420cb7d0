"""The files of a log, looked at: which there are, what columns they have, what these mean."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from winnow.config.logs import LogConfig
from winnow.config.tree import Config
from winnow.contracts.mapping.binding import Binding, bind, possible_columns
from winnow.contracts.mapping.checks import config_problems, missing_column, no_list
from winnow.dates import DateRange
from winnow.errors import ConfigError, InputError, Problem
from winnow.logs.delta.table_log import open_delta
from winnow.logs.files.date_folders import folder_dates
from winnow.logs.files.listing import Listing, list_files
from winnow.logs.files.locations import Place
from winnow.logs.opened import Opened
from winnow.logs.opening import guess_format, open_files
from winnow.logs.parquet.nested import resolve

_ABSENT_IS_NULL = frozenset({"position", "rank", "score", "valid_from", "valid_to"})
"""Optional columns of which NULL says what it says that a log has no such column.

Where ``viewed`` or ``action_type`` is not there, every row was viewed, every action is a click: in
a file that lacks what other files have, nobody can know.
"""


@dataclass(frozen=True)
class LookedAt:
    """The files of one log, looked at without an engine.

    Attributes:
        listing: Which files there are, and of which dates.
        opened: Their columns and rows, as far as the files say so.
        binding: The contract's columns bound to them; None where no file is there.
    """

    listing: Listing
    opened: Opened
    binding: Binding | None


def look_at_log(
    name: str,
    config: Config,
    base: Path,
    dates: DateRange,
    *,
    required: Sequence[date],
    allow_empty: bool = False,
) -> LookedAt:
    """List and check the files of one log, and compare their columns, without an engine.

    Args: as ``open_log``.

    Raises:
        InputError: A path, folder or column is missing, a file is damaged, a type is wrong.
        ConfigError: The mapping contradicts itself or the contract.
    """
    log = configured_log(name, config)
    assert log.path is not None
    place = Place.of(log.path, base)
    wanted: tuple[date, ...] = ()
    if log.partition is not None:
        wanted = folder_dates(dates, log.partition, config.calendar_zone)
    if log.format == "delta" or _holds_delta_log(place):
        if log.format not in ("delta", None):
            raise InputError(
                Problem(
                    f"logs.{name}.format", f"{place.path} is a Delta table", log.format, "delta"
                )
            )
        opened, listing = open_delta(name, place, log.partition, wanted, required, allow_empty)
    else:
        listing = list_files(name, place, log.partition, wanted, required, allow_empty=allow_empty)
        kind = log.format or guess_format(name, listing)
        opened = open_files(name, log, kind, listing, possible_columns(name, log, config))
    if not opened.groups and opened.delta is None:
        return LookedAt(listing, opened, None)
    binding = bind(name, config, opened.columns, open_ended=opened.open_ended)
    if binding.history is not None and config.exclusion.history is not None:
        fits = opened.kind != "csv" or config.exclusion.history.delimiter is not None
        InputError.raise_if_any([] if fits else [no_list(binding.history)])
    _refuse_differing(name, log, opened, binding)
    return LookedAt(listing, opened, binding)


def configured_log(name: str, config: Config) -> LogConfig:
    """Return the config of a log.

    Raises:
        ConfigError: It is not configured, or its mapping contradicts itself or the contract.
    """
    ConfigError.raise_if_any(config_problems(name, config))
    log = config.logs.resolved(name)
    if log is None or log.path is None:
        raise ConfigError(Problem(f"logs.{name}", "is not configured"))
    return log


def _holds_delta_log(place: Place) -> bool:
    info = place.filesystem.get_file_info(f"{place.path}/_delta_log")
    return bool(info.type.name == "Directory")


def _refuse_differing(name: str, log: LogConfig, opened: Opened, binding: Binding) -> None:
    """Refuse mapped columns that not every file has, or that have different types in two files.

    An engine would fill the first with NULL, and may convert the second without a word.
    """
    lists = log.explode.columns if log.explode else ()
    used = {*lists, *binding.references()}
    problems = [
        Problem(
            f"logs.{name}",
            f"column {first.name} has different types: {first.found} in {first.path}",
            f"{second.found} in {second.path}",
            next_step="Write the files with one type.",
        )
        for first, second in opened.differing
        if first.name in used
    ]
    known = {column.name for column in opened.columns} - _null_where_absent(log, binding)
    for group in opened.groups if opened.kind != "json_lines" else ():
        there = [column.name for column in group.columns]
        for column in sorted((used & known) - set(there)):
            problem = missing_column(name, "columns", column, there)
            where = f"logs.{name}: {group.files[0].path}"
            problems.append(
                Problem(where, f"{problem.what}, though other files have it", problem.found)
            )
    InputError.raise_if_any([*problems, *_differing_fields(name, opened, used)])


def _differing_fields(name: str, opened: Opened, fields: Collection[str]) -> Iterator[Problem]:
    """Give fields of structs that not every file has, or that have different types in two files."""
    groups = [{column.name: column for column in group.columns} for group in opened.groups]
    within = set(fields) - {column.name for column in opened.columns}
    for field in sorted(within) if opened.kind == "parquet" else ():
        found = [resolve(columns, field) for columns in groups]
        first = next((leaf[0] for leaf in found if leaf is not None), None)
        if first is None:  # a field of a candidate in a list
            continue
        for group, leaf in zip(opened.groups, found, strict=True):
            where = f"logs.{name}: {group.files[0].path}"
            if leaf is None:
                yield Problem(where, f"column {field} is missing, though other files have it")
            elif leaf[0].found != first.found:
                what = f"column {field} has different types: {first.found} in {first.path}"
                yield Problem(
                    where, what, leaf[0].found, next_step="Write the files with one type."
                )


def _null_where_absent(log: LogConfig, binding: Binding) -> set[str]:
    """Return the source columns that a file may lack though other files have them.

    Nobody named them, and nothing else is made of them.
    """
    uses = Counter(source.name for bound in binding.columns for source in bound.sources)
    uses.update(source.name for _, source in binding.carry)
    uses.update(source.name for source, _ in binding.where)
    return {
        source.name
        for bound in binding.columns
        for source in bound.sources
        if bound.column.name in _ABSENT_IS_NULL - set(log.columns) and uses[source.name] == 1
    }
