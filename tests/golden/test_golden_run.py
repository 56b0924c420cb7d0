"""A build of logs that fit on a page, compared with the tables that it must make, row by row.

``pytest tests/golden --regenerate-golden`` writes the expected tables again; read the difference.
"""

import json
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract, table_contract
from winnow.release.opening import open_release
from winnow.release.reader import ReleaseReader

from tests.events.handmade import build_day

pytestmark = pytest.mark.both_engines

HERE = Path(__file__).parent
DAY = date(2026, 3, 1)
TABLES = (
    "positives", "easy_negatives", "hard_negatives", "training_samples", "ranking_samples",
    "item_stats", "rejected",
)  # fmt: skip


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(HERE / "logs", folder / "logs")
    shutil.copy(HERE / "winnow.yaml", folder)
    return load_config(folder / "winnow.yaml")


@pytest.fixture(scope="module")
def released(spark: SparkSession, config: Config) -> ReleaseReader:
    build_day(config, spark, DAY)
    return open_release(Path(config.warehouse), ds=DAY)


def contract_of(table: str, config: Config) -> TableContract:
    return table_contract(table).resolved(config.ids, {"impressions": {"scene": "string"}})


def as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def as_value(value: Any, kind: str) -> Any:
    if value is None or kind not in ("date", "timestamp"):
        return value
    return date.fromisoformat(value) if kind == "date" else datetime.fromisoformat(value)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = [
        json.dumps({name: as_text(value) for name, value in row.items()}, ensure_ascii=False)
        for row in rows
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def expected(spark: SparkSession, path: Path, schema: StructType) -> DataFrame:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kinds = {field.name: field.dataType.simpleString() for field in schema.fields}
    for row in rows:
        assert list(row) == schema.names
    values = [tuple(as_value(value, kinds[name]) for name, value in row.items()) for row in rows]
    return spark.createDataFrame(values, schema)


class DescribeTheGoldenRun:
    @pytest.mark.parametrize("table", TABLES)
    def it_makes_exactly_these_rows(
        self,
        table: str,
        spark: SparkSession,
        config: Config,
        released: ReleaseReader,
        pytestconfig: pytest.Config,
    ) -> None:
        contract = contract_of(table, config)
        path = HERE / "expected" / f"{table}.jsonl"
        if pytestconfig.getoption("--regenerate-golden"):
            rows = released.arrow(table).to_table().to_pylist()
            write(path, sorted(rows, key=lambda row: [str(row[name]) for name in contract.key]))
        schema = spark_schema(contract)
        made = spark.createDataFrame(released.spark(spark, table).collect(), schema)
        assert [(f.name, f.dataType) for f in released.spark(spark, table).schema] == [
            (f.name, f.dataType) for f in schema
        ]
        assert_df_equality(
            made,
            expected(spark, path, schema),
            transforms=[lambda frame: frame.orderBy(*contract.key)],
        )
