"""Read a config file: every problem at once, each with its key, what is there and what fits."""

import contextlib
import copy
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from winnow.config.agreement import disagreements
from winnow.config.explain import explained
from winnow.config.former import in_new_keys
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.model import path_error
from winnow.config.tree import Config
from winnow.config.yaml_text import Document, Key, parse_yaml
from winnow.errors import ConfigError, Problem

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
    file_path = Path(path)
    document = parse_yaml(_text_of(file_path), file_path.name)
    _raise_if_any(document)
    if not isinstance(document.tree, dict):
        raise ConfigError(
            Problem(
                file_path.name,
                "the config is not a map of keys and values",
                found="nothing" if document.tree is None else type(document.tree).__name__,
                next_step="Run winnow init to get one to start from.",
            )
        )
    document.tree = in_new_keys(document.tree)
    document.tree = _with_absolute_paths(document, file_path.resolve().parent)
    try:
        config = Config.model_validate_json(json.dumps(document.tree))
    except ValidationError as error:
        wrong = list(explained(error, Config, document))
        # Pydantic asks whether the parts agree only once all of them are right.
        for key, problem in disagreements(*_right_parts(document.tree, [key for key, _ in wrong])):
            wrong.append((key, replace(problem, where=document.where(key))))
        document.problems += dict.fromkeys(problem for _, problem in wrong)
    _raise_if_any(document)
    return config


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


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            what = "the config is too large"
            raise ConfigError(Problem(str(path), what, None, f"{_MOST_BYTES:,} bytes at most"))
        return content.decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError as error:
        hint = "Run winnow init to write one to start from."
        raise ConfigError(Problem(str(path), "the config is not there", next_step=hint)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(path), "the config is not UTF-8 text")) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(Problem(str(path), f"the config cannot be read: {why}")) from error


def _right_parts(
    tree: Mapping[str, Any], wrong: Collection[Key]
) -> tuple[dict[str, Any], dict[str, LogConfig | None]]:
    """Return the parts of the tree, and the logs, of which nothing is wrong.

    Of a log, wrong keys and wrong mappings are left out, and the log where it is none without them.
    """
    parts: dict[str, Any] = {}
    for name, info in Config.model_fields.items():
        if name != "logs" and all(key[:1] != (name,) for key in wrong):
            part: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
            given = name in tree
            parts[name] = part.validate_json(json.dumps(tree[name])) if given else info.default
    written = tree.get("logs")
    logs: dict[str, LogConfig | None] = {}
    for name in LOG_NAMES if isinstance(written, dict) else ():
        log = copy.deepcopy(tree["logs"].get(name))
        if log is None:
            logs[name] = None
            continue
        for key in wrong:
            if key[:2] == ("logs", name):
                _leave_out(log, key[2:4] if key[2:3] == ("columns",) else key[2:3])
        with contextlib.suppress(ValidationError):
            logs[name] = LogConfig.model_validate_json(json.dumps(log))
    return parts, logs


def _leave_out(tree: Any, path: Key) -> None:
    for part in path[:-1]:
        tree = tree.get(part) if isinstance(tree, dict) else None
    if path and isinstance(tree, dict):
        tree.pop(path[-1], None)


def _with_absolute_paths(document: Document, folder: Path) -> dict[str, Any]:
    tree: dict[str, Any] = document.tree
    warehouse = tree.get("warehouse", Config.model_fields["warehouse"].default)
    tree |= {"warehouse": _absolute(warehouse, folder, ("warehouse",), document)}
    logs = tree.get("logs")
    for name, log in logs.items() if isinstance(logs, dict) else ():
        if isinstance(log, dict) and "path" in log:
            log["path"] = _absolute(log["path"], folder, ("logs", name, "path"), document)
    given = tree.get("expectations")
    for n, entry in enumerate(given if isinstance(given, list) else ()):
        if isinstance(entry, dict) and "suite" in entry:
            key = ("expectations", n, "suite")
            entry["suite"] = _absolute(entry["suite"], folder, key, document)
    return tree


def _absolute(path: Any, folder: Path, key: Key, document: Document) -> Any:
    """Return a path from the config's folder on; an address such as ``hdfs://…`` as it is."""
    if not isinstance(path, str) or path_error(path) or "://" in path:
        return path
    try:
        return str(folder / Path(path).expanduser())
    except RuntimeError as error:  # ~somebody
        document.problems.append(Problem(document.where(key), str(error), path))
        return path
