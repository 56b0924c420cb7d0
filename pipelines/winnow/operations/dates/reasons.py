"""Why a date should be built again: one sentence each, and what it is about."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from winnow.building.earlier_states import was_replaced
from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem
from winnow.logs.files.stamps import Stamps, from_folders
from winnow.operations.dates.logs_now import LogsNow
from winnow.release.confirmations import Confirmation
from winnow.release.release import Release
from winnow.report.settings import changed_settings

Kind = Literal["missing", "immature", "inputs", "gone", "config", "code", "state", "damaged"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_NAMED = 2
"""So many of several files and settings are named in a sentence; JSON has all files."""


@dataclass(frozen=True)
class Reason:
    """Why a date should be built.

    Attributes:
        kind: ``missing``: it is not released; ``immature``: what it waited for is there;
            ``inputs``: files of its logs changed; ``gone``: all files of a date of a log that it
            read were deleted, so that it cannot be made again as it was; ``config``, ``code``:
            another one made it;
            ``state``: what it went on from was replaced; ``damaged``: nobody can read its release.
        text: The same as a sentence.
        files: Of ``inputs`` and ``gone`` the files: each with its log, its name below the log's
            path and what became of it, ``new``, ``changed`` or ``gone``.
    """

    kind: Kind
    text: str
    files: tuple[tuple[str, str, str], ...] = ()

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        files = [{"log": log, "file": file, "change": change} for log, file, change in self.files]
        return {"kind": self.kind, "text": self.text} | ({"files": files} if files else {})


def inputs_reasons(release: Release, confirmed: Confirmation, logs: LogsNow) -> list[Reason]:
    """Return which files of a date's logs are others than those that its release was made of.

    Those that went with all of their folder's date are one reason, ``gone``; what changed of the
    dates that still are there is another one. A release from before files were recorded is told by
    their times alone.
    """
    inputs = json.loads(confirmed.inputs_json)
    told, read_from = inputs.get("files"), inputs.get("history_state", {}).get("reads_from")
    clicks_from = None if read_from is None else date.fromisoformat(read_from)
    changes: list[tuple[str, str, str]] = []
    for name in logs.logs:
        now = logs.of_date(name, release.ds, clicks_from)
        if told is None:
            found = _written_after(now, release.created_ts)
        else:
            found = _changes(from_folders(told.get(name, {})), now)
        changes += [(name, file, change) for file, change in found]
    deleted = [
        (log, file, change)
        for log, file, change in changes
        if change == "gone" and logs.deleted_with_date(log, file)
    ]
    rest = [one for one in changes if one not in deleted]
    return [*_of_files("gone", deleted), *_of_files("inputs", rest)]


def _of_files(kind: Kind, changes: Sequence[tuple[str, str, str]]) -> list[Reason]:
    """Return a reason that names some of the files; none where there is no file."""
    shown = [f"{log}: {file} {_SAID[change]}" for log, file, change in changes[:_NAMED]]
    more = len(changes) - _NAMED
    rest = f", and {more:,} more {'file' if more == 1 else 'files'}" if more > 0 else ""
    return [Reason(kind, "; ".join(shown) + rest, tuple(changes))] if changes else []


def config_reason(release: Release, config: Config) -> Reason | None:
    """Return which settings of the config are others than those of a release."""
    if release.config_hash == config.fingerprint():
        return None
    changed = changed_settings(release.config_json, config.canonical_json())
    shown = [
        f"{one.key} is {one.after or 'not there'}, was {one.before or 'not there'}"
        for one in changed[:_NAMED]
    ]
    more = len(changed) - _NAMED
    rest = f", and {more:,} more" if more > 0 else ""
    return Reason("config", f"the config differs: {'; '.join(shown)}{rest}")


def code_reason(confirmed: Confirmation, code: str) -> Reason | None:
    """Return whether another version of Winnow made a release than would build it now."""
    if confirmed.code_version == code:
        return None
    return Reason("code", f"made by version {confirmed.code_version}, this is {code}")


def state_reasons(
    confirmed: Confirmation,
    newest: Callable[[date], Release | None],
    goes_on: Mapping[str, Release | None],
) -> list[Reason]:
    """Return which states that a date went on from were replaced; see ``was_replaced``.

    Args:
        confirmed: What the release of the date tells.
        newest: Gives the newest release of a date.
        goes_on: By table of state, the release that a build would go on from now, where one that
            began anew says something else.
    """
    found = []
    for table, told in carried_states(json.loads(confirmed.inputs_json)).items():
        if "anew" in told:
            if (before := goes_on.get(table)) is not None:
                text = f"its {table} began anew, and {before.ds} is released now: it can go on"
                found.append(Reason("state", text))
            continue
        release = newest(date.fromisoformat(told["ds"]))
        if release is not None and was_replaced(told, release, table):
            by = f"was replaced by {release.release_id}"
            text = f"its {table} goes on from {told['release_id']} of {told['ds']}, which {by}"
            found.append(Reason("state", text))
    return found


def carried_states(inputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a release tells of states of earlier dates that it went on from, by table.

    Args:
        inputs: ``inputs_json`` as JSON types.
    """
    pinned = {"ds", "release_id", "rows", "content"}
    return {
        table: told
        for table, told in inputs.items()
        if isinstance(told, dict) and (pinned <= set(told) or "anew" in told)
    }


_SAID = {"new": "is new", "changed": "was written again", "gone": "is gone"}


def _changes(before: Stamps, now: Stamps) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for file in sorted(before.keys() | now.keys()):
        if file not in before:
            found.append((file, "new"))
        elif file not in now:
            found.append((file, "gone"))
        elif tuple(before[file]) != tuple(now[file]):
            found.append((file, "changed"))
    order: Sequence[str] = ("new", "changed", "gone")
    return sorted(found, key=lambda one: (order.index(one[1]), one[0]))


def _written_after(now: Stamps, made: datetime) -> list[tuple[str, str]]:
    made_us = int(made.timestamp() * 1_000_000)
    return [(file, "changed") for file, (_, when) in sorted(now.items()) if when > made_us]


def kinds_of(names: Sequence[str], where: str) -> tuple[Kind, ...]:
    """Return kinds of reasons by their names.

    Args:
        names: The names. where: The argument that has them, for the error.

    Raises:
        ConfigError: There is no such kind.
    """
    known: dict[str, Kind] = {kind: kind for kind in KINDS}
    ConfigError.raise_if_any(
        Problem(where, "there is no such reason", name, f"one of {', '.join(KINDS)}")
        for name in names
        if name not in known
    )
    return tuple(known[name] for name in names if name in known)
