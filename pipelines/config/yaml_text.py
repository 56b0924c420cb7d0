"""Read YAML with the line of every key, and refuse what YAML itself lets pass silently."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from pipelines.errors import Problem

Key = tuple[str | int, ...]
"""The way to a value: ``("logs", "clicks", "path")``, with numbers for places in lists."""


def dotted(key: Key) -> str:
    """Return ``hard.stages[1].name`` for the way to a value."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


@dataclass
class Document:
    """A parsed file.

    Attributes:
        name: The file's name, for messages.
        tree: Its content as JSON types: dates and times are ISO 8601 text. Where a key is given
            twice, the last one counts.
        lines: The line of every key, from 1.
        problems: What is wrong with the text itself.
    """

    name: str
    tree: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, key: Key) -> str:
        """Return the place of a key, or of the nearest key around it that is in the file."""
        present = key
        while present and present not in self.lines:
            present = present[:-1]
        place = f"{self.name}, line {self.lines[present]}" if present else self.name
        return f"{dotted(key)} ({place})" if key else place


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML. Syntax errors, keys given twice and keys that are no text become problems."""
    document = Document(name)
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _walk(node, (), document)
                # A key that is a list or a map cannot be constructed; it is a problem by now.
                document.tree = None if document.problems else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(error, name))
    except (ValueError, RecursionError) as error:
        document.problems.append(Problem(name, "a value cannot be read", found=str(error)))
    if document.problems:
        document.tree = None
    document.tree = _as_json(document.tree, (), document)
    return document


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return Problem(
        place, f"this is not YAML: {what}", next_step="Check indentation, quotes and colons there."
    )


def _walk(node: yaml.Node, key: Key, document: Document, around: tuple[int, ...] = ()) -> None:
    if id(node) in around:
        place = f"{document.name}, line {node.start_mark.line + 1}"
        document.problems.append(Problem(place, "an alias contains itself"))
        return
    around = (*around, id(node))
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            line = name.start_mark.line + 1
            plain = isinstance(name, yaml.ScalarNode)
            inner = (*key, str(name.value) if plain else "?")
            place = f"{dotted(inner)} ({document.name}, line {line})"
            if not plain or name.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                document.problems.append(
                    Problem(place, "a key must be text", next_step="Put it in quotes.")
                )
            elif inner in document.lines:
                document.problems.append(
                    Problem(
                        place,
                        "this key is given twice",
                        found=f"it in lines {document.lines[inner]} and {line}",
                        next_step="Keep one of them.",
                    )
                )
            document.lines[inner] = line
            _walk(value, inner, document, around)
    elif isinstance(node, yaml.SequenceNode):
        for place_in_list, value in enumerate(node.value):
            inner = (*key, place_in_list)
            document.lines[inner] = value.start_mark.line + 1
            _walk(value, inner, document, around)


def _as_json(value: Any, key: Key, document: Document) -> Any:
    """Return the value in JSON types; NaN, infinity and YAML's other types are problems."""
    if isinstance(value, Mapping):
        return {str(name): _as_json(inner, (*key, name), document) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner, (*key, place), document) for place, inner in enumerate(value)]
    if isinstance(value, date):
        return value.isoformat()
    finite = not isinstance(value, float) or math.isfinite(value)
    if finite and (value is None or isinstance(value, bool | int | float | str)):
        return value
    document.problems.append(
        Problem(
            document.where(key),
            "the value does not fit",
            found=str(value) if isinstance(value, Hashable) else type(value).__name__,
            expected="text, a finite number, a date, true, false, a list or a map",
        )
    )
    return None
