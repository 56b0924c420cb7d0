"""What the types of the config say about a key: what may stand below it, and its limits."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from winnow.config.yaml_text import Key

_SIGNS = {Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}


def along(annotation: Any, path: Key) -> tuple[Any, FieldInfo | None]:
    """Return what the types say about what a path leads to.

    Args:
        annotation: The type that the path starts from.
        path: The way to a value as Pydantic gives it: keys, list indices, and, where the type
            is a choice among several, the name of the chosen one.

    Returns:
        The type, without Annotated and without ``| None``, and the field whose type it is. None
        each where the types do not say.
    """
    annotation, info = _plain(annotation), None
    for part in path:
        inner, info = get_args(annotation), None
        if get_origin(annotation) in (Union, UnionType):
            found = (of for of in map(_plain, inner) if getattr(of, "__name__", None) == part)
            annotation = next(found, None)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = annotation.model_fields.items()
            info = next((field for name, field in fields if part in (name, field.alias)), None)
            annotation = _plain(info.annotation) if info else None
        else:  # the elements of a list, the values of a map
            annotation = _plain(inner[isinstance(part, str)]) if len(inner) > 1 else None
    return annotation, info


def without_choices(annotation: Any, path: Key) -> Key:
    """Return a path without the names of the types that were chosen among on the way.

    Args:
        annotation: The type that the path starts from. path: As in ``along``.
    """
    kept = []
    for end, part in enumerate(path):
        here, _ = along(annotation, path[:end])
        choices = get_args(here) if get_origin(here) in (Union, UnionType) else ()
        if part not in [getattr(_plain(choice), "__name__", None) for choice in choices]:
            kept.append(part)
    return tuple(kept)


def keys_of(model: Any, *, required: bool = False) -> list[str]:
    """Return the keys of a model as a person writes them, or those alone that must be there."""
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return []
    fields = model.model_fields.items()
    return [info.alias or name for name, info in fields if info.is_required() or not required]


def limits_of(info: FieldInfo | None) -> str | None:
    """Return ``a number >= 0 and <= 1`` from a field's limits, or None where it has none."""
    limits = [
        f"{sign} {getattr(limit, kind.__name__.lower())}"
        for limit in (info.metadata if info else ())
        for kind, sign in _SIGNS.items()
        if isinstance(limit, kind)
    ]
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
