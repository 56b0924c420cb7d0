"""``winnow verify``: whether a release still holds what it promised."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    WarehouseOption,
    day_of,
    find_release,
    print_result,
    progress_for,
    require_engine,
    warehouse_of,
)
from winnow.engine.startup.garbage import nothing_collected

if TYPE_CHECKING:
    from winnow.release.verify import Finding


def verify(
    release: ReleaseArgument = None,
    ds: OfDateOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    driver_memory: MemoryOption = None,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check that a release still holds what it promised.

    Opens every file of the pinned versions as readers do, reads all tables again, counts their
    rows, computes their content hashes and compares both with the release. Ends with 3 where
    something is missing, cannot be opened, or differs.
    """
    day = None if ds is None else day_of(ds)
    require_engine(engine, master)
    progress = progress_for(as_json, log_format)
    folder = warehouse_of(warehouse, config)
    with nothing_collected():
        from winnow.release.verify import verify_release

        found = find_release(folder, release, day)
    running = started("winnow verify", progress, engine, master, driver_memory)
    tables = {pin.table: pin.content.rows for pin in found.tables}
    with running, progress.stage(f"verify {found.ds}") as stage:
        findings = verify_release(found, running.store(folder))
        stage.rows = sum(tables.values())
    raise_findings(findings)
    record = {"release_id": found.release_id, "ds": found.ds.isoformat(), "tables": tables}
    text = f"{found.release_id} of {found.ds} holds what it promised: {len(tables)} tables, "
    print_result(record, f"{text}{sum(tables.values()):,} rows.", as_json)


def raise_findings(findings: "Sequence[Finding]") -> None:
    """Raise what is wrong with a release as one error; do nothing where nothing is.

    Raises:
        ReleaseError: Holds one problem per finding.
    """
    from winnow.errors import Problem, ReleaseError

    ReleaseError.raise_if_any(
        Problem(f"{found.release_id} {found.table}", found.text, next_step=found.fault.next_step)
        for found in findings
    )
