"""What a file is that should be text and is none, or is not all there."""

from winnow.errors import Problem
from winnow.logs.files.locations import SourceFile
from winnow.logs.text.streams import COMPRESSIONS, TextShape

_NO_TEXT = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive, as .xlsx files are"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
)


def not_text(log: str, file: SourceFile, head: bytes, shape: TextShape) -> Problem | None:
    """Return what a file is that is no text, or no text of its encoding."""
    for magic, what in _NO_TEXT:
        if head.startswith(magic):
            fix = f"Text may be compressed as {', '.join(COMPRESSIONS)}."
            return Problem(f"logs.{log}", f"{file.path} is {what}, no text", next_step=fix)
    if shape.encoding == "utf-8" and head[:4096].count(0) * 4 > len(head[:4096]):
        return Problem(
            f"logs.{log}",
            f"{file.path} is no UTF-8: it holds bytes of value zero, as UTF-16 without a byte "
            "order mark does",
            next_step="Say how it is encoded, for example encoding: utf-16-le.",
        )
    return None


def damaged_text(log: str, file: SourceFile, error: Exception) -> Problem:
    """Return the problem of a text file that cannot be read to its end."""
    ending = next((kind for end, kind in COMPRESSIONS.items() if file.path.endswith(end)), "text")
    return Problem(
        f"logs.{log}",
        f"{file.path} is not a complete {ending} file",
        str(error),
        next_step="Write the file again.",
    )
