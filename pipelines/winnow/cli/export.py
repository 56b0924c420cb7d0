"""``winnow export``: releases as files that trainers read."""

from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    OfDateOption,
    WarehouseOption,
    day_of,
    print_json,
    require_at_most_one,
    warehouse_of,
)
from winnow.terminal import plain_console


def export(
    format: Annotated[
        str,
        typer.Argument(
            help="parquet, jsonl or csv: a table as it is. recbole, tfrs (for TensorFlow "
            "Recommenders and Merlin) or torcheasyrec: the files of a trainer."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to make; not there yet.")],
    ds: OfDateOption = None,
    first: Annotated[
        str | None, typer.Option("--from", help="The first of several dates, with --to.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last of them.")] = None,
    table: Annotated[
        str | None,
        typer.Option(help="parquet, jsonl, csv: the table, by default training_samples."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="parquet, jsonl, csv: names with commas between; by default all."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="parquet, jsonl, csv: train, valid or test; by default all.")
    ] = None,
    name: Annotated[str, typer.Option(help="recbole: the name of the data set.")] = "winnow",
    hard_per_user: Annotated[
        int, typer.Option(min=0, help="torcheasyrec: at most so many hard edges of a user.")
    ] = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write released samples as files that other trainers read.

    winnow export recbole --out shop --from 2026-01-01 --to 2026-01-07

    By default the newest release of the latest date. Rows are read in batches, so memory does not
    grow with them, and the folder appears when all of it is written. winnow_export.json in it names
    the releases, versions and configs that it was made of. Needs no engine.
    """
    require_at_most_one({"--ds": ds, "--from": first})
    from winnow.errors import ConfigError, Problem
    from winnow.export.export import export as write
    from winnow.release.opening import open_dates, open_release

    if (first is None) != (last is None):
        missing, there = ("--to", "--from") if last is None else ("--from", "--to")
        raise ConfigError(Problem(missing, f"is missing: {there} is one end of the dates"))
    folder = warehouse_of(warehouse, config)
    if first is not None and last is not None:
        release = open_dates(folder, day_of(first, "--from"), day_of(last, "--to"))
    else:
        release = open_release(folder, ds=None if ds is None else day_of(ds))
    rows = write(
        release,
        format,
        out,
        table=table,
        columns=None if columns is None else [one.strip() for one in columns.split(",")],
        split=split,
        name=name,
        hard_per_user=hard_per_user,
    )
    if as_json:
        print_json({"out": str(out), "rows": rows})
        return
    console = plain_console()
    for file, n in sorted(rows.items()):
        console.print(f"{out / file}: {n:,} rows")
