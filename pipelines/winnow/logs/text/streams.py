"""Text files as streams of UTF-8 bytes, whatever compresses, encodes and ends their lines."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

Compression = Literal["gzip", "bz2", "zstd"]

COMPRESSIONS: dict[str, Compression] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".bz2": "bz2",
    ".zst": "zstd",
    ".zstd": "zstd",
}
"""The endings of file names that tell a compression."""

_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    # A frame to skip, which some writers begin with; its last four bits are free.
    *((bytes([low, 0x2A, 0x4D, 0x18]), "zstd") for low in range(0x50, 0x60)),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark it begins with.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BUFFER_BYTES = 2**20
_BAD_BYTE = b"\xff"
_SHOWN_BYTES = re.compile(rb"\xff(?:\\x[0-9a-f]{2})+")
"""Stands before bytes that could not be decoded: no UTF-8 has it."""


@dataclass(frozen=True)
class TextShape:
    r"""How the bytes of a text file become lines.

    Attributes:
        compression: What to undo first, or None.
        encoding: The name of a Python codec.
        line_end: ``\n``, which a carriage return may stand before, or ``\r`` alone.
        divisible: True where a line end is always the end of a row, so that several tasks may
            each read a part.
    """

    compression: Compression | None = None
    encoding: str = "utf-8"
    line_end: Literal["\n", "\r"] = "\n"
    divisible: bool = True

    @property
    def plain(self) -> bool:
        """Return whether the file's bytes are the stream's bytes."""
        return self.compression is None and self.encoding == "utf-8"


def compression_of(path: str, head: bytes) -> Compression | None:
    """Return the compression that a file's name or its first bytes tell."""
    for ending, compression in COMPRESSIONS.items():
        if path.lower().endswith(ending):
            return compression
    for magic, compression in _MAGIC:
        if head.startswith(magic) and (compression != "bz2" or head[4:10] == b"1AY&SY"):
            return compression
    return None


def encoding_of(head: bytes, configured: str | None) -> str:
    """Return the codec of a text: its byte order mark wins over what is configured."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    return marked or configured or "utf-8"


def line_end_of(head: bytes) -> Literal["\n", "\r"]:
    """Return what ends a line: a carriage return alone only where no line feed is to be seen."""
    return "\r" if b"\n" not in head and b"\r" in head[:-1] else "\n"


def open_stream(handle: pa.NativeFile, shape: TextShape) -> io.BufferedReader:
    r"""Return a file's text as UTF-8, decompressed.

    Reading on raises OSError where a compressed file is truncated or damaged. Bytes that cannot
    be decoded become ``\xff`` and text that shows them, so that their line is no UTF-8.
    """
    stream: Any = handle
    if shape.compression is not None:
        stream = pa.CompressedInputStream(handle, shape.compression)
    if shape.encoding != "utf-8":
        stream = _Transcoded(stream, shape.encoding)
    return io.BufferedReader(stream, _BUFFER_BYTES)


def lines_of(stream: io.BufferedReader, line_end: str) -> Iterator[bytes]:
    """Give the lines of a stream with their ends; the last one may have none."""
    if line_end == "\n":
        yield from stream
        return
    rest = b""
    while chunk := stream.read(_BUFFER_BYTES):
        *whole, rest = (rest + chunk).split(b"\r")
        for line in whole:
            yield line + b"\r"
    if rest:
        yield rest


def clean_line(raw: bytes, encoding: str = "utf-8") -> tuple[str, bool]:
    """Return a line without byte order mark and line end, and whether all of it was decoded.

    Bytes that could not be decoded are written as a backslash, x and two hexadecimal digits.
    """
    body = raw.removesuffix(b"\n").removesuffix(b"\r").removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode(), True
    except UnicodeDecodeError:
        if encoding != "utf-8":
            body = body.replace(_BAD_BYTE, b"")
        return body.decode(errors="backslashreplace"), False


def readable_line(raw: bytes, encoding: str) -> str:
    """Return a line that is not all text, ``UNKNOWN`` in the place of what could not be decoded."""
    body = raw.removesuffix(b"\n").removesuffix(b"\r").removeprefix(codecs.BOM_UTF8)
    if encoding != "utf-8":
        # The text that shows bad bytes is none of the line, and no JSON.
        body = _SHOWN_BYTES.sub(_BAD_BYTE, body)
    return body.decode(errors="replace")


UNKNOWN = "\ufffd"
"""Stands for bytes that could not be decoded."""


class _Transcoded(io.RawIOBase):
    """Another encoding's bytes, read as UTF-8."""

    def __init__(self, source: Any, encoding: str) -> None:
        super().__init__()
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(_SHOWN)
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._rest and not self._ended:
            chunk = self._source.read(_BUFFER_BYTES)
            self._ended = not chunk
            text = self._decoder.decode(chunk, final=self._ended)
            self._rest = text.encode("utf-8", "surrogateescape")
        count = min(len(target), len(self._rest))
        target[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


_SHOWN = "winnow-shown"


def _shown(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "\udcff" + "".join(f"\\x{byte:02x}" for byte in bad), error.end


codecs.register_error(_SHOWN, _shown)
