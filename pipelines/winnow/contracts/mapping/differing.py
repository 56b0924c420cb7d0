"""Whether all files of a log have the columns that are used, and with one type."""

from collections import Counter
from collections.abc import Collection, Iterator

from winnow.config.logs import LogConfig
from winnow.contracts.mapping.binding import Binding
from winnow.contracts.mapping.checks import missing_column
from winnow.errors import InputError, Problem
from winnow.logs.opened import Opened
from winnow.logs.parquet.nested import resolve

_ABSENT_IS_NULL = frozenset({"position", "rank", "score", "valid_from", "valid_to"})
"""Optional columns of which NULL says what it says that a log has no such column.

Where ``viewed`` or ``action_type`` is not there, every row was viewed, every action is a click: in
a file that lacks what other files have, nobody can know.
"""


def refuse_differing(name: str, log: LogConfig, opened: Opened, binding: Binding) -> None:
    """Refuse mapped columns that not every file has, or that have different types in two files.

    An engine would fill the first with NULL, and may convert the second without a word.

    Args:
        name: The log. log: Its config.
        opened: Its files, looked at.
        binding: What of their columns is used.

    Raises:
        InputError: Files differ; all differences are named at once.
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
        if first is None:  # a field of an element of a list
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
    choices = (*binding.where, *binding.chosen, *binding.left_out)
    uses.update(source.name for source, _ in choices)
    return {
        source.name
        for bound in binding.columns
        for source in bound.sources
        if bound.column.name in _ABSENT_IS_NULL - set(log.columns) and uses[source.name] == 1
    }
