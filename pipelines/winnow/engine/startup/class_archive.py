"""Spark's classes as Java has them in memory, in a file: Java need not read and check them again.

``make spark`` lets Java write the file (class data sharing) when the session ends that proves the
JARs; every later session on this machine maps it. Java lays a file aside that another Java wrote,
or that is for other JARs, and starts as it would without.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

ARCHIVE = "spark-classes.jsa"

# What Java says of an archive that it cannot use, or of classes that it cannot archive.
_SILENT = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")


def options_to_write(folder: Path) -> tuple[str, ...]:
    """Return Java's options to write the archive of a folder when it ends."""
    return (f"-XX:ArchiveClassesAtExit={folder / ARCHIVE}", *_SILENT)


def options_to_read(jars: Sequence[Path]) -> tuple[str, ...]:
    """Return Java's options to use the archive that lies beside the Delta JARs, if there is one."""
    path = jars[0].parent / ARCHIVE
    return (f"-XX:SharedArchiveFile={path}", *_SILENT) if path.is_file() else ()


def quoted(options: Sequence[str]) -> str:
    """Return options as Spark takes them, in one text; paths may have spaces."""
    return shlex.join(options)
