"""A user's suite of Great Expectations, and what its gates are called."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from winnow.config.expectations import Expectations
from winnow.shown_text import shown

GROUP = "expectations"
"""The group of these gates, and how their names begin."""


@dataclass(frozen=True)
class Expected:
    """One expectation of a suite.

    Attributes:
        gate: The name of its gate: ``expectations.<table or log>.<its own name>``.
        severity: What its gate does where it is not met.
        tree: The expectation as Great Expectations writes it: type, kwargs, meta, severity, ….
    """

    gate: str
    severity: Literal["fail", "warn"]
    tree: Mapping[str, Any]

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """What is asked for: column, bounds, ``mostly``, …."""
        return dict(self.tree.get("kwargs", {}))

    @property
    def meaning(self) -> str:
        """What it says, in its own words where it has some, else by its type and column."""
        said = self.tree.get("description") or self.tree.get("notes")
        if said:
            return shown(said if isinstance(said, str) else " ".join(map(str, said)))
        columns = _columns_text(self.kwargs)
        text = str(self.tree["type"]).removeprefix("expect_").replace("_", " ")
        return shown(f"{columns}: {text}" if columns else text)

    @property
    def wanted(self) -> str:
        """What is allowed, in words."""
        rest = {key: value for key, value in self.kwargs.items() if key not in COLUMN_KEYS}
        words = [f"{key} {json.dumps(value, default=str)}" for key, value in rest.items()]
        return shown(", ".join(words)) or str(self.tree["type"])


@dataclass(frozen=True)
class Suite:
    """A suite that was read and found right.

    Attributes:
        given: The entry of the config.
        name: Its own name. source: The name of its file; empty where the config holds it.
        expected: Its expectations, in its order.
        parameters: Its own values for ``$PARAMETER`` in kwargs.
    """

    given: Expectations
    name: str
    source: str
    expected: tuple[Expected, ...]
    parameters: Mapping[str, Any]

    @property
    def content(self) -> str:
        """The expectations as JSON with sorted keys."""
        return json.dumps([dict(one.tree) for one in self.expected], sort_keys=True, default=str)

    @property
    def sha256(self) -> str:
        """The SHA-256 of ``content``, as hex digits."""
        return hashlib.sha256(self.content.encode()).hexdigest()


COLUMN_KEYS = ("column", "column_A", "column_B", "column_list")
"""The kwargs that name columns."""


def columns_of(kwargs: Mapping[str, Any]) -> list[str]:
    """Return the columns that kwargs name, in their order."""
    found: list[str] = []
    for key in COLUMN_KEYS:
        value = kwargs.get(key)
        names = value if isinstance(value, list | tuple) else [value]
        found += [name for name in names if isinstance(name, str)]
    return found


def expected_of(
    trees: Sequence[Mapping[str, Any]], given: Expectations, known: set[str]
) -> tuple[Expected, ...]:
    """Return the expectations with the names of their gates.

    A gate is called by ``meta: {name: …}`` or by type and columns, so that it keeps its name where
    others are added before it; a name that is there already gets a number.

    Args:
        trees: Expectations as Great Expectations writes them.
        given: The entry of the config that they belong to.
        known: The names that are there; the new ones are added.
    """
    found = []
    for tree in trees:
        name = f"{GROUP}.{given.subject}.{_own_name(tree)}"
        number, unique = 1, name
        while unique in known:
            number += 1
            unique = f"{name}.{number}"
        known.add(unique)
        fails = tree.get("severity", "critical") == "critical"
        found.append(Expected(unique, given.severity or ("fail" if fails else "warn"), tree))
    return tuple(found)


def _own_name(tree: Mapping[str, Any]) -> str:
    named = (tree.get("meta") or {}).get("name")
    if isinstance(named, str) and named.strip():
        return shown(named.strip(), 80)
    kind = str(tree["type"]).removeprefix("expect_")
    return shown(".".join([kind, *columns_of(tree.get("kwargs", {}))]), 120)


def _columns_text(kwargs: Mapping[str, Any]) -> str:
    return ", ".join(columns_of(kwargs))
