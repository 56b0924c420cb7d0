"""``winnow vacuum``: deletes the files that no release pins."""

from collections.abc import Mapping
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
    warehouse_of,
)
from winnow.shown_text import size_text
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.retention.vacuum import UnpinnedFiles


def vacuum(
    run: Annotated[
        bool, typer.Option("--run", help="Delete the files; without it they are only counted.")
    ] = False,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than",
            help="Keep files that were linked, or whose release expired, later than so long ago.",
        ),
    ] = "7d",
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Delete files of the tables that no release pins: of expired releases and of dead runs.

    By default it says only what would go; --run deletes. What a live release pins is never
    deleted, nor what a run at work is about to publish. Ends with 3 where nobody knows what some
    release pins: then nothing is deleted of that table. Needs no engine.
    """
    from winnow.building.code_version import code_version
    from winnow.errors import ReleaseError
    from winnow.operations.retention.vacuum import delete_unpinned, find_unpinned

    require_folder(warehouse)
    folder = warehouse_of(warehouse, config)
    found = find_unpinned(folder, duration_of(older_than, "--older-than"))
    if run:
        found = delete_unpinned(folder, found, code_version())
    if as_json:
        print_json({"deleted": run, "bytes": found.size, "tables": _tables(found)})
    else:
        _print(found, run)
    ReleaseError.raise_if_any(found.problems)


def _tables(found: "UnpinnedFiles") -> Mapping[str, Any]:
    return {
        table: {"files": len(files), "bytes": sum(file.size for file in files)}
        for table, files in found.tables.items()
    }


def _print(found: "UnpinnedFiles", run: bool) -> None:
    console, verb = plain_console(), "deleted" if run else "would delete"
    for table, counts in _tables(found).items():
        if counts["files"]:
            console.print(
                f"{verb} {counts['files']} files of {table}, {size_text(counts['bytes'])}"
            )
    files = sum(len(files) for files in found.tables.values())
    console.print(f"{verb}: {files} files, {size_text(found.size)}")
    if files and not run:
        console.print("Run it with --run to delete them.")
