"""``winnow forget``: erases the rows of users from all releases."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.engines import started
from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    EngineOption,
    JsonOption,
    LogFormatOption,
    MasterOption,
    MemoryOption,
    RemoteOption,
    WarehouseOption,
    print_json,
    progress_for,
    require_engine,
    warehouse_of,
)
from winnow.errors import ConfigError, ConflictError, Problem, ReleaseError, StoreError
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.forgetting.leftovers import Leftovers


_VERSIONS = {
    True: "the bucket keeps former versions of objects: what is deleted can still be read as one, "
    "until these are deleted as well",
    None: "nobody knows whether the bucket keeps former versions of objects, as it did not answer; "
    "what is deleted could still be read as one",
}


def forget(
    users: Annotated[
        list[str] | None,
        typer.Option("--users", help="The id of a user, as in user_id; may be repeated."),
    ] = None,
    users_from: Annotated[
        str | None,
        typer.Option("--users-from", help="A file with one id per line; - reads standard input."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count the rows, and change nothing.")
    ] = False,
    vacuum: Annotated[
        bool,
        typer.Option("--vacuum", help="Delete at once what held the rows, however young it is."),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    remote: RemoteOption = None,
    driver_memory: MemoryOption = None,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Erase the rows of some users from all releases, and prove that all other rows are as before.

    Files that hold such rows are written again without them, and the pins of all releases move in
    one commit: whoever opens a release from then on, by its id or date, gets it without these rows.
    A release says when how many rows were erased, and never whose. Files that held the rows stay
    until they are deleted, by --vacuum at once; a bucket that keeps versions keeps them still, and
    that is told.

    Erase the users from the logs first: a date that is built again has what its logs have. Ends
    with 4 where others publish at the same moment, or a run is at work that may have read the logs
    before, with 3 where something cannot be looked into.
    """
    from winnow.building.code_version import code_version
    from winnow.operations.forgetting.erased_users import ErasedUsers
    from winnow.operations.forgetting.forget import forget as erase
    from winnow.operations.forgetting.leftovers import delete_leftovers, find_leftovers
    from winnow.operations.forgetting.users_rows import find_users_rows
    from winnow.release.conditional_put import keeps_versions

    require_engine(engine, master, remote)
    progress = progress_for(as_json, log_format)
    folder = warehouse_of(warehouse, config)
    them = ErasedUsers.of([*(users or ()), *_ids_in(users_from)])
    releases: dict[str, Any]
    unsure: tuple[Problem, ...] = ()
    if dry_run:
        found = find_users_rows(folder, them)
        releases = {one.release.release_id: (one.release.ds, one.rows) for one in found.releases}
        problems = found.problems
    else:
        running = started("winnow forget", progress, engine, master, remote, driver_memory)
        with running, progress.stage("erase rows"):
            done = erase(running.store(folder), them, code_version())
        # What a run at work has read of the logs before it may release later.
        releases, problems, unsure = dict(done.releases), done.problems, done.at_work
    left = find_leftovers(folder, them)
    if not dry_run:
        unsure = (*unsure, *left.at_work)
    if vacuum and not dry_run:
        unsure = *unsure, *delete_leftovers(folder, left, code_version())
    versions: bool | None = None
    if not dry_run:
        # All is done by now: that the store does not answer must not hide what.
        with suppress(StoreError):
            versions = keeps_versions(folder)
    counts = {name: {"ds": str(ds), "rows": dict(rows)} for name, (ds, rows) in releases.items()}
    if as_json:
        print_json(
            {"dry_run": dry_run, "users": len(them.ids), "releases": counts}
            | {"files": left.files, "staged_runs": len(left.staging.over), "deleted": vacuum}
            | {"versions_kept": versions}
        )
    else:
        _print(counts, dry_run, vacuum, left)
        if not dry_run and versions in _VERSIONS:
            plain_console().print(_VERSIONS[versions])
    ReleaseError.raise_if_any(problems)
    ConflictError.raise_if_any(dict.fromkeys(unsure))


def _ids_in(name: str | None) -> list[str]:
    """Return the lines of a file.

    Raises:
        ConfigError: It cannot be read.
    """
    if name is None:
        return []
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(Problem("--users-from", "the file cannot be read", why)) from error
    return text.splitlines()


def _print(counts: Mapping[str, Any], dry_run: bool, vacuum: bool, left: "Leftovers") -> None:
    console, verb = plain_console(), "would erase" if dry_run else "erased"
    for name, one in counts.items():
        tables = ", ".join(f"{rows:,} of {table}" for table, rows in one["rows"].items())
        console.print(f"{verb} from {one['ds']} {name}: {tables or 'what its record names'}")
    rows = sum(sum(one["rows"].values()) for one in counts.values())
    console.print(f"{verb}: {rows:,} rows of {len(counts)} releases")
    for line in _told(dry_run, vacuum, left):
        console.print(line)


def _told(dry_run: bool, vacuum: bool, left: "Leftovers") -> Iterator[str]:
    runs = len(left.staging.over)
    if dry_run or not (left.files or runs):
        return
    what = f"{left.files} files that no release needs and the staging of {runs} runs"
    if vacuum:
        yield f"deleted {what}"
    else:
        yield f"{what} may still hold the rows; run it again with --vacuum to delete them"
