"""``winnow doctor``: what is wrong with this machine or this warehouse, and what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.engines import started
from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    EngineOption,
    JsonOption,
    WarehouseOption,
    print_json,
    progress_for,
    require_engine,
    warehouse_of,
)
from winnow.errors import ConfigError, Problem
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.doctor.repair import Repaired
    from winnow.operations.doctor.repair_tables import RepairedTables

_FAILED = 3


def doctor(
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Bring back what was damaged or lost: releases, entries of logs, files of tables.",
        ),
    ] = False,
    engine: EngineOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Look at this machine and at the warehouse: what works, what does not, and what to do next.

    Python, memory, engines, Java and JARs; rights, links, free space and clock of the warehouse;
    protocol and properties of its tables, releases and their files, what dead runs have left. No
    engine is started. Ends with 3 where something failed; warnings alone end with 0.

    --repair first makes the table of releases whole again, from its own files. Then it starts an
    engine and verifies all releases: entries of the tables' logs come back, and files of which the
    warehouse has a copy. It says which dates must be built again where that is not enough.
    """
    from winnow.operations.doctor.doctor import examine
    from winnow.operations.doctor.repair import Repaired, repair_releases
    from winnow.operations.doctor.repair_tables import RepairedTables, repair_tables
    from winnow.release.metadata import table_exists
    from winnow.release.paths import RELEASES, table_path

    require_engine(engine, None, None)
    known = warehouse is not None or config.exists() or config != DEFAULT_CONFIG
    folder = warehouse_of(warehouse, config) if known else None
    if repair and folder is None:
        raise ConfigError(Problem("--repair", "which warehouse?", expected="--warehouse FOLDER"))
    done = Repaired()
    if repair and folder is not None:
        done = repair_releases(folder)
    checks: list[dict[str, Any]] = []
    console = plain_console()
    if not as_json:
        for line in _told(done):
            console.print(line)
    tables = RepairedTables()
    if repair and folder is not None and table_exists(table_path(folder, RELEASES)):
        progress = progress_for(as_json, None)
        running = started("winnow doctor", progress, engine, None, None, None)
        with running, progress.stage("verify and repair tables"):
            tables = repair_tables(running.store(folder))
    if not as_json:
        for line in _told_of_tables(tables):
            console.print(line)
    for check in examine(folder):
        checks.append(check.as_record())
        if not as_json:
            step = f" {check.next_step}" if check.next_step else ""
            console.print(f"{check.state:8} {check.name}: {check.text}.{step}")
    if as_json:
        record = {"warehouse": None if folder is None else str(folder), "checks": checks}
        lost = [problem.as_record() for problem in (*done.lost, *tables.lost)]
        made = {"repaired": list(done.restored), "repaired_entries": list(tables.entries)}
        made["repaired_files"] = [str(file) for file in tables.files]
        print_json(record | (made | {"lost": lost} if repair else {}))
    if done.lost or tables.lost or any(check["state"] == "failed" for check in checks):
        raise typer.Exit(_FAILED)


def _told(done: "Repaired") -> Iterator[str]:
    if done.old_log is not None:
        yield f"the damaged log of releases is kept in {done.old_log}"
    yield from (f"repaired {release_id}" for release_id in done.restored)
    yield from (f"lost     {problem}" for problem in done.lost)


def _told_of_tables(done: "RepairedTables") -> Iterator[str]:
    yield from (f"a damaged part of a log is kept in {path}" for path in done.moved)
    yield from (f"repaired the log entry {entry}" for entry in done.entries)
    yield from (f"repaired {file}" for file in done.files)
    yield from (f"lost     {problem}" for problem in done.lost)
