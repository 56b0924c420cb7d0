"""What is wrong with a Delta log that cannot be read: which of its files, and what helps."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import Problem, StoreError
from winnow.release.delta_log import (
    checkpoints_in_log,
    entry_path,
    log_folder,
    versions_in_log,
)
from winnow.storage.object_path import Place


@dataclass(frozen=True)
class Damage:
    """One file of a log that cannot be read, or is not there.

    Attributes:
        problem: What is wrong with it, and what helps.
        spare: Whether the log is whole without it: the entries that it sums up are all there.
    """

    problem: Problem
    spare: bool = False


def log_problems(path: Place) -> list[Problem]:
    """Return what keeps the Delta log of a table from being read; as ``log_damage``."""
    return [damage.problem for damage in log_damage(path)]


def log_damage(path: Place) -> list[Damage]:
    """Return what keeps the Delta log of a table from being read, each with its file.

    Entries that a checkpoint sums up may be gone: Delta removes them after the retention. What
    cannot be told from outside, such as an entry that lost whole lines, is not found here.

    Args:
        path: The folder of the table.

    Raises:
        StoreError: The object store does not answer, or refuses: nobody knows what is damaged.
    """
    folder = log_folder(path)
    try:
        versions = versions_in_log(path)
        checkpoints = checkpoints_in_log(path)
    except StoreError:
        raise
    except OSError as error:
        return [_broken(path, folder, "cannot be listed", error.strerror or str(error))]
    if not versions and not checkpoints:
        return [_broken(path, folder, "holds no entry")]
    found = list(_damaged_checkpoints(path, versions, checkpoints))
    if found:
        return found
    first = max(checkpoints, default=-1) + 1
    last = max([*versions, first - 1])
    for version in range(first, last + 1):
        entry = entry_path(path, version)
        if version not in versions:
            found.append(_broken(path, entry, "is missing"))
        elif what := _entry_problem(entry):
            found.append(_broken(path, entry, what))
    return found


def _damaged_checkpoints(
    path: Place, versions: list[int], checkpoints: dict[int, list[Place]]
) -> Iterator[Damage]:
    hint = log_folder(path) / "_last_checkpoint"
    # Without checkpoints a log is read from its first entry on, so they can be done without.
    whole = bool(versions) and versions == list(range(len(versions)))
    whole = whole and not any(_entry_problem(entry_path(path, version)) for version in versions)
    for files in checkpoints.values():
        for file in files:
            why = _unreadable(file)
            if why is None:
                continue
            step = f"Remove it and {hint.name}: the entries that it sums up are all there."
            yield _broken(path, file, "cannot be read", why, step if whole else None)
    named = _version_of_hint(hint)
    if named is not None and named not in checkpoints:
        step = f"Remove {hint}: without it the log is read from its start on."
        what = f"names a checkpoint of version {named}, which is not there"
        yield _broken(path, hint, what, None, step if whole else None)


def _entry_problem(entry: Place) -> str | None:
    """Return what is wrong with an entry: a line is no JSON object, or there is none."""
    try:
        lines = entry.read_bytes().splitlines()
    except StoreError:
        raise
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if not lines:
        return "is empty"
    for number, line in enumerate(lines, start=1):
        try:
            whole = isinstance(json.loads(line), dict)
        except ValueError:
            whole = False
        if not whole:
            return f"is cut or damaged in line {number}"
    return None


def _unreadable(file: Place) -> str | None:
    try:
        pq.read_table(BytesIO(file.read_bytes()))
    except StoreError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        return str(error).strip().splitlines()[0][:200] if str(error).strip() else "no message"
    return None


def _version_of_hint(hint: Place) -> int | None:
    """Return the version that ``_last_checkpoint`` names; None where it is not there or broken.

    A broken one is passed over by readers.
    """
    try:
        found: Any = json.loads(hint.read_bytes())
        return int(found["version"])
    except StoreError:
        raise
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _broken(
    path: Place, file: Place, what: str, found: str | None = None, to_spare: str | None = None
) -> Damage:
    """Return the damage of a file; ``to_spare`` says how to do without it, where one can."""
    restore = f"Restore it from a backup. Without one, move {path} away and build its dates again."
    problem = Problem(
        f"the Delta log of {path.name}", f"{file} {what}", found, next_step=to_spare or restore
    )
    return Damage(problem, spare=to_spare is not None)
