"""``winnow releases``: which releases a warehouse has."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    print_json,
    warehouse_of,
)
from winnow.storage.object_path import Place
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from rich.console import Console

    from winnow.release.release import Release


def releases(
    ds: Annotated[str | None, typer.Option("--ds", help="Only those of this date.")] = None,
    expired: Annotated[
        bool, typer.Option("--expired", help="List those that have expired, and when and why.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the releases: which date, when made, by which config, how many rows, which tags.

    Of one that winnow forget has touched it says how many rows were erased.

    The newest release of a date is the one that readers get. Needs no engine.
    """
    day = None if ds is None else day_of(ds)
    folder = warehouse_of(warehouse, config)
    if expired:
        _list_expired(folder, day, as_json)
        return
    found = find_releases(folder, day)
    tags = _tags(folder)
    if as_json:
        records = (release_record(release) for release in found)
        print_json([one | {"tags": list(tags.get(one["release_id"], ()))} for one in records])
    elif found:
        print_releases(found, plain_console(), tags)
    else:
        plain_console().print(f"no release in {folder}")


def find_releases(warehouse: Place, ds: date | None = None) -> "tuple[Release, ...]":
    """Return the releases of a warehouse, oldest first, all or those of one date."""
    from winnow.release.releases import read_releases

    snapshot = read_releases(warehouse)
    listed = tuple(one for one in snapshot.listed if ds is None or one.ds == ds)
    return replace(snapshot, listed=listed).releases


def release_record(release: "Release") -> dict[str, Any]:
    """Return a release as JSON types."""
    return {
        "release_id": release.release_id,
        "seq": release.seq,
        "ds": release.ds.isoformat(),
        "run_id": release.run_id,
        "created_ts": release.created_ts.isoformat(),
        "config_hash": release.config_hash,
        "code_version": release.code_version,
        "erased": erasures(release),
        "tables": {
            pin.table: {
                "version": pin.version,
                "rows": pin.content.rows,
                "content_hash": pin.content.total,
            }
            for pin in release.tables
        },
    }


def erasures(release: "Release") -> list[dict[str, Any]]:
    """Return when how many rows of which tables were erased from a release, oldest first."""
    found: list[dict[str, Any]] = json.loads(release.quality_json).get("erased", [])
    return found


def _tags(warehouse: Place) -> "Mapping[str, tuple[str, ...]]":
    from winnow.release.release_status import read_statuses

    return read_statuses(warehouse).tags


def _list_expired(warehouse: Place, ds: date | None, as_json: bool) -> None:
    """Print the releases that have expired, oldest first."""
    from winnow.release.releases import read_releases

    snapshot = read_releases(warehouse)
    of_date = [one for one in snapshot.expired if ds in (None, one.ds)]
    found = [(one, snapshot.statuses.expired[one.release_id]) for one in of_date]
    if as_json:
        print_json(
            [
                {
                    "release_id": one.release_id,
                    "ds": one.ds.isoformat(),
                    "expired_ts": change.changed_ts.isoformat(),
                    "reason": change.reason,
                }
                for one, change in found
            ]
        )
        return
    for one, change in found:
        when = f"{change.changed_ts:%Y-%m-%d %H:%M} UTC"
        plain_console().print(f"{one.ds} {one.release_id} expired {when}: {change.reason}")
    if not found:
        plain_console().print(f"no expired release in {warehouse}")


def print_releases(
    releases: "Sequence[Release]", console: "Console", tags: "Mapping[str, tuple[str, ...]]"
) -> None:
    """Print one line per release; columns of tags and of erased rows where one has any."""
    from winnow.terminal import plain_table, print_whole

    texts = ("release", "config", "code", "tags")
    erased = {
        one.release_id: sum(sum(e["rows"].values()) for e in erasures(one)) for one in releases
    }
    more = [*(["erased"] if any(erased.values()) else []), *(["tags"] if tags else [])]
    titles = ("release", "tables", "rows", "config", "code", *more)
    table = plain_table("date", *titles, texts=texts)
    for release in releases:
        rows = sum(pin.content.rows for pin in release.tables)
        table.add_row(
            release.ds.isoformat(),
            release.release_id,
            str(len(release.tables)),
            f"{rows:,}",
            release.config_hash[:8],
            release.code_version,
            *([f"{erased[release.release_id]:,}"] if any(erased.values()) else []),
            *([", ".join(tags.get(release.release_id, ()))] if tags else []),
        )
    print_whole(table, console)
