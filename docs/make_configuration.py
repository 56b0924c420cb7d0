"""Write ``docs/configuration.md`` from the models: run ``python docs/make_configuration.py``.

Keys, types, ranges and defaults come from the models. What a key means stands in
``config/keys.yaml``; a test fails where a key has no meaning or a meaning has no key.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from winnow.config.json_schema import meanings
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.model import Frozen
from winnow.config.tree import Config

PAGE = Path(__file__).with_name("configuration.md")

_TEXTS = Path(__file__).with_name("configuration")
"""What the page says besides the tables of keys, a file each."""

_NEEDED = ("impressions", "clicks")


def render() -> str:
    """Return the page."""
    words = meanings()
    parts = [_text("introduction")]
    for path, model in models():
        parts += [f"## {_title(path, model)}", ""]
        if path == "logs.*":
            parts.append(_logs())
        parts += ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, info in _plain_fields(model):
            cells = [f"`{key}`", _type(info), _default(info), _cell(words[_dotted(path, key)])]
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
        if path == "logs.*":
            parts += ["## logs.*.columns", "", _text("columns")]
        if path == "logs.*.partition":
            parts.append(_text("folders"))
        if path == "logs.*.csv":
            parts.append(_text("text_logs"))
    return "\n".join(parts).rstrip() + "\n"


def _text(name: str) -> str:
    return (_TEXTS / f"{name}.md").read_text(encoding="utf-8")


def _logs() -> str:
    needed = " and ".join(f"`{name}`" for name in _NEEDED)
    *first, last = [f"`{name}`" for name in LOG_NAMES if name not in _NEEDED]
    return (
        f"The logs are {needed}, which must be there, and {', '.join(first)} and {last}, which may "
        "be\nleft out. What each of them must hold stands in [tables.md](tables.md).\n"
    )


def _title(path: str, model: type[Frozen]) -> str:
    source = model.model_fields.get("source")
    if path.endswith("[]") and source is not None:
        names = get_args(source.annotation)
        of = ", ".join(f"source: {name}" for name in names if isinstance(name, str))
        return f"{path}, {of or 'a source of your own'}"
    return path or "Top level"


def models() -> Iterator[tuple[str, type[Frozen]]]:
    """Give every part of the config with the dotted way to it; ``logs.*`` is any log."""
    yield "", Config
    yield "logs.*", LogConfig
    yield from _below(LogConfig, "logs.*")
    yield from _below(Config, "")


def known_keys() -> list[str]:
    """Return every key that has a value of its own, dotted."""
    return [_dotted(path, key) for path, model in models() for key, _ in _plain_fields(model)]


def _below(model: type[Frozen], path: str) -> Iterator[tuple[str, type[Frozen]]]:
    for name, info in model.model_fields.items():
        for inner in _models_of(info.annotation):
            if inner.__name__ != "Logs":
                way = _dotted(path, name)
                yield (f"{way}[]" if get_origin(info.annotation) is tuple else way), inner
                yield from _below(inner, way)


def _plain_fields(model: type[Frozen]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        # A part with keys of its own has a section; a list of parts has its own line as well.
        of_parts = _models_of(info.annotation)
        if not of_parts or get_origin(info.annotation) is tuple or _is_word(info.annotation):
            yield info.alias or name, info


def _models_of(annotation: Any) -> list[type[Frozen]]:
    """Return the parts that a key can hold: alone, optional, or as a list."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return [annotation]
    if get_origin(annotation) is dict:
        return []
    return [model for inner in get_args(annotation) for model in _models_of(inner)]


def _is_word(annotation: Any) -> bool:
    """Return whether a word may stand in place of a part."""
    return any(get_origin(inner) is Literal for inner in get_args(annotation))


def _type(info: FieldInfo) -> str:
    text = _type_name(info.annotation)
    bounds = [*info.metadata]
    signs = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}
    limits = [
        f"{sign} {_number(getattr(bound, kind.__name__.lower()))}"
        for bound in bounds
        for kind, sign in signs.items()
        if isinstance(bound, kind)
    ]
    return _cell(", ".join([text, *limits]))


def _type_name(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_name(inner[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is tuple:
        if inner[-1] is not Ellipsis:
            return f"{len(inner)} × {_type_name(inner[0])}"
        return f"list of {_type_name(inner[0])}"
    if origin is dict:
        of = get_args(inner[1])[0] if get_origin(inner[1]) is Annotated else inner[1]
        value = "source" if len(get_args(of)) > 4 else _type_name(of)
        return f"map of {_type_name(inner[0])} to {value}"
    if inner:
        plain = [part for part in inner if part is not type(None)]
        return " or ".join(_type_name(part) for part in plain)
    names = {str: "text", bool: "true or false", int: "whole number", float: "number", date: "date"}
    return names.get(annotation, "map")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = [_written(part) for part in value]
    value = _written(value)
    return f"`{_cell(json.dumps(value))}`"


def _written(value: Any) -> Any:
    """Return a part as one writes it: without the keys that nobody needs to write."""
    return value.model_dump(exclude_unset=True) if isinstance(value, Frozen) else value


def _number(value: float) -> str:
    return f"2^{int(value).bit_length() - 1}" if value >= 2**31 else f"{value:g}"


def _dotted(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
