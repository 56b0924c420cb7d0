"""Every table of a date into staging: those made of sample groups in one pass, then the others."""

from collections.abc import Mapping

from winnow.contracts.tables import TableContract
from winnow.release.linked_tables import LinkedTables
from winnow.release.staged_table import StagedTable
from winnow.release.store import Store
from winnow.run import Run
from winnow.tables.all_tables import OF_LOGS_ALONE, TableInputs, decided_by, frames_of_logs
from winnow.tables.of_groups import GroupTables, with_placement


def stage_tables(
    inputs: TableInputs,
    contracts: Mapping[str, TableContract],
    run: Run,
    store: Store,
    run_id: str,
    linked: LinkedTables | None = None,
) -> dict[str, StagedTable]:
    """Stage every table that the config writes.

    Args:
        inputs: What the tables are made of.
        contracts: What ``all_tables.contracts`` returned: the tables, in the order of promotion.
        run: What to write.
        store: Where they go. run_id: The run that stages them.
        linked: What other runs of the same logs have staged; None where there are none.

    Returns:
        The staged tables by name, in the order of the contracts.

    Raises:
        GateError: A frame has other columns than its contract, or NULL where none may be.
    """
    tables = GroupTables.of(run.config, contracts)
    groups = with_placement(inputs.groups.frame, run.config, run.day.date, mature=inputs.mature)
    of_groups = [contracts[name] for name in tables.columns]
    staged = store.stage_together(groups, tables.rows, of_groups, run_id)
    for name, frame in frames_of_logs(inputs, contracts, run):
        if linked is not None and name in OF_LOGS_ALONE:
            made_by = decided_by(run.config)
            staged[name] = linked.stage(frame, contracts[name], made_by, store, run_id)
        else:
            staged[name] = store.stage(frame, contracts[name], run_id)
    return {name: staged[name] for name in contracts}
