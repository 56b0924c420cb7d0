"""What may happen to a published file."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq


def flip(path: Path, first: int, last: int) -> None:
    """Turn all bits of some bytes, without touching the file that it is linked to."""
    content = bytearray(path.read_bytes())
    for place in range(first, last):
        content[place] ^= 0xFF
    path.unlink()
    path.write_bytes(content)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 20)


def _flip_footer(path: Path) -> None:
    size = path.stat().st_size
    flip(path, size - 40, size - 10)


def _flip_a_page(path: Path) -> None:
    footer = pq.read_metadata(path)
    column = footer.row_group(0).column(footer.schema.names.index("id"))
    begin = min(n for n in (column.dictionary_page_offset, column.data_page_offset) if n)
    flip(path, begin, begin + column.total_compressed_size)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "gone": lambda path: path.unlink(),
    "cut": _cut,
    "empty": lambda path: os.truncate(path, 0),
    "footer flipped": _flip_footer,
    "magic flipped": lambda path: flip(path, path.stat().st_size - 4, path.stat().st_size),
    "page flipped": _flip_a_page,
}
