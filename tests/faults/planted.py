"""Mistakes in the code that publishes, expires and vacuums: each must be found by exploring."""

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from winnow.operations.retention import expire, pinned_files, status_changes, vacuum
from winnow.release import guarded_append, linked_files, promotion, store


@dataclass(frozen=True)
class Bug:
    """One place of the real code, written otherwise.

    Attributes:
        owner: The module or class.
        name: Its function.
        old: What stands there, exactly once.
        new: What stands there instead.
        scenario: Where it shows; a name of ``SCENARIOS``.
        found: Part of the promise that is then broken.
    """

    owner: Any
    name: str
    old: str
    new: str
    scenario: str
    found: str


_PROMOTED = """pins = tuple(
        TablePin(name, store.promote(table, day, label), table.content)
        for name, table in staged.items()
    )"""
_PROMOTED_AFTER = """first, last = staged.values()
    version = store.promote(first, day, label)
    pins = tuple(TablePin(name, version, table.content) for name, table in staged.items())"""
_RELEASED = "released = release(store, pins, run, since)"
_FILES_FIRST = """limit = min([moment - older_than, *_begun(warehouse, moment)])
    snapshot = read_releases(warehouse)"""
_RUNS_LAST = """snapshot = read_releases(warehouse)
    limit = min([moment - older_than, *_begun(warehouse, moment)])"""

BUGS = {
    "the release is appended before the last table is promoted": Bug(
        promotion,
        "publish",
        f"{_PROMOTED}\n    {_RELEASED}",
        f"{_PROMOTED_AFTER}\n    {_RELEASED}\n    store.promote(last, day, label)",
        "two runs of one date",
        "pins a version that is not there",
    ),
    "nobody looks whether the date was released meanwhile": Bug(
        promotion,
        "release",
        "refuse_if_overtaken(snapshot, since, run)",
        "pass",
        "two runs of one date",
        "two runs have won",
    ),
    "the look is at the releases of the start": Bug(
        promotion,
        "refuse_if_overtaken",
        "newest = now.listed_newest(run.day)",
        "newest = since.listed_newest(run.day)",
        "two runs of one date",
        "two runs have won",
    ),
    "a release is appended whatever was committed meanwhile": Bug(
        guarded_append,
        "append_unless_changed",
        "max_commit_retries=0",
        "max_commit_retries=15",
        "two runs of one date",
        "two releases have the same number",
    ),
    "a date is replaced whatever was committed meanwhile": Bug(
        linked_files.DayCommit,
        "replace_by",
        "max_commit_retries=0",
        "max_commit_retries=15",
        "two runs of one date",
        "found storage that is broken",
    ),
    "a release is not read back": Bug(
        promotion,
        "publish",
        "check_release_is_there(store, released)",
        "pass",
        "a fault of the storage",
        "there is no such release",
    ),
    "a lost answer is taken for another run's release": Bug(
        promotion,
        "release",
        "if store.releases_snapshot().find(wanted.release_id) is not None:",
        "if False:",
        "a fault of the storage",
        "says that it released nothing, and did",
    ),
    "a lost answer is taken for another run's date": Bug(
        linked_files.DayCommit,
        "replace_by",
        "if paths and now == paths:",
        "if False:",
        "a fault of the storage",
        "no other run was at work",
    ),
    "a promoted version is not read back": Bug(
        store.Store,
        "promote",
        "if found != staged.content:",
        "if False:",
        "a fault of the storage",
        "is read with other content than was audited",
    ),
    "the newest version is pinned, whoever committed it": Bug(
        store.Store,
        "promote",
        "version = version_labelled(table_path(self._warehouse, contract.table), label)",
        "version = self.newest_version(contract.table)",
        "two runs of two dates",
        "pins a version of another run",
    ),
    "equal content is not asked for before nothing is done": Bug(
        promotion,
        "already_released",
        "return newest if there == wanted else None",
        "return newest",
        "a run of changed inputs",
        "the release holds other content",
    ),
    "the staging is dropped before it is promoted": Bug(
        promotion,
        "publish",
        "label = Label(",
        "drop_staging(store.warehouse, run.run_id)\n    label = Label(",
        "two runs of one date",
        "was refused",
    ),
    "vacuum looks at runs after it has read the releases": Bug(
        vacuum,
        "find_unpinned",
        _FILES_FIRST,
        _RUNS_LAST,
        "a slow run and vacuum",
        "pins a file that was deleted",
    ),
    "vacuum does not ask for runs at work": Bug(
        vacuum,
        "find_unpinned",
        "min([moment - older_than, *_begun(warehouse, moment)])",
        "moment - older_than",
        "a slow run and vacuum",
        "found storage that is broken",
    ),
    "vacuum forgets who has an expired release open": Bug(
        pinned_files,
        "pinned_files_of",
        "(*releases.live, *releases.just_expired)",
        "releases.live",
        "expire and vacuum",
        "pins a file that was deleted",
    ),
    "vacuum keeps the newest release only": Bug(
        pinned_files,
        "pinned_files_of",
        "*releases.live,",
        "*releases.live[-1:],",
        "expire and vacuum",
        "pins a file that was deleted",
    ),
    "two changes of release_status at once: the later one wins": Bug(
        status_changes,
        "write_changes",
        "table = open_version(path, version)",
        "table = open_version(path, None)",
        "a tag and expire",
        "was overwritten by another",
    ),
    "expire does not ask for tags": Bug(
        expire,
        "find_expiring",
        "tuple(one for one in named if one.release_id not in tags)",
        "tuple(named)",
        "a tag and expire",
        "a release with a tag has expired",
    ),
    "expire takes the newest release of a date as well": Bug(
        expire.ExpireRule,
        "names",
        "if newer < (self.keep_last or 1):",
        "if newer < 0:",
        "expire and vacuum",
        "a date has no release any more",
    ),
}


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Put a mistake into the code that runs, for as long as the block does."""
    real = getattr(bug.owner, bug.name)
    source = textwrap.dedent(inspect.getsource(real))
    # Methods are indented by four more in their file than here.
    old, new = (
        (textwrap.dedent(text) if inspect.isclass(bug.owner) else text)
        for text in (bug.old, bug.new)
    )
    assert source.count(old) == 1, f"{bug.name} has no such place: {old}"
    # In the module's own names: it then calls what it would call.
    names: dict[str, Any] = {}
    changed = "from __future__ import annotations\n" + source.replace(old, new)
    exec(compile(changed, bug.name, "exec"), real.__globals__, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bug.owner, bug.name, names[bug.name])
        for module in [one for name, one in sys.modules.items() if name.startswith("winnow.")]:
            if getattr(module, bug.name, None) is real:  # who imported it by its name
                patch.setattr(module, bug.name, names[bug.name])
        yield
