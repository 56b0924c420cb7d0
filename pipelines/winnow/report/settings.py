"""Nested JSON as a list of settings under dotted keys, and what differs between two of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow.report.numbers import plain

_MANY = 8


@dataclass(frozen=True)
class Setting:
    """One setting: its dotted key, and its value as text. ``full`` is set where that is cut."""

    key: str
    value: str
    full: str = ""


@dataclass(frozen=True)
class Changed:
    """A setting that differs; an empty text where one side does not have it."""

    key: str
    before: str
    after: str


def settings_of(text: str, *, counts: bool = False) -> tuple[Setting, ...]:
    """Return the leaves of a JSON text in its order; lists of plain values are one leaf.

    Whole numbers get thousands separators where they are ``counts``; a seed is to be copied.

    Example:
        ``{"mix": {"ratio": 0.5}, "carry": ["a", "b"]}`` gives mix.ratio = 0.5, carry = a, b.
    """
    leaves = _read(text)
    if counts:
        leaves = [(key, [_grouped(value) for value in values]) for key, values in leaves]
    return tuple(_shortened(key, values) for key, values in leaves)


def told_inputs(text: str) -> str:
    """Return what a release tells of its inputs as a person reads it: of files how many, how large.

    Args:
        text: ``inputs_json`` of a release.
    """
    try:
        record = json.loads(text)
        logs = record.pop("files", {})
        counted = {log: _counted_files(folders) for log, folders in logs.items()}
    except (ValueError, AttributeError, TypeError):
        return text
    return json.dumps(record | ({"files": counted} if counted else {}))


def _counted_files(folders: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, int]:
    files = [stamp for inner in folders.values() for stamp in inner.values()]
    return {"files": len(files), "bytes": sum(size for size, _ in files)}


def changed_settings(before: str, after: str) -> tuple[Changed, ...]:
    """Return the settings that differ between two JSON texts, sorted by key."""
    old = {key: ", ".join(values) or "(none)" for key, values in _read(before)}
    new = {key: ", ".join(values) or "(none)" for key, values in _read(after)}
    return tuple(
        Changed(key, old.get(key, ""), new.get(key, ""))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _read(text: str) -> list[tuple[str, list[str]]]:
    try:
        value = json.loads(text)
        if value in ({}, [], None):
            return []
    except ValueError:
        # A report must open even if what it describes is broken: then it shows the text.
        return [("not readable as JSON", [text])]
    return _leaves("", value)


def _leaves(key: str, value: object) -> list[tuple[str, list[str]]]:
    if isinstance(value, dict) and value:
        return [
            leaf
            for name, inner in value.items()
            for leaf in _leaves(f"{key}.{name}" if key else str(name), inner)
        ]
    if isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        return [
            leaf
            for number, inner in enumerate(value)
            for leaf in _leaves(f"{key}[{number}]", inner)
        ]
    if isinstance(value, dict | list):
        return [(key, [_word(inner) for inner in value])]
    return [(key, [_word(value)])]


def _grouped(value: str) -> str:
    return plain(int(value)) if value.isascii() and value.isdigit() else value


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not set"
    if value == "":
        return "(empty text)"
    return str(value)


def _shortened(key: str, values: list[str]) -> Setting:
    full = ", ".join(values) or "(none)"
    if len(values) <= _MANY:
        return Setting(key, full)
    return Setting(key, f"{values[0]} … {values[-1]} ({plain(len(values))} values)", full)
