"""Which source code of Winnow a process has: tasks elsewhere must have the driver's."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def source_hash() -> str:
    """Return the SHA-256 of all modules of the package, names and contents, as hex digits.

    The same for a checkout, an installed wheel, and a zip that ``--py-files`` brought.
    """
    digest = sha256()
    for name, module in _modules(files("winnow"), ""):
        content = module.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _modules(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for one in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if one.name.endswith(".py"):
            yield f"{name}/{one.name}", one
        elif one.is_dir() and one.name != "__pycache__":
            yield from _modules(one, f"{name}/{one.name}")
