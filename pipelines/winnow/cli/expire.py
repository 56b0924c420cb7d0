"""``winnow expire``: old releases are opened no more."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    WarehouseOption,
    day_of,
    duration_of,
    print_json,
    require_folder,
    warehouse_of,
)
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.retention.expire import Expiring


def expire(
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            help="Releases that a newer one of their date has replaced, made longer ago: 90d.",
        ),
    ] = None,
    keep_last: Annotated[
        int | None, typer.Option("--keep-last", help="All but so many newest ones of each date.")
    ] = None,
    before: Annotated[
        str | None,
        typer.Option("--before", help="All releases of earlier dates, also the newest of each."),
    ] = None,
    ds: Annotated[
        list[str] | None,
        typer.Option("--ds", help="All releases of this date, also the newest; may be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would expire, and change nothing.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Let releases expire: readers open them no more, and winnow vacuum may delete their files.

    --older-than and --keep-last never take the newest release of a date; together, a release must
    fit both. --before and --ds name whole dates. A release with a tag (winnow keep) never expires.
    All expire in one commit, for good. Readers that have one open go on reading. Needs no engine.
    """
    from winnow.operations.retention.expire import ExpireRule, find_expiring
    from winnow.operations.retention.expire import expire as let_expire

    rule = ExpireRule(
        None if older_than is None else duration_of(older_than, "--older-than"),
        keep_last,
        None if before is None else day_of(before, "--before"),
        frozenset[date](day_of(day) for day in ds or ()),
    )
    require_folder(warehouse)
    folder = warehouse_of(warehouse, config)
    expiring = find_expiring(folder, rule)
    if not dry_run:
        let_expire(folder, expiring)
    if as_json:
        print_json(_record(expiring, dry_run))
    else:
        _print(expiring, dry_run)


def _record(expiring: "Expiring", dry_run: bool) -> dict[str, Any]:
    kept = [
        {"release_id": one.release_id, "ds": one.ds.isoformat(), "tags": list(tags)}
        for one, tags in expiring.kept
    ]
    expired = [
        {"release_id": one.release_id, "ds": one.ds.isoformat()} for one in expiring.releases
    ]
    return {"dry_run": dry_run, "rule": str(expiring.rule), "expired": expired, "kept": kept}


def _print(expiring: "Expiring", dry_run: bool) -> None:
    console, verb = plain_console(), "would expire" if dry_run else "expired"
    for one in expiring.releases:
        console.print(f"{verb} {one.ds} {one.release_id}")
    for one, tags in expiring.kept:
        console.print(f"kept {one.ds} {one.release_id}: {', '.join(tags)}")
    count, left = len(expiring.releases), len(expiring.snapshot.listed) - len(expiring.releases)
    console.print(f"{verb}: {count} of {count + left} releases")
