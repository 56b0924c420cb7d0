"""What every source of negatives is, in words: one place for ``winnow explain`` and the docs."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

import yaml
from pydantic import Field

from winnow.config.entries import OwnEntry
from winnow.config.entry import Entry
from winnow.config.model import Frozen
from winnow.config.sources import own_source

_OF_EVERY_ENTRY = {"source", "share", "count"}
_OF_DRAWS = {
    "not_recalled": "nothing that the ranking log has of the request",
    "distinct": "no item twice for a positive",
}
"""What a setting that every source of draws has adds."""


class SourceWords(Frozen):
    """The words of one source; ``{setting}`` in some stands for what the config says.

    Attributes:
        does: What it gives. options: What a setting that ``does`` does not name adds.
        formula: How likely an item is before anything is forbidden, or how it is chosen; empty
            where ``does`` says it.
        probability: What the probability on the row is, and given what.
        shortfall: When it gives too few.
        use, avoid: When it is right, and when it is not.
        paper: Where it comes from, if it was published. price: What it costs.
    """

    does: str
    options: dict[str, str] = Field(default_factory=dict)
    formula: str
    probability: str
    shortfall: str
    use: str
    avoid: str
    paper: str
    price: str


@cache
def source_words() -> Mapping[str, SourceWords]:
    """Return the words of every source that Winnow brings, by its name."""
    text = files("winnow.config").joinpath("source_words.yaml").read_text(encoding="utf-8")
    return {name: SourceWords.model_validate(of) for name, of in yaml.safe_load(text).items()}


def what_it_does(entry: Entry, values: Mapping[str, str], stands_for: Mapping[str, str]) -> str:
    """Return in words what one source of a config gives, with every setting of it.

    A setting that no words know is named with its value, so that none is passed over.

    Args:
        entry: The source. values: What its words may name besides its own settings.
        stands_for: Settings that one of ``values`` tells, by its name.
    """
    settings = {name: value for name, value in entry if name not in _OF_EVERY_ENTRY}
    if isinstance(entry, OwnEntry):
        own = own_source(entry.source)
        says = "" if own is None else str(own.drawn_by.__doc__ or "").strip().partition("\n")[0]
        words, options = says or f"draws as the source {entry.source} says", {}
        parts = [words.rstrip(".")]
        parts += [f"{name}: {_shown(value)}" for name, value in entry.settings.items()]
        parts += [text for name, text in _OF_DRAWS.items() if settings[name]]
        return ", ".join(parts)
    of = source_words()[entry.source]
    words, options = of.does, _OF_DRAWS | of.options
    named = {field for _, field, _, _ in Formatter().parse(words) if field}
    told = named | {name for name, by in stands_for.items() if by in named}
    shown = {**{name: _shown(value) for name, value in settings.items()}, **values}
    parts = [words.format_map(shown)]
    for name, value in settings.items():
        if name in told or value == type(entry).model_fields[name].default:
            continue
        parts.append(options.get(name, name + ": {" + name + "}").format_map(shown))
    return ", ".join(parts)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return " and ".join(_shown(one) for one in value)
    return str(value)
