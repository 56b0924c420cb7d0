"""``winnow verify``: whether a release still holds what it promised."""

from collections.abc import Sequence
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
    OfDateOption,
    ReleaseArgument,
    RemoteOption,
    WarehouseOption,
    day_of,
    find_release,
    print_result,
    progress_for,
    require_at_most_one,
    require_engine,
    warehouse_of,
)
from winnow.engine.startup.garbage import nothing_collected

if TYPE_CHECKING:
    from winnow.errors import Problem
    from winnow.release.release import Release
    from winnow.release.verify import Finding
    from winnow.storage.object_path import Place


def verify(
    release: ReleaseArgument = None,
    ds: OfDateOption = None,
    every: Annotated[bool, typer.Option("--all", help="All releases, oldest first.")] = False,
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
    """Check that a release still holds what it promised.

    Opens every file of the pinned versions as readers do, reads all tables again, counts their
    rows, computes their content hashes and compares both with the release. Ends with 3 where
    something is missing, cannot be opened, or differs. --all looks at every release that has not
    expired, and tells of all that is wrong.
    """
    require_at_most_one({"a release id": release, "--ds": ds, "--all": every})
    day = None if ds is None else day_of(ds)
    require_engine(engine, master, remote)
    progress = progress_for(as_json, log_format)
    folder = warehouse_of(warehouse, config)
    with nothing_collected():
        from winnow.release.verify import verify_release

        whole, broken = _all_of(folder) if every else ([find_release(folder, release, day)], [])
    running = started("winnow verify", progress, engine, master, remote, driver_memory)
    findings: list[Finding] = []
    with running:
        for found in whole:
            with progress.stage(f"verify {found.ds}") as stage:
                findings += verify_release(found, running.store(folder))
                stage.rows = sum(pin.content.rows for pin in found.tables)
    raise_findings(findings, broken)
    records = [_record(found) for found in whole]
    texts = [_text(found) for found in whole] or [f"no release in {folder}"]
    print_result(records if every else records[0], "\n".join(texts), as_json)


def _all_of(warehouse: "Place") -> "tuple[list[Release], list[Problem]]":
    """Return the releases of a warehouse, and what is wrong with those that cannot be read."""
    from winnow.errors import ReleaseError
    from winnow.release.releases import read_release, read_releases

    whole: list[Release] = []
    broken: list[Problem] = []
    for one in read_releases(warehouse).listed:
        try:
            whole.append(read_release(one))
        except ReleaseError as error:
            broken += error.problems
    return whole, broken


def _record(found: "Release") -> dict[str, Any]:
    tables = {pin.table: pin.content.rows for pin in found.tables}
    return {"release_id": found.release_id, "ds": found.ds.isoformat(), "tables": tables}


def _text(found: "Release") -> str:
    rows = sum(pin.content.rows for pin in found.tables)
    text = f"{found.release_id} of {found.ds} holds what it promised: {len(found.tables)} tables, "
    return f"{text}{rows:,} rows."


def raise_findings(findings: "Sequence[Finding]", broken: "Sequence[Problem]" = ()) -> None:
    """Raise what is wrong with releases as one error; do nothing where nothing is.

    Args:
        findings: What was found in them.
        broken: What is wrong with those that cannot be read.

    Raises:
        ReleaseError: Holds one problem per finding.
    """
    from winnow.errors import Problem, ReleaseError

    told = (
        Problem(f"{found.release_id} {found.table}", found.text, next_step=found.fault.next_step)
        for found in findings
    )
    ReleaseError.raise_if_any([*broken, *told])
