"""What a file is that should be lines of text and is none, or is not all there."""

import re
from collections.abc import Sequence

from winnow.errors import Problem
from winnow.logs.files.locations import SourceFile
from winnow.logs.text.csv_records import UnreadableLineError
from winnow.logs.text.lines import json_fields
from winnow.logs.text.streams import COMPRESSIONS, TextShape, clean_line

_ARRAY = re.compile(r"\[\s*([{\[\]]|$)")
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


def not_json_lines(log: str, file: SourceFile, first_lines: Sequence[bytes]) -> Problem | None:
    """Return that a file is JSON, but not an object a line: an array, or objects of many lines."""
    texts = [text for raw in first_lines if (text := clean_line(raw)[0].strip())]
    # A line such as ``[WARN] restarted`` is one line that is broken.
    is_array = bool(texts) and _ARRAY.match(texts[0]) is not None
    if not texts or not (is_array or texts[0] == "{"):
        return None
    if sum(map(_is_object, texts)) * 2 >= len(texts):
        return None
    what = "a JSON array" if is_array else "JSON with objects of several lines"
    return Problem(
        f"logs.{log}",
        f"{file.path} is {what}, no JSON lines",
        expected="one object a line",
        next_step="Write it so, for example with jq -c '.[]' or pandas to_json(lines=True, "
        "orient='records')."
        if is_array
        else "Write it so, for example with jq -c '.'.",
    )


def _is_object(text: str) -> bool:
    try:
        json_fields(text)
    except UnreadableLineError:
        return False
    return True


def damaged_text(log: str, file: SourceFile, error: Exception) -> Problem:
    """Return the problem of a text file that cannot be read to its end."""
    ending = next((kind for end, kind in COMPRESSIONS.items() if file.path.endswith(end)), "text")
    return Problem(
        f"logs.{log}",
        f"{file.path} is not a complete {ending} file",
        str(error),
        next_step="Write the file again.",
    )
