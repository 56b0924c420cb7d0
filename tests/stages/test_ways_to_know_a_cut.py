"""One funnel, logged in three ways: each way of knowing a cut finds the same hard candidates."""

import json
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.assembly.events import candidate_events
from pipelines.config.tree import Config
from pipelines.sampling.events import Events
from pipelines.sampling.groups import Wanted, sample_groups
from pipelines.sampling.hashing import U
from pipelines.sampling.positives import Pairs, keep_positives
from pipelines.sampling.selection import SELECT_TOP
from pipelines.sampling.stages import TAKE_CUT, TAKE_LOW, Ladder
from tests.sampling.many_positives import table_of

COARSE = list(range(10, 20))
FINE = [13, 12, 11, 10, 14]
SHOWN = [13]
EXPECTED = {(item, 0) for item in range(15, 20)} | {(item, 1) for item in (11, 10, 14)}
"""(item, stage): five were cut by coarse ranking, three lie in the lower half of fine ranking."""

Row = tuple[int, int, str, float, bool | None, str | None]


def logged(how: str) -> list[Row]:
    def rows(stage: str, items: list[int], passed: list[int]) -> list[Row]:
        known = how == "passed"
        return [
            (1, item, stage, -float(place), item in passed if known else None, None)
            for place, item in enumerate(items)
        ]

    coarse = [item for item in COARSE if item not in FINE] if how == "last_stage" else COARSE
    return rows("coarse", coarse, FINE) + rows("fine", FINE, SHOWN)


def config(how: str, **hard: object) -> Config:
    log = {"path": "x"}
    tree = {
        "logs": {"impressions": log, "clicks": log, "ranking_log": log},
        "hard": {"cut_known_by": how, **hard},
    }
    return Config.model_validate_json(json.dumps(tree))


def candidates(spark: SparkSession, how: str, rows: list[Row], **hard: object) -> set[Any]:
    schema = (
        "request_id bigint, item_id bigint, stage string, score double, passed boolean, "
        "cut_reason string"
    )
    requests = spark.createDataFrame(
        [(1, 5, 9)], "request_id bigint, user_key bigint, owner_key bigint"
    )
    made = candidate_events(
        spark.createDataFrame(rows, schema).withColumn("valid", F.lit(True)),
        requests,
        config(how, **hard),
        value="score",
        n_requests=1,
    ).collect()
    table = table_of(np.ones(30, np.int64))
    events = Events(
        np.array([row["owner_key"] for row in made], np.uint64),
        table.keys[[row["item_key"] for row in made]],
        np.array([row["kind"] for row in made], np.int8),
        np.array([row["value"] for row in made], np.float64),
    )
    one, zero = np.ones(1, np.int64), np.zeros(1, np.int64)
    pairs = Pairs(
        np.array([5], np.uint64), one.view(np.uint64), table.keys[:1], np.array([9], np.uint64),
        zero, one, zero.astype(np.int8), zero,
    )  # fmt: skip
    kept = keep_positives(pairs, table.hot_keys, table.hot_keep, U(1), U(1))
    ladder = Ladder(np.array([TAKE_CUT, TAKE_LOW], np.int8), np.array([0.5, 0.5]), np.ones(2))
    wanted = Wanted(0, 30, False, 0, SELECT_TOP, True, how == "membership")
    groups = sample_groups(events, kept, table, ladder, wanted)
    return set(zip(groups.hard_code.tolist(), groups.hard_stage.tolist(), strict=True))


class DescribeKnowingACut:
    @pytest.mark.parametrize("how", ["passed", "membership", "last_stage"])
    def it_finds_the_same_candidates(self, spark: SparkSession, how: str) -> None:
        assert candidates(spark, how, logged(how)) == EXPECTED

    def it_takes_no_item_as_cut_that_the_log_says_went_on(self, spark: SparkSession) -> None:
        # The fine log of item 12 is lost; only "passed" can know that it was not cut.
        rows = [row for row in logged("passed") if row[1:3] != (12, "fine")]
        assert (12, 0) not in candidates(spark, "passed", rows)
        assert (12, 0) in candidates(spark, "membership", rows)

    def it_takes_no_item_as_cut_where_the_next_stage_never_ran(self, spark: SparkSession) -> None:
        rows = [row for row in logged("membership") if row[2] == "coarse"]
        assert candidates(spark, "membership", rows) == set()

    def it_takes_no_item_as_cut_where_the_log_does_not_say(self, spark: SparkSession) -> None:
        unknown: list[Row] = [(*row[:4], None, None) for row in logged("passed")]
        found = candidates(spark, "passed", unknown)
        assert {item for item, stage in found if stage == 0} == set()

    def it_takes_only_cuts_for_an_allowed_reason(self, spark: SparkSession) -> None:
        reasons = {15: "score", 16: "business", 17: None}
        rows = [(*row[:5], reasons.get(row[1], "score")) for row in logged("membership")]
        found = candidates(spark, "membership", rows, cut_reasons=["score"])
        assert {item for item, stage in found if stage == 0} == {15, 18, 19}
