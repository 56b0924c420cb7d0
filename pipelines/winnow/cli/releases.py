"""List releases, and check that one still holds what it promised."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from winnow.building.progress import Progress
from winnow.building.summary import print_whole
from winnow.engine.engine import Engine
from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.release.reader import open_release
from winnow.release.release import Release
from winnow.release.releases import read_releases
from winnow.release.verify import Finding, verify_release


def find_releases(warehouse: Path, ds: date | None = None) -> tuple[Release, ...]:
    """Return the releases of a warehouse, oldest first, all or those of one date."""
    snapshot = read_releases(warehouse)
    own = tuple(one for one in snapshot.listed if ds is None or one.ds == ds)
    return replace(snapshot, listed=own).releases


def release_record(release: Release) -> dict[str, Any]:
    """Return a release as JSON types."""
    return {
        "release_id": release.release_id,
        "seq": release.seq,
        "ds": release.ds.isoformat(),
        "run_id": release.run_id,
        "created_ts": release.created_ts.isoformat(),
        "config_hash": release.config_hash,
        "code_version": release.code_version,
        "tables": {
            pin.table: {
                "version": pin.version,
                "rows": pin.content.rows,
                "content_hash": pin.content.total,
            }
            for pin in release.tables
        },
    }


def print_releases(releases: Sequence[Release], console: Console) -> None:
    """Print one line per release."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for title in ("date", "release", "tables", "rows", "config", "code"):
        table.add_column(title, no_wrap=True, justify="right" if title == "rows" else "left")
    for release in releases:
        rows = sum(pin.content.rows for pin in release.tables)
        table.add_row(
            release.ds.isoformat(),
            release.release_id,
            str(len(release.tables)),
            f"{rows:,}",
            release.config_hash[:8],
            release.code_version,
        )
    print_whole(table, console)


def find_release(warehouse: Path, release_id: str | None, ds: date | None) -> Release:
    """Return a release by its id or date, by default the newest of the latest date.

    Raises:
        ConfigError: It is named by both.
        ReleaseError: There is no such release; says which dates are released.
    """
    if release_id is not None and ds is not None:
        problem = Problem("--ds", "name a release by its id or by its date", f"{release_id}, {ds}")
        raise ConfigError(problem)
    return open_release(warehouse, release_id, ds).releases[0]


def verify(
    warehouse: Path, release: Release, engine: Engine, progress: Progress
) -> tuple[Release, tuple[Finding, ...]]:
    """Read one release again and compare.

    Returns:
        The release, and what is wrong with it; nothing where all is as promised.
    """
    with progress.stage(f"verify {release.ds}") as stage:
        findings = verify_release(release, engine.store(warehouse))
        stage.rows = sum(pin.content.rows for pin in release.tables)
    return release, findings


def raise_findings(findings: Sequence[Finding]) -> None:
    """Raise what is wrong with a release as one error; do nothing where nothing is.

    Raises:
        ReleaseError: Holds one problem per finding.
    """
    ReleaseError.raise_if_any(
        Problem(f"{found.release_id} {found.table}", found.text, next_step=found.fault.next_step)
        for found in findings
    )
