"""Local folders as addresses for an engine, whose default file system may be another one."""

import re
from pathlib import Path


def file_uri(path: Path) -> str:
    """Return the address of a local folder or file, to write to."""
    return f"file://{path}"


def literal(uri: str) -> str:
    """Return an address to read from, its signs escaped: to an engine it may be a pattern."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", uri)
