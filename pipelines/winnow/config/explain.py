"""Turn what Pydantic found into problems that a person can act on."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from winnow.config.annotations import choices, field_at, keys_of, limits_of, type_at
from winnow.config.logs import ColumnSource, Concat, FirstOf, TimeSource
from winnow.config.wide import ByStage, Constant, FromFlags
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
_MAPPING_FORMS = (
    "a column name, {first_of: [a, b]}, {concat: [a, b]}, {column: a, unit: ms}, "
    "{column: a, type: int}, {constant: a}, {from_flags: {a: b}} or {by_stage: {a: b}}"
)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return ``Did you mean …?`` with the known name that looks most like this one, or None."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else None


@dataclass(frozen=True)
class Checked:
    """A part of the config: what is right of it (None: too little), and whether that is all."""

    value: Any
    whole: bool


def check_part(annotation: Any, tree: Any, key: Key, document: Document) -> Checked:
    """Check one part of the config and add its problems to the document.

    Pydantic looks at rules between keys only once every single key is right. So what is wrong is
    noted and taken out, and the rest is checked again.

    Args:
        annotation: The type of the part, such as ``Mix`` or ``tuple[Identifier, ...]``.
        tree: The part as JSON types; not changed.
        key: The way to it.
        document: Receives the problems.

    Returns:
        What is right of the part.
    """
    adapter = TypeAdapter(annotation)
    remaining = json.loads(json.dumps(tree))
    places = _list_places(remaining)
    taken_out: set[Key] = set()
    for _ in range(20):
        try:
            return Checked(adapter.validate_json(json.dumps(remaining)), not taken_out)
        except ValidationError as error:
            wrong: dict[Key, Key] = {}
            told_of: set[Key] = set()
            for found in error.errors(include_url=False):
                path = _without_union_tags(found["loc"], remaining)
                original = _original(remaining, path, places)
                if found["type"] == "missing" and original and isinstance(original[-1], int):
                    path, original = path[:-1], original[:-1]  # told of the list, once
                told = _column_mapping(original) or original
                missing = found["type"] == "missing" and told == original
                missing = missing and not isinstance(found["input"], list | tuple)
                if told not in told_of and not _follows(found, original, tree, taken_out):
                    problem = _explained(found, annotation, told, tree, key, document)
                    document.problems.extend(problem)
                cut = path[: len(told)]
                wrong[cut[:-1] if missing else cut] = told[:-1] if missing else told
                told_of.add(wrong[cut[:-1] if missing else cut])
        taken_out |= set(wrong.values())
        # From the end, so that places in lists stay what they are.
        pruned = [_take_out(remaining, path, places) for path in sorted(wrong, key=str)[::-1]]
        if not all(pruned):
            return Checked(None, whole=False)
    return Checked(None, whole=False)


def _follows(found: Mapping[str, Any], path: Key, tree: Any, taken_out: set[Key]) -> bool:
    """Return whether a problem only comes from what was taken out before."""
    inside = any(other[: len(path)] == path for other in taken_out)
    if found["type"] == "missing":
        return inside if isinstance(found["input"], list | tuple) else path in taken_out
    return found["type"] == "value_error" and inside


def _explained(
    found: Mapping[str, Any], annotation: Any, path: Key, tree: Any, key: Key, document: Document
) -> Iterator[Problem]:
    if _column_mapping(path) == path:
        yield from _mapping_problems(_value_at(tree, path), key + path, document)
    else:
        yield _problem(found, annotation, path, key, document)


def _problem(
    found: Mapping[str, Any], annotation: Any, path: Key, key: Key, document: Document
) -> Problem:
    kind, context, value = found["type"], found.get("ctx", {}), found["input"]
    where = document.where(key + path)
    if kind == "extra_forbidden":
        name = str(path[-1])
        known = keys_of(type_at(annotation, path[:-1]))
        hint = nearest(name, known)
        return Problem(where, "unknown key", expected=f"one of {', '.join(known)}", next_step=hint)
    if kind == "missing" and isinstance(value, list | tuple):
        return Problem(where, "the list is too short", _shown(value))
    if kind == "missing":
        return Problem(where, "this key is missing")
    if kind == "value_error":
        text = str(context["error"])
        inner, _, rest = text.partition(": ")
        if rest and inner in keys_of(type_at(annotation, path)):
            return Problem(document.where((*key, *path, inner)), rest)
        if text.startswith("must be "):
            expected = text.removeprefix("must be ")
            return Problem(where, "the value does not fit", _shown(value), expected)
        return Problem(where, text)
    if kind == "literal_error":
        known = [str(choice) for choice in choices(type_at(annotation, path))]
        expected = f"one of {', '.join(known)}" if known else str(context["expected"])
        hint = nearest(str(value), known) if isinstance(value, str) else None
        return Problem(where, "the value is not known", _shown(value), expected, hint)
    limits = limits_of(field_at(annotation, path)) or _limit_in(context)
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return Problem(where, "the number is out of range", _shown(value), limits or found["msg"])
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return Problem(where, "the length does not fit", _shown(value), found["msg"].lower())
    expected = _KINDS.get(kind.split("_")[0], found["msg"])
    return Problem(where, "the type is wrong", _shown(value), expected)


def _mapping_problems(value: Any, key: Key, document: Document) -> Iterator[Problem]:
    """Explain one wrong column mapping by the form that was meant, not by all five."""
    form: type[BaseModel] | None = None
    if isinstance(value, dict):
        if "first_of" in value:
            form = FirstOf
        elif "concat" in value:
            form = Concat
        elif "constant" in value:
            form = Constant
        elif {"from_flags", "take"} & set(value):
            form = FromFlags
        elif "by_stage" in value:
            form = ByStage
        elif {"unit", "pattern", "zone"} & set(value):
            form = TimeSource
        elif {"column", "type"} & set(value):
            form = ColumnSource
    if form is None:
        taboo = "a column name without backticks and control characters"
        expected = taboo if isinstance(value, str) else _MAPPING_FORMS
        yield Problem(document.where(key), "the value does not fit", _shown(value), expected)
        return
    inner = Document(document.name, lines=document.lines)
    check_part(form, value, key, inner)
    yield from inner.problems


def _column_mapping(path: Key) -> Key | None:
    """Return the way to a column mapping where the path leads to one or into one."""
    for place, part in enumerate(path[:-1]):
        if part == "columns" and isinstance(path[place + 1], str):
            return path[: place + 2]
    return None


def _without_union_tags(path: Key, tree: Any) -> Key:
    """Return the path without the names of types that Pydantic puts into it; a key may be one."""
    plain: list[str | int] = []
    for part in path:
        if part in ("bool", "int", "float", "str") and not (
            isinstance(tree, dict) and part in tree
        ):
            continue
        plain.append(part)
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            tree = None
    return tuple(plain)


def _list_places(tree: Any) -> dict[int, list[int]]:
    """Return, for every list in the tree by its id, the places that its elements have."""
    if isinstance(tree, dict):
        inner = list(tree.values())
        places: dict[int, list[int]] = {}
    elif isinstance(tree, list):
        inner, places = tree, {id(tree): list(range(len(tree)))}
    else:
        return {}
    for value in inner:
        places |= _list_places(value)
    return places


def _original(tree: Any, path: Key, places: Mapping[int, list[int]]) -> Key:
    """Return the path with the places that list elements had before any was taken out."""
    original: list[str | int] = []
    for part in path:
        known = places.get(id(tree))
        is_place = isinstance(part, int) and known is not None and part < len(known)
        original.append(known[int(part)] if known and is_place else part)
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            tree = None
    return tuple(original)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _value_at(tree: Any, path: Key) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def _take_out(tree: Any, path: Key, places: Mapping[int, list[int]]) -> bool:
    """Remove what the path leads to; False where it is the whole tree."""
    if not path:
        return False
    try:
        holder = _value_at(tree, path[:-1])
        del holder[path[-1]]
        if id(holder) in places:
            del places[id(holder)][int(path[-1])]
    except (KeyError, IndexError, TypeError):
        return len(path) > 1  # gone with what was around it
    return True


def _limit_in(context: Mapping[str, Any]) -> str | None:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    limits = [f"{sign} {context[name]}" for name, sign in signs.items() if name in context]
    return f"a number {' and '.join(limits)}" if limits else None
