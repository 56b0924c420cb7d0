"""Every table of a build as a frame of its own; a build makes most of them together, in tasks."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from winnow.config.tree import Config
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.tables.all_tables import Made, frames_of_logs
from winnow.tables.of_groups import GroupTables, with_placement


def every_frame(
    made: Made, contracts: Mapping[str, TableContract], config: Config, day: CalendarDay
) -> dict[str, DataFrame]:
    """Return the tables' frames by name, in the order of the contracts."""
    tables = GroupTables.of(config, contracts)
    groups = with_placement(made.groups, config, day.date, mature=made.mature)
    frames = {name: frame_of(groups, tables, contracts[name]) for name in tables.columns}
    frames |= dict(frames_of_logs(made, contracts, config, day))
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
