"""Write the report of a release, of a run that failed, of what changed, or of all dates."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from winnow.audit.record import AuditRecord
from winnow.building.audit import failed_run, record_of
from winnow.cli.writing import write_text
from winnow.config.warehouse import require_local
from winnow.errors import Problem, ReleaseError
from winnow.release.opening import open_release
from winnow.release.paths import REPORTS, staging_path
from winnow.release.release import Release
from winnow.release.releases import read_release, read_releases
from winnow.report.compare import render_comparison
from winnow.report.index import IndexEntry, render_index
from winnow.report.page import HistoryEntry, ReportPage, render
from winnow.storage.object_path import Place

_LAST_RELEASES = 10


def write_report(
    warehouse: Place, release_id: str | None, day: date | None, *, out: Path | None = None
) -> Path:
    """Write the page of a release; return its path.

    Args:
        warehouse: The folder of the tables.
        release_id: The release; None is the newest of ``day``, or of the latest date.
        day: The date, where no release is named.
        out: The folder for the page; by default its own below ``_reports`` in the warehouse.

    Raises:
        ReleaseError: There is no such release, or it holds no audit.
    """
    release = open_release(warehouse, release_id, ds=day).releases[-1]
    folder = out or _reports_of(warehouse) / release.release_id
    page = _page_of(release, _recorded(release), _last_releases(warehouse))
    return _written(folder / "index.html", render(page))


def write_run_report(warehouse: Place, run_id: str, *, out: Path | None = None) -> Path:
    """Write the page of a run whose gates failed, from its staging; return its path.

    Raises:
        ReleaseError: The staging of the run is gone, or the run did not come to its audit.
    """
    run = failed_run(warehouse, run_id)
    if run is None:
        raise ReleaseError(
            Problem(
                f"run {run_id}",
                "its audit is not in the staging",
                next_step="A run that was released has a report by its release id.",
            )
        )
    folder = out or staging_path(warehouse, run_id)
    page = ReportPage(
        release_id=None,
        run_id=run.run_id,
        ds=run.ds,
        created=None,
        code_version=run.code_version,
        config_json=run.config_json,
        inputs_json=run.inputs_json,
        tables=run.tables,
        record=run.record,
        history=_last_releases(warehouse),
    )
    return _written(folder / "report.html", render(page))


def write_comparison(warehouse: Place, a: str, b: str, *, out: Path | None = None) -> Path:
    """Write the page on what changed from release ``a`` to ``b``; return its path.

    Raises:
        ReleaseError: A release is not there, or holds no audit.
    """
    history = _last_releases(warehouse)
    releases = [open_release(warehouse, one).releases[-1] for one in (a, b)]
    pages = [_page_of(release, _recorded(release), history) for release in releases]
    path = (out or _reports_of(warehouse)) / f"{a}..{b}.html"
    return _written(path, render_comparison(*pages))


def write_all(warehouse: Place, *, out: Path | None = None) -> Path:
    """Write the page of the newest release of every date, and an index over them.

    Args:
        warehouse: The folder of the tables.
        out: The folder for the pages; by default ``_reports`` in the warehouse.

    Returns:
        The path of the index.

    Raises:
        ReleaseError: There is no release at all.
    """
    folder = out or _reports_of(warehouse)
    snapshot, history = read_releases(warehouse), _last_releases(warehouse)
    entries = []
    for day in snapshot.dates:
        release = snapshot.newest_if_whole(day)
        if release is None:
            continue
        record = record_of(release)
        if record is None:  # of another version of Winnow
            entries.append(IndexEntry(HistoryEntry(release.release_id, day, None)))
            continue
        page = render(_page_of(release, record, history))
        _written(folder / release.release_id / "index.html", page)
        open_gates = sum(gate.status != "pass" for gate in record.gates)
        entry = HistoryEntry.of(release.release_id, day, record)
        entries.append(IndexEntry(entry, open_gates, f"{release.release_id}/index.html"))
    if not entries:
        raise ReleaseError(Problem(str(warehouse), "there is no release at all"))
    return _written(folder / "index.html", render_index(entries))


def _reports_of(warehouse: Place) -> Path:
    """Return the folder for pages that none is named for.

    Raises:
        ConfigError: The warehouse is in an object store: browsers open files.
    """
    return require_local(warehouse, "winnow report without --out", "Name a folder.") / REPORTS


def _page_of(release: Release, record: AuditRecord, history: Sequence[HistoryEntry]) -> ReportPage:
    """Return what the page of a release shows.

    Args:
        release: The release.
        record: What its audit found.
        history: The last releases of the warehouse, the oldest first.
    """
    return ReportPage(
        release_id=release.release_id,
        run_id=release.run_id,
        ds=release.ds,
        created=release.created_ts,
        code_version=release.code_version,
        config_json=release.config_json,
        inputs_json=release.inputs_json,
        tables={pin.table: pin.content.rows for pin in release.tables},
        record=record,
        history=history,
    )


def _recorded(release: Release) -> AuditRecord:
    """Return what the audit of a release found.

    Raises:
        ReleaseError: The release holds no audit record that this version can read.
    """
    record = record_of(release)
    if record is None:
        raise ReleaseError(
            Problem(
                release.release_id,
                "holds no audit that this version of Winnow can read",
                found=f"made by {release.code_version}",
                next_step="Build the date again.",
            )
        )
    return record


def _last_releases(warehouse: Place) -> list[HistoryEntry]:
    """Return the last releases of a warehouse that this version can read, the oldest first."""
    found = []
    for listed in read_releases(warehouse).listed[-_LAST_RELEASES:]:
        # One that cannot be read is told of where it is asked for.
        with suppress(ReleaseError):
            release = read_release(listed)
            if (record := record_of(release)) is not None:
                found.append(HistoryEntry.of(release.release_id, release.ds, record))
    return found


def _written(path: Path, html: str) -> Path:
    write_text(path, html)
    return path
