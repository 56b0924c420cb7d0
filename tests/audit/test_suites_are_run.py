"""Great Expectations runs a user's suite, and each expectation is a gate."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import GateResult
from winnow.audit.suites.rows import Shown
from winnow.audit.suites.running import Judged, judge_suites
from winnow.config.gates import Bounds
from winnow.dates import CalendarDay

from tests.audit.suites_for_tests import expectation, suite_of

DAY = CalendarDay(date(2026, 1, 2), "UTC")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LARGE = 2**60 + 1


@pytest.fixture(scope="module")
def shown(spark: SparkSession) -> Shown:
    rows = [
        (DAY.date, LARGE, 1, 0.5, "train", NOON, 7),
        (DAY.date, None, 2, 1.0, "train", NOON, -7),
        (DAY.date, 3, 3, 1.0, "valid", None, 2**62),
        (DAY.date, 3, 4, 1.0, None, NOON, -(2**62)),
    ]
    schema = (
        "ds date, user_id bigint, item_id bigint, keep_prob double, split string, "
        "click_ts timestamp, shuffle_key bigint"
    )
    return Shown(spark.createDataFrame(rows, schema), 4, ("user_id", "item_id"))


def gates(folder: Path, shown: Shown, *trees: dict[str, Any], **keys: Any) -> list[GateResult]:
    return judged(folder, shown, *trees, **keys).gates


def judged(folder: Path, shown: Shown, *trees: dict[str, Any], **keys: Any) -> Judged:
    suite = suite_of(folder, *trees, **keys)
    return judge_suites([suite], {"positives": shown}, DAY, "run", Judged())


class DescribeAGateOfASuite:
    def it_tells_share_and_values_that_are_unexpected(self, shown: Shown, tmp_path: Path) -> None:
        few = expectation("column_values_to_be_in_set", column="user_id", value_set=[3], mostly=0.9)
        (gate,) = gates(tmp_path, shown, few)
        assert gate == GateResult(
            name="expectations.positives.column_values_to_be_in_set.user_id",
            group="expectations",
            status="fail",
            severity="fail",
            figure=0.333333333333,
            unit="share of unexpected values",
            fail=Bounds(most=0.1),
            meaning="user_id: column values to be in set",
            wanted="value_set [3], mostly 0.9",
            detail=f"1 of 4 values unexpected, such as {LARGE}",
        )

    def it_tells_the_value_that_was_observed(self, shown: Shown, tmp_path: Path) -> None:
        mean = expectation("column_mean_to_be_between", column="keep_prob", min_value=0.9)
        (gate,) = gates(tmp_path, shown, mean, severity="warn")
        assert (gate.status, gate.figure, gate.warn) == ("warn", 0.875, Bounds(least=0.9))
        assert (gate.severity, gate.fail, gate.detail) == ("warn", None, "")

    def it_tells_what_was_observed_and_is_no_number(self, shown: Shown, tmp_path: Path) -> None:
        known = expectation("column_distinct_values_to_equal_set", column="split", value_set=["x"])
        (gate,) = gates(tmp_path, shown, known)
        assert (gate.status, gate.figure) == ("fail", None)
        assert gate.detail == "such as train, valid"

    def it_passes_where_all_is_as_expected(self, shown: Shown, tmp_path: Path) -> None:
        found = gates(
            tmp_path,
            shown,
            expectation("table_row_count_to_equal", value=4),
            expectation("column_values_to_be_unique", column="item_id"),
            expectation(
                "column_values_to_be_between", column="click_ts", min_value="2026-01-02T00:00:00"
            ),
            expectation("column_values_to_be_in_set", column="user_id", value_set=[3, LARGE]),
        )
        assert [(gate.status, gate.figure) for gate in found] == [
            ("pass", 4),
            ("pass", 0.0),
            ("pass", 0.0),
            ("pass", 0.0),
        ]

    def it_knows_the_date_of_the_build(self, shown: Shown, tmp_path: Path) -> None:
        own = expectation(
            "column_values_to_be_between", column="ds", min_value={"$PARAMETER": "ds"}
        )
        late = expectation("column_values_to_be_between", column="ds", min_value="2026-01-03")
        found = gates(tmp_path, shown, own, late)
        assert [gate.status for gate in found] == ["pass", "fail"]

    def it_is_broken_alone(self, shown: Shown, tmp_path: Path) -> None:
        wrong = expectation("column_values_to_be_between", column="split", min_value=0)
        right = expectation("column_values_to_be_unique", column="item_id")
        warns = wrong | {"severity": "info"}
        found = gates(tmp_path, shown, wrong, right, warns)
        assert [gate.status for gate in found] == ["error", "pass", "warn"]
        assert [gate.figure for gate in found] == [None, 0.0, None]
        for gate in (found[0], found[2]):
            assert gate.detail.startswith("could not be judged: ")

    def it_is_broken_where_rows_cannot_be_read(self, shown: Shown, tmp_path: Path) -> None:
        gone = Shown(shown.rows.where("raise_error('gone') IS NULL"), 4, shown.key)
        rule = expectation("table_row_count_to_equal", value=4)
        found = judged(tmp_path, gone, rule, rule)
        assert [gate.status for gate in found.gates] == ["error", "error"]
        assert all("could not be judged" in gate.detail for gate in found.gates)
        assert len(found.suites) == 1


class DescribeAllRows:
    def it_has_the_engine_judge_them(self, shown: Shown, tmp_path: Path) -> None:
        found = gates(
            tmp_path,
            shown,
            expectation("table_row_count_to_equal", value=4),
            expectation("column_values_to_be_in_set", column="user_id", value_set=[3]),
            expectation("column_mean_to_be_between", column="keep_prob", min_value=0.9),
            {
                "type": "unexpected_rows_expectation",
                "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE split = 'valid'"},
            },
            all_rows=True,
        )
        assert [(gate.status, gate.figure) for gate in found] == [
            ("pass", 4),
            ("fail", 0.333333333333),
            ("fail", 0.875),
            ("fail", 1),
        ]
        assert found[1].detail == f"1 of 4 values unexpected, such as {LARGE}"


class DescribeAPartOfTheRows:
    def it_is_chosen_by_shuffle_key_and_told(self, shown: Shown, tmp_path: Path) -> None:
        rule = expectation("column_values_to_be_in_set", column="item_id", value_set=[0])
        found = judged(tmp_path, shown, rule, rows=2)
        (gate,), (kept,) = found.gates, found.suites
        assert gate.detail == "2 of 2 values unexpected, such as 4, 2; of 2 of 4 rows"
        assert (kept.subject, kept.rows, kept.of_rows) == ("positives", 2, 4)

    def it_is_the_same_on_every_engine(self, spark: SparkSession) -> None:
        rows = [(f"u{n % 30}", n, None if n % 7 else n / 3) for n in range(1_000)]
        frame = spark.createDataFrame(rows, "user_id string, item_id bigint, score double")
        part = Shown(frame, 1_000, ("user_id", "item_id")).part(100)
        again = Shown(frame.repartition(7), 1_000, ("user_id", "item_id")).part(100)
        assert part == again
        assert part.num_rows == 113
        assert part["item_id"].to_pylist()[-5:] == [711, 479, 196, 799, 431]

    def it_is_all_where_there_are_no_more(self, shown: Shown) -> None:
        part = shown.part(4)
        assert part["item_id"].to_pylist() == [4, 2, 1, 3]
        assert part.column_names == shown.rows.columns
        assert part.schema.field("user_id").type == pa.int64()
