"""Turn what Pydantic found into problems that a person can act on."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from winnow.config.annotations import along, keys_of, limits_of, without_choices
from winnow.config.model import nearest
from winnow.config.yaml_text import Document, Key
from winnow.errors import Problem

_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a map of keys and values",
    "model": "a map of keys and values",
    "date": "a date such as 2026-01-31",
}
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def explained(
    error: ValidationError, model: Any, document: Document
) -> Iterator[tuple[Key, Problem]]:
    """Give every problem with the way to it in the document.

    Args:
        error: What Pydantic found.
        model: The model that the whole tree was checked by.
        document: The tree, and the lines of its keys.
    """
    by_key: dict[Key, list[ErrorDetails]] = {}
    for found in error.errors(include_url=False):
        key = _key(found, document.tree)
        if found["type"] == "rule":
            key = without_choices(model, found["loc"])
        by_key.setdefault(key, []).append(found)
    for key, several in by_key.items():
        rules = [found["ctx"]["problem"] for found in several if found["type"] == "rule"]
        for problem in rules or [_problem(several, model)]:
            yield key, replace(problem, where=document.where(key))


def _key(found: ErrorDetails, tree: Any) -> Key:
    """Return the way to a problem, without the types that Pydantic chose among on the way."""
    loc = found["loc"]
    key: list[str | int] = []
    for part in loc:
        known = range(len(tree)) if isinstance(tree, list) else tree
        if isinstance(known, dict | range) and part in known:
            key.append(part)
            tree = tree[part]
    if found["type"] == "missing" and isinstance(loc[-1], str):
        key.append(loc[-1])  # but a list that is too short is one problem as a whole
    return tuple(key)


def _problem(several: list[ErrorDetails], model: Any) -> Problem:
    """Return the one problem of a key; several where its value fits none of several types."""
    found = several[0]
    kind, context, value = found["type"], found.get("ctx", {}), found["input"]
    here, info = along(model, found["loc"])
    if kind == "extra_forbidden":
        known = keys_of(along(model, found["loc"][:-1])[0])
        hint = nearest(str(found["loc"][-1]), known)
        return Problem("", "unknown key", expected=f"one of {', '.join(known)}", next_step=hint)
    if kind == "missing" and isinstance(value, list | tuple):
        return Problem("", "the list is too short", _shown(value))
    if kind == "missing":
        needed = keys_of(here, required=True)
        expected = f"a map with {' and '.join(needed)}" if needed else None
        return Problem("", "this key is missing", expected=expected)
    text = str(context["error"]) if kind == "value_error" else found["msg"]
    if text.startswith("must be "):
        return Problem("", "the value does not fit", _shown(value), text.removeprefix("must be "))
    if kind == "value_error":
        return Problem("", text)
    if kind == "literal_error":
        known = re.findall("'([^']*)'", str(context["expected"]))
        hint = nearest(value, known) if isinstance(value, str) else None
        expected = f"one of {', '.join(known)}"
        return Problem("", "the value is not known", _shown(value), expected, hint)
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        limits = limits_of(info) or _limit_in(context) or text
        return Problem("", "the number is out of range", _shown(value), limits)
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return Problem("", "the length does not fit", _shown(value), text.lower())
    kinds = [_KINDS.get(other["type"].split("_")[0], other["msg"]) for other in several]
    return Problem("", "the type is wrong", _shown(value), " or ".join(dict.fromkeys(kinds)))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _limit_in(context: Mapping[str, Any]) -> str | None:
    limits = [f"{sign} {context[name]}" for name, sign in _SIGNS.items() if name in context]
    return f"a number {' and '.join(limits)}" if limits else None
