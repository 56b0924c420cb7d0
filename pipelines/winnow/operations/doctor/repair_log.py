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
from datetime import date
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from winnow.errors import Problem, ReleaseError, StoreError
from winnow.operations.doctor.log_entry import write_entry
from winnow.operations.doctor.set_aside import set_aside
from winnow.release.commits import Label
from winnow.release.delta_log import checkpoints_in_log, entry_path, log_folder, versions_in_log
from winnow.release.file_frames import day_of_folder
from winnow.release.log_damage import log_damage, log_problems
from winnow.release.metadata import PinnedFile, pinned_files
from winnow.release.pins import names_below
from winnow.release.release import Release
from winnow.release.table_files import parquet_file
from winnow.storage.object_path import Place

Action = dict[str, Any]
Proof = Callable[[Release, Sequence[Place], int], bool]
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
    moved: list[Place] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def repair_log(
    path: Place, pins: Mapping[int, Release], damaged: Place, proof: Proof
) -> RepairedLog:
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
            done.moved.append(set_aside(entry_path(path, version), damaged))
        write_entry(entry_path(path, version), actions)
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

    def __init__(self, path: Place, entries: dict[int, list[Action]]) -> None:
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

    def _named(self) -> set[Place]:
        return {
            self._path / unquote(one["add"]["path"])
            for actions in self.entries.values()
            for one in actions
            if "add" in one
        }

    def _taken_away_later(self, version: int, release: Release | None) -> tuple[list[Place], bool]:
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
        self, release: Release, files: Sequence[Place], version: int, proof: Proof
    ) -> list[Place] | None:
        """Return the files of a release: those that are known, or some that nothing names."""
        named = self._named()
        folder = self._path / f"ds={release.ds.isoformat()}"
        there: list[Place] = [*folder.glob("*.parquet")]
        rest = [file for file in sorted(there, key=str) if file not in named]
        # Files of one commit were linked together; those of runs that died lie there as well.
        for some in (files, [], rest, *_linked_together(rest)):
            if proof(release, some, version - 1):
                return list(some)
        return None


def _linked_together(files: Sequence[Place]) -> list[list[Place]]:
    """Return files in groups, each numbered from 0 on as one run has linked them, newest first."""
    groups: list[list[Place]] = []
    # Of a link the time that counts is that of its making; an object is made when it is written.
    for file in sorted(files, key=lambda one: (one.stat().st_ctime, one.name)):
        if not groups or file.name.startswith("part-00000-"):
            groups.append([])
        groups[-1].append(file)
    return groups[::-1]


def _actions(entry: Place) -> list[Action] | None:
    """Return the actions of an entry; None where it is damaged."""
    try:
        found = [json.loads(line) for line in entry.read_bytes().splitlines() if line]
    except StoreError:
        raise
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


def _add(path: Place, file: Place) -> Action:
    info = file.stat()
    day = day_of_folder(file.parent)
    added: Action = {
        "path": str(file).removeprefix(f"{path}/"),
        "partitionValues": {"ds": _text(day)},
        "size": info.st_size,
        "modificationTime": info.st_mtime_ns // 1_000_000,
        "dataChange": True,
    }
    # Of a damaged one it is not known what it held.
    with suppress(OSError, pa.ArrowException), parquet_file(str(file)) as opened:
        added["stats"] = json.dumps({"numRecords": opened.metadata.num_rows})
    return {"add": added}


def _remove(path: Place, file: PinnedFile, moment: int) -> Action:
    return {
        "remove": {
            "path": names_below(file, path),
            "deletionTimestamp": moment,
            "dataChange": True,
            "extendedFileMetadata": True,
            "partitionValues": {"ds": _text(file.ds)},
            "size": file.size,
        }
    }


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _without_damaged_checkpoints(path: Place, damaged: Place, done: RepairedLog) -> None:
    """Take checkpoints out of use that cannot be read: the entries are all there."""
    found = log_damage(path)
    if not all(damage.spare for damage in found):
        done.problems += (damage.problem for damage in found)
        return
    if not found:
        return
    hint = log_folder(path) / "_last_checkpoint"
    files = [file for own in checkpoints_in_log(path).values() for file in own]
    done.moved += [set_aside(file, damaged) for file in (*files, hint) if file.exists()]
