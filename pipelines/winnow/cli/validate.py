"""``winnow validate``: config and logs, without a build."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

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
    config_of,
    day_of,
    print_json,
    progress_for,
    require_engine,
)
from winnow.engine.startup.garbage import nothing_collected
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from rich.console import Console

    from winnow.building.validation import LogFiles, LogRows, Validation


def validate(
    ds: Annotated[
        str | None, typer.Option("--ds", help="The date that is to be built, YYYY-MM-DD.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows/--no-rows", help="Read the rows of the date; needs an engine.")
    ] = True,
    limit: Annotated[int, typer.Option(min=0, help="Rejected rows to show of each reason.")] = 3,
    config: ConfigOption = DEFAULT_CONFIG,
    engine: EngineOption = None,
    master: MasterOption = None,
    remote: RemoteOption = None,
    driver_memory: MemoryOption = None,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check a config and its logs before the first build. Nothing is written.

    Reads the config, finds every file that a build of the date would read, opens them, and binds
    their columns to the contracts: what is missing or of a wrong type is named. Then it reads all
    rows of the date once, says where they would go, and shows some that would be rejected, by
    reason. That costs about what the first stages of a build cost. With --no-rows, or without a
    date, it looks at files only and starts no engine. Orphan clicks are found by a build only.

    Exit codes are those of a build: 2 the config is wrong, 3 the logs are.
    """
    day = None if ds is None else day_of(ds)
    require_engine(engine, master, remote)
    progress = progress_for(as_json, log_format)
    tree = config_of(config, None)
    with nothing_collected(), progress.stage("look at files"):
        from winnow.building.small_logs import logs_are_small
        from winnow.building.validation import validate_files, validate_rows

        found = validate_files(tree, day)
    if rows and day is not None:
        with started(
            f"winnow validate {day}",
            progress,
            engine,
            master,
            remote,
            driver_memory,
            small_data=logs_are_small(tree),
        ) as running:
            counted = validate_rows(tree, day, running.spark, progress, examples=limit)
        found = replace(found, rows=counted)
    if as_json:
        print_json(found.as_record())
    else:
        print_validation(found, plain_console())


def print_validation(found: "Validation", console: "Console") -> None:
    """Print the files, the columns, and where the rows would go."""
    for name, log in found.files.items():
        console.print(f"{name}: {log.path}")
        console.print(f"  {_size_of(log)}")
        pairs = [_source(column, sources) for column, sources in log.columns.items()]
        console.print(f"  columns: {', '.join(pairs)}")
        if log.without:
            console.print(f"  not in this log: {', '.join(log.without)}")
        for warning in log.warnings:
            console.print(f"  warning: {warning}", style="yellow")
    for text in found.missing:
        what = "a build would wait for it, or needs --immature"
        console.print(f"warning: {text}: {what}", style="yellow")
    if found.rows is not None:
        _print_rows(found.rows, console)
    elif found.ds is None:
        console.print("No date was given: rows were not looked at. Add --ds.")


def _print_rows(rows: "Mapping[str, LogRows]", console: "Console") -> None:
    from winnow.terminal import plain_table, print_whole

    table = plain_table("log", "read", "valid", "duplicate", "rejected", "filtered", "other date")
    for name, log in rows.items():
        table.add_row(name, *(f"{count:,}" for count in log.counts.values()))
    print_whole(table, console)
    for name, log in rows.items():
        for reason, count in log.reasons.items():
            console.print(f"{name}: {reason}: {count:,} rows")
            for example in log.examples.get(reason, ()):
                console.print(f"  {'; '.join(example.reasons)}")
                console.print(f"    {example.raw}")


def _size_of(log: "LogFiles") -> str:
    parts = [log.kind]
    if log.dates is not None:
        parts.append(f"{log.dates:,} dates")
    if log.files is not None:
        parts.append(f"{log.files:,} files")
    parts.append(f"{log.bytes:,} bytes")
    if log.rows is not None:
        parts.append(f"{log.rows:,} rows")
    return ", ".join(parts)


def _source(column: str, sources: tuple[str, ...]) -> str:
    if sources in ((), (column,)):
        return column
    return f"{column} = {' + '.join(sources)}"
