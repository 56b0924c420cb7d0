"""Where a log lies: a folder or a file of a file system, or several by a pattern; and its files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow.fs as pafs

from winnow.errors import InputError, Problem
from winnow.storage.file_systems import file_system_of, store_refused, unreachable

_PATTERN_SIGNS = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class SourceFile:
    """One file of a log.

    Attributes:
        path: On the log's file system.
        size: In bytes.
        date: That of its folder, None where the log has no date folders.
        changed_us: When it was last written, in microseconds since 1970 UTC; 0 where unknown.
    """

    path: str
    size: int
    date: date | None
    changed_us: int = field(default=0, compare=False)


def source_file(info: pafs.FileInfo, day: date | None) -> SourceFile:
    """Return a file as the file system tells of it."""
    return SourceFile(info.path, info.size, day, (info.mtime_ns or 0) // 1_000)


@dataclass(frozen=True)
class Location:
    """Where a log lies: a file system, the path on it, and the text for messages and engines."""

    filesystem: pafs.FileSystem
    path: str
    scheme: str

    @classmethod
    def of(cls, text: str, base: Path) -> "Location":
        """Return the location of a configured path; relative paths start at ``base``.

        Raises:
            ConfigError: It is an address of a kind that cannot be read.
            InputError: What it leads to cannot be reached.
        """
        if "://" in text:
            filesystem, path = file_system_of(text, "logs")
            path = path.rstrip("/")
            given = text.rstrip("/")
            scheme = given[: len(given) - len(path)] if given.endswith(path) else "file://"
            return cls(filesystem, path, scheme)
        return cls(pafs.LocalFileSystem(), str((base / text).absolute()), "file://")

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine, where there are links."""
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    def uri(self, path: str) -> str:
        """Return the address that an engine reads a path of this file system under."""
        return f"{self.scheme}{path}"

    def below(self, path: str) -> str:
        """Return a path of this file system as it reads from the log's own path on.

        Of a pattern, from the last folder that is named without signs; a file that is the whole log
        is its name, and what lies elsewhere keeps its path.
        """
        names = self.path.split("/")
        fixed = next((i for i, name in enumerate(names) if _PATTERN_SIGNS.search(name)), len(names))
        root = "/".join(names[:fixed])
        return path.rpartition("/")[2] if path == root else path.removeprefix(f"{root}/")

    def info(self, path: str) -> pafs.FileInfo:
        """Return what the file system tells of a path, also where nothing is.

        Raises:
            InputError: It does not answer, or refuses to.
        """
        try:
            return self.filesystem.get_file_info(path)
        except OSError as error:
            raise InputError(unreachable("logs", self.uri(path), error)) from error

    def infos(self, paths: Sequence[str]) -> list[pafs.FileInfo]:
        """Return what the file system tells of several paths at once; raises as ``info``."""
        if not paths:
            return []
        try:
            return list(self.filesystem.get_file_info(list(paths)))
        except OSError as error:
            where = self.uri(paths[0]) if len(paths) == 1 else self.uri(self.path)
            raise InputError(unreachable("logs", where, error)) from error

    def inside(self, folder: str, *, recursive: bool = False) -> list[pafs.FileInfo]:
        """Return what lies directly in a folder, or anywhere below; raises as ``info``."""
        try:
            found = self.filesystem.get_file_info(pafs.FileSelector(folder, recursive=recursive))
        except OSError as error:
            raise InputError(unreachable("logs", self.uri(folder), error)) from error
        return list(found)

    def refusal(self, log: str, path: str, error: Exception) -> Problem | None:
        """Return the problem of a file that a store refuses or does not answer for; None of others.

        Args:
            log: The log's name, for the message. path: The file. error: What reading it raised.
        """
        if not store_refused(error):
            return None
        return unreachable(f"logs.{log}", self.uri(path), error)

    def holds_delta_log(self) -> bool:
        """Return whether a Delta table lies at the path; raises as ``info``."""
        return bool(self.info(f"{self.path}/_delta_log").type == pafs.FileType.Directory)

    def roots(self) -> list[pafs.FileInfo]:
        """Return what lies at the path, or else what its pattern matches, in order.

        A path that exists is taken as it is written; otherwise ``*``, ``?`` and ``[…]`` stand for
        what they do in a shell, within one name, and match no hidden name.

        Raises:
            InputError: The file system cannot be reached.
        """
        info = self.info(self.path)
        if info.type != pafs.FileType.NotFound:
            return [info]
        names = self.path.split("/")
        first = next((i for i, name in enumerate(names) if _PATTERN_SIGNS.search(name)), None)
        if first is None:
            return []
        found = [self.info("/".join(names[:first]) or "/")]
        for name in names[first:]:
            folders = [info.path for info in found if info.type == pafs.FileType.Directory]
            found = [
                info
                for folder in folders
                for info in self.inside(folder)
                if matches(info.base_name, name)
            ]
        return sorted(found, key=lambda info: str(info.path))


def hidden(name: str) -> bool:
    """Return whether a file or folder is no part of a log, by its name: ``_SUCCESS``, ``.crc``."""
    return name.startswith(("_", "."))


def matches(name: str, pattern: str) -> bool:
    """Return whether one name of a pattern stands for a name, as in a shell."""
    return fnmatchcase(name, pattern) and (not hidden(name) or hidden(pattern))
