"""The proposed config as commented YAML: what was found, and plain sentences where nothing fits."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from winnow.cli.proposal.columns import Match
from winnow.cli.proposal.roles import PROPOSED, Role
from winnow.cli.proposal.settings import Settings
from winnow.config.columns import TimeSource
from winnow.config.log_shapes import Partition
from winnow.contracts.tables import table_contract

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./=-]*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_COMMENT_AT = 52
_MOST_NAMED = 12
_WHAT = {
    "impressions": "what users were shown: user, item, request and time",
    "clicks": "what they did: user, item and time",
}


def config_text(roles: Mapping[str, Role], settings: Settings, folder: Path) -> str:
    """Return a config that loads.

    Args:
        roles: The files of each log, and what their columns mean.
        settings: What else the values tell.
        folder: Where the config will lie: paths below it are written from there on.
    """
    lines = [
        "# Winnow: proposed by winnow init --from. What was found stands behind each line; nothing",
        "# but the first rows of each log was looked at. Correct what is wrong, then check it with",
        "# winnow validate. winnow init without --from writes out all keys with their defaults.",
        "",
        "warehouse: warehouse        # folder of the published Delta tables",
        "",
        *_ids(settings),
        "",
        "logs:",
    ]
    for name in PROPOSED:
        if name in roles:
            lines += _log(name, roles[name], folder)
        elif name == "clicks" and settings.clicked is not None:
            lines += _clicks_of_impressions(settings)
        elif name in _WHAT:
            lines += [
                f"  {name}:",
                f"    # Nothing that was found looks like {name}. Say where they lie, and which",
                f"    # columns they have ({_WHAT[name]}).",
                f"    path: logs/{name}",
            ]
        elif name != "negative_feedback":
            lines += [f"  # {name}: nothing that was found looks like it; it may be left out."]
    return "\n".join([*lines, "", *settings.lines()]).rstrip() + "\n"


def written(name: str) -> str:
    """Return a column's name or a value as YAML takes it within braces."""
    return name if _BARE.fullmatch(name) and name.lower() not in _WORDS else json.dumps(name)


def with_comment(text: str, comment: str) -> str:
    """Return a line with a comment behind it."""
    return f"{text.ljust(_COMMENT_AT)}  # {comment}"


def _ids(settings: Settings) -> Iterator[str]:
    yield "# The type of each id, once for all logs: bigint or string."
    types = ", ".join(f"{entity}: {kind}" for entity, (kind, _) in settings.ids.items())
    found = "; ".join(f"{entity} {value}" for entity, (_, value) in settings.ids.items() if value)
    yield with_comment(f"ids: {{{types}}}", f"found: {found}") if found else f"ids: {{{types}}}"


def _log(name: str, role: Role, folder: Path) -> Iterator[str]:
    log = role.log
    yield with_comment(f"  {name}:", f"{log.sample.rows:,} rows were looked at")
    yield f"    path: {_written_path(_path(log.path, folder))}"
    yield f"    format: {log.kind}"
    if log.partition is not None:
        dates = f"{len(log.dates):,} dates, {log.dates[0]} to {log.dates[-1]}"
        yield with_comment(f"    partition: {_partition(log.partition)}", f"found: {dates}")
    if role.others:
        yield f"    # It may also be: {', '.join(_path(one, folder) for one in role.others)}"
    matches = role.matches.columns
    yield "    columns:" if matches else "    columns: {}"
    contract = table_contract(name)
    for column in contract.columns:
        if column.name in matches:
            yield _mapping(column.name, matches[column.name])
        elif not column.optional and not column.nullable:
            yield f"      # {column.name}: no column looks like it. Name one: {column.meaning}."
            yield from (f"      #   {text}" for text in _instead(column.name, role))
    used = {match.column for match in matches.values()} | {role.matches.label}
    rest = [column for column in log.sample.columns if column not in used]
    if rest:
        more = f" and {len(rest) - _MOST_NAMED} more" if len(rest) > _MOST_NAMED else ""
        yield f"    # not used: {', '.join(rest[:_MOST_NAMED])}{more}"


def _mapping(name: str, match: Match) -> str:
    guess = "" if match.score >= 2 else "a guess; "
    comment = f"{guess}found: {match.found[:60]}" if match.found else guess
    return with_comment(f"      {name}: {_source(match)}", " ".join(comment.split()))


def _source(match: Match) -> str:
    time: TimeSource | None = match.time
    if time is None or time.unit == "iso":
        return written(match.column)
    pattern = "" if time.pattern is None else f", pattern: {json.dumps(time.pattern)}"
    return f"{{column: {written(match.column)}, unit: {time.unit}{pattern}}}"


def _instead(name: str, role: Role) -> Iterator[str]:
    """Give what might stand for an id that the log does not have."""
    columns: Mapping[str, Sequence[Any]] = role.log.sample.columns
    used = {match.column for match in role.matches.columns.values()}
    if name == "user_id":
        about = [
            column
            for column, values in columns.items()
            if column.lower().startswith(("user", "device", "cookie")) and column not in used
            if values and isinstance(values[0], str) and "." not in values[0]
        ]
        if about:
            joined = ", ".join(written(column) for column in about)
            yield f"user_id: {{concat: [{joined}]}}"
            yield "would count as one user who has the same values in all; ids.user is string then."
    if name == "request_id":
        unique = [
            column
            for column, values in columns.items()
            if column not in used
            and len(values) == role.log.sample.rows > 1
            and len({str(value) for value in values}) == len(values)
            and str(values[0]).isalnum()
        ]
        if unique:
            yield f"request_id: {written(unique[0])}"
            yield "would take every row for a request of its own."


def _clicks_of_impressions(settings: Settings) -> Iterator[str]:
    assert settings.clicked is not None
    column, value = settings.clicked
    yield with_comment("  clicks:", f"the rows of the impressions with {column}")
    yield "    from: impressions"
    yield f"    where: {{{written(column)}: [{value}]}}"
    if settings.click_time is not None:
        yield "    columns:"
        yield _mapping("click_ts", settings.click_time)


def _partition(partition: Partition) -> str:
    parts = [] if partition.column is None else [f"column: {written(partition.column)}"]
    parts += [] if partition.pattern is None else [f"pattern: {json.dumps(partition.pattern)}"]
    return f"{{{', '.join(parts)}}}"


def _written_path(path: str) -> str:
    return path if _PLAIN_PATH.fullmatch(path) else json.dumps(path, ensure_ascii=False)


def _path(path: str, folder: Path) -> str:
    if "://" not in path and Path(path).is_relative_to(folder):
        return str(Path(path).relative_to(folder))
    return path
