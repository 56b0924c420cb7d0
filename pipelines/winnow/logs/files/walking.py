"""All files below a folder: links followed, each real file once, and what must not be there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.fs as pafs

from winnow.errors import InputError, Problem
from winnow.logs.files.locations import Location, hidden

_TABLES = {"_delta_log": "Delta", ".hoodie": "Hudi"}


@dataclass
class Walk:
    """A walk through the folders of one log; keeps what was met on the way.

    Attributes:
        log: The log's name, for messages.
        location: Its file system.
        problems: What stops the build: links that lead nowhere or in a circle, tables of their own.
        linked: Whether any link was followed.
    """

    log: str
    location: Location
    problems: list[Problem] = field(default_factory=list)
    linked: bool = False

    def files(self, info: pafs.FileInfo) -> list[pafs.FileInfo]:
        """Return the files of a folder and all folders below, by path; or the file that it is.

        Files and folders whose names begin with an underscore or a dot are no part of a log.
        """
        if info.type == pafs.FileType.File:
            return [info]
        if info.type != pafs.FileType.Directory:
            self._refuse(f"{info.path} is neither a file nor a folder", "Take it out of the log.")
            return []
        if self.location.local:
            found = list(self._local(info.path, (os.path.realpath(info.path),)))
        else:
            found = list(self._remote(info))
        return sorted(found, key=lambda entry: str(entry.path))

    def entries(self, path: str) -> list[pafs.FileInfo]:
        """Return what lies directly in a folder, by name; no links that lead nowhere."""
        try:
            if not self.location.local:
                return list(self.location.filesystem.get_file_info(pafs.FileSelector(path)))
            # A selector passes over links that lead nowhere, and says nothing.
            paths = sorted(Path(path).iterdir())
            infos = self.location.filesystem.get_file_info([str(path) for path in paths])
            self.linked = self.linked or any(path.is_symlink() for path in paths)
        except OSError as error:
            if refused := self.location.refusal(self.log, path, error):
                self.problems.append(refused)
                return []
            self._refuse(f"{path} cannot be read: {error}", "Make it readable, or move it away.")
            return []
        for info in infos:
            if info.type == pafs.FileType.NotFound and not hidden(info.base_name):
                what = f"{info.path} is a link that leads nowhere"
                self._refuse(what, "Correct the link, or remove it.")
        return [info for info in infos if info.type != pafs.FileType.NotFound]

    def _local(self, path: str, above: tuple[str, ...]) -> Iterator[pafs.FileInfo]:
        entries = self.entries(path)
        self._refuse_tables(path, {entry.base_name for entry in entries})
        for entry in entries:
            if hidden(entry.base_name):
                continue
            if entry.type == pafs.FileType.File:
                yield entry
            elif entry.type == pafs.FileType.Directory:
                real = os.path.realpath(entry.path)
                if real in above or f"{above[-1]}/".startswith(f"{real}/"):
                    self._refuse(
                        f"{entry.path} is a link to {real}, which it lies in: a circle",
                        "Remove the link.",
                    )
                else:
                    yield from self._local(entry.path, (*above, real))
            else:
                what = f"{entry.path} is neither a file nor a folder"
                self._refuse(what, "Take it out of the log.")

    def _remote(self, info: pafs.FileInfo) -> Iterator[pafs.FileInfo]:
        for entry in self.location.inside(info.path, recursive=True):
            inside = entry.path[len(info.path) :].strip("/").split("/")
            if inside[-1] in _TABLES:
                self._refuse_tables(entry.path.rpartition("/")[0], {inside[-1]})
            if entry.type == pafs.FileType.File and not any(map(hidden, inside)):
                yield entry

    def _refuse_tables(self, path: str, names: set[str]) -> None:
        for name in sorted(names & set(_TABLES)):
            self._refuse(
                f"{path} is a {_TABLES[name]} table inside of the log's folder: its files hold "
                "rows that are no longer, or not yet, of the table",
                "Name the table itself as path, or take it out of the log.",
            )

    def _refuse(self, what: str, next_step: str) -> None:
        self.problems.append(Problem(f"logs.{self.log}", what, next_step=next_step))

    def raise_if_any(self) -> None:
        """Raise what was met so far.

        Raises:
            InputError: Something stops the build.
        """
        InputError.raise_if_any(self.problems)
