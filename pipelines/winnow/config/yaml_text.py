"""Read YAML with the line of every key, and refuse what YAML itself lets pass silently."""

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from winnow.errors import Problem

_MOST_BY_ALIASES = 1_000_000
"""What the aliases of a file may add to it, in signs and values. A few hundred bytes of aliases can
stand for more than any memory holds."""
_DEEPEST = 50
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_DIGITS = 400

Key = tuple[str | int, ...]
"""The way to a value: ``("logs", "clicks", "path")``, with numbers for list indices."""


def dotted(key: Key) -> str:
    """Return ``funnel.stages[1].name`` for the way to a value."""
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
        """Return where a key stands in the file, or the nearest key around it."""
        present = key
        while present and present not in self.lines:
            present = present[:-1]
        where = f"{self.name}, line {self.lines[present]}" if present else self.name
        return f"{dotted(key)} ({where})" if key else where


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML. Syntax errors, keys given twice and keys that are no text become problems."""
    document = Document(name)
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is not None and not _multiplies(node, document):
                _walk(node, (), document)
                # A key that is a list or a map cannot be constructed; it is a problem by now.
                document.tree = None if document.problems else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(error, name))
    except RecursionError:
        document.problems.append(Problem(name, "lists and maps are nested too deeply"))
    except (ValueError, TypeError, OverflowError) as error:
        document.problems.append(Problem(name, "a value cannot be read", found=str(error)))
    if document.problems:
        document.tree = None
    document.tree = _as_json(document.tree, (), document)
    return document


def _multiplies(node: yaml.Node, document: Document) -> bool:
    """Note a problem where aliases stand for far more than is written, nested or many times."""
    sizes: dict[int, int] = {}
    written = 0

    def size(of: yaml.Node) -> int:
        nonlocal written
        if id(of) in sizes:
            return sizes[id(of)]
        sizes[id(of)] = 0  # what an alias inside of itself adds
        inner: Iterable[yaml.Node] = ()
        alone = 1
        if isinstance(of, yaml.MappingNode):
            inner = (part for pair in of.value for part in pair)
        elif isinstance(of, yaml.SequenceNode):
            inner = of.value
        else:
            alone += len(of.value)
        written += alone
        sizes[id(of)] = alone + sum(map(size, inner))
        return sizes[id(of)]

    added = size(node) - written
    if added <= _MOST_BY_ALIASES:
        return False
    document.problems.append(
        Problem(
            document.name,
            "the aliases of the file stand for too much",
            found=f"{added:,} signs and values" if added < 10**30 else "more than can be counted",
            expected=f"{_MOST_BY_ALIASES:,} at most",
            next_step="Write out what is meant, once.",
        )
    )
    return True


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return Problem(
        where, f"this is not YAML: {what}", next_step="Check indentation, quotes and colons there."
    )


def _walk(node: yaml.Node, key: Key, document: Document, around: tuple[int, ...] = ()) -> None:
    if id(node) in around:
        where = f"{document.name}, line {node.start_mark.line + 1}"
        document.problems.append(Problem(where, "an alias contains itself"))
        return
    if len(key) > _DEEPEST:
        where = f"{document.name}, line {node.start_mark.line + 1}"
        document.problems.append(Problem(where, "lists and maps are nested too deeply"))
        return
    around = (*around, id(node))
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            line = name.start_mark.line + 1
            plain = isinstance(name, yaml.ScalarNode)
            inner = (*key, str(name.value) if plain else "?")
            where = f"{dotted(inner)} ({document.name}, line {line})"
            if not plain or name.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                document.problems.append(
                    Problem(where, "a key must be text", next_step="Put it in quotes.")
                )
            elif inner in document.lines:
                document.problems.append(
                    Problem(
                        where,
                        "this key is given twice",
                        found=f"it in lines {document.lines[inner]} and {line}",
                        next_step="Keep one of them.",
                    )
                )
            document.lines[inner] = line
            _walk(value, inner, document, around)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*key, index)
            document.lines[inner] = value.start_mark.line + 1
            _walk(value, inner, document, around)
    elif node.tag == "tag:yaml.org,2002:int" and len(node.value) > _MOST_DIGITS:
        document.problems.append(_too_large(key, f"{len(node.value):,} digits", document))


def _too_large(key: Key, found: str, document: Document) -> Problem:
    return Problem(
        document.where(key), "the number is too large", found, "a number that fits in 64 bits"
    )


def _as_json(value: Any, key: Key, document: Document) -> Any:
    """Return the value in JSON types; NaN, infinity and YAML's other types are problems."""
    if isinstance(value, Mapping):
        return {str(name): _as_json(inner, (*key, name), document) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner, (*key, index), document) for index, inner in enumerate(value)]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and value.bit_length() > 64:
        document.problems.append(_too_large(key, str(value), document))
        return None
    if isinstance(value, str) and not value.isascii() and _LONE_SURROGATE.search(value):
        document.problems.append(
            Problem(document.where(key), "this text is not Unicode", found=ascii(value))
        )
        return None
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
