"""Mistakes in one table of a small clean build: made again as a whole, or with other rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken, build, stored
from tests.table_frames import every_frame

if TYPE_CHECKING:
    from winnow.engine.engine import Engine


@dataclass(frozen=True)
class OneTable:
    """A table with ``shuffle_key``, by its name, and the part of a config that it is made by."""

    name: str
    part: str

    def made_again(self, bench: Bench, **inputs: Any) -> Broken:
        """Make the table again, by code, a config or inputs that are wrong."""
        groups = stored(bench.scratch, bench.groups, bench.kind)
        given = replace(bench.inputs(groups, len(bench.groups), bench.items), **inputs)
        frame = every_frame(given, bench.contracts, bench.run)[self.name]
        rows = bench.scratch.stored(frame.toArrow(), f"again-{id(frame)}")
        return Broken(tables={self.name: rows})

    def by_config(self, bench: Bench, **settings: Any) -> Broken:
        """Make the table again, by other settings of its part of the config."""
        config = changed(bench.config, **{self.part: settings})
        return self.made_again(replace(bench, config=config))

    def with_columns(self, bench: Bench, **columns: Column) -> Broken:
        return Broken(tables={self.name: bench.tables[self.name].withColumns(columns)})

    def in_one(self, bench: Bench, where: str, **columns: Column) -> Broken:
        """Make the mistake in one row of all."""
        is_it = one_alone(bench.tables[self.name], where)
        return self.with_columns(
            bench, **{n: F.when(is_it, one).otherwise(F.col(n)) for n, one in columns.items()}
        )

    def without_one(self, bench: Bench) -> Broken:
        """Lose one row of all."""
        rows = bench.tables[self.name]
        return Broken(tables={self.name: rows.where(~one_alone(rows, "true"))})

    def of_the_next(self, bench: Bench, names: tuple[str, ...]) -> Broken:
        """Give each row what the next one of the date has."""
        rows = Window.partitionBy("ds").orderBy("shuffle_key")
        columns = {name: F.coalesce(F.lead(name).over(rows), F.col(name)) for name in names}
        return self.with_columns(bench, **columns)


def one_alone(rows: DataFrame, where: str) -> Column:
    """Return whether a row is the first of some, in the order of ``shuffle_key``."""
    key = rows.where(where).agg(F.min("shuffle_key")).collect()[0][0]
    assert key is not None, "there must be one"
    is_it: Column = F.col("shuffle_key") == F.lit(key)
    return is_it


@contextmanager
def bench_of(engine: "Engine", folder: Path, **parts: Any) -> Iterator[Bench]:
    """Build without a mistake, by settings of parts of the config, in one partition.

    The rows are few, and each partition costs every audit of them time.
    """
    name = "spark.sql.shuffle.partitions"
    before = engine.spark.conf.get(name, "4") or "4"
    engine.spark.conf.set(name, "1")
    yield build(engine, folder, parts)
    engine.spark.conf.set(name, before)
