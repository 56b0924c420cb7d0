"""Wide logs: flags that become rows, columns of their own for each stage, and constants."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.counts import count_rows
from winnow.contracts.log import Log
from winnow.contracts.rejected import rejected_rows
from winnow.contracts.rows import valid_rows
from winnow.errors import ConfigError

from tests.contracts.logs_for_tests import (
    NOON_S,
    TODAY,
    config,
    impressions,
    opened,
    write,
    write_text,
)
from tests.near_equal import near_equal
from tests.recipes import funnel, taken

COLUMNS: dict[str, Any] = {
    "stage": {"from_flags": {"coarse": "recalled", "fine": "in_fine"}},
    "rank": {"by_stage": {"coarse": "coarse_rank", "fine": "fine_rank"}},
}
NAMES = ["item_id", "recalled", "in_fine", "coarse_rank", "fine_rank"]
KINDS = ["csv", "parquet", *near_equal("jsonl")]
ACTIONS = {"click": "is_click", "cart": "in_cart", "buy": "is_buy"}
TIMED = {"click_ts": {"column": "ts", "unit": "s"}}
WIDE = [
    # item, is_click, in_cart, is_buy
    (1, 0, 0, 0),
    (2, 1, 0, 0),
    (3, 1, 1, 1),
    (4, None, 0, 1),
]
STAGED = [
    # item, recalled, fine, coarse_rank, fine_rank
    (1, 1, 1, 2, 1),
    (2, 1, 0, 1, None),
    (3, 0, 0, None, None),
]


def written(base: Path, kind: str, names: list[str], values: list[tuple[Any, ...]]) -> None:
    rows: list[dict[str, Any]] = [
        {"request_id": 1, "user_id": 5, "ts": NOON_S, **dict(zip(names, row, strict=True))}
        for row in values
    ]
    place = base / "wide" / f"a.{kind}"
    if kind == "csv":
        lines = [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
        write_text(place, "\n".join([",".join(rows[0]), *lines, ""]))
    elif kind == "jsonl":
        write_text(place, "".join(json.dumps(row) + "\n" for row in rows))
    else:
        write(place, pa.Table.from_pylist(rows))


def of_clicks(columns: dict[str, Any]) -> Config:
    clicks = {"clicks": {"path": "wide", "columns": TIMED | columns}}
    return config(impressions() | clicks)


def of_stages(columns: dict[str, Any], **hard: Any) -> Config:
    ranking = {"ranking_log": {"path": "wide", "columns": columns}}
    if "stages" not in hard:
        return config(impressions() | ranking, funnel=hard, negatives={})
    stages = hard.pop("stages")
    return config(
        impressions() | ranking, funnel=funnel(stages, **hard), negatives={"hard": taken(stages)}
    )


def kept(log: Log, *names: str) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, valid_rows(log).select(*names).collect()))


class DescribeFlagsOfActions:
    @pytest.mark.parametrize("kind", KINDS)
    def it_makes_a_click_of_every_flag_that_is_set(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        written(tmp_path, kind, ["item_id", *ACTIONS.values()], WIDE)
        settings = of_clicks({"action_type": {"from_flags": ACTIONS}})
        log = opened(spark, settings, tmp_path, "clicks")
        assert kept(log, "item_id", "action_type") == [
            (2, "click"), (3, "buy"), (3, "cart"), (3, "click"), (4, "buy"),
        ]  # fmt: skip
        counts = count_rows(log, TODAY)
        # The row without an action is accounted for.
        assert (counts.read, counts.valid, counts.filtered) == (6, 5, 1)

    @pytest.mark.parametrize("kind", KINDS)
    def it_takes_the_last_flag_alone_where_told_so(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        written(tmp_path, kind, ["item_id", *ACTIONS.values()], WIDE)
        settings = of_clicks({"action_type": {"from_flags": ACTIONS, "take": "last"}})
        log = opened(spark, settings, tmp_path, "clicks")
        assert kept(log, "item_id", "action_type") == [(2, "click"), (3, "buy"), (4, "buy")]
        assert count_rows(log, TODAY).read == 4

    @pytest.mark.parametrize("kind", KINDS)
    def it_rejects_a_row_once_whose_flag_is_neither(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        values = [(1, 1, 1, 7), (2, 1, 0, 0)]
        written(tmp_path, kind, ["item_id", *ACTIONS.values()], values)
        settings = of_clicks({"action_type": {"from_flags": ACTIONS}})
        log = opened(spark, settings, tmp_path, "clicks")
        assert kept(log, "item_id", "action_type") == [(2, "click")]
        [bad] = rejected_rows(log, TODAY).collect()
        assert bad.reasons == [
            "unreadable: action_type cannot be read as string, found 'is_click 1, in_cart 1, "
            "is_buy 7'"
        ]

    def it_reads_flags_as_pandas_writes_them(self, spark: SparkSession, tmp_path: Path) -> None:
        flags = pa.array([1.0, 0.0, None, float("nan")], pa.float64())
        ids = pa.array([1, 2, 3, 4], pa.int64())
        table = pa.table({"item_id": ids, "request_id": ids, "user_id": ids, "is_buy": flags})
        write(
            tmp_path / "wide" / "a.parquet",
            table.append_column("ts", pa.array([NOON_S] * 4, pa.int64())),
        )
        settings = of_clicks({"action_type": {"from_flags": {"buy": "is_buy"}}})
        log = opened(spark, settings, tmp_path, "clicks")
        assert kept(log, "item_id", "action_type") == [(1, "buy")]


class DescribeConstants:
    @pytest.mark.parametrize("kind", KINDS)
    def it_gives_every_row_the_same_action(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        written(tmp_path, kind, ["item_id", *ACTIONS.values()], WIDE)
        log = opened(spark, of_clicks({"action_type": {"constant": "buy"}}), tmp_path, "clicks")
        assert kept(log, "item_id", "action_type") == [(n, "buy") for n in (1, 2, 3, 4)]
        assert "action_type" in log.mapped


class DescribeFlagsOfStages:
    @pytest.mark.parametrize("kind", KINDS)
    def it_makes_a_ranking_row_of_every_stage_with_the_rank_of_that_stage(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        written(tmp_path, kind, NAMES, STAGED)
        log = opened(spark, of_stages(COLUMNS), tmp_path, "ranking_log")
        assert kept(log, "item_id", "stage", "rank") == [
            (1, "coarse", 2), (1, "fine", 1), (2, "coarse", 1),
        ]  # fmt: skip

    def it_makes_one_row_of_the_last_stage(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path, "parquet", NAMES, STAGED)
        last = {"stage": {**COLUMNS["stage"], "take": "last"}, "rank": COLUMNS["rank"]}
        log = opened(spark, of_stages(last), tmp_path, "ranking_log")
        assert kept(log, "item_id", "stage", "rank") == [(1, "fine", 1), (2, "coarse", 1)]

    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def it_rejects_the_rank_of_one_stage_alone(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        written(tmp_path, kind, NAMES, [(1, 1, 1, "x", 1)])
        log = opened(spark, of_stages(COLUMNS), tmp_path, "ranking_log")
        assert kept(log, "stage", "rank") == [("fine", 1)]
        [bad] = rejected_rows(log, TODAY).collect()
        assert bad.reasons == ["unreadable: rank cannot be read as int, found 'x'"]


@pytest.mark.one_engine
class DescribeAWrongMappingOfAWideLog:
    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"action_type": {"constant": "swim"}}, "swim is not known"),
            ({"action_type": {"from_flags": {"swim": "a"}}}, "swim is not known"),
            ({"item_id": {"from_flags": {"click": "a"}}}, "only action_type and stage"),
            ({"user_id": {"constant": "x"}}, "the constant does not fit"),
            ({"request_id": {"by_stage": {"coarse": "a"}}}, "of a ranking log have stages"),
        ],
    )
    def it_is_refused_before_anything_is_read(
        self, spark: SparkSession, tmp_path: Path, columns: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigError, match=message):
            opened(spark, of_clicks(columns), tmp_path, "clicks")
