"""Every table of a build as a frame of its own; a build makes most of them together, in tasks."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.run import Run
from winnow.tables.all_tables import TableInputs, frames_of_logs
from winnow.tables.of_groups import GroupTables, with_placement


def every_frame(
    inputs: TableInputs, contracts: Mapping[str, TableContract], run: Run
) -> dict[str, DataFrame]:
    """Return the tables' frames by name, in the order of the contracts."""
    tables = GroupTables.of(run.config, contracts)
    groups = with_placement(inputs.groups.frame, run.config, run.day.date, mature=inputs.mature)
    frames = {name: frame_of(groups, tables, contracts[name]) for name in tables.columns}
    frames |= dict(frames_of_logs(inputs, contracts, run))
    return {name: frames[name] for name in contracts}


def frame_of(groups: DataFrame, tables: GroupTables, contract: TableContract) -> DataFrame:
    schema = spark_schema(contract)
    name, arrow = contract.table, to_arrow_schema(schema)

    # By value to the tasks: they need not be able to import this file.
    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            made = dict(tables.rows(pa.Table.from_batches([batch])))[name]
            yield from made.cast(arrow).to_batches()

    return groups.mapInArrow(rows, schema)
