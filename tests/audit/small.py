"""Small logs and tables for measurements, written row by row."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from winnow.audit.evidence import Evidence
from winnow.audit.gate import Figure
from winnow.audit.recompute.items import Items
from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.tables import table_contract
from winnow.dates import CalendarDay
from winnow.run import Run
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.scratch import Scratch

from tests.events.handmade import DAY, at

Row = dict[str, Any]
THE_DAY = CalendarDay(DAY)
NOON = at("12:00")
_RULED = {"valid": True, "filtered": False, "anonymous": False, "partition_date": DAY}


def config(**settings: Any) -> Config:
    logs = settings.pop("logs", ("impressions", "clicks", "ranking_log", "items"))
    tree = {"logs": {name: {"path": name} for name in logs}, **settings}
    return Config.model_validate_json(json.dumps(tree))


def us(clock: str = "12:00", days: int = 0) -> int:
    return round(at(clock, days).timestamp() * 10**6)


def frame(spark: SparkSession, table: str, rows: Sequence[Row], settings: Config) -> DataFrame:
    """A published table with some of its columns: those that the first row has."""
    contract = table_contract(table).resolved(settings.ids)
    kinds = {column.name: column.type for column in contract.columns}
    names = list(rows[0])
    schema = ", ".join(f"{name} {kinds[name]}" for name in names)
    return spark.createDataFrame([tuple(row[n] for n in names) for row in rows], schema)


def log(spark: SparkSession, name: str, rows: Sequence[Row], settings: Config, *mapped: str) -> Log:
    """An opened log; what a row does not say is NULL, valid and of noon."""
    contract = table_contract(name).resolved(settings.ids)
    kinds = {column.name: column.type for column in contract.columns}
    kinds |= {"event_us": "bigint", "valid": "boolean", "filtered": "boolean"}
    kinds |= {"anonymous": "boolean", "nobody": "string", "partition_date": "date"}
    given = [{"event_us": us(), **_RULED, **row} for row in rows]
    schema = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
    made = spark.createDataFrame([tuple(r.get(c) for c in kinds) for r in given], schema)
    return Log(
        name=name,
        frame=made,
        contract=contract,
        carry={},
        dates=None,
        rows_in_files=len(rows),
        bytes_in_files=0,
        folders=(),
        mapped=frozenset(mapped or (key for row in rows for key in row)),
    )


def evidence(
    spark: SparkSession,
    settings: Config,
    staged: Mapping[str, DataFrame],
    limits: Limits = DEFAULT_LIMITS,
    **other: Any,
) -> Evidence:
    """What an audit looks at where it has these tables, and an impression log without rows."""
    scratch = Scratch(spark, str, Path("nowhere"), "unused", limits)
    given: Row = {
        "logs": {"impressions": log(spark, "impressions", [], settings)},
        "contracts": {name: table_contract(name).resolved(settings.ids) for name in staged},
        "totals": dict.fromkeys(("positives", "easy", "hard", "fill"), 0),
    } | other
    return Evidence(
        **{
            "run": Run(settings, THE_DAY, scratch),
            "staged": staged, "files": staged, "n_attributed": 0, "protocols": {},
            "counts": {"impressions": RowCounts(0, 0, 0, 0, 0, 0)}, **given,
        }
    )  # fmt: skip


def measured(found: Evidence, *modules: ModuleType) -> list[Figure]:
    """All figures of some modules with gates."""
    measurements = [one for module in modules for one in module.measurements(found)]
    return [figure for one in measurements for figure in one.figures()]


def by_name(figures: Sequence[Figure]) -> dict[str, float | int | None]:
    return {figure.name: figure.value for figure in figures}


def wrong(figures: Sequence[Figure]) -> dict[str, float | int | None]:
    """Figures that are not 0."""
    return {name: value for name, value in by_name(figures).items() if value}


def sample(**other: Any) -> Row:
    """A row of training_samples: two easy draws, one hard negative, one fill for another."""
    return {
        "user_id": 7, "request_id": 1, "item_id": 5, "shuffle_key": 9,
        "keep_prob": 0.5, "n_requested": 4,
        "n_easy": 2, "n_hard": 1, "n_fill": 1, "shortfall": 0,
        "neg_item_ids": [1, 2, 3, 2], "neg_source": [0, 0, 2, 1], "neg_hardness": [0, 0, 1, 0],
        "neg_log_q": [-1.0, -2.0, None, -2.0], "neg_incl_prob": [None, None, 1.0, None],
        "shortfall_reasons": ["pool_too_small"], "shortfall_counts": [1],
    } | other  # fmt: skip


def some_items(**changed: Any) -> Items:
    clicks = np.array([50, 4, 0, 0])
    weight = np.array([8, 4, 1, 0])
    return Items(
        **{
            "key": np.array([1, 2, 3, 9]), "ids": pa.array([1, 2, 3, 9]),
            "clicks": clicks, "popularity": clicks.astype(float),
            "stated_popularity": np.full(4, -1.0),
            "stated": clicks, "eligible": weight > 0, "weight": weight,
            "keep": np.array([0.5, 1.0, 1.0, 1.0]), "positives": np.array([1, 1, 0, 0]),
            "in_batch_q": np.array([0.5, 0.5, 0.0, 0.0]), "unused": np.array([9, 0, 0, 0]),
            "same": np.zeros(4, np.int64), "q": weight / 13.0,
            "place": np.array([0, 1, 2, -1]), "index": np.array([3, 4, 5, -1]),
            "since_us": np.full(4, -(2**63)), "begins_us": np.full(4, -(2**63)),
            **changed,
        }
    )  # fmt: skip
