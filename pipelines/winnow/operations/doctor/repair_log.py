"""Writes entries of a table's Delta log again that were damaged or lost, from all that is known.

A commit of Winnow replaces one date. What it took away is what the version before named of that
date; what it brought is what a later commit took away, or the files of the date that no other entry
names. What a release pins is put back only where its content hash proves it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import ConflictError, Problem, ReleaseError
from winnow.release.commits import Label
from winnow.release.delta_log import checkpoints_in_log, entry_path, log_folder, versions_in_log
from winnow.release.file_frames import day_of_folder
from winnow.release.log_damage import log_damage, log_problems
from winnow.release.metadata import PinnedFile, pinned_files
from winnow.release.release import Release
from winnow.storage.object_path import local_path

Action = dict[str, Any]
Proof = Callable[[Release, Sequence[Path], int], bool]
"""Whether files are those of a release; the version tells the columns of the table."""


@dataclass
class RepairedLog:
    """What was done to the log of one table.

    Attributes:
        versions: Those whose entries were written again.
        moved: Where what was damaged is kept.
        problems: What could not be brought back, and what to do.
    """

    versions: list[int] = field(default_factory=list)
    moved: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def repair_log(path: Path, pins: Mapping[int, Release], damaged: Path, proof: Proof) -> RepairedLog:
    """Write the entries of a log again that are missing or cannot be read.

    Args:
        path: The folder of the table.
        pins: The releases by the versions of the table that they pin, also those that expired.
        damaged: The folder that keeps what is taken out of use.
        proof: Whether files hold what a release says of the table.
    """
    done = RepairedLog()
    if not log_folder(path).is_dir():
        done.problems += log_problems(path)
        return done
    versions = versions_in_log(path)
    # Entries that a checkpoint sums up may have been removed, all from the first one on.
    first = min(versions, default=0) if checkpoints_in_log(path) else 0
    known = {version: _actions(entry_path(path, version)) for version in versions}
    last = max([*versions, *pins], default=-1)
    log = _Log(path, {v: actions for v, actions in known.items() if actions is not None})
    for version in range(first, last + 1):
        if version in log.entries:
            continue
        actions = log.of_version(version, pins.get(version), proof) if version else None
        if actions is None:
            done.problems += log_problems(path)
            return done
        if version in known:
            done.moved.append(_move(entry_path(path, version), damaged))
        _write(entry_path(path, version), actions)
        log.entries[version] = actions
        done.versions.append(version)
        if version in pins and "userMetadata" not in actions[0]["commitInfo"]:
            release = pins[version]
            what = f"nobody knows what version {version} held, which it pins"
            step = f"Build {release.ds} again, and let this release expire."
            where = f"{path.name} of the release {release.release_id} of {release.ds}"
            done.problems.append(Problem(where, what, next_step=step))
    _without_damaged_checkpoints(path, damaged, done)
    return done


class _Log:
    """The entries of a log that can be read."""

    def __init__(self, path: Path, entries: dict[int, list[Action]]) -> None:
        self._path, self.entries = path, entries

    def of_version(
        self, version: int, release: Release | None, proof: Proof
    ) -> list[Action] | None:
        """Return the actions of a lost entry; None where the version before cannot be read."""
        files, is_sure = self._taken_away_later(version, release)
        day = next((day_of_folder(file.parent) for file in files), None)
        of_whom = None
        if release is not None:
            day = release.ds
            if (proven := self._proven(release, files, version, proof)) is not None:
                files, of_whom = proven, release
        if of_whom is None and not is_sure:
            files = []  # a lost entry between may have brought them: they stay for that
        try:
            before = pinned_files(self._path, version - 1, day) if day else []
        except ReleaseError:
            return None
        moment = int(time.time() * 1_000)
        return [
            _commit_info(of_whom, moment),
            *(_remove(self._path, file, moment) for file in before),
            *(_add(self._path, file) for file in files if file.is_file()),
        ]

    def _named(self) -> set[Path]:
        return {
            self._path / unquote(one["add"]["path"])
            for actions in self.entries.values()
            for one in actions
            if "add" in one
        }

    def _taken_away_later(self, version: int, release: Release | None) -> tuple[list[Path], bool]:
        """Return what the first later commit took away that no entry that is there has brought.

        And whether no other lost entry lies between, which may have brought it as well.
        """
        named = self._named()
        for later in sorted(one for one in self.entries if one > version):
            paths = (unquote(o["remove"]["path"]) for o in self.entries[later] if "remove" in o)
            found = [file for path in paths if (file := self._path / path) not in named]
            days = {day_of_folder(file.parent) for file in found}
            if found and (release is None or days == {release.ds}):
                return sorted(found), all(v in self.entries for v in range(version + 1, later))
        return [], True

    def _proven(
        self, release: Release, files: Sequence[Path], version: int, proof: Proof
    ) -> list[Path] | None:
        """Return the files of a release: those that are known, or some that nothing names."""
        named = self._named()
        folder = self._path / f"ds={release.ds.isoformat()}"
        rest = [file for file in sorted(folder.glob("*.parquet")) if file not in named]
        # Files of one commit were linked together; those of runs that died lie there as well.
        for some in (files, [], rest, *_linked_together(rest)):
            if proof(release, some, version - 1):
                return list(some)
        return None


def _linked_together(files: Sequence[Path]) -> list[list[Path]]:
    """Return files in groups, each numbered from 0 on as one run has linked them, newest first."""
    groups: list[list[Path]] = []
    for file in sorted(files, key=lambda one: (one.stat().st_ctime_ns, one.name)):
        if not groups or file.name.startswith("part-00000-"):
            groups.append([])
        groups[-1].append(file)
    return groups[::-1]


def _actions(entry: Path) -> list[Action] | None:
    """Return the actions of an entry; None where it is damaged."""
    try:
        found = [json.loads(line) for line in entry.read_bytes().splitlines() if line]
    except (OSError, ValueError):
        return None
    return found if found and all(isinstance(one, dict) for one in found) else None


def _commit_info(release: Release | None, moment: int) -> Action:
    info: Action = {
        "timestamp": moment,
        "operation": "WRITE",
        "operationParameters": {"mode": "Overwrite", "partitionBy": '["ds"]'},
    }
    if release is not None:
        label = Label(release.run_id, 1, release.config_hash, release.code_version)
        info["userMetadata"] = label.to_json()
    return {"commitInfo": info}


def _add(path: Path, file: Path) -> Action:
    info = file.stat()
    day = day_of_folder(file.parent)
    added: Action = {
        "path": file.relative_to(path).as_posix(),
        "partitionValues": {"ds": _text(day)},
        "size": info.st_size,
        "modificationTime": info.st_mtime_ns // 1_000_000,
        "dataChange": True,
    }
    with suppress(OSError, pa.ArrowException):  # a damaged one: what it held is not known
        added["stats"] = json.dumps({"numRecords": pq.read_metadata(file).num_rows})
    return {"add": added}


def _remove(path: Path, file: PinnedFile, moment: int) -> Action:
    return {
        "remove": {
            "path": local_path(file.path).relative_to(path).as_posix(),
            "deletionTimestamp": moment,
            "dataChange": True,
            "extendedFileMetadata": True,
            "partitionValues": {"ds": _text(file.ds)},
            "size": file.size,
        }
    }


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _write(entry: Path, actions: Sequence[Action]) -> None:
    """Write an entry whole, and only where none is there.

    Raises:
        ConflictError: Somebody committed this version meanwhile.
    """
    new = entry.with_name(f".{entry.name}.{uuid4().hex[:8]}")
    try:
        new.write_text("".join(json.dumps(one) + "\n" for one in actions), encoding="utf-8")
        _put_if_absent(entry, new)
    except FileExistsError as error:
        what, step = "somebody committed meanwhile", "Run it again."
        raise ConflictError(Problem(entry.parent.parent.name, what, next_step=step)) from error
    finally:
        new.unlink(missing_ok=True)


def _put_if_absent(entry: Path, new: Path) -> None:
    try:
        entry.hardlink_to(new)
    except FileExistsError:
        raise
    except OSError:  # this file system has no links
        with entry.open("xb") as out:
            out.write(new.read_bytes())


def _without_damaged_checkpoints(path: Path, damaged: Path, done: RepairedLog) -> None:
    """Take checkpoints out of use that cannot be read: the entries are all there."""
    found = log_damage(path)
    if not all(damage.spare for damage in found):
        done.problems += (damage.problem for damage in found)
        return
    if not found:
        return
    hint = log_folder(path) / "_last_checkpoint"
    files = [local_path(file) for own in checkpoints_in_log(path).values() for file in own]
    done.moved += [_move(file, damaged) for file in (*files, hint) if file.exists()]


def _move(file: Path, damaged: Path) -> Path:
    damaged.mkdir(parents=True, exist_ok=True)
    stamp = f"{datetime.now(UTC):%H%M%S%f}"
    return file.rename(damaged / f"{file.parent.parent.name}-{stamp}-{file.name}")
