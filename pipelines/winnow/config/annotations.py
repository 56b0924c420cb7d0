"""What the types of the config say about a place in it: its type, keys, choices and limits."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from winnow.config.yaml_text import Key


def type_at(annotation: Any, path: Key) -> Any:
    """Return the type of what the path leads to.

    Args:
        annotation: The type that the path starts from.
        path: The way to a value, with numbers for places in lists.

    Returns:
        The type without Annotated and without ``| None``; None where the types do not say.
    """
    annotation = _plain(annotation)
    for place, part in enumerate(path):
        if isinstance(part, int):
            inner = get_args(annotation)
            annotation = _plain(inner[0]) if inner else None
            continue
        info = field_at(annotation, path[place : place + 1])
        annotation = _plain(info.annotation) if info else None
    return annotation


def field_at(annotation: Any, path: Key) -> FieldInfo | None:
    """Return the field that the path leads to.

    Args:
        annotation: The type that the path starts from.
        path: The way to a key, by its name or its alias.

    Returns:
        The field; None where the path leads to no key of a model.
    """
    model = type_at(annotation, path[:-1]) if path else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            if path[-1] in (name, info.alias):
                return info
    return None


def keys_of(model: Any) -> list[str]:
    """Return the keys of a model as a person writes them.

    Args:
        model: What ``type_at`` returned.

    Returns:
        The alias of each field, or its name; nothing where this is no model.
    """
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [info.alias or name for name, info in model.model_fields.items()]
    return []


def choices(annotation: Any) -> tuple[Any, ...]:
    """Return the values among which a type leaves the choice.

    Args:
        annotation: What ``type_at`` returned.

    Returns:
        The values of a Literal; nothing where the type is not known.
    """
    return get_args(annotation) if annotation is not None else ()


def limits_of(info: FieldInfo | None) -> str | None:
    """Return ``a number >= 0 and <= 1`` from a field's limits.

    Args:
        info: What ``field_at`` returned.

    Returns:
        The limits in words; None where the field is not known or has none.
    """
    if info is None:
        return None
    limits = []
    for limit in info.metadata:
        if isinstance(limit, Ge):
            limits.append(f">= {limit.ge}")
        elif isinstance(limit, Gt):
            limits.append(f"> {limit.gt}")
        elif isinstance(limit, Le):
            limits.append(f"<= {limit.le}")
        elif isinstance(limit, Lt):
            limits.append(f"< {limit.lt}")
    return f"a number {' and '.join(limits)}" if limits else None


def _plain(annotation: Any) -> Any:
    """Return the annotation without Annotated and without ``| None``."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        rest = [choice for choice in get_args(annotation) if choice is not type(None)]
        if len(rest) == 1:
            return _plain(rest[0])
    return annotation
