"""Read a config file: every problem at once, each with its key, what is there and what fits."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import ValidationError

from winnow.config.agreement import disagreements
from winnow.config.explain import Checked, check_part, nearest
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.tree import Config
from winnow.config.yaml_text import Document, Key, parse_yaml
from winnow.errors import ConfigError, Problem
from winnow.shown_text import in_one_line

_MOST_BYTES = 64 * 2**20
_MOST_PROBLEMS = 50


def load_config(path: Path | str) -> Config:
    """Read, check and freeze a config file.

    Relative paths in it are taken from the file's own folder and are absolute in the result.

    Raises:
        ConfigError: Holds every problem of the file: its syntax alone where that is broken, else
            unknown keys with the nearest known one, wrong types, values out of range, and parts
            that do not agree with each other or with the contracts.
    """
    place = Path(path)
    document = parse_yaml(_text_of(place), place.name)
    _raise_if_any(document)
    if not isinstance(document.tree, dict):
        raise ConfigError(
            Problem(
                place.name,
                "the config is not a map of keys and values",
                found="nothing" if document.tree is None else type(document.tree).__name__,
                next_step="Run winnow init to get one to start from.",
            )
        )
    _check(document)
    _raise_if_any(document)
    tree = _with_absolute_paths(document, place.resolve().parent)
    _raise_if_any(document)
    try:
        return Config.model_validate_json(json.dumps(tree))
    except ValidationError as error:  # a rule that only the tree as a whole knows
        texts = [found["msg"].removeprefix("Value error, ") for found in error.errors()]
        raise ConfigError(*(Problem(place.name, text) for text in texts)) from error


def parse_day(text: str, where: str = "--ds") -> date:
    """Return the date that ``YYYY-MM-DD`` names; nothing else is taken for a date.

    Raises:
        ConfigError: It is another text, or no date of the calendar.
    """
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError as error:
        wanted = "YYYY-MM-DD, such as 2026-01-31"
        raise ConfigError(Problem(where, "this is not a date", repr(text), wanted)) from error
    if not 1970 <= day.year < 2100:
        what = "no log has events of this year"
        raise ConfigError(Problem(where, what, text, "a date from 1970 to 2099"))
    return day


def _raise_if_any(document: Document) -> None:
    problems = document.problems
    if len(problems) > _MOST_PROBLEMS:
        rest = len(problems) - _MOST_PROBLEMS
        problems = [
            *problems[:_MOST_PROBLEMS],
            Problem(document.name, f"{rest:,} further problems"),
        ]
    ConfigError.raise_if_any(problems)


def _text_of(place: Path) -> str:
    try:
        with place.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            what = "the config is too large"
            raise ConfigError(Problem(str(place), what, None, f"{_MOST_BYTES:,} bytes at most"))
        return content.decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError as error:
        hint = "Run winnow init to write one to start from."
        raise ConfigError(Problem(str(place), "the config is not there", next_step=hint)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(place), "the config is not UTF-8 text")) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(Problem(str(place), f"the config cannot be read: {why}")) from error


def _check(document: Document) -> None:
    """Add every problem of the tree to the document."""
    tree: dict[str, Any] = document.tree
    parts: dict[str, Checked] = {}
    fields = Config.model_fields
    for name in tree:
        if name not in fields:
            expected = f"one of {', '.join(fields)}"
            document.problems.append(
                Problem(
                    document.where((name,)), "unknown key", None, expected, nearest(name, fields)
                )
            )
    for name, info in fields.items():
        if name == "logs":
            continue
        if name in tree:
            parts[name] = check_part(
                Annotated[info.annotation, info], tree[name], (name,), document
            )
        else:
            parts[name] = Checked(info.default, whole=True)
    document.problems.extend(disagreements(parts, _check_logs(document), document))


def _check_logs(document: Document) -> dict[str, LogConfig]:
    """Check each log on its own, so that one wrong log hides no problem of another."""
    logs = document.tree.get("logs")
    if logs is None or not isinstance(logs, dict):
        what = "this key is missing" if logs is None else "the type is wrong"
        expected = "a map with impressions and clicks"
        document.problems.append(Problem(document.where(("logs",)), what, expected=expected))
        return {}
    right: dict[str, LogConfig] = {}
    for name, tree in logs.items():
        if name not in LOG_NAMES:
            expected = f"one of {', '.join(LOG_NAMES)}"
            hint = nearest(name, LOG_NAMES) or "Leave it out: no table is made of such a log."
            where = document.where(("logs", name))
            document.problems.append(Problem(where, "unknown log", None, expected, hint))
            continue
        if tree is None and name not in ("impressions", "clicks"):
            continue
        log = check_part(LogConfig, tree, ("logs", name), document).value
        if log is not None:
            right[name] = log
    for name in ("impressions", "clicks"):
        if name not in logs:
            where = document.where(("logs", name))
            document.problems.append(Problem(where, "this log is missing"))
    return right


def _with_absolute_paths(document: Document, folder: Path) -> dict[str, Any]:
    tree: dict[str, Any] = document.tree
    logs = {}
    for name, log in tree["logs"].items():
        logs[name] = log
        if log is not None and log.get("path") is not None:
            key = ("logs", name, "path")
            logs[name] = log | {"path": _absolute(log["path"], folder, key, document)}
    warehouse = tree.get("warehouse", Config.model_fields["warehouse"].default)
    return tree | {
        "logs": logs,
        "warehouse": _absolute(warehouse, folder, ("warehouse",), document),
    }


def _absolute(path: str, folder: Path, key: Key, document: Document) -> str:
    """Return a path from the config's folder on; an address such as ``hdfs://…`` as it is."""
    if not path or in_one_line(path) != path:
        expected = "a path without line ends and control characters"
        document.problems.append(
            Problem(document.where(key), "the value does not fit", repr(path), expected)
        )
        return path
    if "://" in path:
        return path
    try:
        return str(folder / Path(path).expanduser())
    except RuntimeError as error:  # ~somebody
        document.problems.append(Problem(document.where(key), str(error), path))
        return path
