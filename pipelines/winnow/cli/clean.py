"""``winnow clean``: removes what runs have staged that are over."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    WarehouseOption,
    duration_of,
    print_json,
    require_folder,
    warehouses_of,
)
from winnow.shown_text import shown, size_text
from winnow.storage.object_path import Place
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.retention.clean import OldStaging
    from winnow.release.staging import StagedRun


def clean(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            help="Keep what was written later than so long ago: 90m, 24h, 7d. By default 2d for "
            "runs of other machines, and nothing of runs of this one that are over. In an object "
            "store 2d is the least for runs of other machines.",
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Remove the staged tables of runs that crashed, were killed, or failed a gate.

    A run that is at work on this machine is never touched. What a run of another machine has
    staged is removed once nothing in it was written for two days, or for as long as --older-than
    says; its mark in an object store two days after it began, and never sooner. Needs no engine.
    """
    from winnow.operations.retention.clean import find_old_staging, remove_staging

    require_folder(warehouse)
    least = None if older_than is None else duration_of(older_than, "--older-than")
    found = {folder: find_old_staging(folder, least) for folder in warehouses_of(warehouse, config)}
    for old in found.values() if not dry_run else ():
        remove_staging(old)
    if as_json:
        print_json([_record(folder, old, dry_run) for folder, old in found.items()])
    else:
        for folder, old in found.items():
            _print(folder, old, dry_run)


def _record(folder: Place, old: "OldStaging", dry_run: bool) -> dict[str, Any]:
    return {
        "warehouse": str(folder),
        "dry_run": dry_run,
        "freed_bytes": old.freed,
        "removed": [_run_record(run) for run in old.over],
        "kept": [_run_record(run) for run in old.kept],
    }


def _run_record(run: "StagedRun") -> dict[str, Any]:
    return {"run_id": run.run_id, "state": run.state, "changed": run.changed.isoformat()}


_WORDS = {"alive": "at work", "ended": "over", "elsewhere": "of another machine, or not known"}


def _print(folder: Place, old: "OldStaging", dry_run: bool) -> None:
    console = plain_console()
    verb = "would remove" if dry_run else "removed"
    for said, runs in ((verb, old.over), ("kept", old.kept)):
        for run in runs:
            name = shown(run.run_id)
            console.print(f"{said} {name}: {_WORDS[run.state]}, last written {_time(run)}")
    verb = "would free" if dry_run else "freed"
    count = "1 run" if len(old.over) == 1 else f"{len(old.over)} runs"
    console.print(f"{folder}: {verb} {size_text(old.freed)}, the staging of {count}")


def _time(run: "StagedRun") -> str:
    return f"{run.changed:%Y-%m-%d %H:%M} UTC"
