"""Names with dots: a key of its own, or keys of objects within objects."""

from collections.abc import Iterator, Mapping
from typing import Any


def value_at(fields: Mapping[str, Any], name: str) -> Any:
    """Return a value of a JSON object by a key, or by keys of objects within it; else None."""
    if name in fields:
        return fields[name]
    for head, tail in splits(name):
        inner = fields.get(head)
        if isinstance(inner, dict) and (found := value_at(inner, tail)) is not None:
            return found
    return None


def splits(name: str) -> Iterator[tuple[str, str]]:
    """Give a name cut in two at each of its dots, the longest head first."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        yield ".".join(parts[:cut]), ".".join(parts[cut:])
