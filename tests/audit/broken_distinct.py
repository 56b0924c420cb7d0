"""Mistakes in draws of which a positive must get no item twice."""

from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken

SETTINGS: dict[str, dict[str, object]] = {
    "negatives": {"easy": [{"source": "popularity", "distinct": True}]}
}
"""What is asked for in the build of these mutants; fills draw as it does."""


def _with(groups: pa.Table, name: str, rows: list[Any]) -> Broken:
    at = groups.column_names.index(name)
    return Broken(groups.set_column(at, name, pa.array(rows, groups[name].type)))


def _repeating(bench: Bench) -> pa.Table:
    config = changed(bench.config, negatives={"easy": [{"source": "popularity"}]})
    return bench.sampled(config=config)


def draws_are_repeated(bench: Bench) -> Broken:
    return Broken(_repeating(bench))


def log_q_knows_nothing_of_earlier_draws(bench: Bench) -> Broken:
    """As if every draw were the first one: ln q - ln(1 - q(F))."""
    rest = {
        row["user_id"]: float(np.log(row["easy_q"][0]) - row["easy_log_q"][0])
        for row in _repeating(bench).to_pylist()
        if row["easy_q"]
    }
    rows = [
        [float(np.log(q) - rest[row["user_id"]]) for q in row["easy_q"]]
        for row in bench.groups.to_pylist()
    ]
    return _with(bench.groups, "easy_log_q", rows)


def fills_repeat_what_was_drawn(bench: Bench) -> Broken:
    rows = []
    for row in bench.groups.to_pylist():
        items = list(row["easy_item_ids"])
        if row["n_easy"] and row["n_fill"]:
            items[-1] = items[0]
        rows.append(items)
    return _with(bench.groups, "easy_item_ids", rows)


def nothing_says_that_log_q_is_conditional(bench: Bench) -> Broken:
    name = "neg_log_q_conditional"
    none = F.transform(F.col(name), lambda one: one.isNull() & F.lit(None).cast("boolean"))
    samples = bench.tables["training_samples"].withColumn(name, none)
    easy = bench.tables["easy_negatives"].withColumn("log_q_conditional", F.lit(False))
    return Broken(tables={"training_samples": samples, "easy_negatives": easy})
